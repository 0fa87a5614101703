import { constants, gunzipSync, zstdDecompressSync } from "node:zlib";
import { Refusal } from "@holdfast/kernel";

/** How a body may have been made smaller (`Content-Encoding`, RFC 9110, 8.4). */
export const encodings = ["gzip", "zstd"] as const;
export type Encoding = (typeof encodings)[number];

/** `undefined`: as it is. @throws Refusal `request.mediaType` */
export function parseEncoding(text: string): Encoding | undefined {
  const name = text.trim().toLowerCase();
  if (name === "" || name === "identity") return undefined;
  if (name === "x-gzip") return "gzip"; // RFC 9110, 8.4.1.3
  const encoding = encodings.find((one) => one === name);
  if (encoding) return encoding;
  throw new Refusal("request.mediaType", {
    detail: "Of content encodings gzip and zstd are read, one of them at a time.",
  });
}

/** What was said well has a tenth of its length, and the same again and again a fiftieth. More is made to be large. */
const mostTimes = 100;
/** A small body may become this large whatever the ratio: so much costs nobody anything. */
const alwaysFits = 16 * 1024;
/** Zstandard may ask for a window of gigabytes; RFC 8878, 3.1.1.1.2 wants decoders to have 8 MiB, and no message is larger. */
const windowLog = 23;

/** Bytes that a message may become, when nobody says otherwise. */
const largest = 1024 * 1024;

/** What was sent as `said` says. @throws Refusal `request.mediaType`, and as `inflate` does */
export function inflated(sent: Uint8Array, said: string, most: number = largest): Uint8Array {
  const encoding = parseEncoding(said);
  return encoding ? inflate(sent, encoding, most) : sent;
}

/**
 * The bytes that were compressed. Both ceilings, `most` bytes and a hundred times what came, hold while it inflates: zlib stops there.
 * @throws Refusal `request.tooLarge`, `telemetry.malformed`
 */
export function inflate(body: Uint8Array, encoding: Encoding, most: number): Uint8Array {
  const maxOutputLength = Math.min(most, Math.max(alwaysFits, body.length * mostTimes));
  const params = { [constants.ZSTD_d_windowLogMax]: windowLog };
  try {
    // With `info` both answer another type than their declarations say.
    const { buffer, engine } = (encoding === "gzip"
      ? gunzipSync(body, { maxOutputLength, info: true })
      : zstdDecompressSync(body, { maxOutputLength, info: true, params })) as unknown as Inflated;
    // Both pass over what is no further part: readings in it would be lost, and acknowledged.
    if (engine.bytesWritten < body.length) throw new Error("something else follows");
    return buffer;
  } catch (cause) {
    if (isTooLarge(cause))
      throw new Refusal("request.tooLarge", {
        detail: `Inflated it would have more than ${maxOutputLength.toLocaleString("en")} bytes.`,
      });
    throw new Refusal("telemetry.malformed", { detail: `The body is not ${encoding}.`, cause });
  }
}

/** `bytesWritten` are those that it has read: Node's documentation says so. */
type Inflated = { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } };

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";

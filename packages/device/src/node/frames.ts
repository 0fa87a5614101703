import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { systemRandom } from "@holdfast/kernel";

// The file of a journal:
//
//   16 bytes   "holdfast spool 1"
//   16 bytes   salt
//   frames     length (4 bytes, big-endian) of what follows, nonce (12 bytes), AES-256-GCM of the record, tag (16 bytes)
//
// The key is HKDF-SHA256 (RFC 5869) of the secret with this salt. Additional data of a frame is its number, 8 bytes, so that none can be
// left out of the middle, repeated or moved. The first is always `opening`: it tells a wrong secret from a damaged file.

const magic = Buffer.from("holdfast spool 1");
const opening = "holdfast";
const headLength = magic.length + 16;
const overhead = 12 + 16;
/** No record is longer; a length above that is damage. */
const longest = 64 * 1024 * 1024;

/** Seals the frames of one file, from a number on. */
export class Sealer {
  readonly #key: Uint8Array;
  #count: number;

  constructor(key: Uint8Array, count: number) {
    this.#key = key;
    this.#count = count;
  }

  frame(record: string): Buffer {
    const nonce = systemRandom.bytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(place(this.#count++));
    const sealed = Buffer.concat([nonce, cipher.update(record, "utf8"), cipher.final(), cipher.getAuthTag()]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(sealed.length);
    return Buffer.concat([length, sealed]);
  }

  /** The last frame was not kept: the next one stands where it would have. */
  takeBack(): void {
    this.#count -= 1;
  }
}

/** How a new file begins, and what seals the rest of it. */
export function begin(secret: Uint8Array | string): { readonly head: Buffer; readonly sealer: Sealer } {
  const salt = systemRandom.bytes(16);
  const sealer = new Sealer(keyOf(secret, salt), 0);
  return { head: Buffer.concat([magic, salt, sealer.frame(opening)]), sealer };
}

export type Opened = {
  readonly records: readonly string[];
  /** Frames do not open that are not the last one: no kill does that. */
  readonly isDamaged: boolean;
  /** Where the last whole frame ends, and the next one may begin. */
  readonly end: number;
  /** What seals the next one. */
  readonly sealer: Sealer;
};

/** `undefined` where the secret is another one, or these bytes are no journal. The last frame may be cut short: so a kill leaves it. */
export function open(bytes: Buffer, secret: Uint8Array | string): Opened | undefined {
  if (!bytes.subarray(0, magic.length).equals(magic)) return undefined;
  const key = keyOf(secret, bytes.subarray(magic.length, headLength));
  const records: string[] = [];
  let isDamaged = false;
  let at = headLength;
  let count = 0;
  for (; at + 4 <= bytes.length; count += 1) {
    const length = bytes.readUInt32BE(at);
    const end = at + 4 + length;
    if (length < overhead || length > longest) isDamaged = end < bytes.length || isDamaged;
    if (length < overhead || length > longest || end > bytes.length) break;
    const record = unseal(bytes.subarray(at + 4, end), key, count);
    if (count === 0 && record !== opening) return undefined;
    if (record === undefined && end === bytes.length) break;
    if (record === undefined) isDamaged = true;
    else if (count > 0) records.push(record);
    at = end;
  }
  return count === 0 ? undefined : { records, isDamaged, end: at, sealer: new Sealer(key, count) };
}

function unseal(sealed: Buffer, key: Uint8Array, count: number): string | undefined {
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12))
    .setAAD(place(count))
    .setAuthTag(sealed.subarray(-16));
  const text = decipher.update(sealed.subarray(12, -16));
  try {
    return Buffer.concat([text, decipher.final()]).toString();
  } catch {
    return undefined; // its tag is wrong: what that means the caller knows by where it stands
  }
}

const keyOf = (secret: Uint8Array | string, salt: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", secret, salt, "holdfast device spool", 32));

function place(count: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(count));
  return bytes;
}

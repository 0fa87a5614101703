import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { encodeChunk } from "../apps/server/src/telemetry/chunk.ts";
import { RecordWriter } from "../apps/server/src/telemetry/record.ts";
import { encodeRollup, rollupOf } from "../apps/server/src/telemetry/rollup.ts";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { formsOf } from "./at-rest/forms.ts";
import { Search } from "./at-rest/search.ts";

// Whoever finds nothing may not have looked: each form is found where it lies, and where nothing lies nothing is found.
const text = "Zinnia in the hall";
const long = 431_982_645_017_263; // fifteen digits, and below 2^49: beyond, a chunk keeps the halves of doubles
const fine = 731_982.645017;
const short = 73_198.2645;
const search = new Search({ text, long, fine, short });

const among = (bytes: Uint8Array, times = 1): Buffer =>
  Buffer.concat(Array.from({ length: times }, () => [randomBytes(1 + (times % 3)), bytes, randomBytes(7)]).flat());
const formsFound = (bytes: Buffer, what: string) =>
  search
    .in(bytes, "here")
    .filter((found) => found.what === what)
    .map(({ form }) => form);

test("every form of a text and of a number is found, wherever it stands", () => {
  for (const [what, value] of Object.entries({ text, long, fine, short })) {
    for (const { name, bytes } of formsOf(value)) {
      if (bytes.length < 4) continue; // the middle of so little in base64 is anything
      assert.ok(formsFound(among(bytes, 100), what).length > 0, `${what} as ${name}`);
    }
  }
});

test("so is what the encodings of others make of it", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, long);
  const bigEndian = Buffer.from(view.buffer);
  const [floats, wholes] = [
    Buffer.from(Float64Array.of(long).buffer),
    Buffer.from(BigInt64Array.of(BigInt(long)).buffer),
  ];
  const sentence = Buffer.from(`before ${text} behind`);
  const cases: readonly [string, string, Uint8Array][] = [
    ["text", "text", sentence],
    ["text", "hex", Buffer.from(sentence.toString("hex"))],
    ["text", "upper-case hex", Buffer.from(sentence.toString("hex").toUpperCase())],
    ...[0, 1, 2].flatMap((before): [string, string, Uint8Array][] => {
      const shifted = Buffer.from(`${"-".repeat(before)}${text}?`);
      return [
        ["text", `base64 after ${before}`, Buffer.from(shifted.toString("base64"))],
        ["text", `base64 after ${before}`, Buffer.from(shifted.toString("base64url"))],
      ];
    }),
    ["text", "UTF-16, little-endian", Buffer.from(sentence.toString(), "utf16le")],
    ["text", "UTF-16, big-endian", Buffer.from(sentence.toString(), "utf16le").swap16()],
    ["long", "text", Buffer.from(JSON.stringify({ level: long }))],
    ["long", "float64, little-endian", floats],
    ["long", "float64, big-endian", bigEndian],
    ["long", "× 10^0, int64, little-endian", wholes],
    ["fine", "× 10^6, int64, little-endian", Buffer.from(BigInt64Array.of(731_982_645_017n).buffer)],
  ];
  for (const [what, form, bytes] of cases)
    assert.ok(
      formsFound(among(bytes), what).some((found) => found.endsWith(form)),
      `${what} as ${form}`,
    );
  const floats32 = Buffer.from(Float32Array.from({ length: 100 }, () => short).buffer);
  const integers32 = Buffer.from(Int32Array.from({ length: 100 }, () => 731_982_645).buffer);
  assert.ok(formsFound(floats32, "short").includes("float32, little-endian"));
  assert.ok(formsFound(integers32, "short").includes("× 10^4, int32, little-endian"));
});

test("what the platform keeps sealed is found before it is sealed: a record of the log, a chunk, a rollup", () => {
  const times = Float64Array.from({ length: 600 }, (_, at) => 1_790_000_000_000 + at * 1_000);
  for (const [what, value] of Object.entries({ long, fine, short })) {
    const writer = new RecordWriter();
    writer.reading(newId("device", systemRandom), times[0] as Instant, times[0] as Instant, "platform", 1);
    writer.value("level", value);
    const points = { type: "number", times, values: new Float64Array(times.length).fill(value) } as const;
    const kept = { record: writer.finish(), chunk: encodeChunk(points), rollup: encodeRollup(rollupOf(points)) };
    for (const [name, bytes] of Object.entries(kept))
      assert.ok(formsFound(among(bytes, 100), what).length > 0, `${what} in a ${name}`);
  }
  const texts = encodeChunk({ type: "text", times, values: Array.from(times, () => text) });
  assert.deepEqual(formsFound(Buffer.from(texts), "text"), ["text"]);
});

test("nothing is found where nothing lies", () => {
  assert.deepEqual(search.in(randomBytes(64 * 1024 * 1024), "chance"), []);
});

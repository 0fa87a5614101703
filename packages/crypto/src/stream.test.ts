import assert from "node:assert/strict";
import { createDecipheriv, createSecretKey } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { StreamOpener, streamChunk, StreamSealer } from "./index.ts";

const bytesOf = Uint8Array.from({ length: 32 }, (_, at) => at);
const key = createSecretKey(bytesOf);
const broken = { code: "seal.broken" };
const tag = 16;

function sealed(plain: Uint8Array, pieces = [plain.length]): Buffer {
  const sealer = new StreamSealer(key);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const length of [...pieces, plain.length]) {
    parts.push(...sealer.update(plain.subarray(at, at + length)));
    at += length;
  }
  return Buffer.concat([...parts, sealer.final()]);
}

function opened(bytes: Uint8Array, piece = bytes.length + 1): Buffer {
  const opener = new StreamOpener(key);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += piece) parts.push(...opener.update(bytes.subarray(at, at + piece)));
  return Buffer.concat([...parts, opener.final()]);
}

const pattern = (length: number) => Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
const lengths = [0, 1, streamChunk - 1, streamChunk, streamChunk + 1, 2 * streamChunk, 2 * streamChunk + 5];

test("a stream opens to what was sealed, in whatever pieces it comes and goes", () => {
  for (const length of lengths) assert.deepEqual(opened(sealed(pattern(length))), pattern(length));
  const size = fc.integer({ min: 1, max: 2 * streamChunk });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 * streamChunk }),
      fc.array(size, { maxLength: 5 }),
      size,
      (length, pieces, piece) => {
        const bytes = sealed(pattern(length), pieces);
        assert.deepEqual(bytes, sealed(pattern(length)));
        assert.deepEqual(opened(bytes, piece), pattern(length));
      },
    ),
    { numRuns: 30 },
  );
});

test("each chunk is AES-256-GCM under its number and whether it is the last", () => {
  const plain = pattern(streamChunk + 3);
  const bytes = sealed(plain);
  const chunks = [bytes.subarray(0, streamChunk + tag), bytes.subarray(streamChunk + tag)];
  const nonces = ["000000000000000000000000", "000000000000000000000101"];
  const parts = chunks.map((chunk, at) => {
    const decipher = createDecipheriv("aes-256-gcm", bytesOf, Buffer.from(nonces[at] ?? "", "hex"));
    decipher.setAuthTag(chunk.subarray(-tag));
    return Buffer.concat([decipher.update(chunk.subarray(0, -tag)), decipher.final()]);
  });
  assert.deepEqual(Buffer.concat(parts), plain);
});

test("what was cut, continued, exchanged, repeated, left out or changed does not open", () => {
  const whole = sealed(pattern(2 * streamChunk + 5));
  const size = streamChunk + tag;
  const [first, second, last] = [whole.subarray(0, size), whole.subarray(size, 2 * size), whole.subarray(2 * size)];
  const wrong = {
    nothing: [],
    "cut between two chunks": [first, second],
    "cut in a chunk": [first, second, last.subarray(0, -1)],
    continued: [whole, Buffer.alloc(1)],
    "continued by a stream": [whole, sealed(pattern(3))],
    exchanged: [second, first, last],
    repeated: [first, first, second, last],
    "left out": [first, last],
    "the last alone": [last],
  };
  for (const [what, parts] of Object.entries(wrong)) assert.throws(() => opened(Buffer.concat(parts)), broken, what);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length * 8 - 1 }), (bit) => {
      const changed = Buffer.from(whole);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(() => opened(changed), broken);
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import vectors from "../../../vectors/hkdf.json" with { type: "json" };
import { hkdf } from "./derive.ts";
import { blindIndex, derive } from "./index.ts";

const hex = (text: string) => Uint8Array.fromHex(text);

test("deriving is HKDF as RFC 5869 has it", () => {
  for (const { ikm, salt, info, length, okm, ...named } of vectors.rfc5869) {
    assert.deepEqual(hkdf(hex(ikm), hex(salt), hex(info), length), hex(okm), named.case);
  }
});

test("a purpose gives the same key for ever", () => {
  for (const { key, purpose, derived } of vectors.derive) assert.deepEqual(derive(hex(key), purpose), hex(derived));
});

test("a purpose has a name", () => {
  for (const purpose of ["", "\ud800"]) assert.throws(() => derive(new Uint8Array(32), purpose), RangeError);
});

test("a blind index is HMAC-SHA-256 cut to 16 bytes", () => {
  for (const { key, value, index, source } of vectors.blindIndex) {
    assert.deepEqual(blindIndex(hex(key), value), hex(index), source);
  }
});

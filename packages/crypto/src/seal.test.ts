import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { test } from "node:test";
import { systemRandom, type Random } from "@holdfast/kernel";
import fc from "fast-check";
import gcm from "../../../vectors/aes-gcm.json" with { type: "json" };
import vectors from "../../../vectors/seal.json" with { type: "json" };
import { associated, open, seal, sealOverhead } from "./index.ts";

const hex = (text: string) => Uint8Array.fromHex(text);
const says = (bytes: Uint8Array<ArrayBuffer>): Random => ({ bytes: () => bytes });
const broken = { code: "seal.broken" };
const key = hex(vectors.key);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

test("sealing is AES-256-GCM as its published vectors have it, those that must fail included", () => {
  for (const { key, iv, aad, msg, ct, tag, result, source } of gcm.cases) {
    const sealed = hex(`01${iv}${ct}${tag}`);
    if (result === "valid") {
      assert.deepEqual(open(hex(key), hex(aad), sealed), hex(msg), source);
      assert.deepEqual(seal(hex(key), hex(aad), hex(msg), says(hex(iv))), sealed, source);
    } else {
      assert.throws(() => open(hex(key), hex(aad), sealed), broken, source);
    }
  }
});

test("what was sealed by an earlier version still opens, and only in its place", () => {
  for (const { place, plain, sealed, ...known } of vectors.valid) {
    assert.deepEqual(associated(place), hex(known.associated));
    assert.deepEqual(open(key, associated(place), hex(sealed)), hex(plain));
    assert.deepEqual(seal(key, associated(place), hex(plain), says(hex(sealed).slice(1, 13))), hex(sealed));
  }
  for (const { place, sealed, why } of vectors.invalid) {
    assert.throws(() => open(key, associated(place), hex(sealed)), broken, why);
  }
});

test("what is sealed opens again, by the bytes of the key or the key made of them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), bytes(64), bytes(4096), (key, associated, plain) => {
      const sealed = seal(key, associated, plain, systemRandom);
      assert.equal(sealed.length, plain.length + sealOverhead);
      assert.deepEqual(open(createSecretKey(key), associated, sealed), Uint8Array.from(plain));
    }),
  );
});

test("no bytes open by chance, and none crash", () => {
  fc.assert(
    fc.property(bytes(200), bytes(20), (sealed, place) => assert.throws(() => open(key, place, sealed), broken)),
  );
});

test("any changed bit breaks the seal", () => {
  const place = associated({ org: "o", kind: "k", row: "r", version: 0 });
  const sealed = seal(key, place, Uint8Array.of(1, 2, 3), systemRandom);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const changed = Uint8Array.from(sealed, (byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    assert.throws(() => open(key, place, changed), broken);
  }
});

test("the same text sealed twice differs", () => {
  const [one, other] = [1, 2].map(() => seal(key, key, key, systemRandom));
  assert.notDeepEqual(one, other);
});

test("two places are never the same bytes, and a place must be writable", () => {
  const text = fc.string({ unit: fc.constantFrom("", "a", "\0", "é", "😀"), maxLength: 3 });
  const place = fc.record({ org: text, kind: text, row: text, version: fc.nat(3) });
  fc.assert(
    fc.property(place, place, (one, other) => {
      const equal = JSON.stringify(one) === JSON.stringify(other);
      assert.equal(Buffer.compare(associated(one), associated(other)) === 0, equal);
    }),
  );
  const some = { org: "", kind: "", row: "", version: 0 };
  assert.throws(() => associated({ ...some, row: "\ud800" }), RangeError);
  assert.throws(() => associated({ ...some, version: 2 ** 53 }), RangeError);
  assert.throws(() => associated({ ...some, version: -1 }), RangeError);
});

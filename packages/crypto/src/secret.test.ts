import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "@holdfast/kernel";
import fc from "fast-check";
import vectors from "../../../vectors/secret.json" with { type: "json" };
import { checksum } from "./checksum.ts";
import { digestSecret, isSecret, newSecret, secretMatches, secretPrefixes, type SecretKind } from "./secret.ts";

const kinds: readonly SecretKind[] = ["key", "setupLink", "invitation", "session"];

test("secrets are written and kept in one form", () => {
  for (const { kind, bytes, text, digest } of vectors.valid) {
    const known = kinds.find((one) => one === kind);
    assert.ok(known);
    assert.equal(newSecret({ bytes: () => Uint8Array.fromHex(bytes) }, known), text);
    assert.ok(isSecret(text, known));
    assert.equal(digestSecret(text).toHex(), digest);
  }
  for (const { text, why } of vectors.invalid) {
    for (const kind of kinds) assert.equal(isSecret(text, kind), false, why);
  }
});

test("a secret is of one kind, and matches its own digest alone", () => {
  for (const kind of kinds) {
    const [one, other] = [newSecret(systemRandom, kind), newSecret(systemRandom, kind)];
    assert.ok(one.startsWith(secretPrefixes[kind]));
    for (const asked of kinds) assert.equal(isSecret(one, asked), asked === kind);
    assert.ok(secretMatches(one, digestSecret(one)));
    assert.equal(secretMatches(other, digestSecret(one)), false);
    assert.equal(secretMatches(one, digestSecret(one).subarray(1)), false);
  }
});

test("one wrong character is told from the secret alone", () => {
  const secret = newSecret(systemRandom);
  fc.assert(
    fc.property(fc.nat(secret.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, other) => {
      const changed = secret.slice(0, at) + other + secret.slice(at + 1);
      assert.equal(isSecret(changed), changed === secret);
    }),
  );
});

test("a checksum always has six digits", () => {
  assert.equal(checksum(""), "000000");
  assert.equal(checksum("123456789"), "3jZRME"); // CRC-32/ISO-HDLC of this is cbf43926
  fc.assert(fc.property(fc.string(), (text) => assert.match(checksum(text), /^[0-9A-Za-z]{6}$/)));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom, type Instant } from "@holdfast/kernel";
import fc from "fast-check";
import vectors from "../../../vectors/one-time-password.json" with { type: "json" };
import { base32, newTotpSecret, stepOfCode, totpStep, totpUri } from "./index.ts";
import { hotp } from "./one-time-password.ts";

const hex = (text: string) => Uint8Array.fromHex(text);

test("a code of a counter is HOTP as RFC 4226 has it", () => {
  for (const { secret, counter, code } of vectors.hotp) assert.equal(hotp(hex(secret), counter), code);
});

test("a code of a time is TOTP as RFC 6238 has it, with each of its hashes", () => {
  assert.equal(vectors.totp.length, 18);
  for (const { hash, secret, seconds, code } of vectors.totp) {
    const step = totpStep((seconds * 1_000) as Instant); // milliseconds since 1970
    assert.equal(hotp(hex(secret), step, { hash: hash as "sha1", digits: 8 }), code, `${hash} at ${seconds}`); // one of the three
  }
});

test("[V6.5.5] a code is taken in its own thirty seconds and in the thirty after, and in no others", () => {
  const secret = newTotpSecret(systemRandom);
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 1e8 }), fc.integer({ min: 0, max: 29_999 }), (step, within) => {
      const at = (step * 30_000 + within) as Instant; // milliseconds since 1970
      const taken = [-2, -1, 0, 1].map((away) => stepOfCode(secret, hotp(secret, step + away), at));
      // Codes of different steps are the same once in a million.
      const codes = new Set([-2, -1, 0, 1].map((away) => hotp(secret, step + away)));
      if (codes.size === 4) assert.deepEqual(taken, [undefined, step - 1, step, undefined]);
    }),
  );
});

test("what is no code is none, however long it is", () => {
  const secret = newTotpSecret(systemRandom);
  for (const text of ["", "1", "12345", "1234567", "ööö", "000000\0", "0".repeat(10_000)])
    assert.equal(stepOfCode(secret, text, 1_000_000_000_000 as Instant), undefined);
});

test("a secret has 160 bits, and reads as base32", () => {
  assert.equal(newTotpSecret(systemRandom).length, 20);
  for (const { bytes, text } of vectors.base32) assert.equal(base32(hex(bytes)), text);
});

test("what an app reads says whose the secret is, and of which platform", () => {
  const uri = totpUri(hex("31323334353637383930"), { issuer: "Holdfast (hub.example)", account: "a+b@example.com" });
  assert.equal(
    uri,
    "otpauth://totp/Holdfast%20(hub.example):a%2Bb%40example.com?secret=GEZDGNBVGY3TQOJQ&issuer=Holdfast%20(hub.example)",
  );
  const { protocol, searchParams } = new URL(uri);
  assert.deepEqual([protocol, searchParams.get("issuer")], ["otpauth:", "Holdfast (hub.example)"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import fc from "fast-check";
import { CompactEncrypt, compactDecrypt } from "jose";
import vectors from "../../../vectors/token.json" with { type: "json" };
import { decode, encode } from "./base64url.ts";
import { checksum } from "./checksum.ts";
import { mintToken, newKid, newNonce, openToken, parseToken, type TokenClaims } from "./index.ts";

const key = Uint8Array.fromHex(vectors.key);
const claims: TokenClaims = {
  jti: newId("token", systemRandom),
  org: newId("org", systemRandom),
  iat: 1_700_000_000,
  seq: 4,
  nonce: newNonce(systemRandom),
  grants: [{ action: "device.read", on: ["dev_1"] }],
};
const kid = newKid(systemRandom);
const token = await mintToken({ key, kid, claims });

test("a token says what was put into it, to the holder of the key", async () => {
  for (const some of [claims, { ...claims, exp: 1_800_000_000, grants: [] }]) {
    const parsed = parseToken(await mintToken({ key, kid, claims: some }));
    assert.ok(parsed);
    assert.equal(parsed.kid, kid);
    assert.deepEqual(openToken(key, parsed), some);
    assert.equal(openToken(new Uint8Array(32), parsed), undefined);
  }
});

test("tokens of earlier versions open, and each kind of wrong one is refused where it should be", async () => {
  for (const { token, kid, claims } of vectors.valid) {
    const parsed = parseToken(token);
    assert.equal(parsed?.kid, kid);
    assert.deepEqual(openToken(key, parsed), claims);
  }
  for (const { token, why, refusedBy } of vectors.invalid) {
    const parsed = parseToken(token);
    assert.equal(parsed === undefined, refusedBy === "form", why);
    if (parsed) assert.equal(openToken(key, parsed), undefined, why);
  }
});

test("a token is a JWE like any other, to any program that has the key", async () => {
  const { plaintext, protectedHeader } = await compactDecrypt(token.slice(3, -7), key);
  assert.deepEqual(JSON.parse(Buffer.from(plaintext).toString()), claims);
  assert.deepEqual(protectedHeader, { alg: "dir", enc: "A256GCM", kid, typ: "holdfast+jwt" });
  const plain = Buffer.from(JSON.stringify({ ...claims, seq: 9 }));
  const foreign = `hf_${await new CompactEncrypt(plain).setProtectedHeader(protectedHeader).encrypt(key)}`;
  const parsed = parseToken(`${foreign}.${checksum(foreign)}`);
  assert.ok(parsed);
  assert.equal(openToken(key, parsed)?.seq, 9);
});

test("a token has one spelling: no single change of a character leaves it a token", () => {
  const characters = ["A", "a", "0", "-", "_", "=", ".", "+", "/", " ", "\n", "\0", "é", "%41"];
  for (let at = 0; at < token.length; at += 1) {
    const now = token.charAt(at);
    const cased = now === now.toLowerCase() ? now.toUpperCase() : now.toLowerCase();
    for (const other of [...characters, cased, ""]) {
      if (other !== now) assert.equal(parseToken(token.slice(0, at) + other + token.slice(at + 1)), undefined);
    }
    for (const more of ["=", ".", "A", " ", "\r\n"]) {
      assert.equal(parseToken(token.slice(0, at) + more + token.slice(at)), undefined);
    }
  }
  for (const more of ["=", ".", "A", " ", "\r\n"]) assert.equal(parseToken(token + more), undefined);
});

test("a change with a new checksum fails in form or under the key, and never opens", () => {
  const body = token.slice(3, -7);
  const characters = "Aa0-_=.+/ ".split("");
  for (let at = 0; at < body.length; at += 1) {
    for (const other of characters) {
      if (other === body.charAt(at)) continue;
      const changed = `hf_${body.slice(0, at)}${other}${body.slice(at + 1)}`;
      const parsed = parseToken(`${changed}.${checksum(changed)}`);
      if (parsed) assert.equal(openToken(key, parsed), undefined);
    }
  }
});

test("claims that could not be read back are not written", async () => {
  const wrong = { ...claims, nonce: "short" };
  await assert.rejects(mintToken({ key, kid, claims: wrong }), TypeError);
  await assert.rejects(mintToken({ key, kid: "short", claims }), RangeError);
  await assert.rejects(mintToken({ key, kid, claims: { ...claims, grants: ["x".repeat(8192)] } }), RangeError);
});

const long = { maxLength: 300, size: "max" } as const;

test("no text crashes the parser", () => {
  const parts = fc.array(fc.oneof(fc.string(long), fc.base64String(long)), { maxLength: 7, size: "max" });
  fc.assert(fc.property(parts, (some) => assert.equal(parseToken(`hf_${some.join(".")}`), undefined)));
});

test("bytes have one spelling in base64url", () => {
  fc.assert(
    fc.property(fc.uint8Array(long), (bytes) => assert.deepEqual(decode(encode(bytes)), Uint8Array.from(bytes))),
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(long), fc.base64String(long)), (text) => {
      const bytes = decode(text);
      if (bytes) assert.equal(encode(bytes), text);
    }),
  );
});

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { selfSigned } from "@holdfast/client/testing";
import fc from "fast-check";
import { fingerprintOf, readPublicKey, thumbprintOf } from "./public-key.ts";

const pairs = [generateKeyPairSync("ed25519"), generateKeyPairSync("ec", { namedCurve: "P-256" })];
const pemOf = (key: KeyObject) => String(key.export({ type: "spki", format: "pem" }));
const faultIn = (text: string) => {
  const read = readPublicKey(text);
  return "fault" in read ? read.fault : undefined;
};

test("a key in PEM is the key that Node reads, and so is the same as a JWK", async () => {
  for (const { publicKey } of pairs) {
    const jwk = publicKey.export({ format: "jwk" });
    for (const text of [
      pemOf(publicKey),
      `before\n${pemOf(publicKey).replaceAll("\n", "\r\n")}`,
      JSON.stringify({ ...jwk, kid: "1" }),
    ])
      assert.deepEqual(readPublicKey(text), { key: { ...jwk }, certificate: undefined });
  }
});

test("a certificate is read for its key, and known by the fingerprint that openssl shows", async () => {
  const { cert } = selfSigned();
  const known = new X509Certificate(cert);
  const read = readPublicKey(cert);
  assert.ok("key" in read && read.certificate);
  assert.deepEqual(read.key, { ...known.publicKey.export({ format: "jwk" }) });
  assert.equal(await fingerprintOf(read.certificate), known.fingerprint256);
});

test("a key's thumbprint is that of RFC 7638", async () => {
  // RFC 8037, appendix A.3.
  const x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
  assert.equal(await thumbprintOf({ kty: "OKP", crv: "Ed25519", x }), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  const { x: ecX = "", y = "" } = pairs[1]?.publicKey.export({ format: "jwk" }) ?? {};
  const canonical = `{"crv":"P-256","kty":"EC","x":"${ecX}","y":"${y}"}`;
  const expected = createHash("sha256").update(canonical).digest("base64url");
  assert.equal(await thumbprintOf({ kty: "EC", crv: "P-256", x: ecX, y }), expected);
});

test("a private key is told from what is none, and from a key of another kind", () => {
  for (const { privateKey } of pairs) {
    assert.equal(faultIn(String(privateKey.export({ type: "pkcs8", format: "pem" }))), "private");
    assert.equal(faultIn(JSON.stringify(privateKey.export({ format: "jwk" }))), "private");
  }
  assert.equal(faultIn(pemOf(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey)), "kind");
  assert.equal(faultIn(JSON.stringify({ kty: "RSA", n: "AQAB", e: "AQAB" })), "kind");
  for (const text of ["", "key", "{", "{}", "-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----"])
    assert.equal(faultIn(text), "unknown", text);
});

test("no bytes in a certificate's place crash it", () => {
  const { cert } = selfSigned();
  const whole = Buffer.from(cert.replaceAll(/-----.*-----|\s/g, ""), "base64");
  const pem = (bytes: Uint8Array) =>
    `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes).toString("base64")}\n-----END CERTIFICATE-----`;
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => void readPublicKey(pem(bytes))));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const altered = Uint8Array.from(whole);
      altered[at] = byte;
      void readPublicKey(pem(altered));
      void readPublicKey(pem(whole.subarray(0, at)));
    }),
  );
});

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { systemRandom } from "@holdfast/kernel";
import vectors from "../../../vectors/proof.json" with { type: "json" };
import { isCertificateOf, parsePublicKey, proofMessage, proves, thumbprint, type PublicKey } from "./proof.ts";

type Vector = { key: unknown; id: string; nonce: string; exporter: string };
const proofOf = ({ id, nonce, exporter }: Vector) => ({
  id,
  nonce: Uint8Array.fromHex(nonce),
  exporter: Uint8Array.fromHex(exporter),
});
const keyOf = ({ key }: Pick<Vector, "key">) => key as PublicKey; // as the file has it, right or wrong

test("a proof is made and judged as the vectors say", () => {
  for (const one of vectors.valid) {
    const key = keyOf(one);
    assert.deepEqual(parsePublicKey(key), key);
    assert.equal(thumbprint(key), one.thumbprint);
    assert.equal(proofMessage(proofOf(one)).toHex(), one.message);
    assert.ok(proves(key, proofOf(one), Uint8Array.fromHex(one.signature)));
  }
  for (const one of vectors.invalid) {
    assert.equal(proves(keyOf(one), proofOf(one), Uint8Array.fromHex(one.signature)), false, one.why);
  }
  for (const one of vectors.notKeys) {
    assert.equal(parsePublicKey(keyOf(one)), undefined, one.why);
  }
});

test("a thumbprint is that of RFC 8037, appendix A.3", () => {
  const x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
  assert.equal(thumbprint({ kty: "OKP", crv: "Ed25519", x }), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
});

test("what one key signs another does not prove", () => {
  const [own, other] = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
  const proof = { id: "key_1", nonce: systemRandom.bytes(32), exporter: systemRandom.bytes(32) };
  const signature = sign(null, proofMessage(proof), own.privateKey);
  const keyFrom = ({ publicKey }: typeof own) => publicKey.export({ format: "jwk" }) as PublicKey; // both are OKP
  assert.ok(proves(keyFrom(own), proof, signature));
  assert.equal(proves(keyFrom(other), proof, signature), false);
});

test("a certificate is of its own key alone, and what is no certificate is of none", () => {
  for (const { key, certificate, is, why } of vectors.certificates) {
    assert.equal(isCertificateOf(keyOf({ key }), Uint8Array.fromHex(certificate)), is, why);
  }
  const [{ key, certificate }] = vectors.certificates as [(typeof vectors.certificates)[number]]; // there is one
  const bytes = Uint8Array.fromHex(certificate);
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(isCertificateOf(keyOf({ key }), bytes.subarray(0, length)), false);
  }
  for (let round = 0; round < 200; round++) isCertificateOf(keyOf({ key }), systemRandom.bytes(round)); // does not throw
});

import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { publicKeyIn } from "@holdfast/crypto";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { selfSigned, signedBy } from "@holdfast/client/testing";
import { claimIn, digestOf, faultOf, issuerOf, nameOfIssuer } from "../apps/server/src/authority/issuer.ts";
import { Signing } from "../apps/server/src/tls/index.ts";

const signing = new Signing({ random: systemRandom });
const now = Date.UTC(2026, 6, 1) as Instant; // whole milliseconds
const year = 365 * 24 * 3_600_000;
const later = (milliseconds: number) => (now + milliseconds) as Instant;
const rawOf = (pem: string) => new X509Certificate(pem).raw;

async function newIssuer() {
  const id = newId("certificateAuthority", systemRandom);
  const signed = await signing.newAuthority({ commonName: nameOfIssuer(id), notBefore: now, notAfter: later(year) });
  const privateKey = createPrivateKey(signed.key);
  return {
    issuer: issuerOf(id, signed.certificate),
    signed,
    pair: { privateKey, publicKey: createPublicKey(privateKey) },
  };
}
const { issuer, signed, pair: own } = await newIssuer();
const other = await newIssuer();
const device = generateKeyPairSync("ed25519");
const key = publicKeyIn(rawOf(selfSigned({ pair: device }).cert));
assert.ok(key);
const claimed = { issuer: { organisation: "Holdfast", name: issuer.name }, serial: "41".repeat(16), forClients: true };
const whenever = { from: "20260601000000Z", until: "20260801000000Z", pair: device };

function faultIn(pem: string, by = issuer, at = now) {
  const claim = claimIn(rawOf(pem));
  assert.ok(claim, "it says that we issued it");
  return faultOf(claim, by, at);
}

test("what an authority certifies is good from its first second to its last, and what it says of itself is its number", async () => {
  const about = { commonName: "dev_1", notBefore: later(1_000), notAfter: later(3_000), key };
  const { certificate, serial } = await signing.certify(signed, about);
  const claim = claimIn(rawOf(certificate));
  assert.deepEqual([claim?.by, claim?.serial], [issuer.id, serial]);
  assert.deepEqual(
    [0, 999, 1_000, 2_999, 3_000].map((at) => faultIn(certificate, issuer, later(at))),
    ["a certificate of later", "a certificate of later", undefined, undefined, "a certificate that is over"],
  );
  const long = await signing.certify(signed, { ...about, notAfter: later(2 * year) });
  assert.equal(faultIn(long.certificate, issuer, later(year)), "a certificate that is over", "its authority is");
});

test("what an authority's own key signed is no device's certificate unless it is one for clients, and for nothing else", () => {
  const shows = (more: object) => signedBy(own, { ...claimed, ...whenever, ...more }).cert;
  assert.equal(faultIn(shows({})), undefined);
  assert.equal(faultIn(shows({ isAuthority: true })), "a certificate that was not issued here");
  assert.equal(faultIn(shows({ forClients: false })), "a certificate that was not issued here");
});

test("another key's signature under the same name is nobody's, whoever's key it is", () => {
  for (const signer of [device, other.pair])
    assert.equal(faultIn(signedBy(signer, { ...claimed, ...whenever }).cert), "a certificate that was not issued here");
  const good = signedBy(own, { ...claimed, ...whenever }).cert;
  assert.equal(faultIn(good, other.issuer), "a certificate that was not issued here");
  const claim = claimIn(rawOf(good));
  assert.equal(claim && faultOf(claim, undefined, now), "a certificate that was not issued here");
});

test("a certificate that does not say that we issued it says nothing here, and neither do bytes that are none", () => {
  assert.equal(claimIn(rawOf(selfSigned().cert)), undefined);
  assert.equal(claimIn(Uint8Array.of(0x30, 0)), undefined);
  for (const issued of [
    { organisation: "Holdfast", name: "Holdfast devices cau_1" },
    { organisation: "Elsewhere", name: issuer.name },
    { organisation: "Holdfast", name: `${issuer.name} ` },
    { organisation: "Holdfast", name: `x\nCN=${issuer.name}` },
  ])
    assert.equal(claimIn(rawOf(signedBy(device, { ...claimed, ...whenever, issuer: issued }).cert)), undefined);
});

test("the same number of the same authority with another key is another certificate", () => {
  const neighbour = publicKeyIn(rawOf(selfSigned().cert));
  const named = { by: issuer.id, serial: claimed.serial };
  assert.ok(neighbour);
  assert.notDeepEqual(digestOf(named, neighbour), digestOf(named, key));
  assert.deepEqual(digestOf(named, key), digestOf({ ...named }, { ...key }));
});

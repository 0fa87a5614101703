import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import fc from "fast-check";
import { credentialIn, mintToken, newKid, newNonce, newSecret, scrub } from "./index.ts";

const claims = {
  jti: newId("token", systemRandom),
  org: newId("org", systemRandom),
  iat: 1_700_000_000,
  seq: 1,
  nonce: newNonce(systemRandom),
  grants: ["telemetry.read"],
};
const token = await mintToken({ key: systemRandom.bytes(32), kid: newKid(systemRandom), claims });
const credentials = [
  token,
  newSecret(systemRandom),
  newSecret(systemRandom, "setupLink"),
  newSecret(systemRandom, "invitation"),
  newSecret(systemRandom, "session"),
];

/** Every character, or some, as %XX; then that again, as often as asked. */
function encoded(text: string, every: number, times: number): string {
  const hex = (character: string) => `%${character.charCodeAt(0).toString(16)}`;
  const once = Array.from(text, (character, i) => (i % every === 0 ? hex(character) : character)).join("");
  return times <= 1 ? once : encoded(once, 1, times - 1);
}

test("a credential is found wherever it stands in a URL, however it is encoded", () => {
  for (const credential of credentials) {
    const spellings = [credential, encoded(credential, 1, 1), encoded(credential, 3, 1), encoded(credential, 2, 2)];
    spellings.push(encoded(credential, 5, 1).replaceAll("%", "%2525"), `key_${"0".repeat(32)}.${credential}`);
    for (const spelling of spellings) {
      for (const url of [
        spelling,
        `/v1/devices?token=${spelling}&x=1`,
        `/v1/${spelling}/x`,
        `/?a=hfs_hf_${spelling}_`,
      ]) {
        assert.ok(credentialIn(url), url);
        const clean = scrub(`GET ${url} 404`);
        assert.ok(!clean.includes(credential.slice(60, 80) || credential.slice(10, 30)));
        assert.ok(!credentialIn(clean));
        assert.match(clean, /^GET .*\[credential\]/);
      }
    }
  }
});

test("what only looks like a credential is no reason to refuse a request, but does not get into a log either", () => {
  for (const credential of credentials) {
    const mistyped = credential.slice(0, -1) + (credential.endsWith("0") ? "1" : "0");
    const cut = credential.slice(0, -9);
    for (const text of [mistyped, cut]) {
      assert.equal(credentialIn(`/v1/x?y=${text}`), false);
      assert.equal(scrub(`x=${text}&y=2`), "x=[credential]&y=2");
    }
  }
  assert.equal(scrub(token.slice(3)), "[credential]");
});

test("text without credentials goes into the log as it is", () => {
  for (const text of [
    "",
    "/v1/devices?name=50%25%20off",
    "%",
    "%zz",
    "hfs_",
    "hf_eyJ",
    "a%0Ab",
    newId("device", systemRandom),
  ]) {
    assert.equal(scrub(text), text);
    assert.equal(credentialIn(text), false);
  }
  assert.equal(scrub(`a%0Ab ${credentials[1]}`), "a%0Ab [credential]");
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii", maxLength: 400, size: "max" }), (text) =>
      assert.equal(scrub(text), text),
    ),
  );
});

test("hostile text costs no more than its length", { timeout: 2000 }, () => {
  const heads = [token.slice(0, 51), token.slice(0, 128), "hfs_", "%25", "%2525", "%2%35", "hf_", "hfs_AAAAAAAA."];
  for (const head of heads) {
    const text = head.repeat(Math.ceil(100_000 / head.length));
    assert.equal(credentialIn(text), false);
    scrub(text);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { readLogoutToken } from "./logout-token.ts";

const { publicKey, privateKey } = await generateKeyPair("ES256");
const stranger = await generateKeyPair("ES256");
const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "one", alg: "ES256", use: "sig" }] };
const now = 1_800_000_000_000;
const seconds = now / 1_000;
const expected = { issuer: "https://provider.example", audience: "client", now };
const event = "http://schemas.openid.net/event/backchannel-logout";
const whole = {
  iss: expected.issuer,
  aud: expected.audience,
  iat: seconds,
  exp: seconds + 120,
  jti: "token 1",
  sub: "ada",
  sid: "session 1",
  events: { [event]: {} },
};

const token = (change: object = {}, { typ = "logout+jwt", key = privateKey, kid = "one" } = {}) =>
  new SignJWT({ ...whole, ...change }).setProtectedHeader({ alg: "ES256", kid, typ }).sign(key);

test("a logout token says who signed out, by her name, by her session, or by both", async () => {
  const read = async (change: object) => readLogoutToken(await token(change), keys, expected);
  const both = { subject: "ada", sid: "session 1", jti: "token 1" };
  assert.deepEqual(await read({}), both);
  assert.deepEqual(await read({ sid: undefined }), { ...both, sid: undefined });
  assert.deepEqual(await read({ sub: undefined }), { ...both, subject: undefined });
  assert.deepEqual(await readLogoutToken(await token({}, { typ: "JWT" }), keys, expected), both);
});

test("what is no logout token of this provider for this client, now, is none", async () => {
  const changes: object[] = [
    { iss: "https://other.example" },
    { aud: "another client" },
    { exp: seconds - 61 },
    { exp: undefined },
    { exp: seconds + 3_600 },
    { iat: undefined },
    { jti: undefined },
    { events: undefined },
    { events: { other: {} } },
    { nonce: "an ID token has one" },
    { sub: undefined, sid: undefined },
    { sid: 7 },
  ];
  for (const change of changes)
    assert.equal(await readLogoutToken(await token(change), keys, expected), undefined, JSON.stringify(change));
  assert.equal(await readLogoutToken(await token({}, { typ: "at+jwt" }), keys, expected), undefined);
  assert.equal(await readLogoutToken(await token({}, { key: stranger.privateKey }), keys, expected), "unknownKey");
  assert.equal(await readLogoutToken(await token({}, { kid: "two" }), keys, expected), "unknownKey");
  const [header, payload] = (await token()).split(".");
  const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`;
  const shared = await new SignJWT(whole)
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(JSON.stringify(keys)));
  for (const text of ["", "a.b.c", `${header}.${payload}.`, none, shared, "x".repeat(20_000)])
    assert.notEqual(typeof (await readLogoutToken(text, keys, expected)), "object", text.slice(0, 20));
  for (const broken of [undefined, null, {}, { keys: "none" }])
    assert.equal(await readLogoutToken(await token(), broken, expected), undefined);
});

import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type tls from "node:tls";
import { createWebSocketStream, WebSocket } from "ws";
import { proofMessage } from "@holdfast/crypto";
import { Refusal } from "@holdfast/kernel";
import { atEnd, ProvingLine, signed, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { placeOf } from "./clients.fixture.ts";

// docs/proof.md, by a client of MQTT 5 that does exactly what a test wants, over real TLS.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const place = placeOf(platform);
const owner = await platform.setUp();
const me = platform.visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });

type Key = { id: string; secret: string };
type Problem = { code: string };

const jwkOf = (key: KeyObject) => {
  const { kty, crv, x, y } = key.export({ format: "jwk" });
  return { kty, crv, x, ...(y !== undefined && { y }) };
};
const kinds = {
  Ed25519: () => generateKeyPairSync("ed25519"),
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
};

let names = 0;
async function boundDevice(pair = kinds.Ed25519()) {
  const body = { application: application.id, name: `Device ${(names += 1)}`, publicKey: jwkOf(pair.publicKey) };
  const device = await me.post<{ id: string; key: Key }>("/v1/devices", body);
  return { ...device, privateKey: pair.privateKey };
}

/** Refusals are written down a moment after they were said. */
async function refusalWritten(about: string, because: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const entries = await me.get(`/v1/audit?about=${about}`);
    if (JSON.stringify(entries).includes(because)) return;
    await setTimeout(10);
  }
  assert.fail(`There is no entry of ${because}.`);
}

const dial = (options: tls.ConnectionOptions = {}) => ProvingLine.dial({ port: place.mqttPort, ca: place.ca }, options);

async function overWebSocket(): Promise<ProvingLine> {
  const socket = new WebSocket(`${place.url.replace("https", "wss")}/mqtt`, "mqtt", { ca: place.ca });
  await once(socket, "open");
  return new ProvingLine(Reflect.get(socket, "_socket") as tls.TLSSocket, createWebSocketStream(socket)); // ws has no other way to it
}

for (const [kind, pair] of Object.entries(kinds)) {
  test(`a device comes in by a secret and the proof of its ${kind} key, by TCP and WebSocket, and its readings are kept`, async () => {
    const device = await boundDevice(pair());
    for (const arrive of [dial, overWebSocket]) {
      using line = await arrive();
      const connack = await line.enter(device.key, device.privateKey);
      assert.deepEqual([connack.reasonCode, connack.properties?.["authenticationMethod"]], [0, "holdfast-proof"]);
      assert.equal((await line.publish()).reasonCode, 0);
    }
    const { items } = await me.get<{ items: unknown[] }>(`/v1/devices/${device.id}/telemetry/latest`);
    assert.equal(items.length, 1);
  });
}

test("a bound credential alone is refused, over either version of MQTT and HTTP, which its organisation can read", async () => {
  const { key } = await boundDevice();
  using five = await dial();
  five.connect({ username: key.id, password: key.secret }, {});
  const { reasonCode, properties } = await five.next();
  assert.equal(reasonCode, 0x87);
  assert.match(String(properties?.["reasonString"]), /holdfast-proof/);
  using four = await dial();
  const fixed = { cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 0, clientId: "a" };
  four.send({ ...fixed, username: key.id, password: Buffer.from(key.secret) });
  assert.deepEqual([(await four.next()).cmd], ["connack"]);
  assert.equal((await four.next()).cmd, "closed");
  await refusalWritten(key.id, "no proof");
  const answer = await platform.visitor
    .as(`${key.id}.${key.secret}`)
    .send<Problem>("POST", "/v1/me/telemetry", { body: { t: 1 } });
  assert.deepEqual([answer.status, answer.body.code], [401, "proof.required"]);
});

type Forging = { key: { id: string }; privateKey: KeyObject; first: ProvingLine; nonce: Buffer };

test("a proof is good for its nonce, its connection, its credential and its key alone", async () => {
  const other = await boundDevice();
  const wrong: Record<string, (line: ProvingLine, fresh: Buffer, of: Forging) => Uint8Array | undefined> = {
    "the proof of another connection": (_line, _fresh, { key, privateKey, first, nonce }) =>
      first.proof(key.id, nonce, privateKey),
    "the nonce of another connection": (line, _fresh, { key, privateKey, nonce }) =>
      line.proof(key.id, nonce, privateKey),
    "what another connection exports": (_line, fresh, { key, privateKey, first }) =>
      signed(proofMessage({ id: key.id, nonce: fresh, exporter: first.exporter() }), privateKey),
    "another credential": (line, fresh, { privateKey }) => line.proof(other.key.id, fresh, privateKey),
    "another's key": (line, fresh, { key }) => line.proof(key.id, fresh, other.privateKey),
    "a byte too few": (line, fresh, { key, privateKey }) => line.proof(key.id, fresh, privateKey).subarray(1),
    nothing: () => undefined,
  };
  for (const [what, make] of Object.entries(wrong)) {
    const { key, privateKey } = await boundDevice(); // who is refused often waits for it
    using first = await dial();
    first.connect({ username: key.id, password: key.secret });
    const nonce = await first.nonce();
    using line = await dial();
    line.connect({ username: key.id, password: key.secret });
    line.auth(make(line, await line.nonce(), { key, privateKey, first, nonce }));
    const { reasonCode, properties } = await line.next();
    assert.deepEqual([reasonCode, properties?.["reasonString"]], [0x87, new Refusal("proof.invalid").message], what);
    assert.equal((await line.next()).cmd, "closed");
    await refusalWritten(key.id, "a wrong proof");
    first.auth(first.proof(key.id, nonce, privateKey));
    assert.equal((await first.next()).reasonCode, 0);
  }
});

test("the proof without the secret, of a credential that is bound to no key, by another method or without TLS 1.3 is refused", async () => {
  const { key, privateKey } = await boundDevice();
  using bare = await dial();
  assert.equal((await bare.enter({ ...key, secret: "" }, privateKey)).reasonCode, 0x86);
  const plain = await me.post<{ key: Key }>("/v1/devices", { application: application.id, name: "plain" });
  using unbound = await dial();
  assert.equal((await unbound.enter(plain.key, privateKey)).reasonCode, 0x87);
  using other = await dial();
  other.connect({ username: key.id, password: key.secret }, { authenticationMethod: "SCRAM-SHA-256" });
  assert.equal((await other.next()).reasonCode, 0x8c);
  using old = await dial({ maxVersion: "TLSv1.2" });
  old.connect({ username: key.id, password: key.secret });
  const { reasonCode, properties } = await old.next();
  assert.equal(reasonCode, 0x87);
  assert.match(String(properties?.["reasonString"]), /TLS 1\.3/);
});

test("a session proves its key again and goes on; a failed proof ends it, and so does the revocation of its credential", async () => {
  const { key, privateKey } = await boundDevice();
  using line = await dial();
  await line.enter(key, privateKey);
  for (let round = 0; round < 2; round++) {
    line.auth(undefined, 0x19);
    line.auth(line.proof(key.id, await line.nonce(), privateKey));
    const done = await line.next();
    assert.deepEqual([done.cmd, done.reasonCode], ["auth", 0]);
    assert.equal((await line.publish()).reasonCode, 0);
  }
  line.auth(undefined, 0x19);
  line.auth(line.proof(key.id, await line.nonce(), kinds.Ed25519().privateKey));
  const last = await line.next();
  assert.deepEqual([last.cmd, last.reasonCode], ["disconnect", 0x87]);

  using again = await dial();
  await again.enter(key, privateKey);
  again.auth(undefined, 0x19);
  const nonce = await again.nonce();
  await me.delete(`/v1/credentials/${key.id}`);
  again.auth(again.proof(key.id, nonce, privateKey));
  const ended = await again.next();
  assert.deepEqual([ended.cmd, ended.reasonCode], ["disconnect", 0x98]);
  using after = await dial();
  assert.equal((await after.enter(key, privateKey)).reasonCode, 0x86);
});

test("an API token is bound like a key, and its proof names it by its id", async () => {
  const { publicKey, privateKey } = kinds["P-256"]();
  const grants = ["telemetry.write"];
  const { id, token } = await me.post<{ id: string; token: string }>("/v1/tokens", {
    name: "bound",
    grants,
    publicKey: jwkOf(publicKey),
  });
  using line = await dial();
  line.connect({ username: "program", password: token });
  line.auth(line.proof(id, await line.nonce(), privateKey));
  assert.equal((await line.next()).reasonCode, 0);
  const { boundTo } = await me.get<{ boundTo: string }>(`/v1/credentials/${id}`);
  assert.match(boundTo, /^[\w-]{43}$/);
});

test("a private key, a point that is on no curve and keys of other kinds are refused when a credential is made", async () => {
  const pair = kinds["P-256"]();
  const { d } = pair.privateKey.export({ format: "jwk" });
  const jwk = jwkOf(pair.publicKey);
  for (const publicKey of [
    { ...jwk, d },
    { ...jwk, y: jwk.x },
    { ...jwk, crv: "P-384" },
    { kty: "RSA", n: "AQAB", e: "AQAB" },
  ]) {
    const body = { application: application.id, name: "wrong", publicKey };
    const answer = await me.send<Problem>("POST", "/v1/devices", { body });
    assert.deepEqual([answer.status, answer.body.code], [400, "request.malformed"]);
  }
});

test("a device that asks is told where its response topics begin", async () => {
  const { key, privateKey } = await boundDevice();
  using line = await dial();
  line.connect(
    { username: key.id, password: key.secret },
    { authenticationMethod: "holdfast-proof", requestResponseInformation: true },
  );
  line.auth(line.proof(key.id, await line.nonce(), privateKey));
  assert.equal((await line.next()).properties?.["responseInformation"], "me/");
});

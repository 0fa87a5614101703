import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import tls from "node:tls";
import { connectAsync, type IClientOptions } from "mqtt";
import { selfSigned, type KeyPair } from "@holdfast/client/testing";
import { atEnd, ProvingLine, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { caFile, placeOf, run } from "./clients.fixture.ts";

// docs/proof.md, "By a client certificate": by clients that know nothing of Holdfast.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const place = placeOf(platform);
const owner = await platform.setUp();
const me = platform.visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });

type Key = { id: string; secret: string };

const jwkOf = (key: KeyObject) => {
  const { kty, crv, x, y } = key.export({ format: "jwk" });
  return { kty, crv, x, ...(y !== undefined && { y }) };
};
const kinds = {
  Ed25519: (): KeyPair => generateKeyPairSync("ed25519"),
  "P-256": (): KeyPair => generateKeyPairSync("ec", { namedCurve: "P-256" }),
};
const versions = [4, 5] as const;

let names = 0;
async function boundDevice(pair = kinds["P-256"]()) {
  const body = { application: application.id, name: `Device ${(names += 1)}`, publicKey: jwkOf(pair.publicKey) };
  const { id, key } = await me.post<{ id: string; key: Key }>("/v1/devices", body);
  return { id, key, pair, shown: selfSigned({ name: "pump", pair }) };
}

const come = ({ key }: { key: Key }, shown: { cert: string; key: string } | object, more: IClientOptions = {}) =>
  connectAsync(`mqtts://localhost:${place.mqttPort}`, {
    ca: place.ca,
    reconnectPeriod: 0,
    username: key.id,
    password: key.secret,
    ...shown,
    ...more,
  });

const valuesOf = async (id: string) =>
  (await me.get<{ items: { value: unknown }[] }>(`/v1/devices/${id}/telemetry?attribute=t`)).items.map(
    ({ value }) => value,
  );

/** Refusals are written down a moment after they were said. */
async function refusalWritten(about: string, because: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (JSON.stringify(await me.get(`/v1/audit?about=${about}`)).includes(because)) return;
    await setTimeout(10);
  }
  assert.fail(`There is no entry of ${because}.`);
}

for (const [kind, newPair] of Object.entries(kinds)) {
  test(`a stock client delivers with a secret and a certificate of its ${kind} key, in both versions of MQTT and of TLS`, async () => {
    const device = await boundDevice(newPair());
    let readings = 0;
    for (const protocolVersion of versions) {
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        const client = await come(device, device.shown, { protocolVersion, maxVersion } as IClientOptions); // it hands on what TLS takes
        await client.publishAsync("me/telemetry", `{"t": ${(readings += 1)}}`, { qos: 1 });
        await client.endAsync();
      }
    }
    assert.deepEqual((await valuesOf(device.id)).length, readings);
  });
}

test("mosquitto delivers with a secret and a certificate of its key, and not with another's", async (t) => {
  const device = await boundDevice(kinds.Ed25519());
  const other = await boundDevice();
  const ca = caFile(platform);
  const publish = async ({ shown }: typeof device, version: string) => {
    const fileOf = (name: string, text: string) => {
      const file = path.join(platform.database.folder, name);
      writeFileSync(file, text);
      return file;
    };
    const identity = ["--cert", fileOf("device.crt", shown.cert), "--key", fileOf("device.pem", shown.key)];
    const to = ["-h", "localhost", "-p", String(place.mqttPort), "--cafile", ca, "-V", version];
    const as = ["-u", device.key.id, "-P", device.key.secret, ...identity];
    return run("mosquitto_pub", [...to, ...as, "-q", "1", "-t", "me/telemetry", "-m", '{"t": 7}']);
  };
  for (const version of ["311", "5"]) {
    const ran = await publish(device, version);
    if (!ran) return t.skip("there is no mosquitto_pub");
    assert.equal(ran.code, 0, ran.out);
    assert.notEqual((await publish(other, version))?.code, 0);
  }
  assert.deepEqual(await valuesOf(device.id), [7, 7]);
});

test("a certificate of another key is no proof, nor is none, nor the right one without the secret, which the organisation can read", async () => {
  const other = await boundDevice();
  for (const [shown, because] of [
    [other.shown, "the certificate of another key"],
    [{}, "no proof"],
  ] as const) {
    const device = await boundDevice(); // who is refused often waits for it
    for (const protocolVersion of versions) {
      await assert.rejects(come(device, shown, { protocolVersion }), { code: protocolVersion === 5 ? 0x87 : 5 });
    }
    await refusalWritten(device.key.id, because);
    using line = await ProvingLine.dial({ port: place.mqttPort, ca: place.ca }, shown);
    line.connect({ username: device.key.id, password: device.key.secret }, {});
    const { reasonCode, properties } = await line.next();
    assert.equal(reasonCode, 0x87);
    assert.match(String(properties?.["reasonString"]), /client certificate of that key.*holdfast-proof/);
  }
  const device = await boundDevice();
  await assert.rejects(come({ key: { ...device.key, secret: other.key.secret } }, device.shown), { code: 4 });
});

test("the key alone counts: a certificate that is over proves it as well, and one without the private key does not", async () => {
  const device = await boundDevice();
  const over = selfSigned({ name: "anything", until: "20200102000000Z", pair: device.pair });
  const client = await come(device, over);
  await client.publishAsync("me/telemetry", '{"t": 1}', { qos: 1 });
  await client.endAsync();
  // Whoever has only seen the certificate cannot even load it with a key of its own.
  const { key } = selfSigned();
  assert.throws(() => tls.createSecureContext({ cert: device.shown.cert, key }), { code: /MISMATCH/ });
});

test("who comes back with a ticket has shown the key before; the ticket of somebody else says nothing about it", async () => {
  const device = await boundDevice();
  const stranger = await boundDevice();
  const ticketOf = async (shown: { cert: string; key: string }) => {
    const at = { host: "127.0.0.1", port: place.mqttPort, servername: "localhost", ca: place.ca };
    const socket = tls.connect({ ...at, ...shown });
    const [session] = await once(socket, "session");
    socket.destroy();
    return session as Buffer; // what the event brings
  };
  const resume = async (session: Buffer) => {
    const line = await ProvingLine.dial({ port: place.mqttPort, ca: place.ca }, { session });
    assert.ok(line.tls.isSessionReused());
    line.connect({ username: device.key.id, password: device.key.secret }, {});
    return line;
  };
  using own = await resume(await ticketOf(device.shown));
  assert.equal((await own.next()).reasonCode, 0);
  assert.equal((await own.publish()).reasonCode, 0);
  using others = await resume(await ticketOf(stranger.shown));
  assert.equal((await others.next()).reasonCode, 0x87);
});

test("what is bound and came by its certificate ends with its credential, in the same moment", async () => {
  const device = await boundDevice();
  const client = await come(device, device.shown, { protocolVersion: 5 });
  const ended = new Promise((resolve) => client.once("disconnect", ({ reasonCode }) => resolve(reasonCode)));
  await me.delete(`/v1/credentials/${device.key.id}`);
  assert.equal(await ended, 0x98);
});

test("the HTTPS port asks for no certificate, and there a bound credential needs the exchange, by ALPN and by WebSocket", async () => {
  const device = await boundDevice();
  const byAlpn = connectAsync(`mqtts://localhost:${place.port}`, {
    ca: place.ca,
    reconnectPeriod: 0,
    username: device.key.id,
    password: device.key.secret,
    protocolVersion: 5,
    ...device.shown,
    ALPNProtocols: ["mqtt"],
  } as IClientOptions); // it hands on what TLS takes
  await assert.rejects(byAlpn, { code: 0x87 });
  const bySocket = connectAsync(`wss://localhost:${place.port}/mqtt`, {
    reconnectPeriod: 0,
    username: device.key.id,
    password: device.key.secret,
    protocolVersion: 5,
    wsOptions: { ca: place.ca, ...device.shown },
  });
  await assert.rejects(bySocket, { code: 0x87 });
});

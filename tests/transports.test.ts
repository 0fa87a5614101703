import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectPlain } from "node:net";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import type tls from "node:tls";
import { systemClock } from "@holdfast/kernel";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { WebSocket } from "ws";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { caFile, dial, http2, placeOf, run } from "./clients.fixture.ts";

const clock = new TestClock(systemClock.now());
const proxyFrom = [{ family: 4, prefix: 24, value: 0x7f_00_07_00n }] as const; // 127.0.7.0/24
const platform = await startTestPlatform({ clock, timers: clock, config: { proxyFrom } });
atEnd.after(() => platform.close());
const place = placeOf(platform);
const { visitor } = platform;
const owner = await platform.setUp();
const me = visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });

type Device = { id: string; key: { id: string; secret: string } };
let names = 0;
const makeDevice = () =>
  me.post<Device>("/v1/devices", { application: application.id, name: `Device ${(names += 1)}` });
const valuesOf = async ({ id }: Device) =>
  (await me.get<{ items: { value: unknown }[] }>(`/v1/devices/${id}/telemetry?attribute=t`)).items.map(
    ({ value }) => value,
  );
const metric = async (name: string): Promise<number> => {
  const { text } = await visitor.send("GET", "/metrics");
  return Number(new RegExp(`^holdfast_${name} (\\d+)$`, "m").exec(text)?.[1]);
};

const ours: IClientOptions = { ca: place.ca, reconnectPeriod: 0 };
const on443 = (device: Device, more: IClientOptions = {}) =>
  connectAsync(`mqtts://localhost:${place.port}`, {
    ...ours,
    ALPNProtocols: ["mqtt"],
    username: device.key.id,
    password: device.key.secret,
    ...more,
  } as IClientOptions); // it hands on what TLS takes, and its types do not say so

/** The reason code of a DISCONNECT. */
const dismissed = (client: MqttClient): Promise<number | undefined> =>
  new Promise((resolve) => client.once("disconnect", ({ reasonCode }) => resolve(reasonCode)));

test("the HTTPS port speaks MQTT with a client that asks for it, and everybody else gets HTTP", async () => {
  const device = await makeDevice();
  for (const protocolVersion of [4, 5] as const) {
    const client = await on443(device, { protocolVersion });
    await client.publishAsync("me/telemetry", `{"t": ${protocolVersion}}`, { qos: 1 });
    assert.equal(await metric("mqtt_connections"), 1);
    await client.endAsync();
  }
  assert.deepEqual(new Set(await valuesOf(device)), new Set([4, 5]));

  for (const ALPNProtocols of [["http/1.1"], ["http/1.1", "mqtt"], undefined]) {
    using line = await dial(place, place.port, ALPNProtocols && { ALPNProtocols });
    line.socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert.match(await line.toTheEnd(), /^HTTP\/1\.1 200 /);
  }
  using second = http2(place);
  assert.equal((await second.ask({ ":path": "/healthz" })).status, 200);
  await assert.rejects(dial(place, place.port, { ALPNProtocols: ["smtp"] }), { code: /NO_APPLICATION_PROTOCOL/ });
  await assert.rejects(dial(place, place.mqttPort, { ALPNProtocols: ["h2"] }), { code: /NO_APPLICATION_PROTOCOL/ });
});

test("mosquitto delivers over the HTTPS port", async (t) => {
  const device = await makeDevice();
  const to = ["-h", "localhost", "-p", String(place.port), "--cafile", caFile(platform), "--tls-alpn", "mqtt"];
  const as = ["-u", device.key.id, "-P", device.key.secret, "-q", "1"];
  const ran = await run("mosquitto_pub", [...to, ...as, "-t", "me/telemetry", "-m", '{"t": 7}']);
  if (!ran) return t.skip("there is no mosquitto_pub");
  assert.equal(ran.code, 0, ran.out);
  assert.deepEqual(await valuesOf(device), [7]);
});

test("what is over on the MQTT port is over there too: silence before CONNECT, a packet too large, a session that moved", async () => {
  const mute = await dial(place, place.port, { ALPNProtocols: ["mqtt"] });
  await until(async () => (await metric("mqtt_connections")) === 1);
  clock.move(10_000);
  assert.equal(await mute.toTheEnd(), "");
  const device = await makeDevice();
  const large = await on443(device, { protocolVersion: 5 });
  const told = dismissed(large);
  large.publish("me/telemetry", "x".repeat(platform.config.maximumMessage + 1));
  assert.equal(await told, 0x95);
  await large.endAsync(true);

  const first = await on443(device, { protocolVersion: 5, clientId: "pump" });
  const moved = dismissed(first);
  const over = await connectAsync(platform.platform.mqttsUrl, {
    ...ours,
    protocolVersion: 5,
    clientId: "pump",
    username: device.key.id,
    password: device.key.secret,
  });
  assert.equal(await moved, 0x8e);
  await Promise.all([first.endAsync(true), over.endAsync()]);
});

test("who shows a key with a wrong secret again and again waits for the answer, and who shows the right one does not", async () => {
  const device = await makeDevice();
  const wrong = { key: { ...device.key, secret: (await makeDevice()).key.secret }, id: device.id };
  const refused = () => assert.rejects(on443(wrong, { protocolVersion: 5 }), { code: 0x86 });
  await refused();
  await refused();
  const third = refused();
  await until(async () => (await metric("mqtt_refusals_waiting")) === 1);
  const good = await on443(device);
  assert.equal(await metric("mqtt_refusals_waiting"), 1);
  await good.endAsync();
  await refused(); // a good one has come
  clock.move(1_000);
  await third;
  assert.equal(await metric("mqtt_refusals_waiting"), 0);
});

test("a connection is half open until its CONNECT, its request or its greeting is there, whichever way it came", async (t) => {
  const halfOpen = () => metric("connections_half_open"); // which the one that asks is not
  const settles = (count: number) => until(async () => (await halfOpen()) === count);
  await settles(0);
  const lines = [
    await dial(place, place.port),
    await dial(place, place.port, { ALPNProtocols: ["h2"] }),
    await dial(place, place.port, { ALPNProtocols: ["mqtt"] }),
    await dial(place, place.mqttPort),
  ];
  t.after(() => lines.forEach(({ socket }) => socket.destroy()));
  await settles(4);
  lines[0]?.socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await settles(3);
  for (const line of lines.slice(2)) line.socket.write(Buffer.from("100d00044d5154540402003c000178", "hex"));
  await settles(1);
  const [asked] = lines.splice(1, 1);
  asked?.socket.destroy();
  await settles(0);
  using second = http2(place);
  await second.ask({ ":path": "/healthz" });
  await settles(0);
  for (const [path, protocol, hello] of [
    ["/mqtt", "mqtt", Buffer.from("100d00044d5154540402003c000178", "hex")],
    ["/v1/live", undefined, JSON.stringify({ token: owner.token })],
  ] as const) {
    const socket = new WebSocket(`wss://localhost:${place.port}${path}`, protocol ?? [], { ca: place.ca });
    t.after(() => socket.terminate());
    await once(socket, "open");
    await settles(1);
    socket.send(hello);
    await settles(0);
  }
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const late = performance.now() + 20_000; !(await holds()); await setTimeout(5))
    assert.ok(performance.now() < late, "it never came about");
}

const signature = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const header = (text: string) => Buffer.concat([signature, Buffer.from(text.replaceAll(" ", ""), "hex")]);
const client = header("21 11 000c c6336407 c0a80001 dc04 01bb"); // 198.51.100.7
const proxyItself = header("20 00 0000");
const nobodyKnown = header("21 00 0000");

/** A TLS connection through a proxy on this machine, which says this first. */
async function through(t: TestContext, first: Uint8Array, port = place.port, ALPNProtocols = ["http/1.1"]) {
  const socket = connectPlain({ host: "127.0.0.1", port, localAddress: "127.0.7.1" });
  socket.write(first);
  const line = await dial(place, port, { socket, ALPNProtocols });
  t.after(() => socket.destroy());
  return line;
}

test("through a declared proxy a client of any protocol has its own address for whoever looks", async (t) => {
  const watching = new WebSocket(`${place.url}/v1/live?strangers=true`, {
    ca: place.ca,
    headers: { "x-auth-token": owner.token },
  });
  t.after(() => watching.terminate());
  await once(watching, "open");
  const seen: string[] = [];
  let isWatching = false;
  watching.on("message", (data: Buffer) => {
    const { event, address, transport, code } = JSON.parse(data.toString());
    if (address === "127.0.0.1") isWatching = true;
    else if (event === "stranger") seen.push(`${address} ${transport} ${code}`);
  });
  const expect = async (line: string) => {
    await until(async () => seen.length > 0);
    assert.deepEqual(seen.splice(0), [line]);
  };
  const wrong = "GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Auth-Token: nonsense\r\n\r\n";
  // Nobody is told before the one that watches has been let in.
  while (!isWatching) {
    await visitor.as("nonsense").send("GET", "/v1/me");
    await setTimeout(5);
  }
  clock.move(1_000);

  (await through(t, client)).socket.write(wrong);
  await expect("198.51.100.7 http credential.invalid");
  const six = `20010db8000000000000000000000001 ${"00".repeat(16)} 0007 01bb`;
  const second = http2Over(await through(t, header(`21 21 0024 ${six}`), place.port, ["h2"]));
  second
    .request({ ":path": "/v1/me", "x-auth-token": "nonsense" })
    .on("error", () => {})
    .end();
  await expect("2001:db8::1 http credential.invalid");
  const connect = Buffer.from("101700044d51545404c2003c00017800036d6520000378797a", "hex"); // user "me ", password "xyz"
  for (const [port, alpn] of [
    [place.port, "mqtt"],
    [place.mqttPort, "mqtt"],
  ] as const) {
    (await through(t, client, port, [alpn])).socket.write(connect);
    await expect("198.51.100.7 mqtt credential.invalid");
  }
  await assert.rejects(through(t, client, place.mqttPort, ["h2"]));
  await expect("198.51.100.7 mqtt tls.wrongPort");
});

test("what a proxy on this machine passes on is not from this machine, also when it does not say from where", async (t) => {
  for (const [first, status] of [
    [client, 401],
    [nobodyKnown, 401],
    [proxyItself, 200],
  ] as const) {
    const line = await through(t, first);
    line.socket.write("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert.match(await line.toTheEnd(), new RegExp(`^HTTP/1\\.1 ${status} `));
  }
});

test("through a declared proxy nothing comes without a header, on either port, and it is counted", async (t) => {
  const name = 'connections_turned_away_total\\{reason="proxy_header"\\}';
  const before = await metric(name);
  for (const port of [place.port, place.mqttPort]) await assert.rejects(through(t, Buffer.alloc(0), port));
  assert.equal(await metric(name), before + 2);
});

function http2Over(line: { socket: tls.TLSSocket }) {
  return connectHttp2(place.url, { createConnection: () => line.socket }).on("error", () => {});
}

test("the simulated fleet comes in where this machine's own address is a declared proxy's", async (t) => {
  const own = [{ family: 4, prefix: 32, value: 0x7f_00_00_01n }] as const; // 127.0.0.1
  const behind = await startTestPlatform({ config: { proxyFrom: own } });
  t.after(() => behind.close());
  const { ca, port } = placeOf(behind);
  const ask = async (request: string): Promise<string> => {
    const socket = connectPlain({ host: "127.0.0.1", port });
    socket.write(proxyItself);
    using line = await dial({ ...place, ca, port }, port, { socket, ALPNProtocols: ["http/1.1"] });
    line.socket.write(request);
    return await line.toTheEnd(); // or the line would be gone before
  };
  const link = await new Promise<string>((resolve) => {
    void behind.platform.watchSetup((told) => told !== undefined && resolve(told));
  });
  const person = { email: "owner@example.com", password: "correct horse battery staple", org: "First", fleet: true };
  const body = JSON.stringify({ secret: link.split("#setup=")[1], ...person });
  const head = "Host: x\r\nConnection: close\r\n";
  assert.match(
    await ask(`POST /v1/setup HTTP/1.1\r\n${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`),
    /^HTTP\/1\.1 201 /,
  );
  const isThere = async () =>
    /^holdfast_mqtt_connections [1-9]/m.test(await ask(`GET /metrics HTTP/1.1\r\n${head}\r\n`));
  await until(isThere);
});

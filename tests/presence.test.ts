import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Client, type LiveEvent } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { systemClock, uuidOf, type Id } from "@holdfast/kernel";
import { connectAsync, type IClientOptions } from "mqtt";
import { WebSocket } from "ws";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { placeOf } from "./clients.fixture.ts";
import { Deployment } from "./faults/deployment.ts";
import { asOwner } from "./faults/owner.ts";
import { Chance } from "./faults/seed.ts";

// Clients compare certificates with the machine's time and cannot be told another, so that is where the clock starts. The platform's time never goes
// behind what its database has seen, which was made before by the machine's own.
const database = await freshDatabase();
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock, database });
atEnd.after(() => platform.close().then(() => database.drop()));
const place = placeOf(platform);
const { visitor } = platform;
const owner = await platform.setUp();
const me = visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });

type Device = { id: Id<"device">; key: { id: string; secret: string } };
type Presence = { state: string; connected: boolean; since?: string; because?: string; lastSeenAt?: string };
const makeDevice = () => me.post<Device>("/v1/devices", { application: application.id, name: "Pump" });
const presenceOf = async ({ id }: { id: string }) =>
  (await me.get<{ presence: Presence }>(`/v1/devices/${id}`)).presence;
const mqttAs = ({ key }: Device, options: IClientOptions = {}) =>
  connectAsync(platform.platform.mqttsUrl, {
    ca: place.ca,
    reconnectPeriod: 0,
    username: key.id,
    password: key.secret,
    ...options,
  });
const now = () => new Date(clock.now()).toISOString();

async function until(device: Device, state: string): Promise<Presence> {
  for (let waited = 0; waited < 5_000; waited += 5) {
    const presence = await presenceOf(device);
    if (presence.state === state) return presence;
    await setTimeout(5);
  }
  assert.fail(`it did not become ${state}`);
}

/** In steps, so that the test's own connections are not idle for long. */
async function passing(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 1_000) {
    clock.move(1_000);
    await presenceOf(await watched);
  }
}
const watched = makeDevice();

test("a device is online from its first connection to its last, and then offline because it said goodbye", async () => {
  const device = await makeDevice();
  assert.deepEqual(await presenceOf(device), { state: "never", connected: false });
  const cameAt = now();
  const [first, second] = [await mqttAs(device, { clientId: "a" }), await mqttAs(device, { clientId: "b" })];
  assert.deepEqual(await presenceOf(device), { state: "online", connected: true, since: cameAt, lastSeenAt: cameAt });
  clock.move(5_000);
  await first.publishAsync("me/telemetry", '{"t": 1}', { qos: 1 });
  const heardAt = now();
  clock.move(5_000);
  await first.endAsync();
  assert.deepEqual(await until(device, "online"), {
    state: "online",
    connected: true,
    since: cameAt,
    lastSeenAt: now(),
  });
  assert.notEqual(heardAt, now());
  clock.move(1_000);
  await second.endAsync();
  const because = "it said goodbye";
  assert.deepEqual(await until(device, "offline"), {
    state: "offline",
    connected: false,
    since: now(),
    because,
    lastSeenAt: now(),
  });
});

test("what a device sends over HTTPS, or a program in its name, is when it was seen last, and it never came", async () => {
  const [device, other] = [await makeDevice(), await makeDevice()];
  clock.move(1_000);
  await visitor.as(`${device.key.id}.${device.key.secret}`).post("/v1/me/telemetry", { t: 1 });
  assert.deepEqual(await presenceOf(device), { state: "never", connected: false, lastSeenAt: now() });
  clock.move(1_000);
  const program = await connectAsync(platform.platform.mqttsUrl, {
    ca: place.ca,
    username: "x",
    password: owner.token,
  });
  await program.publishAsync(`devices/${other.id}/telemetry`, '{"t": 1}', { qos: 1 });
  await program.publishAsync(`devices/${device.id}/telemetry`, "[]", { qos: 1 }); // is refused
  await program.endAsync();
  assert.deepEqual(await presenceOf(other), { state: "never", connected: false, lastSeenAt: now() });
  assert.notEqual((await presenceOf(device)).lastSeenAt, now());
});

test("a device that falls silent is offline for that, and one whose connection breaks for that", async () => {
  const [silent, broken] = [await makeDevice(), await makeDevice()];
  const [one, two] = [await mqttAs(silent, { keepalive: 60, reschedulePings: false }), await mqttAs(broken)];
  two.stream.destroy();
  assert.equal((await until(broken, "offline")).because, "the connection broke");
  const heardAt = now();
  await passing(91_000);
  const presence = await until(silent, "offline");
  assert.deepEqual([presence.because, presence.lastSeenAt], ["silent for longer than its keep-alive", heardAt]);
  await Promise.all([one.endAsync(true), two.endAsync(true)]);
});

test("whoever is suspended, retired, revoked or breaks the rules is offline for that", async () => {
  const [suspended, revoked, rude, retired] = [
    await makeDevice(),
    await makeDevice(),
    await makeDevice(),
    await makeDevice(),
  ];
  const clients = await Promise.all([suspended, revoked, rude, retired].map((device) => mqttAs(device)));
  for (const client of clients) client.on("error", () => {}); // the end is what is looked at
  const reply = await me.post<{ presence: Presence }>(`/v1/devices/${suspended.id}/suspend`, {});
  assert.equal(reply.presence.because, "suspended", "it is cut off before the answer is there");
  await me.send("DELETE", `/v1/credentials/${revoked.key.id}`);
  await me.post(`/v1/devices/${retired.id}/retire`, {});
  clients[2]?.stream.write(Uint8Array.of(0, 0)); // a packet of a type that there is not
  assert.equal((await until(revoked, "offline")).because, "revoked");
  assert.equal((await until(retired, "offline")).because, "retired");
  assert.equal((await until(rude, "offline")).because, "it broke the rules of MQTT");
  await Promise.all(clients.map((client) => client.endAsync(true)));
});

test("a client that comes again before its old connection is gone was never away", async () => {
  const device = await makeDevice();
  const old = await mqttAs(device, { clientId: "same" });
  const { since } = await presenceOf(device);
  clock.move(1_000);
  const closed = new Promise<void>((resolve) => old.once("close", () => resolve()));
  const young = await mqttAs(device, { clientId: "same" });
  await closed;
  assert.deepEqual(await presenceOf(device), { state: "online", connected: true, since, lastSeenAt: now() });
  await young.endAsync();
  assert.equal((await until(device, "offline")).because, "it said goodbye");
});

test("whoever watches sees a device come and go, if the device may be read too, over a WebSocket as well", async () => {
  const [device, other] = [await makeDevice(), await makeDevice()];
  const tokenOf = async (...grants: string[]) =>
    (await me.post<{ token: string }>("/v1/tokens", { name: "watcher", grants })).token;
  const both = await tokenOf("telemetry.read", `device.read:${device.id}`);
  const stopping = new AbortController();
  const seen: LiveEvent[] = [];
  const client = new Client({ url: place.url, token: both, transport: nodeTransport({ ca: place.ca }) });
  const opened = Promise.withResolvers<void>();
  const over = (async () => {
    for await (const event of client.watch({}, { signal: stopping.signal, onOpen: opened.resolve })) seen.push(event);
  })().catch(() => {}); // it ends when we stop it
  await opened.promise;
  const socket = new WebSocket(`${place.url}/v1/live?device=${device.id}`, {
    ca: place.ca,
    headers: { "x-auth-token": owner.token },
  });
  const frames: unknown[] = [];
  socket.on("message", (data: Buffer) => frames.push(JSON.parse(data.toString())));
  await new Promise((resolve) => socket.once("open", resolve));
  await me.get("/v1/me"); // by then the platform has read the header
  const cameAt = now();
  for (const one of [other, device]) await (await mqttAs(one)).endAsync();
  await until(device, "offline");
  for (let waited = 0; (seen.length < 2 || frames.length < 2) && waited < 5_000; waited += 5) await setTimeout(5);
  const gone = { device: device.id, at: cameAt, state: "offline", because: "it said goodbye" };
  const came = { device: device.id, at: cameAt, state: "online" };
  assert.deepEqual(seen, [
    { type: "presence", data: came },
    { type: "presence", data: gone },
  ]);
  assert.deepEqual(frames, [
    { event: "presence", ...came },
    { event: "presence", ...gone },
  ]);
  stopping.abort();
  socket.terminate();
  await over;
  client.close();
});

test("presence survives a restart, and whoever was connected when the platform stopped is offline for that", async (t) => {
  const database = await freshDatabase();
  const first = await startTestPlatform({ database });
  const { token } = await first.setUp();
  const us = first.visitor.as(token);
  const { id } = await us.post<{ id: string }>("/v1/applications", { name: "Works" });
  const other = () => us.post<Device>("/v1/devices", { application: id, name: "Pump" });
  const [here, gone, seen] = [await other(), await other(), await other()];
  const connect = ({ key }: Device) =>
    connectAsync(first.platform.mqttsUrl, {
      ca: first.platform.caPem ?? "",
      reconnectPeriod: 0,
      username: key.id,
      password: key.secret,
    });
  await (await connect(gone)).endAsync();
  const client = await connect(here);
  client.on("error", () => {}); // the platform ends it
  await first.visitor.as(`${seen.key.id}.${seen.key.secret}`).post("/v1/me/telemetry", { t: 1 });
  const before = (await us.get<{ items: { presence: Presence }[] }>("/v1/devices")).items.map((one) => one.presence);
  await first.close();
  await client.endAsync(true);

  const second = await startTestPlatform({ database });
  t.after(() => second.close());
  t.after(() => database.drop());
  const listed = await second.visitor.as(token).get<{ items: { id: string; presence: Presence }[] }>("/v1/devices");
  const after = new Map(listed.items.map((one) => [one.id, one.presence]));
  assert.equal(after.get(here.id)?.because, "the platform stopped");
  for (const one of [gone, seen])
    assert.ok(before.some((was) => JSON.stringify(was) === JSON.stringify(after.get(one.id))));
});

test("when the server is killed, whoever was connected is offline since it was last known to run", async (t) => {
  const deployment = await Deployment.make(new Chance());
  t.after(() => deployment.close());
  await deployment.start();
  const { token } = await deployment.setUp();
  const us = deployment.visitor.as(token);
  const { id } = await us.post<{ id: string }>("/v1/applications", { name: "Works" });
  const device = await us.post<Device>("/v1/devices", { application: id, name: "Pump" });
  const began = systemClock.now();
  const client = await connectAsync(`mqtts://localhost:${deployment.mqttsPort}`, {
    ca: readFileSync(deployment.caFile, "utf8"),
    reconnectPeriod: 0,
    username: device.key.id,
    password: device.key.secret,
  });
  client.on("error", () => {}); // the server is killed
  const database = await asOwner(deployment);
  const written = "select from holdfast.presence where device = $1 and state = 1";
  for (const late = performance.now() + 30_000; (await database.query(written, [uuidOf(device.id)])).rowCount === 0;) {
    assert.ok(performance.now() < late, "nobody wrote down that it came");
    await setTimeout(20);
  }
  await database.end();
  await deployment.kill();
  const killed = systemClock.now();
  await client.endAsync(true);
  await deployment.start();
  const { presence } = await deployment.visitor.as(token).get<{ presence: Presence }>(`/v1/devices/${device.id}`);
  assert.deepEqual([presence.state, presence.because], ["offline", "the platform stopped"]);
  const since = Date.parse(presence.since ?? "");
  assert.ok(since >= began && since <= killed, `since ${presence.since}`);
});

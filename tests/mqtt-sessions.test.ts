import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { connectAsync, type IClientOptions } from "mqtt";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf } from "./authority.fixture.ts";

// What the MQTT sessions of a device or a program wait for and what they lost, as whoever may see it reads it.
const database = await freshDatabase();
const clock = new TestClock(systemClock.now()); // never behind what the database has seen
const start = () => startTestPlatform({ clock, timers: clock, database });
let platform = await start();
atEnd.after(async () => {
  await platform.close();
  await database.drop();
});
const welcome = await platform.setUp();
const owner = () => new Owner(platform.visitor, welcome);
const application = (await owner().application()).id;

type Session = Record<string, unknown> & { clientId: string; waiting: { messages: number; bytes: number } };
type Page = { items: readonly Session[]; total: number };

const sessionsOf = (path: string) => owner().asks.get<Page>(`/v1/${path}/sessions`);
const come = (options: IClientOptions) =>
  connectAsync(platform.platform.mqttsUrl, {
    ca: platform.platform.caPem ?? "",
    reconnectPeriod: 0,
    protocolVersion: 5,
    ...options,
  });
type Device = { id: string; key: { id: string; secret: string } };
const asDevice = ({ key }: Device) => ({ username: key.id, password: key.secret });
const asProgram = (token: string) => ({ username: "program", password: token });
const feed = (device: Device, n: number) => platform.visitor.as(textOf(device.key)).post("/v1/me/telemetry", { n });
const at = (instant: number) => new Date(instant).toISOString();

const day = 86_400_000;
const mostAway = 30 * 86_400;
/** Longer than a session may be kept. */
const lasting: IClientOptions = { clean: false, properties: { sessionExpiryInterval: 2 * mostAway } };
const idle = {
  waiting: { messages: 0, bytes: 0 },
  underWay: 0,
  dropped: { queueFull: 0, orgFull: 0, tooOld: 0, expired: 0, tooLarge: 0, slow: 0 },
};

test("a device's sessions are told, those that are connected first: since when and until when, and their filters, over a restart", async () => {
  const device = await owner().device(application);
  const sessions = () => sessionsOf(`devices/${device.id}`);
  assert.deepEqual(await sessions(), { items: [], total: 0 });
  const began = clock.now();
  const pump = await come({ ...asDevice(device), ...lasting, clientId: "pump" });
  await pump.subscribeAsync("me/#", { qos: 1 });
  const kept = {
    clientId: "pump",
    keptSeconds: mostAway,
    subscriptions: [{ filter: "me/#", qos: 1 }],
    subscriptionCount: 1,
    ...idle,
  };
  const online = { ...kept, state: "online", since: at(began), protocol: "5", transport: "mqtts" };
  assert.deepEqual(await sessions(), { items: [online], total: 1 });
  clock.move(1_000);
  await pump.endAsync();
  clock.move(1_000);
  const passing = await come({ ...asDevice(device), clientId: "passing", protocolVersion: 4 });
  const old = {
    clientId: "passing",
    state: "online",
    since: at(began + 2_000),
    protocol: "3.1.1",
    transport: "mqtts",
    keptSeconds: 0,
    subscriptions: [],
    subscriptionCount: 0,
    ...idle,
  };
  const offline = { ...kept, state: "offline", since: at(began + 1_000), endsAt: at(began + 1_000 + 30 * day) };
  assert.deepEqual(await sessions(), { items: [old, offline], total: 2 });
  // A key of the device leads to them as well.
  assert.deepEqual(await sessionsOf(`credentials/${device.key.id}`), { items: [old, offline], total: 2 });

  await passing.endAsync();
  await platform.close();
  platform = await start();
  assert.deepEqual(await sessions(), { items: [offline], total: 1 });
});

test("a full session gives up its oldest messages and says so, to those who may see whose it is", async () => {
  const [device, other] = [await owner().device(application), await owner().device(application)];
  const { id, token } = await owner().tokenOf([`telemetry.read:${device.id}`]);
  const program = await come({ ...asProgram(token), ...lasting, clientId: "reports" });
  await program.subscribeAsync("devices/+/telemetry", { qos: 1 });
  await program.endAsync();
  const source = await come({ ...asDevice(device), clientId: "source" });
  for (let n = 0; n < 10; n++) await source.publishAsync("me/telemetry", `{"n": ${n}}`.padEnd(1_000_000), { qos: 1 });
  const { items } = await sessionsOf(`credentials/${id}`);
  assert.deepEqual(
    items.map(({ clientId, waiting, dropped }) => [clientId, waiting.messages, dropped]),
    [["reports", 8, { ...idle.dropped, queueFull: 2 }]],
  );
  const narrow = await owner().tokenOf([`device.read:${other.id}`]);
  const ask = async (as: string, path: string) => {
    const { status, body } = await platform.visitor.as(as).send<{ code: string }>("GET", `/v1/${path}/sessions`);
    return [status, body.code];
  };
  assert.deepEqual(await ask(narrow.token, `devices/${device.id}`), [404, "device.unknown"]);
  assert.deepEqual(await ask(narrow.token, `credentials/${id}`), [403, "permit.missing"]);
  const stranger = await owner().asks.post<{ token: string }>("/v1/orgs", { name: "Another" });
  assert.deepEqual(await ask(stranger.token, `credentials/${id}`), [404, "credential.unknown"]);
  await source.endAsync();
  // With its credential a session ends, and all that waited for it.
  await owner().asks.delete(`/v1/credentials/${id}`);
  assert.deepEqual(await sessionsOf(`credentials/${id}`), { items: [], total: 0 });
});

test("what waits for a program is told over a restart; after seven days it is lost and counted, after thirty the session is over", async () => {
  const device = await owner().device(application);
  const key = await owner().accessKey(application, ["telemetry.read"]);
  const program = await come({ ...asDevice({ id: "", key }), ...lasting, clientId: "reports" });
  await program.subscribeAsync(`devices/${device.id}/telemetry`, { qos: 1 });
  await program.endAsync();
  for (let n = 1; n <= 3; n++) await feed(device, n);
  const standing = async () => (await sessionsOf(`credentials/${key.id}`)).items[0] ?? assert.fail();
  const before = await standing();
  assert.equal(before.waiting.messages, 3);
  assert.ok(before.waiting.bytes > 3 * device.id.length && before.waiting.bytes < 1_000, `${before.waiting.bytes}`);
  assert.deepEqual(before["dropped"], idle.dropped);
  await platform.close();
  platform = await start();
  assert.deepEqual(await standing(), before);

  // The owner's token is over by then: the metrics go on.
  const metrics = async () => {
    const { text } = await platform.visitor.send("GET", "/metrics");
    return (name: string) =>
      text
        .split("\n")
        .find((line) => line.startsWith(`holdfast_${name} `))
        ?.split(" ")[1];
  };
  const after = async (days: number) => {
    await platform.close();
    clock.set(clock.now() + days * day + 1); // nobody was there meanwhile
    platform = await start();
    await feed(device, days);
    return metrics();
  };
  const sessions = (await metrics())("mqtt_sessions"); // of the tests before, too
  const week = await after(7);
  const told = ["mqtt_sessions", "mqtt_queued_messages", 'mqtt_dropped_total{reason="too_old"}'];
  assert.deepEqual(told.map(week), [sessions, "1", "3"]);
  const month = await after(24);
  assert.deepEqual(told.map(month), ["0", "0", "0"]);
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { queryObjects } from "node:v8";
import { systemClock } from "@holdfast/kernel";
import { connectAsync, type IClientOptions } from "mqtt";
import { WebSocket } from "ws";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Chance } from "../bench/churn/chance.ts";
import { endRegulars, visit, type Scene } from "../bench/churn/visit.ts";
import { secureContext } from "../bench/mqtt/client.ts";
import { Owner, type Key } from "./authority.fixture.ts";
import { dial, placeOf } from "./clients.fixture.ts";
import { eventually } from "./messages.fixture.ts";

// Clients compare certificates with the machine's time and cannot be told another, so that is where the clock starts.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock });
atEnd.after(() => platform.close());
const place = placeOf(platform);
// The platform's time never goes behind what its database has seen, which was made a moment ago by the machine's own.
clock.move(10_000);
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const application = await owner.application();
const devices = [await owner.device(application.id), await owner.device(application.id)];

const gauges = [
  "connections_half_open",
  "connections_waiting",
  "http_connections",
  "mqtt_connections",
  "mqtt_sessions",
  "mqtt_queued_messages",
  "mqtt_queued_bytes",
  "mqtt_held_bytes",
  "mqtt_retained_messages",
  "mqtt_retained_bytes",
  "telemetry_waiting_bytes",
  "live_streams",
];

async function metrics(): Promise<Readonly<Record<string, number>>> {
  const { text } = await visitor.send("GET", "/metrics");
  const value = (name: string) => Number(new RegExp(`^holdfast_${name} (\\d+)$`, "m").exec(text)?.[1]);
  return Object.fromEntries(gauges.map((name) => [name, value(name)]));
}

/** Of both sides: whatever belongs to a connection leads to one, or is led to by one. */
const openSockets = () => queryObjects(TLSSocket, { format: "count" });

/** Waits until it is so. */
const settled = (name: string, wanted: number) =>
  eventually(
    async () => (await metrics())[name] === wanted,
    () => `${name} did not become ${wanted}`,
  );

const program = { id: "program", secret: owner.token };
const logins = [...devices.map(({ key }) => key), program].map(({ id, secret }) => ({ user: id, password: secret }));
const scene: Scene = {
  door: { port: place.mqttPort, tls: secureContext(place.ca) },
  logins,
  login(chance) {
    return chance.in(0.1) ? { user: "nobody", password: "wrong" } : logins[chance.below(logins.length)];
  },
  topic: (chance, serial) => (chance.in(0.8) ? "me/telemetry" : `me/nothing/${serial}`),
  lastingTopic: () => "me/telemetry",
  filter: (chance, serial) =>
    chance.of("me/telemetry", "me/#", "$share/group/me/#", `me/nothing/${serial}`, "devices/#"),
  payload: (chance) => Buffer.from(JSON.stringify({ temperature: chance.below(100) })),
};

const come = ({ id, secret }: Key, options: IClientOptions = {}) =>
  connectAsync(platform.platform.mqttsUrl, {
    ca: place.ca,
    username: id,
    password: secret,
    reconnectPeriod: 0,
    ...options,
  });

/** Somebody who looks at the live view, and vanishes. */
async function watch(serial: number): Promise<void> {
  if (serial % 2 === 0) {
    using line = await dial(place, place.port);
    line.socket.write(`GET /v1/live?strangers=true HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${owner.token}\r\n\r\n`);
    await line.until(/Readings follow/);
    await wait(200);
  } else {
    const headers = { authorization: `Bearer ${owner.token}` };
    const socket = new WebSocket(`${place.url}/v1/live`, { ca: place.ca, headers });
    await once(socket, "open");
    await wait(200);
    socket.terminate();
  }
}

/** So that nothing of it is left in this test. */
async function comeAndGo(): Promise<void> {
  const chance = new Chance(7);
  const visits = Array.from({ length: 120 }, (_, at) => visit(scene, new Chance(chance.below(0x7fffffff)), at));
  await Promise.all([...visits, ...Array.from({ length: 6 }, (_, at) => watch(at))]);

  const sleeper = await come(program, { clientId: "sleeper", clean: false });
  await sleeper.subscribeAsync("devices/+/telemetry", { qos: 1 });
  sleeper.stream.destroy();
  await settled("mqtt_connections", 0);
  await retain('{"temperature": 21}');
  const left = await metrics();
  for (const name of ["sessions", "queued_messages", "queued_bytes", "retained_messages", "retained_bytes"])
    assert.ok((left[`mqtt_${name}`] ?? 0) > 0, name);

  // What was retained is cleared; sessions of 3.1.1 end when their client says so.
  await retain("");
  await (await come(program, { clientId: "sleeper", clean: true })).endAsync();
  await endRegulars(scene);
}

async function retain(body: string): Promise<void> {
  for (const { key } of devices) {
    const last = await come(key);
    await last.publishAsync("me/telemetry", body, { retain: true, qos: 1 });
    await last.endAsync();
  }
}

test("when all clients are gone and their time is over, the platform holds nothing of them", async () => {
  const before = await metrics();
  const sockets = openSockets();
  // A round has none while it works, so that the most at one time is what there is when nothing happens.
  let timers = 0;
  for (let look = 0; look < 40; look += 1) {
    timers = Math.max(timers, clock.waiting);
    await wait(5);
  }
  // Whoever is refused waits for his answer, and whoever says nothing until he is hung up on.
  const passing = setInterval(() => clock.move(20), 20);
  await comeAndGo().finally(() => clearInterval(passing));
  // Who came and went often is watched for seven minutes.
  for (let second = 0; second < 430; second++) {
    clock.move(1_000);
    await wait(1);
  }
  let now: unknown;
  await eventually(
    async () => JSON.stringify((now = await metrics())) === JSON.stringify(before),
    () => JSON.stringify(now),
  );
  // The clock stands still by now: what is left stays, and what only comes to its end goes.
  await eventually(
    () => clock.waiting <= timers,
    () => `${clock.waiting} timers, and ${timers} before`,
  );
  await eventually(
    () => openSockets() === sockets,
    () => `${openSockets()} sockets, and ${sockets} before`,
  );
  for (const { id } of devices) {
    const { presence } = await owner.asks.get<{ presence: { state: string } }>(`/v1/devices/${id}`);
    assert.equal(presence.state, "offline");
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { IClientOptions, MqttClient } from "mqtt";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Key, type Problem, type Token } from "./authority.fixture.ts";
import { closedWithin, events, mqtt, webSocket } from "./revocation.fixture.ts";

// Where, when, how often and by what a credential may be used; over every protocol, on the real platform.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const application = await owner.application();

type Explained = { allowed: boolean; because: string };
type Fault = Problem & { errors: { path: string; message: string }[] };

const keyOf = async (conditions: object): Promise<Key & { device: string }> => {
  const device = await owner.device(application.id, { conditions });
  return { ...device.key, device: device.id };
};
const send = (key: Key) =>
  visitor.as(textOf(key)).send<Problem>("POST", "/v1/me/telemetry", { body: { temperature: 21.5 } });
const me = (text: string) => visitor.as(text).send<Problem>("GET", "/v1/me");
const refusedBy = (key: Key, options: IClientOptions & { over?: "mqtts" | "wss" } = {}) =>
  assert.rejects(mqtt(platform, { username: key.id, password: key.secret, protocolVersion: 5, ...options }), {
    code: options.protocolVersion === 4 ? 5 : 0x87,
  });

test("a credential of certain addresses is refused from every other, over every protocol, and the clause says why", async () => {
  const here = await keyOf({ addresses: ["::ffff:127.0.0.0/104"] });
  const elsewhere = await keyOf({ addresses: ["192.0.2.0/24", "2001:db8::/32"] });
  assert.equal((await send(here)).status, 200);
  (await mqtt(platform, { username: here.id, password: here.secret })).end();
  const { status, body } = await send(elsewhere);
  assert.deepEqual([status, body.code], [403, "condition.unmet"]);
  await refusedBy(elsewhere);
  await refusedBy(await keyOf({ addresses: ["192.0.2.7"] }), { protocolVersion: 4 });
  await refusedBy(await keyOf({ addresses: ["192.0.2.7"] }), { over: "wss" });
  const { token } = await owner.tokenOf(["telemetry.read"], { conditions: { addresses: ["192.0.2.7"] } });
  await assert.rejects(events(platform, token), /answered 403/);
  const socket = await webSocket(platform, token);
  while (!socket.seen().includes("condition.unmet")) await new Promise(setImmediate);
  socket.end();
  const explain = (more: object) =>
    owner.asks.post<Explained>("/v1/explain", {
      credential: elsewhere.id,
      action: "telemetry.write",
      resource: elsewhere.device,
      ...more,
    });
  const open = await explain({});
  assert.deepEqual(
    [open.allowed, /provided that key_\w+ is good only from 192\.0\.2\.0\/24/.test(open.because)],
    [true, true],
  );
  assert.deepEqual(await explain({ from: "127.0.0.1" }), {
    allowed: false,
    because: `${elsewhere.id} is good only from 192.0.2.0/24 or 2001:db8::/32, and this came from 127.0.0.1`,
  });
  assert.equal((await explain({ from: "::ffff:192.0.2.9" })).allowed, true);
});

test("a credential of certain protocols is good over no other", async () => {
  const only = { mqtts: await keyOf({ transports: ["mqtts"] }), wss: await keyOf({ transports: ["wss"] }) };
  assert.equal((await send(only.mqtts)).body.code, "condition.unmet");
  for (const over of ["mqtts", "wss"] as const) {
    const key = only[over];
    (await mqtt(platform, { over, username: key.id, password: key.secret })).end();
    await refusedBy(key, { over: over === "wss" ? "mqtts" : "wss" });
  }
});

const minute = 60_000;
const timeAt = (milliseconds: number) => new Date(milliseconds).toISOString().slice(11, 16);

test("what is made within hours ends with what made it, and not with the hours of that day", async () => {
  const hours = [
    { from: "00:00", to: "12:00", zone: "UTC" },
    { from: "12:00", to: "24:00", zone: "UTC" },
  ];
  const made = await owner.tokenOf(["org.read", "token.create"], { conditions: { hours }, expiresIn: "30d" });
  const child = await visitor
    .as(made.token)
    .post<Token & { expiresAt: string }>("/v1/tokens", { name: "child", grants: ["org.read"], conditions: { hours } });
  const above = await owner.asks.get<{ expiresAt: string }>(`/v1/credentials/${made.id}`);
  assert.equal(child.expiresAt, above.expiresAt);
});

test("what is open when the hours end is closed to the millisecond, what comes later is refused, and what was subscribed to is there when they begin again", async (t) => {
  const clock = new TestClock(systemClock.now());
  const platform = await startTestPlatform({ clock, timers: clock });
  t.after(() => platform.close());
  const owner = new Owner(platform.visitor, await platform.setUp());
  const application = await owner.application();
  // Connections that wait for a next request are closed when the clock moves.
  const fresh = (text: string) => platform.visitor.as(text).anew();
  const me = (text: string) => fresh(text).send<Problem>("GET", "/v1/me");
  clock.move(minute - (clock.now() % minute));
  const span = (from: number) => ({ from: timeAt(from), to: timeAt(from + 10 * minute), zone: "UTC" });
  const hours = [span(clock.now()), span(clock.now() + 60 * minute)];
  const made = await owner.tokenOf(["telemetry.read"], { conditions: { hours } });
  const device = await owner.device(application.id);
  const options = {
    username: "program",
    password: made.token,
    clientId: "program",
    clean: false,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: 7 * 24 * 3_600 },
  } as const;
  const subscribed = await mqtt(platform, options);
  await subscribed.client.subscribeAsync(`devices/${device.id}/telemetry`, { qos: 1 });
  const open = [subscribed, await events(platform, made.token), await webSocket(platform, made.token)];
  clock.move(10 * minute - 1);
  assert.equal((await me(made.token)).status, 200);
  clock.move(1);
  const from = performance.now();
  clock.move(500); // who does not hang up when told is hung up on
  for (const held of open) await closedWithin(held, from, 2_000);
  assert.deepEqual([(await me(made.token)).status, (await me(made.token)).body.code], [403, "condition.unmet"]);
  // Something changes in the organisation meanwhile, and a reading comes for whoever is not there.
  const { id } = await fresh(owner.token).post<Token>("/v1/tokens", { name: "passing", grants: ["org.read"] });
  await fresh(owner.token).delete(`/v1/credentials/${id}`);
  await fresh(textOf(device.key)).post("/v1/me/telemetry", { temperature: 99.5 });
  clock.move(50 * minute);
  const again = await mqtt(platform, options);
  const until = performance.now() + 20_000;
  while (!again.seen().includes("99.5") && performance.now() < until) await new Promise(setImmediate);
  again.end();
  assert.match(again.seen(), /99\.5/);
});

test("a credential's rate counts its requests and those of all that it made, and says what is left", async () => {
  const made = await owner.tokenOf(["token.create", "org.read"], { conditions: { rate: { perMinute: 60, burst: 3 } } });
  const child = await visitor.as(made.token).post<Token>("/v1/tokens", { name: "child", grants: ["org.read"] });
  const first = await me(child.token);
  assert.equal(first.status, 200);
  assert.equal(first.headers["ratelimit-policy"], `"credential";q=3;w=3`);
  assert.equal(first.headers["ratelimit"], `"credential";r=1;t=2`);
  assert.equal((await me(made.token)).status, 200);
  for (const text of [made.token, child.token]) {
    const { status, body, headers } = await me(text);
    assert.deepEqual([status, body.code, headers["retry-after"]], [429, "rate.exceeded", "1"]);
  }
  clock.move(1_000);
  assert.equal((await me(child.token)).status, 200);
  assert.equal((await me(made.token)).status, 429);
});

test("over MQTT 5 a message beyond the credential's rate is told 0x97, and 3.1.1 is hung up on and comes again", async () => {
  const reading = JSON.stringify({ temperature: 1 });
  const published = (client: MqttClient) => client.publishAsync("me/telemetry", reading, { qos: 1 });
  const rate = { perMinute: 60, burst: 2 };
  const five = await keyOf({ rate });
  const new5 = await mqtt(platform, { username: five.id, password: five.secret, protocolVersion: 5 });
  await published(new5.client);
  await assert.rejects(published(new5.client), { code: 0x97 });
  clock.move(1_000);
  await published(new5.client);
  new5.end();
  const four = await keyOf({ rate });
  const old = await mqtt(platform, { username: four.id, password: four.secret, protocolVersion: 4 });
  await published(old.client);
  old.client.publish("me/telemetry", reading, { qos: 1 });
  await old.closed;
  clock.move(2_000);
  const again = await mqtt(platform, { username: four.id, password: four.secret, protocolVersion: 4 });
  await published(again.client);
  again.end();
});

test("nobody makes a credential of wider conditions than his own, and what is left out is the maker's", async () => {
  const conditions = {
    addresses: ["127.0.0.0/8"],
    transports: ["https", "wss"],
    rate: { perMinute: 600 },
    hours: [
      { from: "00:00", to: "12:00", zone: "UTC" },
      { from: "12:00", to: "24:00", zone: "UTC" },
    ],
  };
  const made = await owner.tokenOf(["token.create", "org.read"], { conditions });
  const asking = visitor.as(made.token);
  const wider = {
    addresses: ["10.0.0.0/8"],
    transports: ["mqtts"],
    rate: { perMinute: 601 },
    hours: [{ from: "00:00", to: "12:00", zone: "Europe/Berlin" }],
  };
  for (const [name, value] of Object.entries(wider)) {
    const body = { name: "wider", grants: ["org.read"], conditions: { [name]: value } };
    const answer = await asking.send<Fault>("POST", "/v1/tokens", { body });
    assert.deepEqual([answer.status, answer.body.code], [403, "credential.amplifies"], name);
    assert.equal(answer.body.errors[0]?.path, `conditions.${name}`);
  }
  const body = { name: "narrower", grants: ["org.read"], conditions: { addresses: ["127.0.0.1"] } };
  const child = await asking.post<Token>("/v1/tokens", body);
  assert.equal((await me(child.token)).status, 200);
  await refusedBy({ id: "any", secret: child.token });
});

test("what names nothing is refused with what to write", async () => {
  for (const [conditions, path] of [
    [{ addresses: [] }, "conditions.addresses"],
    [{ addresses: ["0.0.0.0/0"] }, "conditions.addresses.0"],
    [{ hours: [{ from: "08:00", to: "08:00", zone: "UTC" }] }, "conditions.hours.0"],
    [{ hours: [{ from: "08:00", to: "09:00", zone: "Nowhere" }] }, "conditions.hours.0"],
    [{ rate: { perMinute: 0 } }, "conditions.rate.perMinute"],
    [{ transports: ["smoke"] }, "conditions.transports.0"],
    [{ weather: "fine" }, "conditions"],
  ] as const) {
    const body = { name: "none", grants: ["org.read"], conditions };
    const answer = await owner.asks.send<Fault>("POST", "/v1/tokens", { body });
    assert.deepEqual([answer.status, answer.body.code], [400, "request.malformed"], path);
    assert.equal(answer.body.errors[0]?.path, path);
  }
});

test("conditions stand with their credential wherever it is shown, and in the audit log", async () => {
  const asked = { addresses: ["127.0.0.1"], rate: { perMinute: 600 } };
  const kept = { addresses: ["127.0.0.1"], rate: { perMinute: 600, burst: 600 } };
  const operator = await owner.operatorKey({ conditions: asked });
  const access = await owner.asks.post<Key>(`/v1/applications/${application.id}/keys`, {
    name: "a",
    conditions: asked,
  });
  const device = await owner.device(application.id);
  const key = await owner.asks.post<Key>(`/v1/devices/${device.id}/keys`, { conditions: asked });
  for (const { id } of [operator, access, key]) {
    assert.deepEqual((await owner.asks.get<{ conditions: object }>(`/v1/credentials/${id}`)).conditions, kept);
    const [entry] = await owner.audited(id);
    assert.equal(entry?.facts?.["conditions"], JSON.stringify(kept));
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { IClientOptions } from "mqtt";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, unknown, type Device, type Key, type Problem, type Thing } from "./authority.fixture.ts";
import { closedWithin, events, mqtt, shown, type Held } from "./revocation.fixture.ts";

// What products and devices demand of whoever comes to them: over every protocol, on the real platform.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const application = await owner.application();

type Clause = { field: string; from: string; says: string };
type Shown = { door: object; clauses: Clause[]; inherited?: { product: string; door: object }; version: number };
type Explained = { allowed: boolean; because: string };
type Fault = Problem & { errors: { path: string; message: string }[] };
type Items = { items: { attribute: string }[] };

const doorOf = (device: Thing) => `/v1/devices/${device.id}/door`;
const productDoorOf = (product: Thing) => `/v1/products/${product.id}/door`;
const set = (path: string, door: object) => owner.asks.put<Shown>(path, door);
const reading = (value: number, more: object = {}) => ({ temperature: value, ...more });
const send = (key: Key, body: object = reading(1)) =>
  visitor.as(textOf(key)).send<Fault>("POST", "/v1/me/telemetry", { body });
const connect = ({ key }: Device, more: IClientOptions & { over?: "mqtts" | "wss" } = {}) =>
  mqtt(platform, { username: key.id, password: key.secret, protocolVersion: 5, ...more });
const explain = (credential: string, action: string, resource: Thing, more: object = {}) =>
  owner.asks.post<Explained>("/v1/explain", { credential, action, resource: resource.id, ...more });

async function seen(held: Held, what: RegExp): Promise<void> {
  const until = performance.now() + 20_000;
  while (!what.test(held.seen()) && performance.now() < until) await new Promise(setImmediate);
  assert.match(held.seen(), what);
}

test("a door says no to those whom it does not take and to no other: connections end within a second, and the rest go on", async () => {
  const [ours, other] = [await owner.device(application.id), await owner.device(application.id)];
  const held = await Promise.all([connect(ours), connect(ours, { over: "wss" }), connect(other)]);
  const [direct, socket, neighbour] = held;
  const from = performance.now();
  await set(doorOf(ours), { transports: ["wss"] });
  await closedWithin(direct, from, 1_000);
  for (const { client } of [socket, neighbour])
    await client.publishAsync("me/telemetry", '{"temperature":2}', { qos: 1 });
  assert.equal(
    (await owner.asks.get<{ presence: { state: string } }>(`/v1/devices/${ours.id}`)).presence.state,
    "online",
  );
  await assert.rejects(connect(ours), { code: 0x87 });
  assert.deepEqual([(await send(ours.key)).status, (await send(ours.key)).body.code], [403, "door.refused"]);
  assert.deepEqual(await explain(ours.key.id, "telemetry.write", ours, { transport: "mqtts" }), {
    allowed: false,
    because: `the door of ${ours.id} takes wss only, and this came over mqtts`,
  });
  assert.equal((await explain(ours.key.id, "telemetry.write", ours, { transport: "wss" })).allowed, true);
  const open = await explain(ours.key.id, "telemetry.write", ours);
  assert.match(open.because, new RegExp(`provided that the door of ${ours.id} takes wss only`));
  await owner.asks.delete(doorOf(ours));
  const again = await connect(ours);
  for (const one of [again, socket, neighbour]) one.end();
});

test("what a product demands its devices demand, and a device narrows it and never widens it", async () => {
  const product = await owner.product();
  const device = await owner.device(application.id, { product: product.id });
  const { id: token } = await owner.tokenOf(["telemetry.read"]);
  const door = {
    transports: ["mqtts", "wss"],
    tls: "TLSv1.3",
    proof: "key",
    allow: { addresses: ["127.0.0.0/8"], kinds: ["apiToken"] },
    writable: ["temperature"],
    readable: [{ attributes: ["temperature"], by: { kinds: ["apiToken"] } }],
    rate: { perMinute: 60, burst: 10 },
    size: 1_000,
    hours: [{ from: "00:00", to: "12:00", zone: "UTC" }],
  };
  await set(productDoorOf(product), door);
  const wider: Record<string, [object, string?]> = {
    transports: [{ transports: ["mqtts", "https"] }],
    tls: [{ tls: "TLSv1.2" }],
    proof: [{ proof: "secret" }],
    addresses: [{ allow: { addresses: ["127.0.0.0/7"] } }, "allow.addresses"],
    kinds: [{ allow: { kinds: ["apiToken", "session"] } }, "allow.kinds"],
    people: [{ allow: { people: [owner.person] } }, "allow.people"],
    writable: [{ writable: ["humidity"] }],
    readable: [{ readable: [{ attributes: ["temperature"] }] }, "readable.0"],
    rate: [{ rate: { perMinute: 60, burst: 11 } }],
    size: [{ size: 1_001 }],
    hours: [{ hours: [{ from: "11:00", to: "13:00", zone: "UTC" }] }],
  };
  for (const [name, [body, path = name]] of Object.entries(wider)) {
    const fields = name === "addresses" ? { allow: { addresses: ["126.0.0.0/7"] } } : body;
    const answer = await owner.asks.send<Fault>("PUT", doorOf(device), { body: fields });
    assert.deepEqual([answer.status, answer.body.code, answer.body.errors[0]?.path], [409, "door.widens", path]);
  }
  const narrower = {
    transports: ["mqtts"],
    allow: { addresses: ["127.0.0.1"], credentials: [token] },
    rate: { perMinute: 6 },
  };
  const kept = await set(doorOf(device), narrower);
  assert.deepEqual(kept.door, { ...narrower, rate: { perMinute: 6, burst: 6 } });
  assert.equal(kept.inherited?.product, product.id);
  const from = (field: string) => kept.clauses.filter((one) => one.field === field).map((one) => one.from);
  assert.deepEqual([from("transports"), from("tls")], [[product.id, device.id], [product.id]]);
  // The product's changes beneath it: what the device's would let in, it does not let in alone.
  await set(productDoorOf(product), { transports: ["wss"] });
  assert.match(
    (await explain(device.key.id, "telemetry.write", device, { transport: "mqtts", from: "127.0.0.1" })).because,
    /takes wss only/,
  );
  assert.match(
    (await explain(device.key.id, "telemetry.write", device, { transport: "wss", from: "127.0.0.1" })).because,
    /takes mqtts only/,
  );
});

test("a door asks for the least version of TLS and for the least proof", async () => {
  const device = await owner.device(application.id);
  await set(doorOf(device), { tls: "TLSv1.3" });
  await assert.rejects(connect(device, { maxVersion: "TLSv1.2" } as object), { code: 0x87 });
  (await connect(device)).end();
  await set(doorOf(device), { proof: "key" });
  const watching = await events(platform, owner.token, device.id);
  await assert.rejects(connect(device), { code: 0x87 });
  await seen(watching, /"code":"door\.refused".*takes only who proves a key, and this showed a secret alone/);
  watching.end();
});

test("a door takes addresses, people, kinds of credential and credentials, or does not take them, and what they made", async () => {
  const device = await owner.device(application.id);
  const read = (text: string) => visitor.as(text).send<Problem>("GET", `/v1/devices/${device.id}/telemetry/latest`);
  const maker = await owner.tokenOf(["token.create", "telemetry.read", "device.read"]);
  const child = await visitor.as(maker.token).post<{ id: string; token: string }>("/v1/tokens", {
    name: "child",
    grants: ["telemetry.read", "device.read"],
  });
  const operator = await owner.operatorKey();
  const answers = async () => [
    (await read(maker.token)).status,
    (await read(child.token)).status,
    (await read(textOf(operator))).status,
  ];
  for (const [door, expected] of [
    [{ deny: { credentials: [maker.id] } }, [403, 403, 200]],
    [{ allow: { credentials: [maker.id] } }, [200, 200, 403]],
    [{ allow: { kinds: ["operator"] } }, [403, 403, 200]],
    [{ deny: { kinds: ["operator"] } }, [200, 200, 403]],
    [{ deny: { people: [owner.person] } }, [403, 403, 403]],
    [{ allow: { people: [owner.person] }, deny: { credentials: [child.id] } }, [200, 403, 200]],
    [{ allow: { addresses: ["192.0.2.0/24"] } }, [403, 403, 403]],
    [{ allow: { addresses: ["::ffff:127.0.0.1"] } }, [200, 200, 200]],
  ] as const) {
    await set(doorOf(device), door);
    assert.deepEqual(await answers(), expected, JSON.stringify(door));
  }
  // Whose credentials they are is for those who may know of them.
  await set(doorOf(device), { deny: { credentials: [maker.id] } });
  const blind = visitor.as((await owner.tokenOf(["device.read", "device.setDoor"])).token);
  const tell = async (method: "GET" | "PUT") =>
    (
      await blind.send<Problem>(
        method,
        doorOf(device),
        method === "PUT" ? { body: { deny: { credentials: [maker.id] } } } : {},
      )
    ).body;
  for (const method of ["GET", "PUT"] as const) assert.match(String((await tell(method)).detail), /credential\.read/);
  // Whoever may change it is not shut out from that, and the device itself needs no permission.
  await set(doorOf(device), { allow: { kinds: ["accessKey"] } });
  assert.equal((await send(device.key)).status, 200);
  await set(doorOf(device), { deny: { credentials: [device.key.id] } });
  assert.equal((await send(device.key)).body.code, "door.refused");
});

test("a message with an attribute that its door does not let in is refused as a whole, and the live view says which", async () => {
  const device = await owner.device(application.id);
  await set(doorOf(device), { writable: ["temperature"], size: 60 });
  const watching = await events(platform, owner.token, device.id);
  const { status, body } = await send(device.key, reading(1, { secret: 2 }));
  assert.deepEqual([status, body.code, body.errors[0]?.path], [422, "door.attribute", "secret"]);
  assert.equal(
    (await send(device.key, reading(1, { temperature: 1.000_000_000_01, ["x".repeat(60)]: 1 }))).body.code,
    "door.tooLarge",
  );
  const held = await connect(device);
  const publish = (value: object) => held.client.publishAsync("me/telemetry", JSON.stringify(value), { qos: 1 });
  await assert.rejects(publish(reading(3, { secret: 2 })), { code: 0x99 });
  await publish(reading(77.5));
  const old = await connect(device, { protocolVersion: 4, clientId: "old" });
  await old.client.publishAsync("me/telemetry", JSON.stringify(reading(88.5, { secret: 2 })), { qos: 1 });
  await shown([watching], 77.5, async () => undefined);
  await seen(watching, /(?:"door\.attribute"[^]*){3}/); // the last may come behind its acknowledgement
  assert.equal(watching.seen().match(/"door\.attribute"/g)?.length, 3);
  const latest = await owner.asks.get<Items>(`/v1/devices/${device.id}/telemetry/latest`);
  assert.deepEqual(
    latest.items.map(({ attribute }) => attribute),
    ["temperature"],
  );
  for (const one of [held, old, watching]) one.end();
});

test("an attribute that a door hides is read by nobody from whom it is hidden: not in the live view, not in its history, not as a message", async () => {
  const device = await owner.device(application.id);
  const service = await owner.tokenOf(["telemetry.read"]);
  const partner = await owner.tokenOf(["telemetry.read"]);
  await set(doorOf(device), {
    readable: [{ attributes: ["temperature"] }, { attributes: ["position"], by: { credentials: [service.id] } }],
  });
  const subscribe = async (text: string) => {
    const held = await mqtt(platform, { username: "program", password: text, protocolVersion: 5 });
    const granted = await held.client.subscribeAsync("devices/+/telemetry").then(() => "yes");
    return { held, granted };
  };
  const refusal = "Subscribe error: Not authorized";
  const exactly = async (text: string) => {
    const held = await mqtt(platform, { username: "program", password: text, protocolVersion: 5 });
    const code = await held.client.subscribeAsync(`devices/${device.id}/telemetry`).then(
      () => "yes",
      ({ message }: Error) => message,
    );
    held.end();
    return code;
  };
  const [mine, theirs] = [await events(platform, service.token), await events(platform, partner.token)];
  const raw = (await subscribe(partner.token)).held;
  const both = { temperature: 41.5, position: 4_711.25 }; // with a point, as no identifier has one
  await shown([mine, theirs], 41.5, () => send(device.key, both));
  await seen(mine, /4711\.25/);
  // In the order of commits: what comes behind it would have been seen.
  await shown([theirs], 42.5, () => send(device.key, reading(42.5)));
  assert.doesNotMatch(theirs.seen(), /position|4711\.25/);
  assert.equal(raw.seen(), "");
  assert.deepEqual([await exactly(partner.token), await exactly(owner.token)], [refusal, refusal]);
  const items = async (text: string, attribute: string) =>
    (await visitor.as(text).get<{ items: object[] }>(`/v1/devices/${device.id}/telemetry?attribute=${attribute}`)).items
      .length;
  const steps = async (text: string) =>
    (
      await visitor
        .as(text)
        .get<{ items: object[] }>(`/v1/devices/${device.id}/telemetry?attribute=position&every=1h&aggregate=avg`)
    ).items.length;
  assert.deepEqual([await items(partner.token, "position"), await steps(partner.token)], [0, 0]);
  assert.deepEqual([(await items(service.token, "position")) > 0, (await steps(service.token)) > 0], [true, true]);
  const latest = async (text: string) =>
    (await visitor.as(text).get<Items>(`/v1/devices/${device.id}/telemetry/latest`)).items.map(
      ({ attribute }) => attribute,
    );
  assert.deepEqual(
    [await latest(partner.token), await latest(service.token)],
    [["temperature"], ["position", "temperature"]],
  );
  for (const one of [mine, theirs, raw]) one.end();
});

test("a door's rate is of each device, whoever sends in its name and over whatever", async () => {
  const product = await owner.product();
  await set(productDoorOf(product), { rate: { perMinute: 60, burst: 2 } });
  const [device, other] = [
    await owner.device(application.id, { product: product.id }),
    await owner.device(application.id, { product: product.id }),
  ];
  const program = await owner.tokenOf(["telemetry.write", "device.read"]);
  const inItsName = () =>
    visitor.as(program.token).send<Problem>("POST", `/v1/devices/${device.id}/telemetry`, { body: reading(1) });
  assert.deepEqual([(await send(device.key)).status, (await inItsName()).status], [200, 200]);
  const { status, body, headers } = await send(device.key);
  assert.deepEqual([status, body.code, headers["retry-after"]], [429, "rate.exceeded", "1"]);
  assert.equal((await send(other.key)).status, 200);
  const held = await connect(device);
  await assert.rejects(held.client.publishAsync("me/telemetry", '{"temperature":1}', { qos: 1 }), { code: 0x97 });
  clock.move(1_000);
  await held.client.publishAsync("me/telemetry", '{"temperature":1}', { qos: 1 });
  held.end();
});

test("when the hours of a door end, the device is let go and nobody reads it, and both may again when they begin", async (t) => {
  const clock = new TestClock(systemClock.now());
  const platform = await startTestPlatform({ clock, timers: clock });
  t.after(() => platform.close());
  const owner = new Owner(platform.visitor, await platform.setUp());
  const device = await owner.device((await owner.application()).id);
  const neighbour = await owner.device((await owner.application()).id);
  const minute = 60_000;
  clock.move(minute - (clock.now() % minute));
  const timeAt = (at: number) => new Date(at).toISOString().slice(11, 16);
  const span = (from: number) => ({ from: timeAt(from), to: timeAt(from + 10 * minute), zone: "UTC" });
  const hours = [span(clock.now()), span(clock.now() + 60 * minute)];
  const asking = () => platform.visitor.as(owner.token).anew();
  await asking().put(doorOf(device), { hours });
  const { token } = await owner.tokenOf(["telemetry.read"]);
  const program = await mqtt(platform, { username: "program", password: token, protocolVersion: 5 });
  await program.client.subscribeAsync("devices/+/telemetry");
  const lasting = { clientId: "lasting", clean: false, properties: { sessionExpiryInterval: 86_400 } };
  const come = ({ key }: Device) =>
    mqtt(platform, { username: key.id, password: key.secret, protocolVersion: 5, ...lasting });
  const [held, stays] = [await come(device), await come(neighbour)];
  const deliver = async (value: number) => {
    const path = `/v1/devices/${device.id}/telemetry`;
    return (await asking().send<Problem>("POST", path, { body: reading(value) })).status;
  };
  await shown([program], 51.5, () => deliver(51.5));
  const from = performance.now();
  clock.move(10 * minute);
  clock.move(1_000);
  await closedWithin(held, from, 2_000);
  assert.equal(await deliver(52.5), 403);
  assert.equal((await asking().send("GET", `/v1/devices/${device.id}/telemetry/latest`)).status, 403);
  await stays.client.publishAsync("me/telemetry", '{"temperature":53.5}', { qos: 1 });
  clock.move(50 * minute);
  const again = await come(device);
  assert.ok(again.resumed, "its session was not kept meanwhile");
  const late = await mqtt(platform, { username: "program", password: token, protocolVersion: 5, clientId: "late" });
  await late.client.subscribeAsync(`devices/${device.id}/telemetry`);
  await shown([late], 54.5, () => deliver(54.5));
  for (const one of [again, late, program, stays]) one.end();
});

test("who is let go because hours end keeps his session and what comes for it, and whom a changed door lets go does not", async () => {
  const minute = 60_000;
  clock.move(minute - (clock.now() % minute));
  const timeAt = (at: number) => new Date(at).toISOString().slice(11, 16);
  const span = (from: number) => ({ from: timeAt(from), to: timeAt(from + 10 * minute), zone: "UTC" });
  const hours = [span(clock.now()), span(clock.now() + 60 * minute)];
  const [device, neighbour] = [await owner.device(application.id), await owner.device(application.id)];
  await set(doorOf(device), { hours });
  const { token } = await owner.tokenOf(["telemetry.read"], { conditions: { hours } });
  const lasting = { clean: false, properties: { sessionExpiryInterval: 86_400 } } as const;
  const come = (clientId: string) => connect(device, { clientId, ...lasting });
  const read = () =>
    mqtt(platform, { username: "reader", password: token, protocolVersion: 5, clientId: "reader", ...lasting });
  const [there, away, reader] = [await come("there"), await come("away"), await read()];
  await reader.client.subscribeAsync(`devices/${neighbour.id}/telemetry`, { qos: 1 });
  away.end();
  await away.closed;
  // The timers of this platform are the machine's: it is a change of something else that finds the hours over.
  const from = performance.now();
  clock.move(10 * minute);
  await owner.asks.patch(`/v1/devices/${neighbour.id}`, { tags: { site: "north" } });
  for (const one of [there, reader]) await closedWithin(one, from, 10_000);
  await assert.rejects(come("away"), { code: 0x87 });
  await send(neighbour.key, reading(61.25));
  clock.move(50 * minute);
  const again = [await come("there"), await come("away"), await read()] as const;
  for (const { resumed } of again) assert.ok(resumed, "its session was not kept meanwhile");
  await seen(again[2], /61\.25/);
  await set(doorOf(device), { transports: ["wss"] });
  await Promise.all([again[0].closed, again[1].closed]);
  await owner.asks.delete(doorOf(device));
  const anew = await come("there");
  assert.ok(!anew.resumed, "a change let it go, as a suspension does");
  for (const one of [anew, again[2]]) one.end();
});

test("a door that names nothing, or nobody, is refused with what to mend, and one that somebody else changed as well", async () => {
  const product = await owner.product();
  for (const [door, path] of [
    [{ transports: [] }, "transports"],
    [{ transports: ["smoke"] }, "transports.0"],
    [{ tls: "TLSv1.1" }, "tls"],
    [{ allow: { addresses: ["0.0.0.0/0"] } }, "allow.addresses.0"],
    [{ deny: { addresses: ["10.0.0.1/8"] } }, "deny.addresses.0"],
    [{ allow: { people: [unknown("person")] } }, "allow.people"],
    [{ deny: { credentials: [unknown("token")] } }, "deny.credentials"],
    [{ readable: [{ attributes: ["a"], by: { credentials: [unknown("key")] } }] }, "readable.0.by.credentials"],
    [{ hours: [{ from: "08:00", to: "08:00", zone: "UTC" }] }, "hours.0"],
    [{ rate: { perMinute: 0 } }, "rate.perMinute"],
    [{ size: 0 }, "size"],
    [{ weather: "fine" }, "body"],
  ] as const) {
    const { status, body } = await owner.asks.send<Fault>("PUT", productDoorOf(product), { body: door });
    assert.deepEqual([status, body.code, body.errors[0]?.path], [400, "request.malformed", path], JSON.stringify(door));
  }
  const { version } = await set(productDoorOf(product), { size: 100 });
  const stale = await owner.asks.send<Problem>("PUT", productDoorOf(product), {
    body: {},
    headers: { "if-match": `"${version - 1}"` },
  });
  assert.deepEqual([stale.status, stale.body.code], [412, "request.conflict"]);
  const entry = (await owner.audited(product.id))[0];
  assert.deepEqual([entry?.what, entry?.facts?.["door"]], ["product.doorSet", { size: 100 }]);
});

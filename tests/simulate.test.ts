import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "@holdfast/kernel";
import pg from "pg";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, unknown, type Problem } from "./authority.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";

// A change of a door, a list or a role is tried on what was really asked, over a restart, and then made: on the real platform.
const hour = 3_600_000;
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
atEnd.after(() => database.drop());
const first = await startTestPlatform({ database, clock });
// In the first minutes of an hour, so that all of what is asked here is asked in one.
clock.set(Math.ceil(clock.now() / hour) * hour + 60_000);
const setUp = await first.setUp();
const elsewhere = await first.setUp();

type Named = { id: string; action: string; about?: string; because?: string; decisions: number };
type Parties = { count: number; items: Named[] };
type Outcome = { decisions: number; devices: Parties; people: Parties; credentials: Parties };
type Simulated = Record<"newlyRefused" | "newlyAllowed" | "unknown", Outcome> & {
  sentence: string;
  decisions: number;
  unchanged: number;
  notCovered: number;
  altered: number;
};

/** What is asked before the restart. */
const owner = new Owner(first.visitor, setUp);
const application = await owner.application();
const product = await owner.product();
const [pump, valve, denied] = await Promise.all(
  [1, 2, 3].map(() => owner.device(application.id, { product: product.id })),
);
assert.ok(pump && valve && denied);
const night = await owner.role("Night shift", ["device.read", "telemetry.read"]);
const watchman = { email: "night@example.com", password: "correct horse battery staple" };
const { person } = await owner.member(watchman, night.id);
const { token } = await first.visitor.post<{ token: string }>("/v1/sign-in", { ...watchman, org: owner.org });
await first.visitor.as(token).get(`/v1/devices/${pump.id}`);
const held = await mqtt(first, { username: pump.key.id, password: pump.key.secret, protocolVersion: 5 });
await held.client.publishAsync("me/telemetry", '{"temperature":1}', { qos: 1 });
held.end();
for (const device of [valve, denied]) await first.visitor.as(textOf(device.key)).post("/v1/me/telemetry", { t: 1 });
const entry = await owner.deny(denied.id, "device");
const shutOut = await first.visitor
  .as(textOf(denied.key))
  .send<Problem>("POST", "/v1/me/telemetry", { body: { t: 1 } });
assert.equal(shutOut.body.code, "list.denied");
await first.close();

const platform = await startTestPlatform({ database, clock, timers: clock });
atEnd.after(() => platform.close());
const { visitor } = platform;
const ours = new Owner(visitor, setUp);
const theirs = new Owner(visitor, elsewhere);
const path = "/v1/authority/simulations";
const simulate = (change: object, more: object = {}, by = ours) => by.asks.post<Simulated>(path, { change, ...more });
const signIn = async () => {
  const signed = { email: "owner@example.com", password: "correct horse battery staple", org: setUp.org };
  return new Owner(visitor, { ...setUp, ...(await visitor.post<{ token: string }>("/v1/sign-in", signed)) });
};
const send = async ({ key }: typeof pump) =>
  (await visitor.as(textOf(key)).send<Problem>("POST", "/v1/me/telemetry", { body: { t: 2 } })).body.code;

test("a door is tried on what its devices did before the server was started again, and says who would be refused, as then happens", async () => {
  const door = { transports: ["mqtts"] };
  const tried = await simulate({ kind: "door", of: product.id, door });
  assert.equal(tried.sentence, "On the last 7 days it would newly refuse 1 device, newly allow none.");
  const [refused] = tried.newlyRefused.devices.items;
  assert.deepEqual([refused?.id, tried.newlyRefused.credentials.items.map(({ id }) => id)], [valve.id, [valve.key.id]]);
  assert.match(
    refused?.because ?? "",
    new RegExp(`the door of ${product.id} takes mqtts only, and this came over https`),
  );
  assert.equal((await simulate({ kind: "door", of: valve.id, door: {} })).newlyRefused.decisions, 0);
  assert.equal(await send(valve), undefined, "nothing changed");
  await ours.asks.put(`/v1/products/${product.id}/door`, door);
  assert.equal(await send(valve), "door.refused");
  const again = await mqtt(platform, { username: pump.key.id, password: pump.key.secret, protocolVersion: 5 });
  again.end();
  // What is there now is what a change is compared with.
  const undone = await simulate({ kind: "door", of: product.id, door: {} });
  assert.equal(undone.sentence, "On the last 7 days it would newly refuse none, newly allow 1 device.");
  await ours.asks.delete(`/v1/products/${product.id}/door`);
  const rated = await simulate({ kind: "door", of: pump.id, door: { rate: { perMinute: 60 } } });
  assert.match(rated.sentence, /newly refuse none, newly allow none; of 1 device nobody can say\.$/);
  assert.match(rated.unknown.devices.items[0]?.because ?? "", /how often something is sent/);
});

test("an entry is tried on both lists: what it would shut out, and who comes in again without it; a part of a network is not known", async () => {
  const shut = await simulate({ kind: "entryAdded", list: "deny", what: "device", value: valve.id });
  assert.equal(shut.sentence, "On the last 7 days it would newly refuse 1 device, newly allow none.");
  const open = await simulate({ kind: "entryRemoved", entry: entry.id });
  assert.equal(open.sentence, "On the last 7 days it would newly refuse none, newly allow 1 device.");
  assert.deepEqual(
    open.newlyAllowed.devices.items.map(({ id }) => id),
    [denied.id],
  );
  const all = await simulate({ kind: "entryAdded", list: "deny", what: "address", value: "127.0.0.0/8" });
  assert.equal(all.newlyRefused.devices.count, 2);
  assert.equal(all.newlyRefused.people.count, 2);
  const part = await simulate({ kind: "entryAdded", list: "deny", what: "address", value: "127.0.0.64/26" });
  assert.match(part.sentence, /newly refuse none, newly allow none; of 2 devices and 2 people nobody can say\.$/);
  assert.equal(part.unknown.decisions + part.unchanged, part.decisions);
  await ours.asks.delete(`/v1/lists/${entry.id}`);
  assert.equal(await send(denied), undefined);
});

test("a role is tried by its name or its identifier, on what its people did", async () => {
  const grants = [`device.read:${(await ours.application("Elsewhere")).id}`];
  for (const role of [night.id, "night shift"]) {
    const tried = await simulate({ kind: "role", role, grants });
    assert.equal(tried.sentence, "On the last 7 days it would newly refuse 1 person, newly allow none.");
    const [named] = tried.newlyRefused.people.items;
    assert.deepEqual([named?.id, named?.action, named?.about], [person, "device.read", pump.id]);
  }
  await ours.asks.send("PATCH", `/v1/roles/${night.id}`, { body: { grants } });
  assert.equal((await visitor.as(token).send("GET", `/v1/devices/${pump.id}`)).status, 404);
  const { status, body } = await ours.asks.send<Problem>("POST", path, {
    body: { change: { kind: "role", role: "viewer", grants } },
  });
  assert.deepEqual([status, body.code], [409, "role.builtIn"]);
});

test("whoever may ask why learns how many, and who they are only where he may read them; of another organisation nothing", async () => {
  const counting = await ours.tokenOf(["authority.explain", "list.read", `device.read:${pump.id}`]);
  const change = { kind: "entryAdded", list: "deny", what: "address", value: "127.0.0.0/8" };
  const told = await visitor.as(counting.token).post<Simulated>(path, { change });
  const { devices, people, credentials } = told.newlyRefused;
  assert.ok(devices.count === 3 && people.count >= 2 && credentials.count >= 4);
  assert.deepEqual(
    devices.items.map(({ id, because }) => [id, because]),
    [[pump.id, undefined]],
  );
  assert.deepEqual([people.items, credentials.items], [[], []]);
  const answers = async (by: Owner, asked: object) => {
    const { status, body } = await by.asks.send<Problem>("POST", path, { body: { change: asked } });
    return [status, body.code];
  };
  const door = { tls: "TLSv1.3" };
  const [theirPump] = [await theirs.device((await theirs.application()).id)];
  const nowhere: readonly (readonly [object, object])[] = [
    [
      { kind: "door", of: theirPump.id, door },
      { kind: "door", of: unknown("device"), door },
    ],
    [
      { kind: "door", of: (await theirs.product()).id, door },
      { kind: "door", of: unknown("product"), door },
    ],
    [
      { kind: "entryRemoved", entry: (await theirs.deny("203.0.113.9")).id },
      { kind: "entryRemoved", entry: unknown("listEntry") },
    ],
    [
      { kind: "role", role: (await theirs.role("Theirs")).id, grants: ["device.read"] },
      { kind: "role", role: unknown("role"), grants: ["device.read"] },
    ],
  ];
  for (const [foreign, never] of nowhere) {
    const [status] = await answers(ours, never);
    assert.equal(status, 404);
    assert.deepEqual(await answers(ours, foreign), await answers(ours, never));
  }
  // An entry about somebody elsewhere touches nobody here.
  const about = (value: string) => ({ kind: "entryAdded", list: "deny", what: "device", value });
  const [touches, none] = [await simulate(about(theirPump.id)), await simulate(about(unknown("device")))];
  assert.deepEqual([touches.newlyRefused, touches.sentence], [none.newlyRefused, none.sentence]);
});

test("a connection that goes on is asked about in each hour, though it says nothing, and hours of a door are tried on each", async () => {
  const lasting = await ours.device(application.id);
  const begun = new Date(clock.now()).getUTCHours();
  const shown = { username: lasting.key.id, password: lasting.key.secret };
  const open = await mqtt(platform, { ...shown, protocolVersion: 5, keepalive: 0 });
  const clocks = (past: number) => `${String((begun + past) % 24).padStart(2, "0")}:00`;
  const within = (from: number, to: number) => {
    const hours = [
      { days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], from: clocks(from), to: clocks(to), zone: "UTC" },
    ];
    return simulate({ kind: "door", of: lasting.id, door: { hours } });
  };
  assert.match((await within(0, 1)).sentence, /newly refuse none,/);
  clock.move(hour);
  await visitor.close(); // whoever said nothing for so long was hung up on
  let tried = await within(0, 1);
  for (let turns = 0; tried.newlyRefused.devices.count === 0 && turns < 100; turns += 1) {
    clock.move(1_000);
    tried = await within(0, 1);
  }
  assert.match(tried.newlyRefused.devices.items[0]?.because ?? "", /is open .* only, and this is another time/);
  assert.match((await within(0, 2)).sentence, /newly refuse none,/);
  open.end();
});

test("what was altered in the database is left out, and the answer and whoever runs the platform are told of it", async () => {
  const change = { kind: "entryAdded", list: "deny", what: "device", value: valve.id };
  const before = await simulate(change);
  assert.deepEqual([before.altered, before.newlyRefused.devices.count], [0, 1]);
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    const flipped =
      "update holdfast.decision set body = set_byte(body, 20, 255 - get_byte(body, 20)) where device = $1";
    await client.query(flipped, [valve.id.slice(4)]);
    const { newlyRefused, altered, ...tried } = await simulate(change);
    assert.equal(newlyRefused.devices.count, 0);
    assert.ok(tried.decisions >= before.decisions, "counted nevertheless, with what was asked since");
    assert.ok(altered >= before.newlyRefused.decisions && altered <= tried.notCovered);
    assert.match(
      tried.sentence,
      new RegExp(`; ${altered} decisions cannot be read, because what was kept of them was altered\\.$`),
    );
    assert.ok(platform.reports.some((said) => said.includes(`${ours.org} do not open, because they were altered`)));
    await client.query(flipped, [valve.id.slice(4)]);
    assert.equal((await simulate(change)).sentence, before.sentence);
  } finally {
    await client.end();
  }
});

test("what was asked is looked at as far back as somebody wants, and kept for thirty days", async () => {
  const change = { kind: "door", of: pump.id, door: { transports: ["https"] } };
  clock.set(clock.now() + 25 * hour);
  const by = await signIn();
  const today = await simulate(change, { days: 1 }, by);
  assert.equal(today.sentence, "Nothing is kept of the last day yet, so nobody can say.");
  assert.match((await simulate(change, { days: 2 }, by)).sentence, /would newly refuse 1 device,/);
  assert.equal((await by.asks.send("POST", path, { body: { change, days: 31 } })).status, 400);
  const client = new pg.Client(database.url);
  await client.connect();
  const kept = async () => {
    const { rows } = await client.query<{ count: string }>("select count(*) from holdfast.decision where day < $1", [
      clock.now() - 30 * 24 * hour,
    ]);
    return Number(rows[0]?.count);
  };
  try {
    clock.set(clock.now() + 31 * 24 * hour);
    assert.ok((await kept()) > 10, "it was written down");
    // What removes it looks once an hour, takes as long as the database does, and gives up where it is kept from it for ten seconds.
    for (const end = performance.now() + 30_000; (await kept()) > 0 && performance.now() < end; await wait(50))
      clock.move(3_600_000);
    assert.equal(await kept(), 0);
  } finally {
    await client.end();
  }
});

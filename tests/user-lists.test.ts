import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, freshDatabase, startTestPlatform, TestClock, type Answer } from "../apps/server/src/testing/index.ts";
import { App, says } from "./application-users.fixture.ts";
import { Owner, textOf, unknown, type Device, type Problem, type Thing } from "./authority.fixture.ts";
import { closedWithin, events, mqtt, shown } from "./revocation.fixture.ts";

// What users of an application list for their own devices: over every protocol, on the real platform.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
const platform = await startTestPlatform({ clock, timers: clock, database });
let running = platform;
atEnd.after(() => running.close().then(() => database.drop()));
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const app = await App.of({ visitor, clock }, owner);

type Entry = Thing & {
  list: string;
  what: string;
  value: string;
  device?: string;
  comment: string;
  hits: number;
  warnings: string[];
};
type Entries = { user?: string; items: Entry[] };
type Explained = { allowed: boolean; because: string };

/** A customer who is signed in. */
class Customer {
  readonly id: string;
  readonly #token: string;
  constructor(id: string, token: string) {
    this.id = id;
    this.#token = token;
  }

  static async comes(): Promise<Customer> {
    const { user, accessToken } = await app.user();
    return new Customer(user, accessToken);
  }

  ask = <T = Problem>(method: string, path: string, body?: unknown): Promise<Answer<T>> =>
    visitor
      .as(this.#token)
      .anew()
      .send<T>(method, path, body === undefined ? {} : { body });

  lists<T = Problem>(method: string, path = "", body?: unknown): Promise<Answer<T>> {
    clock.move(6_000); // so that changing often is not what decides
    return this.ask<T>(method, `/v1/application-users/me/lists${path}`, body);
  }

  async put(list: string, what: string, value: string, more: object = {}): Promise<Entry> {
    const { status, body } = await this.lists<Entry>("POST", "", { list, what, value, ...more });
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  }

  refused = async (list: string, what: string, value: string, more: object = {}) =>
    says(await this.lists("POST", "", { list, what, value, ...more }));
  remove = async ({ id }: Thing) => assert.equal((await this.lists("DELETE", `/${id}`)).status, 200);
  /** While they are written down, they are nowhere for a moment. */
  async hasHits({ id }: Thing, count: number): Promise<void> {
    const hits = async () => (await this.ask<Entry>("GET", `/v1/application-users/me/lists/${id}`)).body.hits;
    const until = performance.now() + 5_000;
    while ((await hits()) !== count && performance.now() < until) await new Promise(setImmediate);
    assert.equal(await hits(), count);
  }
  all = async () => (await this.lists<Entries>("GET")).body.items;

  async device(): Promise<Device> {
    const device = await owner.device(app.id);
    await app.bind(device, this.id);
    return device;
  }
}

const read = ({ id }: Thing, text: string) =>
  visitor.as(text).anew().send<Problem>("GET", `/v1/devices/${id}/telemetry/latest`);
const explain = (credential: string, action: string, resource: Thing, more: object = {}) =>
  owner.asks.post<Explained>("/v1/explain", { credential, action, resource: resource.id, ...more });
const send = (device: Device, temperature: number) =>
  visitor.as(textOf(device.key)).anew().post("/v1/me/telemetry", { temperature });

const [ann, bob] = await Promise.all([Customer.comes(), Customer.comes()]);

test("a credential that she denies loses what it has open of her device within a second, and nothing else; its record stays with the organisation", async () => {
  const [pump, other] = [await ann.device(), await bob.device()];
  const key = await owner.accessKey(app.id, ["device.read", "telemetry.read", "telemetry.write"]);
  const program = await mqtt(platform, { username: key.id, password: key.secret, protocolVersion: 5 });
  await program.client.subscribeAsync(["devices/+/telemetry", `devices/${pump.id}/telemetry`]);
  const [hers, every] = [await events(platform, textOf(key), pump.id), await events(platform, textOf(key))];
  const stays = await events(platform, owner.token, pump.id);
  await shown([program, hers, every, stays], 111.5, () => send(pump, 111.5));
  const made = await ann.put("deny", "credential", key.id, { device: pump.id, comment: "sold to others" });
  const from = performance.now();
  clock.move(500);
  await closedWithin(hers, from, 1_000);
  await send(pump, 112.5);
  await shown([program, every], 113.5, () => send(other, 113.5));
  await shown([stays], 112.5, () => send(pump, 112.5));
  // A time of day has no three digits before its point.
  for (const { seen } of [program, every]) assert.equal(seen().includes("112.5"), false);
  assert.equal(says(await read(pump, textOf(key))), "403 list.denied");
  await assert.rejects(
    program.client.publishAsync(`devices/${pump.id}/telemetry`, '{"temperature":1}', { qos: 1 }),
    /Not authorized/,
  );
  const because = `denied by ${ann.id}'s list entry ${made.id} of ${key.id}: sold to others`;
  for (const action of ["telemetry.read", "telemetry.write"])
    assert.deepEqual(await explain(key.id, action, pump), { allowed: false, because });
  assert.equal((await explain(key.id, "telemetry.read", other)).allowed, true);
  assert.equal((await explain(key.id, "device.read", pump)).allowed, true);
  await ann.hasHits(made, 3); // the stream that ended, a request and a message
  // People of the organisation are asked as well, and what they do with the record is not.
  const people = await ann.put("deny", "credential", "operator", { device: pump.id });
  const operator = await owner.operatorKey();
  assert.equal(says(await read(pump, textOf(operator))), "403 list.denied");
  for (const [method, path] of [
    ["PATCH", ""],
    ["PUT", "/door"],
    ["POST", "/suspend"],
    ["POST", "/resume"],
  ] as const) {
    const body = method === "PATCH" ? { name: "Pump 2" } : {};
    const { status } = await visitor.as(textOf(operator)).send(method, `/v1/devices/${pump.id}${path}`, { body });
    assert.equal(status, 200, path);
  }
  assert.deepEqual(
    (await owner.audited(made.id)).map(({ what, facts }) => [what, facts?.["user"], facts?.["device"]]),
    [["list.entryAdded", ann.id, pump.id]],
  );
  await ann.remove(people);
  await ann.remove(made);
  assert.equal((await read(pump, textOf(key))).status, 200);
  assert.equal((await owner.audited(made.id))[0]?.what, "list.entryRemoved");
  for (const one of [program, every, stays]) one.end();
});

test("nobody but her addresses reach her devices, also later ones, and she is told before she bars her own", async () => {
  const pump = await ann.device();
  const token = await owner.tokenOf(["telemetry.read"]);
  assert.equal(await ann.refused("allow", "address", "192.0.2.0/24"), "409 list.locksOut");
  assert.equal(await ann.refused("deny", "address", "127.0.0.0/8", { device: pump.id }), "409 list.locksOut");
  const here = await ann.put("allow", "address", "127.0.0.1");
  const later = await ann.device();
  for (const device of [pump, later])
    assert.equal(
      (await explain(token.id, "telemetry.read", device, { from: "192.0.2.7" })).because,
      `${ann.id}'s allow list has 1 entry of addresses, and this came from 192.0.2.7`,
    );
  assert.match(
    (await explain(token.id, "telemetry.read", pump)).because,
    new RegExp(`provided that ${ann.id}'s lists of addresses let it in`),
  );
  const connect = (username: string, password: string, from: object) =>
    mqtt(platform, { username, password, protocolVersion: 5, ...from });
  const there = await connect("program", token.token, { localAddress: "127.0.0.2" });
  await assert.rejects(there.client.subscribeAsync(`devices/${pump.id}/telemetry`), /Not authorized/);
  assert.equal((await read(pump, token.token)).status, 200);
  await ann.hasHits(here, 1); // it let that in
  // The device itself comes from wherever it is.
  const device = await connect(pump.key.id, pump.key.secret, { localAddress: "127.0.0.3" });
  await device.client.publishAsync("me/telemetry", '{"temperature":3}', { qos: 1 });
  const guest = await ann.put("allow", "address", "127.0.0.2", { expiresIn: "10m", device: pump.id });
  await there.client.subscribeAsync(`devices/${pump.id}/telemetry`);
  await shown([there], 21.5, () => send(pump, 21.5));
  clock.move(600_000);
  await send(pump, 22.5);
  await assert.rejects(there.client.subscribeAsync(`devices/${pump.id}/telemetry`), /Not authorized/);
  assert.equal(there.seen().includes("22.5"), false, "what had been let in until then is let go");
  await ann.remove(guest);
  await ann.remove(here);
  for (const one of [there, device]) one.end();
});

test("whom the organisation's lists, a door or a grant refuse her entries do not let in", async () => {
  const pump = await ann.device();
  const [token, without] = await Promise.all([owner.tokenOf(["telemetry.read"]), owner.tokenOf(["device.read"])]);
  const entries = [
    await ann.put("allow", "address", "127.0.0.0/8"),
    await ann.put("allow", "credential", "apiToken", { device: pump.id }),
    await ann.put("allow", "credential", without.id, { device: pump.id }),
  ];
  assert.equal((await read(pump, token.token)).status, 200);
  assert.equal(says(await read(pump, without.token)), "403 permit.missing");
  await owner.asks.put(`/v1/devices/${pump.id}/door`, { deny: { addresses: ["127.0.0.1"] } });
  assert.equal(says(await read(pump, token.token)), "404 device.unknown", "it may not know of it, as without them");
  assert.match((await explain(token.id, "telemetry.read", pump, { from: "127.0.0.1" })).because, /^the door of/);
  await owner.asks.delete(`/v1/devices/${pump.id}/door`);
  const topic = await owner.deny(`devices/${pump.id}/#`, "topic");
  assert.match(
    (await explain(token.id, "telemetry.read", pump, { from: "127.0.0.1" })).because,
    new RegExp(`^denied by list entry ${topic.id}`),
  );
  await owner.asks.delete(`/v1/lists/${topic.id}`);
  for (const entry of entries) await ann.remove(entry);
});

test("a device that is another's and one that never was are answered alike, and so are another's entries", async () => {
  const [hers, his] = [await ann.device(), await bob.device()];
  const elsewhere = await owner.device((await owner.application()).id);
  const entry = await bob.put("deny", "credential", "session", { device: his.id });
  for (const { id } of [his, elsewhere, { id: unknown("device") }]) {
    assert.equal(await ann.refused("deny", "credential", "session", { device: id }), "404 device.unknown");
    assert.equal(says(await ann.lists("GET", `?device=${id}`)), "404 device.unknown");
    assert.equal(says(await ann.ask("GET", `/v1/devices/${id}/lists`)), "404 device.unknown");
  }
  for (const id of [entry.id, (await owner.deny("192.0.2.1")).id, unknown("listEntry")])
    for (const method of ["GET", "DELETE"]) assert.equal(says(await ann.lists(method, `/${id}`)), "404 list.unknown");
  assert.equal(says(await owner.asks.send("DELETE", `/v1/lists/${entry.id}`)), "404 list.unknown");
  assert.equal(
    (await owner.asks.get<Entries>("/v1/lists")).items.some(({ id }) => id === entry.id),
    false,
  );
  assert.equal((await bob.all()).length, 1);
  assert.equal((await explain((await owner.tokenOf(["telemetry.read"])).id, "telemetry.read", hers)).allowed, true);
  for (const [what, value] of [
    ["address", "0.0.0.0/0"],
    ["address", "pump"],
    ["credential", "applicationUser"],
    ["credential", ann.id],
    ["device", hers.id],
  ] as const)
    assert.equal(await ann.refused("deny", what, value), "400 request.malformed", value);
  await bob.remove(entry);
});

test("the organisation reads what a device's user lists, and what names credentials needs leave to read those", async () => {
  const pump = await ann.device();
  const path = `/v1/devices/${pump.id}/lists`;
  const [reads, more] = await Promise.all([
    owner.tokenOf(["device.read"]),
    owner.tokenOf(["device.read", "credential.read"]),
  ]);
  const as = ({ token }: { token: string }) => visitor.as(token).anew().send<Entries & Problem>("GET", path);
  assert.deepEqual((await as(reads)).body, { user: ann.id, items: [] });
  const address = await ann.put("deny", "address", "192.0.2.0/24", { comment: "the old flat" });
  assert.deepEqual(
    (await as(reads)).body.items.map(({ id, comment }) => [id, comment]),
    [[address.id, "the old flat"]],
  );
  const again = await ann.put("deny", "address", "192.0.2.0/24", { device: pump.id });
  assert.deepEqual(again.warnings, [`${address.id} says the same.`]);
  await ann.put("deny", "credential", "accessKey", { device: pump.id });
  assert.equal(says(await as(reads)), "403 permit.missing");
  assert.equal((await as(more)).body.items.length, 3);
  assert.deepEqual(await owner.asks.get<Entries>(`/v1/devices/${(await owner.device(app.id)).id}/lists`), {
    items: [],
  });
});

test("what she lists about a device goes when it is hers no more, and all of it with her", async () => {
  const carla = await Customer.comes();
  const [pump, valve, moved] = await Promise.all([carla.device(), carla.device(), carla.device()]);
  const { id: token } = await owner.tokenOf(["telemetry.read"]);
  const about: Entry[] = [];
  for (const { id } of [pump, valve, moved]) about.push(await carla.put("deny", "credential", token, { device: id }));
  const [ofPump, ofValve] = about;
  const all = await carla.put("deny", "address", "192.0.2.0/24");
  const isOpen = async (device: Thing, from = "127.0.0.1") =>
    (await explain(token, "telemetry.read", device, { from })).allowed;
  assert.deepEqual(await Promise.all([pump, valve, moved].map((one) => isOpen(one))), [false, false, false]);
  await app.bind(pump, null);
  await owner.asks.send("PATCH", `/v1/devices/${moved.id}`, { body: { application: (await owner.application()).id } });
  assert.deepEqual(new Set((await carla.all()).map(({ id }) => id)), new Set([ofValve?.id, all.id]));
  assert.deepEqual(await Promise.all([pump, valve, moved].map((one) => isOpen(one))), [true, false, true]);
  assert.equal((await owner.audited(ofPump?.id))[0]?.what, "list.entryRemoved");
  await app.bind(pump, carla.id);
  assert.equal(await isOpen(pump), true, "what went does not come back");
  assert.equal(await isOpen(pump, "192.0.2.7"), false, "and what is about all of hers is about it");
  assert.equal((await carla.ask("DELETE", "/v1/application-users/me")).status, 200);
  for (const device of [pump, valve]) {
    assert.equal(await isOpen(device, "192.0.2.7"), true);
    assert.deepEqual(await owner.asks.get<Entries>(`/v1/devices/${device.id}/lists`), { items: [] });
  }
});

test("there are fifty entries of one user at most, none about nothing, and they outlast a restart with their hits", async () => {
  const dora = await Customer.comes();
  assert.equal(await dora.refused("deny", "address", "192.0.2.1"), "404 device.unknown", "before anything is hers");
  const pump = await dora.device();
  const token = await owner.tokenOf(["telemetry.read", "device.read"]);
  const made = await dora.put("deny", "credential", token.id, { device: pump.id, comment: "Müller & Söhne" });
  const answers = await Promise.all(
    Array.from({ length: 70 }, (_, more) =>
      dora.ask("POST", "/v1/application-users/me/lists", { list: "deny", what: "address", value: `192.0.2.${more}` }),
    ),
  );
  const count = (what: string) => answers.filter((answer) => says(answer) === what).length;
  assert.equal((await dora.all()).length, 50);
  assert.deepEqual(
    [count("201 undefined"), count("409 list.full") > 0, count("429 rate.exceeded") > 0],
    [49, true, true],
  );
  assert.equal(says(await read(pump, token.token)), "403 list.denied");
  await running.close();
  running = await startTestPlatform({ clock, database });
  const as = new Owner(running.visitor, { org: owner.org, person: owner.person, token: owner.token });
  const { items } = await as.asks.get<Entries>(`/v1/devices/${pump.id}/lists`);
  const kept = items.find(({ id }) => id === made.id);
  assert.deepEqual([items.length, kept?.comment, kept?.hits, kept?.value], [50, "Müller & Söhne", 1, token.id]);
  const { status } = await running.visitor.as(token.token).send("GET", `/v1/devices/${pump.id}/telemetry/latest`);
  assert.equal(status, 403);
});

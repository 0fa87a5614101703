import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { MqttClient } from "mqtt";
import pg from "pg";
import { Refusal, uuidOf, type Id } from "@holdfast/kernel";
import { reasonOf } from "../apps/server/src/messages/reason.ts";
import { asOwner, atEnd } from "../apps/server/src/testing/index.ts";
import { startWorld, textOf, unknown, type Device, type Problem, type Thing } from "./authority.fixture.ts";
import { eventually } from "./messages.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";

// The board of a group, over MQTT and HTTP, on the real platform. The clock is moved; the platform's rounds are each second of the machine's.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours } = world;
const application = await ours.application();
const groupsOf = `/v1/applications/${application.id}/groups`;

type Leased = { id: string; name: string; lease: number; seconds: number; body?: unknown };
type Task = Thing & {
  state: string;
  leases: number;
  holder?: string;
  until?: string;
  result?: unknown;
  error?: unknown;
  by: string;
};

let made = 0;
async function groupOf(count: number) {
  const group = await ours.asks.post<Thing & { name: string }>(groupsOf, { name: `crew-${(made += 1)}` });
  const devices: Device[] = [];
  for (let at = 0; at < count; at += 1) {
    const device = await ours.device(application.id);
    await ours.asks.put(`${groupsOf}/${group.id}/members/${device.id}`, {});
    devices.push(device);
  }
  const tasks = `${groupsOf}/${group.id}/tasks`;
  return {
    group,
    devices,
    put: (name: string, more: object = {}) => ours.asks.post<Task>(tasks, { name, ...more }),
    read: ({ id }: Thing) => ours.asks.get<Task>(`${tasks}/${id}`),
    cancel: ({ id }: Thing) => ours.asks.send<Task & Problem>("DELETE", `${tasks}/${id}`),
    expel: ({ id }: Thing) => ours.asks.delete(`${groupsOf}/${group.id}/members/${id}`),
  };
}
type Crew = Awaited<ReturnType<typeof groupOf>>;
/** As a device asks over HTTP. */
const asks = ({ key }: Device, { group }: Crew) => {
  const itself = platform.visitor.as(textOf(key));
  const own = `/v1/me/groups/${group.name}`;
  const says = async (task: Leased, what: string, body: object) => {
    const answer = await itself.send<Problem>("POST", `${own}/tasks/${task.id}/${what}`, {
      body: { lease: task.lease, ...body },
    });
    return answer.status < 300 ? "taken" : answer.body.code;
  };
  return {
    put: (body: object) => itself.send<Task & Problem>("POST", `${own}/tasks`, { body }),
    lease: async (body: object = {}) => (await itself.post<{ items: Leased[] }>(`${own}/leases`, body)).items,
    says,
    tries: () => itself.send<Problem>("POST", `${own}/leases`, { body: {} }),
  };
};
/** One of those that wait: what the platform is looking at in that moment, it gives at the next asking. */
async function given({ lease }: { lease: () => Promise<Leased[]> }): Promise<Leased> {
  const found: Leased[] = [];
  await eventually(
    async () => found.push(...(await lease())) > 0,
    () => "nothing was given",
  );
  return found[0] ?? assert.fail();
}
const say = (client: MqttClient, topic: string, body: object) =>
  client.publishAsync(topic, JSON.stringify(body), { qos: 1 }).then(
    () => 0,
    (error: { code?: number }) => error.code,
  );
async function come({ key }: Device, { group }: Crew) {
  const { client, end } = await mqtt(platform, { username: key.id, password: key.secret, protocolVersion: 5 });
  const heard: { topic: string; body: { leased?: Leased[] } }[] = [];
  client.on("message", (topic, payload) => heard.push({ topic, body: JSON.parse(payload.toString()) }));
  await client.subscribeAsync([`groups/${group.name}/#`, "me/tasks/+"], { qos: 1 });
  return { client, heard, end };
}

test("of a hundred who ask at once each gets other tasks, the oldest first, and whoever answers ends his", async () => {
  const crew = await groupOf(4);
  const put: Task[] = [];
  for (let at = 0; at < 20; at += 1) put.push(await crew.put(`t${at}`, { body: { at } }));
  const devices = crew.devices.map((device) => asks(device, crew));
  const got = (
    await Promise.all(Array.from({ length: 24 }, (_, at) => devices[at % 4]?.lease() ?? Promise.resolve([])))
  ).flatMap((all) => all ?? []);
  got.push(...((await devices[0]?.lease({ count: 20 })) ?? []));
  assert.equal(new Set(got.map(({ id }) => id)).size, got.length, "none was given to two");
  assert.deepEqual(new Set(got.map(({ id }) => id)), new Set(put.map(({ id }) => id)));
  const [first] = await asks(crew.devices[0] ?? assert.fail(), crew).lease();
  assert.equal(first, undefined);
});

test("a late answer of whoever had it before is refused, and the same answer again is taken once", async () => {
  const crew = await groupOf(2);
  const [one, two] = crew.devices.map((device) => asks(device, crew));
  assert.ok(one && two);
  const task = await crew.put("dig");
  const [first] = await one.lease({ seconds: 30 });
  assert.ok(first);
  assert.deepEqual([first.lease, first.seconds], [1, 30]);
  clock.move(20_000);
  assert.equal(await one.says(first, "renew", { seconds: 30 }), "taken");
  clock.move(20_000);
  assert.deepEqual(await two.lease(), []);
  clock.move(11_000);
  const second = await given(two);
  assert.equal(second.lease, 2);
  for (const what of ["renew", "answer", "release"])
    assert.equal(await one.says(first, what, what === "answer" ? { result: 1 } : {}), "task.leaseOver", what);
  assert.equal(await two.says(second, "answer", { result: 2 }), "taken");
  assert.equal(await two.says(second, "answer", { result: 2 }), "taken");
  assert.equal(await one.says(first, "answer", { result: 1 }), "task.leaseOver");
  const { state, result, holder, leases } = await crew.read(task);
  assert.deepEqual([state, result, holder, leases], ["done", 2, crew.devices[1]?.id, 2]);
});

test("over MQTT members are told that something waits, lease, answer and put; the others hear none of it", async () => {
  const crew = await groupOf(2);
  const [one, two] = crew.devices;
  assert.ok(one && two);
  const [a, b] = [await come(one, crew), await come(two, crew)];
  const task = await crew.put("lift", { body: { height: 2 } });
  const waiting = { topic: `groups/${crew.group.name}/tasks/waiting`, body: { group: crew.group.id } };
  await eventually(
    () => a.heard.length > 0 && b.heard.length > 0,
    () => "nobody was told",
  );
  assert.deepEqual([a.heard[0], b.heard[0]], [waiting, waiting]);
  assert.equal(await say(a.client, `groups/${crew.group.name}/tasks/lease`, { count: 2 }), 0);
  await eventually(
    () => a.heard.length > 1,
    () => "nothing was leased",
  );
  const [leased] = a.heard[1]?.body.leased ?? [];
  assert.deepEqual([leased?.id, leased?.lease, leased?.body], [task.id, 1, { height: 2 }]);
  assert.equal(a.heard[1]?.topic, `me/tasks/${crew.group.id}`);
  const answer = { task: task.id, lease: 1, error: "too heavy" };
  assert.equal(await say(b.client, `groups/${crew.group.name}/tasks/answer`, answer), 0x99);
  assert.equal(await say(a.client, `groups/${crew.group.name}/tasks/answer`, answer), 0);
  assert.deepEqual((await crew.read(task)).error, "too heavy");
  assert.equal(await say(b.client, `groups/${crew.group.name}/tasks/put`, { name: "lower" }), 0);
  await eventually(
    () => a.heard.length > 2,
    () => "not told",
  );
  assert.equal(await say(a.client, `groups/${crew.group.name}/tasks/waiting`, {}), 0x90);
  assert.equal(await say(a.client, `groups/${crew.group.name}/tasks/lease`, { count: 0 }), 0x99);
  assert.ok(b.heard.every(({ topic }) => !topic.endsWith("/lease") && !topic.endsWith("/answer")));
  a.end();
  b.end();
});

test("a task that is put again under its key is one, over connections and from several at once, and another one under it is refused", async () => {
  const crew = await groupOf(2);
  const [one, two] = crew.devices;
  assert.ok(one && two);
  const topic = `groups/${crew.group.name}/tasks/put`;
  const asked = { name: "dig", body: { depth: 2 }, key: "dig-1" };
  const first = await come(one, crew);
  const puts = await Promise.all(Array.from({ length: 8 }, () => say(first.client, topic, asked)));
  assert.deepEqual(new Set(puts), new Set([0]));
  const told = () => first.heard.filter(({ topic: at }) => at.startsWith("me/tasks/")).map(({ body }) => body);
  await eventually(
    () => told().length === 8,
    () => JSON.stringify(told()),
  );
  const { put } = (told()[0] ?? assert.fail()) as { put?: string };
  assert.ok(put);
  assert.deepEqual(
    new Set(told().map((body) => JSON.stringify(body))),
    new Set([JSON.stringify({ put, key: "dig-1" })]),
  );
  first.end();
  const again = await come(one, crew);
  assert.equal(await say(again.client, topic, asked), 0);
  for (const other of [{ body: { depth: 3 } }, { name: "fill" }, { expiresIn: "1m" }, { body: undefined }])
    assert.equal(await say(again.client, topic, { ...asked, ...other }), 0x99, JSON.stringify(other));
  assert.equal(reasonOf(new Refusal("idempotency.reused"), "publish"), 0x99);
  // It is that task when it is done, too; and of another device it is another.
  const [leased] = await asks(two, crew).lease({ count: 10 });
  assert.equal(leased?.id, put);
  assert.equal(await asks(two, crew).says(leased, "answer", { result: 1 }), "taken");
  assert.equal(await say(again.client, topic, asked), 0);
  assert.deepEqual(await asks(two, crew).lease({ count: 10 }), []);
  const other = await come(two, crew);
  assert.equal(await say(other.client, topic, asked), 0);
  assert.equal(await say(other.client, topic, { ...asked, key: "" }), 0x99);
  assert.equal((await asks(one, crew).lease({ count: 10 })).length, 1);
  again.end();
  other.end();
});

test("what a device had that went passes to another within the declared ten seconds", async () => {
  const crew = await groupOf(2);
  const [one, two] = crew.devices;
  assert.ok(one && two);
  const { end } = await come(one, crew);
  const task = await crew.put("watch");
  const [held] = await asks(one, crew).lease({ seconds: 3_600 });
  assert.ok(held);
  end();
  await eventually(
    async () => {
      const { until } = await ours.asks.get<{ until?: string }>(`${groupsOf}/${crew.group.id}/tasks/${task.id}`);
      return until !== undefined && Date.parse(until) <= clock.now() + 10_000;
    },
    () => "its lease is as long as before",
  );
  assert.deepEqual(await asks(two, crew).lease(), []);
  clock.move(10_000);
  const passed = await given(asks(two, crew));
  assert.deepEqual([passed.id, passed.lease], [task.id, 2]);
  assert.equal(await asks(one, crew).says(held, "answer", { result: 1 }), "task.leaseOver");
});

test("who works over HTTPS alone keeps what it leased when it is silent, and when it reports again", async () => {
  const crew = await groupOf(1);
  const [one] = crew.devices;
  assert.ok(one);
  await ours.asks.send("PATCH", `/v1/devices/${one.id}`, { body: { reportingInterval: "1m" } });
  const itself = platform.visitor.as(textOf(one.key));
  await itself.post("/v1/me/telemetry", { temperature: 1 });
  const task = await crew.put("watch");
  const [held] = await asks(one, crew).lease({ seconds: 3_600 });
  assert.ok(held);
  const { until } = await crew.read(task);
  const becomes = (state: string) =>
    eventually(
      async () =>
        (await ours.asks.get<{ presence: { state: string } }>(`/v1/devices/${one.id}`)).presence.state === state,
      () => `it is not ${state}`,
    );
  clock.move(125_000);
  await becomes("silent");
  await itself.anew().post("/v1/me/telemetry", { temperature: 2 });
  await becomes("never");
  await setTimeout(1_500); // a round of the board
  assert.equal((await crew.read(task)).until, until);
  assert.equal(await asks(one, crew).says(held, "answer", { result: 1 }), "taken");
});

test("what a member says to the board over HTTPS comes through its door, too: by rate and by size", async () => {
  const crew = await groupOf(2);
  const [often, much] = crew.devices;
  assert.ok(often && much);
  await ours.asks.put(`/v1/devices/${often.id}/door`, { rate: { perMinute: 1, burst: 2 } });
  await ours.asks.put(`/v1/devices/${much.id}/door`, { size: 100 });
  const codes: (string | undefined)[] = [];
  for (let at = 0; at < 3; at += 1) codes.push((await asks(often, crew).put({ name: "dig" })).body.code);
  assert.deepEqual(codes, [undefined, undefined, "rate.exceeded"]);
  assert.equal((await asks(often, crew).tries()).body.code, "rate.exceeded");
  assert.equal((await asks(much, crew).put({ name: "dig", body: "x".repeat(200) })).body.code, "door.tooLarge");
  assert.equal((await asks(much, crew).put({ name: "dig" })).status, 200);
});

test("whoever is expelled has no task at once, and neither leases nor answers", async () => {
  const crew = await groupOf(2);
  const [one, two] = crew.devices;
  assert.ok(one && two);
  const task = await crew.put("guard");
  const [held] = await asks(one, crew).lease({ seconds: 3_600 });
  assert.ok(held);
  await crew.expel(one);
  assert.equal((await crew.read(task)).state, "waiting");
  assert.equal(await asks(one, crew).says(held, "answer", { result: 1 }), "group.unknown");
  assert.equal((await asks(one, crew).tries()).body.code, "group.unknown");
  const [passed] = await asks(two, crew).lease();
  assert.equal(passed?.lease, 2);
});

test("tasks expire, are cancelled and bounded; who may only listen puts none, and people need leave", async () => {
  const crew = await groupOf(1);
  const [one] = crew.devices;
  assert.ok(one);
  const old = await crew.put("old", { expiresIn: "1m" });
  clock.move(61_000);
  assert.deepEqual(await asks(one, crew).lease(), []);
  assert.equal((await crew.read(old)).state, "expired");
  assert.equal((await crew.cancel(old)).body.code, "task.over");
  const off = await crew.put("off");
  const [held] = await asks(one, crew).lease();
  assert.ok(held);
  assert.equal((await crew.cancel(off)).body.state, "cancelled");
  assert.equal(await asks(one, crew).says(held, "answer", { result: 1 }), "task.leaseOver");
  const large = await asks(one, crew).put({ name: "large", body: "x".repeat(20_000) });
  assert.equal(large.body.code, "task.tooLarge");
  assert.equal((await asks(one, crew).put({ name: "small" })).body.by, one.id);
  await ours.asks.put(`${groupsOf}/${crew.group.id}/members/${one.id}`, { write: false });
  assert.equal((await asks(one, crew).put({ name: "small" })).body.code, "group.unknown");
  const { token } = await ours.tokenOf([`group.read:${application.id}`, `application.read:${application.id}`]);
  const path = `${groupsOf}/${crew.group.id}/tasks`;
  const reader = platform.visitor.as(token);
  assert.equal((await reader.send<Problem>("POST", path, { body: { name: "x" } })).body.code, "permit.missing");
  const { items } = await reader.get<{ items: Task[] }>(`${path}?state=cancelled`);
  assert.deepEqual(
    items.map(({ id }) => id),
    [off.id],
  );
});

test("a task that is not there is unknown, what is no message of the board is refused, and a board that is full takes no more", async () => {
  const crew = await groupOf(1);
  const [device] = crew.devices;
  assert.ok(device);
  const { body } = await crew.cancel({ id: unknown("task") });
  assert.equal(body.code, "task.unknown");

  const there = await come(device, crew);
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  for (const text of ["[]", `{"name":"deep","body":${deep}}`, '{"name":"endless","body":[1e999]}']) {
    const answer = await there.client.publishAsync(`groups/${crew.group.name}/tasks/put`, text, { qos: 1 }).then(
      () => 0,
      (error: { code?: number }) => error.code,
    );
    assert.equal(answer, reasonOf(new Refusal("task.malformed"), "publish"), text.slice(0, 40));
  }
  there.end();

  await crew.put("first");
  const grp = uuidOf(crew.group.id as Id<"group">);
  await asOwner(
    world.database.login,
    `insert into holdfast.group_task select (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid()))).*
       from holdfast.group_task one, generate_series(1, 9979) where grp = '${grp}'`,
  );
  // Twenty have room, and sixty ask at once.
  const puts = await Promise.all(
    Array.from({ length: 60 }, async (_, at) => (await asks(device, crew).put({ name: `put-${at}` })).body.code),
  );
  const taken = puts.filter((code) => code === undefined).length;
  assert.ok(taken <= 20, `${taken} were taken`);
  assert.deepEqual(new Set(puts.filter((code) => code !== undefined)), new Set(["task.tooMany"]));
  for (let at = taken; at < 20; at += 1) await crew.put(`put-${at}`);
  const full = await ours.asks.send<Problem>("POST", `${groupsOf}/${crew.group.id}/tasks`, { body: { name: "more" } });
  assert.deepEqual([full.status, full.body.code], [409, "task.tooMany"]);
});

test("whoever is suspended, retired, moved to another application or may not lease any more has no task at once", async () => {
  const crew = await groupOf(4);
  const [suspended, retired, moved, silenced] = crew.devices;
  assert.ok(suspended && retired && moved && silenced);
  const held: Task[] = [];
  for (const device of crew.devices) {
    held.push(await crew.put("watch"));
    assert.equal((await asks(device, crew).lease({ seconds: 3_600 })).length, 1);
  }
  const elsewhere = await ours.application("Workshop");
  await ours.asks.post(`/v1/devices/${suspended.id}/suspend`);
  await ours.asks.post(`/v1/devices/${retired.id}/retire`);
  await ours.asks.send("PATCH", `/v1/devices/${moved.id}`, { body: { application: elsewhere.id } });
  await ours.asks.put(`${groupsOf}/${crew.group.id}/members/${silenced.id}`, { read: false, write: true });
  for (const task of held) assert.equal((await crew.read(task)).state, "waiting");
});

test("a device that comes back while it is written down that it went keeps what it has", async (t) => {
  const crew = await groupOf(1);
  const [one] = crew.devices;
  assert.ok(one);
  const { end } = await come(one, crew);
  const task = await crew.put("watch");
  assert.equal((await asks(one, crew).lease({ seconds: 3_600 })).length, 1);
  const { until } = await crew.read(task);
  const database = new pg.Client(world.database.url);
  await database.connect();
  t.after(() => database.end());
  await database.query("begin; select 1 from holdfast.group_task for update");
  end();
  await eventually(
    async () => {
      await database.query("select pg_stat_clear_snapshot()");
      const text =
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%group_task%' and datname = current_database()";
      return (await database.query(text)).rowCount !== 0;
    },
    () => "nobody writes down that it went",
  );
  const back = await come(one, crew);
  await database.query("commit");
  await setTimeout(1_500); // another round of the board
  assert.equal((await crew.read(task)).until, until);
  back.end();
});

test("a task that somebody altered in the database hides none of the others from their list, which names it, and the operator hears of it once", async () => {
  const crew = await groupOf(0);
  const put: Task[] = [];
  for (const name of ["one", "two", "three"]) {
    put.push(await crew.put(name));
    clock.move(1);
  }
  const [first, second, third] = put;
  assert.ok(first && second && third);
  const [one, two, three] = [first.id, second.id, third.id];
  await asOwner(
    world.database.login,
    `update holdfast.group_task set body = set_byte(body, 40, get_byte(body, 40) # 1) where id = '${uuidOf(two as Id<"task">)}'`,
  );
  type Part = { items: Task[]; altered?: string[]; nextCursor?: string };
  const part = async (query: string) => {
    const { items, altered, nextCursor } = await ours.asks.get<Part>(`${groupsOf}/${crew.group.id}/tasks?${query}`);
    return { ids: items.map(({ id }) => id), altered, nextCursor };
  };
  assert.deepEqual(await part("state=waiting"), { ids: [three, one], altered: [two], nextCursor: undefined });
  // A page may end with it.
  const { nextCursor, ...begin } = await part("limit=2");
  assert.deepEqual(begin, { ids: [three], altered: [two] });
  const rest = await part(`limit=2&cursor=${nextCursor}`);
  assert.deepEqual(rest, { ids: [one], altered: undefined, nextCursor: undefined });
  assert.equal(platform.reports.filter((told) => told.startsWith("Rows of a list were altered")).length, 1);
});

test("a task that somebody altered in the database keeps nobody from the others, nor from expelling who has it", async () => {
  const crew = await groupOf(2);
  const [slow, quick] = crew.devices;
  assert.ok(slow && quick);
  const alter = ({ id }: Thing) =>
    asOwner(
      world.database.login,
      `update holdfast.group_task set body = set_byte(body, 40, get_byte(body, 40) # 1) where id = '${uuidOf(id as Id<"task">)}'`,
    );
  const held = await crew.put("held");
  assert.equal((await asks(slow, crew).lease({ seconds: 3_600 }))[0]?.id, held.id);
  const first = await crew.put("first");
  clock.move(1);
  const second = await crew.put("second");
  await alter(held);
  await alter(first);
  const leased = await asks(quick, crew).lease({ seconds: 5 });
  assert.deepEqual(
    leased.map(({ id }) => id),
    [second.id],
  );
  await crew.expel(slow);
  const third = await crew.put("third", { expiresIn: "1s" });
  const fourth = await crew.put("fourth", { expiresIn: "1s" });
  await alter(third);
  clock.move(6_000);
  const listing = () => ours.asks.get<{ items: Task[]; altered?: string[] }>(`${groupsOf}/${crew.group.id}/tasks`);
  await eventually(
    async () => (await listing()).altered === undefined,
    () => "what is over is seen to, and what does not open goes",
  );
  const { items } = await listing();
  assert.equal(items.find(({ id }) => id === fourth.id)?.state, "expired");
  const told = (await ours.audited(crew.group.id)).filter(({ what }) => what === "task.altered");
  assert.deepEqual(
    new Set(told.map(({ facts }) => facts?.["task"])),
    new Set([held, first, third].map(({ id }) => id)),
  );
});

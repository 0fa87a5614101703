import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { Refusal, uuidOf, type Id } from "@holdfast/kernel";
import { Proxy } from "../storage/proxy.fixture.ts";
import { asPlatform } from "../authority/index.ts";
import { freshDatabase, TestClock } from "../testing/index.ts";
import { serverUnavailable } from "./batch.ts";
import { ColdChunks, FolderStore, Retention } from "./index.ts";
import { messagesIn, openMessages } from "./message-log.ts";
import { until, world, type Store, type World } from "./store.fixture.ts";

/** A world whose wire to PostgreSQL can be cut, and a device in it that is known to the store. */
async function behindProxy(t: TestContext) {
  const database = await freshDatabase();
  const proxy = await Proxy.to(t, database.login);
  const w = await world(t, { storage: { database: proxy.login }, database });
  t.after(async () => {
    proxy.up();
    await database.drop();
  });
  const org = await w.org();
  const device = await org.device();
  const store = await w.open();
  const space = await org.space();
  await store.telemetry.prepare(space, device);
  const say = (n: unknown, name = "n") => store.sayNow(space, device, { time: w.clock.now(), values: { [name]: n } });
  const values = async (from: Store = store) => (await from.points(org, device, "n")).items.map(([, value]) => value);
  return { w, proxy, org, device, store, space, say, values };
}

/** Time passes, ten times as fast as it does: until the answer is called, and then no faster than it does, for what PostgreSQL is waited for. */
function passing(t: TestContext, { clock }: World): () => void {
  let pace = 10;
  const step = setInterval(() => clock.move(5 * pace), 5);
  t.after(() => clearInterval(step));
  return () => void (pace = 1);
}

const chunkCounts = async ({ sql }: World, device: Id<"device">): Promise<number[]> => {
  const rows = await sql<{ count: number }>(
    `select c.count from holdfast.chunk c join holdfast.series s on s.org = c.org and s.id = c.series where s.device = $1`,
    [uuidOf(device)],
  );
  return rows.map(({ count }) => count).sort((a, b) => a - b);
};

test("connections that break under load are noticed by nobody, and every reading is there once", async (t) => {
  const { w, proxy, say, values, store } = await behindProxy(t);
  passing(t, w)();
  const sent: number[] = [];
  const told: Promise<number | Refusal>[] = [];
  for (let turn = 0; turn < 8; turn += 1) {
    for (let n = 0; n < 25; n += 1) {
      w.clock.move(1);
      sent.push(turn * 25 + n);
      told.push(say(turn * 25 + n));
    }
    await new Promise((resolve) => setImmediate(resolve));
    proxy.cut();
  }
  assert.deepEqual(new Set(await Promise.all(told)), new Set([0]));
  assert.deepEqual(await values(), sent);
  await store.close();
  const again = await w.open();
  assert.deepEqual(await values(again), sent);
  assert.equal(again.telemetry.statistics.devices, 1);
});

test("a commit whose answer was lost is tried again, and its readings are there once", async (t) => {
  const { w, proxy, org, say, values } = await behindProxy(t);
  const rows = async () => (await w.sql("select 1 from holdfast.log")).length;
  proxy.swallowReplyTo(uuidOf(org.id));
  const told = say(1);
  await until(async () => (await rows()) === 1);
  proxy.swallowReplyTo(undefined);
  passing(t, w)();
  assert.equal(await told, 0);
  assert.equal(await rows(), 1);
  assert.deepEqual(await values(), [1]);
});

test("while the database is away for longer, whoever waits is told so after ten seconds, whoever comes at once; then it goes on", async (t) => {
  const { w, proxy, say, values, store } = await behindProxy(t);
  assert.equal(await say(1), 0);
  proxy.down();
  const began = w.clock.now();
  const held = Array.from({ length: 20 }, () => say("a text, which was not kept", "other"));
  const slow = passing(t, w);
  assert.deepEqual(new Set(await Promise.all(held)), new Set([serverUnavailable]));
  const after = w.clock.now() - began;
  assert.ok(after >= 9_000 && after <= 11_500, `after ${after} ms`);
  const refusal = await say(2);
  assert.ok(refusal instanceof Refusal && refusal.code === "storage.unavailable" && refusal.retryAfterSeconds === 2);
  assert.equal(store.telemetry.unready()?.code, "storage.unavailable");
  assert.equal(store.telemetry.statistics.waitingBytes, 0);
  slow();
  proxy.up();
  await until(() => store.telemetry.unready() === undefined);
  w.clock.move(1);
  assert.equal(await say(3), 0);
  assert.equal(await say(3, "other"), 0, "what was refused gave its attribute no type");
  assert.deepEqual(await values(), [1, 3]);
  assert.match(w.reports.join("\n"), /^The database does not answer.*\nThe database answers again\.$/);
});

test("what the broker wants kept stands in order in the commit of its reading; where nobody knows whether it was kept, the organisation is read again", async (t) => {
  const { w, proxy, device, space, store, say } = await behindProxy(t);
  await store.telemetry.messageSeals.begin(space.org, 0);
  const record = (n: number) =>
    new Promise<number>((resolve) => store.telemetry.record(space, Uint8Array.of(n), (code) => resolve(code)));
  const first = record(1);
  const withReading = new Promise<number>((settle) => {
    const source = { space, device, via: "mqtt" } as const;
    store.telemetry.accept(source, Buffer.from('{"n":1}'), {}, { record: Uint8Array.of(2), settle });
  });
  assert.deepEqual(await Promise.all([first, withReading, record(3)]), [0, 0, 0]);
  const rows = await w.storage.read(asPlatform(space.scope), (unit) => messagesIn(unit).rows(0, 10));
  const [row] = rows;
  assert.ok(row && rows.length === 1);
  assert.deepEqual(
    openMessages(store.telemetry.messageSeals.of(space.org), row.position, row.body),
    [1, 2, 3].map((n) => Uint8Array.of(n)),
  );
  assert.deepEqual(await w.sql("select pos::integer as position from holdfast.log"), [{ position: row.position }]);

  const others = await w.org();
  const other = await others.device();
  await store.telemetry.prepare(await others.space(), other);
  proxy.down();
  passing(t, w);
  const theirs = store.sayNow(await others.space(), other, { n: 1 });
  assert.deepEqual(await Promise.all([say(2), record(4), theirs]), [
    serverUnavailable,
    serverUnavailable,
    serverUnavailable,
  ]);
  assert.ok(space.closed);
  assert.ok(!(await others.space()).closed, "whoever had nothing of the broker's is as before");
});

test("what was kept by a mark although nobody heard so is there once the database answers, stays there, and is not sent again", async (t) => {
  const { w, proxy, org, device, space, store, say, values } = await behindProxy(t);
  assert.equal(await say(1), 0);
  const rows = async () => w.sql<{ position: number }>("select pos::integer as position from holdfast.socket_log");
  const frame = (n: number) =>
    new Promise<number>((settle) => {
      const source = { space, device, via: "socket" } as const;
      const body = Buffer.from(JSON.stringify({ time: w.clock.now(), values: { n } }));
      store.telemetry.accept(source, body, {}, { mark: Uint8Array.of(n), settle });
    });
  proxy.swallowReplyTo(uuidOf(org.id));
  w.clock.move(1);
  const told = frame(2);
  await until(async () => (await rows()).length === 1);
  proxy.down();
  proxy.swallowReplyTo(undefined);
  const slow = passing(t, w);
  assert.equal(await told, serverUnavailable);
  assert.ok(store.telemetry.unready());
  slow();
  proxy.up();
  await until(() => store.telemetry.unready() === undefined);
  await until(async () => (await values()).length === 2);
  assert.equal(await say(3), 0);
  assert.equal((await rows()).length, 1);
  // In chunks, and the log behind them gone.
  await store.telemetry.compact();
  assert.deepEqual(await values(), [1, 2, 3]);
  await store.close();
  assert.deepEqual(await values(await w.open()), [1, 2, 3]);
});

test("a stop while the database is away ends within seconds, and forgets nobody who waits", async (t) => {
  const { w, proxy, say, store } = await behindProxy(t);
  proxy.down();
  const held = Array.from({ length: 20 }, (_, n) => say(n));
  passing(t, w);
  const began = w.clock.now();
  await store.close();
  assert.ok(w.clock.now() - began < 6_000);
  assert.deepEqual(new Set(await Promise.all(held)), new Set([serverUnavailable]));
  proxy.up();
});

test("a record that the database refuses is refused alone", async (t) => {
  const { w, org, device, space, store, say, values } = await behindProxy(t);
  const other = await w.org();
  const foreign = await other.device();
  const theirs = await other.space();
  await store.telemetry.prepare(theirs, foreign);
  const [part] = await w.sql<{ name: string }>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'holdfast.log'::regclass order by 1 desc limit 1",
  );
  await w.sql(`alter table ${part?.name} add constraint never check (org <> '${uuidOf(org.id)}') not valid`);
  const told = await Promise.all([
    store.sayNow(theirs, foreign, { n: 1 }),
    say(1),
    store.sayNow(theirs, foreign, { n: 2 }),
  ]);
  assert.deepEqual(told, [0, serverUnavailable, 0]);
  assert.equal((await store.points(other, foreign, "n")).items.length, 2);
  assert.deepEqual(w.reports.splice(0), [`The database refused a record of ${org.id}.`]);
  await w.sql(`alter table ${part?.name} drop constraint never`);
  assert.equal(await store.sayNow(space, device, { n: 2 }), 0);
  assert.deepEqual(await values(), [2]);
});

test("a flush whose answer was lost was kept all the same, and its points are there once", async (t) => {
  const { w, proxy, org, device, say, values, store } = await behindProxy(t);
  const sent: number[] = [];
  const add = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      w.clock.move(1);
      sent.push(sent.length);
      assert.equal(await store.say(org, device, { time: w.clock.now(), values: { n: sent.length - 1 } }), 0);
    }
  };
  await add(10);
  assert.equal(await say(true, "b"), 0);
  await store.telemetry.compact();
  assert.deepEqual(await chunkCounts(w, device), [1, 10]);

  await add(5);
  proxy.swallowReplyTo("commit\0");
  await store.telemetry.compact();
  proxy.swallowReplyTo(undefined);
  assert.deepEqual(await chunkCounts(w, device), [1, 15], "it was kept");
  assert.ok(store.telemetry.statistics.series > 0, "and nobody knows");
  assert.deepEqual(await values(), sent);
  await add(5);
  await store.telemetry.compact();
  assert.deepEqual(await chunkCounts(w, device), [1, 20]);
  assert.deepEqual(await values(), sent);

  assert.equal(store.telemetry.statistics.series, 0);
  assert.equal(
    w.reports.filter((line) => !line.startsWith("Readings stay in the log for now")).length,
    0,
    w.reports.join(),
  );
});

test("a disk that is almost full refuses readings with a code of its own, and takes them again when there is room", async (t) => {
  let free = 1_000;
  const clock = new TestClock();
  const w = await world(t, {
    clock,
    storage: { timers: clock, reserve: { bytes: 500, freeBytes: async () => free } },
  });
  const org = await w.org();
  const device = await org.device();
  const store = await w.open();
  assert.equal(await store.say(org, device, { n: 1 }), 0);
  free = 100;
  clock.move(1_000);
  await until(() => store.telemetry.unready()?.code === "storage.full");
  const refusal = await store.say(org, device, { n: 2 });
  assert.ok(refusal instanceof Refusal && refusal.code === "storage.full");
  free = 1_000;
  clock.move(1_000);
  await until(() => store.telemetry.unready() === undefined);
  assert.equal(await store.say(org, device, { n: 3 }), 0);
});

test("on a disk that is almost full chunks are not joined, what is too old makes room all the same, and reading goes on", async (t) => {
  let free = 1_000;
  const clock = new TestClock();
  const w = await world(t, {
    clock,
    storage: { timers: clock, reserve: { bytes: 500, freeBytes: async () => free } },
  });
  const org = await w.org();
  const device = await org.device();
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-cold-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const objects = new FolderStore(folder);
  const day = 86_400_000;
  const moving = { store: objects, after: 30 * day };
  const store = await w.open({ cold: new ColdChunks({ storage: w.storage, store: objects }), moving });
  // Of every day, the newest first: all but the first of them come late.
  for (let ago = 0; ago < 60; ago += 1) {
    assert.equal(await store.say(org, device, { time: clock.now() - ago * day, values: { n: ago } }), 0);
    await store.telemetry.compact();
  }
  const retention = new Retention({ ...w, retentions: store.telemetry.retentions });
  await retention.set(await org.permit("org.update", org.id), { keep: 50 });
  const chunks = async () => (await w.sql("select data from holdfast.chunk")).length;
  const shown = async () => (await store.points(org, device, "n")).items.length;

  free = 100;
  clock.move(1_000);
  await until(() => store.telemetry.unready()?.code === "storage.full");
  await store.care.round();
  const left = await chunks();
  assert.ok(left >= 50 && left < 60, `${left} chunks: the old ones are gone, and none is joined`);
  assert.equal(await shown(), 50);

  free = 1_000;
  clock.move(day);
  await until(() => store.telemetry.unready() === undefined);
  await store.care.round();
  assert.ok((await chunks()) < 10, `${await chunks()} chunks`);
  const moved = await w.sql("select object from holdfast.chunk where object is not null");
  assert.ok(moved.length > 0);
  assert.equal(await shown(), 49);
});

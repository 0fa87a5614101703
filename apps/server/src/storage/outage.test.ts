import assert from "node:assert/strict";
import { test } from "node:test";
import type { Id } from "@holdfast/kernel";
import { TestClock } from "../testing/clock.ts";
import { atEnd, freshDatabase } from "../testing/database.ts";
import { insertInto } from "./index.ts";
import { storageWithNotes, write, type Ends } from "./notes.fixture.ts";
import { Proxy } from "./proxy.fixture.ts";
import type { StorageNeeds } from "./index.ts";

async function behindProxy(t: Ends, more: Partial<StorageNeeds> = {}) {
  const database = await freshDatabase();
  const proxy = await Proxy.to(t, database.login);
  const notes = await storageWithNotes(t, { database: proxy.login, ...more }, database);
  t.after(() => database.drop());
  return { ...notes, proxy };
}

const shared = await behindProxy(atEnd);

test("connections that broke while they lay idle are noticed by nobody", async () => {
  const { proxy, org, write: add, texts, storage } = shared;
  const allowed = await org();
  await add(allowed, 1);
  for (let id = 2; id < 6; id += 1) {
    proxy.cut();
    await Promise.all([add(allowed, id), texts(allowed), storage.directory.call("high_water", [])]);
  }
  assert.equal((await texts(allowed)).length, 5);
});

test("while PostgreSQL is away everybody waits, and goes on when it is back", async () => {
  const { proxy, org, write: add, texts, storage } = shared;
  const allowed = await org();
  await add(allowed, 1);
  proxy.down();
  const waiting = [add(allowed, 2), texts(allowed), storage.maintain.call("raise_high_water", [1])];
  for (let times = 0; times < 3; times += 1) await proxy.refusal();
  proxy.up();
  await Promise.all(waiting);
  assert.deepEqual(await texts(allowed), ["note 1", "note 2"]);
});

test("whoever waited ten seconds in vain is told to come back, and who comes then at once", async (t) => {
  const timers = new TestClock();
  const { proxy, org, write: add, storage } = await behindProxy(t, { timers });
  const allowed = await org();
  proxy.down();
  const refused = assert.rejects(add(allowed, 1), { code: "storage.unavailable", retryAfterSeconds: 5 });
  const passing = () => setInterval(() => timers.move(1_000), 5);
  let step = passing();
  t.after(() => clearInterval(step));
  await refused;
  clearInterval(step);
  timers.move(10_000);
  await assert.rejects(storage.directory.call("high_water", []), { code: "storage.unavailable" });
  step = passing();
  proxy.up();
  const isTaken = () =>
    add(allowed, 1).then(
      () => true,
      () => false,
    );
  while (!(await isTaken())) await new Promise(setImmediate);
});

test("once the platform closes nobody waits for a PostgreSQL that is away", async (t) => {
  const closing = new AbortController();
  const { proxy, org, write: add, storage } = await behindProxy(t, { closing: closing.signal });
  const allowed = await org();
  proxy.down();
  const waiting = assert.rejects(add(allowed, 1), { code: "storage.unavailable" });
  await proxy.refusal();
  const began = performance.now();
  closing.abort();
  await waiting;
  for (const asked of [add(allowed, 2), storage.maintain.call("raise_high_water", [1])]) {
    await assert.rejects(asked, { code: "storage.unavailable" });
  }
  assert.ok(performance.now() - began < 5_000); // patience would have been ten seconds
});

test("a PostgreSQL that is there serves also a platform that closes", async (t) => {
  const closing = new AbortController();
  const { org, write: add, texts } = await behindProxy(t, { closing: closing.signal });
  const allowed = await org();
  closing.abort();
  await Promise.all(Array.from({ length: 20 }, (_, id) => add(allowed, id)));
  assert.equal((await texts(allowed)).length, 20);
});

test("a change whose commit was sent and not answered is refused, and its organisation doubted", async (t) => {
  const doubted: Id<"org">[] = [];
  const {
    proxy,
    org,
    write: add,
    texts,
    storage,
  } = await behindProxy(t, { doubtful: (one) => void doubted.push(one) });
  const allowed = await org();
  const hooks: string[] = [];
  await add(allowed, 1);
  proxy.swallowReplyTo("commit\0");
  await assert.rejects(
    storage.change(allowed, async (unit) => {
      unit.afterCommit(() => void hooks.push("ran"));
      await write(unit, 2);
    }),
    { code: "storage.unavailable" },
  );
  proxy.swallowReplyTo(undefined);
  assert.deepEqual(doubted, [allowed.scope.org]);
  assert.deepEqual(hooks, []);
  assert.deepEqual(await texts(allowed), ["note 1", "note 2"]);
});

test("a tally whose commit was sent and not answered is refused, and nobody is doubted, because it is written again", async (t) => {
  const doubted: Id<"org">[] = [];
  const { proxy, org, texts, storage } = await behindProxy(t, { doubtful: (one) => void doubted.push(one) });
  const allowed = await org();
  proxy.swallowReplyTo("commit\0");
  await assert.rejects(
    storage.tally(allowed, (unit) => write(unit, 1)),
    { code: "storage.unavailable" },
  );
  proxy.swallowReplyTo(undefined);
  assert.deepEqual(doubted, []);
  assert.equal((await texts(allowed)).length, 1);
});

test("a change whose statement was lost before its commit was not kept, and is not run again", async () => {
  const { proxy, org, texts, storage } = shared;
  const allowed = await org();
  let runs = 0;
  const lost = storage.change(allowed, async (unit) => {
    runs += 1;
    await write(unit, 1);
    proxy.cut();
    await write(unit, 2);
  });
  await assert.rejects(lost, { code: "storage.unavailable" });
  assert.equal(runs, 1);
  assert.deepEqual(await texts(allowed), []);
});

test("an append without an answer is refused, whether it was kept or not", async () => {
  const { proxy, org, storage } = shared;
  const allowed = await org();
  const append = { org: allowed.scope.org, text: insertInto("journal", ["at", "text"]), values: [1, "swallow me"] };
  proxy.swallowReplyTo("swallow me");
  await assert.rejects(storage.ingest.append([append]), { code: "storage.unavailable" });
  await assert.rejects(storage.ingest.append([append, append]), { code: "storage.unavailable" });
  proxy.swallowReplyTo(undefined);
  await storage.ingest.append([append, append]);
  const rows = await storage.read(allowed, (unit) => unit.query("select from journal", []));
  assert.ok(rows.length >= 2 && rows.length <= 5);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { uuidOf } from "@holdfast/kernel";
import { atEnd } from "../testing/index.ts";
import { until, world } from "./store.fixture.ts";

const w = await world(atEnd);

test("a start reads everybody's log before anything of it may go, however little fits in memory", async () => {
  const things = [];
  for (let count = 0; count < 3; count += 1) {
    const org = await w.org();
    things.push({ org, device: await org.device() });
  }
  for (let run = 0; run < 3; run += 1) {
    const store = await w.open();
    for (const { org, device } of things) await store.say(org, device, { time: w.clock.now() + run, values: { run } });
    await store.close();
  }
  const store = await w.open({ sizes: { buffers: 1 } });
  for (const { org, device } of things)
    assert.deepEqual(
      (await store.points(org, device, "run")).items.map(([, value]) => value),
      [0, 1, 2],
    );
  await store.telemetry.compact();
  await store.close();
});

test("each point of the log is read once: what is in chunks stays there, what is not comes back, and starts leave nothing behind", async () => {
  const org = await w.org();
  const device = await org.device();
  let store = await w.open();
  await store.say(org, device, [{ n: 1 }, { n: 2 }]);
  await store.telemetry.compact();
  await store.say(org, device, [{ n: 3 }]);
  for (let start = 0; start < 3; start += 1) {
    await store.close();
    store = await w.open();
    const { statistics } = store.telemetry;
    assert.equal(statistics.series, 1);
    assert.deepEqual(
      (await store.points(org, device, "n")).items.map(([, value]) => value),
      [1, 2, 3],
    );
  }
  await store.telemetry.compact();
  await store.close();
  store = await w.open();
  assert.equal(store.telemetry.statistics.series, 0);
  w.clock.move(1_000);
  await until(() => store.telemetry.statistics.segments === 1);
  await store.close();
  store = await w.open();
  // The one that is written to, and nothing of those that starts opened for nothing.
  const parts = await w.sql<{ name: string }>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'holdfast.log'::regclass",
  );
  assert.equal(parts.length, 1);
  const numbers = Array.from({ length: 60 }, (_, number) => String(number + 1));
  assert.equal((await w.keyring.holding("segment", numbers)).length, 1);
  await store.close();
});

test("a record that was altered, or moved to another organisation or place, is told and kept, and the others are read", async () => {
  const [org, other] = [await w.org(), await w.org()];
  const [device, foreign] = [await org.device(), await other.device()];
  let store = await w.open();
  for (const n of [1, 2, 3, 4]) {
    w.clock.move(1);
    await store.say(org, device, { n });
  }
  await store.say(other, foreign, { n: 5 });
  await store.close();
  const rows = await w.sql<{ pos: string; body: Buffer }>(
    "select pos, body from holdfast.log where org = $1 order by pos",
    [uuidOf(org.id)],
  );
  const [first, second, third] = rows;
  assert.ok(first && second && third && rows.length === 4);
  const flipped = Uint8Array.from(first.body, (byte, at) => (at === 20 ? byte ^ 1 : byte));
  const change = "update holdfast.log set body = $2 where pos = $1";
  await w.sql(change, [first.pos, flipped]);
  await w.sql(change, [second.pos, third.body]); // of the same organisation and segment, at another position
  await w.sql("update holdfast.log set org = $2 where pos = $1", [third.pos, uuidOf(other.id)]);

  store = await w.open();
  assert.deepEqual(
    (await store.points(org, device, "n")).items.map(([, value]) => value),
    [4],
  );
  assert.deepEqual(
    (await store.points(other, foreign, "n")).items.map(([, value]) => value),
    [5],
  );
  const told = w.reports.splice(0).sort();
  assert.equal(told.length, 2);
  for (const line of told)
    assert.match(line, /^[12] records of org_\w+ in segment \d+ of the log do not open, and stay there\./);
  await store.telemetry.compact();
  w.clock.move(10_000);
  await store.close();
  assert.equal((await w.sql("select 1 from holdfast.log")).length, 5);
  await w.sql("delete from holdfast.log");
});

test("a log whose key is not in the keyring is told and kept, and the platform starts", async () => {
  const org = await w.org();
  const device = await org.device();
  let store = await w.open();
  await store.say(org, device, { n: 1 });
  const [{ segment } = { segment: "" }] = await w.sql<{ segment: string }>("select segment from holdfast.log");
  await store.close();
  await w.keyring.destroySegments([segment]);
  store = await w.open();
  assert.match(
    w.reports.splice(0).join(),
    /^1 records of org_\w+ in segment \d+ of the log do not open.*not in this keyring/,
  );
  assert.equal(await store.say(org, device, { n: 2 }), 0);
  assert.deepEqual(
    (await store.points(org, device, "n")).items.map(([, value]) => value),
    [2],
  );
  await store.telemetry.compact();
  await store.close();
  await w.sql("delete from holdfast.log");
});

test("readings of an organisation that was erased are dropped at the next start, where an older backup has them", async () => {
  const [org, other] = [await w.org(), await w.org()];
  const [device, kept] = [await org.device(), await other.device()];
  let store = await w.open();
  await store.say(org, device, { n: 1 });
  await store.say(other, kept, { n: 2 });
  await store.close();
  w.spaces.forget(org.id);
  const isOf = `org = '${uuidOf(org.id)}'`;
  await w.sql(`create table public.backup as select * from holdfast.log where ${isOf}`);
  await w.storage.eraseOrg(org.id);
  await w.sql("insert into holdfast.log select * from public.backup");
  await w.sql("drop table public.backup");
  store = await w.open();
  assert.match(w.reports.splice(0).join(), /^The log has readings of org_\w+, whose key was erased/);
  assert.deepEqual(
    (await store.points(other, kept, "n")).items.map(([, value]) => value),
    [2],
  );
  await store.close();
});

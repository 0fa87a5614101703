import assert from "node:assert/strict";
import { test } from "node:test";
import { idFrom, uuidOf, type Id } from "@holdfast/kernel";
import { atEnd } from "../testing/index.ts";
import { world } from "./store.fixture.ts";

const w = await world(atEnd);
const org = await w.org();
const store = await w.open();
const [minute, hour] = [60_000, 3_600_000];
const day = 24 * hour;

type Row = { count: number; bytes: number };
const chunksOf = async (device: Id<"device">): Promise<Row[]> => {
  const rows = await w.sql<Record<keyof Row, string>>(
    `select c.count, octet_length(c.data) + coalesce(octet_length(c.rollup), 0) as bytes from holdfast.chunk c
       join holdfast.series s on s.org = c.org and s.id = c.series where s.device = $1 order by c.first`,
    [device.slice(4)],
  );
  return rows.map(({ count, bytes }) => ({ count: Number(count), bytes: Number(bytes) }));
};
const sum = (rows: readonly Row[], of: keyof Row) => rows.reduce((all, row) => all + row[of], 0);

test("a device whose clock once ran ahead, so that whatever it measures comes late, ends in full chunks", async (t) => {
  const device = await org.device();
  w.clock.move(5 * minute);
  assert.equal(await store.say(org, device, [{ time: w.clock.now() + 4 * minute, values: { n: 0 } }]), 0);
  await store.telemetry.compact();
  const began = w.clock.now() - 6 * day;
  const sent = Array.from({ length: 120 }, (_, at) => [began + at * hour, 20 + (at % 24) / 100] as const);
  // One flush an hour, in an order of their own: some of it comes later than what was measured after it.
  for (const at of sent.keys()) {
    const [time, n] = sent[at % 2 === 0 ? Math.min(at + 1, sent.length - 1) : at - 1] ?? [0, 0];
    assert.equal(await store.say(org, device, [{ time, values: { n } }]), 0);
    await store.telemetry.compact();
  }
  const before = await chunksOf(device);
  assert.equal(before.length, 121);
  const { items } = await store.points(org, device, "n");
  await store.care.round();
  const after = await chunksOf(device);
  assert.deepEqual(await w.sql("select * from holdfast.untidy"), []);
  assert.ok(after.length <= 3, `${after.length}`); // two months, and the one ahead
  assert.equal(sum(after, "count"), sum(before, "count"));
  assert.deepEqual((await store.points(org, device, "n")).items, items);
  const bytes = (rows: readonly Row[]) => (sum(rows, "bytes") / sum(rows, "count")).toFixed(2);
  t.diagnostic(`${bytes(before)} bytes a point before, ${bytes(after)} after`);
  assert.ok(sum(after, "bytes") * 5 < sum(before, "bytes"));
});

test("a few that came late wait for a day, and are joined then", async () => {
  const device = await org.device();
  const now = w.clock.now();
  const body = Array.from({ length: 600 }, (_, at) => ({ time: now - 2 * day + at * 1_000, values: { n: at } }));
  assert.equal(await store.say(org, device, body), 0);
  await store.telemetry.compact();
  assert.equal(await store.say(org, device, [{ time: now, values: { n: -1 } }]), 0);
  await store.telemetry.compact();
  assert.equal(await store.say(org, device, [{ time: now - 2 * day + 1_500, values: { n: -2 } }]), 0);
  await store.telemetry.compact();
  const counts = async () => (await chunksOf(device)).map(({ count }) => count);
  const before = await counts();
  await store.care.round();
  assert.deepEqual(await counts(), before);
  w.clock.move(day + 1);
  await store.care.round();
  assert.deepEqual(await counts(), [601, 1]);
});

test("an organisation of which only the rows are left holds nobody up, and is not told of", async () => {
  const gone = await w.org();
  for (const one of [gone, org]) {
    const device = await one.device();
    for (const time of [16, 18, 17].map((hours) => w.clock.now() - hours * hour)) {
      const body = Array.from({ length: 600 }, (_, at) => ({ time: time + at * minute, values: { n: at } }));
      assert.equal(await store.say(one, device, body), 0);
      await store.telemetry.compact();
    }
  }
  await w.sql("create table holdfast.hold (org uuid references holdfast.organisation)");
  await w.sql("insert into holdfast.hold values ($1)", [uuidOf(gone.id)]);
  await assert.rejects(w.storage.eraseOrg(gone.id));
  w.clock.move(day + 1);
  const untidy = async () => {
    const rows = await w.sql<{ org: string }>("select distinct org from holdfast.untidy");
    return rows.map((row) => idFrom("org", row.org));
  };
  assert.equal((await untidy()).length, 2);
  await store.care.round();
  assert.deepEqual(await untidy(), [gone.id]);
});

test("nothing above was a fault of ours", () => {
  assert.deepEqual(w.reports, []);
});

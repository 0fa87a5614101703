import assert from "node:assert/strict";
import { test } from "node:test";
import { uuidOf, type Id, type Refusal } from "@holdfast/kernel";
import { atEnd } from "../testing/index.ts";
import { world, type Org, type Store } from "./store.fixture.ts";

const w = await world(atEnd);
const [org, other] = [await w.org(), await w.org()];
const quarter = 15 * 60_000;
const broken = { code: "seal.broken" };
const start = Math.floor(w.clock.now() / quarter) * quarter - 4 * quarter;

type Row = {
  org: string;
  series: string;
  first: string;
  last: string;
  pos: string;
  count: number;
  data: Buffer;
  rollup: Buffer | null;
};
const chunks = (device: Id<"device">) =>
  w.sql<Row>(
    "select c.* from holdfast.chunk c join holdfast.series s on s.org = c.org and s.id = c.series where s.device = $1 order by s.id, c.first",
    [uuidOf(device)],
  );
const put = (row: Row) =>
  w.sql(
    "insert into holdfast.chunk (org, series, first, last, pos, count, data, rollup) values ($1, $2, $3, $4, $5, $6, $7, $8)",
    [row.org, row.series, row.first, row.last, row.pos, row.count, row.data, row.rollup],
  );
const remove = ({ series, first, pos }: Row) =>
  w.sql("delete from holdfast.chunk where series = $1 and first = $2 and pos = $3", [series, first, pos]);

/** 600 points of `a` and of `b` in one chunk each, a second apart. */
async function filled(store: Store, of: Org): Promise<Id<"device">> {
  const device = await of.device();
  await store.say(
    of,
    device,
    Array.from({ length: 600 }, (_, n) => ({ time: start + n * 1_000, values: { a: n, b: -n } })),
  );
  await store.telemetry.compact();
  return device;
}
const points = (store: Store, of: Org, device: Id<"device">, name = "a") =>
  store.points(of, device, name, { from: start - 9 * quarter });
const hourly = (store: Store, of: Org, device: Id<"device">, name = "a") =>
  store.aggregate(of, device, name, { from: start - 9 * quarter, every: quarter, aggregates: ["sum"] });

test("a chunk that was moved to another series, organisation or time, or stretched, does not open, and its reader hears of it", async () => {
  const store = await w.open();
  const device = await filled(store, org);
  const foreign = await filled(store, other);
  const [row, second]: readonly Row[] = await chunks(device);
  const [theirs]: readonly Row[] = await chunks(foreign);
  assert.ok(row && second && theirs && row.rollup);
  assert.equal((await points(store, org, device)).items.length, 600);

  const moved: Record<string, Partial<Row>> = {
    "another series of the device": { series: second.series },
    "another organisation's series": { org: theirs.org, series: theirs.series },
    "another time": { first: String(Number(row.first) - 1_000), last: String(Number(row.last) - 1_000) },
    "a later end": { last: String(Number(row.last) + 1) },
    "another count": { count: 599 },
    "another position": { pos: String(Number(row.pos) - 1) },
    "points in place of the rollup": { rollup: row.data },
    "the rollup in place of points": { data: row.rollup },
    "a bit": { data: Buffer.from(row.data.map((byte, at) => (at === 40 ? byte ^ 1 : byte))), rollup: null },
    "its end cut off": { data: row.data.subarray(0, -1), rollup: null },
    nothing: { data: Buffer.alloc(0), rollup: null },
  };
  for (const [what, changes] of Object.entries(moved)) {
    const changed: Row = { ...row, ...changes };
    const victim: Row = changed.series === row.series ? row : changed.series === second.series ? second : theirs;
    const whose: Org = victim === theirs ? other : org;
    const at: Id<"device"> = victim === theirs ? foreign : device;
    const name: string = victim === second ? "b" : "a";
    await remove(victim);
    await put(changed);
    const answers: Promise<unknown>[] = [points(store, whose, at, name), hourly(store, whose, at, name)];
    const outcomes = await Promise.allSettled(answers);
    const codes: unknown[] = outcomes.map((outcome) =>
      outcome.status === "rejected" ? (outcome.reason as Refusal).code : outcome.value,
    );
    if (what === "points in place of the rollup") assert.equal(codes[1], broken.code, what);
    else if (what === "the rollup in place of points") assert.equal(codes[0], broken.code, what);
    else assert.deepEqual(codes, [broken.code, broken.code], what);
    await remove(changed);
    await put(victim);
    assert.equal((await points(store, whose, at, name)).items.length, 600);
  }
  await store.close();
});

test("an older version of a chunk does not open in place of the newer one", async () => {
  const store = await w.open();
  const device = await org.device();
  await store.say(org, device, { time: start, values: { a: 1 } });
  await store.telemetry.compact();
  const [old] = await chunks(device);
  await store.say(org, device, { time: start, values: { a: 2 } });
  await store.telemetry.compact();
  const [now] = await chunks(device);
  assert.ok(old && now && old.pos !== now.pos);
  await w.sql("update holdfast.chunk set data = $1 where series = $2", [old.data, now.series]);
  await assert.rejects(points(store, org, device), broken);
  // As a whole row beside the newer one it opens, and does not win.
  await w.sql("update holdfast.chunk set data = $1 where series = $2", [now.data, now.series]);
  await put(old);
  assert.deepEqual((await points(store, org, device)).items, [[start, 2]]);
  await store.close();
});

test("two series whose rows were exchanged are not taken for each other", async () => {
  const store = await w.open();
  const device = await filled(store, org);
  await store.close();
  const rows = await w.sql<{ id: string; name_index: Buffer; body: Buffer }>(
    "select id, name_index, body from holdfast.series where device = $1 order by id",
    [uuidOf(device)],
  );
  const [one, two] = rows;
  assert.ok(one && two);
  const set = "update holdfast.series set name_index = $2, body = $3 where id = $1";
  await w.sql(set, [one.id, Buffer.alloc(16), one.body]);
  await w.sql(set, [two.id, one.name_index, one.body]);
  await w.sql(set, [one.id, two.name_index, two.body]);
  const again = await w.open();
  assert.match(w.reports.splice(0)[0] ?? "", /^1 records of org_\w+ in segment \d+ of the log do not open/);
  await assert.rejects(points(again, org, device), broken);
  // Back as it was, so that the next start finds nothing.
  await w.sql(set, [one.id, Buffer.alloc(16), one.body]);
  await w.sql(set, [two.id, two.name_index, two.body]);
  await w.sql(set, [one.id, one.name_index, one.body]);
  await again.close();
});

test("a chunk that does not open does not keep what follows it from being written", async () => {
  const store = await w.open();
  const device = await org.device();
  await store.say(org, device, { time: start, values: { a: 1 } });
  await store.telemetry.compact();
  await w.sql(
    "update holdfast.chunk c set data = '\\x00' from holdfast.series s where s.id = c.series and s.device = $1",
    [uuidOf(device)],
  );
  await store.say(org, device, { time: start + 1, values: { a: 2 } });
  await store.telemetry.compact();
  assert.match(w.reports.splice(0).join(), /^A chunk of dev_\w+ does not open/);
  const { items } = await store.points(org, device, "a", { from: start + 1 });
  assert.deepEqual(items, [[start + 1, 2]]);
  await assert.rejects(points(store, org, device), broken);
  await store.close();
});

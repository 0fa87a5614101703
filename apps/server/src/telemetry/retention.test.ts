import assert from "node:assert/strict";
import { test } from "node:test";
import type { Id } from "@holdfast/kernel";
import { atEnd } from "../testing/index.ts";
import { Kept } from "./kept.ts";
import { Retention } from "./retention.ts";
import { world, type Org } from "./store.fixture.ts";

const w = await world(atEnd);
const [org, other] = [await w.org(), await w.org()];
let store = await w.open();
let retention = new Retention({ ...w, retentions: store.telemetry.retentions });
const hour = 3_600_000;
const day = 24 * hour;

/** A reading every hour, from so many days ago on. */
async function measure(at: Org, device: Id<"device">, days: number): Promise<void> {
  const first = w.clock.now() - days * day;
  const body = Array.from({ length: days * 24 }, (_, n) => ({ time: first + n * hour, values: { a: n, b: n } }));
  for (let from = 0; from < body.length; from += 1_000)
    assert.equal(await store.say(at, device, body.slice(from, from + 1_000)), 0);
}
const countOf = async (device: Id<"device">): Promise<number> => {
  const [row] = await w.sql<{ sum: string }>(
    `select coalesce(sum(c.count), 0) as sum from holdfast.chunk c join holdfast.series s on s.org = c.org and s.id = c.series
      where s.device = $1`,
    [device.slice(4)],
  );
  return Number(row?.sum);
};
const months = async () =>
  (await w.sql<{ name: string }>("select name from holdfast.chunk_months() order by 1")).map(({ name }) => name);
const round = async () => {
  w.clock.move(hour + 1);
  await store.care.round();
};

test("the narrower rule wins: an attribute's, else the product's, else the organisation's", () => {
  const kept = new Kept();
  const [one, two] = ["prd_1", "prd_2"] as unknown as Id<"product">[];
  kept.own = 30;
  if (one) kept.set(one, { keep: 90, attributes: { a: 7, b: "forever" } });
  if (two) kept.set(two, { attributes: { a: 7 } });
  assert.deepEqual(
    [one, two, undefined].map((product) => ["a", "b", "c", "constructor"].map((name) => kept.keepOf(product, name))),
    [
      [7, "forever", 90, 90],
      [7, 30, 30, 30],
      [30, 30, 30, 30],
    ],
  );
  assert.equal(kept.isEverything, false);
  assert.equal(kept.oldest(100 * day), -Infinity);
  assert.equal(kept.supposing("org_1" as Id<"org">, { keep: 5 }).own, 5);
  assert.equal(kept.own, 30);
});

test("what is older than is kept is shown no more at once, and goes by whole chunks; what others keep stays", async () => {
  const product = await org.product({ attributes: { a: { type: "number" } }, strict: false });
  const [device, beside, foreign] = [await org.device(product), await org.device(), await other.device()];
  await measure(org, device, 100);
  await measure(org, beside, 100);
  await measure(other, foreign, 100);
  await store.telemetry.compact();
  const permit = await org.permit("product.update", product);
  const rule = { keep: 50, attributes: { a: 10 } } as const;
  const going = await retention.preview(permit, rule);
  assert.ok(
    going.points >= 70 * 24 && going.points < 140 * 24 && going.bytes > 0 && going.straddling > 0,
    JSON.stringify(going),
  );
  await retention.set(permit, rule);
  const now = w.clock.now();
  const oldest = async (at: Org, one: Id<"device">, name: string) => {
    const { items } = await store.points(at, one, name);
    return Math.round((now - (items[0]?.[0] ?? NaN)) / day);
  };
  const shown = async () => [
    await oldest(org, device, "a"),
    await oldest(org, device, "b"),
    await oldest(org, beside, "a"),
    await oldest(other, foreign, "a"),
  ];
  assert.deepEqual(await shown(), [10, 50, 100, 100]);
  assert.equal(await countOf(device), 200 * 24);
  const [bucket] = await store.aggregate(org, device, "a", { every: 366 * day, aggregates: ["count"], from: 0 });
  assert.equal(bucket?.["count"], 240);
  // It is read again at the next start.
  await store.close();
  store = await w.open();
  retention = new Retention({ ...w, retentions: store.telemetry.retentions });
  assert.deepEqual(await shown(), [10, 50, 100, 100]);
  await round();
  assert.equal((200 * 24 - (await countOf(device))) / 24 > 70, true);
  assert.deepEqual(await shown(), [10, 50, 100, 100]);
  assert.deepEqual([await countOf(beside), await countOf(foreign)], [200 * 24, 200 * 24]);
});

test("a month that nobody keeps goes as a whole, and comes back for what comes late", async () => {
  const before = await months();
  await retention.set(await org.permit("org.update", org.id), { keep: 20 });
  await round();
  assert.deepEqual(await months(), before);
  await retention.set(await other.permit("org.update", other.id), { keep: 20 });
  await round();
  const after = await months();
  assert.ok(after.length < before.length && after.length >= 1, `${before.join()} ${after.join()}`);
  const device = await other.device();
  const late = { time: w.clock.now() - 90 * day, values: { a: 1 } };
  assert.equal(await store.say(other, device, [late, { time: w.clock.now(), values: { a: 2 } }]), 0);
  await store.telemetry.compact();
  assert.equal(await countOf(device), 2);
  assert.deepEqual(
    (await store.points(other, device, "a")).items.map(([, value]) => value),
    [2],
  );
  w.clock.move(30 * day);
  assert.deepEqual(await store.latest(other, device), {});
  await round();
  assert.equal(await countOf(device), 0);
});

test("nothing above was a fault of ours", () => {
  assert.deepEqual(w.reports, []);
});

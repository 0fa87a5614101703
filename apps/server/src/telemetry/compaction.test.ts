import assert from "node:assert/strict";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { systemRandom, type Id } from "@holdfast/kernel";
import { atEnd } from "../testing/index.ts";
import { Compaction } from "./compaction.ts";
import { DeviceSeries } from "./series.ts";
import { until, world } from "./store.fixture.ts";

const w = await world(atEnd);
const org = await w.org();
let store = await w.open();
const hour = 3_600_000;
const now = w.clock.now();

async function restart(more: Parameters<typeof w.open>[0] = {}): Promise<void> {
  await store.close();
  store = await w.open(more);
}

/** Messages of at most a thousand readings each, a second apart, the last one `ago` milliseconds before now. */
async function stream(device: Id<"device">, count: number, ago = 0): Promise<void> {
  const all = Array.from({ length: count }, (_, n) => ({
    time: w.clock.now() - ago - (count - 1 - n) * 1_000,
    values: { n },
  }));
  for (let from = 0; from < count; from += 1_000)
    assert.equal(await store.say(org, device, all.slice(from, from + 1_000)), 0);
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
type Chunk = { first: number; last: number; count: number; bytes: number };
const chunksOf = async (device: Id<"device">): Promise<Chunk[]> => {
  const rows = await w.sql<Record<keyof Chunk, string>>(
    `select c.first, c.last, c.count, octet_length(c.data) as bytes from holdfast.chunk c
       join holdfast.series s on s.org = c.org and s.id = c.series where s.device = $1 order by c.first`,
    [device.slice(4)],
  );
  return rows.map(({ first, last, count, bytes }) => ({
    first: Number(first),
    last: Number(last),
    count: Number(count),
    bytes: Number(bytes),
  }));
};
const countIn = async (device: Id<"device">): Promise<number> => {
  const [bucket] = await store.aggregate(org, device, "n", {
    every: 366 * 24 * hour,
    aggregates: ["count"],
    from: now - 400 * 24 * hour,
    to: now + hour,
  });
  return Number(bucket?.["count"] ?? 0);
};

test("a series remembers of its newest chunk what it is and not its bytes, which would be kilobytes of every attribute of every device", async () => {
  const { scope } = await org.space();
  const series = new DeviceSeries(scope, await org.device(), { bytes: 0 }).seriesOf("n", "number");
  series.pending = 1_024;
  for (let at = 0; at < 1_024; at++) series.add(now + at * 1_000, Math.sin(at), 1);
  const { storage, keyring: keys } = w;
  const { chunks } = await new Compaction({ storage, keys, random: systemRandom, report() {} }).of([series]);
  assert.equal(chunks, 1);
  const bytes = series.tail?.bytes ?? 0;
  assert.ok(bytes > 1_024, `${bytes}`);
  const tail = { first: now, last: now + 1_023_000, count: 1_024, position: 1, bytes, period: 0, isOnTop: true };
  assert.deepEqual(series.tail, tail);
});

test("a series is written as soon as it has a chunk's worth of points, in chunks of about two thousand", async () => {
  const device = await org.device();
  await stream(device, 6_000);
  await until(async () => (await chunksOf(device)).length > 0);
  await store.telemetry.compact();
  const counts = (await chunksOf(device)).map(({ count }) => count);
  assert.equal(
    counts.reduce((a, b) => a + b),
    6_000,
  );
  assert.ok(
    counts.every((count) => count >= 1_024 && count < 2_560),
    String(counts),
  );
});

test("tens of thousands of points that waited are written in chunks of the same size", async () => {
  const device = await org.device();
  await stream(device, 1_000);
  await restart({ sizes: { buffers: 1 } }); // what replay reads is written at once, and not a chunk's worth was there
  assert.deepEqual(
    (await chunksOf(device)).map(({ count }) => count),
    [1_000],
  );
  await restart();
  const space = await org.space();
  await store.telemetry.prepare(space, device);
  const minutes = Array.from({ length: 20 }, (_, at) =>
    Array.from({ length: 1_000 }, (_, n) => ({ time: now - 24 * hour - (at * 1_000 + n) * 1_000, values: { n } })),
  );
  assert.deepEqual(new Set(await Promise.all(minutes.map((body) => store.sayNow(space, device, body)))), new Set([0]));
  await store.telemetry.compact();
  const counts = (await chunksOf(device)).map(({ count }) => count);
  assert.equal(
    counts.reduce((a, b) => a + b),
    21_000,
  );
  assert.ok(
    counts.every((count) => count < 2_560),
    String(counts),
  );
});

test("a few points at a time become one chunk, which is written again until it is large", async () => {
  const device = await org.device();
  for (let turn = 0; turn < 5; turn += 1) {
    w.clock.move(60_000);
    await stream(device, 50);
    await store.telemetry.compact();
  }
  assert.deepEqual(
    (await chunksOf(device)).map(({ count }) => count),
    [250],
  );
});

test("what comes days late stays in a chunk of its own, beside those of its time", async () => {
  const device = await org.device();
  await stream(device, 100);
  await store.telemetry.compact();
  await stream(device, 100, 5 * 24 * hour);
  await store.telemetry.compact();
  w.clock.move(60_000);
  await stream(device, 20);
  await store.telemetry.compact();
  const chunks = await chunksOf(device);
  assert.deepEqual(
    chunks.map(({ count }) => count),
    [100, 120],
  );
  assert.ok((chunks[0]?.last ?? 0) < (chunks[1]?.first ?? 0));
});

test("of equal times the last wins also where the chunk that began last is gone, and newer points lie across the one before", async () => {
  const device = await org.device();
  const at = (days: number) => w.clock.now() - days * 24 * hour;
  const say = async (...points: readonly (readonly [time: number, n: number])[]) => {
    await store.say(
      org,
      device,
      points.map(([time, n]) => ({ time, values: { n } })),
    );
    await store.telemetry.compact();
  };
  const twice = at(3);
  await say([at(0), 0]);
  await say([at(5), 1], [twice, 1]);
  await say([at(6), 2], [twice, 2]);
  // As what is too old goes, or what was erased before a stop.
  await w.sql(
    "delete from holdfast.chunk c using holdfast.series s where s.org = c.org and s.id = c.series and s.device = $1 and c.first = $2",
    [device.slice(4), at(0)],
  );
  await restart();
  await say([at(2), 3]);
  const { items } = await store.points(org, device, "n");
  assert.deepEqual(
    items.map(([, n]) => n),
    [2, 1, 2, 3],
  );
});

test("no chunk reaches from one month into the next, and device times go 360 days back", async () => {
  const device = await org.device();
  const time = (days: number) => w.clock.now() - days * 24 * hour;
  await store.say(
    org,
    device,
    Array.from({ length: 350 }, (_, n) => ({ time: time(359 - n), values: { n } })),
  );
  await store.telemetry.compact();
  const chunks = await chunksOf(device);
  const month = (at: number) => new Date(at).toISOString().slice(0, 7);
  assert.ok(chunks.length >= 12 && chunks.every(({ first, last }) => month(first) === month(last)), `${chunks.length}`);
  assert.equal((await store.points(org, device, "n")).items.length, 350);
});

test("large texts fill a chunk sooner than a thousand points do", async () => {
  const device = await org.device();
  const text = (n: number) => `${n} `.repeat(2_000).slice(0, 4_000);
  const all = Array.from({ length: 300 }, (_, n) => ({ time: w.clock.now() - (300 - n), values: { t: text(n) } }));
  for (let from = 0; from < 300; from += 60) await store.say(org, device, all.slice(from, from + 60));
  await store.telemetry.compact();
  const counts = (await chunksOf(device)).map(({ count }) => count);
  assert.ok(counts.length >= 4 && counts.every((count) => count <= 66), String(counts));
  const { items } = await store.points(org, device, "t");
  assert.deepEqual(
    items.map(([, value]) => value),
    all.map(({ values }) => values.t),
  );
});

test("buffers beyond their budget are written early, the largest first", async () => {
  await store.telemetry.compact();
  await restart({ sizes: { buffers: 40_000 } });
  const [large, small] = [await org.device(), await org.device()];
  await stream(small, 20);
  await stream(large, 900);
  await stream(large, 100, hour);
  await stream(large, 800, 2 * hour);
  await until(async () => (await chunksOf(large)).length > 0);
  assert.deepEqual(await chunksOf(small), []);
  assert.equal(await countIn(large), 1_800);
  await store.telemetry.compact();
  assert.equal(store.telemetry.statistics.bufferBytes, 0);
  await restart();
});

test("a flood of series stays within the budget of buffers, and nothing of it is lost", async () => {
  const budget = 1_000_000;
  await restart({ sizes: { buffers: budget } });
  const space = await org.space();
  const devices = await Promise.all(Array.from({ length: 60 }, () => org.device()));
  let [most, refused] = [0, 0];
  for (let turn = 0; turn < 16; turn += 1) {
    const time = now - 1e6 + turn * 20;
    const body = Array.from({ length: 20 }, (_, n) => ({ time: time + n, values: { n, m: n, t: "text" } }));
    for (const device of devices) await store.telemetry.prepare(space, device);
    // Whoever is told to come later comes later.
    for (let left = devices; left.length > 0;) {
      const told = await Promise.all(left.map((device) => store.sayNow(space, device, body)));
      most = Math.max(most, store.telemetry.statistics.bufferBytes);
      left = left.filter((_, index) => told[index] !== 0);
      refused += left.length;
      await settled();
    }
  }
  assert.ok(most > budget / 2 && most < 2 * budget + 600_000, `${most} bytes, ${refused} refused`);
  await store.telemetry.compact();
  for (const device of devices.slice(0, 5))
    assert.equal((await store.points(org, device, "m", { from: now - 2e6 })).items.length, 320);
  await restart();
});

test("readings leave the log within hours, with the key of their segment, also when nothing more comes", async () => {
  const device = await org.device();
  await store.telemetry.compact();
  await restart();
  w.clock.move(1_000);
  await until(() => store.telemetry.statistics.segments === 1);
  await stream(device, 10);
  const [{ segment } = { segment: 0 }] = await w.sql<{ segment: number }>(
    "select max(segment)::int as segment from holdfast.log",
  );
  assert.ok(await w.keyring.find("segment", String(segment)));
  w.clock.move(hour);
  await until(() => store.telemetry.statistics.segments === 2);
  w.clock.move(hour);
  await until(async () => (await w.keyring.holding("segment", [String(segment)])).length === 0);
  assert.deepEqual(await w.sql("select 1 from holdfast.log where segment <= $1", [segment]), []);
  assert.deepEqual(
    (await chunksOf(device)).map(({ count }) => count),
    [10],
  );
  await restart();
  assert.equal(await countIn(device), 10);
});

test("readings of a device whose key is erased are dropped, and everybody else's are kept", async () => {
  const [erased, kept] = [await org.device(), await org.device()];
  await stream(erased, 10);
  await stream(kept, 10);
  await w.keyring.erase("device", [erased]);
  await store.telemetry.compact();
  assert.deepEqual(await chunksOf(erased), []);
  assert.deepEqual(
    (await chunksOf(kept)).map(({ count }) => count),
    [10],
  );
  assert.match(w.reports.splice(0).join(), /^10 points of dev_\w+ are dropped/);
  assert.equal(store.telemetry.statistics.series, 0);
});

test("a device whose key is not in the keyring, as after restoring an older backup of the keys, is refused before anything is acknowledged", async () => {
  const device = await org.device();
  using keys = new DatabaseSync(path.join(w.database.keysFolder, "keyring.sqlite"));
  keys.prepare("DELETE FROM keys WHERE kind = 'device' AND name = ?").run(device);
  await assert.rejects(store.telemetry.prepare(await org.space(), device), { code: "keyring.incomplete" });
  await assert.rejects(store.say(org, device, [{ n: 1 }]), { code: "keyring.incomplete" });
});

test("a partition that somebody dropped is made again; until then the others are written and the log keeps its points", async () => {
  const [away, kept] = [await org.device(), await org.device()];
  await stream(kept, 10);
  await stream(away, 10, 300 * 24 * hour);
  await store.telemetry.compact();
  const name = new Date(w.clock.now() - 300 * 24 * hour).toISOString().slice(0, 7).replace("-", "_");
  await w.sql(`drop table holdfast.chunk_${name}`);
  await stream(kept, 10);
  await stream(away, 5, 300 * 24 * hour);
  await store.telemetry.compact();
  assert.equal(store.telemetry.statistics.series, 1);
  assert.match(w.reports.splice(0).join(), /stay in the log/);
  w.clock.move(61_000);
  await store.telemetry.compact();
  assert.equal(store.telemetry.statistics.series, 0);
  assert.equal((await store.points(org, away, "n")).items.length, 5);
});

test("an answer holds all that was acknowledged, however often its chunks are written again meanwhile", async () => {
  const device = await org.device();
  const space = await org.space();
  await store.telemetry.prepare(space, device);
  let sent = 0;
  for (let turn = 0; turn < 40; turn += 1) {
    const from = sent;
    sent += 13;
    const body = Array.from({ length: 13 }, (_, n) => ({ time: now - 1e6 + from + n, values: { n: from + n } }));
    assert.equal(await store.sayNow(space, device, body), 0);
    const [, one, two] = await Promise.all([
      store.telemetry.compact(),
      store.points(org, device, "n"),
      settled().then(() => store.points(org, device, "n")),
    ]);
    for (const { items } of [one, two])
      assert.deepEqual(
        items.map(([, value]) => value),
        Array.from({ length: sent }, (_, n) => n),
      );
  }
});

test("nothing above was a fault of ours", () => {
  assert.deepEqual(w.reports, []);
});

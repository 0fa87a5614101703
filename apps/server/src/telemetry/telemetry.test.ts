import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import { atEnd, TestClock } from "../testing/index.ts";
import { world, type Org } from "./store.fixture.ts";

const w = await world(atEnd);
const org = await w.org();
const other = await w.org();
let store = await w.open();

/** A stop and a start: two at once would be a fault. */
async function restart(more: Parameters<typeof w.open>[0] = {}): Promise<void> {
  await store.close();
  store = await w.open(more);
}

const isRefused = (answer: number | Refusal, code: Refusal["code"]): Refusal => {
  assert.ok(answer instanceof Refusal, `it was answered with ${answer}`);
  assert.equal(answer.code, code);
  return answer;
};
const attributesOf = async (of: Org, device: Id<"device">) => Object.keys(await store.latest(of, device));

test("what was acknowledged can be read at once, of every type, oldest first", async () => {
  const device = await org.device();
  const at = w.clock.now();
  assert.equal(
    await store.say(org, device, [
      { time: at, values: { n: 21.5, b: true, t: "on" } },
      { time: at - 5, values: { n: -0.25 } },
    ]),
    0,
  );
  assert.deepEqual((await store.points(org, device, "n")).items, [
    [at - 5, -0.25],
    [at, 21.5],
  ]);
  assert.deepEqual((await store.points(org, device, "b")).items, [[at, true]]);
  assert.deepEqual((await store.points(org, device, "t")).items, [[at, "on"]]);
  assert.deepEqual((await store.points(org, device, "unheard")).items, []);
});

test("the same device and time: the later message wins, in chunks too", async () => {
  const device = await org.device();
  const time = w.clock.now();
  for (const n of [1, 2]) await store.say(org, device, { time, values: { n } });
  await store.telemetry.compact();
  await store.say(org, device, { time, values: { n: 3 } });
  assert.deepEqual((await store.points(org, device, "n")).items, [[time, 3]]);
  await store.telemetry.compact();
  assert.deepEqual((await store.points(org, device, "n")).items, [[time, 3]]);
});

test("a range holds its beginning and not its end; a cursor goes on where the page ended", async () => {
  const device = await org.device();
  const now = w.clock.now();
  await store.say(
    org,
    device,
    [5, 4, 3, 2, 1].map((n) => ({ time: now - n * 10, values: { n } })),
  );
  const values = async (range: object) => (await store.points(org, device, "n", range)).items.map(([, value]) => value);
  assert.deepEqual(await values({ from: now - 40, to: now - 20 }), [4, 3]);
  const first = await store.points(org, device, "n", { limit: 2 });
  assert.deepEqual(
    first.items.map(([, value]) => value),
    [5, 4],
  );
  // One comes late, behind the cursor, and one ahead of it.
  await store.say(org, device, [
    { time: now - 45, values: { n: 4.5 } },
    { time: now - 25, values: { n: 2.5 } },
  ]);
  assert.deepEqual(await values({ limit: 9, cursor: first.nextCursor }), [3, 2.5, 2, 1]);
  await assert.rejects(values({ cursor: "x" }), { code: "cursor.malformed" });
  await assert.rejects(values({ from: now, to: now }), { code: "telemetry.range" });
});

test("without an end, a range holds what clocks ahead of ours sent", async () => {
  const device = await org.device();
  const ahead = w.clock.now() + 9 * 60_000;
  await store.say(org, device, { time: ahead, values: { n: 1 } });
  assert.deepEqual((await store.points(org, device, "n", { from: w.clock.now() })).items, [[ahead, 1]]);
});

test("readings without a time never fall together: not at one moment, not with the device's own, not after a start with the clock set back", async () => {
  const device = await org.device();
  const now = w.clock.now();
  const send = (count: number) =>
    store.say(
      org,
      device,
      Array.from({ length: count }, () => ({ values: { n: 1 } })),
    );
  await store.say(org, device, { time: now, values: { n: 0 } });
  await Promise.all([send(1_000), send(1_000), send(1_000)]);
  await store.telemetry.compact(); // so that no log remembers the last of them
  await restart();
  await send(2);
  const { items } = await store.points(org, device, "n");
  assert.deepEqual(
    items.map(([time]) => time),
    Array.from({ length: 3_003 }, (_, at) => now + at),
  );
});

test("a value of another type is refused by the name of its attribute, and nothing of its message is kept", async () => {
  const device = await org.device();
  await store.say(org, device, { temperature: 21 });
  const refusal = isRefused(
    await store.say(org, device, [{ fresh: 1 }, { fresh: 2, temperature: "warm" }]),
    "telemetry.wrongType",
  );
  assert.deepEqual(refusal.faults, [{ path: "temperature", message: "is a number, and this is a text" }]);
  isRefused(await store.say(org, device, [{ fresh: 1 }, { fresh: true }]), "telemetry.wrongType");
  assert.deepEqual(await attributesOf(org, device), ["temperature"]);
  assert.equal(await store.say(org, device, { fresh: "now a text" }), 0);
});

test("a series that is older than the declaration goes on as what it is, and whoever sends the other type is told the way out", async () => {
  const product = await org.product({ attributes: {}, strict: false });
  const device = await org.device(product);
  await store.say(org, device, { temperature: "warm" });
  const types = new Map([["temperature", "number"]] as const);
  (await org.space()).setProduct(product, { strict: true, types });
  const refusal = isRefused(await store.say(org, device, { temperature: 21 }), "telemetry.wrongType");
  assert.match(refusal.message, /"temperature" is a text.* before its product declared a number: .* another name\.$/);
  assert.equal(await store.say(org, device, { temperature: "hot" }), 0);
});

test("a product says which types its attributes have, and a strict one that there are no others", async () => {
  const attributes = { temperature: { type: "number" }, open: { type: "boolean" } } as const;
  const lenient = await org.device(await org.product({ attributes, strict: false }));
  isRefused(await store.say(org, lenient, { temperature: "21" }), "telemetry.wrongType");
  assert.equal(await store.say(org, lenient, { temperature: 21, more: 1 }), 0);

  const strict = await org.device(await org.product({ attributes, strict: true }));
  const refusal = isRefused(await store.say(org, strict, { temperature: 21, more: 1 }), "telemetry.undeclared");
  assert.deepEqual(
    refusal.faults.map(({ path }) => path),
    ["more"],
  );
  assert.deepEqual(await attributesOf(org, strict), []);
  assert.equal(await store.say(org, strict, { temperature: 21, open: true }), 0);
});

test("a device has at most 64 attributes that nobody declared", async () => {
  const device = await org.device();
  const many = (count: number, from = 0) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${from + at}`, 1]));
  assert.equal(await store.say(org, device, many(64)), 0);
  const refusal = isRefused(await store.say(org, device, { ...many(64), one: 1 }), "telemetry.tooManyAttributes");
  assert.deepEqual(
    refusal.faults.map(({ path }) => path),
    ["one"],
  );
  assert.match(refusal.message, /\b64\b/);
  assert.equal(await store.say(org, device, many(64)), 0);
});

test("a device of another organisation is as unknown as none, whoever asked first, and nothing of it is answered", async () => {
  const device = await org.device();
  const foreign = await other.space();
  assert.equal(await store.sayNow(foreign, device, { n: 1 }), 0x87);
  assert.equal(await store.say(org, device, { n: 2 }), 0);
  isRefused(await store.sayNow(foreign, device, { n: 3 }), "device.unknown");
  await assert.rejects(store.telemetry.prepare(foreign, device), { code: "device.unknown" });
  assert.deepEqual((await store.points(org, device, "n")).items, [[w.clock.now(), 2]]);
  assert.equal(await store.sayNow(foreign, "dev_00000000000000000000000000000000" as Id<"device">, { n: 1 }), 0x87); // a well-formed one
});

test("a device that was suspended while it was in memory is refused", async () => {
  const device = await org.device();
  assert.equal(await store.say(org, device, { n: 1 }), 0);
  await org.suspend(device);
  isRefused(await store.say(org, device, { n: 2 }), "device.suspended");
});

test("what was known of an organisation is read again, and its devices go on as before", async () => {
  const device = await org.device();
  const before = await org.space();
  assert.equal(await store.sayNow(before, device, { n: 1 }), 0);
  w.spaces.forget(org.id);
  const told = [store.sayNow(before, device, { n: 2 }), store.say(org, device, { n: 3 })];
  assert.deepEqual(await Promise.all(told), [0, 0]);
  const values = (await store.points(org, device, "n")).items.map(([, value]) => value);
  assert.deepEqual(new Set(values), new Set([1, 2, 3]));
  await store.telemetry.compact();
  assert.equal((await store.points(org, device, "n")).items.length, 3);
});

test("whoever throws on being told disturbs nobody else", async () => {
  const device = await org.device();
  const space = await org.space();
  const told: number[] = [];
  await restart();
  store.telemetry.onStored({
    wants: () => true,
    stored: () => {
      throw new TypeError("an observer's own fault");
    },
  });
  store.telemetry.onStored({ wants: () => true, stored: ({ readings }) => void told.push(readings.length) });
  await store.telemetry.prepare(space, device);
  const settle = () => {
    throw new TypeError("a connection's own fault");
  };
  const source = { space, device, via: "mqtt" } as const;
  assert.equal(store.telemetry.accept(source, Buffer.from('{"n":1}'), {}, { settle }), undefined);
  assert.equal(await store.sayNow(space, device, { n: 2 }), 0);
  await restart();
  assert.deepEqual(told, [1, 1]);
  const faults = w.reports.splice(0).filter((line) => line.includes("TypeError at telemetry.test.ts"));
  assert.equal(faults.length, 3);
});

test("points of several types are summed up by what their type knows", async () => {
  const device = await org.device();
  const hour = Math.floor(w.clock.now() / 3_600_000) * 3_600_000;
  const at = (minute: number, values: object) => ({ time: hour - minute * 60_000, values });
  await store.say(org, device, [
    at(1, { n: 1, b: true, t: "x" }),
    at(2, { n: 2, b: false, t: "y" }),
    at(61, { n: 5, b: true }),
  ]);
  const every = 3_600_000;
  assert.deepEqual(
    await store.aggregate(org, device, "n", {
      every,
      aggregates: ["avg", "sum", "min", "max", "count", "first", "last"],
    }),
    [
      { time: hour - 2 * every, avg: 5, sum: 5, min: 5, max: 5, count: 1, first: 5, last: 5 },
      { time: hour - every, avg: 1.5, sum: 3, min: 1, max: 2, count: 2, first: 2, last: 1 },
    ],
  );
  assert.deepEqual(await store.aggregate(org, device, "b", { from: hour - every, every, aggregates: ["avg", "sum"] }), [
    { time: hour - every, avg: 0.5, sum: 1 },
  ]);
  assert.deepEqual(await store.aggregate(org, device, "t", { every, aggregates: ["first", "last", "count"] }), [
    { time: hour - every, first: "y", last: "x", count: 2 },
  ]);
  await assert.rejects(store.aggregate(org, device, "t", { every, aggregates: ["avg"] }), {
    code: "telemetry.noAggregate",
    message: /^(?!.*kept).*Texts have no avg\.$/, // who asks has sent nothing that could be kept
  });
});

test("buckets come in pages that end between two steps", async () => {
  const device = await org.device();
  const every = 3_600_000;
  const hour = Math.floor(w.clock.now() / every) * every;
  const half = every / 2;
  const ago = [5, 4, 4, 2, 1];
  const readings = ago.map((hours, at) => ({ time: hour - hours * every + (at === 0 ? half : at), values: { n: at } }));
  await store.say(org, device, readings);
  const page = (limit: number, cursor?: string) =>
    store.bucketPage(org, device, "n", {
      from: hour - 5 * every + 1,
      every,
      limit,
      aggregates: ["count"],
      ...(cursor !== undefined && { cursor }),
    });
  const all = [5, 4, 2, 1].map((hours) => ({ time: hour - hours * every, count: hours === 4 ? 2 : 1 }));
  assert.deepEqual(await page(4), { items: all, nextCursor: undefined });
  const first = await page(2);
  assert.deepEqual(first, { items: all.slice(0, 2), nextCursor: String(hour - 2 * every) });
  assert.deepEqual(await page(2, first.nextCursor), { items: all.slice(2), nextCursor: undefined });
  assert.deepEqual(await page(2, String(hour + every)), { items: [], nextCursor: undefined });
  for (const cursor of [String(hour - 2 * every + 1), "1e3"])
    await assert.rejects(page(2, cursor), { code: "cursor.malformed" });
});

test("over HTTP a message is answered when it is durable, or refused", async () => {
  const device = await org.device();
  const permit = await org.permit("telemetry.write", device);
  const send = (body: unknown) => store.telemetry.send(permit, Buffer.from(JSON.stringify(body)), {});
  assert.equal(await send([{ n: 1 }, { n: 2 }]), 2);
  await assert.rejects(send({ n: "x" }), { code: "telemetry.wrongType" });
  await assert.rejects(send({ time: 0, values: { n: 1 } }), { code: "telemetry.absurdTime" });
  assert.equal((await store.points(org, device, "n")).items.length, 2);
});

test("a flood of one organisation does not hold up another's message", async () => {
  const [mine, flooded] = [await other.device(), await org.device()];
  const [own, foreign] = [await other.space(), await org.space()];
  await store.telemetry.prepare(own, mine);
  await store.telemetry.prepare(foreign, flooded);
  const order: string[] = [];
  const text = "x".repeat(4_096);
  const large = { values: Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`t${at}`, text])) };
  const flood = Array.from({ length: 24 }, () => store.sayNow(foreign, flooded, large).then(() => order.push("flood")));
  await store.sayNow(own, mine, { n: 1 }).then(() => order.push("mine"));
  await Promise.all(flood);
  assert.ok(order.indexOf("mine") < 12, `it came after ${order.indexOf("mine")} of 24`);
});

test("idle devices are let go when there are many, and are themselves again when they come back", async () => {
  await store.telemetry.compact();
  await restart({ sizes: { devices: 1 } });
  const devices = [await org.device(), await org.device(), await org.device()];
  for (const device of devices) await store.say(org, device, [{ n: 1 }, { n: 2 }]);
  w.clock.move(100_000);
  assert.equal(store.telemetry.statistics.devices, 3, "what is not in chunks yet stays");
  await store.telemetry.compact();
  w.clock.move(1_000);
  assert.equal(store.telemetry.statistics.devices, 1);
  for (const device of devices) {
    isRefused(await store.say(org, device, { n: "a text" }), "telemetry.wrongType");
    await store.say(org, device, { n: 3 });
    const times = (await store.points(org, device, "n")).items.map(([time]) => time);
    assert.equal(new Set(times).size, 3);
  }
});

test("times before 1970 are times", async () => {
  const early = await world(atEnd, { clock: new TestClock(Date.UTC(1970, 0, 5)) });
  const theirs = await early.org();
  const device = await theirs.device();
  const past = await early.open();
  const at = (day: number, n: number) => ({ time: Date.UTC(1970, 0, day), values: { n } });
  assert.equal(await past.say(theirs, device, [at(-30, 1), at(-1, 2), at(0, 3), at(1, 4), at(4, 5)]), 0);
  for (const compacted of [false, true]) {
    if (compacted) await past.telemetry.compact();
    const { items } = await past.points(theirs, device, "n", { from: -1e11 });
    assert.deepEqual(
      items.map(([, value]) => value),
      [1, 2, 3, 4, 5],
    );
    const day = 86_400_000;
    const buckets = await past.aggregate(theirs, device, "n", { from: -1e11, every: 7 * day, aggregates: ["count"] });
    assert.deepEqual(
      buckets.map(({ time, count }) => [time / day, count]),
      [
        [-35, 1],
        [-7, 2],
        [0, 2],
      ],
    );
  }
  assert.deepEqual(await past.latest(theirs, device), { n: [Date.UTC(1970, 0, 4) as Instant, 5] });
  await past.close();
});

test("a store that is closed refuses, and what it had taken is durable", async () => {
  const device = await org.device();
  const space = await org.space();
  await store.telemetry.prepare(space, device);
  const told = Array.from({ length: 200 }, (_, n) => store.sayNow(space, device, { n }));
  const closed = store;
  await restart();
  assert.deepEqual(new Set(await Promise.all(told)), new Set([0]));
  isRefused(await closed.sayNow(space, device, { n: 0 }), "stopping");
  assert.equal((await store.points(org, device, "n")).items.length, 200);
});

test("nothing above was a fault of ours", () => {
  assert.deepEqual(w.reports, []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { aggregates, fills, type Aggregate, type Fill, type Step } from "@holdfast/protocol";
import { atEnd } from "../testing/index.ts";
import { exportedLines } from "./export-lines.ts";
import type { Question } from "./questions.ts";
import type { Value } from "./value.ts";
import { world } from "./store.fixture.ts";

const w = await world(atEnd);
const org = await w.org();
const store = await w.open();
const hour = 3_600_000;
const day = 24 * hour;
const end = w.clock.now();
const begin = end - 200 * day;

type Known = readonly (readonly [time: number, value: Value])[];
type Measured = { readonly device: Id<"device">; readonly attribute: string; readonly points: Known };

/** Some dense, so that they have rollups, some rare, with a hole, some still in memory; numbers, booleans and texts. */
async function measure(): Promise<readonly Measured[]> {
  const all: Measured[] = [];
  let state = 7;
  const chance = (below: number) => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) % below;
  for (let number = 0; number < 3; number++) {
    const device = await org.device();
    const n: [number, Value][] = [];
    const b: [number, Value][] = [];
    const t: [number, Value][] = [];
    for (let time = begin + chance(1_000); time < end; time += chance(number === 0 ? 6 * hour : 12 * hour) + 1) {
      n.push([time, chance(20_000) / 100 - 100]);
      if (chance(3) === 0) b.push([time, chance(2) === 0]);
      if (chance(4) === 0) t.push([time, `text ${chance(5)}`]);
    }
    // A day and a half at a point a minute, over a change of clocks in Europe.
    const dense = Date.UTC(2025, 9, 25, 12);
    if (number < 2)
      for (let minute = 0; minute < 2_200; minute++) n.push([dense + minute * 60_000 + number, chance(900) / 10]);
    n.sort(([one], [other]) => one - other);
    const points = n.filter(
      ([time], at) => time !== n[at - 1]?.[0] && (time < end - 20 * day || time > end - 10 * day),
    );
    for (const [attribute, of] of [
      ["n", points],
      ["b", b],
      ["t", t],
    ] as const) {
      for (let from = 0; from < of.length; from += 1_000) {
        const body = of.slice(from, from + 1_000).map(([time, value]) => ({ time, values: { [attribute]: value } }));
        assert.equal(await store.say(org, device, body), 0);
      }
      all.push({ device, attribute, points: of });
    }
    if (number < 2) await store.telemetry.compact();
  }
  return all;
}
const measured = await measure();
const devices = [...new Set(measured.map(({ device }) => device))];

const zone = fc.constantFrom(undefined, "Europe/Zurich", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York");
const step = fc.constantFrom<Step>(
  { unit: "millisecond", count: 7 * 60_000 },
  { unit: "millisecond", count: hour },
  { unit: "millisecond", count: 6 * hour },
  { unit: "day", count: 1 },
  { unit: "week", count: 1 },
  { unit: "month", count: 1 },
);
const moment = fc.oneof(
  fc.integer({ min: begin - day, max: end }),
  fc.integer({ min: Date.UTC(2025, 9, 25), max: Date.UTC(2025, 9, 28) }),
);

/** Where a window begins, by the calendar, one step after the other from long before: not as the program finds it. */
function windowsOf({ unit, count }: Step, timezone: string, from: number, to: number): number[] {
  const at = (time: number) => Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(timezone);
  const starts: number[] = [];
  if (unit === "millisecond") {
    // Minute by minute: wherever the clock on the wall shows a multiple, or has passed one since the minute before.
    const wall = (time: number) => time + at(time).offsetNanoseconds / 1e6;
    const first = Math.floor(from / 60_000) * 60_000 - Math.ceil((count + 2 * hour) / 60_000) * 60_000;
    for (let time = first, before = Math.floor(wall(first - 1) / count); time < to; time += 60_000) {
      const reached = Math.floor(Math.max(wall(time - 1) + 1, wall(time)) / count);
      if (reached > before) starts.push(time);
      before = Math.floor(wall(time + 59_999) / count);
    }
  } else {
    let date = at(from).toPlainDate();
    if (unit === "week") date = date.subtract({ days: date.dayOfWeek - 1 });
    if (unit === "month") date = date.with({ day: 1 });
    for (;;) {
      const start = date.toZonedDateTime(timezone).epochMilliseconds;
      if (start >= to) break;
      starts.push(start);
      date = date.add({ [`${unit}s`]: count });
    }
  }
  const past = starts.findIndex((start) => start > from);
  return starts.slice(past === -1 ? starts.length - 1 : Math.max(0, past - 1));
}

function expected(points: Known, starts: readonly number[], fill: Fill, asked: readonly Aggregate[]) {
  const groups = Map.groupBy(points, ([time]) => starts.findLast((start) => start <= time) ?? Number.NaN);
  const real = new Map([...groups].map(([start, group]) => [start, aggregated(group, asked)]));
  if (fill === "none") return starts.flatMap((start) => (real.has(start) ? [{ time: start, ...real.get(start) }] : []));
  return starts.map((start) => {
    const there = real.get(start);
    if (there) return { time: start, ...there };
    const before = starts.findLast((other) => other < start && real.has(other));
    const after = starts.find((other) => other > start && real.has(other));
    const of = (aggregate: Aggregate): Value | null => {
      const left = before === undefined ? undefined : real.get(before)?.[aggregate];
      const right = after === undefined ? undefined : real.get(after)?.[aggregate];
      if (aggregate === "count") return 0;
      if (fill === "previous") return left ?? null;
      if (fill === "zero") return typeof (left ?? right) === "number" ? 0 : null;
      if (fill === "null" || typeof left !== "number" || typeof right !== "number") return null;
      return left + ((right - left) * (start - (before ?? 0))) / ((after ?? 0) - (before ?? 0));
    };
    return { time: start, ...Object.fromEntries(asked.map((aggregate) => [aggregate, of(aggregate)])) };
  });
}

function aggregated(points: Known, asked: readonly Aggregate[]): Record<string, Value> {
  const sorted = points.map(([, value]) => Number(value)).toSorted((a, b) => a - b);
  const sum = sorted.reduce((a, b) => a + b, 0);
  const rank = (part: number) => sorted[Math.max(1, Math.ceil(part * sorted.length)) - 1] ?? 0;
  const of: Record<Aggregate, () => Value> = {
    count: () => points.length,
    first: () => points[0]?.[1] ?? 0,
    last: () => points.at(-1)?.[1] ?? 0,
    sum: () => sum,
    avg: () => sum / points.length,
    min: () => sorted[0] ?? 0,
    max: () => sorted.at(-1) ?? 0,
    p50: () => rank(0.5),
    p90: () => rank(0.9),
    p95: () => rank(0.95),
    p99: () => rank(0.99),
  };
  return Object.fromEntries(asked.map((aggregate) => [aggregate, of[aggregate]()]));
}

function alike(found: readonly object[], wanted: readonly object[]): void {
  assert.equal(found.length, wanted.length, "as many windows");
  for (const [at, item] of found.entries()) {
    const other = new Map<string, unknown>(Object.entries(wanted[at] ?? {}));
    assert.deepEqual(Object.keys(item).toSorted(), [...other.keys()].toSorted());
    for (const [name, value] of Object.entries(item)) {
      const should = other.get(name);
      if (typeof value === "number" && typeof should === "number")
        assert.ok(Math.abs(value - should) <= 1e-9 * Math.max(1e3, Math.abs(should)), `${name}: ${value}, ${should}`);
      else assert.equal(value, should, name);
    }
  }
}

const permits = () => Promise.all(devices.map((device) => org.permit("telemetry.read", device)));
const ask = async (question: Partial<Question> & Pick<Question, "attributes" | "from">) =>
  store.questions.answer(await permits(), { fill: "none", by: "device", ...question });

test("aggregates by window, zone and fill, of a device or of all, are those of a plain list", async () => {
  const asked = fc.record({
    attribute: fc.constantFrom("n", "b", "t"),
    from: moment,
    span: fc.constantFrom(3 * hour, 2 * day, 40 * day),
    every: step,
    timezone: zone,
    fill: fc.constantFrom(...fills),
    by: fc.constantFrom("device" as const, "attribute" as const),
    some: fc.subarray([...aggregates], { minLength: 1 }),
  });
  await fc.assert(
    fc.asyncProperty(asked, async ({ attribute, from, span, every, timezone, fill, by, some }) => {
      const to = Math.min(from + span, end);
      if (from >= to || (span > 2 * day && every.count < hour && every.unit === "millisecond")) return;
      const isText = attribute === "t";
      const named = isText ? some.filter((one) => ["count", "first", "last"].includes(one)) : some;
      if (named.length === 0) return;
      const range = { from: from as Instant, to: to as Instant };
      const answers = await ask({ attributes: [attribute], ...range, every, timezone, fill, by, aggregates: named });
      const starts = windowsOf(every, timezone ?? "UTC", from, to);
      const known = measured.filter((one) => one.attribute === attribute);
      const within = ({ points }: Pick<Measured, "points">) => points.filter(([time]) => time >= from && time < to);
      if (by === "device") {
        assert.deepEqual(
          answers.map(({ device }) => device),
          devices,
        );
        for (const [at, answer] of answers.entries())
          alike(answer.items, expected(within(known[at] ?? { points: [] }), starts, fill, named));
      } else {
        const all = known.flatMap(within).sort(([one], [other]) => one - other);
        alike(answers[0]?.items ?? [], expected(all, starts, fill, named));
      }
    }),
    { numRuns: 50 },
  );
});

test("a chart's points keep every peak, and the line between them, and are at most four for a pixel", async () => {
  const asked = fc.record({
    from: moment,
    span: fc.constantFrom(hour, day, 30 * day),
    width: fc.integer({ min: 10, max: 400 }),
  });
  await fc.assert(
    fc.asyncProperty(asked, async ({ from, span, width }) => {
      const to = Math.min(from + span, end);
      if (from >= to) return;
      const answers = await ask({ attributes: ["n"], from: from as Instant, to: to as Instant, width });
      for (const { device, items } of answers) {
        const points = measured
          .find((one) => one.device === device && one.attribute === "n")
          ?.points.filter(([time]) => time >= from && time < to);
        const found = items.map((item) => [item.time, "value" in item ? item.value : undefined] as const);
        assert.ok(found.length <= 4 * (width + 1));
        assert.deepEqual(found.at(0), points?.at(0));
        assert.deepEqual(found.at(-1), points?.at(-1));
        assert.deepEqual(
          found.map(([time]) => time),
          found.map(([time]) => time).toSorted((a, b) => a - b),
        );
        const span15 = (to - from) / width;
        const column = span15 < hour / 4 ? Math.ceil(span15) : Math.ceil(span15 / (hour / 4)) * (hour / 4);
        const peaks = (of: Known) =>
          new Map(
            [...Map.groupBy(of, ([time]) => Math.floor(time / column))].map(([at, group]) => {
              const all = group.map(([, value]) => Number(value));
              return [at, [Math.min(...all), Math.max(...all), all[0], all.at(-1)]];
            }),
          );
        assert.deepEqual(peaks(found as Known), peaks(points ?? []));
      }
    }),
    { numRuns: 25 },
  );
});

test("points themselves come as they are, of several attributes and devices at once", async () => {
  const answers = await ask({ attributes: ["b", "none", "n"], from: (end - 40 * day) as Instant });
  assert.deepEqual(
    answers.map(({ device, attribute, items }) => [device, attribute, items.length]),
    devices.flatMap((device) =>
      ["b", "n"].map((attribute) => [
        device,
        attribute,
        measured
          .find((one) => one.device === device && one.attribute === attribute)
          ?.points.filter(([time]) => time >= end - 40 * day).length,
      ]),
    ),
  );
});

test("what is too much is refused before anything is decoded, and says what to ask for", async () => {
  const every = { unit: "millisecond", count: 1_000 } as const;
  const all = { attributes: ["n"], from: begin as Instant };
  const refused = async (question: Parameters<typeof ask>[0], says: RegExp) =>
    assert.rejects(ask(question), (error: { code?: string; message: string }) => {
      assert.equal(error.code, "telemetry.tooMuch");
      assert.match(error.message, says);
      return true;
    });
  await refused({ ...all, every, fill: "zero" }, /Ask with every=15m or longer, or for at most \d+h at once/);
});

test("what threads decode, sort and write is what would have been made here, and a chunk that was altered is refused by them, too", async () => {
  const device = await org.device();
  const from = end - 60_000_000;
  const points = Array.from({ length: 60_000 }, (_, at) => [from + at * 1_000, ((at * 7_919) % 60_013) / 8] as const);
  for (let at = 0; at < points.length; at += 1_000) {
    const body = points.slice(at, at + 1_000).map(([time, n]) => ({ time, values: { n } }));
    assert.equal(await store.say(org, device, body), 0);
  }
  await store.telemetry.compact();
  const permit = await org.permit("telemetry.read", device);
  const week = { unit: "week", count: 1 } as const;
  const question = { attributes: ["n"], from: from as Instant, fill: "none", by: "device" } as const;
  const asked = { ...question, every: week, aggregates: ["p50", "p99", "count", "sum"] } as const;
  const answers = await store.questions.answer([permit], asked);
  const found = answers.flatMap(({ items }) => items);
  const all = points.filter(([time]) => time < end);
  const wanted = expected(all, windowsOf(week, "UTC", from, end), "none", [...asked.aggregates]);
  alike(found, wanted);
  const raw = await store.questions.answer([permit], question);
  assert.deepEqual(
    raw[0]?.items.map((item) => [item.time, "value" in item ? item.value : undefined]),
    all,
  );
  const exported = async (isMuch: boolean) => {
    const series = await store.questions.readable([permit], ["n"]);
    const lines: Uint8Array[] = [];
    const range = { from, to: end, format: "csv", isMuch } as const;
    for await (const some of exportedLines({ questions: store.questions, decoding: w.decoding }, series, range))
      lines.push(some);
    return Buffer.concat(lines).toString();
  };
  const lines = await exported(true);
  assert.equal(lines.split("\r\n").length, all.length + 2); // the head, and nothing behind the last end
  assert.equal(lines, await exported(false));
  const altered = await w.sql(
    `update holdfast.chunk set data = set_byte(data, 99, get_byte(data, 99) # 1)
      where series = (select id from holdfast.series where device = $1) returning first`,
    [uuidOf(device)],
  );
  assert.ok(altered.length > 24, `as many as are decoded by threads, not ${altered.length}`);
  await assert.rejects(store.questions.answer([permit], asked), { code: "seal.broken" });
});

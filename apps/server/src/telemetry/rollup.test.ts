import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Refusal } from "@holdfast/kernel";
import { slicePoints, type Points } from "./points.ts";
import { decodeRollup, encodeRollup, isWorthRollup, quarterHour, rollupOf } from "./rollup.ts";
import { mergeSummaries, summaryOf, type Summary } from "./summary.ts";
import { anyJson, anyLocation } from "./value.fixture.ts";

const begin = Math.ceil(1_780_000_000_000 / quarterHour) * quarterHour;
const numbers = (values: readonly number[], period = 10_000): Points => ({
  type: "number",
  times: Float64Array.from(values, (_, at) => begin + at * period),
  values: Float64Array.from(values),
});
const summary = (points: Points, from?: number, to?: number): Summary => {
  const some = summaryOf(points, from, to);
  assert.ok(some);
  return some;
};

const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 10_000_000 })), {
  minLength: 1,
  maxLength: 200,
  size: "max",
});
const decimal = fc.integer({ min: -100_000, max: 100_000 }).map((hundredths) => hundredths / 100);
const points: fc.Arbitrary<Points> = steps.chain((some) => {
  let time = begin - 5_000_000;
  const times = Float64Array.from(some, (step) => (time += step));
  const exactly = { minLength: some.length, maxLength: some.length, size: "max" } as const;
  return fc.oneof(
    ...[decimal, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0)].map((kind) =>
      fc.array(kind, exactly).map((values): Points => ({ type: "number", times, values: Float64Array.from(values) })),
    ),
    fc.array(fc.nat(1), exactly).map((bits): Points => ({ type: "boolean", times, values: Uint8Array.from(bits) })),
    fc
      .array(fc.constantFrom("on", "off", "läuft", ""), exactly)
      .map((values): Points => ({ type: "text", times, values })),
    fc.array(anyLocation, exactly).map((values): Points => ({ type: "location", times, values })),
    fc.array(anyJson, exactly).map((values): Points => ({ type: "json", times, values })),
  );
});

test("a rollup comes back as it was", () => {
  fc.assert(
    fc.property(points, (some) => {
      const rollup = rollupOf(some);
      assert.deepEqual(decodeRollup(encodeRollup(rollup)), rollup);
    }),
    { numRuns: 300 },
  );
});

test("the quarters of a chunk together say of it what all its points say", () => {
  fc.assert(
    fc.property(points, (some) => {
      const { quarters } = rollupOf(some);
      for (const {
        start,
        summary: { firstTime, lastTime },
      } of quarters) {
        assert.ok(start % quarterHour === 0 && firstTime >= start && lastTime < start + quarterHour);
      }
      const merged = quarters.map((quarter) => quarter.summary).reduce(mergeSummaries);
      alike(merged, summary(some), some);
    }),
    { numRuns: 300 },
  );
});

test("summaries merge in either order of time, and the pieces may be any", () => {
  fc.assert(
    fc.property(points, fc.nat(), (some, at) => {
      const middle = at % (some.times.length + 1);
      const pieces = [
        summaryOf(slicePoints(some, 0, middle)),
        summaryOf(slicePoints(some, middle, some.times.length)),
      ].filter((piece) => piece !== undefined);
      alike(pieces.reduce(mergeSummaries), summary(some), some);
      alike(pieces.toReversed().reduce(mergeSummaries), summary(some), some);
    }),
  );
});

/** Equal but for sums of numbers that are no decimals: those are off by a rounding, of the size of what was added. */
function alike(actual: Summary, expected: Summary, { values }: Points): void {
  if (actual.type !== "number" || expected.type !== "number" || expected.digits !== undefined) {
    assert.deepEqual(actual, { ...expected, ...("digits" in actual && { digits: actual.digits }) });
    return;
  }
  const size = Array.from(values as Float64Array, Math.abs).reduce((a, b) => Math.max(a, b), 0); // they are numbers
  assert.ok(!(Math.abs(actual.sum - expected.sum) > size * values.length * 1e-15), `${actual.sum} ${expected.sum}`);
  assert.deepEqual({ ...actual, sum: 0 }, { ...expected, sum: 0, digits: actual.digits });
}

test("a sum of decimals is the decimal that people expect, merged too", () => {
  const tenths = numbers(Array.from({ length: 1_000 }, () => 0.1));
  assert.deepEqual(
    [summary(tenths)].map((some) => some.type === "number" && some.sum),
    [100],
  );
  const cents = numbers([0.1, 0.2, 19.99, -5.01]);
  const merged = mergeSummaries(summary(cents, 0, 2), summary(cents, 2, 4));
  assert.ok(merged.type === "number");
  assert.deepEqual(
    [summary(cents, 0, 2), merged].map((some) => some.type === "number" && some.sum),
    [0.3, 15.28],
  );
});

test("a summary counts, and keeps least, greatest, first and last", () => {
  const { type: _, ...some } = summary(numbers([3, -1, 7, 2.5]));
  const span = { count: 4, firstTime: begin, lastTime: begin + 30_000 };
  assert.deepEqual(some, { ...span, sum: 11.5, min: -1, max: 7, first: 3, last: 2.5, digits: 1 });
  const open = {
    type: "boolean",
    times: Float64Array.of(begin, begin + 1, begin + 2),
    values: Uint8Array.of(1, 0, 1),
  } as const;
  assert.deepEqual(summary(open), {
    type: "boolean",
    count: 3,
    firstTime: begin,
    lastTime: begin + 2,
    trues: 2,
    first: true,
    last: true,
  });
  assert.equal(summaryOf(open, 1, 1), undefined);
});

test("a sum beyond all doubles stays finite", () => {
  const some = summary(numbers([1e308, 1e308, 1e308]));
  assert.ok(some.type === "number" && Number.isFinite(some.sum) && some.sum > 1e308);
  const merged = mergeSummaries(some, some);
  assert.ok(merged.type === "number" && Number.isFinite(merged.sum));
});

test("a quarter hour of two decimals takes about 15 bytes, and of few points none is stored", () => {
  const values = Array.from(
    { length: 1_024 },
    (_, at) => Math.round(2_150 + 300 * Math.sin(at / 100) + 7 * Math.sin(at * at)) / 100,
  );
  const tenSeconds = numbers(values);
  const { quarters } = rollupOf(tenSeconds);
  assert.equal(quarters.length, 12);
  assert.ok(encodeRollup(rollupOf(tenSeconds)).length <= 12 * 15 + 16);
  assert.equal(isWorthRollup(tenSeconds), true);
  assert.equal(isWorthRollup(numbers(values, 60_000)), false);
});

test("a later version is refused as newer, altered bytes as broken, and none crash", () => {
  const rollup = encodeRollup(rollupOf(numbers([1, 2, 3])));
  assert.throws(() => decodeRollup(rollup.with(0, 3)), { code: "storage.newer" });
  assert.throws(() => decodeRollup(rollup.with(0, 2)), { code: "seal.broken" });
  assert.throws(() => decodeRollup(rollup.with(0, 0)), { code: "seal.broken" });
  assert.throws(() => decodeRollup(rollup.subarray(0, -1)), { code: "seal.broken" });
  assert.throws(() => decodeRollup(new Uint8Array(0)), { code: "seal.broken" });
  const altered = fc
    .tuple(points, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
    .map(([some, changes]) => {
      const bytes = encodeRollup(rollupOf(some));
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    });
  const soup = fc
    .tuple(fc.nat(4), fc.uint8Array({ maxLength: 100, size: "max" }))
    .map(([type, bytes]) => Uint8Array.from([type > 2 ? 2 : 1, type, ...bytes]));
  fc.assert(
    fc.property(fc.oneof(altered, soup), (bytes) => {
      try {
        decodeRollup(bytes);
      } catch (error) {
        assert.ok(error instanceof Refusal && ["seal.broken", "storage.newer"].includes(error.code), String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("version 1 is these bytes, today and always", () => {
  const times = Float64Array.from([0, 1_000, quarterHour, 3 * quarterHour + 5], (after) => begin + after);
  const vectors: [Points, string][] = [
    [
      { type: "number", times, values: Float64Array.of(21.5, 21.53, 21.4, -3) },
      "01000302e4b6f1010400b7ef36cc21060000020001009ff73619000000000100059af7368f2600000000",
    ],
    [
      { type: "number", times, values: Float64Array.of(1 / 3, 1, 2, 3) },
      "01000320e4b6f1010400b7ef36555555555555d53f000000000000f03f555555555555d53f000000000000f03f555555555555f53f0001009ff736000000000000004000000000000000400000000000000040000000000000004000000000000000400100059af73600000000000008400000000000000840000000000000084000000000000008400000000000000840",
    ],
    [
      { type: "boolean", times, values: Uint8Array.of(1, 0, 1, 1) },
      "010103e4b6f1010400b7ef3601010001009ff73601030100059af7360103",
    ],
    [
      { type: "text", times, values: ["idle", "läuft", "idle", ""] },
      "010203e4b6f1010400b7ef36000469646c65066cc3a47566740001009ff736010469646c650100059af7360100",
    ],
  ];
  for (const [some, hex] of vectors) {
    assert.equal(Buffer.from(encodeRollup(rollupOf(some))).toString("hex"), hex);
    assert.deepEqual(decodeRollup(Buffer.from(hex, "hex")), rollupOf(some));
  }
});

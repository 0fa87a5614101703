import assert from "node:assert/strict";
import { test } from "node:test";
import { aligned, parseRange, stepFor, type Bucket } from "./series.ts";

const at = (time: number, avg: number): Bucket => ({ time, avg, min: avg, max: avg });

test("a chart asks for no more buckets than it has pixels, in steps that clocks have", () => {
  for (const span of [1, 60_000, 3_600_000, 86_400_000, 30 * 86_400_000, 400 * 86_400_000]) {
    const { milliseconds } = stepFor(span, 800);
    assert.ok(span / milliseconds <= 800);
  }
  assert.equal(stepFor(30 * 86_400_000, 800).every, "1h");
  assert.equal(stepFor(3_600_000, 800).every, "5s");
});

test("a hole in a line is a gap, and what only another line has is none", () => {
  const one = [at(0, 1), at(1_000, 2), at(5_000, 3)];
  const other = [at(500, 9), at(1_500, 9), at(2_500, 9), at(3_500, 9), at(4_500, 9)];
  const [times, first, second] = aligned([one, other], 1_000);
  assert.deepEqual(times, [0, 0.5, 1, 1.5, 2, 2.5, 3.5, 4.5, 5]);
  assert.deepEqual(first, [1, undefined, 2, null, null, null, null, null, 3]);
  assert.deepEqual(second, [null, 9, undefined, 9, undefined, 9, 9, 9, null]);
  assert.deepEqual(aligned([[]], 1_000), [[], []]);
});

test("a range that nobody knows is an hour", () => {
  assert.equal(parseRange("7d"), "7d");
  assert.equal(parseRange("toString"), "1h");
});

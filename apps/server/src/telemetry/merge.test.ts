import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergePoints, sortPoints } from "./merge.ts";
import { firstAt, noPoints, slicePoints, type Points } from "./points.ts";

const points = (type: Points["type"], some: readonly (readonly [time: number, value: number])[]): Points => {
  const times = Float64Array.from(some, ([time]) => time);
  const values = some.map(([, value]) => value);
  switch (type) {
    case "number":
      return { type, times, values: Float64Array.from(values) };
    case "boolean":
      return { type, times, values: Uint8Array.from(values, (value) => value % 2) };
    case "text":
    case "json":
      return { type, times, values: values.map(String) };
    case "location":
      return { type, times, values: values.map((latitude) => ({ latitude, longitude: 1 })) };
  }
};

const type = fc.constantFrom<Points["type"]>("number", "boolean", "text", "location", "json");
const anyOrder = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.nat(1_000)), { maxLength: 40, size: "max" });

/** What the words above the functions say, as plainly as it can be done. */
const plainly = (type: Points["type"], some: readonly (readonly [number, number])[]) =>
  points(
    type,
    [...new Map(some)].toSorted(([a], [b]) => a - b),
  );

test("points in any order come out in time, and of equal times the last stays", () => {
  fc.assert(
    fc.property(type, anyOrder, (kind, some) => assert.deepEqual(sortPoints(points(kind, some)), plainly(kind, some))),
  );
});

test("of several sources the later wins, whether they overlap, touch, contain one another or do not meet", () => {
  const sources = fc.array(fc.tuple(anyOrder, fc.constantFrom(0, 0, 50, 100, 1_000)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(type, sources, (kind, some) => {
      const moved = some.map(([source, by]) => source.map(([time, value]) => [time + by, value] as const));
      const merged = mergePoints(moved.map((source) => sortPoints(points(kind, source))));
      assert.deepEqual(merged, plainly(kind, moved.flat()));
    }),
    { numRuns: 300 },
  );
});

test("nothing merges with nothing, types do not mix, and no source is no series", () => {
  assert.deepEqual(mergePoints([noPoints("text"), noPoints("text")]), noPoints("text"));
  assert.throws(() => mergePoints([]), RangeError);
  assert.throws(() => mergePoints([points("number", [[1, 1]]), points("boolean", [[2, 1]])]), TypeError);
});

test("a range of points is found by its times", () => {
  const some = points("number", [
    [10, 1],
    [20, 2],
    [30, 3],
  ]);
  assert.deepEqual(
    [5, 10, 11, 30, 31].map((time) => firstAt(some.times, time)),
    [0, 0, 1, 2, 3],
  );
  assert.deepEqual(
    slicePoints(some, 1, 3),
    points("number", [
      [20, 2],
      [30, 3],
    ]),
  );
});

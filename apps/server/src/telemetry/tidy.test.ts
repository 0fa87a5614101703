import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergePoints } from "./merge.ts";
import { partsOf } from "./parts.ts";
import type { NumberPoints, Points } from "./points.ts";
import { nextToJoin, type Laid } from "./tidy.ts";

type Chunk = Laid & { readonly points: Points };

const laidOf = (points: Points, position: number, isFixed = false): Chunk => ({
  points,
  position,
  isFixed,
  period: 0,
  first: points.times[0] ?? 0,
  last: points.times.at(-1) ?? 0,
  count: points.times.length,
  bytes: points.times.length * 2,
});

const inOrder = (chunks: readonly Chunk[]): readonly Chunk[] =>
  [...chunks].sort((a, b) => a.first - b.first || a.position - b.position);

/** As a reader sees them. */
const seen = (chunks: readonly Chunk[]): Points =>
  mergePoints([...chunks].sort((a, b) => a.position - b.position).map(({ points }) => points));

/** Joins until nothing is left to be joined. */
function settle(chunks: readonly Chunk[]): { chunks: readonly Chunk[]; steps: number } {
  let now = inOrder(chunks);
  for (let steps = 0; ; steps += 1) {
    assert.ok(steps <= 4 * chunks.length + 4, "it goes on and on");
    const group = nextToJoin(now, () => false) as readonly Chunk[] | undefined; // of those that it was given
    if (!group) return { chunks: now, steps };
    const position = Math.max(...group.map((one) => one.position));
    const made = [...partsOf(seen(group))].map((points) => laidOf(points, position));
    now = inOrder([...now.filter((one) => !group.includes(one)), ...made]);
  }
}

const run = (first: number, count: number, every: number, value: number): NumberPoints => ({
  type: "number",
  times: Float64Array.from({ length: count }, (_, at) => first + at * every),
  values: new Float64Array(count).fill(value),
});

const chunk = fc.record({
  first: fc.integer({ min: 0, max: 3_000 }),
  count: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 500, max: 1_200 })),
  every: fc.constantFrom(1, 2, 3),
});

test("chunks that are joined are read as before, whatever lay across what, and nothing is joined for ever", () => {
  fc.assert(
    fc.property(fc.array(chunk, { minLength: 1, maxLength: 24 }), fc.integer({ min: 0, max: 3 }), (all, fixed) => {
      const chunks = all.map(({ first, count, every }, at) =>
        // Every few of one flush, as large ones are cut.
        laidOf(run(first, count, every, at), at + 1, at % 8 < fixed && at % 3 === 0),
      );
      const settled = settle(chunks);
      assert.deepEqual(seen(settled.chunks), seen(chunks));
      const stay = (some: readonly Chunk[]) => some.filter(({ isFixed }) => isFixed);
      assert.deepEqual(stay(settled.chunks), stay(inOrder(chunks)));
    }),
  );
});

test("single points that came late end in full chunks, and full chunks that lie apart are left alone", () => {
  const hour = 3_600_000;
  const late = Array.from({ length: 700 }, (_, at) => laidOf(run(at * hour, 1, 1, at), 1_000 - at));
  assert.deepEqual(
    settle(late).chunks.map(({ count }) => count),
    [700],
  );
  const full = Array.from({ length: 5 }, (_, at) => laidOf(run(at * 2_000, 1_024, 1, at), at + 1));
  assert.equal(
    nextToJoin(full, () => false),
    undefined,
  );
  const one = laidOf(run(1_500, 3, 1, 9), 9);
  assert.deepEqual(
    settle([...full, one]).chunks.map(({ count }) => count),
    [1_027, 1_024, 1_024, 1_024, 1_024],
  );
});

test("what stays on both sides of a chunk that stays is not joined across it", () => {
  const stays = laidOf(run(100, 600, 1, 1), 1, true);
  const around = [laidOf(run(0, 10, 1, 2), 2), laidOf(run(2_000, 10, 1, 3), 3)];
  assert.equal(
    nextToJoin(inOrder([stays, ...around]), () => false),
    undefined,
  );
});

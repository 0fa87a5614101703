import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arranged, freePlace, inOrder, type Place } from "./grid.ts";

const cell = fc.record({
  x: fc.integer({ min: 0, max: 11 }),
  y: fc.integer({ min: 0, max: 20 }),
  w: fc.integer({ min: 1, max: 6 }),
  h: fc.integer({ min: 1, max: 4 }),
});
type One = { id: string; place: Place };
const apart = (all: readonly One[]) =>
  all.every((a) =>
    all.every(
      (b) =>
        a.id === b.id ||
        a.place.x >= b.place.x + b.place.w ||
        b.place.x >= a.place.x + a.place.w ||
        a.place.y >= b.place.y + b.place.h ||
        b.place.y >= a.place.y + a.place.h,
    ),
  );

test("wherever a widget is put, it stands there, none lies over another, and none leaves the grid", () => {
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 8 }), cell, (cells, wanted) => {
      let all: readonly One[] = [];
      cells.forEach(({ w, h }, at) => (all = [...all, { id: `w${at}`, place: freePlace(all, { w, h }) }]));
      assert.ok(apart(all));
      const moved = arranged(all, "w0", wanted);
      const place = moved.find(({ id }) => id === "w0")?.place;
      assert.deepEqual(place, { ...wanted, x: Math.min(wanted.x, 12 - wanted.w) });
      assert.ok(apart(moved));
      assert.ok(moved.every((one) => one.place.x >= 0 && one.place.x + one.place.w <= 12 && one.place.y >= 0));
      assert.equal(inOrder(moved).length, all.length);
    }),
    { numRuns: 300 },
  );
});

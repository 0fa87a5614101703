import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { slotsFor, type Slot } from "./slots.ts";

const inTurn = (...lists: readonly (readonly string[])[]) =>
  lists.reduce<readonly Slot[]>((before, ids) => slotsFor(before, ids), []);
const placesOf = (slots: readonly Slot[]) => slots.map(({ place, id }) => `${id}${place}`).join(" ");

test("a row that stays in sight keeps its place, and one that comes takes the place of one that left", () => {
  assert.equal(placesOf(inTurn(["a", "b", "c"], ["b", "c", "d"])), "b1 c2 d0");
  assert.equal(placesOf(inTurn(["a", "b"], ["c", "d", "e"])), "c0 d1 e2");
  assert.equal(placesOf(inTurn(["a", "b"], ["b", "a"])), "b1 a0");
  const same = inTurn(["a", "b"]);
  assert.equal(slotsFor(same, ["a", "b"]), same);
});

test("whatever is scrolled to, every row has one place and no two the same", () => {
  const lists = fc.array(fc.uniqueArray(fc.stringMatching(/^[a-h]$/)), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(lists, (all) => {
      const slots = inTurn(...all);
      assert.deepEqual(
        slots.map(({ id }) => id),
        all.at(-1),
      );
      assert.equal(new Set(slots.map(({ place }) => place)).size, slots.length);
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseRoots, comingRootValidity, firstRootValidity, hour, isLeafDue, year } from "./roots.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
const first = { name: "first", ...firstRootValidity(now) };
const second = { name: "second", ...comingRootValidity(now, first) };

const chosen = (roots: (typeof first)[], at: number) => {
  const { current, coming } = chooseRoots(roots, at);
  return [current?.name, coming?.name];
};

test("a root signs until it has a year left; then the one that devices have known from the start does", () => {
  assert.deepEqual(chosen([first, second], now), ["first", "second"]);
  assert.deepEqual(chosen([first, second], first.notAfter - year - 1), ["first", "second"]);
  assert.deepEqual(chosen([first, second], first.notAfter - year), ["second", undefined]);
});

test("the coming root still has ten years when its turn comes", () => {
  assert.equal(second.notAfter - (first.notAfter - year), 10 * year);
});

test("roots made while the clock was wrong do not outlive the mistake", () => {
  const past = { name: "past", ...firstRootValidity(now - 2 * year) };
  const future = { name: "future", ...firstRootValidity(now + 50 * year) };
  assert.deepEqual(chosen([first, second, past, future], now - 2 * year), ["past", undefined]);
  assert.deepEqual(chosen([first, second, past, future], now + 50 * year), ["future", undefined]);
  assert.deepEqual(chosen([first, second, past, future], now), ["first", "second"]);
});

test("a leaf is due at two thirds of its life, and while the clock stands before it", () => {
  const leaf = { notBefore: 0, notAfter: 90 * hour };
  assert.deepEqual(
    [-1, 0, 60 * hour - 1, 60 * hour].map((at) => isLeafDue(leaf, at)),
    [true, false, false, true],
  );
});

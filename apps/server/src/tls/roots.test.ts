import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chooseRoots,
  firstRootValidity,
  hour,
  isLeafDue,
  laterRootValidity,
  rootReserve,
  year,
  type Role,
} from "./roots.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
type Root = ReturnType<typeof firstRootValidity> & { readonly name: string; readonly role: Role };
const signs = (name: string, valid: ReturnType<typeof firstRootValidity>): Root => ({ name, role: "signs", ...valid });
const first = signs("first", firstRootValidity(now));
const second = signs("second", laterRootValidity(now, first));
const third: Root = { name: "third", role: "spare", ...laterRootValidity(now, second) };

const chosen = (roots: readonly Root[], at: number) => {
  const { current, coming, spare } = chooseRoots(roots, at);
  return [current?.name, coming?.name, spare?.name];
};

test("a root signs until it ends in a month; then the one that devices have known from the start does", () => {
  const all = [first, second, third];
  assert.deepEqual(chosen(all, now), ["first", "second", "third"]);
  assert.deepEqual(chosen(all, first.notAfter - rootReserve - 1), ["first", "second", "third"]);
  assert.deepEqual(chosen(all, first.notAfter - rootReserve), ["second", undefined, "third"]);
});

test("a root that is past never signs again, and a spare not before it is made to", () => {
  const past: Root = { ...first, role: "past" };
  assert.deepEqual(chosen([past, second, third], now), ["second", undefined, "third"]);
  assert.deepEqual(chosen([past, { ...second, role: "past" }, third], now), [undefined, undefined, undefined]);
  assert.deepEqual(chosen([past, { ...third, role: "signs" }], now), ["third", undefined, undefined]);
});

test("the coming root still has nine years when the one before it has ended, however often somebody goes over early", () => {
  assert.equal(second.notAfter - first.notAfter, 9 * year);
  let root = second;
  for (let years = 1; years <= 5; years += 1) root = signs("later", laterRootValidity(now + years * year, root));
  assert.ok(root.notAfter <= now + 25 * year);
});

test("roots made while the clock was wrong do not outlive the mistake", () => {
  const past = signs("past", firstRootValidity(now - 2 * year));
  const future = signs("future", firstRootValidity(now + 50 * year));
  const all = [first, second, past, future];
  assert.deepEqual(chosen(all, now - 2 * year), ["past", undefined, undefined]);
  assert.deepEqual(chosen(all, now + 50 * year), ["future", undefined, undefined]);
  assert.deepEqual(chosen(all, now), ["first", "second", undefined]);
});

test("a leaf is due at two thirds of its life, and while the clock stands before it", () => {
  const leaf = { notBefore: 0, notAfter: 90 * hour };
  assert.deepEqual(
    [-1, 0, 60 * hour - 1, 60 * hour].map((at) => isLeafDue(leaf, at)),
    [true, false, false, true],
  );
});

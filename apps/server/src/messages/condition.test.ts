import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import { dueAt, next, rules, troubleOf, unwatched, type Condition, type Facts, type Happening } from "./condition.ts";

const day = Date.UTC(2026, 0, 1);
const at = (elapsed: number) => (day + elapsed) as Instant; // milliseconds both
const quiet: Facts = {
  readAt: Number.NEGATIVE_INFINITY,
  unansweredSince: undefined,
  interval: undefined,
  isAway: false,
};
const every = (interval: number, readAt = Number.NEGATIVE_INFINITY): Facts => ({ ...quiet, interval, readAt });

/** What it is after these, each at its own time. */
const after = (...happened: readonly (readonly [number, Happening["what"], Facts?])[]): Condition =>
  happened.reduce(
    (condition, [elapsed, what, facts = quiet]) =>
      next(condition, what === "looked" ? { what, ...facts } : { what }, elapsed, at(elapsed)),
    unwatched,
  );
const stateOf = (condition: Condition, isAway = false) => troubleOf(condition, isAway)?.state;

test("a connected device without a reading for two of its intervals is silent, and not a millisecond before", () => {
  const facts = every(60_000);
  const came = after([1_000, "came"]);
  assert.equal(dueAt(came, facts), 121_000);
  assert.equal(stateOf(after([1_000, "came"], [120_999, "looked", facts])), undefined);
  const silent = after([1_000, "came"], [121_000, "looked", facts]);
  assert.deepEqual(troubleOf(silent, false), { state: "silent", since: at(121_000) });
  assert.equal(dueAt(silent, facts), Number.POSITIVE_INFINITY, "its next reading tells");
});

test("each reading puts silence off, and one of a silent device ends it", () => {
  const facts = every(60_000, 100_000);
  assert.equal(dueAt(after([0, "came"]), facts), 220_000);
  assert.equal(stateOf(after([0, "came"], [219_999, "looked", facts])), undefined);
  assert.equal(stateOf(after([0, "came"], [220_000, "looked", facts], [221_000, "read"])), undefined);
});

test("without an interval nothing is expected, and where one is taken away silence ends", () => {
  assert.equal(dueAt(after([0, "came"]), quiet), Number.POSITIVE_INFINITY);
  assert.equal(stateOf(after([0, "came"], [9e9, "looked", quiet])), undefined);
  assert.equal(stateOf(after([0, "came"], [120_000, "looked", every(60_000)], [120_001, "looked", quiet])), undefined);
});

test("of what is away nothing is expected, and what was silent is silent again until it sends", () => {
  const away = { ...every(60_000), isAway: true };
  const silent = after([0, "came"], [120_000, "looked", every(60_000)], [130_000, "went"], [500_000, "looked", away]);
  assert.equal(stateOf(silent, true), undefined);
  assert.equal(dueAt(silent, away), Number.POSITIVE_INFINITY);
  assert.equal(stateOf(next(silent, { what: "came" }, 600_000, at(600_000))), "silent");
});

test("what came again has its full time, whenever it was heard before", () => {
  assert.equal(dueAt(after([0, "came"], [10, "went"], [900_000, "came"]), every(60_000, 5)), 1_020_000);
});

test("whoever acknowledges nothing for 30 seconds does not receive, until it acknowledges or goes", () => {
  const facts = { ...quiet, unansweredSince: 5_000 };
  const came = after([0, "came"]);
  assert.equal(dueAt(came, facts), 35_000);
  assert.equal(stateOf(after([0, "came"], [34_999, "looked", facts])), undefined);
  const stuck = after([0, "came"], [35_000, "looked", facts]);
  assert.deepEqual(troubleOf(stuck, false), { state: "notReceiving", since: at(35_000) });
  for (const what of ["acknowledged", "went", "lost"] as const)
    assert.equal(stateOf(next(stuck, { what }, 36_000, at(36_000))), undefined, what);
  assert.equal(dueAt(after(), facts), Number.POSITIVE_INFINITY, "nobody is there who could");
});

test("the sixth coming or going within five minutes is flapping, and two quiet minutes end it", () => {
  const flaps = (step: number) =>
    after(...Array.from({ length: 6 }, (_, i) => [i * step, i % 2 === 0 ? "came" : "went"] as const));
  const flapping = flaps(60_000);
  assert.deepEqual(troubleOf(flapping, true), { state: "flapping", since: at(300_000) });
  assert.equal(stateOf(flaps(60_001)), undefined);
  assert.equal(dueAt(flapping, quiet), 300_000 + rules.calm);
  assert.equal(stateOf(next(flapping, { what: "looked", ...quiet }, 419_999, at(419_999)), true), "flapping");
  const calm = next(flapping, { what: "looked", ...quiet }, 420_000, at(420_000));
  assert.equal(stateOf(calm), undefined);
  const again = next(calm, { what: "came" }, 421_000, at(421_000));
  assert.equal(stateOf(again), undefined, "it is counted from the start");
});

test("what the platform does itself makes nobody flap", () => {
  const turns = Array.from({ length: 12 }, (_, i) => [i * 1_000, i % 2 === 0 ? "came" : "lost"] as const);
  assert.equal(stateOf(after(...turns.slice(0, 10))), undefined);
});

test("of several troubles the worst is told", () => {
  const facts = { ...every(1_000), unansweredSince: 0 };
  const both = after([0, "came"], [40_000, "looked", facts]);
  assert.equal(stateOf(both), "notReceiving");
  assert.equal(stateOf(next(both, { what: "acknowledged" }, 41_000, at(41_000))), "silent");
});

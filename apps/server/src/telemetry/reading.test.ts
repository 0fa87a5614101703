import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import { isAttributeName } from "@holdfast/protocol";
import { checkPoint, checkTimes, type Reading } from "./reading.ts";

const noon = Date.UTC(2026, 5, 1, 12) as Instant; // a constant of this test
const at = (milliseconds: number): Reading => ({ time: milliseconds as Instant, values: [["a", 1]] }); // made for the test
const day = 86_400_000;

test("an attribute name has 1 to 128 characters and no control character", () => {
  for (const name of ["a", "x".repeat(128), "température", "__proto__", "constructor", "🌡", "a b"]) {
    assert.equal(isAttributeName(name), true, name);
  }
  for (const name of ["", "x".repeat(129), "a\n", "\u0000", "\u007f", "a\u0085", "\ud800", "🌡\n", "\udf21a"]) {
    assert.equal(isAttributeName(name), false, JSON.stringify(name));
  }
});

test("a text holds 4,096 bytes, not characters", () => {
  checkPoint("a", "x".repeat(4_096));
  checkPoint("a", "é".repeat(2_048));
  assert.throws(() => checkPoint("a", "x".repeat(4_097)), { code: "telemetry.textTooLong" });
  assert.throws(() => checkPoint("a", "é".repeat(2_049)), { code: "telemetry.textTooLong" });
});

test("what is not a finite number, a boolean or a well-formed text is refused by its name", () => {
  for (const value of [null, undefined, Number.NaN, Infinity, -Infinity, 1n, "\ud800", new Uint8Array(2)]) {
    assert.throws(
      () => checkPoint("level", value),
      (error: Error & { code?: string; faults?: { path: string }[] }) =>
        error.code === "telemetry.wrongType" && error.faults?.[0]?.path === "level",
    );
  }
  for (const value of [{}, [], [1]]) assert.throws(() => checkPoint("level", value), { code: "telemetry.tooDeep" });
});

test("a refusal shows a hostile name on one line and cut short", () => {
  assert.throws(
    () => checkPoint(`a\n${"b".repeat(1_000)}`, 1),
    (error: Error) => !error.message.includes("\n") && error.message.length < 400,
  );
});

test("a device time between 360 days ago and 10 minutes ahead is taken", () => {
  checkTimes([at(noon), at(noon - 360 * day), at(noon + 600_000), { time: undefined, values: [["a", 1]] }], noon);
  assert.throws(() => checkTimes([at(noon - 360 * day - 1)], noon), { code: "telemetry.absurdTime" });
  assert.throws(() => checkTimes([at(noon + 600_001)], noon), { code: "telemetry.absurdTime" });
  checkTimes([at(noon - 2 * day)], noon, { past: 2 * day, future: 0 });
  assert.throws(() => checkTimes([at(noon - 2 * day - 1)], noon, { past: 2 * day, future: 0 }), {
    code: "telemetry.absurdTime",
  });
});

test("an absurd time says which reading it is, and knows seconds and microseconds when it sees them", () => {
  assert.throws(() => checkTimes([at(noon), at(noon / 1_000)], noon), { message: /reading 2.*looks like seconds/ });
  assert.throws(() => checkTimes([at(noon * 1_000)], noon), { message: /finer than milliseconds/ });
});

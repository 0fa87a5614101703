import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import { isAttributeName } from "@holdfast/protocol";
import { EpochSeconds } from "./cbor.ts";
import { checkTimes, valueOf, type Reading } from "./reading.ts";
import { Json, typeOf } from "./value.ts";

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
  valueOf("a", "x".repeat(4_096));
  valueOf("a", "é".repeat(2_048));
  assert.throws(() => valueOf("a", "x".repeat(4_097)), { code: "telemetry.textTooLong" });
  assert.throws(() => valueOf("a", "é".repeat(2_049)), { code: "telemetry.textTooLong" });
});

test("what is neither a finite number, a boolean, a well-formed text nor an object is refused by its name", () => {
  for (const value of [null, undefined, Number.NaN, Infinity, -Infinity, 1n, "\ud800", new Uint8Array(2)]) {
    assert.throws(
      () => valueOf("level", value),
      (error: Error & { code?: string; faults?: { path: string }[] }) =>
        error.code === "telemetry.wrongType" && error.faults?.[0]?.path === "level",
    );
  }
});

test("an object with the fields of a location is one, any other object and an array are JSON", () => {
  const here = { latitude: 47.3, longitude: 8.5 };
  for (const place of [here, { ...here, altitude: -3 }, { accuracy: 0, ...here }]) {
    assert.deepEqual(valueOf("at", place), place);
    assert.equal(typeOf(valueOf("at", place)), "location");
  }
  for (const value of [
    {},
    [],
    [1, "a", null, { b: [true] }],
    { latitude: 1 },
    { ...here, speed: 5 },
    { lat: 1, lng: 2 },
  ]) {
    const json = valueOf("doc", value);
    assert.ok(json instanceof Json);
    assert.deepEqual([json.text, json.almost], [JSON.stringify(value), undefined]);
  }
  for (const [value, why] of [
    [{ ...here, latitude: 90.1 }, /latitude is not from -90 to 90 degrees/],
    [{ ...here, longitude: "8.5" }, /longitude is not from -180 to 180 degrees/],
    [{ ...here, accuracy: -1 }, /accuracy is not in metres/],
  ] as const) {
    const json = valueOf("at", value);
    assert.ok(json instanceof Json);
    assert.match(json.almost ?? "", why);
  }
});

test("JSON is what JSON can say, at most 16 deep and of 4,096 bytes", () => {
  for (const inside of [Number.NaN, undefined, new Uint8Array(1), new EpochSeconds(1), 1n])
    assert.throws(() => valueOf("doc", { a: [inside] }), { code: "telemetry.wrongType" });
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  assert.equal(typeOf(valueOf("doc", nested(16))), "json");
  assert.throws(() => valueOf("doc", nested(17)), { code: "telemetry.tooDeep" });
  assert.equal(typeOf(valueOf("doc", ["x".repeat(4_092)])), "json");
  assert.throws(() => valueOf("doc", ["x".repeat(4_093)]), { code: "telemetry.textTooLong" });
});

test("a refusal shows a hostile name on one line and cut short", () => {
  assert.throws(
    () => valueOf(`a\n${"b".repeat(1_000)}`, 1),
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

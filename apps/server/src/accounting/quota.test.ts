import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import { nothing } from "./counts.ts";
import { nextMonth, startOf } from "./period.ts";
import { secondsLeft, standingsOf, usedOf } from "./quota.ts";

const at = (text: string) => Date.parse(text) as Instant;
const used = (points: number) => usedOf({ ...nothing(), points }, { connections: 0, devices: 0 });
const stateAt = (points: number) => standingsOf({ points: 10 }, used(points))[0]?.state;

test("a quota is fine, warned at four fifths, and exhausted when all is used", () => {
  assert.deepEqual([0, 7, 8, 9, 10, 11].map(stateAt), ["fine", "fine", "warned", "warned", "exhausted", "exhausted"]);
});

test("a quota of nothing is exhausted, and what a plan does not name is not bounded", () => {
  assert.equal(standingsOf({ devices: 0 }, used(0))[0]?.state, "exhausted");
  assert.deepEqual(standingsOf({}, used(1e9)), []);
});

test("messages and bytes count both ways", () => {
  const both = { ...nothing(), messagesIn: 1, messagesOut: 2, bytesIn: 10, bytesOut: 20, requests: 5 };
  assert.deepEqual(usedOf(both, { connections: 3, devices: 4 }), {
    connections: 3,
    devices: 4,
    messages: 3,
    bytes: 30,
    points: 0,
    requests: 5,
  });
});

test("months are those of UTC, and a quota of one comes back when the next begins", () => {
  assert.equal(startOf("month", at("2026-01-31T23:59:59.999Z")), at("2026-01-01T00:00:00Z"));
  assert.equal(nextMonth(at("2026-12-31T23:59:59.999Z")), at("2027-01-01T00:00:00Z"));
  assert.equal(startOf("day", at("2026-02-28T23:59:00Z")), at("2026-02-28T00:00:00Z"));
  assert.equal(startOf("hour", at("1969-12-31T23:59:00Z")), at("1969-12-31T23:00:00Z"));
  assert.equal(secondsLeft("points", at("2026-01-31T23:59:59.500Z")), 1);
  assert.equal(secondsLeft("points", at("2026-01-01T00:00:00Z")), 31 * 86_400);
  assert.equal(secondsLeft("devices", at("2026-01-01T00:00:00Z")), undefined);
});

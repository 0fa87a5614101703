import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import { TestClock } from "../testing/index.ts";
import { HighWater } from "./high-water.ts";

const noon = Date.UTC(2026, 0, 1, 12);
const hour = 3_600_000;

test("a clock that was set back goes on at its own pace from where it was", () => {
  const clock = new TestClock(noon);
  const water = new HighWater(clock, 0 as Instant);
  assert.equal(water.now(), noon);
  clock.set(noon - 3 * hour);
  assert.equal(water.now(), noon);
  clock.move(hour);
  assert.equal(water.now(), noon + hour);
  assert.equal(water.behind(), 3 * hour);
});

test("what a start remembers is where time goes on, however early the machine's clock is", () => {
  const clock = new TestClock(noon - hour);
  const water = new HighWater(clock, noon as Instant);
  clock.move(1_500);
  assert.equal(water.now(), noon + 1_500);
  water.raise((noon + hour) as Instant);
  clock.move(10);
  assert.equal(water.now(), noon + hour + 10);
});

test("a clock that was set forth is followed", () => {
  const clock = new TestClock(noon);
  const water = new HighWater(clock, 0 as Instant);
  clock.set(noon + hour);
  assert.equal(water.now(), noon + hour);
  assert.equal(water.behind(), 0);
});

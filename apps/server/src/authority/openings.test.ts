import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import type { Hours } from "@holdfast/protocol";
import { Openings } from "./openings.ts";

const hoursOf = (from: string, to: string): Hours[] => [{ days: ["mon"], from, to, zone: "UTC" }];
/** On a Monday. */
const at = (hour: number, minute = 0, second = 0) => Date.UTC(2026, 4, 4, hour, minute, second) as Instant; // milliseconds
const morning = hoursOf("08:00", "12:00");

test("hours begin and end once, however many doors have them, and those that no door has any more do not", () => {
  const openings = new Openings();
  assert.equal(openings.turn(at(7)), false);
  openings.swap(undefined, morning);
  openings.swap(undefined, [...morning]);
  assert.equal(openings.turn(at(7, 59, 59)), true, "nobody knows how long these have been so");
  assert.equal(openings.turn(at(7, 59, 59)), false);
  assert.equal(openings.turn(at(8)), true);
  assert.equal(openings.turn(at(8, 0, 1)), false);
  openings.swap(morning, morning);
  openings.swap(morning, undefined);
  assert.equal(openings.turn(at(12)), true, "one door has them still");
  openings.swap(morning, hoursOf("12:00", "13:00"));
  assert.equal(openings.turn(at(12)), true);
  assert.equal(openings.turn(at(13)), true);
  openings.swap(hoursOf("12:00", "13:00"), undefined);
  for (let hour = 14; hour < 24; hour += 1) assert.equal(openings.turn(at(hour)), false);
});

test("fifty thousand hours, each another, are looked at in milliseconds", () => {
  const openings = new Openings();
  for (let n = 0; n < 50_000; n += 1) {
    const time = (minutes: number) =>
      `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
    openings.swap(undefined, hoursOf(time(n % 700), time(701 + (Math.floor(n / 700) % 700))));
  }
  openings.turn(at(0));
  const began = performance.now();
  for (let second = 0; second < 3_600; second += 1) openings.turn(at(1, 0, second));
  const milliseconds = (performance.now() - began) / 60;
  assert.ok(milliseconds < 100, `${milliseconds.toFixed(1)} ms a minute`); // some 3 where nobody else computes
});

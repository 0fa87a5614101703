import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import { afterWrong, type Totp } from "./totp.ts";

const hour = 3_600_000;
const noon = 43_200_000 as Instant; // milliseconds since 1970
const untried: Totp = {
  secret: new Uint8Array(20),
  createdAt: 0 as Instant,
  lastStep: 0,
  wrong: 0,
  nextAt: 0 as Instant,
};

/** Wrong codes one after the other, each as soon as it is looked at: how long each makes the next one wait. */
function waitsOf(count: number, from: Totp = untried): { waits: number[]; after: Totp; at: Instant } {
  let [totp, at] = [from, noon];
  const waits: number[] = [];
  for (let tried = 0; tried < count; tried += 1) {
    totp = { ...totp, ...afterWrong(totp, at) };
    waits.push(totp.nextAt - at);
    at = totp.nextAt;
  }
  return { waits, after: totp, at };
}

test("four wrong codes cost nothing, and then each doubles the wait, up to an hour", () => {
  const { waits } = waitsOf(14);
  assert.deepEqual(waits.slice(0, 6), [0, 0, 0, 0, 30_000, 60_000]);
  assert.deepEqual(waits.slice(-3), [hour, hour, hour]);
  for (const [at, wait] of waits.entries()) assert.ok(wait >= (waits[at - 1] ?? 0));
  assert.equal(waitsOf(5_000).waits.at(-1), hour, "however long somebody goes on");
});

test("[V6.3.1] in a year of guessing fewer codes are tried than give a chance of two in a hundred", () => {
  const year = 365 * 24 * hour;
  let [totp, at, tried] = [untried, noon, 0];
  while (at < noon + year) {
    totp = { ...totp, ...afterWrong(totp, at) };
    tried += 1;
    at = totp.nextAt;
  }
  // Two codes of a million are right at a time.
  assert.ok(1 - (1 - 2e-6) ** tried < 0.02, String(tried));
});

test("a day without attempts begins anew", () => {
  const { after, at } = waitsOf(12);
  const later = (at + 24 * hour + 1) as Instant; // milliseconds
  assert.deepEqual(afterWrong(after, later), { wrong: 1, nextAt: later });
  assert.equal(afterWrong(after, (at + 24 * hour) as Instant).wrong, 13);
});

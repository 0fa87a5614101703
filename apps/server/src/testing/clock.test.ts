import assert from "node:assert/strict";
import { test } from "node:test";
import { TestClock } from "./clock.ts";

test("timers fire in order as the clock passes them, each at its own time", () => {
  const clock = new TestClock(0);
  const seen: [string, number][] = [];
  clock.after(20, () => seen.push(["b", clock.now()]));
  clock.after(10, () => {
    seen.push(["a", clock.now()]);
    clock.after(5, () => seen.push(["a2", clock.now()]));
  });
  clock.after(15, () => seen.push(["never", clock.now()])).cancel();
  clock.move(9);
  assert.deepEqual(seen, []);
  clock.move(100);
  assert.deepEqual(seen, [
    ["a", 10],
    ["a2", 15],
    ["b", 20],
  ]);
  assert.equal(clock.now(), 109);
  assert.equal(clock.waiting, 0);
});

test("setting the clock back does not delay what was due in a while", () => {
  const clock = new TestClock(1_000_000);
  let isDone = false;
  clock.after(100, () => (isDone = true));
  clock.set(0);
  clock.move(99);
  assert.equal(isDone, false);
  clock.move(1);
  assert.equal(isDone, true);
});

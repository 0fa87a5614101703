import assert from "node:assert/strict";
import { test } from "node:test";
import { queryObjects } from "node:v8";
import { Refusal } from "@holdfast/kernel";
import { TestClock } from "../testing/index.ts";
import { Attempts, type Guess } from "./attempts.ts";

const second = 1_000;
const clock = new TestClock();
const patience = { free: 3, first: second, longest: 60 * second, forgotten: 3_600 * second };
const fresh = () => new Attempts({ clock, familiar: patience, place: { ...patience, free: 30 }, account: patience });

const stranger: Guess = { familiar: undefined, from: "192.0.2.1", account: "ada" };
/** How long somebody is told to wait, in seconds; 0 who may try. */
function waits(attempts: Attempts, guess: Guess = stranger): number {
  try {
    attempts.begin(guess);
    return 0;
  } catch (error) {
    assert.ok(error instanceof Refusal && error.code === "rate.exceeded");
    return error.retryAfterSeconds ?? assert.fail("it says when");
  }
}

test("[V6.3.1] after a few failures each waits twice as long as the one before, up to a longest time, and some time later all are forgotten", () => {
  const attempts = fresh();
  const before: number[] = [];
  for (let waited = 0; before.length < 12;) {
    const wait = waits(attempts);
    if (wait === 0) before.push(waited);
    waited = wait;
    clock.move(wait * second);
  }
  assert.deepEqual(before, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
  clock.move(3_600 * second);
  assert.deepEqual([waits(attempts), waits(attempts), waits(attempts), waits(attempts)], [0, 0, 0, 0]);
});

test("of many at once no more are let through than one after the other", () => {
  const attempts = fresh();
  const free = Array.from({ length: 50 }, () => waits(attempts)).filter((wait) => wait === 0);
  assert.equal(free.length, 4);
});

test("from where somebody signs in she is not kept out by guesses elsewhere, and guesses from there do not keep out elsewhere", () => {
  const attempts = fresh();
  for (let count = 0; count < 100; count += 1) waits(attempts, { ...stranger, from: `192.0.2.${count}` });
  assert.ok(waits(attempts) > 0);
  const hers = { ...stranger, familiar: "ada's browser" };
  assert.equal(waits(attempts, hers), 0);
  const other = fresh();
  for (let count = 0; count < 100; count += 1) waits(other, hers);
  assert.ok(waits(other, hers) > 0);
  assert.equal(waits(other), 0);
});

test("one place guesses at many accounts no more often than at one, and who is right uses nothing up", () => {
  const attempts = fresh();
  const tried = Array.from({ length: 100 }, (_, at) => waits(attempts, { ...stranger, account: `person ${at}` }));
  assert.equal(tried.filter((wait) => wait === 0).length, 31);
  const right = fresh();
  for (let count = 0; count < 100; count += 1) right.begin(stranger).takeBack();
  assert.equal(right.size, 0);
});

test("ten thousand accounts and addresses, and ten times as many, take no more room than there is", () => {
  const attempts = fresh();
  const heap = () => {
    queryObjects(Object, { format: "count" }); // it collects garbage first
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  for (let at = 0; at < 100_000; at += 1)
    attempts.begin({ familiar: undefined, from: `2001:db8:${at}::/64`, account: `person-${at}@example.com` });
  assert.equal(attempts.size, 40_000);
  const grown = (heap() - before) / 2 ** 20;
  assert.ok(grown < 64, `${grown.toFixed(0)} MiB`);
});

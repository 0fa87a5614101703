import assert from "node:assert/strict";
import { test } from "node:test";
import { Rounds } from "./rounds.ts";
import { TestClock } from "./testing/clock.ts";

test("a stop waits for every round that is at work, and none comes after it", async () => {
  const clock = new TestClock();
  const rounds = new Rounds(clock, () => undefined);
  const [slow, short] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let [begun, ended, others] = [0, 0, 0];
  rounds.every(1_000, async () => {
    begun += 1;
    await slow.promise;
    ended += 1;
  });
  rounds.every(1_000, async () => {
    others += 1;
    short.resolve();
  });
  clock.move(1_000);
  await short.promise;
  assert.deepEqual([begun, ended, others], [1, 0, 1]);
  let isStopped = false;
  const stopped = rounds.stop().then(() => (isStopped = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(!isStopped);
  slow.resolve();
  await stopped;
  clock.move(10_000);
  assert.deepEqual([begun, ended, others], [1, 1, 1]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "@holdfast/kernel";
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

test("a round that is refused comes again after a minute, and after twice as long each time, until it succeeds; a fault of ours waits its turn", async () => {
  const [clock, told] = [new TestClock(), [] as string[]];
  const rounds = new Rounds(clock, (message) => void told.push(message));
  const [minute, hour] = [60_000, 3_600_000];
  const begun: number[] = [];
  let fails: Error | undefined = new Refusal("storage.unavailable");
  rounds.every(hour, async () => {
    begun.push(clock.now());
    if (fails) throw fails;
  });
  let others = 0;
  rounds.every(minute / 6, async () => {
    others += 1;
    throw new Refusal("storage.unavailable");
  });
  /** What comes within so long, each behind the one before: so many milliseconds after it began. */
  const within = async (milliseconds: number) => {
    const [from, count] = [clock.now(), begun.length];
    for (let moved = 0; moved < milliseconds; moved += minute / 6) {
      clock.move(minute / 6);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return begun.slice(count).map((at) => at - from);
  };
  assert.deepEqual(await within(hour), [hour]);
  assert.deepEqual(await within(7 * minute), [minute, 3 * minute, 7 * minute]);
  fails = undefined;
  assert.deepEqual(await within(8 * minute), [8 * minute]);
  assert.equal(others, (hour + 15 * minute) / (minute / 6), "what comes often comes as often");
  fails = new Error("ours");
  assert.deepEqual(await within(3 * hour), [hour, 2 * hour, 3 * hour]);
  fails = new Refusal("storage.unavailable");
  assert.deepEqual(await within(hour), [hour]);
  const waits = await within(4 * hour);
  assert.deepEqual(
    waits.map((at) => at / minute),
    [1, 3, 7, 15, 31, 63, 123, 183],
  );
  assert.ok(told.includes("housekeeping failed by our own fault"));
  await rounds.stop();
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { getHeapStatistics, queryObjects } from "node:v8";
import { systemTimers } from "./timers.ts";

async function heap(): Promise<number> {
  await nextTurn(); // in which the test runner hears that timers are gone
  queryObjects(Object, { format: "count" }); // it collects garbage first
  return getHeapStatistics().used_heap_size;
}

test("nothing is left of timers that were cancelled, though each would have taken another time", async () => {
  const each = 20_000;
  const day = 86_400_000;
  const go = (from: number) => {
    for (let at = 0; at < each; at++) systemTimers.after(from + at, () => {}).cancel();
  };
  go(day);
  const before = await heap();
  go(2 * day);
  const left = ((await heap()) - before) / each;
  assert.ok(left < 20, `${left.toFixed(1)} bytes of each`);
});

test("a timer that is cancelled twice, or while it works, or afterwards, leaves the others alone", async () => {
  const rung: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const keeper = setTimeout(() => {}, 60_000);
  const first = systemTimers.after(5, () => {
    rung.push("first");
    first.cancel();
  });
  const never = systemTimers.after(5, () => rung.push("never"));
  never.cancel();
  never.cancel();
  systemTimers.after(5, () => {
    rung.push("second");
    first.cancel();
    systemTimers.after(5, resolve);
  });
  await promise;
  clearTimeout(keeper);
  assert.deepEqual(rung, ["first", "second"]);
});

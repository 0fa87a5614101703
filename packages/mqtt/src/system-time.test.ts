import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { queryObjects } from "node:v8";
import { systemTime } from "./system-time.ts";

async function heap(): Promise<number> {
  await nextTurn(); // in which the test runner hears that timers are gone
  queryObjects(Object, { format: "count" }); // it collects garbage first
  return process.memoryUsage().heapUsed;
}

test("a session that is picked up again leaves nothing of the timer that would have ended it", async () => {
  const each = 20_000;
  const day = 86_400_000;
  const go = (from: number) => {
    for (let at = 0; at < each; at++) systemTime.setTimer(from + at + 0.25, () => {})();
  };
  go(day);
  const before = await heap();
  go(2 * day);
  const left = ((await heap()) - before) / each;
  assert.ok(left < 20, `${left.toFixed(1)} bytes of each`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { mapInStints } from "./stint.ts";

test("others have turns while much is mapped, and nothing is left out", async () => {
  let turns = 0;
  let isOver = false;
  const others = (): void => {
    turns += 1;
    if (!isOver) setImmediate(others);
  };
  setImmediate(others);
  const all = Array.from({ length: 2_560 }, (_, at) => at);
  const mapped = await mapInStints(all, (one) => {
    // each 256 take longer than one may have the thread
    if (one % 256 === 0) for (const began = performance.now(); performance.now() - began < 4;);
    return one * 2;
  });
  isOver = true;
  assert.deepEqual(
    mapped,
    all.map((one) => one * 2),
  );
  assert.ok(turns >= 9, `${turns}`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { combined } from "./combine.ts";

test("steps of different weight are one number, as if they had been summed up at once", () => {
  const steps = [
    { avg: 10, min: 8, max: 12, sum: 30, count: 3 },
    { avg: 20, min: 20, max: 20, sum: 20, count: 1 },
  ];
  const all = (["avg", "min", "max", "sum", "count"] as const).map((by) => combined(steps, by));
  assert.deepEqual(all, [12.5, 8, 20, 50, 4]);
  assert.equal(combined([], "sum"), undefined);
});

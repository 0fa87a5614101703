import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Buckets } from "./buckets.ts";
import { Windows } from "./windows.ts";

const averageOf = async (parts: readonly (readonly number[])[]) => {
  const buckets = new Buckets(new Windows({ unit: "day", count: 1 }), ["min", "avg", "max"]);
  let time = 0;
  for (const values of parts)
    buckets.add({ type: "number", times: Float64Array.from(values, () => time++), values: Float64Array.from(values) });
  const [found] = await buckets.at(buckets.starts(), (values) => values);
  assert.ok(found);
  return found;
};

test("an average lies between the least and the greatest, also where the sum is beyond all numbers", async () => {
  assert.deepEqual(await averageOf([[1.7e308, 1.7e308]]), { time: 0, min: 1.7e308, avg: 1.7e308, max: 1.7e308 });
  const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0.1, 1.7e308, -1.7e308));
  const parts = fc.array(fc.array(value, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(parts, async (given) => {
      const { min, avg, max } = await averageOf(given);
      assert.ok(min !== undefined && avg !== undefined && max !== undefined && min <= avg && avg <= max);
    }),
  );
});

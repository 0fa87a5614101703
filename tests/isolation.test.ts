import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "@holdfast/kernel";
import { ravage } from "./isolation.fixture.ts";

test("whatever one organisation does, another stays as it was, and nothing of it is seen", async (t) => {
  const seed = new DataView(systemRandom.bytes(4).buffer).getUint32(0);
  const { answers } = await ravage({ operations: 1_500, seed });
  t.diagnostic(`seed ${seed}; answers ${JSON.stringify(Object.fromEntries(answers))}`);
  const done = [...answers].filter(([status]) => status < 300).reduce((sum, [, count]) => sum + count, 0);
  assert.ok(done > 100, "much of it was allowed");
});

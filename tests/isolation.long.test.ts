import { test } from "node:test";
import { systemRandom } from "@holdfast/kernel";
import { ravage } from "./isolation.fixture.ts";

test("whatever one organisation does, for a long time and from many beginnings, another stays as it was", async (t) => {
  for (let round = 0; round < 6; round += 1) {
    const seed = new DataView(systemRandom.bytes(4).buffer).getUint32(0);
    const { answers } = await ravage({ operations: 4_000, seed });
    t.diagnostic(`seed ${seed}; answers ${JSON.stringify(Object.fromEntries(answers))}`);
  }
});

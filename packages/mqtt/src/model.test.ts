import { test } from "node:test";
import fc from "fast-check";
import { live, lives } from "./lives.fixture.ts";

// `model.long.test.ts` tries more of them.
test("whatever a few clients do, each gets what a plain reading of the standard says, over crashes too", async () => {
  await fc.assert(fc.asyncProperty(lives, live), { numRuns: 60 });
});

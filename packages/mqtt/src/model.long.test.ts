import { test } from "node:test";
import fc from "fast-check";
import { live, lives } from "./lives.fixture.ts";

test("in thousands of lives at the broker nobody misses anything, and nobody gets what is not theirs", async () => {
  await fc.assert(fc.asyncProperty(lives, live), { numRuns: 2_000 });
});

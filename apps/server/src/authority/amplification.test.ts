import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { done, history, live } from "./amplification.fixture.ts";

test("whatever is minted, given, changed and ended, in any order, gives nobody what whoever did it did not hold", () => {
  fc.assert(fc.property(history, live), { numRuns: 1_000 });
  // A model in which everything is refused would prove nothing.
  for (const [what, times] of done) assert.ok(times >= 10, `${what}: ${times}`);
  assert.equal(done.size, 14, [...done.keys()].join());
});

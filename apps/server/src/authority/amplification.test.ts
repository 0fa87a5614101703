import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { done, history, live } from "./amplification.fixture.ts";

test("whatever is minted, given, changed and ended, in any order, gives nobody what whoever did it did not hold", () => {
  // A model in which everything is refused would prove nothing. What is seldom done is done too seldom now and then, and then there are more.
  const isSeldom = () => [...done.values()].some((times) => times < 10);
  for (let more = 0; more === 0 || (isSeldom() && more < 5); more += 1)
    fc.assert(fc.property(history, live), { numRuns: 1_000 });
  for (const [what, times] of done) assert.ok(times >= 10, `${what}: ${times}`);
  assert.equal(done.size, 14, [...done.keys()].join());
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { answers, anything } from "./cedar.fixture.ts";

test("of ten thousand policies and questions Cedar says what we say", () => {
  const one = fc.property(anything, (asked) => {
    const { ours, cedars, told } = answers(asked);
    assert.equal(ours, cedars, told);
  });
  fc.assert(one, { numRuns: 10_000 });
});

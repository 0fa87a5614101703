import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { answers, anything } from "./cedar.fixture.ts";

test("of a thousand policies and questions Cedar says what we say", () => {
  let allowed = 0;
  const one = fc.property(anything, (asked) => {
    const { ours, cedars, told } = answers(asked);
    if (ours) allowed += 1;
    assert.equal(ours, cedars, told);
  });
  fc.assert(one, { numRuns: 1_000 });
  assert.ok(allowed > 100 && allowed < 900, `${allowed} were allowed: the others say little`);
});

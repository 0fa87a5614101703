import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { betweenTags, newTags, tags } from "./shapes.ts";

test("tags that a device is given are the tags that a list is asked for, whatever commas and signs stand in them", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", ",", "=", " "), maxLength: 8 });
  const all = fc.dictionary(text, text, { maxKeys: 4 }).filter((one) => newTags.safeParse(one).success);
  fc.assert(
    fc.property(all, (given) => {
      const asked = Object.entries(given).map(([key, value]) => `${key}=${value}`);
      assert.deepEqual(asked.length === 0 ? [] : asked.join(",").split(betweenTags), asked);
    }),
  );
  assert.ok(newTags.safeParse({ note: "a,b", sum: "1,=2", list: "a,,b," }).success);
});

test("a tag that is given to no device any more is shown where one has it", () => {
  const old = { note: "a,b=c" };
  assert.equal(newTags.safeParse(old).success, false);
  assert.deepEqual(tags.parse(old), old);
});

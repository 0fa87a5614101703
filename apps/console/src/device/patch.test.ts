import assert from "node:assert/strict";
import { test } from "node:test";
import { documentIn, patchBetween } from "./patch.ts";

test("what somebody made of a document goes out as what changed in it, and what was taken away as null", () => {
  const before = { interval: 60, display: { on: true, text: "a" }, list: [1, 2], old: 1 };
  assert.deepEqual(patchBetween(before, { interval: 60, display: { on: true }, list: [2, 1], fresh: "x" }), {
    old: null,
    display: { text: null },
    list: [2, 1],
    fresh: "x",
  });
  assert.deepEqual(patchBetween(before, before), {});
});

test("only an object is a document", () => {
  for (const text of ["", "1", "[]", "null", "{", '"a"']) assert.equal(documentIn(text), undefined, text);
  assert.deepEqual(documentIn('{"a": [1]}'), { a: [1] });
});

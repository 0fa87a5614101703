import assert from "node:assert/strict";
import { test } from "node:test";
import { asFilter, matches } from "./found.ts";

test("something is found by all of its words, in any order and case", () => {
  assert.ok(matches("DEVICE add", "Add a device"));
  assert.ok(matches("", "Anything"));
  assert.ok(!matches("add token", "Add a device"));
});

test("key=value among the words is a tag, and what says what it is stays", () => {
  assert.equal(asFilter("pump floor=3 site=north"), "pump tag:floor=3 tag:site=north");
  assert.equal(asFilter("tag:floor=3 status:offline"), "tag:floor=3 status:offline");
  assert.equal(asFilter("pump 1"), "pump 1");
});

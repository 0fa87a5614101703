import assert from "node:assert/strict";
import { test } from "node:test";
import { visitorKinds } from "@holdfast/protocol";
import { door } from "./products.ts";

test("whoever edits a door reads of every kind that it can let in or shut out", () => {
  for (const kind of visitorKinds) assert.ok(door.whoHint.includes(kind), kind);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Widget } from "@holdfast/protocol";
import { changed, draftOf, redone, undone } from "./draft.ts";

const board = (...ids: string[]): Widget[] =>
  ids.map((id) => ({ id, type: "status", title: id, place: { x: 0, y: 0, w: 1, h: 1 }, of: { devices: [] } }));

test("what was changed is undone and done again step by step, and a new change leaves what was undone behind", () => {
  const [one, two, three] = [board("a"), board("a", "b"), board("c")];
  const draft = changed(changed(draftOf(one), two), three);
  assert.equal(undone(draft).widgets, two);
  assert.equal(undone(undone(undone(draft))).widgets, one);
  assert.equal(redone(redone(undone(undone(draft)))).widgets, three);
  const other = changed(undone(draft), board("d"));
  assert.equal(redone(other).widgets, other.widgets);
});

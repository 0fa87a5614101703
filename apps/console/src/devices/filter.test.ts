import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clauseOf, parseFilter, parseOrder, withClause } from "./filter.ts";

test("a filter is read from what is typed", () => {
  assert.deepEqual(parseFilter("status:offline tag:floor=3 tag:site=north pump"), {
    presence: "offline",
    tag: "floor=3,site=north",
    q: "pump",
  });
  assert.deepEqual(parseFilter('status:suspended "cold room" tag:"room=the cold one"'), {
    state: "suspended",
    tag: "room=the cold one",
    q: "cold room",
  });
  assert.deepEqual(parseFilter("finding:oldTls finding:weak"), { finding: "oldTls", q: "finding:weak" });
  assert.deepEqual(parseFilter(""), {});
  assert.deepEqual(parseFilter("status:whatever a:b"), { q: "status:whatever a:b" });
});

test("what clicks add can be read, typed over and taken away", () => {
  const value = fc.stringMatching(/^[\w ]{1,12}$/).filter((text) => text.trim() === text && text !== "");
  fc.assert(
    fc.property(value, fc.stringMatching(/^\w{0,8}$/), (tag, word) => {
      const text = withClause(word, "tag", `room=${tag}`);
      assert.equal(clauseOf(text, "tag"), `room=${tag}`);
      assert.equal(withClause(text, "tag", undefined), word);
      assert.equal(parseFilter(text).tag, `room=${tag}`);
    }),
  );
});

test("no text crashes it", () => {
  // fast-check's own `unit: "binary"` makes a table of all code points first, which takes seconds.
  const unit = fc.integer({ min: 0, max: 0x10_ffff }).map((code) => String.fromCodePoint(code));
  fc.assert(fc.property(fc.string({ unit, maxLength: 200, size: "max" }), (text) => void parseFilter(text)));
  assert.equal(parseOrder("-name"), "-name");
  assert.equal(parseOrder("constructor"), undefined);
});

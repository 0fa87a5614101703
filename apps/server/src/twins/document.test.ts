import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { difference, merge, parsePatch, type Document } from "./document.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

// RFC 7396, appendix A: those of its cases in which both sides are objects.
const standard: readonly [Document, Document, Document][] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test("a merge patch does what RFC 7396 says", () => {
  for (const [before, patch, after] of standard) assert.deepEqual(merge(before, patch), after);
});

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.integer(),
    fc.boolean(),
    fc.string(),
    fc.array(fc.integer(), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(fc.constantFrom("a", "b", "c", "d"), tie("value"), { maxKeys: 4 }),
}));
const document = value.object as fc.Arbitrary<Document>;

test("whoever merges the difference into what it reported has all that is desired, and nothing differs any more", () => {
  fc.assert(
    fc.property(document, document, (desired, reported) => {
      const after = merge(reported, difference(desired, reported));
      assert.deepEqual(difference(desired, after), {});
      // What is not desired stays as it was.
      for (const name of Object.keys(reported)) if (!(name in desired)) assert.deepEqual(after[name], reported[name]);
    }),
  );
});

test("what is no object of JSON that comes out as it went in is refused, and no bytes do worse", () => {
  const deep = `${'{"a":'.repeat(17)}1${"}".repeat(17)}`;
  for (const text of [
    "",
    "1",
    "[]",
    "null",
    '"a"',
    '{"a":1e999}',
    '{"__proto__":{"a":1}}',
    '{"a":{"__proto__":1}}',
    deep,
    '{"":1}',
  ])
    assert.throws(() => parsePatch(bytes(text)), { code: "twin.malformed" }, text);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (some) => {
      try {
        parsePatch(some);
      } catch (error) {
        assert.equal((error as { code: string }).code, "twin.malformed");
      }
    }),
  );
});

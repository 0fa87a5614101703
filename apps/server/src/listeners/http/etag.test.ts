import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { etagOf, isKnown, versionsIn } from "./etag.ts";

test("If-Match names the versions whose tags it lists; of what is no tag of ours it names none", () => {
  for (const [header, versions] of [
    [undefined, undefined],
    ["*", undefined],
    [' "3" ', [3]],
    ['"3", "4"', [3, 4]],
    ['W/"3"', []],
    ["3", []],
    ['"three"', []],
    ["", []],
    ['"3", W/"4", "x", "5"', [3, 5]],
    ['"99999999999999999999"', []],
  ] as const) {
    assert.deepEqual(versionsIn(header), versions, String(header));
  }
});

test("a version's tag matches that version and no other", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (version, other) => {
      const etag = etagOf(version) ?? assert.fail();
      assert.deepEqual(versionsIn(etag), [version]);
      assert.ok(isKnown(etag, etag) && isKnown(`W/${etag}`, etag) && isKnown("*", etag));
      assert.equal(isKnown(etagOf(other), etag), version === other);
    }),
  );
  assert.equal(etagOf(undefined), undefined);
  assert.equal(isKnown(undefined, '"1"'), false);
});

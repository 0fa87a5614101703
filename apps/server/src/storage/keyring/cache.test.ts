import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentKeys } from "./cache.ts";

test("the key used longest ago makes room for a new one", () => {
  const recent = new RecentKeys(2);
  const [a, b, c] = [1, 2, 3].map((byte) => Uint8Array.of(byte));
  assert.ok(a && b && c);
  recent.set("a", a);
  recent.set("b", b);
  assert.equal(recent.get("a"), a);
  recent.set("c", c);
  assert.deepEqual(
    ["a", "b", "c"].map((name) => recent.get(name)),
    [a, undefined, c],
  );
  recent.set("a", b);
  recent.delete("c");
  assert.deepEqual(
    ["a", "c"].map((name) => recent.get(name)),
    [b, undefined],
  );
});

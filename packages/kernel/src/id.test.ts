import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newId, parseId } from "./index.ts";

const random = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((b) => ({ bytes: () => Uint8Array.from(b) }));

test("every new id parses as its own kind and as no other", () => {
  fc.assert(
    fc.property(random, (r) => {
      const id = newId("device", r);
      assert.equal(parseId("device", id), id);
      assert.throws(() => parseId("org", id), { code: "id.malformed" });
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, type Id, type Kind } from "@holdfast/kernel";
import { allActions, type Where } from "@holdfast/protocol";
import fc from "fast-check";
import { contains, coveringGrant, covers, linkOf, type Target } from "./link.ts";

// Few of each, so that they meet.
const few = <K extends Kind>(kind: K): readonly Id<K>[] =>
  [1, 2, 3].map((byte) => newId(kind, { bytes: (count) => new Uint8Array(count).fill(byte) }));
const applications = few("application");
const devices = few("device");
const key = fc.constantFrom("site", "floor", "__proto__", "constructor");
const value = fc.constantFrom("a", "b", "");

const where: fc.Arbitrary<Where> = fc.oneof(
  fc.constant({ all: true } as const),
  fc.record({ application: fc.constantFrom(...applications) }),
  fc.record({ devices: fc.subarray([...devices], { minLength: 1 }) }),
  fc.record({ tag: fc.record({ key, value }) }),
);

const target: fc.Arbitrary<Target> = fc.oneof(
  fc.constantFrom({ kind: "org" } as const, { kind: "product" } as const),
  fc.record({ kind: fc.constant("application" as const), id: fc.constantFrom(...applications) }),
  fc.record({
    kind: fc.constant("device" as const),
    id: fc.constantFrom(...devices),
    placement: fc.record({
      application: fc.constantFrom(...applications),
      product: fc.constant(undefined),
      state: fc.constantFrom("active" as const, "suspended" as const, "retired" as const),
      tags: fc.dictionary(key, value),
      alias: fc.constant(undefined),
      version: fc.constant(1),
    }),
  }),
);

test("what contains another grant covers everything that the other covers, wherever devices are moved and however tagged", () => {
  fc.assert(
    fc.property(where, where, target, (outer, inner, thing) => {
      if (contains(outer, inner) && covers(inner, thing)) assert.ok(covers(outer, thing));
    }),
    { numRuns: 2_000 },
  );
});

test("a grant contains itself, and containing goes through", () => {
  fc.assert(
    fc.property(where, where, where, (a, b, c) => {
      assert.ok(contains(a, a));
      if (contains(a, b) && contains(b, c)) assert.ok(contains(a, c));
    }),
    { numRuns: 1_000 },
  );
});

test("over an organisation and its products only a grant without limits holds", () => {
  fc.assert(
    fc.property(where, (one) => {
      for (const kind of ["org", "product"] as const) assert.equal(covers(one, { kind }), "all" in one);
    }),
  );
});

test("a link names the grant that covers, and none where none does", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ action: fc.constantFrom(...allActions), where })), target, (grants, thing) => {
      const link = linkOf("it", grants);
      for (const action of allActions) {
        const holds = grants.some((grant) => grant.action === action && covers(grant.where, thing));
        assert.equal(coveringGrant(link, action, thing) !== undefined, holds);
      }
    }),
  );
});

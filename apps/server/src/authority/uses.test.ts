import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { parseGrants } from "@holdfast/protocol";
import { Uses, withUse, wornOf, type KeptUse } from "./uses.ts";

const day = 86_400_000;
const at = (days: number) => (days * day) as Instant;
const grants = parseGrants(["org.read", "telemetry.read", "device.read:tag:site=north"]);
const made = { grants, createdAt: at(0) };
const used = (actions: KeptUse["actions"], since = 0): KeptUse => ({ since, actions });

test("what was done in thirty days is enough, and what was done before is not asked for any more", () => {
  const use = used({ "org.read": 60, "telemetry.read": 95, "device.read": 100 });
  assert.deepEqual(wornOf(made, use, at(100)), {
    granted: 3,
    used: 2,
    since: at(70),
    narrower: ["telemetry.read", "device.read:tag:site=north"],
  });
});

test("nothing narrower is offered where all was used, or nothing", () => {
  assert.deepEqual(wornOf(made, used({}), at(100)).narrower, []);
  const all = used({ "org.read": 100, "telemetry.read": 100, "device.read": 100 });
  assert.deepEqual(wornOf(made, all, at(100)).narrower, []);
});

test("it is known since the credential was made, or since its use is kept, and not before", () => {
  assert.equal(wornOf({ grants, createdAt: at(99.5) }, used({}, 99), at(100)).since, at(99.5));
  assert.equal(wornOf(made, used({}, 90), at(100)).since, at(90));
});

test("what says nothing new is the same object, so that nothing is written", () => {
  const kept: KeptUse = { since: 3, address: "192.0.2.7", transport: "https", actions: { "org.read": 5 } };
  assert.equal(withUse(kept, { actions: new Map([["org.read", 5]]) }, 5), kept);
  const again = { at: at(5), address: "192.0.2.7", transport: "https", actions: new Map() } as const;
  assert.equal(withUse(kept, again, 5), kept);
  assert.notEqual(withUse(kept, { actions: new Map([["org.read", 6]]) }, 6), kept);
  assert.notEqual(withUse(kept, { ...again, address: "192.0.2.8" }, 5), kept);
  assert.equal(withUse(undefined, { actions: new Map() }, 7).since, 7);
});

test("what was done before midnight counts, though it is written down after it", () => {
  const use = withUse(undefined, { at: at(7.999), actions: new Map([["org.read", 7]]) }, 8);
  const { used: count, since } = wornOf(made, use, at(8.001));
  assert.deepEqual([count, since], [1, at(7)]);
});

test("what is being written down is told until it is, and again where it could not be", () => {
  const uses = new Uses();
  const id = newId("key", systemRandom);
  uses.did(id, "org.read", at(1));
  uses.opened(id);
  const taken = uses.take();
  assert.deepEqual([...(taken.get(id)?.actions ?? [])], [["org.read", 1]]);
  uses.did(id, "device.read", at(2));
  uses.opened(id);
  const told = () => ({ actions: [...(uses.of(id)?.actions ?? [])], opened: uses.of(id)?.opened });
  const all = {
    actions: [
      ["org.read", 1],
      ["device.read", 2],
    ],
    opened: 2,
  };
  assert.deepEqual(told(), all);
  uses.putBack(taken);
  assert.deepEqual(told(), all);
  uses.written(uses.take());
  assert.deepEqual(told(), { actions: [], opened: undefined });
});

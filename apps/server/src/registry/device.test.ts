import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { unfindable } from "@holdfast/protocol";
import { change, refuseUnfindable, relocation, resume, retire, suspend, type Active } from "./device.ts";
import { placementOf } from "./postgres.ts";

const noon = 1_000 as Instant;
const pump: Active = {
  state: "active",
  id: newId("device", systemRandom),
  name: "Pump",
  application: newId("application", systemRandom),
  product: newId("product", systemRandom),
  user: newId("user", systemRandom),
  alias: "pump-1",
  tags: { site: "north" },
  createdAt: noon,
  turn: 0,
  placed: 0,
  version: 1,
};

test("a device retires once, for good, and gives its other name back", () => {
  const retired = retire(pump, noon);
  assert.deepEqual([retired.state, retired.alias, retired.tags], ["retired", undefined, pump.tags]);
  assert.equal(retire(suspend(pump, noon, 1), noon).state, "retired");
  for (const turn of [
    () => retire(retired, noon),
    () => resume(retired, 2),
    () => suspend(retired, noon, 2),
    () => change(retired, {}),
  ])
    assert.throws(turn, { code: "device.retired" });
});

test("a device is suspended and resumed, and remembers where that stands in the sequence", () => {
  const silent = suspend(pump, noon, 7);
  assert.deepEqual([silent.state, silent.since, silent.turn], ["suspended", noon, 7]);
  assert.equal(suspend(silent, noon, 8), silent);
  const again = resume(silent, 9);
  assert.deepEqual(again, { ...pump, turn: 9, version: 3 });
  assert.throws(() => resume(pump, 9), { code: "device.notSuspended" });
});

test("a change leaves alone what it does not name, takes away what it names as nothing, and is a new version", () => {
  assert.deepEqual(change(pump, {}), { ...pump, version: 2 });
  const bare = change(pump, { product: null, alias: null, tags: {} });
  assert.deepEqual([bare.product, bare.alias, bare.tags, bare.name], [undefined, undefined, {}, "Pump"]);
  assert.equal(change(suspend(pump, noon, 1), { name: "Old pump" }).state, "suspended");
});

test("a device that moves to another application is nobody's there", () => {
  assert.equal(change(pump, { application: pump.application }).user, pump.user);
  assert.equal(change(pump, { application: newId("application", systemRandom) }).user, undefined);
});

test("what a change moves is told as it was and as it is, and nothing else", () => {
  assert.deepEqual(relocation(pump, change(pump, { name: "Old pump", tags: { site: "north" } })), {});
  const application = newId("application", systemRandom);
  assert.deepEqual(relocation(pump, change(pump, { application, product: null, tags: { site: "south" } })), {
    from: { application: pump.application, product: pump.product, tags: pump.tags },
    to: { application, product: null, tags: { site: "south" } },
  });
  assert.deepEqual(relocation(pump, change(pump, { tags: {} })), { from: { tags: pump.tags }, to: { tags: {} } });
});

test("authority is told where a device is and whether it may speak, and no more", () => {
  const { name: _, id: _id, createdAt: _at, turn: _turn, placed: _placed, ...placement } = pump;
  assert.deepEqual(placementOf(pump), placement);
});

test("a tag that no list could be asked for stays where it is, and is neither made nor changed", () => {
  const tags = (note: string) => ({ tags: { site: "north", note } });
  const refused = { code: "request.malformed", faults: [{ path: "tags.note", message: unfindable }] };
  refuseUnfindable(tags("a,b=c"), tags("a,b=c"));
  refuseUnfindable(tags("a,b"), pump);
  assert.throws(() => refuseUnfindable(tags("a,b=c"), pump), refused);
  assert.throws(() => refuseUnfindable(tags("a,b=d"), tags("a,b=c")), refused);
});

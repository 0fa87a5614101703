import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Id, type Instant } from "@holdfast/kernel";
import { Space } from "../authority/space.ts";
import type { Placement } from "../authority/index.ts";
import { organisationsIn } from "../identity/organisation.ts";
import type { Allowed } from "../storage/index.ts";
import { atEnd, freshStorage, TestClock } from "../testing/index.ts";
import type { Active } from "./device.ts";
import { Directories } from "./directories.ts";
import { applicationsIn, devicesIn, placementOf } from "./postgres.ts";

const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage } = fresh;
const scope = await storage.makeOrg(newId("org", systemRandom));
const allowed: Allowed = { scope, actor: { kind: "platform" } };
const application = newId("application", systemRandom);
const named = (name: string): Active => ({
  state: "active",
  id: newId("device", systemRandom),
  name,
  application,
  product: undefined,
  alias: undefined,
  tags: {},
  createdAt: 1 as Instant,
  turn: 0,
  placed: 0,
  version: 1,
});
const [pump, valve] = [named("Pump"), named("Valve")];
await storage.change(allowed, async (unit) => {
  await organisationsIn(unit).add({ id: scope.org, name: "Works", createdAt: unit.at, version: 1 });
  await applicationsIn(unit).save({ id: application, name: "", createdAt: 1 as Instant, version: 1 });
  for (const device of [pump, valve]) await devicesIn(unit).save(device);
  unit.audit({ what: "made", about: scope.org });
});

const spaceWith = (devices: Map<Id<"device">, Placement>) =>
  new Space(
    scope,
    {
      devices,
      applications: new Set(),
      products: new Map(),
      members: new Map(),
      roles: new Map(),
      revokedBefore: new Map(),
      demands: {},
    },
    () => undefined,
  );

test("a directory is read once, by all who ask at the same time, and again after nobody asked for ten minutes", async () => {
  const clock = new TestClock();
  const directories = new Directories({ storage, clock });
  const space = spaceWith(new Map());
  const [one, other] = await Promise.all([directories.of(space), directories.of(space)]);
  assert.equal(one, other);
  assert.equal(one.size, 2);
  clock.move(500_000);
  assert.equal(await directories.of(space), one);
  clock.move(500_000);
  directories.forgetIdle();
  assert.equal(await directories.of(space), one);
  clock.move(600_001);
  directories.forgetIdle();
  assert.notEqual(await directories.of(space), one);
});

test("what is committed while a directory is being read is in it, and not what was read before", async () => {
  const directories = new Directories({ storage, clock: new TestClock() });
  const space = spaceWith(new Map());
  const reading = directories.of(space);
  directories.put(space, { ...pump, name: "Compressor", version: 2 });
  const found = (await reading).search({
    filter: { tags: [], words: ["compressor"] },
    order: "name",
    isWithin: () => true,
    presenceOf: () => assert.fail("nobody asks who is connected"),
    findingsOf: () => assert.fail("nobody asks what is weak"),
    after: undefined,
    limit: 10,
  });
  assert.deepEqual(
    found.items.map(({ id }) => id),
    [pump.id],
  );
});

test("what was known of a space that was given up is forgotten with it", async () => {
  const directories = new Directories({ storage, clock: new TestClock() });
  const space = spaceWith(new Map());
  const before = await directories.of(space);
  space.close();
  directories.forgetIdle();
  assert.notEqual(await directories.of(space), before);
});

test("an organisation with more devices than fit in memory is told so, before any is read", async () => {
  const directories = new Directories({ storage, clock: new TestClock() });
  const placement = placementOf(pump);
  const devices = new Map<Id<"device">, Placement>();
  for (let count = 0; count <= 100_000; count += 1) devices.set(newId("device", systemRandom), placement);
  await assert.rejects(directories.of(spaceWith(devices)), { code: "list.tooLong" });
});

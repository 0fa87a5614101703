import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Id, type Instant } from "@holdfast/kernel";
import type { Where } from "@holdfast/protocol";
import fc from "fast-check";
import { covers, type Target } from "../authority/link.ts";
import { Reach } from "../authority/permit.ts";
import { withinReach } from "../authority/within.ts";
import { organisationsIn } from "../identity/organisation.ts";
import { neverSeen } from "../messages/index.ts";
import type { Allowed, Unit } from "../storage/index.ts";
import { atEnd, freshStorage } from "../testing/index.ts";
import type { Device } from "./device.ts";
import { Directory } from "./directory.ts";
import { applicationsIn, devicesIn, placementOf, productsIn } from "./postgres.ts";

const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage } = fresh;
const scope = await storage.makeOrg(newId("org", systemRandom));
const allowed: Allowed = { scope, actor: { kind: "platform" } };

const id = <K extends "application" | "device" | "product">(kind: K, count: number): readonly Id<K>[] =>
  Array.from({ length: count }, () => newId(kind, systemRandom));
const applications = id("application", 3);
const products = id("product", 2);
const places = fc.constantFrom(...applications);
const key = fc.constantFrom("site", "floor");
const value = fc.constantFrom("a", "b", "=", "");

const state = fc.constantFrom("active" as const, "suspended" as const, "retired" as const);
const looks = fc.record(
  {
    application: places,
    product: fc.constantFrom(undefined, ...products),
    state,
    tags: fc.dictionary(key, value, { noNullPrototype: true }),
  },
  { noNullPrototype: true },
);
const devices: readonly Device[] = fc
  .sample(looks, { numRuns: 40, seed: 7 })
  .map(({ state: now, ...look }, at): Device => {
    const described = {
      ...look,
      id: newId("device", systemRandom),
      name: `Device ${at}`,
      alias: undefined,
      turn: 0,
      placed: 0,
      version: 1,
      createdAt: (at >> 2) as Instant,
    }; // several a millisecond
    if (now === "suspended") return { ...described, state: now, since: 1 as Instant };
    if (now === "retired") return { ...described, state: now, retiredAt: 1 as Instant };
    return { ...described, state: now };
  });

await storage.change(allowed, async (unit: Unit) => {
  await organisationsIn(unit).add({ id: scope.org, name: "Works", createdAt: unit.at, version: 1 });
  for (const one of applications)
    await applicationsIn(unit).save({ id: one, name: "", createdAt: 1 as Instant, version: 1 });
  for (const one of products)
    await productsIn(unit).save({
      id: one,
      name: "",
      attributes: {},
      former: {},
      schemaVersion: 1,
      strict: false,
      createdAt: 1 as Instant,
      version: 1,
    });
  for (const device of devices) await devicesIn(unit).save(device);
  unit.audit({ what: "made", about: scope.org });
});

const where: fc.Arbitrary<Where> = fc.oneof(
  fc.record({ application: places }, { noNullPrototype: true }),
  fc.record(
    {
      devices: fc.subarray(
        devices.map((device) => device.id),
        { minLength: 1, maxLength: 9 },
      ),
    },
    { noNullPrototype: true },
  ),
  fc.record({ tag: fc.record({ key, value }) }, { noNullPrototype: true }),
  fc.constant({ all: true } as const),
);
/** As a chain has them: each link some grants, and a thing is within reach when every link has one that covers it. */
const every = fc.array(fc.array(where, { minLength: 1, maxLength: 3 }), { maxLength: 3 });

const asker = { actor: allowed.actor, askAgain: () => undefined, user: undefined, attributesOf: () => undefined };
const reachOf = <A extends "device.read" | "application.read" | "product.read">(
  action: A,
  links: Where[][],
): Reach<A> => new Reach(asker, action, scope, links);
const isWithin = (links: Where[][], target: Target) =>
  links.every((wheres) => wheres.some((one) => covers(one, target)));
const ids = (things: readonly { readonly id: string }[]) => things.map((thing) => thing.id);

const directory = new Directory();
for (const device of devices) directory.put(device);

test("a reach as SQL and in memory finds what its grants cover, each once, in order, whatever else is asked", async () => {
  const filter = fc.record(
    {
      application: fc.option(places, { nil: undefined }),
      product: fc.option(fc.constantFrom(...products), { nil: undefined }),
      state: fc.option(state, { nil: undefined }),
      tags: fc.array(fc.record({ key, value }), { maxLength: 2 }),
      words: fc.constant([]),
    },
    { noNullPrototype: true },
  );
  const inOrder = devices.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  await fc.assert(
    fc.asyncProperty(every, filter, fc.boolean(), async (links, asked, newestFirst) => {
      const expected = inOrder.filter(
        (device) =>
          isWithin(links, { kind: "device", id: device.id, placement: placementOf(device) }) &&
          (asked.application === undefined || device.application === asked.application) &&
          (asked.product === undefined || device.product === asked.product) &&
          (asked.state === undefined || device.state === asked.state) &&
          asked.tags.every((tag) => device.tags[tag.key] === tag.value),
      );
      if (newestFirst) expected.reverse();
      const reach = reachOf("device.read", links);
      const page = { after: undefined, most: 100, newestFirst };
      const [found, count] = await storage.read(reach, async (unit) => [
        await devicesIn(unit).list(reach, asked, page),
        await devicesIn(unit).count(reach, asked),
      ]);
      assert.deepEqual([ids(found), count], [ids(expected), expected.length]);
      const within = withinReach(reach);
      const order = newestFirst ? "-createdAt" : "createdAt";
      const searched = directory.search({
        filter: asked,
        order,
        isWithin: (device) => within(device.id, placementOf(device)),
        presenceOf: () => neverSeen,
        findingsOf: () => assert.fail("nobody asks what is weak"),
        after: undefined,
        limit: 100,
      });
      assert.deepEqual([ids(searched.items), searched.total], [ids(expected), expected.length]);
    }),
    { numRuns: 150 },
  );
});

test("applications are within reach by their own name, products by a grant without limits", async () => {
  await fc.assert(
    fc.asyncProperty(every, async (links) => {
      const [some, others] = [reachOf("application.read", links), reachOf("product.read", links)];
      const [foundApplications, foundProducts] = await Promise.all([
        storage.read(some, (unit) => applicationsIn(unit).list(some, undefined, 100)),
        storage.read(others, (unit) => productsIn(unit).list(others, undefined, 100)),
      ]);
      assert.deepEqual(
        new Set(ids(foundApplications)),
        new Set(applications.filter((one) => isWithin(links, { kind: "application", id: one }))),
      );
      assert.equal(foundProducts.length, isWithin(links, { kind: "product" }) ? products.length : 0);
    }),
    { numRuns: 60 },
  );
});

test("what a device is loaded as is what was saved", async () => {
  const loaded = await storage.read(allowed, (unit) => devicesIn(unit).all());
  const sorted = (all: readonly Device[]) => all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  assert.deepEqual(sorted(loaded), sorted(devices));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { deviceOrders } from "@holdfast/protocol";
import fc from "fast-check";
import { neverSeen, type Presence } from "../messages/index.ts";
import { wordsIn, type DeviceFilter, type DeviceOrder, type Bookmark } from "./device-filter.ts";
import type { Active, Device } from "./device.ts";
import { Directory } from "./directory.ts";

const application = newId("application", systemRandom);
const named = (name: string, more: Partial<Active> = {}): Active => ({
  state: "active",
  id: newId("device", systemRandom),
  name,
  application,
  product: undefined,
  alias: undefined,
  tags: {},
  createdAt: 0 as Instant,
  turn: 0,
  placed: 0,
  version: 1,
  ...more,
});

const everything: DeviceFilter = { tags: [], words: [] };

function directoryOf(devices: readonly Device[], presences = new Map<Device["id"], Presence>()) {
  const directory = new Directory();
  for (const device of devices) directory.put(device);
  const find = (order: DeviceOrder, filter: Partial<DeviceFilter> = {}, after?: Bookmark, limit = 100) =>
    directory.search({
      order,
      filter: { ...everything, ...filter },
      isWithin: () => true,
      presenceOf: (id) => presences.get(id) ?? neverSeen,
      findingsOf: () => assert.fail("nobody asks what is weak"),
      after,
      limit,
    });
  const names = (order: DeviceOrder, filter?: Partial<DeviceFilter>) =>
    find(order, filter).items.map(({ name }) => name);
  return { directory, find, names };
}

test("names stand as people expect it, whatever their case and accents, and numbers by their size", () => {
  const { names } = directoryOf(["pump 10", "Élan", "Pump 2", "zebra", "Echo", "pump"].map((name) => named(name)));
  const ascending = ["Echo", "Élan", "pump", "Pump 2", "pump 10", "zebra"];
  assert.deepEqual(names("name"), ascending);
  assert.deepEqual(names("-name"), ascending.toReversed());
});

test("every word has to be in the name, the alias or the id, whatever its case", () => {
  const boiler = named("Boiler North", { alias: "HEAT-7" });
  const { names } = directoryOf([boiler, named("Boiler South"), named("ΣΊΣΥΦΟΣ pump")]);
  const found = (q: string) => names("name", { words: wordsIn(q) });
  assert.deepEqual(found("boiler"), ["Boiler North", "Boiler South"]);
  assert.deepEqual(found(" NORTH  heat "), ["Boiler North"]);
  assert.deepEqual(found(boiler.id.slice(4, 30).toUpperCase()), ["Boiler North"]);
  assert.deepEqual(found("σίσυφοσ"), [], "a word in another form is another word");
  assert.deepEqual(found("north south"), []);
});

test("what is retired is neither online nor offline, and what never came is offline", () => {
  const [here, gone, never] = [named("here"), named("gone"), named("never")];
  const retired: Device = { ...named("retired"), state: "retired", retiredAt: 5 as Instant };
  const at = (since: number) => ({ since: since as Instant, lastSeenAt: since as Instant });
  const presences = new Map<Device["id"], Presence>([
    [here.id, { state: "online", ...at(7) }],
    [gone.id, { state: "offline", because: "broken", ...at(3) }],
  ]);
  const { names } = directoryOf([here, gone, never, retired], presences);
  assert.deepEqual(names("name", { presence: "online" }), ["here"]);
  assert.deepEqual(names("name", { presence: "offline" }), ["gone", "never"]);
  assert.deepEqual(names("-lastSeenAt", { state: "active" }), ["here", "gone", "never"]);
});

test("what was changed is found by its new name and no longer by the old one, and an older state of it changes nothing", () => {
  const pump = named("Pump");
  const { directory, names } = directoryOf([pump, named("Quay")]);
  assert.deepEqual(names("name"), ["Pump", "Quay"]);
  directory.put({ ...pump, name: "Valve", version: 2 });
  directory.put(pump);
  assert.deepEqual([names("name"), names("name", { words: ["pump"] })], [["Quay", "Valve"], []]);
});

test("page by page, in every order, each device comes once, and every page knows how many there are", () => {
  const devices = fc.array(
    fc.record({ name: fc.constantFrom("a", "A", "b", "b 2", "b 10", ""), createdAt: fc.nat(3), seen: fc.nat(2) }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(devices, fc.constantFrom(...deviceOrders), fc.integer({ min: 1, max: 7 }), (made, order, limit) => {
      const presences = new Map<Device["id"], Presence>();
      const all = made.map(({ name, createdAt, seen }) => {
        const device = named(name, { createdAt: createdAt as Instant });
        if (seen > 0) presences.set(device.id, { state: "never", lastSeenAt: seen as Instant });
        return device;
      });
      const { find } = directoryOf(all, presences);
      const paged: Device[] = [];
      let after: Bookmark | undefined;
      do {
        const { items, total, last } = find(order, {}, after, limit);
        assert.equal(total, all.length);
        paged.push(...items);
        after = last;
      } while (after);
      assert.deepEqual(paged, find(order).items);
      assert.equal(new Set(paged).size, all.length);
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { marksOf, placesIn } from "./places.ts";

type Devices = Parameters<typeof marksOf>[0];
type Latest = Parameters<typeof marksOf>[1];
const device = (id: string, state: "online" | "offline" = "offline") =>
  ({ id, name: id, presence: { state } }) as Devices[number];
const told = (id: string, attribute: string, value: Latest[number]["value"], time = "2026-01-01T00:00:00.000Z") =>
  ({ device: id, attribute, value, time }) as Latest[number];

test("a device is at the newest place that it told, by a location or two numbers, and nowhere without or beyond the earth", () => {
  const marks = marksOf(
    [device("a", "online"), device("b"), device("c"), device("d"), device("e")],
    [
      told("a", "location", { latitude: 1, longitude: 2 }),
      told("a", "lat", 47, "2026-01-02T00:00:00.000Z"),
      told("a", "lng", 8, "2026-01-02T00:00:00.000Z"),
      told("b", "site", { latitude: -33, longitude: 18 }),
      told("c", "latitude", 47),
      told("d", "latitude", 91),
      told("d", "longitude", 8),
      told("stranger", "location", { latitude: 1, longitude: 2 }),
    ],
  );
  assert.deepEqual(marks, [
    { id: "a", name: "a", isOnline: true, x: 8, y: -47 },
    { id: "b", name: "b", isOnline: false, x: 18, y: 33 },
  ]);
});

test("what products have as a location is asked about too, once, and no more than may be", () => {
  const product = (...names: readonly string[]) => ({
    attributes: Object.fromEntries([
      ["speed", { type: "number" as const }],
      ...names.map((name) => [name, { type: "location" as const }]),
    ]),
  });
  const names = placesIn([product("site", "position"), product("site")]);
  assert.ok(names.includes("site") && !names.includes("speed"));
  assert.equal(new Set(names).size, names.length);
  assert.equal(placesIn([product(...Array.from({ length: 60 }, (_, at) => `p${at}`))]).length, 32);
});

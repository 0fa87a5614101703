import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Instant, Random } from "@holdfast/kernel";
import { chanceOf } from "./chance.ts";
import { lastDay } from "./history.ts";
import { fleet, products } from "./site.ts";

/** The same bytes for the same seed. */
function seeded(seed: string): Random {
  let turn = 0;
  return {
    bytes: (count) =>
      new Uint8Array(
        createHash("shake256", { outputLength: count })
          .update(`${seed} ${(turn += 1)}`)
          .digest(),
      ),
  };
}

const noon = Date.UTC(2026, 5, 1, 12) as Instant;
type Reading = { time: string; values: Record<string, number | boolean | string> };
const dayOf = (alias: string, seed = "seed", most = 1024 * 1024): Reading[] => {
  const played = fleet.find((one) => one.alias === alias) ?? assert.fail(alias);
  const bodies = [...lastDay(played.machine(chanceOf(seeded(seed))), noon, most)];
  assert.ok(bodies.every((body) => Buffer.byteLength(body) <= most));
  return bodies.flatMap((body) => JSON.parse(body) as Reading[]);
};

test("a dozen devices of three products, each by an alias of its own, measure exactly what is declared", () => {
  assert.deepEqual([fleet.length, new Set(fleet.map(({ alias }) => alias)).size], [12, 12]);
  assert.deepEqual(new Set(fleet.map(({ product }) => product)), new Set(Object.keys(products)));
  for (const { alias, product } of fleet) {
    const declared = Object.entries(products[product]).map(([name, { type }]) => `${name} ${type}`);
    for (const { values } of dayOf(alias)) {
      const typeOf = (value: unknown) => (typeof value === "string" ? "text" : typeof value);
      assert.deepEqual(
        Object.entries(values).map(([name, value]) => `${name} ${typeOf(value)}`),
        declared,
      );
    }
  }
});

test("a day has a reading each minute up to now, in messages that the platform takes, however small those have to be", () => {
  for (const most of [1024 * 1024, 4096, 1024]) {
    const times = dayOf("cold-room-1", "seed", most).map(({ time }) => Date.parse(time));
    assert.deepEqual(
      times,
      Array.from({ length: 1440 }, (_, at) => noon - (1440 - at) * 60_000),
    );
  }
});

test("the same seed measures the same, and another seed something else", () => {
  assert.deepEqual(dayOf("well-pump", "a"), dayOf("well-pump", "a"));
  assert.notDeepEqual(dayOf("well-pump", "a"), dayOf("well-pump", "b"));
});

test("what is measured could be so: rooms are cold and opened now and then, pumps rest, and a meter never counts back", () => {
  const numbers = (alias: string, name: string) => dayOf(alias).map(({ values }) => Number(values[name]));
  for (const [alias, least, most] of [
    ["cold-room-1", 2, 9],
    ["freezer-1", -23, -15],
  ] as const) {
    for (const temperature of numbers(alias, "temperature"))
      assert.ok(temperature > least && temperature < most, `${temperature}`);
    const open = dayOf(alias).filter(({ values }) => values["door"]).length;
    assert.ok(open > 5 && open < 300, `${open} minutes`);
  }
  const running = dayOf("booster-pump").filter(({ values }) => values["running"]).length;
  assert.ok(running > 600 && running < 1400, `${running} minutes`);
  assert.ok(dayOf("booster-pump").every(({ values }) => values["running"] || values["flow"] === 0));
  const counted = numbers("main-meter", "energy");
  assert.ok(counted.every((value, at) => at === 0 || value >= (counted[at - 1] ?? 0)));
});

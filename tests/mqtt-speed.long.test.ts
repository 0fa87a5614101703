import assert from "node:assert/strict";
import { after, test } from "node:test";
import { cases } from "../bench/mqtt/cases.ts";
import { openPlace } from "../bench/mqtt/place.ts";
import { measureCase } from "../bench/mqtt/sides.ts";
import { times } from "../bench/mqtt/turns.ts";

// Per CPU second of the server, so that a machine with other work says the same; both take turns, and the middle one of three counts.
const place = await openPlace();
after(() => place.close());

const floors = [
  { one: cases.pipelined, least: 4 },
  { one: cases.fanOut, least: 4 },
  { one: cases.single, least: 1.1 },
] as const;

for (const { one, least } of floors) {
  test(`the broker carries at least ${least} times as many messages as aedes does: ${one.name}`, async (t) => {
    const { ours = [], aedes = [] } = await measureCase(place, ["ours", "aedes"], one);
    const { median, lowest, highest } = times(ours, aedes);
    t.diagnostic(`${median.toFixed(2)} times, ${lowest.toFixed(2)} to ${highest.toFixed(2)}`);
    assert.ok(median >= least, `${median.toFixed(2)} times`);
  });
}

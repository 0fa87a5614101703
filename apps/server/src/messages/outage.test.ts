import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import { Outage } from "./outage.ts";

const devices = Array.from({ length: 200 }, () => newId("device", systemRandom));
/** Each goes so long after the one before; answers how many are of an outage by then. */
function going(count: number, step: number, fleet: number): number {
  const outage = new Outage();
  const told = new Set<string>();
  for (const [i, device] of devices.slice(0, count).entries())
    for (const one of outage.went(device, i * step, fleet - i - 1)) told.add(one);
  return told.size;
}

test("a few that go are each on their own, and a fifth of all within a minute is one outage, the first ones included", () => {
  assert.equal(going(4, 100, 8), 0, "four are never many");
  assert.equal(going(5, 100, 8), 5);
  assert.equal(going(19, 100, 100), 0);
  assert.equal(going(20, 100, 100), 20);
  assert.equal(going(99, 100, 100_000), 0);
  assert.equal(going(100, 100, 100_000), 100, "a hundred are many in any fleet");
});

test("those that go slowly, one by one, are no outage", () => {
  assert.equal(going(40, 16_000, 40), 0);
});

test("who goes within a minute of the last of an outage belongs to it, whoever goes later does not", () => {
  const outage = new Outage();
  for (let i = 0; i < 5; i++) outage.went(devices[i]!, i, 0); // there are so many
  assert.deepEqual(outage.went(devices[5]!, 60_004, 100), [devices[5]]);
  assert.deepEqual(outage.went(devices[6]!, 120_005, 100), []);
});

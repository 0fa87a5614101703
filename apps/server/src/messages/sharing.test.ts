import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import { areApart, Contests, sharing } from "./sharing.ts";

const device = newId("device", systemRandom);
const [credential, another] = [newId("key", systemRandom), newId("key", systemRandom)];
const at = (address: string, by = credential) => ({ address, credential: by });
const minute = 60_000;

/** Each comes in place of the one before, a minute later. Answers at which of them it was once too often. */
function turns(addresses: readonly string[], pause = minute): readonly number[] {
  const contests = new Contests();
  return addresses.flatMap((address, turn) => {
    const before = addresses[turn - 1];
    return before !== undefined && contests.took(device, at(before), at(address), turn * pause) ? [turn] : [];
  });
}

test("whoever takes back what was taken from him is counted, and whoever goes on to another network is not", () => {
  const [a, b] = ["192.0.2.1", "192.0.2.2"];
  assert.deepEqual(turns([a, b, a, b, a, b, a, b]), [6, 7]);
  assert.deepEqual(turns(Array.from({ length: 30 }, (_, turn) => `192.0.2.${turn}`)), []);
  assert.deepEqual(turns([a, a, a, a, a, a, a, a, a]), []);
  // Fewer than five within an hour.
  assert.deepEqual(turns([a, b, a, b, a, b, a, b, a, b], sharing.within / 4), []);
  assert.deepEqual(turns([a, b, a, b, a, b, a, b, a, b], sharing.within / 6).length > 0, true);
});

test("what is kept of a quarrel is bounded, and goes when it is over", () => {
  const contests = new Contests();
  contests.took(device, at("192.0.2.1"), at("192.0.2.2"), 0);
  contests.forgetPast(sharing.within - 1);
  for (let turn = 1; turn <= 5; turn += 1) {
    const [from, by] = turn % 2 === 1 ? [2, 1] : [1, 2];
    assert.equal(contests.took(device, at(`192.0.2.${from}`), at(`192.0.2.${by}`), turn), turn === 5);
  }
  contests.forgetPast(sharing.within + 5);
  assert.equal(contests.took(device, at("192.0.2.1"), at("192.0.2.2"), sharing.within + 6), false);
});

test("two places are two addresses of one family for one credential; of IPv6 a network is one place", () => {
  assert.ok(areApart(at("192.0.2.1"), at("192.0.2.2")));
  assert.ok(!areApart(at("192.0.2.1"), at("::ffff:192.0.2.1")));
  assert.ok(!areApart(at("192.0.2.1"), at("2001:db8::1")));
  assert.ok(!areApart(at("192.0.2.1"), at("192.0.2.2", another)));
  assert.ok(!areApart(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9")));
  assert.ok(areApart(at("2001:db8:1:2::1"), at("2001:db8:1:3::1")));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import type { Door } from "@holdfast/protocol";
import { narrowestDoor, strictest } from "./narrowing.ts";

const [anna, bert] = [newId("person", systemRandom), newId("person", systemRandom)];

test("of two doors whatever either demands holds, the later where they differ, and the earlier where it lets in less", () => {
  const earlier: Door = {
    tls: "TLSv1.3",
    size: 100,
    transports: ["mqtts"],
    allow: { addresses: ["10.0.0.0/8"], people: [anna] },
    deny: { addresses: ["10.1.0.0/16"], people: [anna] },
  };
  assert.deepEqual(narrowestDoor(earlier, {}), earlier);
  assert.deepEqual(narrowestDoor({}, earlier), earlier);
  assert.deepEqual(narrowestDoor(earlier, earlier), earlier);
  const later: Door = {
    tls: "TLSv1.2",
    size: 50,
    transports: ["https", "mqtts"],
    proof: "key",
    allow: { addresses: ["10.2.0.0/16"], people: [anna, bert] },
    deny: { addresses: ["10.3.0.0/16"], kinds: ["apiToken"] },
    rate: { perMinute: 60 },
  };
  const both: Door = {
    tls: "TLSv1.3",
    size: 50,
    transports: ["mqtts"],
    proof: "key",
    allow: { addresses: ["10.2.0.0/16"], people: [anna] },
    deny: { addresses: ["10.1.0.0/16", "10.3.0.0/16"], people: [anna], kinds: ["apiToken"] },
    rate: { perMinute: 60 },
  };
  assert.deepEqual(narrowestDoor(earlier, later), both);
  assert.deepEqual(narrowestDoor({ transports: ["mqtts"] }, { transports: ["wss"] }), { transports: ["wss"] });
  assert.deepEqual(narrowestDoor({ allow: { people: [anna] } }, { allow: { addresses: ["10.0.0.0/8"] } }), {
    allow: { people: [anna], addresses: ["10.0.0.0/8"] },
  });
});

test("of two demands for a factor the stronger holds, from the earlier day on", () => {
  const [soon, late] = ["2027-01-01T00:00:00Z", "2027-02-01T00:00:00.000Z"];
  const of = (people: object) => ({ people });
  for (const [one, other, both] of [
    [{ factor: "second" }, {}, { factor: "second" }],
    [{ factor: "second", factorFrom: late }, { bound: true }, { bound: true, factor: "second", factorFrom: late }],
    [{ factor: "second" }, { factor: "passkey", factorFrom: late }, { factor: "passkey" }],
    [
      { factor: "passkey", factorFrom: late },
      { factor: "second", factorFrom: soon },
      { factor: "passkey", factorFrom: soon },
    ],
  ])
    for (const [first, second] of [
      [one, other],
      [other, one],
    ])
      assert.deepEqual(JSON.parse(JSON.stringify(strictest(of(first ?? {}), of(second ?? {})))), of(both ?? {}));
});

test("of two demands the stricter holds", () => {
  const one = { devices: { bound: true, greatestAgeDays: 10, leastTls: "TLSv1.2" }, people: { bound: true } } as const;
  const other = { devices: { greatestAgeDays: 20, leastTls: "TLSv1.3" }, programs: { greatestAgeDays: 1 } } as const;
  const both = {
    devices: { bound: true, greatestAgeDays: 10, leastTls: "TLSv1.3" },
    people: { bound: true },
    programs: { greatestAgeDays: 1 },
  };
  assert.deepEqual(strictest(one, other), both);
  assert.deepEqual(strictest(other, one), both);
});

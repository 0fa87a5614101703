import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import { transports, type Conditions } from "@holdfast/protocol";
import fc from "fast-check";
import { unsaid, type Circumstances } from "./circumstances.ts";
import { beyond, judge, readConditions } from "./conditions.ts";

const noon = Date.parse("2026-01-05T12:00:00Z") as Instant; // a Monday
const from = (address: string): Circumstances => ({ ...unsaid, address, transport: "https" });
const office = { days: ["mon"], from: "08:00", to: "18:00", zone: "Europe/Berlin" } as const;

test("a credential's conditions say no in words, and name what they hang on where that is not known", () => {
  const conditions: Conditions = { addresses: ["10.0.0.0/8"], transports: ["mqtts"] };
  assert.equal(judge(conditions, from("192.0.2.7"), noon).against, "from 10.0.0.0/8, and this came from 192.0.2.7");
  assert.equal(judge(conditions, from("10.1.1.1"), noon).against, "over mqtts, and this came over https");
  assert.deepEqual(judge(conditions, unsaid, noon), {
    against: undefined,
    open: ["from 10.0.0.0/8", "over mqtts"],
    until: undefined,
  });
});

test("hours hold until they end, and nothing else of it hangs on time", () => {
  const conditions: Conditions = { hours: [{ ...office, days: [...office.days] }] };
  assert.equal(judge(conditions, unsaid, noon).until, Date.parse("2026-01-05T17:00:00Z"));
  const evening = (noon + 6 * 3_600_000) as Instant;
  assert.match(String(judge(conditions, unsaid, evening).against), /mon 08:00-18:00 Europe\/Berlin/);
  assert.equal(judge({ addresses: ["10.0.0.0/8"] }, from("10.1.1.1"), noon).until, undefined);
});

test("conditions that name nothing are refused, each by its place", () => {
  const asked: Conditions = {
    addresses: ["10.0.0.0/8", "0.0.0.0/0", "pump"],
    hours: [{ ...office, days: ["mon"], to: "08:00" }],
  };
  assert.throws(
    () => readConditions(asked),
    ({ code, faults }: { code: string; faults: { path: string }[] }) => {
      assert.equal(code, "request.malformed");
      assert.deepEqual(
        faults.map(({ path }) => path),
        ["conditions.addresses.1", "conditions.addresses.2", "conditions.hours.0"],
      );
      return true;
    },
  );
});

test("two spellings of the same conditions are kept as one, and none at all as none", () => {
  assert.deepEqual(
    readConditions({ addresses: ["::ffff:10.0.0.0/104"], transports: ["wss", "https"], rate: { perMinute: 60 } }),
    { addresses: ["10.0.0.0/8"], transports: ["https", "wss"], rate: { perMinute: 60, burst: 60 } },
  );
  assert.equal(readConditions({}), undefined);
});

const network = fc
  .tuple(fc.nat(3), fc.constantFrom(8, 16, 24))
  .map(([byte, prefix]) =>
    prefix === 8 ? "10.0.0.0/8" : prefix === 16 ? `10.${byte}.0.0/16` : `10.${byte}.${byte}.0/24`,
  );
const anyConditions: fc.Arbitrary<Conditions> = fc
  .record(
    {
      addresses: fc.array(network, { minLength: 1, maxLength: 3 }),
      hours: fc.array(
        fc.record(
          {
            days: fc.subarray(["mon", "tue", "wed"] as ("mon" | "tue" | "wed")[], { minLength: 1 }),
            from: fc.constantFrom("06:00", "10:00"),
            to: fc.constantFrom("14:00", "18:00", "02:00"),
            zone: fc.constantFrom("Europe/Berlin", "Asia/Kathmandu"),
          },
          { noNullPrototype: true },
        ),
        { minLength: 1, maxLength: 2 },
      ),
      rate: fc.record({ perMinute: fc.integer({ min: 1, max: 3 }) }, { noNullPrototype: true }),
      transports: fc.subarray([...transports], { minLength: 1 }),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .map((asked) => readConditions(asked) ?? {});

test("nobody who is let in by conditions that go not beyond others would be refused by those for what both speak of", () => {
  let compared = 0;
  const coming = fc.record({
    address: fc.tuple(fc.nat(4), fc.nat(4)).map(([a, b]) => `10.${a}.${b}.1`),
    transport: fc.constantFrom(...transports),
    hour: fc.nat(7 * 24),
  });
  fc.assert(
    fc.property(
      anyConditions,
      anyConditions,
      fc.array(coming, { minLength: 20, maxLength: 20 }),
      (outer, inner, all) => {
        if (beyond(outer, inner).length > 0) return;
        const shared: Conditions = {
          ...(inner.addresses && outer.addresses && { addresses: outer.addresses }),
          ...(inner.hours && outer.hours && { hours: outer.hours }),
          ...(inner.transports && outer.transports && { transports: outer.transports }),
        };
        for (const { address, transport, hour } of all) {
          const came: Circumstances = { ...unsaid, address, transport };
          const now = (noon + hour * 3_600_000) as Instant;
          if (judge(inner, came, now).against !== undefined) continue;
          compared += Object.keys(shared).length;
          assert.equal(judge(shared, came, now).against, undefined);
        }
      },
    ),
    { numRuns: 1_000 },
  );
  assert.ok(compared > 100, `only ${compared} were compared`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { step, type Step } from "@holdfast/protocol";
import { Windows, type Window } from "./windows.ts";

const hour = 3_600_000;
const quarter = hour / 4;
const starts = (every: string, zone: string | undefined, from: string, to: string) =>
  [...new Windows(step.parse(every), zone).between(Date.parse(from), Date.parse(to))].map(({ start }) =>
    new Date(start).toISOString().slice(0, 16),
  );

test("a day is as long as its zone has it: 23 and 25 hours where clocks are set", () => {
  const lengths = [...new Windows({ unit: "day", count: 1 }, "Europe/Zurich").between(...range("2026-03-28", 3))];
  assert.deepEqual(hours(lengths), [24, 23, 24, 24]);
  const autumn = [...new Windows({ unit: "day", count: 1 }, "Europe/Zurich").between(...range("2026-10-25", 1))];
  assert.deepEqual(hours(autumn), [25, 24]);
});

test("hours and days begin where the zone has them, also off by quarter hours", () => {
  assert.deepEqual(starts("1h", "Asia/Kathmandu", "2026-01-01T00:00Z", "2026-01-01T02:00Z"), [
    "2025-12-31T23:15",
    "2026-01-01T00:15",
    "2026-01-01T01:15",
  ]);
  assert.deepEqual(starts("1d", "Asia/Kathmandu", "2026-01-01T00:00Z", "2026-01-02T00:00Z"), [
    "2025-12-31T18:15",
    "2026-01-01T18:15",
  ]);
});

test("the hour that comes twice is two windows; six hours of that night are seven", () => {
  assert.deepEqual(starts("1h", "America/New_York", "2026-11-01T05:00Z", "2026-11-01T08:00Z"), [
    "2026-11-01T05:00",
    "2026-11-01T06:00",
    "2026-11-01T07:00",
  ]);
  assert.deepEqual(starts("6h", "America/New_York", "2026-11-01T04:00Z", "2026-11-01T18:00Z"), [
    "2026-11-01T04:00",
    "2026-11-01T11:00",
    "2026-11-01T17:00",
  ]);
  // by half an hour only
  assert.deepEqual(starts("1h", "Australia/Lord_Howe", "2026-04-04T14:00Z", "2026-04-04T17:00Z"), [
    "2026-04-04T14:00",
    "2026-04-04T15:00",
    "2026-04-04T15:30",
    "2026-04-04T16:30",
  ]);
});

test("weeks begin on Mondays, months and years on their first", () => {
  assert.deepEqual(starts("1w", undefined, "2026-11-28T00:00Z", "2026-12-01T00:00Z"), [
    "2026-11-23T00:00",
    "2026-11-30T00:00",
  ]);
  assert.deepEqual(starts("1mo", "Europe/Zurich", "2026-02-15T00:00Z", "2026-04-15T00:00Z"), [
    "2026-01-31T23:00",
    "2026-02-28T23:00",
    "2026-03-31T22:00",
  ]);
  assert.deepEqual(starts("1y", undefined, "2025-05-05T00:00Z", "2026-05-05T00:00Z"), [
    "2025-01-01T00:00",
    "2026-01-01T00:00",
  ]);
});

test("where clocks are set back over midnight, a day begins once, and the hour that comes again is the new day's", () => {
  assert.deepEqual(starts("1d", "America/St_Johns", "2010-11-06T12:00Z", "2010-11-08T12:00Z"), [
    "2010-11-06T02:30",
    "2010-11-07T02:30",
    "2010-11-08T03:30",
  ]);
  // on the first of a month
  assert.deepEqual(starts("1mo", "America/St_Johns", "2009-10-15T00:00Z", "2009-11-01T03:30Z"), [
    "2009-10-01T02:30",
    "2009-11-01T02:30",
  ]);
  // a day that was left out
  assert.deepEqual(starts("1d", "Pacific/Apia", "2011-12-29T12:00Z", "2011-12-31T09:00Z"), [
    "2011-12-29T10:00",
    "2011-12-30T10:00",
  ]);
});

const zones = Intl.supportedValuesOf("timeZone");
const steps: readonly Step[] = [
  ...[1_000, 7_000, quarter, hour, 6 * hour, 7 * hour].map((count) => ({ unit: "millisecond", count }) as const),
  { unit: "day", count: 1 },
  { unit: "day", count: 10 },
  { unit: "week", count: 1 },
  { unit: "month", count: 1 },
  { unit: "month", count: 12 },
];

test("windows cover time without gap or overlap, in every zone, and are the same wherever one begins to ask", () => {
  const time = fc.integer({ min: Date.UTC(1970, 0, 2), max: Date.UTC(2037, 0) });
  // Half of the times are near a change of clocks, where it matters.
  const near = fc.tuple(fc.constantFrom(...zones), time, fc.integer({ min: -30 * hour, max: 30 * hour }), fc.boolean());
  fc.assert(
    fc.property(near, fc.constantFrom(...steps), ([zone, some, off, isNear], of) => {
      const at = Temporal.Instant.fromEpochMilliseconds(some).toZonedDateTimeISO(zone);
      const change = isNear ? at.getTimeZoneTransition("next")?.epochMilliseconds : undefined;
      const moment = change === undefined ? some : change + off;
      const windows = new Windows(of, zone);
      const one = windows.at(moment);
      assert.ok(one.start <= moment && moment < one.end, "holds what it was asked for");
      const asked = new Windows(of, zone);
      assert.deepEqual(asked.at(one.end - 1), one, "the same from its end");
      assert.deepEqual(asked.at(one.start), one, "the same from its start");
      assert.equal(asked.at(one.end).start, one.end, "the next begins where it ends");
      assert.equal(asked.at(one.start - 1).end, one.start, "the one before ends where it begins");
      if (windows.rollsUpSince < one.start) {
        assert.equal(one.start % quarter, 0, "begins at a quarter hour");
        assert.equal(one.end % quarter, 0, "ends at one");
      }
    }),
    { numRuns: 1_500 },
  );
});

test("a zone's clocks are whole quarter hours from UTC, and are set at one, since 2023", () => {
  for (const zone of zones) {
    let at: Temporal.ZonedDateTime | null = Temporal.ZonedDateTime.from(`2023-01-01T00:00[${zone}]`);
    for (; at && at.year < 2028; at = at.getTimeZoneTransition("next")) {
      assert.ok(Number.isInteger(at.offsetNanoseconds / 1e6 / quarter), zone);
      assert.ok(Number.isInteger(at.epochMilliseconds / quarter), zone);
    }
  }
});

const hours = (windows: readonly Window[]) => windows.map(({ start, end }) => (end - start) / hour);

function range(day: string, days: number): [number, number] {
  const from = Date.parse(`${day}T00:00Z`);
  return [from, from + days * 24 * hour];
}

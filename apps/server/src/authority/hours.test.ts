import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import { days, formatHours, parseHours, type Hours } from "@holdfast/protocol";
import fc from "fast-check";
import { changeAfter, heldUntil, holdAt, holdWithin, readHours } from "./hours.ts";

const hours = (text: string): Hours => {
  const read = parseHours(text);
  assert.ok(read, text);
  return read;
};
/** What is wrong with it. */
const said = (read: Hours | string): string => (typeof read === "string" ? read : "nothing");
const at = (text: string) => Date.parse(text) as Instant;
const until = (text: string, from: string) => new Date(heldUntil([hours(text)], at(from))).toISOString();

test("hours hold by the clocks of their place, and past midnight when they end before they begin", () => {
  const office = [hours("mon-fri 08:00-18:00 Europe/Berlin")];
  assert.ok(holdAt(office, at("2026-01-05T07:00:00Z"))); // a Monday, eight o'clock
  assert.ok(!holdAt(office, at("2026-01-05T06:59:59.999Z")));
  assert.ok(!holdAt(office, at("2026-01-05T17:00:00Z")));
  assert.ok(!holdAt(office, at("2026-01-04T12:00:00Z")));
  const night = [hours("sun 22:00-06:00 Asia/Kathmandu")]; // 05:45 east
  assert.ok(holdAt(night, at("2026-01-04T16:15:00Z")));
  assert.ok(holdAt(night, at("2026-01-05T00:14:59Z"))); // Monday there
  assert.ok(!holdAt(night, at("2026-01-05T00:15:00Z")));
});

test("they end when the clocks there say so, also on a night on which the clocks are set", () => {
  assert.equal(until("mon-fri 08:00-18:00 Europe/Berlin", "2026-01-05T12:00:00Z"), "2026-01-05T17:00:00.000Z");
  assert.equal(until("22:00-06:00 Europe/Berlin", "2026-03-28T22:00:00Z"), "2026-03-29T04:00:00.000Z"); // an hour less
  assert.equal(until("22:00-06:00 Europe/Berlin", "2026-10-24T22:00:00Z"), "2026-10-25T05:00:00.000Z"); // an hour more
  // Between two and three it is twice on that night, and between half past two and three it is over once.
  assert.equal(until("02:00-02:30 Europe/Berlin", "2026-10-25T00:10:00Z"), "2026-10-25T00:30:00.000Z");
  // On Lord Howe the clocks are set by half an hour.
  assert.equal(until("01:00-03:00 Australia/Lord_Howe", "2026-04-04T14:30:00Z"), "2026-04-04T16:30:00.000Z");
});

test("those that touch are one, and what never ends is looked at again after eight days", () => {
  const [early, late] = [hours("08:00-12:00 UTC"), hours("13:00-15:00 Europe/Berlin")];
  const end = heldUntil([early, late], at("2026-01-05T09:00:00Z"));
  assert.equal(new Date(end).toISOString(), "2026-01-05T14:00:00.000Z");
  const always = [hours("00:00-12:00 UTC"), hours("12:00-24:00 UTC")];
  assert.equal(heldUntil(always, at("2026-01-05T09:00:00Z")), at("2026-01-13T09:00:00Z"));
});

test("hours that never hold, that always hold or that name no zone are refused", () => {
  assert.match(said(readHours(hours("08:00-08:00 UTC"))), /never/);
  assert.match(said(readHours(hours("00:00-24:00 UTC"))), /always/);
  for (const zone of ["Mars/Olympus", "+01:00", "Z", "Europe/Berlin[u-ca=hebrew]"])
    assert.match(said(readHours({ ...hours("08:00-09:00 UTC"), zone })), /no zone/, zone);
  assert.deepEqual(readHours(hours("fri,mon 08:00-09:00 europe/berlin")), {
    days: ["mon", "fri"],
    from: "08:00",
    to: "09:00",
    zone: "Europe/Berlin",
  });
});

test("hours are within others when they hold only where those do", () => {
  const office = [hours("mon-fri 08:00-12:00 Europe/Berlin"), hours("mon-fri 12:00-18:00 Europe/Berlin")];
  assert.ok(holdWithin(office, [hours("tue 10:00-14:00 Europe/Berlin")]));
  assert.ok(!holdWithin(office, [hours("sat 10:00-14:00 Europe/Berlin")]));
  assert.ok(!holdWithin(office, [hours("tue 10:00-18:01 Europe/Berlin")]));
  assert.ok(!holdWithin(office, [hours("tue 10:00-11:00 UTC")]));
  assert.ok(holdWithin([hours("22:00-06:00 UTC")], [hours("sun 23:00-05:00 UTC")]));
});

const zones = ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "UTC"];
const clock = fc.tuple(fc.nat(23), fc.constantFrom(0, 1, 15, 30, 45, 59));
const written = ([hour, past]: [number, number]) => [hour, past].map((part) => String(part).padStart(2, "0")).join(":");
const anyHours: fc.Arbitrary<Hours> = fc
  .record(
    {
      days: fc.subarray([...days], { minLength: 1 }),
      from: clock.map(written),
      to: fc.oneof(clock.map(written), fc.constant("24:00")),
      zone: fc.constantFrom(...zones),
    },
    { noNullPrototype: true },
  )
  .filter(({ from, to }) => from !== to);

test("hours read back as they were written", () => {
  fc.assert(fc.property(anyHours, (one) => assert.deepEqual(parseHours(formatHours(one)), one)));
});

/** What the calendar on the wall says, minute by minute. */
class Wall {
  readonly #of = new Map(
    zones.map((zone) => [
      zone,
      new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit" }),
    ]),
  );

  holds(all: readonly Hours[], moment: number): boolean {
    return all.some(({ days: on, from, to, zone }) => {
      const text = this.#of.get(zone)?.format(moment) ?? "";
      const today = days.findIndex((day) => text.toLowerCase().startsWith(day));
      const time = text.slice(-5);
      const isOn = (day: number) => on.some((one) => one === days[(day + 7) % 7]);
      if (from < to) return isOn(today) && from <= time && time < to;
      return (isOn(today) && from <= time) || (isOn(today - 1) && time < to);
    });
  }

  until(all: readonly Hours[], moment: number): number {
    let next = moment - (moment % 60_000);
    while (next - moment < 2 * 24 * 3_600_000 && this.holds(all, next)) next += 60_000;
    return next;
  }
}

test("hours hold and end as a clock on the wall says, minute by minute, around the nights on which clocks are set too", () => {
  const wall = new Wall();
  const nights = ["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04", "2026-09-27"];
  const moment = fc
    .tuple(fc.constantFrom(...nights), fc.integer({ min: -36 * 60, max: 36 * 60 }), fc.nat(59_999))
    .map(([night, minutes, past]) => (at(`${night}T00:00:00Z`) + minutes * 60_000 + past) as Instant);
  fc.assert(
    fc.property(fc.array(anyHours, { minLength: 1, maxLength: 2 }), moment, (all, now) => {
      assert.equal(holdAt(all, now), wall.holds(all, now));
      if (!holdAt(all, now)) return;
      const [end, expected] = [heldUntil(all, now), wall.until(all, now)];
      if (expected - now < 2 * 24 * 3_600_000) assert.equal(end, expected);
      else assert.ok(end >= expected);
    }),
    { numRuns: 200 },
  );
});

test("between two changes they hold all of the time or none of it, also where the clocks are set", () => {
  const pad = (number: number) => String(Math.floor(number)).padStart(2, "0");
  const minutes = fc.nat({ max: 24 * 60 - 1 }).map((minute) => `${pad(minute / 60)}:${pad(minute % 60)}`);
  const one = fc.record({
    days: fc.subarray([...days], { minLength: 1 }),
    from: minutes,
    to: minutes,
    zone: fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"),
  });
  const moment = fc.constantFrom("2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z", "2026-06-03T12:00:00Z").map(at);
  fc.assert(
    fc.property(
      fc.array(one, { minLength: 1, maxLength: 3 }),
      moment,
      fc.nat(3 * 86_400_000),
      (asked, first, later) => {
        const some = asked.filter(({ from, to }) => from !== to);
        fc.pre(some.length > 0);
        const begin = (first + later) as Instant; // milliseconds both
        const end = changeAfter(some, begin);
        assert.ok(end > begin);
        for (const part of [0.25, 0.5, 0.99]) {
          const between = Math.floor(begin + (end - begin) * part) as Instant; // milliseconds all
          assert.equal(holdAt(some, between), holdAt(some, begin));
        }
      },
    ),
    { numRuns: 300 },
  );
});

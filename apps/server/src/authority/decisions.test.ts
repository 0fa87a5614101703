import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, type Instant } from "@holdfast/kernel";
import { cameFrom, Decisions, granted, type Question } from "./decisions.ts";
import { unsaid } from "./circumstances.ts";

let made = 0;
const random = { bytes: (count: number) => new Uint8Array(count).fill((made += 1)) };
const [pump, valve] = [newId("device", random), newId("device", random)];
const key = newId("key", random);
const midnight = Date.parse("2026-06-03T00:00:00Z") as Instant;
const at = (hours: number) => (midnight + hours * 3_600_000) as Instant; // milliseconds both

const question = (more: Partial<Question> = {}): Question => ({
  credential: key,
  action: "telemetry.write",
  about: pump,
  device: pump,
  came: cameFrom({ ...unsaid, address: "192.0.2.77", transport: "mqtts" }),
  ...more,
});
const rowsOf = (decisions: Decisions) => decisions.pages(1_000).flat();

test("the same question with the same answer is one cell of its day, which says how often in each hour", () => {
  const decisions = new Decisions();
  for (const hour of [0, 7.99, 8, 8.5, 23.9]) decisions.count(question(), granted, at(hour));
  decisions.count(
    question({ came: cameFrom({ ...unsaid, address: "192.0.2.1", transport: "mqtts" }) }),
    granted,
    at(8),
  );
  decisions.count(question(), { allowed: false, clause: "grant" }, at(8));
  decisions.count(question(), granted, at(24));
  const [first, refused, next, ...more] = rowsOf(decisions);
  assert.equal(more.length, 0);
  const hours = first?.hours.flatMap((times, hour) => (times > 0 ? [[hour, times]] : []));
  assert.deepEqual(hours, [
    [0, 1],
    [7, 1],
    [8, 3],
    [23, 1],
  ]);
  assert.deepEqual([refused?.answered.clause, next?.day], ["grant", at(24)]);
  assert.equal(first?.question?.came.place, "192.0.2.0/24");
});

test("what there is no room for on a day is counted and not told apart, and the next day has room again", () => {
  const decisions = new Decisions(2);
  for (const about of [pump, valve, undefined, undefined]) decisions.count(question({ about }), granted, at(1));
  decisions.count(question({ action: "telemetry.read" }), granted, at(2));
  decisions.count(question(), granted, at(3));
  const rows = rowsOf(decisions);
  assert.deepEqual(
    rows.map(({ question: asked, told }) => [asked?.about, told]),
    [
      [pump, 2],
      [valve, 1],
      [undefined, 3],
    ],
  );
  assert.equal(rows[2]?.question, undefined);
  decisions.count(question({ about: undefined }), granted, at(25));
  assert.ok(rowsOf(decisions).at(-1)?.question);
});

test("one credential does not take the room of all others, and has its own again on the next day", () => {
  const decisions = new Decisions(4, 2);
  const from = (place: number) => cameFrom({ ...unsaid, address: `2001:db8:${place}::1` });
  for (let place = 0; place < 9; place += 1) decisions.count(question({ came: from(place) }), granted, at(1));
  decisions.count(question({ credential: newId("key", random) }), granted, at(1));
  const told = rowsOf(decisions).map(({ question: asked, told: times }) => [asked?.credential === key, times]);
  assert.deepEqual(told, [
    [true, 1],
    [true, 1],
    [false, 7],
    [false, 1],
  ]);
  assert.deepEqual(
    rowsOf(decisions).map(({ question: asked }) => asked === undefined),
    [false, false, true, false],
  );
  decisions.count(question({ came: from(10) }), granted, at(25));
  assert.ok(rowsOf(decisions).at(-1)?.question);
});

test("what was written is not written again unless it grew, also while it was being written, and past days are forgotten then", () => {
  const decisions = new Decisions();
  decisions.count(question(), granted, at(1));
  const [page = []] = decisions.pages(10);
  decisions.count(question(), granted, at(2));
  decisions.forgetPast(at(30));
  decisions.kept(page);
  assert.ok(decisions.hasChanged, "it grew meanwhile");
  const [again = []] = decisions.pages(10);
  assert.deepEqual([again[0]?.isKept, again[0]?.told], [true, 2]);
  decisions.kept(again);
  assert.deepEqual([decisions.hasChanged, decisions.pages(10)], [false, []]);
  decisions.forgetPast(at(30));
  decisions.count(question(), granted, at(3));
  assert.equal(decisions.pages(10)[0]?.[0]?.told, 1, "a new cell of a day that was forgotten");
});

test("of an address its place is kept: its /24, or its /48, however it was written", () => {
  const placeOf = (address: string) => cameFrom({ ...unsaid, address }).place;
  assert.deepEqual(["10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203"].map(placeOf), Array(3).fill("10.1.2.0/24"));
  assert.deepEqual(["2001:db8:1:2::3", "fe80::1%eth0"].map(placeOf), ["2001:db8:1::/48", "fe80::/48"]);
  assert.equal(cameFrom({ ...unsaid, origin: `https://${"a".repeat(300)}` }).origin, "another");
});

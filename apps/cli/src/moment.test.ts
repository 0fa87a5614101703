import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rfc3339, type Instant } from "@holdfast/kernel";
import { parseDuration, parseMoment, relative } from "./moment.ts";
import { noon } from "./testing/world.ts";

test("a time is now, a distance from now, or RFC 3339 with an offset", () => {
  const read = (text: string): string => rfc3339(parseMoment(text, noon));
  assert.equal(read("now"), "2026-06-01T12:00:00.000Z");
  assert.equal(read("-24h"), "2026-05-31T12:00:00.000Z");
  assert.equal(read("+30s"), "2026-06-01T12:00:30.000Z");
  assert.equal(read("2026-01-31T12:00:00+02:00"), "2026-01-31T10:00:00.000Z");
  for (const text of ["24h", "yesterday", "2026-01-31", "2026-01-31T12:00:00", "-1y", "-", ""]) {
    assert.throws(() => read(text), { name: "Misuse" }, text);
  }
});

test("a length of time is a number and a unit", () => {
  assert.equal(parseDuration("90d"), 90 * 86_400_000);
  assert.throws(() => parseDuration("90"), { name: "Misuse" });
});

test("people read how long ago something was", () => {
  const at = (seconds: number): string => relative(rfc3339((noon + seconds * 1_000) as Instant), noon); // whole milliseconds
  assert.deepEqual([0, -1, -90, -300, -5 * 3_600, 36 * 3_600, -3 * 86_400, -400 * 86_400].map(at), [
    "now",
    "now",
    "90 s ago",
    "5 min ago",
    "5 h ago",
    "in 36 h",
    "3 d ago",
    "2025-04-27",
  ]);
  assert.equal(relative(undefined, noon), "");
});

test("no time crashes the reader of distances", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      ),
      (text) => {
        assert.equal(typeof relative(text, noon), "string");
      },
    ),
  );
});

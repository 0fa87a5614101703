import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instantOf, parseInstant, rfc3339 } from "./index.ts";

const two = (number: number): string => String(number).padStart(2, "0");

test("a text that is read as a time is written again as the same text", () => {
  const part = (max: number) => fc.integer({ min: 0, max });
  fc.assert(
    fc.property(
      part(9_999),
      part(13),
      part(32),
      part(25),
      part(61),
      part(61),
      (year, month, day, hour, minute, second) => {
        const text = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}.000Z`;
        const at = parseInstant(text);
        if (at !== undefined) assert.equal(rfc3339(at), text);
      },
    ),
    { numRuns: 5_000 },
  );
});

test("every moment of the years 0 to 9999 is read from what it is written as", () => {
  const [first, last] = [Date.parse("0000-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59.999Z")];
  fc.assert(
    fc.property(fc.integer({ min: first, max: last }), (milliseconds) => {
      const at = instantOf(milliseconds) ?? assert.fail();
      assert.equal(parseInstant(rfc3339(at)), at);
    }),
  );
});

test("a day, an hour or a second that no calendar has is no time", () => {
  const none = ["2026-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z"];
  const hours = [
    "2026-01-01T24:00:00Z",
    "2026-01-01T24:00:00+01:00",
    "2016-12-31T23:59:60Z",
    "2026-01-01T00:00:00+24:00",
  ];
  for (const text of [...none, ...hours]) assert.equal(parseInstant(text), undefined, text);
  for (const text of ["2024-02-29T00:00:00Z", "2000-02-29t23:59:59.9z", "2026-12-31T23:59:59-23:59"])
    assert.notEqual(parseInstant(text), undefined, text);
});

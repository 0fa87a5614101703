import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import * as all from "./index.ts";

/** What stands where something else is wanted. */
const odd: readonly unknown[] = [
  "",
  "often",
  "0s",
  "999999d",
  "-1",
  "\u0000",
  "x".repeat(10_000),
  "::::",
  "1.2.3.4/99",
  "{}",
  "=",
  "\ud800",
  "2026-13-45T99:99:99Z",
  "mon-fri 99:99-08:00 Nowhere/Nothing",
  "https://[",
  Infinity,
  -1,
  0.5,
  null,
  true,
  [],
  {},
  ["x"],
  [null],
  { constructor: 1 },
];

/** The shape of each field, within others too, and what a whole is like that has a value there. */
function* fieldsOf(
  shape: z.ZodType,
  whole: (value: unknown) => unknown = (value) => value,
): Iterable<(value: unknown) => unknown> {
  yield whole;
  if (shape instanceof z.ZodOptional || shape instanceof z.ZodNullable)
    yield* fieldsOf(shape.unwrap() as z.ZodType, whole);
  else if (shape instanceof z.ZodArray) yield* fieldsOf(shape.element as z.ZodType, (value) => whole([value]));
  else if (shape instanceof z.ZodUnion) for (const one of shape.options) yield* fieldsOf(one as z.ZodType, whole);
  else if (shape instanceof z.ZodObject)
    for (const [name, field] of Object.entries(shape.shape))
      yield* fieldsOf(field as z.ZodType, (value) => whole({ [name]: value }));
}

test("whatever stands in a field, the shape of a request takes it or names it, and never fails", () => {
  let tried = 0;
  for (const [name, route] of Object.entries(all.everyRoute)) {
    for (const part of ["params", "query", "body"] as const) {
      const shape = (route as Partial<Record<typeof part, unknown>>)[part]; // some have it
      if (!(shape instanceof z.ZodType)) continue;
      for (const whole of fieldsOf(shape)) {
        for (const value of odd) assert.doesNotThrow(() => shape.safeParse(whole(value)), `${name}, ${part}`);
        tried += 1;
      }
    }
  }
  assert.ok(tried > 500, `${tried} fields`);
});

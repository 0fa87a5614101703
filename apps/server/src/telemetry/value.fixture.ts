import fc from "fast-check";
import type { Location } from "./value.ts";

const metres = fc.option(
  fc.oneof(
    fc.constantFrom(0, -0, 12.5),
    fc.integer({ min: 0, max: 90_000 }).map((tenths) => tenths / 10),
  ),
  { nil: undefined },
);
const degrees = (most: number) =>
  fc.oneof(
    fc.integer({ min: -most * 1e6, max: most * 1e6 }).map((millionths) => millionths / 1e6),
    fc.double({ min: -most, max: most, noNaN: true }),
  );

export const anyLocation: fc.Arbitrary<Location> = fc
  .tuple(degrees(90), degrees(180), metres, metres)
  .map(([latitude, longitude, altitude, accuracy]) => ({
    latitude,
    longitude,
    ...(altitude !== undefined && { altitude }),
    ...(accuracy !== undefined && { accuracy: Math.abs(accuracy) }),
  }));

/** The text of an object or an array. */
export const anyJson: fc.Arbitrary<string> = fc
  .oneof(
    fc.dictionary(fc.constantFrom("a", "b", "läuft", "__proto__"), fc.jsonValue({ maxDepth: 1 })),
    fc.array(fc.oneof(fc.integer(), fc.constant("on"), fc.constant(null)), { maxLength: 4 }),
  )
  .map((value) => JSON.stringify(value));

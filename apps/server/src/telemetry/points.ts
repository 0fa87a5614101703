import type { Instant } from "@holdfast/kernel";
import { Json, type Location, type Value, type ValueType } from "./value.ts";

/**
 * Points of one series in columns: `times[i]` (milliseconds since 1970, strictly increasing where not said otherwise) belongs to `values[i]`.
 * Booleans are 0 and 1. Numbers are finite. A document of JSON is its text.
 */
export type Points = NumberPoints | BooleanPoints | TextPoints | LocationPoints;
export type NumberPoints = { readonly type: "number"; readonly times: Float64Array; readonly values: Float64Array };
export type BooleanPoints = { readonly type: "boolean"; readonly times: Float64Array; readonly values: Uint8Array };
export type TextPoints = {
  readonly type: "text" | "json";
  readonly times: Float64Array;
  readonly values: readonly string[];
};
export type LocationPoints = {
  readonly type: "location";
  readonly times: Float64Array;
  readonly values: readonly Location[];
};

export type Point = { readonly time: Instant; readonly value: Value };

export function pointAt(points: Points, at: number): Point {
  const time = (points.times[at] ?? 0) as Instant; // whole milliseconds, and `at` is within
  switch (points.type) {
    case "number":
      return { time, value: points.values[at] ?? 0 };
    case "boolean":
      return { time, value: points.values[at] === 1 };
    case "text":
      return { time, value: points.values[at] ?? "" };
    case "json":
      return { time, value: new Json(points.values[at] ?? "null") };
    case "location":
      return { time, value: points.values[at] ?? nowhere };
  }
}

export function noPoints(type: ValueType): Points {
  const times = new Float64Array(0);
  switch (type) {
    case "number":
      return { type, times, values: new Float64Array(0) };
    case "boolean":
      return { type, times, values: new Uint8Array(0) };
    case "text":
    case "json":
      return { type, times, values: [] };
    case "location":
      return { type, times, values: [] };
  }
}

/** The points from index `from` to before `to`: a view where the columns can be viewed. */
export function slicePoints(points: Points, from: number, to: number): Points {
  const times = points.times.subarray(from, to);
  switch (points.type) {
    case "number":
      return { type: "number", times, values: points.values.subarray(from, to) };
    case "boolean":
      return { type: "boolean", times, values: points.values.subarray(from, to) };
    case "text":
    case "json":
      return { type: points.type, times, values: points.values.slice(from, to) };
    case "location":
      return { type: "location", times, values: points.values.slice(from, to) };
  }
}

/** The indexes from 0 to before `count`. */
export function firstIndexes(count: number): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(count);
  for (let at = 0; at < count; at++) all[at] = at;
  return all;
}

/** A copy of the points with these indexes, in their order. */
export function pickPoints(points: Points, indexes: Uint32Array): Points {
  const count = indexes.length;
  const times = pickDoubles(points.times, indexes);
  switch (points.type) {
    case "number":
      return { type: "number", times, values: pickDoubles(points.values, indexes) };
    case "boolean": {
      const values = new Uint8Array(count);
      for (let at = 0; at < count; at++) values[at] = points.values[indexes[at] ?? 0] ?? 0; // indexes are of these points
      return { type: "boolean", times, values };
    }
    case "text":
    case "json":
      return { type: points.type, times, values: Array.from(indexes, (index) => points.values[index] ?? "") };
    case "location":
      return { type: "location", times, values: pickPlaces(points.values, indexes) };
  }
}

const pickPlaces = (from: readonly Location[], indexes: Uint32Array): Location[] =>
  Array.from(indexes, (index) => from[index] ?? nowhere); // likewise

/** Stands where the compiler wants a location and none is missing. */
export const nowhere: Location = { latitude: 0, longitude: 0 };

/** In a loop: `Float64Array.from` with a function takes twenty times as long. */
function pickDoubles(from: Float64Array, indexes: Uint32Array): Float64Array {
  const picked = new Float64Array(indexes.length);
  for (let at = 0; at < indexes.length; at++) picked[at] = from[indexes[at] ?? 0] ?? 0; // likewise
  return picked;
}

/** The first index whose time is not before `time`. */
export function firstAt(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? Infinity) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

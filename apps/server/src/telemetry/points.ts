import type { ValueType } from "./reading.ts";

/**
 * Points of one series in columns: `times[i]` (milliseconds since 1970, strictly increasing where not said otherwise) belongs to `values[i]`.
 * Booleans are 0 and 1. Numbers are finite.
 */
export type Points = NumberPoints | BooleanPoints | TextPoints;
export type NumberPoints = { readonly type: "number"; readonly times: Float64Array; readonly values: Float64Array };
export type BooleanPoints = { readonly type: "boolean"; readonly times: Float64Array; readonly values: Uint8Array };
export type TextPoints = { readonly type: "text"; readonly times: Float64Array; readonly values: readonly string[] };

export function noPoints(type: ValueType): Points {
  const times = new Float64Array(0);
  switch (type) {
    case "number":
      return { type, times, values: new Float64Array(0) };
    case "boolean":
      return { type, times, values: new Uint8Array(0) };
    case "text":
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
      return { type: "text", times, values: points.values.slice(from, to) };
  }
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

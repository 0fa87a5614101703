import type { Instant } from "@holdfast/kernel";
import { digitsOf, isExact, powerOf } from "./decimals.ts";
import { nowhere, type NumberPoints, type Points } from "./points.ts";
import type { Location } from "./value.ts";

/**
 * What is known of some points of one series without having them: enough for count, average, sum, least, greatest, first and last. There is always
 * at least one point. Of two summaries that share no point, `mergeSummaries` makes the summary of both.
 */
export type Summary = NumberSummary | BooleanSummary | TextSummary | LocationSummary;

export type Span = { readonly count: number; readonly firstTime: Instant; readonly lastTime: Instant };

export type NumberSummary = Span & {
  readonly type: "number";
  /**
   * Of decimals (`digits` known) the double nearest to the true sum, so that people see 0.3 and not 0.30000000000000004; of other numbers a
   * compensated sum of doubles (Neumaier 1974), off by about one unit in the last place for each merge. An average is `sum / count`.
   */
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly first: number;
  readonly last: number;
  /** Every value has at most so many digits behind the point; `undefined` when one has more than 14. */
  readonly digits: number | undefined;
};
export type BooleanSummary = Span & {
  readonly type: "boolean";
  readonly trues: number;
  readonly first: boolean;
  readonly last: boolean;
};
export type TextSummary = Span & { readonly type: "text" | "json"; readonly first: string; readonly last: string };
export type LocationSummary = Span & {
  readonly type: "location";
  readonly first: Location;
  readonly last: Location;
};

/** A sum in whole units of the last digit is exact up to here, with room for the rounding of a product. */
const mostUnits = 2 ** 51;

/** The summary of the points from index `from` to before `to`; `undefined` when there is none. `digits` saves looking for them again. */
export function summaryOf(points: Points, from = 0, to = points.times.length, digits?: number): Summary | undefined {
  if (to <= from) return undefined;
  const count = to - from;
  const firstTime = (points.times[from] ?? 0) as Instant; // times are whole milliseconds
  const lastTime = (points.times[to - 1] ?? 0) as Instant; // likewise
  const span = { count, firstTime, lastTime };
  switch (points.type) {
    case "number":
      return { type: "number", ...span, ...numbersOf(points, from, to, digits) };
    case "boolean": {
      let trues = 0;
      for (let at = from; at < to; at++) trues += points.values[at] ?? 0;
      return { type: "boolean", ...span, trues, first: points.values[from] === 1, last: points.values[to - 1] === 1 };
    }
    case "text":
    case "json":
      return { type: points.type, ...span, first: points.values[from] ?? "", last: points.values[to - 1] ?? "" };
    case "location": {
      const [first, last] = [points.values[from] ?? nowhere, points.values[to - 1] ?? nowhere];
      return { type: "location", ...span, first, last };
    }
  }
}

function numbersOf({ values }: NumberPoints, from: number, to: number, known: number | undefined) {
  const digits = known ?? digitsOf(values.subarray(from, to), to - from);
  const power = powerOf(digits ?? 0);
  let isDecimal = digits !== undefined;
  let units = 0;
  let [sum, lost] = [0, 0];
  let [min, max] = [Infinity, -Infinity];
  for (let at = from; at < to; at++) {
    const value = values[at] ?? 0; // at is below to
    if (value < min) min = value;
    if (value > max) max = value;
    if (isDecimal && digits !== undefined && isExact(value, digits)) units += Math.round(value * power);
    else isDecimal = false;
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  if (Math.abs(units) > mostUnits) isDecimal = false;
  // + 0 makes 0 of -0, which means nothing here; a sum that left the doubles has lost what was lost, too
  const total = isDecimal ? units / power : Number.isFinite(sum + lost) ? sum + lost : clamp(sum);
  const [first, last] = [(values[from] ?? 0) + 0, (values[to - 1] ?? 0) + 0];
  return { sum: total + 0, min: min + 0, max: max + 0, first, last, digits: isDecimal ? digits : undefined };
}

/** Sums stay finite, because nothing that we store or answer is infinite. */
const clamp = (sum: number): number =>
  Number.isNaN(sum) ? 0 : Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum));

/** The summary of both. They share no point; of points with equal times the `later` one's counts as the last. */
export function mergeSummaries(earlier: Summary, later: Summary): Summary {
  const begins = later.firstTime < earlier.firstTime ? later : earlier;
  const ends = earlier.lastTime > later.lastTime ? earlier : later;
  const count = earlier.count + later.count;
  const { firstTime } = begins;
  const { lastTime } = ends;
  if (earlier.type === "number" && later.type === "number" && begins.type === "number" && ends.type === "number") {
    const digits =
      earlier.digits === undefined || later.digits === undefined ? undefined : Math.max(earlier.digits, later.digits);
    const sum = clamp(earlier.sum + later.sum);
    const units = digits === undefined ? Infinity : Math.round(sum * powerOf(digits));
    const isDecimal = Math.abs(units) <= mostUnits;
    return {
      type: "number",
      count,
      firstTime,
      lastTime,
      sum: isDecimal && digits !== undefined ? units / powerOf(digits) + 0 : sum,
      min: Math.min(earlier.min, later.min),
      max: Math.max(earlier.max, later.max),
      first: begins.first,
      last: ends.last,
      digits: isDecimal ? digits : undefined,
    };
  }
  if (earlier.type === "boolean" && later.type === "boolean" && begins.type === "boolean" && ends.type === "boolean") {
    const trues = earlier.trues + later.trues;
    return { type: "boolean", count, firstTime, lastTime, trues, first: begins.first, last: ends.last };
  }
  const span = { count, firstTime, lastTime };
  if (begins.type === "location" && ends.type === "location" && earlier.type === later.type)
    return { type: "location", ...span, first: begins.first, last: ends.last };
  const isText = begins.type === "text" || begins.type === "json";
  if (isText && (ends.type === "text" || ends.type === "json") && begins.type === ends.type)
    return { type: begins.type, ...span, first: begins.first, last: ends.last };
  throw new TypeError("summaries of different types have no sum");
}

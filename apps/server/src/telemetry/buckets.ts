import { Refusal, type Instant } from "@holdfast/kernel";
import type { Aggregate } from "@holdfast/protocol";
import type { Decoding } from "./decoding.ts";
import { isPercentile, percentileOf, sizesOf, type Percentile } from "./percentile.ts";
import { firstAt, slicePoints } from "./points.ts";
import type { Part } from "./reader.ts";
import { Stint } from "./stint.ts";
import { mergeSummaries, summaryOf, type Summary } from "./summary.ts";
import { Json, type Value } from "./value.ts";
import type { Windows } from "./windows.ts";

type Ends = "first" | "last";
export type Bucket = { readonly time: Instant } & { readonly [A in Exclude<Aggregate, Ends>]?: number } & {
  readonly [A in Ends]?: Value;
};

/** What is known of one window so far. */
type Found = { summary: Summary; readonly values: Float64Array[] };

/** Sorts what a window has. */
export type Sort = (values: Float64Array<ArrayBuffer>) => Float64Array | Promise<Float64Array>;

/** As many take a millisecond or two. */
const mostSortedHere = 20_000;

/** More than a few are sorted by a thread. */
export const sortedBy =
  (decoding: Decoding): Sort =>
  (values) =>
    values.length > mostSortedHere ? decoding.sort(values) : values.sort();

/** Aggregates of the windows that points fall into. */
export class Buckets {
  readonly #windows: Windows;
  readonly #aggregates: readonly Aggregate[];
  readonly #needsValues: boolean;
  readonly #found = new Map<number, Found>();

  constructor(windows: Windows, aggregates: readonly Aggregate[]) {
    this.#windows = windows;
    this.#aggregates = aggregates;
    this.#needsValues = aggregates.some(isPercentile);
  }

  /** How many windows have something. */
  get count(): number {
    return this.#found.size;
  }

  /** From when on quarter hours do in place of points; Infinity when only points do. */
  get rollUpSince(): number {
    return this.#needsValues ? Infinity : this.#windows.rollsUpSince;
  }

  /** `isEnough` ends it between two windows. */
  add(part: Part, isEnough = () => false): void {
    if (!("type" in part)) {
      for (const { start, summary } of part) this.#merge(this.#windows.at(start).start, summary);
      return;
    }
    const { times } = part;
    for (let from = 0; from < times.length && !isEnough();) {
      const { start, end } = this.#windows.at(times[from] ?? 0); // from is below length
      const to = firstAt(times, end);
      const summary = summaryOf(part, from, to);
      const values = this.#needsValues ? sizesOf(slicePoints(part, from, to)) : undefined;
      if (summary) this.#merge(start, summary, values);
      from = to;
    }
  }

  /** The starts of windows that have something, in the order in which they were found. */
  starts(): readonly number[] {
    return [...this.#found.keys()];
  }

  /** What is known of the windows that begin then, in their order. @throws Refusal `telemetry.noAggregate` */
  async at(starts: readonly number[], sort: Sort): Promise<readonly Bucket[]> {
    const buckets: Bucket[] = [];
    const stint = new Stint();
    for (const start of starts) {
      const found = this.#found.get(start);
      if (!found) continue;
      const sorted = this.#needsValues ? await sort(together(found.values)) : undefined;
      buckets.push(this.#bucket(start, found.summary, sorted));
      if (buckets.length % 256 === 0 && stint.isLong) await stint.rest();
    }
    return buckets;
  }

  #bucket(start: number, summary: Summary, sorted: Float64Array | undefined): Bucket {
    const entries = this.#aggregates.map((aggregate) => [
      aggregate,
      isPercentile(aggregate) ? percentileIn(summary, sorted, aggregate) : valueOf(summary, aggregate),
    ]);
    return { time: start as Instant, ...Object.fromEntries(entries) }; // windows begin at whole milliseconds
  }

  #merge(start: number, summary: Summary, values?: Float64Array): void {
    const there = this.#found.get(start);
    if (there) there.summary = mergeSummaries(there.summary, summary);
    else this.#found.set(start, { summary, values: [] });
    if (values) this.#found.get(start)?.values.push(values);
  }
}

function percentileIn({ type }: Summary, sorted: Float64Array | undefined, percentile: Percentile): number {
  if (type !== "number" && type !== "boolean") throw noAggregate(type, percentile);
  return percentileOf(sorted ?? new Float64Array(0), percentile);
}

const nouns = { text: "Texts", location: "Locations", json: "Documents of JSON" } as const;
const noAggregate = (type: keyof typeof nouns, aggregate: Aggregate) =>
  new Refusal("telemetry.noAggregate", { detail: `${nouns[type]} have no ${aggregate}.` });

function together(parts: readonly Float64Array[]): Float64Array<ArrayBuffer> {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function valueOf(summary: Summary, aggregate: Exclude<Aggregate, Percentile>): Value {
  switch (aggregate) {
    case "count":
      return summary.count;
    case "first":
    case "last":
      return summary.type === "json" ? new Json(summary[aggregate]) : summary[aggregate];
    case "avg":
    case "max":
    case "min":
    case "sum":
      return numeric(summary, aggregate);
  }
}

/** Of booleans, true counts as 1: the average is how often it was true. */
function numeric(summary: Summary, aggregate: "avg" | "max" | "min" | "sum"): number {
  switch (summary.type) {
    case "number":
      // A sum is rounded, and stays finite: alone it would say that 0.1, 0.1 and 0.1 are a little less than 0.1 on average.
      return aggregate === "avg"
        ? Math.min(Math.max(summary.sum / summary.count, summary.min), summary.max)
        : summary[aggregate];
    case "boolean": {
      const { trues, count } = summary;
      return { avg: trues / count, sum: trues, max: trues > 0 ? 1 : 0, min: trues === count ? 1 : 0 }[aggregate];
    }
    case "text":
    case "location":
    case "json":
      throw noAggregate(summary.type, aggregate);
  }
}

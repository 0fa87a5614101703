import { Refusal, type Clock, type Instant, type Random } from "@holdfast/kernel";
import type { Aggregate } from "@holdfast/protocol";
import { readableAttributes, type Permit } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { firstAt, nowhere, type Points } from "./points.ts";
import { SeriesReader } from "./reader.ts";
import { quarterHour } from "./rollup.ts";
import type { Series } from "./series.ts";
import { mergeSummaries, summaryOf, type Summary } from "./summary.ts";
import type { Telemetry } from "./telemetry.ts";
import { Json, type Value } from "./value.ts";

export type Point = { readonly time: Instant; readonly value: Value };
export type Bucket = { readonly time: Instant } & { readonly [A in Aggregate]?: Value };

export type PointsAsked = {
  readonly attribute: string;
  /** In [from, to). `to` defaults to everything there is, also what clocks ahead of ours sent; `from` to 24 hours before. */
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
};

export type AggregatesAsked = PointsAsked & {
  /** Milliseconds: a second to 366 days. */
  readonly every: number;
  readonly aggregates: readonly Aggregate[];
};

const day = 86_400_000;
const longestStep = 366 * day;
/** ECMA-262, 21.4.1.1: no instant is later. */
const endOfTime = 8.64e15;

type Needs = {
  readonly telemetry: Telemetry;
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly clock: Clock;
};

/** What was measured, read back: from chunks, and from what is not in chunks yet. */
export class TelemetryQueries {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * Points in [from, to), oldest first. A cursor is the time of the last point of its page: whoever follows cursors gets every point
   * that was there at the beginning once, and of those that come late the ones that are still ahead of it.
   */
  async points(
    permit: Permit<"telemetry.read">,
    asked: PointsAsked,
  ): Promise<{ items: readonly Point[]; nextCursor: string | undefined }> {
    const { from, to } = this.#range(asked);
    const start = asked.cursor === undefined ? from : Math.max(from, cursorTime(asked.cursor) + 1);
    const series = await this.#series(permit, asked.attribute);
    if (!series || start >= to) return { items: [], nextCursor: undefined };
    const items: Point[] = [];
    for await (const points of this.#points(permit, series, start, to)) {
      const past = Math.min(points.times.length, asked.limit + 1 - items.length);
      for (let at = 0; at < past; at++) items.push(pointAt(points, at));
      if (items.length > asked.limit) break;
    }
    const page = items.slice(0, asked.limit);
    return { items: page, nextCursor: items.length > asked.limit ? String(page.at(-1)?.time) : undefined };
  }

  /**
   * One bucket for each step that has points; steps are multiples of `every` since 1970, UTC. A cursor is the start of the next step,
   * so that no page ends within one.
   */
  async aggregate(
    permit: Permit<"telemetry.read">,
    asked: AggregatesAsked,
  ): Promise<{ items: readonly Bucket[]; nextCursor: string | undefined }> {
    const { every, limit } = asked;
    const { from, to } = this.#range(asked);
    if (!Number.isInteger(every) || every < 1_000 || every > longestStep) throw new Refusal("telemetry.range");
    const begin = asked.cursor === undefined ? from : Math.max(from, stepOf(asked.cursor, every));
    const series = await this.#series(permit, asked.attribute);
    if (!series || begin >= to) return { items: [], nextCursor: undefined };
    const buckets = new Map<number, Summary>();
    const add = (time: number, summary: Summary) => {
      const start = Math.floor(time / every) * every;
      const there = buckets.get(start);
      buckets.set(start, there ? mergeSummaries(there, summary) : summary);
    };
    const mayRollUp = every % quarterHour === 0;
    // In the order of time: once a step more than the page holds has begun, the page is whole.
    for await (const part of this.#reader(permit, series, { from: begin, to, mayRollUp }).parts()) {
      if ("start" in part) add(part.start, part.summary);
      else addPoints(part, every, add, () => buckets.size > limit);
      if (buckets.size > limit) break;
    }
    const all = [...buckets];
    const items = all.slice(0, limit).map(([time, summary]) => bucketOf(time as Instant, summary, asked.aggregates)); // a multiple of whole milliseconds
    return { items, nextCursor: all.length > limit ? String(all[limit]?.[0]) : undefined };
  }

  /** The newest point of each attribute. */
  async latest(permit: Permit<"telemetry.read">): Promise<readonly { attribute: string; point: Point }[]> {
    const { byName } = await this.#needs.telemetry.seriesOf(permit);
    const found: { attribute: string; point: Point }[] = [];
    const mayRead = readableAttributes(permit);
    for (const series of byName.values()) {
      if (mayRead && !mayRead(series.name)) continue;
      await this.#findNewest(permit, series);
      const { newest } = series;
      if (newest) found.push({ attribute: series.name, point: { time: newest.time as Instant, value: newest.value } }); // whole milliseconds
    }
    return found.sort((a, b) => (a.attribute < b.attribute ? -1 : 1));
  }

  /** What came since the series was loaded is known; of what was in chunks before, once. */
  async #findNewest(permit: Permit<"telemetry.read">, series: Series): Promise<void> {
    if (series.isNewestOfAll || !series.tail) return;
    let newest: Point | undefined;
    // No chunk that ends before the last one does can hold the newest.
    for await (const points of this.#points(permit, series, series.tail.last, endOfTime))
      newest = pointAt(points, points.times.length - 1);
    if (newest && (!series.newest || newest.time > series.newest.time)) series.newest = { ...newest };
    series.isNewestOfAll = true;
  }

  async #series(permit: Permit<"telemetry.read">, attribute: string): Promise<Series | undefined> {
    // What is hidden is answered like what was never measured.
    const mayRead = readableAttributes(permit);
    const { byName } = await this.#needs.telemetry.seriesOf(permit);
    return mayRead && !mayRead(attribute) ? undefined : byName.get(attribute);
  }

  async *#points(permit: Permit<"telemetry.read">, series: Series, from: number, to: number): AsyncGenerator<Points> {
    for await (const part of this.#reader(permit, series, { from, to, mayRollUp: false }).parts())
      if (!("start" in part)) yield part;
  }

  #reader(
    permit: Permit<"telemetry.read">,
    series: Series,
    range: { from: number; to: number; mayRollUp: boolean },
  ): SeriesReader {
    return new SeriesReader(this.#needs, { allowed: permit, device: permit.on, series, ...range });
  }

  #range({ from, to }: { from: Instant | undefined; to: Instant | undefined }): { from: number; to: number } {
    const since = from ?? (to ?? this.#needs.clock.now()) - day;
    const until = to ?? endOfTime;
    if (since >= until) throw new Refusal("telemetry.range");
    return { from: since, to: until };
  }
}

function pointAt(points: Points, at: number): Point {
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

function addPoints(
  points: Points,
  every: number,
  add: (time: number, summary: Summary) => void,
  isEnough: () => boolean,
): void {
  const { times } = points;
  for (let from = 0; from < times.length && !isEnough();) {
    const start = Math.floor((times[from] ?? 0) / every) * every;
    const to = firstAt(times, start + every);
    const summary = summaryOf(points, from, to);
    if (summary) add(start, summary);
    from = to;
  }
}

function bucketOf(time: Instant, summary: Summary, aggregates: readonly Aggregate[]): Bucket {
  return { time, ...Object.fromEntries(aggregates.map((aggregate) => [aggregate, valueOf(summary, aggregate)])) };
}

function valueOf(summary: Summary, aggregate: Aggregate): Value {
  switch (aggregate) {
    case "count":
      return summary.count;
    case "first":
    case "last": {
      return summary.type === "json" ? new Json(summary[aggregate]) : summary[aggregate];
    }
    case "avg":
    case "max":
    case "min":
    case "sum":
      return numeric(summary, aggregate);
  }
}

const nouns = { text: "Texts", location: "Locations", json: "Documents of JSON" } as const;

/** Of booleans, true counts as 1: the average is how often it was true. */
function numeric(summary: Summary, aggregate: "avg" | "max" | "min" | "sum"): number {
  switch (summary.type) {
    case "number":
      return aggregate === "avg" ? summary.sum / summary.count : summary[aggregate];
    case "boolean": {
      const { trues, count } = summary;
      return { avg: trues / count, sum: trues, max: trues > 0 ? 1 : 0, min: trues === count ? 1 : 0 }[aggregate];
    }
    case "text":
    case "location":
    case "json":
      throw new Refusal("telemetry.noAggregate", { detail: `${nouns[summary.type]} have no ${aggregate}.` });
  }
}

/** The step that a page of buckets ended before. The cursor of another step, or of a page of points, is none. */
function stepOf(cursor: string, every: number): number {
  const start = cursorTime(cursor);
  if (start % every !== 0) throw new Refusal("cursor.malformed");
  return start;
}

function cursorTime(text: string): number {
  if (!/^-?\d{1,16}$/.test(text)) throw new Refusal("cursor.malformed");
  return Number(text);
}

import { Refusal, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Aggregate } from "@holdfast/protocol";
import type { Permit } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { decodeChunk } from "./chunk.ts";
import { mergePoints } from "./merge.ts";
import { firstAt, noPoints, slicePoints, type Points } from "./points.ts";
import { chunksIn, type ChunkHead } from "./postgres.ts";
import type { Value } from "./reading.ts";
import { decodeRollup, quarterHour } from "./rollup.ts";
import { ChunkSeal } from "./sealing.ts";
import type { Series } from "./series.ts";
import { mergeSummaries, summaryOf, type Summary } from "./summary.ts";
import type { Telemetry } from "./telemetry.ts";

export type Point = { readonly time: Instant; readonly value: Value };
export type Bucket = { readonly time: Instant } & { readonly [A in Aggregate]?: Value };

export type PointsAsked = {
  readonly attribute: string;
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
};

export type AggregatesAsked = Omit<PointsAsked, "cursor"> & {
  readonly every: number;
  readonly aggregates: readonly Aggregate[];
};

const day = 86_400_000;
const longestStep = 366 * day;
const chunksAtOnce = 16;

type Needs = {
  readonly telemetry: Telemetry;
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly clock: Clock;
};

/** Chunks whose times overlap one another: read together, the later one wins. One alone can be answered from its rollup. */
type Cluster = { readonly heads: ChunkHead[]; last: number };

/** What was measured, read back: from chunks, and from what is not in chunks yet. */
export class TelemetryQueries {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Points in [from, to), oldest first. Both ends default to the last 24 hours. */
  async points(
    permit: Permit<"telemetry.read">,
    asked: PointsAsked,
  ): Promise<{ items: readonly Point[]; nextCursor: string | undefined }> {
    const { from, to } = this.#range(asked);
    const series = await this.#series(permit, asked.attribute);
    const start = asked.cursor === undefined ? from : Math.max(from, cursorTime(asked.cursor) + 1);
    const items: Point[] = [];
    if (series) {
      for await (const points of this.#read(permit, series, start, to)) {
        for (let at = 0; at < points.times.length && items.length <= asked.limit; at++) items.push(pointAt(points, at));
        if (items.length > asked.limit) break;
      }
    }
    const page = items.slice(0, asked.limit);
    return { items: page, nextCursor: items.length > asked.limit ? String(page.at(-1)?.time) : undefined };
  }

  /** One bucket for each step that has points; steps are multiples of `every` since 1970, UTC. */
  async aggregate(permit: Permit<"telemetry.read">, asked: AggregatesAsked): Promise<readonly Bucket[]> {
    const { every } = asked;
    const { from, to } = this.#range(asked);
    if (every < 1_000 || every > longestStep) throw new Refusal("telemetry.range");
    const series = await this.#series(permit, asked.attribute);
    if (!series) return [];
    const buckets = new Map<number, Summary>();
    const add = (time: number, summary: Summary) => {
      const start = Math.floor(time / every) * every;
      const there = buckets.get(start);
      if (!there && buckets.size >= asked.limit)
        throw new Refusal("telemetry.range", {
          detail: `That is more than ${asked.limit} steps: take longer ones, or a shorter range.`,
        });
      buckets.set(start, there ? mergeSummaries(there, summary) : summary);
    };
    for await (const part of this.#summarise(permit, series, from, to, every % quarterHour === 0)) {
      if ("start" in part) add(part.start, part.summary);
      else addPoints(part, every, add);
    }
    return [...buckets]
      .sort(([a], [b]) => a - b)
      .map(([time, summary]) => bucketOf(time as Instant, summary, asked.aggregates)); // a multiple of whole milliseconds
  }

  /** The newest point of each attribute. */
  async latest(permit: Permit<"telemetry.read">): Promise<readonly { attribute: string; point: Point }[]> {
    const { byName } = await this.#needs.telemetry.seriesOf(permit);
    const found: { attribute: string; point: Point }[] = [];
    for (const series of byName.values()) {
      series.latest ??= await this.#latestOf(permit, series);
      const { latest } = series;
      if (latest) found.push({ attribute: series.name, point: { time: latest.time as Instant, value: latest.value } }); // whole milliseconds
    }
    return found.sort((a, b) => (a.attribute < b.attribute ? -1 : 1));
  }

  async #latestOf(permit: Permit<"telemetry.read">, series: Series): Promise<Series["latest"]> {
    if (!series.tail || !series.id) return undefined;
    const { last } = series.tail;
    let newest: Series["latest"];
    for await (const points of this.#read(permit, series, last, Number.MAX_SAFE_INTEGER)) {
      const at = points.times.length - 1;
      if (at >= 0) newest = pointAt(points, at);
    }
    return newest;
  }

  async #series(permit: Permit<"telemetry.read">, attribute: string): Promise<Series | undefined> {
    return (await this.#needs.telemetry.seriesOf(permit)).byName.get(attribute);
  }

  #range({ from, to }: { from: Instant | undefined; to: Instant | undefined }): { from: number; to: number } {
    // A device's clock may be a little ahead of ours: "until now" includes what it just sent.
    const until = to ?? this.#needs.clock.now() + day;
    const since = from ?? (to ?? this.#needs.clock.now()) - day;
    if (since >= until) throw new Refusal("telemetry.range");
    return { from: since, to: until };
  }

  /** Sorted and disjoint parts of [from, to), in order. */
  async *#read(permit: Permit<"telemetry.read">, series: Series, from: number, to: number): AsyncGenerator<Points> {
    // The buffer first: what a flush moves to a chunk meanwhile is then seen twice, which merging forgives, and never not at all.
    const fresh = between(series.buffer.snapshot().points, from, to);
    let at = from;
    for await (const { points, last } of this.#clusters(permit, series, from, to)) {
      yield mergePoints([between(points, at, to), between(fresh, at, last + 1)]);
      at = last + 1;
    }
    yield between(fresh, at, to);
  }

  async *#clusters(
    permit: Permit<"telemetry.read">,
    series: Series,
    from: number,
    to: number,
  ): AsyncGenerator<{ points: Points; last: number }> {
    const { id } = series;
    if (id === undefined) return;
    const heads = await this.#needs.storage.read(permit, (unit) => chunksIn(unit).heads(id, from, to));
    if (heads.length === 0) return;
    const seal = await this.#seal(permit);
    for (const group of grouped(clustersOf(heads))) {
      const wanted = group.flatMap((cluster) => cluster.heads);
      const sealed = await this.#needs.storage.read(permit, (unit) => chunksIn(unit).sealed(id, wanted, "data"));
      const bytesOf = new Map(wanted.map((head, index) => [head, sealed[index]]));
      for (const cluster of group) {
        const sources = cluster.heads
          .toSorted((a, b) => a.position - b.position)
          .flatMap((head) => {
            const bytes = bytesOf.get(head);
            return bytes ? [decodeChunk(seal.open("points", { series: id, ...head }, bytes))] : [];
          });
        yield { points: sources.length > 0 ? mergePoints(sources) : noPoints(series.type), last: cluster.last };
      }
    }
  }

  /** Quarter hours where a chunk stands alone and whole within the range, points elsewhere. */
  async *#summarise(
    permit: Permit<"telemetry.read">,
    series: Series,
    from: number,
    to: number,
    byQuarter: boolean,
  ): AsyncGenerator<Points | { start: number; summary: Summary }> {
    const { id } = series;
    const fresh = between(series.buffer.snapshot().points, from, to);
    const heads =
      id === undefined || !byQuarter
        ? []
        : await this.#needs.storage.read(permit, (unit) => chunksIn(unit).heads(id, from, to));
    const alone = clustersOf(heads).flatMap(({ heads: [head, ...others] }) =>
      head &&
      others.length === 0 &&
      head.first >= from &&
      head.last < to &&
      between(fresh, head.first, head.last + 1).times.length === 0
        ? [head]
        : [],
    );
    let at = from;
    for (let start = 0; start < alone.length; start += 256) {
      const wanted = alone.slice(start, start + 256);
      const sealed =
        id === undefined
          ? []
          : await this.#needs.storage.read(permit, (unit) => chunksIn(unit).sealed(id, wanted, "rollup"));
      const seal = await this.#seal(permit);
      for (const [index, head] of wanted.entries()) {
        const bytes = sealed[index];
        if (!bytes || id === undefined) continue;
        if (head.first > at) yield* this.#read(permit, series, at, head.first);
        for (const quarter of decodeRollup(seal.open("rollup", { series: id, ...head }, bytes)).quarters) yield quarter;
        at = head.last + 1;
      }
    }
    if (at < to) yield* this.#read(permit, series, at, to);
  }

  #seal(permit: Permit<"telemetry.read">): Promise<ChunkSeal> {
    const device: Id<"device"> = permit.on;
    return ChunkSeal.of(this.#needs, permit.scope.org, device);
  }
}

function clustersOf(heads: readonly ChunkHead[]): readonly Cluster[] {
  const clusters: Cluster[] = [];
  for (const head of heads) {
    const cluster = clusters.at(-1);
    if (cluster && head.first <= cluster.last) {
      cluster.heads.push(head);
      cluster.last = Math.max(cluster.last, head.last);
    } else {
      clusters.push({ heads: [head], last: head.last });
    }
  }
  return clusters;
}

/** A few chunks for each query, however the clusters fall. */
function* grouped(clusters: readonly Cluster[]): Generator<readonly Cluster[]> {
  let group: Cluster[] = [];
  let size = 0;
  for (const cluster of clusters) {
    group.push(cluster);
    size += cluster.heads.length;
    if (size < chunksAtOnce) continue;
    yield group;
    group = [];
    size = 0;
  }
  if (group.length > 0) yield group;
}

const between = (points: Points, from: number, to: number): Points =>
  slicePoints(points, firstAt(points.times, from), firstAt(points.times, to));

function pointAt(points: Points, at: number): Point {
  const time = (points.times[at] ?? 0) as Instant; // whole milliseconds, and `at` is within
  switch (points.type) {
    case "number":
      return { time, value: points.values[at] ?? 0 };
    case "boolean":
      return { time, value: points.values[at] === 1 };
    case "text":
      return { time, value: points.values[at] ?? "" };
  }
}

function addPoints(points: Points, every: number, add: (time: number, summary: Summary) => void): void {
  const { times } = points;
  for (let from = 0; from < times.length;) {
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
      return summary.first;
    case "last":
      return summary.last;
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
      return aggregate === "avg" ? summary.sum / summary.count : summary[aggregate];
    case "boolean": {
      const { trues, count } = summary;
      return { avg: trues / count, sum: trues, max: trues > 0 ? 1 : 0, min: trues === count ? 1 : 0 }[aggregate];
    }
    case "text":
      throw new Refusal("telemetry.wrongType", { detail: `Texts have no ${aggregate}: ask for count, first or last.` });
  }
}

function cursorTime(text: string): number {
  if (!/^-?\d{1,16}$/.test(text)) throw new Refusal("cursor.malformed");
  return Number(text);
}

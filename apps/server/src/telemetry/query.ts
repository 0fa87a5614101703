import { Refusal, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Aggregate, Step } from "@holdfast/protocol";
import { readableAttributes, readerOf, type Permit } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { Buckets, sortedBy, type Bucket } from "./buckets.ts";
import { Budget } from "./budget.ts";
import type { Decoding } from "./decoding.ts";
import { pointAt, type Point, type Points } from "./points.ts";
import { chunksIn } from "./postgres.ts";
import { readParts, type Part } from "./reader.ts";
import type { Series } from "./series.ts";
import type { Telemetry } from "./telemetry.ts";
import { Windows } from "./windows.ts";

export type PointsAsked = {
  readonly attribute: string;
  /** In [from, to). `to` defaults to everything there is, also what clocks ahead of ours sent; `from` to 24 hours before. */
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
};

export type AggregatesAsked = PointsAsked & {
  readonly every: Step;
  readonly timezone?: string | undefined;
  readonly aggregates: readonly Aggregate[];
};

const day = 86_400_000;
/** ECMA-262, 21.4.1.1: no instant is later. */
const endOfTime = 8.64e15;

type Needs = {
  readonly telemetry: Telemetry;
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly clock: Clock;
  readonly decoding: Decoding;
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
   * One bucket for each window that has points. A cursor is the start of the next window, so that no page ends within one.
   * @throws Refusal `telemetry.tooMuch`, `telemetry.noAggregate`
   */
  async aggregate(
    permit: Permit<"telemetry.read">,
    asked: AggregatesAsked,
  ): Promise<{ items: readonly Bucket[]; nextCursor: string | undefined }> {
    const { limit, aggregates } = asked;
    const { from, to } = this.#range(asked);
    const windows = new Windows(asked.every, asked.timezone);
    const begin = asked.cursor === undefined ? from : Math.max(from, startOf(asked.cursor, windows));
    const series = await this.#series(permit, asked.attribute);
    if (!series || begin >= to) return { items: [], nextCursor: undefined };
    const buckets = new Buckets(windows, aggregates);
    const budget = new Budget({ from: begin, to, every: asked.every, aggregates });
    const range = { from: begin, to, rollUpSince: buckets.rollUpSince, budget };
    // In the order of time: once a window more than the page holds has begun, the page is whole.
    for await (const part of this.#parts(permit, series, range)) {
      buckets.add(part, () => buckets.count > limit);
      if (buckets.count > limit) break;
    }
    const starts = buckets.starts();
    const items = await buckets.at(starts.slice(0, limit), sortedBy(this.#needs.decoding));
    return { items, nextCursor: starts.length > limit ? String(starts[limit]) : undefined };
  }

  /** The newest point of each attribute. */
  async latest(permit: Permit<"telemetry.read">): Promise<readonly { attribute: string; point: Point }[]> {
    const { byName } = await this.#needs.telemetry.seriesOf(permit);
    const found: { attribute: string; point: Point }[] = [];
    const mayRead = readableAttributes(permit);
    for (const series of byName.values()) {
      if (mayRead && !mayRead(series.name)) continue;
      const point = await newestOf(this.#needs, permit, series);
      if (point) found.push({ attribute: series.name, point });
    }
    return found.sort((a, b) => (a.attribute < b.attribute ? -1 : 1));
  }

  async #series(permit: Permit<"telemetry.read">, attribute: string): Promise<Series | undefined> {
    // What is hidden is answered like what was never measured.
    const mayRead = readableAttributes(permit);
    const { byName } = await this.#needs.telemetry.seriesOf(permit);
    return mayRead && !mayRead(attribute) ? undefined : byName.get(attribute);
  }

  async *#points(permit: Permit<"telemetry.read">, series: Series, from: number, to: number): AsyncGenerator<Points> {
    for await (const part of this.#parts(permit, series, { from, to, rollUpSince: Infinity }))
      if ("type" in part) yield part;
  }

  #parts(
    permit: Permit<"telemetry.read">,
    series: Series,
    range: { from: number; to: number; rollUpSince: number; budget?: Budget },
  ): AsyncGenerator<Part> {
    return readParts(this.#needs, { allowed: permit, series, ...range });
  }

  #range({ from, to }: { from: Instant | undefined; to: Instant | undefined }): { from: number; to: number } {
    const since = from ?? (to ?? this.#needs.clock.now()) - day;
    const until = to ?? endOfTime;
    if (since >= until) throw new Refusal("telemetry.range");
    return { from: since, to: until };
  }
}

/** The window that a page of buckets ended before. The cursor of other windows, or of a page of points, is none. */
function startOf(cursor: string, windows: Windows): number {
  const start = cursorTime(cursor);
  if (windows.at(start).start !== start) throw new Refusal("cursor.malformed");
  return start;
}

function cursorTime(text: string): number {
  const time = Number(text);
  if (!/^-?\d{1,16}$/.test(text) || Math.abs(time) > endOfTime) throw new Refusal("cursor.malformed");
  return time;
}

/** The newest point of a series. What came since it was loaded is known; of what was in chunks before, once. */
export async function newestOf(
  needs: Needs,
  permit: Permit<"telemetry.read">,
  series: Series,
): Promise<Point | undefined> {
  const user = readerOf(permit);
  if (user !== undefined) return newestFor(needs, permit, series, user);
  while (!series.isNewestOfAll) {
    const { erased } = series.device.periods;
    const newest = await newestRead(needs, permit, series);
    if (series.device.periods.erased !== erased) continue; // it may have been erased meanwhile
    if (newest && (!series.newest || newest.time > series.newest.time)) series.newest = { ...newest };
    series.isNewestOfAll = true;
  }
  const { newest } = series;
  return newest && { time: newest.time as Instant, value: newest.value }; // whole milliseconds
}

async function newestRead(needs: Needs, permit: Permit<"telemetry.read">, series: Series): Promise<Point | undefined> {
  const { id, tail, buffer, device } = series;
  const { erased, isErasedAt } = device.periods;
  // No chunk that ends before the last one does can hold it.
  let from = tail && !erased.includes(tail.period) ? tail.last : undefined;
  if (from === undefined && id !== undefined)
    from = await needs.storage.read(permit, (unit) => chunksIn(unit).lastBegun(id, { to: endOfTime, hidden: erased }));
  if (from === undefined) return lastOf(buffer.between(-Infinity, Infinity, isErasedAt));
  return lastBetween(needs, permit, series, { from, to: endOfTime });
}

/** What a customer is shown of a series ends with the last of her times with the device that has anything. */
async function newestFor(
  needs: Needs,
  permit: Permit<"telemetry.read">,
  series: Series,
  user: Id<"user">,
): Promise<Point | undefined> {
  const { id, device, keptFrom } = series;
  const all = device.periods.within({ from: Math.max(keptFrom, -endOfTime), to: endOfTime, user });
  for (const { from, to, only } of all.toReversed()) {
    const hidden = device.periods.hidden(only);
    const begun =
      id === undefined
        ? undefined
        : await needs.storage.read(permit, (unit) => chunksIn(unit).lastBegun(id, { to, hidden }));
    const newest = await lastBetween(needs, permit, series, { from: Math.max(from, begun ?? from), to });
    if (newest) return newest;
  }
  return undefined;
}

async function lastBetween(
  needs: Needs,
  permit: Permit<"telemetry.read">,
  series: Series,
  range: { from: number; to: number },
): Promise<Point | undefined> {
  let newest: Point | undefined;
  for await (const part of readParts(needs, { allowed: permit, series, ...range, rollUpSince: Infinity }))
    if ("type" in part) newest = lastOf(part);
  return newest;
}

const lastOf = (points: Points): Point | undefined =>
  points.times.length === 0 ? undefined : pointAt(points, points.times.length - 1);

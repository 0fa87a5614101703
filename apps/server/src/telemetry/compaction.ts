// Hot path: every point passes here once or a few times on its way from the log to a chunk.
import { Refusal, type Random, type Report } from "@holdfast/kernel";
import { asPlatform } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { decodeChunk } from "./chunk.ts";
import { mergePoints } from "./merge.ts";
import { monthOf, mostChunkBytes, smallChunk } from "./parts.ts";
import { firstAt, slicePoints, type Points } from "./points.ts";
import { chunksIn, seriesIn, type Flush, type NewChunk } from "./postgres.ts";
import { sealParts } from "./seal-parts.ts";
import { ChunkSeal } from "./sealing.ts";
import type { Series, Tail } from "./series.ts";
import { Stint } from "./stint.ts";

/** Points of one series, and bytes of them, in one transaction. What is more has its turn again. */
const mostOfOne = 16_384;
const mostBytesOfOne = 2 * 1024 * 1024;

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly report: Report;
};

export type Compacted = { readonly chunks: number; readonly points: number; readonly bytes: number };

/** What becomes of one series, once it is written. */
type Step = { readonly series: Series; readonly flush: Flush; readonly taken: number; readonly tail: Tail | undefined };

/** Turns what waits in buffers into chunks, in one transaction of one organisation. */
export class Compaction {
  readonly #needs: Needs;
  /** Partitions that are there. */
  readonly #months = new Set<string>();
  #stint = new Stint();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * Series of one organisation. Points leave their buffers when their chunks are durable, not before. When it throws, the log still
   * has everything; what was kept of it is found out next time.
   */
  async of(group: readonly Series[]): Promise<Compacted> {
    const [scope] = group.map(({ device }) => device.scope);
    if (!scope) return { chunks: 0, points: 0, bytes: 0 };
    const allowed = asPlatform(scope);
    const { storage } = this.#needs;
    const nameless = group.filter(({ id }) => id === undefined);
    if (nameless.length > 0) {
      const ids = await storage.note(allowed, (unit) => seriesIn(unit).add(nameless));
      for (const [at, series] of nameless.entries()) series.id = ids[at];
    }
    await this.#resolveDoubt(group.filter(({ isDoubtful }) => isDoubtful));

    this.#stint = new Stint();
    const steps: Step[] = [];
    for (const series of group) {
      const step = await this.#stepOf(series);
      if (step) steps.push(step);
    }
    if (steps.length === 0) return { chunks: 0, points: 0, bytes: 0 };
    const chunks = steps.flatMap(({ flush }) => flush.chunks);
    await this.#openMonths(chunks);
    for (const { series } of steps) series.isDoubtful = true;
    await storage.note(allowed, (unit) => chunksIn(unit).write(steps.map(({ flush }) => flush)));
    for (const { series, flush, taken, tail } of steps) {
      series.isDoubtful = false;
      series.position = flush.position;
      series.tail = tail;
      series.buffer.drop(taken);
    }
    return {
      chunks: chunks.length,
      points: steps.reduce((sum, { taken }) => sum + taken, 0),
      bytes: chunks.reduce((sum, { data, rollup }) => sum + data.length + (rollup?.length ?? 0), 0),
    };
  }

  /** Partitions may have been taken away: they are made again where they are missing. */
  forgetMonths(): void {
    this.#months.clear();
  }

  /** An attempt that nobody answered was kept or was not: the row of the series says which, in the same transaction. */
  async #resolveDoubt(doubtful: readonly Series[]): Promise<void> {
    const [scope] = doubtful.map(({ device }) => device.scope);
    if (!scope) return;
    const ids = doubtful.flatMap(({ id }) => id ?? []);
    const rows = await this.#needs.storage.read(asPlatform(scope), (unit) => seriesIn(unit).reached(ids));
    for (const series of doubtful) {
      const row = series.id === undefined ? undefined : rows.get(series.id);
      if (!row) throw new Error("a series that was written to is there");
      series.position = row.position;
      series.tail = row.tail;
      series.buffer.dropThrough(row.position);
      series.isDoubtful = false;
    }
  }

  async #stepOf(series: Series): Promise<Step | undefined> {
    const { keys, random } = this.#needs;
    const { device, id, tail, buffer } = series;
    const most = Math.min(mostOfOne, Math.ceil((buffer.count * mostBytesOfOne) / Math.max(buffer.bytes, 1)));
    // No chunk holds readings of two periods.
    const period = device.periods.at(buffer.oldest);
    const { points, taken, position } = buffer.take(most, device.periods.endOf(period));
    if (taken === 0 || id === undefined) return undefined;
    if (period.isErased) return { series, taken, tail, flush: nothingOf(id, position, device.lastGiven) };
    const seal = await ChunkSeal.of({ keys, random }, device.scope.org, device.device, period.number);

    // What is older than the newest chunk stays by itself: merged with it, it would make one that overlaps everything between.
    const split = tail ? firstAt(points.times, tail.first) : 0;
    const late = slicePoints(points, 0, split);
    const fresh = slicePoints(points, split, points.times.length);
    const isSmall =
      tail &&
      tail.count < smallChunk &&
      tail.bytes < mostChunkBytes / 2 &&
      fresh.times.length > 0 &&
      tail.period === period.number;
    const before = isSmall && (await this.#isOnTop(series, tail)) ? await this.#read(series, seal, tail) : undefined;

    const place = { seal, series: id, position, period: period.number };
    const lateChunks = await sealParts(late, place, this.#stint);
    const freshChunks = await sealParts(before ? mergePoints([before, fresh]) : fresh, place, this.#stint);
    const newest = freshChunks.at(-1);
    const across = tail && !before ? freshChunks.filter(({ first }) => first <= tail.last) : [];
    return {
      series,
      taken,
      tail: newest ? tailOf(newest) : tail,
      flush: {
        series: id,
        chunks: [...lateChunks, ...freshChunks],
        replaces: before ? tail : undefined,
        untidy: [...lateChunks, ...across],
        position,
        given: device.lastGiven,
      },
    };
  }

  async #isOnTop({ id, device }: Series, tail: Tail): Promise<boolean> {
    if (tail.isOnTop || id === undefined) return true;
    return this.#needs.storage.read(asPlatform(device.scope), (unit) => chunksIn(unit).isOnTop(id, tail));
  }

  async #read(series: Series, seal: ChunkSeal, tail: Tail): Promise<Points | undefined> {
    const { id, device } = series;
    if (id === undefined) return undefined;
    const allowed = asPlatform(device.scope);
    const [sealed] = await this.#needs.storage.read(allowed, (unit) => chunksIn(unit).sealed(id, [tail]));
    try {
      // The newest chunk of a series is never moved to the object store.
      return sealed?.bytes && decodeChunk(seal.open("points", { ...tail, series: id }, sealed.bytes));
    } catch (error) {
      // A damaged chunk is for its readers to hear of; what follows it is written all the same.
      if (!(error instanceof Refusal)) throw error;
      this.#needs.report(`A chunk of ${device.device} does not open: ${error.message}`, {
        level: "error",
        code: error.code,
      });
      return undefined;
    }
  }

  async #openMonths(chunks: readonly NewChunk[]): Promise<void> {
    for (const { first } of chunks) {
      const month = monthOf(first);
      if (this.#months.has(month.name)) continue;
      await this.#needs.storage.maintain.call("open_month", [month.name, month.first, month.past]);
      this.#months.add(month.name);
    }
  }
}

/** Points that are to be nowhere leave the buffer, and the log with it. */
const nothingOf = (series: number, position: number, given: number): Flush => ({
  series,
  chunks: [],
  replaces: undefined,
  untidy: [],
  position,
  given,
});

/** What a series remembers of its newest chunk. Its bytes are in the database. */
const tailOf = ({ first, last, count, position, data, period }: NewChunk): Tail => ({
  first,
  last,
  count,
  position,
  bytes: data.length,
  period,
  isOnTop: true,
});

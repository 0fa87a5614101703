import { Refusal, type Clock, type Random } from "@holdfast/kernel";
import { asPlatform, type Space } from "../authority/index.ts";
import type { Keyring, Storage, Unit } from "../storage/index.ts";
import { decodeChunk, encodeChunk, mostChunkPoints } from "./chunk.ts";
import { mergePoints } from "./merge.ts";
import { slicePoints, type Points } from "./points.ts";
import { chunksIn, type NewChunk } from "./postgres.ts";
import { encodeRollup, isWorthRollup, rollupOf } from "./rollup.ts";
import { ChunkSeal } from "./sealing.ts";
import type { Segments } from "./segments.ts";
import type { Series, Tail } from "./series.ts";

/** A series is written to chunks when this many of its points wait. */
export const chunkPoints = 1_024;
/** A newest chunk of fewer points than this is written again together with what follows. */
const smallChunk = chunkPoints / 2;
/** How many series go into one transaction. */
const together = 64;
/** How many full segments of the log may wait for slow series before those are written, however few their points. */
const mostSegments = 2;

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly clock: Clock;
  readonly segments: Segments;
  readonly report: (message: string) => void;
};

type Written = {
  readonly series: Series;
  readonly id: string;
  readonly taken: number;
  readonly position: number;
  readonly tail: Tail | undefined;
};

/** Turns what is in the log into chunks. Points leave their buffer when the chunk is durable, not before. */
export class Flusher {
  readonly #needs: Needs;
  /** Series with points in their buffer. */
  readonly #dirty = new Set<Series>();
  readonly #ripe = new Set<Series>();
  readonly #months = new Set<string>();
  #running: Promise<void> | undefined;
  #checkedAt = 0;
  readonly statistics = { chunks: 0, points: 0, bytes: 0 };

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Points of these were committed. */
  committed(series: readonly Series[]): void {
    for (const one of series) {
      this.#dirty.add(one);
      if (one.buffer.count >= chunkPoints) this.#ripe.add(one);
    }
    if (this.#ripe.size > 0 || performance.now() - this.#checkedAt > 1_000) this.#start();
  }

  get dirty(): number {
    return this.#dirty.size;
  }

  /** Writes everything that waits. */
  async flushAll(): Promise<void> {
    for (const series of this.#dirty) this.#ripe.add(series);
    this.#start();
    await this.idle();
  }

  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  async #run(): Promise<void> {
    try {
      this.#press();
      while (this.#ripe.size > 0) {
        for (const [space, series] of Map.groupBy([...this.#ripe].slice(0, together * 4), (one) => one.device.space)) {
          for (let at = 0; at < series.length; at += together)
            await this.#flush(space, series.slice(at, at + together));
        }
        this.#press();
      }
      await this.#release();
    } catch (error) {
      // The log still has everything; the next commit or second tries again. What was in flight may have been kept: then its
      // newest chunk is another one than memory says, and is left as it is.
      for (const series of this.#ripe) series.tail = undefined;
      this.#ripe.clear();
      const why =
        error instanceof Refusal
          ? error.message
          : `our own fault, ${error instanceof Error ? error.name : typeof error}`;
      this.#needs.report(`Compaction waits: ${why}`);
    }
  }

  /** Slow series hold up the oldest segment: when too many wait, they are written as they are. */
  #press(): void {
    this.#checkedAt = performance.now();
    const reached = this.#needs.segments.pressing(mostSegments);
    if (reached === undefined) return;
    for (const series of this.#dirty) if (series.buffer.oldest <= reached) this.#ripe.add(series);
  }

  async #release(): Promise<void> {
    let oldest = Infinity;
    for (const { buffer } of this.#dirty) oldest = Math.min(oldest, buffer.oldest);
    await this.#needs.segments.release(oldest, this.#needs.clock.now());
  }

  async #flush(space: Space, ripe: readonly Series[]): Promise<void> {
    const { storage } = this.#needs;
    const current = ripe[0]?.device.space ?? space;
    await this.#openMonths(ripe);
    const written = await storage.note(asPlatform(current.scope), async (unit) => {
      const done: Written[] = [];
      const chunks: NewChunk[] = [];
      for (const series of ripe) {
        const made = await this.#chunksOf(unit, series);
        if (!made) continue;
        chunks.push(...made.chunks);
        done.push(made.written);
      }
      if (chunks.length > 0) await chunksIn(unit).write(chunks);
      this.statistics.chunks += chunks.length;
      this.statistics.bytes += chunks.reduce((sum, { data, rollup }) => sum + data.length + (rollup?.length ?? 0), 0);
      return done;
    });
    for (const { series, id, taken, position, tail } of written) {
      series.id = id;
      series.buffer.drop(taken);
      series.position = position;
      series.tail = tail;
      this.statistics.points += taken;
      if (series.buffer.count === 0) this.#dirty.delete(series);
    }
    for (const series of ripe) this.#ripe.delete(series);
  }

  async #chunksOf(unit: Unit, series: Series): Promise<{ chunks: NewChunk[]; written: Written } | undefined> {
    const { points, taken, position } = series.buffer.snapshot();
    if (taken === 0) return undefined;
    const seal = await this.#sealOf(unit, series);
    if (!seal) return undefined;
    const id = series.id ?? (await chunksIn(unit).addSeries(series));
    const { tail } = series;
    const small = tail && tail.count < smallChunk && points.times.length < mostChunkPoints / 2 ? tail : undefined;
    const before = small && (await this.#read(unit, seal, id, small));
    const all = before ? mergePoints([before, points]) : points;
    const chunks: NewChunk[] = [];
    for (const part of parts(all)) {
      const first = part.times[0] ?? 0;
      const last = part.times.at(-1) ?? 0;
      const place = { series: id, first, last, count: part.times.length, position };
      chunks.push({
        ...place,
        data: seal.seal("points", place, encodeChunk(part)),
        rollup: isWorthRollup(part) ? seal.seal("rollup", place, encodeRollup(rollupOf(part))) : undefined,
        replaces: chunks.length === 0 && before ? small : undefined,
      });
    }
    const newest = chunks.at(-1);
    return { chunks, written: { series, id, taken, position, tail: newest } };
  }

  async #read(unit: Unit, seal: ChunkSeal, series: string, tail: Tail): Promise<Points | undefined> {
    const [sealed] = await chunksIn(unit).sealed(series, [tail], "data");
    try {
      return sealed && decodeChunk(seal.open("points", { ...tail, series }, sealed));
    } catch (error) {
      // A damaged chunk is for its readers to hear of; what follows it is written all the same.
      if (!(error instanceof Refusal)) throw error;
      this.#needs.report(`A chunk of series ${series} does not open: ${error.message}`);
      return undefined;
    }
  }

  /** Readings of a device whose key was erased are to be nowhere: they leave the log unread. */
  async #sealOf(unit: Unit, series: Series): Promise<ChunkSeal | undefined> {
    const { keys, random, report } = this.#needs;
    try {
      return await ChunkSeal.of({ keys, random }, unit.scope.org, series.device.device);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "keyring.erased") throw error;
      report(`${series.device.device}: ${error.message}`);
      this.#dirty.delete(series);
      return undefined;
    }
  }

  /** The partitions that the points will go to. */
  async #openMonths(ripe: readonly Series[]): Promise<void> {
    for (const series of ripe) {
      const { points } = series.buffer.snapshot();
      const earliest = Math.min(points.times[0] ?? Infinity, series.tail?.first ?? Infinity);
      const latest = points.times.at(-1) ?? -Infinity;
      for (let month = monthOf(earliest); month.first <= latest; month = monthOf(month.past)) {
        if (this.#months.has(month.name)) continue;
        await this.#needs.storage.maintain.call("open_month", [month.name, month.first, month.past]);
        this.#months.add(month.name);
      }
    }
  }
}

/** As many chunks as it takes, none much larger than wanted, cut where a month ends: a partition goes as a whole. */
function* parts(points: Points): Generator<Points> {
  const { times } = points;
  for (let from = 0; from < times.length;) {
    const { past } = monthOf(times[from] ?? 0);
    let to = Math.min(from + chunkPoints, times.length);
    while ((times[to - 1] ?? 0) >= past) to--;
    if (times.length - to < smallChunk / 2 && times.length - from <= mostChunkPoints && (times.at(-1) ?? 0) < past)
      to = times.length;
    yield slicePoints(points, from, to);
    from = to;
  }
}

/** The calendar month, UTC, that a time lies in. */
function monthOf(time: number): { name: string; first: number; past: number } {
  const date = new Date(time);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const name = `${String(year).padStart(4, "0")}_${String(month + 1).padStart(2, "0")}`;
  return { name, first: Date.UTC(year, month), past: Date.UTC(year, month + 1) };
}

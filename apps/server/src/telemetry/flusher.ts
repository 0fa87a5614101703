import { because, Refusal, type Id, type Random, type Report, type Timers } from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import type { Memory } from "./buffer.ts";
import { Compaction } from "./compaction.ts";
import { faultOf } from "./fault.ts";
import { chunkPoints, mostChunkBytes } from "./parts.ts";
import type { Segments } from "./segments.ts";
import type { DeviceSeries, Series } from "./series.ts";

/** How many series, and bytes of their buffers, go into one transaction. */
const together = 64;
const bytesTogether = 4 * 1024 * 1024;
/** Bytes that buffers may take in all; beyond, the largest are written, down to three quarters of it. */
const budget = 256 * 1024 * 1024;
/** Rounds until a series is tried again that could not be written by our own fault. */
const restRounds = 60;
/** Milliseconds that a stop waits for the transaction in hand; the log has all of it anyway. */
const stopWithin = 3_000;

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly timers: Timers;
  readonly segments: Segments;
  readonly memory: Memory;
  readonly report: Report;
  readonly budget?: number | undefined;
};

/** Decides when which series are turned into chunks, and lets go of the log behind them. */
export class Flusher {
  readonly #needs: Needs;
  readonly #compaction: Compaction;
  readonly #budget: number;
  /** Series with points in their buffer, and those of them that are to be written now. */
  readonly #dirty = new Set<Series>();
  readonly #ripe = new Set<Series>();
  /** Series that could not be written by our own fault, and for how many rounds they are left alone. */
  readonly #resting = new Map<Series, number>();
  #running: Promise<void> | undefined;
  /** An attempt failed: the next is at the next round. */
  #isWaiting = false;
  #isStopping = false;
  readonly statistics = { chunks: 0, points: 0, bytes: 0 };

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#compaction = new Compaction(needs);
    this.#budget = needs.budget ?? budget;
  }

  /** Points of these were committed. */
  committed(series: readonly Series[]): void {
    for (const one of series) {
      if (!one.isDirty) {
        one.isDirty = true;
        this.#dirty.add(one);
      }
      if (isRipe(one)) this.#ripe.add(one);
    }
    if (this.#needs.memory.bytes > this.#budget && this.#ripe.size === 0) this.#relieve();
    if (this.#ripe.size > 0) this.#start();
  }

  get dirty(): number {
    return this.#dirty.size;
  }

  /** @throws Refusal `storage.unavailable` when buffers grow faster than they are written */
  admit(): void {
    if (this.#needs.memory.bytes > 2 * this.#budget)
      throw new Refusal("storage.unavailable", { retryAfterSeconds: 1, detail: "It does not keep up." });
  }

  /** Settles when buffers are within their bounds: for replay, which could fill them at once. */
  async room(): Promise<void> {
    if (this.#needs.memory.bytes < this.#budget) return;
    this.#relieve();
    this.#start();
    await this.idle();
  }

  /** Once a second or so, and when the log asks for it: looks what is due, also when nothing is committed. */
  round(): void {
    this.#isWaiting = false;
    for (const [series, rounds] of this.#resting) {
      if (rounds > 1) this.#resting.set(series, rounds - 1);
      else this.#resting.delete(series);
    }
    const { pressing } = this.#needs.segments;
    for (const one of this.#dirty) if (isRipe(one) || one.buffer.oldest <= pressing) this.#ripe.add(one);
    this.#start();
  }

  /** Writes everything that waits. */
  async flushAll(): Promise<void> {
    await this.idle(); // what runs looked at the buffers before
    for (let before = -1; this.#dirty.size > 0 && before !== this.statistics.points;) {
      before = this.statistics.points;
      this.#isWaiting = false;
      for (const series of this.#dirty) this.#ripe.add(series);
      this.#start();
      await this.idle();
    }
  }

  /** Lets go of what waits of an organisation, unwritten. */
  async forget(org: Id<"org">): Promise<void> {
    await this.idle();
    for (const series of this.#dirty) {
      if (series.device.scope.org !== org) continue;
      series.buffer.drop(series.buffer.count);
      this.#resting.delete(series);
      this.#wrote(series);
    }
  }

  /** Lets go of what waits of a device and belongs to erased periods, unwritten. */
  async forgetErased({ byName, periods }: DeviceSeries): Promise<void> {
    await this.idle(); // what runs has taken points of the buffers, and drops them itself
    for (const series of byName.values()) {
      const { buffer } = series;
      while (buffer.count > 0) {
        const period = periods.at(buffer.oldest);
        if (!period.isErased) break;
        buffer.dropThrough(periods.endOf(period) - 1);
      }
      if (buffer.count === 0 && series.isDirty) this.#wrote(series);
    }
  }

  /** Partitions may have been taken away. */
  forgetMonths(): void {
    this.#compaction.forgetMonths();
  }

  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Ends with the transaction in hand, or without it when the database is away. */
  async close(): Promise<void> {
    this.#isStopping = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#needs.timers.after(stopWithin, resolve);
    await Promise.race([this.idle(), promise]);
    timer.cancel();
  }

  #start(): void {
    if (this.#isWaiting || this.#isStopping) return;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    try {
      for (let group = this.#group(); group.length > 0 && !this.#isStopping; group = this.#group()) {
        await this.#flush(group);
      }
      await this.#release();
    } catch (error) {
      // The log still has everything.
      this.#isWaiting = true;
      if (!this.#isStopping)
        this.#needs.report(
          `Readings stay in the log for now: ${error instanceof Refusal ? error.message : `our own fault, ${faultOf(error)}`}`,
          because(error),
        );
    }
    this.#running = undefined;
  }

  /** Those that are to be written together: of one organisation, some only. They stay ripe until they are written. */
  #group(): Series[] {
    const group: Series[] = [];
    let bytes = 0;
    for (const series of this.#ripe) {
      if (this.#resting.has(series)) {
        this.#ripe.delete(series);
        continue;
      }
      if (group[0] && group[0].device.scope !== series.device.scope) continue;
      group.push(series);
      bytes += series.buffer.bytes;
      if (group.length >= together || bytes >= bytesTogether) break;
    }
    return group;
  }

  async #flush(group: readonly Series[]): Promise<void> {
    try {
      const { chunks, points, bytes } = await this.#compaction.of(group);
      this.statistics.chunks += chunks;
      this.statistics.points += points;
      this.statistics.bytes += bytes;
      for (const series of group) this.#wrote(series);
    } catch (error) {
      if (error instanceof Refusal && !isOfOne(error)) throw error;
      if (group.length > 1) {
        // One of them is at fault: each by itself.
        for (const series of group) await this.#flush([series]);
      } else {
        for (const series of group) this.#setAside(series, error);
      }
    }
  }

  #wrote(series: Series): void {
    this.#ripe.delete(series);
    if (isRipe(series)) this.#ripe.add(series); // behind the others
    if (series.buffer.count > 0) return;
    series.isDirty = false;
    this.#dirty.delete(series);
  }

  #setAside(series: Series, error: unknown): void {
    const { device } = series.device;
    if (isErased(error)) {
      // Readings of a device whose key was erased are to be nowhere: they leave the log unread.
      this.#needs.report(`${series.buffer.count} points of ${device} are dropped: ${error.message}`, {
        level: "error",
        code: error.code,
      });
      series.buffer.drop(series.buffer.count);
      return this.#wrote(series);
    }
    this.#compaction.forgetMonths();
    this.#ripe.delete(series);
    this.#resting.set(series, restRounds);
    this.#needs.report(
      `Points of ${device} stay in the log, they cannot be written to a chunk: ${error instanceof Refusal ? error.message : faultOf(error)}`,
      because(error),
    );
  }

  /** The largest first. */
  #relieve(): void {
    let bytes = this.#needs.memory.bytes;
    for (const series of [...this.#dirty].sort((a, b) => b.buffer.bytes - a.buffer.bytes)) {
      if (bytes < this.#budget * 0.75) return;
      this.#ripe.add(series);
      bytes -= series.buffer.bytes;
    }
  }

  async #release(): Promise<void> {
    if (this.#needs.segments.count < 2) return;
    let oldest = Infinity;
    for (const { buffer } of this.#dirty) oldest = Math.min(oldest, buffer.oldest);
    await this.#needs.segments.release(oldest);
  }
}

const isRipe = ({ buffer, type }: Series): boolean =>
  buffer.count >= chunkPoints || (type === "text" && buffer.bytes >= 2 * mostChunkBytes);

/** Of a device or an organisation whose key is gone for ever. */
const isErased = (error: unknown): error is Refusal =>
  error instanceof Refusal && (error.code === "device.erased" || error.code === "org.unknown");

/** What concerns one device and says nothing about the others. */
const isOfOne = ({ code }: Refusal): boolean =>
  code === "device.erased" || code === "org.unknown" || code === "keyring.incomplete";

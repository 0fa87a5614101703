// Hot path: every point that is read passes here.
import { Refusal, type Id, type Random } from "@holdfast/kernel";
import { readerOf, type Permit } from "../authority/index.ts";
import type { Keyring, OrgScope, Storage } from "../storage/index.ts";
import type { Budget } from "./budget.ts";
import { decodeChunk } from "./chunk.ts";
import type { Decoding } from "./decoding.ts";
import { mergePoints } from "./merge.ts";
import { monthOf } from "./parts.ts";
import { firstAt, slicePoints, type Points } from "./points.ts";
import { chunksIn, type ChunkHead, type Listed, type Stored } from "./postgres.ts";
import { decodeRollup, type Quarter } from "./rollup.ts";
import { ChunkSeal } from "./sealing.ts";
import type { Series } from "./series.ts";
import { Stint } from "./stint.ts";

/** Chunks listed, with their rollups where those do, and chunks fetched, with one query. */
const listedAtOnce = 4_096;
const chunksAtOnce = 12;
/** Opened in one go: half a millisecond. */
const rollupsAtOnce = 100;
/** As many chunks to be decoded are for threads, so many at once; fewer cost less than to be handed over. */
const leastForThreads = 24;
const chunksForThreads = 32;
/** How often a listing is begun again because compaction took a chunk of it away. */
const mostRestarts = 100;

/** What was moved to the object store. */
export interface Cold {
  /** In the same order. @throws Refusal `cold.unreachable`, `cold.lost` */
  read(scope: OrgScope, places: readonly Stored[]): Promise<readonly Uint8Array[]>;
  /** What came from there does not open: it is brought again when it is asked for again. */
  forget(places: readonly Stored[]): void;
}

/** Where there is no store, and chunks that were moved to one. */
export const noStore: Cold = {
  async read() {
    throw new Refusal("cold.unreachable", { detail: "This server was started without --cold-store." });
  },
  forget() {},
};

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly decoding: Decoding;
  readonly telemetry: { readonly cold: Cold };
};

export type Asked = {
  readonly allowed: Permit<"telemetry.read">;
  readonly device: Id<"device">;
  readonly series: Series;
  readonly from: number;
  readonly to: number;
  /** Of which periods alone something is to be seen; all, where there is none. */
  readonly only?: readonly number[] | undefined;
  /** From when on quarter hours do in place of points: Infinity for never. */
  readonly rollUpSince: number;
  /** What may be decoded, together with others. */
  readonly budget?: Budget | undefined;
};

/** Points, or the quarter hours of chunks in place of them. */
export type Part = Points | readonly Quarter[];

/** Opening one takes as long as decoding so many points. */
const costOfRollup = 16;

/** What of a series somebody may read, in the order of time. Every question about what was measured passes here. */
export async function* readParts(needs: Needs, asked: Omit<Asked, "device" | "only">): AsyncGenerator<Part> {
  const { allowed, series, from, to } = asked;
  const { device, periods } = series.device;
  for (const shown of periods.within({ from, to, user: readerOf(allowed) }))
    yield* new SeriesReader(needs, { ...asked, device, ...shown }).parts();
}

type Rolled = { readonly head: Listed; readonly sealed: Uint8Array };
type Active = { readonly head: ChunkHead; readonly points: Points };

/**
 * What a series has in [from, to), in the order of time: points in parts that do not overlap, and, where that was asked for, quarter
 * hours of chunks that stand alone and lie within the range as a whole. Holds as many chunks at once as overlap each other.
 * @throws Refusal `seal.broken` when a chunk was altered or moved, `device.erased`, `keyring.incomplete`
 */
class SeriesReader {
  readonly #needs: Needs;
  readonly #asked: Asked;
  /** The buffer before any chunk: what is written meanwhile is then seen twice, which merging forgives, and never not at all. */
  #fresh: Points;
  /** Periods of which nothing is to be seen, and what said so. */
  #hidden: readonly number[] = [];
  #state: unknown;
  #at: number;
  #active: Active[] = [];
  readonly #seals = new Map<number, ChunkSeal>();

  constructor(needs: Needs, asked: Asked) {
    this.#needs = needs;
    // A chunk is kept until all of it is too old, and shows no more of it than is kept.
    const from = Math.max(asked.from, asked.series.keptFrom);
    this.#asked = { ...asked, from };
    this.#at = from;
    this.#fresh = this.#look();
  }

  async *parts(): AsyncGenerator<Part> {
    const { to } = this.#asked;
    let most = listedAtOnce;
    for (let restarts = 0; ;) {
      this.#active = [];
      const began = this.#at;
      const heads = await this.#list(most);
      // Of a listing that is cut off, only what lies before its last chunk is known entirely.
      const until = heads.length < most ? to : (heads.at(-1)?.first ?? to);
      const isWhole = yield* this.#sweep(heads, until);
      if (this.#isOld) this.#fresh = this.#look();
      if (isWhole && until === to) return;
      if (!isWhole && ++restarts > mostRestarts)
        throw new Error("a series was rewritten again and again while it was read");
      if (isWhole && this.#at === began) most *= 2; // as many chunks begin at one time
    }
  }

  /** What waits in the buffer, of what may be seen now. */
  #look(): Points {
    const { series, to, only } = this.#asked;
    const { periods } = series.device;
    this.#hidden = periods.hidden(only);
    this.#state = periods.state(only);
    this.#seals.clear();
    return series.buffer.between(this.#at, to, periods.isHiddenAt(only));
  }

  /** Something was erased, or became another's, since it looked. */
  get #isOld(): boolean {
    return this.#asked.series.device.periods.state(this.#asked.only) !== this.#state;
  }

  /**
   * Goes over the chunks that begin before `until`. False when one of them is not there any more, or may not be seen: what comes is to be listed
   * again.
   */
  async *#sweep(listed: readonly Listed[], until: number): AsyncGenerator<Part, boolean> {
    const heads = listed.filter(({ first }) => first < until);
    const isAlone = this.#alone(listed); // and has a rollup: one of few points has none, and is read as the others are
    const decoded = new Decoded(heads, isAlone, (some, isBig) => this.#decode(some, isBig));
    const stint = new Stint(); // of whoever takes the parts, too
    for (let index = 0; index < heads.length;) {
      if (this.#isOld) return false;
      const rollups = this.#rollups(heads, index, isAlone);
      const [head] = heads.slice(index, index + 1);
      if (!head) break;
      yield* this.#upTo(head.first);
      if (rollups.length > 0) {
        const quarters = await this.#unlessOld(this.#openAll(rollups));
        if (!quarters || this.#isOld) return false;
        yield quarters;
        this.#at = (rollups.at(-1)?.head.last ?? until) + 1;
        index += rollups.length;
        if (stint.isLong) await stint.rest();
        continue;
      }
      const points = await this.#unlessOld(decoded.of(index++));
      if (!points) return false;
      this.#active.push({ head, points });
      if (stint.isLong) await stint.rest();
    }
    if (this.#isOld) return false;
    yield* this.#upTo(until);
    return true;
  }

  /** Those from `index` on that stand alone, with nothing between them: they are opened in one go. */
  #rollups(heads: readonly Listed[], index: number, isAlone: ReadonlySet<ChunkHead>): readonly Rolled[] {
    const rolled: Rolled[] = [];
    for (const head of heads.slice(index, index + rollupsAtOnce)) {
      if (!head.rollup || !isAlone.has(head)) break;
      const before = rolled.at(-1);
      if (before && between(this.#fresh, before.head.last, head.first).times.length > 0) break;
      rolled.push({ head, sealed: head.rollup });
    }
    return rolled;
  }

  async #openAll(rollups: readonly Rolled[]): Promise<readonly Quarter[]> {
    this.#asked.budget?.spend(rollups.length * costOfRollup);
    for (const { head } of rollups) await this.#sealed(head.period);
    const quarters: Quarter[] = [];
    for (const { head, sealed } of rollups) {
      const seal = await this.#sealed(head.period);
      for (const one of decodeRollup(seal.open("rollup", this.#placeOf(head), sealed)).quarters) quarters.push(one);
    }
    return quarters;
  }

  /** What is erased while it is read may have lost its key already. */
  async #unlessOld<T>(awaited: Promise<T>): Promise<T | undefined> {
    try {
      return await awaited;
    } catch (error) {
      if (this.#isOld) return undefined;
      throw error;
    }
  }

  /** The points of each, or `undefined` where a chunk is not there any more. */
  async #decode(heads: readonly ChunkHead[], isBig: boolean): Promise<readonly (Points | undefined)[]> {
    const { budget } = this.#asked;
    budget?.spend(heads.reduce((sum, { count }) => sum + count, 0));
    const found = new Map<ChunkHead, Points>();
    for (const [period, chunks] of Map.groupBy(await this.#fetch(heads), (one) => one.period)) {
      const seal = await this.#sealed(period);
      const points = await this.#open(seal, chunks, isBig);
      for (const [at, { head }] of chunks.entries()) if (points[at]) found.set(head, points[at]);
    }
    return heads.map((head) => found.get(head));
  }

  async #open(seal: ChunkSeal, chunks: readonly Fetched[], isBig: boolean): Promise<readonly Points[]> {
    try {
      if (!isBig) return chunks.map(({ head, bytes }) => decodeChunk(seal.open("points", this.#placeOf(head), bytes)));
      return await this.#needs.decoding.decode({
        org: this.#asked.allowed.scope.org,
        key: seal.key,
        places: chunks.map(({ head }) => this.#placeOf(head)),
        sealed: chunks.map(({ bytes }) => bytes),
      });
    } catch (error) {
      this.#needs.telemetry.cold.forget(chunks.flatMap(({ stored }) => stored ?? []));
      throw error;
    }
  }

  /** Everything before `until` that was not given yet. */
  *#upTo(until: number): Generator<Points> {
    if (until <= this.#at) return;
    const fresh = between(this.#fresh, this.#at, until);
    const sources = this.#active
      .toSorted((a, b) => a.head.position - b.head.position)
      .map(({ points }) => between(points, this.#at, until));
    const merged = sources.length > 0 ? mergePoints([...sources, fresh]) : fresh;
    this.#at = until;
    this.#active = this.#active.filter(({ head }) => head.last >= until);
    if (merged.times.length > 0) yield merged;
  }

  /** Chunks that no other chunk and no buffered point reaches into, and that lie within the range as a whole. */
  #alone(heads: readonly Listed[]): ReadonlySet<ChunkHead> {
    const { from, to, rollUpSince } = this.#asked;
    const alone = new Set<ChunkHead>();
    if (rollUpSince === Infinity) return alone;
    let reached = this.#at - 1;
    for (const [index, head] of heads.entries()) {
      const next = heads[index + 1];
      const isFree = head.first > reached && (!next || next.first > head.last);
      reached = Math.max(reached, head.last);
      if (
        isFree &&
        head.rollup &&
        head.first >= rollUpSince &&
        head.first >= from &&
        head.last < to &&
        between(this.#fresh, head.first, head.last + 1).times.length === 0
      )
        alone.add(head);
    }
    return alone;
  }

  async #list(most: number): Promise<readonly Listed[]> {
    const { allowed, series, to, rollUpSince } = this.#asked;
    const { id } = series;
    if (id === undefined) return [];
    const range = { since: monthOf(this.#at).first, from: this.#at, to, most, hidden: this.#hidden };
    const also = rollUpSince === Infinity ? [] : (["rollup"] as const);
    return this.#needs.storage.read(allowed, (unit) => chunksIn(unit).heads(id, range, also));
  }

  /** Those that are there still, wherever their bytes are. */
  async #fetch(heads: readonly ChunkHead[]): Promise<readonly Fetched[]> {
    const { allowed, series } = this.#asked;
    const { id } = series;
    if (id === undefined) return [];
    const rows = await this.#needs.storage.read(allowed, (unit) => chunksIn(unit).sealed(id, heads));
    const away = rows.flatMap((row) => row?.stored ?? []);
    const brought = away.length === 0 ? [] : await this.#needs.telemetry.cold.read(allowed.scope, away);
    const byPlace = new Map(away.map((place, at) => [place, brought[at]]));
    return heads.flatMap((head, at) => {
      const row = rows[at];
      const bytes = row?.bytes ?? (row?.stored && byPlace.get(row.stored));
      return row && bytes ? [{ head, bytes, period: row.period, stored: row.stored }] : [];
    });
  }

  #placeOf(head: ChunkHead) {
    return { ...head, series: this.#asked.series.id ?? 0 }; // it has one: it has chunks
  }

  async #sealed(period: number): Promise<ChunkSeal> {
    let seal = this.#seals.get(period);
    if (!seal) {
      seal = await ChunkSeal.of(this.#needs, this.#asked.allowed.scope.org, this.#asked.device, period);
      this.#seals.set(period, seal);
    }
    return seal;
  }
}

/** Sealed points, and the key of which period opens them. */
type Fetched = {
  readonly head: ChunkHead;
  readonly bytes: Uint8Array;
  readonly period: number;
  readonly stored: Stored | undefined;
};

const between = (points: Points, from: number, to: number): Points =>
  points.times.length === 0 ? points : slicePoints(points, firstAt(points.times, from), firstAt(points.times, to));

/** The first `most` from `index` on of which it holds. */
const from = <T>(all: readonly T[], index: number, most: number, holds: (one: T) => boolean): readonly T[] =>
  all.slice(index).filter(holds).slice(0, most);

type Decode = (heads: readonly ChunkHead[], isBig: boolean) => Promise<readonly (Points | undefined)[]>;
/** Those under way, by their places among the heads. */
type Group = { readonly places: readonly number[]; readonly points: ReturnType<Decode> };

/** The points of the chunks that have to be decoded, some at once; by threads also the next ones, while somebody looks at these. */
class Decoded {
  readonly #heads: readonly ChunkHead[];
  readonly #isAlone: ReadonlySet<ChunkHead>;
  readonly #decode: Decode;
  readonly #isBig: boolean;
  readonly #points = new Map<number, Points | undefined>();
  #ahead: Group | undefined;

  constructor(heads: readonly ChunkHead[], isAlone: ReadonlySet<ChunkHead>, decode: Decode) {
    this.#heads = heads;
    this.#isAlone = isAlone;
    this.#decode = decode;
    this.#isBig = heads.length - isAlone.size >= leastForThreads;
  }

  /** Once, and in order. */
  async of(place: number): Promise<Points | undefined> {
    if (!this.#points.has(place)) {
      const group = this.#ahead?.places.includes(place) ? this.#ahead : this.#begin(place);
      this.#ahead = this.#isBig ? this.#begin((group.places.at(-1) ?? place) + 1) : undefined;
      for (const [at, points] of (await group.points).entries()) this.#points.set(group.places[at] ?? place, points);
    }
    const points = this.#points.get(place);
    this.#points.delete(place);
    return points;
  }

  #begin(first: number): Group {
    const most = this.#isBig ? chunksForThreads : chunksAtOnce;
    const heads = from(this.#heads, first, most, (one) => !this.#isAlone.has(one));
    const points = heads.length === 0 ? Promise.resolve([]) : this.#decode(heads, this.#isBig);
    points.catch(() => undefined); // whoever asks for one of these hears of it; somebody who asks no further need not
    return { places: heads.map((head) => this.#heads.indexOf(head)), points };
  }
}

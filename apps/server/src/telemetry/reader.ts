// Hot path: every point that is read passes here.
import { Refusal, type Id, type Random } from "@holdfast/kernel";
import type { Allowed, Keyring, OrgScope, Storage } from "../storage/index.ts";
import { decodeChunk } from "./chunk.ts";
import { mergePoints } from "./merge.ts";
import { monthOf } from "./parts.ts";
import { firstAt, slicePoints, type Points } from "./points.ts";
import { chunksIn, type ChunkHead, type Sealed, type Stored } from "./postgres.ts";
import { decodeRollup, type Quarter } from "./rollup.ts";
import { ChunkSeal } from "./sealing.ts";
import type { Series } from "./series.ts";

/** Chunks listed, chunks fetched, and rollups fetched, with one query. */
const listedAtOnce = 1_024;
const chunksAtOnce = 24;
const rollupsAtOnce = 256;
/** How often a listing is begun again because compaction took a chunk of it away. */
const mostRestarts = 100;

/** What was moved to the object store. */
export interface Cold {
  /** In the same order. @throws Refusal `cold.unreachable`, `cold.lost` */
  read(scope: OrgScope, places: readonly Stored[]): Promise<readonly Uint8Array[]>;
}

/** Where there is no store, and chunks that were moved to one. */
export const noStore: Cold = {
  async read() {
    throw new Refusal("cold.unreachable", { detail: "This server was started without --cold-store." });
  },
};

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly telemetry: { readonly cold: Cold };
};

export type Asked = {
  readonly allowed: Allowed;
  readonly device: Id<"device">;
  readonly series: Series;
  readonly from: number;
  readonly to: number;
  /** Whether quarter hours do in place of points. */
  readonly mayRollUp: boolean;
};

type Active = { readonly head: ChunkHead; readonly points: Points };

/**
 * What a series has in [from, to), in the order of time: points in parts that do not overlap, and, where that was asked for, quarter
 * hours of chunks that stand alone and lie within the range as a whole. Holds as many chunks at once as overlap each other.
 * @throws Refusal `seal.broken` when a chunk was altered or moved, `device.erased`, `keyring.incomplete`
 */
export class SeriesReader {
  readonly #needs: Needs;
  readonly #asked: Asked;
  /** The buffer before any chunk: what is written meanwhile is then seen twice, which merging forgives, and never not at all. */
  readonly #fresh: Points;
  /** Periods of which nothing is to be seen any more. */
  readonly #erased: readonly number[];
  #at: number;
  #active: Active[] = [];
  readonly #seals = new Map<number, ChunkSeal>();

  constructor(needs: Needs, asked: Asked) {
    this.#needs = needs;
    // A chunk is kept until all of it is too old, and shows no more of it than is kept.
    const from = Math.max(asked.from, asked.series.keptFrom);
    this.#asked = { ...asked, from };
    const { periods } = asked.series.device;
    const isErased = periods.hasErased ? (position: number) => periods.at(position).isErased : undefined;
    this.#fresh = asked.series.buffer.between(from, asked.to, isErased);
    this.#erased = periods.all.filter((one) => one.isErased).map(({ number }) => number);
    this.#at = from;
  }

  async *parts(): AsyncGenerator<Points | Quarter> {
    const { to } = this.#asked;
    let most = listedAtOnce;
    for (let restarts = 0; ;) {
      this.#active = [];
      const began = this.#at;
      const heads = await this.#list(most);
      // Of a listing that is cut off, only what lies before its last chunk is known entirely.
      const until = heads.length < most ? to : (heads.at(-1)?.first ?? to);
      const isWhole = yield* this.#sweep(heads, until);
      if (isWhole && until === to) return;
      if (!isWhole && ++restarts > mostRestarts)
        throw new Error("a series was rewritten again and again while it was read");
      if (isWhole && this.#at === began) most *= 2; // as many chunks begin at one time
    }
  }

  /** Goes over the chunks that begin before `until`. False when one of them is not there any more: what comes is to be listed again. */
  async *#sweep(listed: readonly ChunkHead[], until: number): AsyncGenerator<Points | Quarter, boolean> {
    const heads = listed.filter(({ first }) => first < until);
    const isAlone = this.#alone(listed);
    const bytes = new Map<ChunkHead, Opened | undefined>();
    for (const [index, head] of heads.entries()) {
      yield* this.#upTo(head.first);
      if (isAlone.has(head)) {
        if (!bytes.has(head)) {
          const some = from(heads, index, rollupsAtOnce, (one) => isAlone.has(one));
          await this.#fetch(some, "rollup", bytes);
          for (const one of some) {
            if (bytes.get(one)) continue;
            // Too few points for a rollup, or the chunk is gone: it is read as the others are.
            bytes.delete(one);
            isAlone.delete(one);
          }
        }
        const rollup = bytes.get(head);
        if (rollup) {
          const seal = await this.#sealed(rollup.period);
          yield* decodeRollup(seal.open("rollup", this.#placeOf(head), rollup.bytes)).quarters;
          bytes.delete(head);
          this.#at = head.last + 1;
          continue;
        }
      }
      if (!bytes.has(head)) {
        await this.#fetch(
          from(heads, index, chunksAtOnce, (one) => !isAlone.has(one)),
          "data",
          bytes,
        );
      }
      const data = bytes.get(head);
      bytes.delete(head);
      if (!data) return false;
      const seal = await this.#sealed(data.period);
      this.#active.push({ head, points: decodeChunk(seal.open("points", this.#placeOf(head), data.bytes)) });
    }
    yield* this.#upTo(until);
    return true;
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
  #alone(heads: readonly ChunkHead[]): Set<ChunkHead> {
    const { from, to, mayRollUp } = this.#asked;
    const alone = new Set<ChunkHead>();
    if (!mayRollUp) return alone;
    let reached = this.#at - 1;
    for (const [index, head] of heads.entries()) {
      const next = heads[index + 1];
      const isFree = head.first > reached && (!next || next.first > head.last);
      reached = Math.max(reached, head.last);
      if (
        isFree &&
        head.first >= from &&
        head.last < to &&
        between(this.#fresh, head.first, head.last + 1).times.length === 0
      )
        alone.add(head);
    }
    return alone;
  }

  async #list(most: number): Promise<readonly ChunkHead[]> {
    const { allowed, series, to } = this.#asked;
    const { id } = series;
    if (id === undefined) return [];
    const range = { since: monthOf(this.#at).first, from: this.#at, to, most, erased: this.#erased };
    return this.#needs.storage.read(allowed, (unit) => chunksIn(unit).heads(id, range));
  }

  async #fetch(
    heads: readonly ChunkHead[],
    column: "data" | "rollup",
    into: Map<ChunkHead, Opened | undefined>,
  ): Promise<void> {
    const { allowed, series } = this.#asked;
    const { id } = series;
    if (id === undefined) return;
    const rows = await this.#needs.storage.read(allowed, (unit) => chunksIn(unit).sealed(id, heads, column));
    const away = rows.flatMap((row) => row?.stored ?? []);
    const brought = away.length === 0 ? [] : await this.#needs.telemetry.cold.read(allowed.scope, away);
    const byPlace = new Map(away.map((place, at) => [place, brought[at]]));
    for (const [index, head] of heads.entries()) into.set(head, opened(rows[index], byPlace));
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

/** Sealed bytes, and which key opens them. */
type Opened = { readonly bytes: Uint8Array; readonly period: number };

function opened(row: Sealed | undefined, brought: ReadonlyMap<Stored, Uint8Array | undefined>): Opened | undefined {
  const bytes = row?.bytes ?? (row?.stored && brought.get(row.stored));
  return row && bytes && { bytes, period: row.period };
}

const between = (points: Points, from: number, to: number): Points =>
  slicePoints(points, firstAt(points.times, from), firstAt(points.times, to));

/** The first `most` from `index` on of which it holds. */
const from = <T>(all: readonly T[], index: number, most: number, holds: (one: T) => boolean): readonly T[] =>
  all.slice(index).filter(holds).slice(0, most);

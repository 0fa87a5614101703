import { Refusal, rfc3339, type Clock, type Id, type Instant } from "@holdfast/kernel";
import { exportPointsHeader, type ExportFormat } from "@holdfast/protocol";
import { readableAttributes, type Download, type Reach, type Space, type Spaces } from "../authority/index.ts";
import type { Decoding } from "./decoding.ts";
import { exportedLines } from "./export-lines.ts";
import type { ParquetFiles } from "./parquet.ts";
import { permitsFor, type Questions, type Readable, type Which } from "./questions.ts";

export type Wanted = {
  readonly attributes: readonly string[] | undefined;
  readonly from: Instant;
  /** Now, when nobody says. */
  readonly to: Instant | undefined;
  readonly format: ExportFormat;
};

/** Under way at the same time: of all, and of one credential. Each holds two or three megabytes, one of Parquet the rows of a group. */
const mostOpen = 16;
const mostOfOne = 4;

/** So many points are written as lines in a few milliseconds, which is no reason to begin a thread. */
const leastForThreads = 32_768;

const media: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv; charset=utf-8; header=present",
  ndjson: "application/x-ndjson",
  parquet: "application/vnd.apache.parquet",
};

type Open = { readonly org: Id<"org">; readonly actor: string; readonly recheck: () => void };
type Needs = {
  readonly decoding: Decoding;
  readonly parquet: ParquetFiles;
  readonly questions: Questions;
  readonly spaces: Spaces;
  readonly clock: Clock;
};

/** Whole histories, point by point, as files that are written while they are read: what is in memory does not grow with them. */
export class Exports {
  readonly #needs: Needs;
  readonly #open = new Set<Open>();

  constructor(needs: Needs) {
    this.#needs = needs;
    needs.spaces.onChange((space) => this.#changed(space));
  }

  /** @throws Refusal `telemetry.range`, `rate.exceeded` */
  async begin(reach: Reach<"telemetry.read">, which: Which, wanted: Wanted): Promise<Download> {
    const { questions, clock } = this.#needs;
    const { from, to = clock.now(), format, attributes } = wanted;
    if (from >= to) throw new Refusal("telemetry.range");
    const actor = reach.actor.kind === "credential" ? reach.actor.id : "";
    this.#refuseMore(actor);
    const over = new AbortController();
    let all: readonly Readable[] = [];
    const open: Open = { org: reach.scope.org, actor, recheck: () => recheck(all, over) };
    // It has its place from now on: of many that are asked for at the same moment none would know of the others.
    this.#open.add(open);
    try {
      all = await questions.readable(permitsFor(reach, which), attributes);
      const range = { from, to };
      const points = await questions.estimate(all, range);
      return {
        contentType: media[format],
        fileName: `telemetry-${rfc3339(clock.now()).slice(0, 10)}.${format}`,
        headers: { [exportPointsHeader]: String(points) },
        over: over.signal,
        chunks: this.#chunks(
          open,
          over.signal,
          format === "parquet"
            ? this.#rows(all, range)
            : exportedLines(this.#needs, all, { ...range, format, isMuch: points >= leastForThreads }),
        ),
      };
    } catch (error) {
      this.#open.delete(open);
      throw error;
    }
  }

  /** Until it ends, one way or another, it is one of those under way. */
  async *#chunks(open: Open, over: AbortSignal, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      open.recheck();
      over.throwIfAborted();
      yield* chunks;
    } finally {
      this.#open.delete(open);
    }
  }

  async *#rows(all: readonly Readable[], range: { from: number; to: number }): AsyncGenerator<Uint8Array> {
    const file = this.#needs.parquet.begin();
    try {
      for (const one of all) {
        for await (const points of this.#needs.questions.points(one, range)) {
          const bytes = await file.add(one.permit.on, one.series.name, points);
          if (bytes.length > 0) yield bytes;
        }
      }
      yield await file.finish();
    } finally {
      await file.close();
    }
  }

  #refuseMore(actor: string): void {
    const own = [...this.#open].filter((open) => open.actor === actor).length;
    if (this.#open.size < mostOpen && own < mostOfOne) return;
    const detail = `At most ${mostOfOne} exports of one credential are under way at once, and ${mostOpen} of all.`;
    throw new Refusal("rate.exceeded", { detail, retryAfterSeconds: 10 });
  }

  #changed(space: Space): void {
    for (const { org, recheck: ask } of this.#open) {
      if (org === space.org) ask();
    }
  }
}

/** Ends it when something of it may not be read any more: what it was asked for cannot be had as a whole. */
function recheck(all: readonly Readable[], over: AbortController): void {
  try {
    for (const { permit, series } of all) {
      permit.askAgain();
      const mayRead = readableAttributes(permit);
      if (mayRead && !mayRead(series.name)) throw new Refusal("permit.missing");
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    over.abort(error);
  }
}

import { firstAt, slicePoints, type Points } from "./points.ts";

/**
 * How many points a chunk has when there are enough of them. With half as many, each costs a question twice as many rows and seals to open, and
 * doubles of all digits fill PostgreSQL's pages of TOAST badly: 8.4 bytes a point in place of 6.9 (docs/benchmarks.md).
 */
export const chunkPoints = 2_048;
/** A chunk of fewer is written again together with what follows. */
export const smallChunk = chunkPoints / 2;
/** Bytes of the texts in one chunk, before they are compressed. */
export const mostChunkBytes = 256 * 1024;
/** Fewer than this many points are taken along by the chunk before. */
export const rest = chunkPoints / 4;
/** No chunk has more. */
export const largestChunk = chunkPoints + rest;

/** As many chunks as it takes, each within one calendar month (UTC), because a partition goes as a whole. */
export function* partsOf(points: Points): Generator<Points> {
  const { times } = points;
  for (let from = 0; from < times.length;) {
    const past = firstAt(times, monthOf(times[from] ?? 0).past); // from is below length
    const to = fitting(points, from, past - from < largestChunk ? past : from + chunkPoints);
    yield slicePoints(points, from, to);
    from = to;
  }
}

/** Before which point a chunk has to end so that its texts do not become too much for it; one at least is in it. */
function fitting(points: Points, from: number, to: number): number {
  if (points.type !== "text" && points.type !== "json") return to;
  let bytes = 0;
  for (let at = from; at < to; at++) {
    bytes += Buffer.byteLength(points.values[at] ?? "");
    if (bytes > mostChunkBytes && at > from) return at;
  }
  return to;
}

export type Month = { readonly name: string; readonly first: number; readonly past: number };

/** The calendar month, UTC, that a time lies in: `2026_11`, from its first millisecond up to the next one's. */
export function monthOf(time: number): Month {
  const date = new Date(time);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const name = `${String(year).padStart(4, "0")}_${String(month + 1).padStart(2, "0")}`;
  return { name, first: Date.UTC(year, month), past: Date.UTC(year, month + 1) };
}

/** The month of a name that `monthOf` gave. */
export const monthNamed = (name: string): Month =>
  monthOf(Date.UTC(Number(name.slice(0, 4)), Number(name.slice(5)) - 1));

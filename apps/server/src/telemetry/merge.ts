import { firstIndexes, pickPoints, type Points } from "./points.ts";
import type { Location } from "./value.ts";

/**
 * The points of several sources of one series as one, in strictly increasing time: of points with equal times the one of the later source
 * stays. Each source is strictly increasing in itself (`sortPoints` makes it so). Only sources that overlap are looked at point by point.
 */
export function mergePoints(sources: readonly Points[]): Points {
  const [like] = sources;
  if (!like) throw new RangeError("there is nothing to merge");
  const byBegin = sources
    .map((points, rank) => ({ points, rank, begin: points.times[0] ?? 0, end: points.times.at(-1) ?? 0 }))
    .filter(({ points }) => points.times.length > 0)
    .sort((a, b) => a.begin - b.begin);

  const merged: Points[] = [];
  for (let from = 0; from < byBegin.length;) {
    // as many as overlap with one before them
    let end = -Infinity;
    let to = from;
    for (; to < byBegin.length && (to === from || (byBegin[to]?.begin ?? 0) <= end); to++) {
      end = Math.max(end, byBegin[to]?.end ?? end);
    }
    const overlapping = byBegin.slice(from, to).sort((a, b) => a.rank - b.rank);
    merged.push(
      sortPoints(
        concatenate(
          overlapping.map(({ points }) => points),
          like,
        ),
      ),
    );
    from = to;
  }
  return concatenate(merged, like);
}

/** Points in any order, as a buffer collects them, in strictly increasing time: of those with equal times the last stays. */
export function sortPoints(points: Points): Points {
  const { times } = points;
  if (isIncreasing(times)) return points;
  const order = orderOf(times);
  let kept = 0;
  for (let at = 0; at < order.length; at++) {
    const index = order[at] ?? 0; // at is below length
    if (at + 1 < order.length && times[order[at + 1] ?? 0] === times[index]) continue;
    order[kept++] = index;
  }
  return pickPoints(points, order.subarray(0, kept));
}

function isIncreasing(times: Float64Array): boolean {
  for (let at = 1; at < times.length; at++) if (!((times[at] ?? 0) > (times[at - 1] ?? 0))) return false;
  return true;
}

/** The indexes in the order of their times, equal ones as they stood: a merge sort that takes the runs it finds, one for each source. */
function orderOf(times: Float64Array): Uint32Array {
  let bounds = [0];
  for (let at = 1; at < times.length; at++) if ((times[at] ?? 0) < (times[at - 1] ?? 0)) bounds.push(at);
  bounds.push(times.length);
  let order = firstIndexes(times.length);
  let spare = new Uint32Array(times.length);
  while (bounds.length > 2) {
    const wider = [0];
    for (let run = 0; run + 1 < bounds.length; run += 2) {
      const middle = bounds[run + 1] ?? times.length;
      const to = bounds[run + 2] ?? middle;
      mergeRuns(times, order, spare, bounds[run] ?? 0, middle, to);
      wider.push(to);
    }
    bounds = wider;
    [order, spare] = [spare, order];
  }
  return order;
}

function mergeRuns(
  times: Float64Array,
  order: Uint32Array,
  into: Uint32Array,
  from: number,
  middle: number,
  to: number,
) {
  let [left, right] = [from, middle];
  for (let at = from; at < to; at++) {
    const takesLeft =
      right >= to || (left < middle && (times[order[left] ?? 0] ?? 0) <= (times[order[right] ?? 0] ?? 0));
    into[at] = order[takesLeft ? left++ : right++] ?? 0; // one of the two is within its run
  }
}

/** One behind the other. Throws a TypeError for points of different types, which are of no one series. */
function concatenate(sources: readonly Points[], like: Points): Points {
  if (sources.length === 1 && sources[0]) return sources[0];
  const times = new Float64Array(sources.reduce((sum, points) => sum + points.times.length, 0));
  let at = 0;
  for (const points of sources) {
    times.set(points.times, at);
    at += points.times.length;
  }
  switch (like.type) {
    case "number": {
      const values = new Float64Array(times.length);
      at = 0;
      for (const points of sources) {
        if (points.type !== "number") throw different();
        values.set(points.values, at);
        at += points.values.length;
      }
      return { type: "number", times, values };
    }
    case "boolean": {
      const values = new Uint8Array(times.length);
      at = 0;
      for (const points of sources) {
        if (points.type !== "boolean") throw different();
        values.set(points.values, at);
        at += points.values.length;
      }
      return { type: "boolean", times, values };
    }
    case "text":
    case "json": {
      const values: string[] = [];
      for (const points of sources) {
        if (points.type !== like.type) throw different();
        for (const value of points.values) values.push(value);
      }
      return { type: like.type, times, values };
    }
    case "location": {
      const values: Location[] = [];
      for (const points of sources) {
        if (points.type !== "location") throw different();
        for (const value of points.values) values.push(value);
      }
      return { type: "location", times, values };
    }
  }
}

const different = () => new TypeError("points of different types are of no one series");

import type { Instant } from "@holdfast/kernel";
import { firstAt, pointAt, type Point, type Points } from "./points.ts";
import type { Part } from "./reader.ts";
import { quarterHour } from "./rollup.ts";
import type { Summary } from "./summary.ts";
import { Json, type Value } from "./value.ts";

/** What one column of a chart's pixels has: its first, its least, its greatest and its last point. */
type Column = { first: Point; least: Point; greatest: Point; last: Point };

/**
 * Points for a chart that is so many pixels wide: of each column the first, the least, the greatest and the last (M4, Jugel et al. 2014), so that
 * the line through them is the one through all points, peaks included. Where a column is a quarter hour or longer, the sums of quarter hours do in
 * place of points; when in its quarter hour the least and the greatest were measured is then not known, and they stand at its thirds.
 */
export class Thinning {
  /** Milliseconds that one column spans; they are multiples of it since 1970, so that a chart that moves on keeps its columns. */
  readonly span: number;
  readonly #columns = new Map<number, Column>();

  constructor({ from, to, width }: { from: number; to: number; width: number }) {
    const least = Math.max(1, Math.ceil((to - from) / width));
    this.span = least < quarterHour ? least : Math.ceil(least / quarterHour) * quarterHour;
  }

  get rollUpSince(): number {
    return this.span % quarterHour === 0 ? -Infinity : Infinity;
  }

  add(part: Part): void {
    if (!("type" in part)) {
      for (const { start, summary } of part) this.#join(columnOf(summary, start));
      return;
    }
    const { times } = part;
    for (let from = 0; from < times.length;) {
      const to = firstAt(times, (Math.floor((times[from] ?? 0) / this.span) + 1) * this.span); // from is below length
      this.#join(columnIn(part, from, to));
      from = to;
    }
  }

  points(): readonly Point[] {
    const all: Point[] = [];
    for (const { first, least, greatest, last } of this.#columns.values()) {
      const inner = least.time <= greatest.time ? [least, greatest] : [greatest, least];
      for (const point of [first, ...inner, last]) if (!isSame(all.at(-1), point)) all.push(point);
    }
    return all;
  }

  #join(column: Column): void {
    const number = Math.floor(column.first.time / this.span);
    const there = this.#columns.get(number);
    if (!there) return void this.#columns.set(number, column);
    if (column.first.time < there.first.time) there.first = column.first;
    if (column.last.time >= there.last.time) there.last = column.last;
    if (typeof column.first.value !== "number" && typeof column.first.value !== "boolean") return; // nothing else has a size
    if (column.least.value < there.least.value) there.least = column.least;
    if (column.greatest.value > there.greatest.value) there.greatest = column.greatest;
  }
}

const isSame = (a: Point | undefined, b: Point): boolean => a?.time === b.time && a.value === b.value;

function columnIn(points: Points, from: number, to: number): Column {
  const [first, last] = [pointAt(points, from), pointAt(points, to - 1)];
  if (points.type !== "number" && points.type !== "boolean") return { first, least: first, greatest: last, last };
  const { values } = points;
  let [least, greatest] = [from, from];
  for (let at = from + 1; at < to; at++) {
    const value = values[at] ?? 0; // at is below length
    if (value < (values[least] ?? 0)) least = at;
    if (value > (values[greatest] ?? 0)) greatest = at;
  }
  return { first, least: pointAt(points, least), greatest: pointAt(points, greatest), last };
}

function columnOf(summary: Summary, start: number): Column {
  const { firstTime, lastTime } = summary;
  const valueOf = (end: "first" | "last"): Value => (summary.type === "json" ? new Json(summary[end]) : summary[end]);
  const [first, last] = [
    { time: firstTime, value: valueOf("first") },
    { time: lastTime, value: valueOf("last") },
  ];
  /** An extreme that is an end is that end; of another nobody knows when, so it stands between them. */
  const extreme = (value: Value, part: number): Point => {
    if (value === first.value) return first;
    if (value === last.value) return last;
    return { time: Math.min(Math.max(start + part * quarterHour, firstTime), lastTime) as Instant, value }; // whole: a part is a third
  };
  switch (summary.type) {
    case "number":
      return { first, least: extreme(summary.min, 1 / 3), greatest: extreme(summary.max, 2 / 3), last };
    case "boolean": {
      const { trues, count } = summary;
      return { first, least: extreme(trues === count, 1 / 3), greatest: extreme(trues > 0, 2 / 3), last };
    }
    case "text":
    case "location":
    case "json":
      return { first, least: first, greatest: last, last };
  }
}

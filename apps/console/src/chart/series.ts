/** One bucket as the platform aggregates it, or a point as it was measured: then all three are the value. */
export type Bucket = { readonly time: number; readonly avg: number; readonly min: number; readonly max: number };

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Steps that divide hours and days, and with them quarter hours, of which the platform keeps sums. */
const steps = [
  ["1s", second],
  ["5s", 5 * second],
  ["15s", 15 * second],
  ["30s", 30 * second],
  ["1m", minute],
  ["5m", 5 * minute],
  ["15m", 15 * minute],
  ["30m", 30 * minute],
  ["1h", hour],
  ["3h", 3 * hour],
  ["6h", 6 * hour],
  ["12h", 12 * hour],
  ["1d", day],
  ["7d", 7 * day],
] as const;

/** The finest step that gives at most so many buckets: a chart cannot show more than it has pixels. */
export function stepFor(span: number, buckets: number): { readonly every: string; readonly milliseconds: number } {
  const [every, milliseconds] = steps.find(([, length]) => span / length <= buckets) ?? ["30d", 30 * day];
  return { every, milliseconds };
}

/** The distance at which points usually come: half of them are nearer than one and a half of it. */
export function spacing(lines: readonly (readonly Bucket[])[]): number {
  const gaps = lines.flatMap((line) => line.slice(1).map(({ time }, at) => time - (line[at]?.time ?? time)));
  gaps.sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)] ?? 0;
}

/** What a person chooses; in the address by its name. */
export const ranges = { "15m": 15 * minute, "1h": hour, "24h": day, "7d": 7 * day, "30d": 30 * day } as const;
export type RangeName = keyof typeof ranges;
export const parseRange = (text: string | undefined): RangeName =>
  (Object.keys(ranges) as RangeName[]).find((name) => name === text) ?? "1h"; // the keys of a constant

/**
 * Lines that share one axis of time, as uPlot takes them: seconds, then each line's values. A hole of more than one and a half steps
 * between neighbours is a gap: `null`, which is drawn as nothing.
 */
export function aligned(lines: readonly (readonly Bucket[])[], step: number): (number | null)[][] {
  const times = new Set<number>();
  for (const line of lines) {
    let before: number | undefined;
    for (const { time } of line) {
      if (before !== undefined && time - before > 1.5 * step) times.add(before + step);
      times.add(time);
      before = time;
    }
  }
  const axis = [...times].sort((a, b) => a - b);
  const values = lines.map((line) => {
    const known = new Map(line.map((bucket) => [bucket.time, bucket.avg]));
    const first = line[0]?.time ?? Infinity;
    const last = line.at(-1)?.time ?? -Infinity;
    // Where another line has a point and this one's neighbours are near, nothing is missing: `undefined` is drawn over.
    return axis.map((time) => known.get(time) ?? (isGap(line, time, step, first, last) ? null : undefined)) as (
      | number
      | null
    )[]; // uPlot knows undefined, its types do not
  });
  return [axis.map((time) => time / second), ...values];
}

function isGap(line: readonly Bucket[], time: number, step: number, first: number, last: number): boolean {
  if (time < first || time > last) return true;
  let low = 0;
  let high = line.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((line[middle]?.time ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  const after = line[low]?.time ?? time;
  const before = line[low - 1]?.time ?? time;
  return after - before > 1.5 * step;
}

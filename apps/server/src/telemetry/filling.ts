import type { Instant } from "@holdfast/kernel";
import type { Aggregate, Fill } from "@holdfast/protocol";
import type { Bucket } from "./buckets.ts";
import { mapInStints } from "./stint.ts";
import type { Value } from "./value.ts";

/** A bucket, or what stands in the place of one that has no points. */
export type Filled = { readonly [A in Exclude<keyof Bucket, "time" | "count">]?: Bucket[A] | null } & Pick<
  Bucket,
  "time" | "count"
>;

/**
 * A bucket for every one of these times, in order, of which `found` knows some. No points were counted where there were none, so a count that is
 * filled is 0, whatever fills the others. What has nothing before it to repeat, or no number on either side to lie between, is `null`.
 */
export async function filled(
  times: readonly number[],
  found: ReadonlyMap<number, Bucket>,
  { fill, aggregates }: { fill: Exclude<Fill, "none">; aggregates: readonly Aggregate[] },
): Promise<readonly Filled[]> {
  const measured = times.flatMap((time) => found.get(time) ?? []);
  let next = 0; // of `measured`, the first that does not lie before the time looked at
  return mapInStints(times, (time): Filled => {
    const there = found.get(time);
    if (there) {
      next += 1;
      return there;
    }
    const [before, after] = [measured[next - 1], measured[next]];
    const entries = aggregates.map((aggregate) => [
      aggregate,
      aggregate === "count" ? 0 : substitute(fill, time, before, after, aggregate),
    ]);
    return { time: time as Instant, ...Object.fromEntries(entries) }; // windows begin at whole milliseconds
  });
}

function substitute(
  fill: Exclude<Fill, "none">,
  time: number,
  before: Bucket | undefined,
  after: Bucket | undefined,
  aggregate: Aggregate,
): Value | null {
  const [left, right] = [before?.[aggregate], after?.[aggregate]];
  switch (fill) {
    case "null":
      return null;
    case "zero":
      return typeof (left ?? right) === "number" ? 0 : null;
    case "previous":
      return left ?? null;
    case "linear": {
      if (!before || !after || typeof left !== "number" || typeof right !== "number") return null;
      const part = (time - before.time) / (after.time - before.time);
      return left * (1 - part) + right * part; // in this form two large numbers of opposite sign do not overflow
    }
  }
}

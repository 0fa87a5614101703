import type { Aggregate, percentiles } from "@holdfast/protocol";
import type { Points } from "./points.ts";

export type Percentile = (typeof percentiles)[number];

const parts: Readonly<Record<Percentile, number>> = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 };

export const isPercentile = (aggregate: Aggregate): aggregate is Percentile => Object.hasOwn(parts, aggregate);

/** What can be put in an order of size: of booleans, true is 1. `undefined` of what has none. */
export function sizesOf(points: Points): Float64Array | undefined {
  switch (points.type) {
    case "number":
      return points.values;
    case "boolean":
      return Float64Array.from(points.values);
    case "text":
    case "json":
    case "location":
      return undefined;
  }
}

/**
 * Of sorted values the least one that so much of them is not above: nearest rank, so that it is one that was measured
 * (Hyndman and Fan 1996, definition 1).
 */
export function percentileOf(sorted: Float64Array, percentile: Percentile): number {
  const rank = Math.max(1, Math.ceil(sorted.length * parts[percentile]));
  return (sorted[rank - 1] ?? 0) + 0; // + 0 makes 0 of -0, as everywhere
}

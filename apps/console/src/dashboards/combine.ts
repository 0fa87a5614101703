/** One step of what the platform summed up. */
export type Step = {
  readonly avg?: number | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly sum?: number | undefined;
  readonly count?: number | undefined;
};

export type Summed = "avg" | "min" | "max" | "sum" | "count";

/** Steps of a span of time as one number; `undefined` where nothing was measured. */
export function combined(steps: readonly Step[], by: Summed): number | undefined {
  const counts = steps.reduce((sum, { count = 0 }) => sum + count, 0);
  if (counts === 0) return undefined;
  switch (by) {
    case "count":
      return counts;
    case "sum":
      return steps.reduce((sum, { sum: one = 0 }) => sum + one, 0);
    case "avg":
      return steps.reduce((sum, { avg = 0, count = 0 }) => sum + avg * count, 0) / counts;
    case "min":
      return Math.min(...steps.flatMap(({ min }) => (min === undefined ? [] : [min])));
    case "max":
      return Math.max(...steps.flatMap(({ max }) => (max === undefined ? [] : [max])));
  }
}

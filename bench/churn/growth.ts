import type { Moment } from "./churn.ts";

/** Bytes a visit: what the straight line through the moments rises by, and, at a confidence of 99 %, what it rises by at least and at most. */
export type Growth = { readonly each: number; readonly atLeast: number; readonly atMost: number };

/** Seconds in which a program compiles what it does often, and tables get their size; longer where others compile beside it. */
export const warmUp = 90;

/**
 * Least squares. What strays from the line strays for a while (a buffer that fills, a table that doubled), so that moments in a row tell
 * less than moments apart: by as much as one stray is like the next.
 */
export function growthOf(moments: readonly Moment[], of: "live" | "resident"): Growth {
  const points = moments
    .filter(({ seconds }) => seconds > warmUp)
    .map((moment) => ({ x: moment.visits, y: moment[of] }));
  const count = points.length;
  if (count < 10) throw new TypeError("Ten moments at least tell how something grows.");
  const [x, y] = [
    points.reduce((sum, point) => sum + point.x, 0) / count,
    points.reduce((sum, point) => sum + point.y, 0) / count,
  ];
  const spread = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
  const each = points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / spread;

  const strays = points.map((point) => point.y - y - each * (point.x - x));
  const squares = strays.reduce((sum, stray) => sum + stray * stray, 0);
  const neighbours = strays.reduce((sum, stray, at) => sum + stray * (strays[at - 1] ?? 0), 0);
  const likeness = squares > 0 ? Math.min(0.9, Math.max(0, neighbours / squares)) : 0;
  const error = Math.sqrt((squares / (count - 2) / spread) * ((1 + likeness) / (1 - likeness)));
  return { each, atLeast: each - 2.33 * error, atMost: each + 2.33 * error };
}

export const sayGrowth = ({ each, atLeast, atMost }: Growth): string =>
  `${each.toFixed(1)} bytes a visit (${atLeast.toFixed(1)} to ${atMost.toFixed(1)})`;

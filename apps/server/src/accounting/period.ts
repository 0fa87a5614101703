import type { Instant } from "@holdfast/kernel";
import type { usageSteps } from "@holdfast/protocol";

const hour = 3_600_000; // milliseconds
const day = 24 * hour;

export type Step = (typeof usageSteps)[number];

/** When the hour, day or month (of UTC) that holds this moment began. */
export function startOf(step: Step, at: Instant): Instant {
  switch (step) {
    case "hour":
      return (at - modulo(at, hour)) as Instant; // a whole number of milliseconds less another
    case "day":
      return (at - modulo(at, day)) as Instant; // as above
    case "month": {
      const date = new Date(at);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) as Instant; // Date.UTC gives milliseconds
    }
  }
}

/** The first moment of the month after. */
export function nextMonth(at: Instant): Instant {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) as Instant; // Date.UTC gives milliseconds
}

const modulo = (at: number, size: number): number => ((at % size) + size) % size;

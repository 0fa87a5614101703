import type { Instant } from "@holdfast/kernel";
import { quotaNames, type QuotaName } from "@holdfast/protocol";
import type { Counts } from "./counts.ts";
import { nextMonth } from "./period.ts";

/** A plan is nothing but this, with a name. What it does not name is not bounded. */
export type Quotas = Readonly<Partial<Record<QuotaName, number>>>;

/** How many there are at a time; the others are what a month of UTC has. */
const levels: readonly QuotaName[] = ["connections", "devices"];

/** What is used of a quota, and how that stands. */
export type Standing = {
  readonly quota: QuotaName;
  readonly limit: number;
  readonly used: number;
  readonly state: "fine" | "warned" | "exhausted";
};

const warnsAt = 0.8;

/** What counts against each. */
export function usedOf(
  month: Readonly<Counts>,
  now: { connections: number; devices: number },
): Record<QuotaName, number> {
  return {
    ...now,
    messages: month.messagesIn + month.messagesOut,
    bytes: month.bytesIn + month.bytesOut,
    points: month.points,
    requests: month.requests,
  };
}

/** Every quota of the plan, in the order of `quotaNames`. */
export const standingsOf = (quotas: Quotas, used: Readonly<Record<QuotaName, number>>): readonly Standing[] =>
  quotaNames.flatMap((quota) => {
    const limit = quotas[quota];
    return limit === undefined ? [] : [{ quota, limit, used: used[quota], state: stateOf(used[quota], limit) }];
  });

const stateOf = (used: number, limit: number): Standing["state"] =>
  used >= limit ? "exhausted" : used >= limit * warnsAt ? "warned" : "fine";

/** Seconds until a quota of the month begins anew; of a level nobody knows. */
export const secondsLeft = (quota: QuotaName, now: Instant): number | undefined =>
  levels.includes(quota) ? undefined : Math.max(1, Math.ceil((nextMonth(now) - now) / 1_000));

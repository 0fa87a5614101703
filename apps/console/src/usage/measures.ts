import type { Reply } from "@holdfast/client";
import type { routes, usageGroups } from "@holdfast/protocol";

export type Step = Reply<typeof routes.readUsage>["items"][number];

/** What is counted in each step. */
export const counted = [
  "connections",
  "messagesIn",
  "messagesOut",
  "bytesIn",
  "bytesOut",
  "requests",
  "points",
] as const satisfies readonly (keyof Step)[];

/** What is drawn, as its parts: messages and bytes go two ways. */
export const measures = {
  messages: ["messagesIn", "messagesOut"],
  bytes: ["bytesIn", "bytesOut"],
  points: ["points"],
  requests: ["requests"],
  connections: ["connections"],
} as const satisfies Record<string, readonly (keyof Step)[]>;
export type Group = (typeof usageGroups)[number];
export type Measure = keyof typeof measures;

/** One of the names, or the first: anything may stand in an address. */
export const oneOf = <const Name extends string>(names: readonly [Name, ...Name[]], text: string | undefined): Name =>
  names.find((name) => name === text) ?? names[0];

/** Of a group those that have most, as far as they can be told apart. */
export const mostLines = 4;

const sumOf = (step: Step, measure: Measure): number => measures[measure].reduce((sum, name) => sum + step[name], 0);

const shownSteps = { hour: 48, day: 31, month: 12 } as const;

/** When each of the last steps began, as the platform counts them: hours, days and months of UTC. */
function timesUntil(now: number, every: keyof typeof shownSteps): readonly string[] {
  const last = new Date(now);
  const [year, month, day, hour] = [last.getUTCFullYear(), last.getUTCMonth(), last.getUTCDate(), last.getUTCHours()];
  return Array.from({ length: shownSteps[every] }, (_, at) => {
    const back = shownSteps[every] - 1 - at;
    if (every === "month") return Date.UTC(year, month - back);
    return every === "day" ? Date.UTC(year, month, day - back) : Date.UTC(year, month, day, hour - back);
  }).map((time) => new Date(time).toISOString());
}

/**
 * The steps over one axis of time, as uPlot takes them: seconds, then a line each. Of the organisation the parts of the measure; of a
 * group the four that have most. Where there was nothing, nothing was used: that is no gap.
 */
export function drawn(
  steps: readonly Step[],
  {
    measure,
    by,
    every,
    now,
    after = "",
  }: {
    measure: Measure;
    by: Group;
    every: keyof typeof shownSteps;
    now: number;
    /** Of this step, and of those before it, not all is known. */
    after?: string | undefined;
  },
): { readonly names: readonly string[]; readonly data: readonly (readonly number[])[] } {
  const times = timesUntil(now, every).filter((time) => time > after);
  const axis = times.map((time) => Date.parse(time) / 1_000);
  if (by === "organisation") {
    const byTime = new Map(steps.map((step) => [step.time, step]));
    const names = measures[measure];
    return { names, data: [axis, ...names.map((name) => times.map((time) => byTime.get(time)?.[name] ?? 0))] };
  }
  const totals = new Map<string, number>();
  for (const step of steps) {
    if (step.about !== undefined) totals.set(step.about, (totals.get(step.about) ?? 0) + sumOf(step, measure));
  }
  const most = [...totals].toSorted(([, a], [, b]) => b - a).slice(0, mostLines);
  const known = new Map(steps.map((step) => [`${step.about} ${step.time}`, sumOf(step, measure)]));
  return {
    names: most.map(([about]) => about),
    data: [axis, ...most.map(([about]) => times.map((time) => known.get(`${about} ${time}`) ?? 0))],
  };
}

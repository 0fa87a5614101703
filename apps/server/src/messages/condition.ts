import type { Instant } from "@holdfast/kernel";

/** What is wrong with a device beyond being away. In the database by its place: append only. */
export const troubles = ["silent", "notReceiving", "flapping"] as const;
export type Trouble = (typeof troubles)[number];

/** The rules, as docs/presence.md says them. Milliseconds. */
export const rules = {
  /** Of its reporting interval: so many without a reading are silence. */
  missed: 2,
  /** So long nothing is acknowledged of what was sent to it. */
  unacknowledged: 30_000,
  /** So many comings and goings within so long are flapping, until nothing has changed for `calm`. */
  turns: 6,
  within: 300_000,
  calm: 120_000,
} as const;

/** How a device is, beyond whether it is connected. What it was since is told by the wall clock, what is compared by elapsed milliseconds. */
export type Condition = {
  readonly isConnected: boolean;
  /** Silence is counted from here at the earliest: since it is there, or since we look. */
  readonly countedFrom: number;
  readonly silent: Instant | undefined;
  readonly notReceiving: Instant | undefined;
  readonly flapping: Instant | undefined;
  /** When it last came or went, the oldest first, at most `rules.turns`. */
  readonly turns: readonly number[];
};

/** What changes too often to be told: it is looked at when it may be too late. Elapsed milliseconds. */
export type Facts = {
  /** Of its last reading. */
  readonly readAt: number;
  /** Since when it owes an acknowledgement and gave none. */
  readonly unansweredSince: number | undefined;
  /** How often it should report; `undefined` when nobody said. */
  readonly interval: number | undefined;
  /** It was connected and is not: nothing more is expected of it. */
  readonly isAway: boolean;
};

export type Happening =
  | { readonly what: "came" | "went" | "reached" | "lost" | "read" | "acknowledged" }
  | ({ readonly what: "looked" } & Facts);

export const unwatched: Condition = {
  isConnected: false,
  countedFrom: Number.POSITIVE_INFINITY,
  silent: undefined,
  notReceiving: undefined,
  flapping: undefined,
  turns: [],
};

/** Of a device that was there before a start. Nothing is held against it that the platform was away: silence and calm are counted from now. */
export const remembered = (elapsed: number, trouble: { state: Trouble; since: Instant } | undefined): Condition => ({
  ...unwatched,
  countedFrom: elapsed,
  silent: trouble?.state === "silent" ? trouble.since : undefined,
  flapping: trouble?.state === "flapping" ? trouble.since : undefined,
  turns: trouble?.state === "flapping" ? [elapsed] : [],
});

/** What outlasts a restart, also of what is away just then: a stop of the platform makes everything so. */
export function lasting({ flapping, silent }: Condition): { state: Trouble; since: Instant } | undefined {
  if (flapping !== undefined) return { state: "flapping", since: flapping };
  return silent === undefined ? undefined : { state: "silent", since: silent };
}

/** What it is after that. `lost` is a going that is the platform's doing, or its gateway's, and no sign of a bad line; `reached` the coming back. */
export function next(condition: Condition, happening: Happening, elapsed: number, now: Instant): Condition {
  switch (happening.what) {
    case "came":
      return turned({ ...condition, isConnected: true, countedFrom: elapsed, notReceiving: undefined }, elapsed, now);
    case "went":
      return turned({ ...condition, isConnected: false, notReceiving: undefined }, elapsed, now);
    case "reached":
      return { ...condition, countedFrom: elapsed };
    case "lost":
      return { ...condition, isConnected: false, notReceiving: undefined };
    case "read":
      return condition.silent === undefined ? condition : { ...condition, silent: undefined };
    case "acknowledged":
      return condition.notReceiving === undefined ? condition : { ...condition, notReceiving: undefined };
    case "looked":
      return looked(condition, happening, elapsed, now);
  }
}

/** When it has to be looked at next. */
export function dueAt(condition: Condition, facts: Facts): number {
  const { silent, notReceiving, flapping } = condition;
  return Math.min(
    silent === undefined ? silenceAt(condition, facts) : Number.POSITIVE_INFINITY,
    notReceiving === undefined ? unansweredAt(condition, facts) : Number.POSITIVE_INFINITY,
    flapping === undefined ? Number.POSITIVE_INFINITY : calmAt(condition),
  );
}

/** The worst of it, where several hold. What flaps is neither here nor away; of what is away nothing else is known. */
export function troubleOf(condition: Condition, isAway: boolean): { state: Trouble; since: Instant } | undefined {
  const { flapping, notReceiving, silent } = condition;
  if (flapping !== undefined) return { state: "flapping", since: flapping };
  if (isAway) return undefined;
  if (notReceiving !== undefined) return { state: "notReceiving", since: notReceiving };
  return silent === undefined ? undefined : { state: "silent", since: silent };
}

function turned(condition: Condition, elapsed: number, now: Instant): Condition {
  const turns = [...condition.turns, elapsed].slice(-rules.turns);
  const [oldest = elapsed] = turns;
  const isMany = turns.length === rules.turns && elapsed - oldest <= rules.within;
  return { ...condition, turns, flapping: condition.flapping ?? (isMany ? now : undefined) };
}

function looked(condition: Condition, facts: Facts, elapsed: number, now: Instant): Condition {
  const isCalm = condition.flapping !== undefined && elapsed >= calmAt(condition);
  return {
    ...condition,
    silent: facts.interval === undefined ? undefined : (condition.silent ?? since(silenceAt(condition, facts))),
    notReceiving: condition.notReceiving ?? since(unansweredAt(condition, facts)),
    flapping: isCalm ? undefined : condition.flapping,
    turns: isCalm ? [] : condition.turns,
  };

  function since(due: number): Instant | undefined {
    return elapsed >= due ? now : undefined;
  }
}

const silenceAt = ({ countedFrom }: Condition, { interval, readAt, isAway }: Facts): number =>
  interval === undefined || isAway ? Number.POSITIVE_INFINITY : Math.max(countedFrom, readAt) + rules.missed * interval;

const unansweredAt = ({ isConnected }: Condition, { unansweredSince }: Facts): number =>
  isConnected && unansweredSince !== undefined ? unansweredSince + rules.unacknowledged : Number.POSITIVE_INFINITY;

const calmAt = ({ turns }: Condition): number => (turns.at(-1) ?? Number.NEGATIVE_INFINITY) + rules.calm;

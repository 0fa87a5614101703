import type { Alert } from "./alerts.fixture.ts";
import { Expected, outagesOf, sentences, sessionsOf, type Act, type Run, type Who } from "./presence-model.fixture.ts";

// What a platform said of presence and alerts, beside what it had to say. Milliseconds.

const second = 1_000;
/** As the rule says it. */
export const after = 5 * second;
/** An alert is raised within so long of what its rule says. */
export const raisedWithin = 10 * second;
/** Whoever was away at a start has so long to come back. */
export const patience = 120 * second;

/** What was told of one device. */
export type Told = {
  /** When it was asked, and when it was answered. */
  readonly from: number;
  readonly to: number;
  readonly state: string;
  readonly since: number;
  readonly because: string | undefined;
};

/** All that happened. */
export type Happened = {
  readonly who: readonly Who[];
  /** Of each, by its number. */
  readonly acts: ReadonlyMap<number, readonly Act[]>;
  readonly told: ReadonlyMap<number, readonly Told[]>;
  readonly alerts: ReadonlyMap<number, readonly Alert[]>;
  /** About whom there was an alert when the platform went. */
  readonly alertsBefore: ReadonlySet<number>;
  readonly runs: readonly [Run, Run];
  readonly isKilled: boolean;
  readonly startedAt: number;
  readonly end: number;
  /** For how long the process that looked stood still, at most. */
  readonly lag: number;
};

export class Verdict {
  readonly problems: string[] = [];
  readonly states = new Set<string>();
  compared = 0;
  /** By how much the worst was beside. */
  worst = 0;
  /** So often a device had to be in an alert, and so many went with many others. */
  owed = 0;
  readonly wentTogether: number;
  readonly #happened: Happened;

  constructor(happened: Happened) {
    this.#happened = happened;
    const { who, acts, runs } = happened;
    const sessions = new Map(who.map((one) => [one.at, sessionsOf(one, acts.get(one.at) ?? [], runs)]));
    const outages = outagesOf(sessions, runs);
    this.wentTogether = outages.size;
    for (const one of who) {
      const expected = new Expected(one, acts.get(one.at) ?? [], runs, sessions.get(one.at) ?? [], outages);
      this.#judgePresence(one, expected);
      this.#judgeAlerts(one, expected);
    }
  }

  #problem({ at }: Who, what: string, about: object, { changes }: Expected): void {
    const { acts, runs } = this.#happened;
    const did = acts.get(at)?.filter((act) => act.what !== "packet" && act.what !== "read");
    this.problems.push(`device ${at}: ${what} ${JSON.stringify({ about, changes, did, runs })}`);
  }

  #judgePresence(one: Who, expected: Expected): void {
    const { told, lag, isKilled } = this.#happened;
    const tolerance = second + lag;
    for (const now of told.get(one.at) ?? []) {
      this.compared += 1;
      this.states.add(now.state);
      const fitting = expected
        .between(now.from - tolerance, now.to + tolerance)
        .filter(({ state }) => state === now.state);
      if (fitting.length === 0) {
        this.#problem(one, "it was told to be what it is not", now, expected);
        continue;
      }
      if (now.state === "never") continue;
      // Whom a kill has cut off is away since the platform was last known to run.
      const known = isKilled && now.because === sentences.stopped ? 15 * second : 0;
      const beside = Math.min(...fitting.map(({ since }) => Math.max(0, Math.abs(now.since - since) - known)));
      this.worst = Math.max(this.worst, beside);
      if (beside > tolerance) this.#problem(one, `since is ${beside} ms beside`, now, expected);
      // Who goes is one of many only once there are many.
      const causes = fitting.flatMap(({ because, own }) => [because, own]);
      if (now.state === "offline" && !causes.includes(now.because)) this.#problem(one, "why", now, expected);
    }
  }

  /** None is missed, and none is false. */
  #judgeAlerts(one: Who, expected: Expected): void {
    const { alerts, alertsBefore, runs, startedAt, end, lag } = this.#happened;
    const stoppedAt = runs[0].to;
    // What came after the end was not asked of the model.
    const mine = (alerts.get(one.at) ?? []).filter(({ raisedAt }) => Date.parse(raisedAt) <= end);
    const shown = mine.map(({ id, raisedAt, clearedAt, count }) => ({ id, raisedAt, clearedAt, count }));
    let [must, may] = [0, 0];
    for (const { from, to } of expected.troubles) {
      const isOfBefore = from <= stoppedAt && to > startedAt;
      const isRaisedBefore = from + after + raisedWithin < stoppedAt;
      const due = isOfBefore && !isRaisedBefore ? Math.max(from + after, startedAt + patience) : from + after;
      const mayBeRaisedBefore = isOfBefore && from + after - second - lag < stoppedAt;
      if (to < due - second - lag || due > end) may += mayBeRaisedBefore ? 1 : 0;
      else if (to < due + raisedWithin + second + lag || due + raisedWithin > end) may += 1;
      else {
        must += 1;
        // Whoever went again while an outage goes on is in the same alert once more.
        const isRaised = mine.some(
          ({ raisedAt, clearedAt }) =>
            Date.parse(raisedAt) <= due + raisedWithin + lag &&
            (clearedAt === undefined || Date.parse(clearedAt) >= Math.min(to, end) - second - lag),
        );
        if (!isRaised) this.#problem(one, "an alert is missed", { from, to, due, shown }, expected);
        if (isRaisedBefore && from < stoppedAt && !alertsBefore.has(one.at))
          this.#problem(one, "an alert is late", { from, to, due, shown }, expected);
      }
    }
    this.owed += must;
    if (mine.length > must + may) this.#problem(one, `there are more than ${must + may} alerts`, { shown }, expected);
    for (const endedAt of mine.flatMap(({ devices }) => devices.filter(({ device }) => device === one.device))) {
      if (endedAt.endedAt === undefined) continue;
      const ended = Date.parse(endedAt.endedAt);
      if (ended <= end && !expected.troubles.some(({ to }) => Math.abs(to - ended) <= second + lag))
        this.#problem(one, "it was over at another time", { endedAt }, expected);
    }
  }
}

// What presence-fleet.long.test.ts expects, worked out by brute force from what clients did, beside all code that is tried. Milliseconds since 1970.

export type Who = {
  /** Its number. */
  readonly at: number;
  readonly device: string;
  readonly key: string;
  readonly secret: string;
  /** Seconds both. */
  readonly keepAlive: number;
  readonly interval?: number | undefined;
  readonly listens: boolean;
};

export type Step = {
  readonly device: number;
  readonly at: number;
  readonly do: "come" | "stay" | "bye" | "cut" | "freeze" | "quiet" | "talk" | "deaf" | "hear";
};

/** To a program that is many devices. */
export type Order = {
  readonly place: { readonly port: number; readonly ca: string };
  readonly devices: readonly Who[];
  readonly steps: readonly Step[];
};

export type Act = {
  readonly at: number;
  readonly what: "came" | "bye" | "cut" | "packet" | "read" | "got" | "acknowledged";
};

/** When the platform was there. */
export type Run = { readonly from: number; readonly to: number };

export type State = "never" | "online" | "offline" | "silent" | "notReceiving" | "flapping";
/** From then on it is so; `own` is why it went, were it not for the others. */
export type Change = {
  readonly at: number;
  readonly state: State;
  readonly since: number;
  readonly because?: string;
  readonly own?: string;
};

type Session = { readonly from: number; readonly to: number; readonly because: string };

const rules = { unacknowledged: 30_000, turns: 6, within: 300_000, calm: 120_000, outage: 60_000, many: 100 };
export const sentences = {
  bye: "it said goodbye",
  cut: "the connection broke",
  silent: "silent for longer than its keep-alive",
  stopped: "the platform stopped",
  many: "it went with many others at once",
} as const;

/** From a CONNACK to a goodbye, a cut, one and a half keep-alives after the last packet, or the platform's end. */
export function sessionsOf({ keepAlive }: Who, acts: readonly Act[], runs: readonly Run[]): readonly Session[] {
  const sessions: Session[] = [];
  for (const [index, { at: from, what }] of acts.entries()) {
    const run = runs.find((one) => one.from <= from && from < one.to);
    if (what !== "came" || !run) continue;
    let heardAt = from;
    let end: Session | undefined;
    for (const act of acts.slice(index + 1)) {
      if (end || act.what === "came" || act.at > heardAt + 1_500 * keepAlive) break;
      if (act.what === "bye" || act.what === "cut") end = { from, to: act.at, because: sentences[act.what] };
      else if (act.what !== "got") heardAt = act.at;
    }
    end ??= { from, to: heardAt + 1_500 * keepAlive, because: sentences.silent };
    sessions.push(end.to < run.to ? end : { from, to: run.to, because: sentences.stopped });
  }
  return sessions;
}

/** Those of all devices that went without a word and are told to have gone with many: so many within a minute, and whoever follows within one of the last. */
export function outagesOf(all: ReadonlyMap<number, readonly Session[]>, runs: readonly Run[]): ReadonlySet<Session> {
  const found = new Set<Session>();
  for (const run of runs) {
    const gone = [...all.values()]
      .flat()
      .filter(
        ({ to, because }) =>
          run.from <= to && to < run.to && (because === sentences.cut || because === sentences.silent),
      )
      .toSorted((a, b) => a.to - b.to);
    let last = Number.NEGATIVE_INFINITY;
    for (const [index, one] of gone.entries()) {
      const before = gone.slice(0, index + 1).filter(({ to }) => one.to - to <= rules.outage);
      if (one.to - last > rules.outage && before.length < rules.many) continue;
      for (const each of one.to - last > rules.outage ? before : [one]) found.add(each);
      last = one.to;
    }
  }
  return found;
}

export class Expected {
  readonly changes: readonly Change[];
  readonly #who: Who;
  readonly #acts: readonly Act[];
  readonly #runs: readonly Run[];
  readonly #sessions: readonly Session[];
  readonly #outages: ReadonlySet<Session>;
  readonly #flaps: readonly { readonly from: number; readonly to: number }[];
  readonly #silences: readonly { readonly from: number; readonly to: number }[];

  constructor(
    who: Who,
    acts: readonly Act[],
    runs: readonly Run[],
    sessions: readonly Session[],
    outages: ReadonlySet<Session>,
  ) {
    this.#who = who;
    this.#acts = acts;
    this.#runs = runs;
    this.#sessions = sessions;
    this.#outages = outages;
    this.#flaps = this.#findFlaps();
    this.#silences = this.#findSilences();
    const times = [
      ...this.#sessions.flatMap(({ from, to }) => [from, to]),
      ...[...this.#flaps, ...this.#silences].flatMap(({ from, to }) => [from, to]),
      ...acts.flatMap(({ at }) => [at, at + rules.unacknowledged]),
    ];
    const changes: Change[] = [];
    for (const at of times.toSorted((a, b) => a - b)) {
      const is = this.#at(at);
      const last = changes.at(-1);
      if (last?.state !== is.state || last.since !== is.since) changes.push({ at, ...is });
    }
    this.changes = changes;
  }

  /** Six comings and goings within five minutes, until two minutes without any. The platform's own end is none, and after a start they are counted anew. */
  #findFlaps(): readonly { from: number; to: number }[] {
    const flaps: { from: number; to: number }[] = [];
    const turns = this.#sessions
      .flatMap(({ from, to, because }) => (because === sentences.stopped ? [from] : [from, to]))
      .toSorted((a, b) => a - b);
    let began: number | undefined;
    let counted: number[] = [];
    const calm = (until: number): void => {
      const last = (counted.at(-1) ?? 0) + rules.calm;
      if (began === undefined || last > until) return;
      flaps.push({ from: began, to: last });
      began = undefined;
      counted = [];
    };
    const starts = this.#runs.slice(1).map(({ from }) => from);
    for (const { at, isStart } of [
      ...turns.map((at) => ({ at, isStart: false })),
      ...starts.map((at) => ({ at, isStart: true })),
    ].toSorted((a, b) => a.at - b.at)) {
      calm(at);
      counted = isStart ? (began === undefined ? [] : [at]) : [...counted, at];
      const oldest = counted.at(-rules.turns);
      if (oldest !== undefined && at - oldest <= rules.within) began ??= at;
    }
    calm(Number.POSITIVE_INFINITY);
    return flaps;
  }

  /** Two intervals without a reading while it is connected, until its next one, over everything that befalls it meanwhile. */
  #findSilences(): readonly { from: number; to: number }[] {
    const { interval } = this.#who;
    if (interval === undefined) return [];
    const readings = this.#acts.filter(({ what, at }) => what === "read" && this.#isConnected(at)).map(({ at }) => at);
    const silences: { from: number; to: number }[] = [];
    for (const { from, to } of this.#sessions) {
      const starts = [from, ...readings.filter((at) => from < at && at < to)];
      for (const start of starts) {
        const next = readings.find((at) => at > start) ?? Number.POSITIVE_INFINITY;
        const begins = start + 2_000 * interval;
        if (begins >= next || begins >= to || silences.some((one) => one.from <= begins && begins < one.to)) continue;
        silences.push({ from: begins, to: next });
      }
    }
    return silences;
  }

  #isConnected = (at: number): boolean => this.#sessions.some(({ from, to }) => from <= at && at < to);

  /** Since when it acknowledges nothing of what came to it in this session. */
  #owedSince({ from }: Session, at: number): number | undefined {
    let since: number | undefined;
    for (const act of this.#acts) {
      if (act.at < from || act.at > at) continue;
      if (act.what === "acknowledged") since = undefined;
      else if (act.what === "got") since ??= act.at;
    }
    return since;
  }

  #at(at: number): Omit<Change, "at"> {
    const within = ({ from, to }: { from: number; to: number }) => from <= at && at < to;
    const flap = this.#flaps.find(within);
    if (flap) return { state: "flapping", since: flap.from };
    const session = this.#sessions.findLast(({ from }) => from <= at);
    if (!session) return { state: "never", since: 0 };
    if (at >= session.to) {
      const because = this.#outages.has(session) ? sentences.many : session.because;
      return { state: "offline", since: session.to, because, own: session.because };
    }
    const owedSince = this.#owedSince(session, at);
    if (owedSince !== undefined && at - owedSince >= rules.unacknowledged)
      return { state: "notReceiving", since: owedSince + rules.unacknowledged };
    const silence = this.#silences.find(within);
    return silence ? { state: "silent", since: silence.from } : { state: "online", since: session.from };
  }

  /** What may be told between these two moments. */
  between(from: number, to: number): readonly Change[] {
    const before = this.changes.findLast(({ at }) => at <= from) ?? { at: 0, state: "never", since: 0 };
    return [before, ...this.changes.filter(({ at }) => from < at && at <= to)];
  }

  /** When something was wrong with it, without a break. */
  get troubles(): readonly { readonly from: number; readonly to: number }[] {
    const troubles: { from: number; to: number }[] = [];
    let from: number | undefined;
    for (const { at, state } of this.changes) {
      const isWell = state === "online" || state === "never";
      if (!isWell) from ??= at;
      else if (from !== undefined) {
        troubles.push({ from, to: at });
        from = undefined;
      }
    }
    if (from !== undefined) troubles.push({ from, to: Number.POSITIVE_INFINITY });
    return troubles;
  }
}

import { Refusal, type Clock } from "@holdfast/kernel";

/** How long is waited after failures one after the other: none after the first few, then twice as long each time. In milliseconds. */
export type Patience = {
  /** How many may fail before anybody waits. */
  readonly free: number;
  readonly first: number;
  readonly longest: number;
  /** After how long without one all of them are forgotten. */
  readonly forgotten: number;
};

type Kept = { failures: number; until: number; at: number };

/** Keys that are remembered: of about a hundred bytes each. */
const most = 20_000;

/** What failed, by key: an account, a network. Whoever fills it up has to fail as often as it has places, each a slow hash. */
export class Failures {
  readonly #patience: Patience;
  readonly #clock: Clock;
  /** The one that failed last is last. */
  readonly #kept = new Map<string, Kept>();

  constructor(patience: Patience, clock: Clock) {
    this.#patience = patience;
    this.#clock = clock;
  }

  get size(): number {
    return this.#kept.size;
  }

  of(key: string): number {
    return this.#find(key)?.failures ?? 0;
  }

  /** @throws Refusal `rate.exceeded` with how long to wait */
  refuse(key: string): void {
    const left = (this.#find(key)?.until ?? 0) - this.#clock.elapsed(); // not by what the clock is set to
    if (left > 0) throw new Refusal("rate.exceeded", { retryAfterSeconds: Math.ceil(left / 1_000) });
  }

  /** One more, from now on: of many at once each is counted before the first of them is known to have failed. */
  add(key: string): void {
    const { free, first, longest } = this.#patience;
    const failures = this.of(key) + 1;
    const at = this.#clock.elapsed();
    const wait = failures <= free ? 0 : Math.min(longest, first * 2 ** Math.min(failures - free - 1, 30));
    this.#kept.delete(key);
    this.#kept.set(key, { failures, until: at + wait, at });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > most && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** One that was counted did not fail after all: nobody waits for it. */
  takeBack(key: string): void {
    const kept = this.#find(key);
    if (!kept) return;
    kept.failures -= 1;
    kept.until = Math.min(kept.until, this.#clock.elapsed());
    if (kept.failures === 0) this.#kept.delete(key);
  }

  #find(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (!kept || this.#clock.elapsed() - kept.at < this.#patience.forgotten) return kept;
    this.#kept.delete(key);
    return undefined;
  }
}

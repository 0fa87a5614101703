import { Refusal, type Clock } from "@holdfast/kernel";

export type Rate = { readonly perSecond: number; readonly burst: number };

type Bucket = { tokens: number; at: number };

/** A token bucket for each key: a credential, an address. What has been full for a while is forgotten. */
export class RateLimit {
  readonly rate: Rate;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();
  #sweptAt: number;

  constructor(rate: Rate, clock: Clock) {
    this.rate = rate;
    this.#clock = clock;
    this.#sweptAt = clock.elapsed();
  }

  /** Answers how many are left. @throws Refusal `rate.exceeded` with how long to wait */
  take(key: string, options: ErrorOptions = {}): number {
    const bucket = this.#refilled(key);
    if (bucket.tokens < 1) {
      throw new Refusal("rate.exceeded", {
        ...options,
        retryAfterSeconds: Math.max(1, Math.ceil((1 - bucket.tokens) / this.rate.perSecond)),
      });
    }
    bucket.tokens -= 1;
    return Math.floor(bucket.tokens);
  }

  /** What was taken was not needed. */
  giveBack(key: string): void {
    this.#refilled(key).tokens += 1; // refilling bounds it
  }

  #refilled(key: string): Bucket {
    const now = this.#clock.elapsed(); // what is refilled does not depend on what the clock is set to
    this.#sweep(now);
    let bucket = this.#buckets.get(key);
    if (!bucket) this.#buckets.set(key, (bucket = { tokens: this.rate.burst, at: now }));
    const elapsed = now - bucket.at;
    bucket.tokens = Math.min(this.rate.burst, bucket.tokens + (elapsed / 1_000) * this.rate.perSecond);
    bucket.at = now;
    return bucket;
  }

  #sweep(now: number): void {
    const untilFull = (this.rate.burst / this.rate.perSecond) * 1_000;
    if (now - this.#sweptAt < untilFull) return;
    this.#sweptAt = now;
    for (const [key, { at }] of this.#buckets) if (now - at > untilFull) this.#buckets.delete(key);
  }
}

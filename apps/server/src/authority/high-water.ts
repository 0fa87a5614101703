import type { Clock, Instant } from "@holdfast/kernel";

/**
 * The greatest time ever seen, kept across restarts: whatever has expired by it stays expired when somebody sets the clock
 * back. A clock that was far ahead ends credentials early, which is the safe side; the operator reads of it in the log.
 */
export class HighWater implements Clock {
  readonly #clock: Clock;
  #highest: Instant;

  constructor(clock: Clock, highest: Instant) {
    this.#clock = clock;
    this.#highest = highest;
  }

  now(): Instant {
    const now = this.#clock.now();
    if (now > this.#highest) this.#highest = now;
    return this.#highest;
  }

  /** What something durable says was a time of ours. */
  raise(seen: Instant): void {
    if (seen > this.#highest) this.#highest = seen;
  }

  /** How far the platform's clock lies behind what it once said, in milliseconds. */
  behind(): number {
    return Math.max(0, this.#highest - this.#clock.now());
  }
}

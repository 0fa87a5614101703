import type { Clock, Instant } from "@holdfast/kernel";

/**
 * A clock that only goes forward, also across restarts: whatever has expired by it stays expired when somebody sets the machine's clock
 * back. It does not stand still then but goes on at its own pace, so that what is made after that ends in time as well. A clock that
 * was far ahead ends credentials early, which is the safe side; the operator reads of it in the log.
 */
export class HighWater implements Clock {
  readonly #clock: Clock;
  #highest: Instant;
  /** When `#highest` was so, by what passes evenly. */
  #since: number;
  #looked: { readonly now: number; readonly elapsed: number };

  constructor(clock: Clock, highest: Instant) {
    this.#clock = clock;
    this.#highest = highest;
    this.#since = clock.elapsed();
    this.#looked = { now: this.now(), elapsed: this.#since };
  }

  now(): Instant {
    const elapsed = this.#clock.elapsed();
    const passed = Math.floor(elapsed - this.#since);
    const now = Math.max(this.#clock.now(), this.#highest + passed) as Instant; // whole milliseconds both
    if (now > this.#highest) {
      // What is less than a millisecond stays to be counted.
      this.#since = now === this.#highest + passed ? this.#since + passed : elapsed;
      this.#highest = now;
    }
    return now;
  }

  elapsed(): number {
    return this.#clock.elapsed();
  }

  /** What something durable says was a time of ours. */
  raise(seen: Instant): void {
    if (seen <= this.now()) return;
    this.#highest = seen;
    this.#since = this.#clock.elapsed();
  }

  /**
   * Whether somebody set the clock forward since this was last asked, or the machine slept: timers know nothing of either, so what
   * has expired by that has to be looked for.
   */
  hasLeapt(): boolean {
    const looked = { now: this.now(), elapsed: this.elapsed() };
    const leap = looked.now - this.#looked.now - (looked.elapsed - this.#looked.elapsed);
    this.#looked = looked;
    return leap > 1_000;
  }

  /** How far the platform's clock lies behind what it once said, in milliseconds. */
  behind(): number {
    return Math.max(0, this.now() - this.#clock.now());
  }
}

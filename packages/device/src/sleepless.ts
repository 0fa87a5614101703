import type { Clock, Instant } from "@holdfast/kernel";

/** Milliseconds: a tenth of the shortest lease, which is what leases are cut by. A clock that is steered runs ahead by far less in that time. */
const unseen = 500;

/**
 * A clock whose `elapsed` goes on while the machine is suspended, as the one beneath it does not: by so much its own clock then is ahead of where it
 * was. So what somebody sets that clock forward by counts as time that passed, too; what he sets it back by does not count.
 */
export class SleeplessClock implements Clock {
  readonly #clock: Clock;
  #slept = 0;
  /** The least by which `now` was ahead of `elapsed` since it last slept. */
  #ahead: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#ahead = clock.now() - clock.elapsed();
  }

  now(): Instant {
    return this.#clock.now();
  }

  /** It sees a suspend when it is asked, and misses what the clock was set back by between that and the time before: ask each second. */
  elapsed(): number {
    const elapsed = this.#clock.elapsed();
    const ahead = this.#clock.now() - elapsed;
    const more = ahead - this.#ahead;
    if (more > unseen) this.#slept += more;
    if (more > unseen || more < 0) this.#ahead = ahead;
    return elapsed + this.#slept;
  }
}

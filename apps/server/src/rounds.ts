import { because, Refusal, type Report, type Timers } from "@holdfast/kernel";

type Round = { readonly every: number; readonly work: () => Promise<void> };

/** Milliseconds after which a round that was refused comes again, where it would not sooner; twice as many with each further time. */
const again = 60_000;

/** Work that is done again and again. A round that fails is told, and the next one comes all the same: sooner, where a database that was away refused it. */
export class Rounds {
  readonly #timers: Timers;
  readonly #report: Report;
  readonly #pending = new Set<{ cancel(): void }>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(timers: Timers, report: Report) {
    this.#timers = timers;
    this.#report = report;
  }

  every(milliseconds: number, work: () => Promise<void>): void {
    this.#next({ every: milliseconds, work }, 0);
  }

  /** After so many refusals, one behind the other. */
  #next(round: Round, refusals: number): void {
    if (this.#isStopped) return;
    const wait = refusals === 0 ? round.every : Math.min(round.every, again * 2 ** (refusals - 1));
    const timer = this.#timers.after(wait, () => {
      this.#pending.delete(timer);
      const running = this.#run(round, refusals).then((refusalsNow) => {
        this.#running.delete(running);
        this.#next(round, refusalsNow);
      });
      this.#running.add(running);
    });
    this.#pending.add(timer);
  }

  async #run({ work }: Round, refusals: number): Promise<number> {
    try {
      await work();
      return 0;
    } catch (error) {
      const isRefused = error instanceof Refusal;
      this.#report(
        isRefused ? `housekeeping: ${error.message}` : "housekeeping failed by our own fault",
        because(error),
      );
      return isRefused ? refusals + 1 : 0; // a fault of ours is there after a minute, too
    }
  }

  /** Waits for all that is at work. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#pending) timer.cancel();
    await Promise.all(this.#running);
  }
}

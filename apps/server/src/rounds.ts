import { because, Refusal, type Report, type Timers } from "@holdfast/kernel";

/** Work that is done again and again. A round that fails is told, and the next one comes all the same. */
export class Rounds {
  readonly #timers: Timers;
  readonly #report: Report;
  readonly #pending = new Set<{ cancel(): void }>();
  readonly #running = new Set<Promise<void>>();

  constructor(timers: Timers, report: Report) {
    this.#timers = timers;
    this.#report = report;
  }

  every(milliseconds: number, work: () => Promise<void>): void {
    const timer = this.#timers.after(milliseconds, () => {
      this.#pending.delete(timer);
      const round = work().catch((error: unknown) => {
        this.#report(
          error instanceof Refusal ? `housekeeping: ${error.message}` : "housekeeping failed by our own fault",
          because(error),
        );
      });
      this.#running.add(round);
      void round.then(() => {
        this.#running.delete(round);
        this.every(milliseconds, work);
      });
    });
    this.#pending.add(timer);
  }

  /** Waits for all that is at work. */
  async stop(): Promise<void> {
    this.every = () => {};
    for (const timer of this.#pending) timer.cancel();
    await Promise.all(this.#running);
  }
}

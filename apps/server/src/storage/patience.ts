import { Refusal, type Timers } from "@holdfast/kernel";

/** How long somebody is kept waiting in all, for his turn, the server's lock and a connection, before being told to come back. */
export const patienceMs = 10_000;

export const unavailable = (detail?: string): Refusal =>
  new Refusal("storage.unavailable", { retryAfterSeconds: 5, ...(detail === undefined ? {} : { detail }) });

/** One caller's wait, across everything that he has to wait for. */
export class Patience {
  readonly #timer: { cancel(): void };
  #giveUp: (() => void) | undefined;
  #isOver = false;

  constructor(timers: Timers) {
    this.#timer = timers.after(patienceMs, () => {
      this.#isOver = true;
      this.#giveUp?.();
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What to do when it is over: one thing, because one waits for one thing at a time. At once when it is over already. */
  whenOver(giveUp: () => void): void {
    this.#giveUp = giveUp;
    if (this.#isOver) giveUp();
  }

  end(): void {
    this.#giveUp = undefined;
    this.#timer.cancel();
  }
}

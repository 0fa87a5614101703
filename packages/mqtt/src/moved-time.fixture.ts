import type { Time } from "./time.ts";

type Timer = { due: number; call: () => void };

/** Time that stands still until a test moves it. */
export class MovedTime implements Time {
  #elapsed = 1_000;
  readonly #began: number;
  readonly #timers = new Set<Timer>();

  constructor(now = 1_700_000_001_000) {
    this.#began = now - this.#elapsed;
  }

  now(): number {
    return this.#began + this.#elapsed;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  /** How many timers run. */
  get waiting(): number {
    return this.#timers.size;
  }

  setTimer(milliseconds: number, call: () => void): () => void {
    const timer = { due: this.#elapsed + milliseconds, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets so much time pass; what falls due meanwhile is called in its order. */
  move(milliseconds: number): void {
    const until = this.#elapsed + milliseconds;
    for (;;) {
      const next = [...this.#timers].filter((timer) => timer.due <= until).sort((a, b) => a.due - b.due)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.due);
      next.call();
    }
    this.#elapsed = until;
  }
}

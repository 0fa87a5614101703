import type { Clock, Instant, Timers } from "@holdfast/kernel";

type Due = { at: number; readonly order: number; readonly work: () => void };

/** A clock that stands still until a test moves it, and timers that fire when it does. Both in one, because they agree. */
export class TestClock implements Clock, Timers {
  #now: number;
  /** By how much it was set, rather than moved. */
  #set = 0;
  #order = 0;
  readonly #due = new Set<Due>();

  constructor(start = Date.UTC(2026, 0, 1, 12)) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now as Instant; // whole milliseconds, by `move` and `set`
  }

  elapsed(): number {
    return this.#now - this.#set;
  }

  after(milliseconds: number, work: () => void): { cancel(): void } {
    const due = { at: this.#now + Math.max(0, Math.ceil(milliseconds)), order: (this.#order += 1), work };
    this.#due.add(due);
    return { cancel: () => void this.#due.delete(due) };
  }

  /** Forward, firing what falls due on the way, in order, each at its own time. */
  move(milliseconds: number): void {
    const until = this.#now + Math.ceil(milliseconds);
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#due.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.work();
    }
    this.#now = until;
  }

  /** Somebody sets the machine's clock, back too. Timers know nothing of it: they run by elapsed time. */
  set(instant: number): void {
    for (const due of this.#due) due.at += instant - this.#now;
    this.#set += instant - this.#now;
    this.#now = instant;
  }

  get waiting(): number {
    return this.#due.size;
  }

  #next(until: number): Due | undefined {
    let first: Due | undefined;
    for (const due of this.#due) {
      if (due.at > until) continue;
      if (!first || due.at < first.at || (due.at === first.at && due.order < first.order)) first = due;
    }
    return first;
  }
}

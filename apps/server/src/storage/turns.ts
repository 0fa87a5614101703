import type { Timers } from "@holdfast/kernel";
import { patienceMs, unavailable } from "./pool.ts";

const waitingAtMost = 500;

/**
 * One change at a time within an organisation, in the order asked. A verb may therefore read, decide and write, and nobody
 * writes between; and an organisation that writes a lot waits for itself, not on the connections of all.
 */
export class Turns {
  readonly #timers: Timers;
  /** Who waits, per key; a key is there while its turn is taken. */
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** @throws Refusal `storage.unavailable` after ten seconds, or when hundreds wait already */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    await this.#arrive(key);
    try {
      return await work();
    } finally {
      this.#leave(key);
    }
  }

  #arrive(key: string): Promise<void> {
    const waiting = this.#waiting.get(key);
    if (!waiting) {
      this.#waiting.set(key, []);
      return Promise.resolve();
    }
    if (waiting.length >= waitingAtMost) throw unavailable("Too many changes of this organisation wait.");
    return new Promise((resolve, reject) => {
      const timer = this.#timers.after(patienceMs, () => {
        waiting.splice(waiting.indexOf(go), 1);
        reject(unavailable("Earlier changes of this organisation take too long."));
      });
      const go = () => {
        timer.cancel();
        resolve();
      };
      waiting.push(go);
    });
  }

  #leave(key: string): void {
    const next = this.#waiting.get(key)?.shift();
    if (next) next();
    else this.#waiting.delete(key);
  }
}

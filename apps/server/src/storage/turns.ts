import { type Patience, unavailable } from "./patience.ts";

const waitingAtMost = 500;

/**
 * One change at a time within an organisation, in the order asked. A verb may therefore read, decide and write, and nobody
 * writes between; and an organisation that writes a lot waits for itself, not on the connections of all.
 */
export class Turns {
  /** Who waits, per key; a key is there while its turn is taken. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** @throws Refusal `storage.unavailable` when patience is over, or when hundreds wait already */
  async take<T>(key: string, patience: Patience, work: () => Promise<T>): Promise<T> {
    await this.#arrive(key, patience);
    try {
      return await work();
    } finally {
      this.#leave(key);
    }
  }

  #arrive(key: string, patience: Patience): Promise<void> {
    const waiting = this.#waiting.get(key);
    if (!waiting) {
      this.#waiting.set(key, []);
      return Promise.resolve();
    }
    if (waiting.length >= waitingAtMost) throw unavailable("Too many changes of this organisation wait.");
    return new Promise((resolve, reject) => {
      waiting.push(resolve);
      patience.whenOver(() => {
        const at = waiting.indexOf(resolve);
        if (at < 0) return; // his turn has come
        waiting.splice(at, 1);
        reject(unavailable("Earlier changes of this organisation take too long."));
      });
    });
  }

  #leave(key: string): void {
    const next = this.#waiting.get(key)?.shift();
    if (next) next();
    else this.#waiting.delete(key);
  }
}

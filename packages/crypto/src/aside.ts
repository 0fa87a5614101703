import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { questionOf, type Cost } from "./argon2.ts";

/**
 * Argon2id on a thread of its own, one at a time. Node's own threads are four, for all that a process does with files, and as eager as the one that
 * readings wait for: this one gives way. Begun when it is first needed; it keeps no process alive.
 */
export class Aside {
  #worker: Worker | undefined;

  /** Answers once the thread has read its program, for whoever will not be able to later. */
  async load(): Promise<void> {
    await this.stretch("", new Uint8Array(16), { memory: 8, passes: 1, lanes: 1 });
  }

  async stretch(text: string, salt: Uint8Array, cost: Cost): Promise<Uint8Array> {
    const worker = (this.#worker ??= this.#begin());
    worker.ref();
    try {
      const answered = once(worker, "message");
      worker.postMessage(questionOf(text, salt, cost));
      const [derived] = (await answered) as [Uint8Array]; // by aside-thread.ts
      return derived;
    } catch (error) {
      this.#worker = undefined; // it has ended by its error
      throw error;
    } finally {
      worker.unref();
    }
  }

  #begin(): Worker {
    const worker = new Worker(new URL("aside-thread.ts", import.meta.url), { execArgv: [] });
    worker.unref();
    return worker;
  }
}

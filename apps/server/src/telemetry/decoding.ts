import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { Refusal, type Id, type RefusalCode } from "@holdfast/kernel";
import type { LineFormat } from "./point-lines.ts";
import type { Points } from "./points.ts";
import type { ChunkPlace } from "./sealing.ts";

/** Chunks of one series as they were kept, with the key of their device: what a thread needs to open and decode them. */
export type SealedChunks = {
  readonly org: Id<"org">;
  readonly key: Uint8Array;
  readonly places: readonly ChunkPlace[];
  readonly sealed: readonly Uint8Array[];
};

/** Points of one series, to be written as lines of text. */
export type ForLines = {
  readonly format: LineFormat;
  readonly device: Id<"device">;
  readonly attribute: string;
  readonly points: Points;
};

export type Task =
  | { readonly task: "decode"; readonly chunks: SealedChunks }
  | { readonly task: "lines"; readonly asked: ForLines }
  | { readonly task: "sort"; readonly values: Float64Array<ArrayBuffer> };

/** By decoding-thread.ts. */
export type Outcome =
  | { readonly points: readonly Points[] }
  | { readonly lines: Uint8Array }
  | { readonly sorted: Float64Array }
  | { readonly refused: { readonly code: RefusalCode; readonly detail: string } }
  | { readonly fault: string };

type Waiting = { readonly task: Task; readonly settle: (outcome: Outcome) => void };

/** Threads, as many as leave one processor to the server itself. */
const most = Math.max(1, Math.min(4, availableParallelism() - 1));
/** A thread has the next task before it ends one, so that it never waits for the server. */
const tasksEach = 2;

/**
 * Opens, decodes, sorts and writes as lines what would hold the server up for too long: sealed bytes go in, columns come out without a copy. Threads begin when they
 * are first needed, and keep no process alive. Whoever asks waits for an answer before asking much more, so little lies here.
 */
export class Decoding {
  readonly #threads: Thread[] = [];
  readonly #waiting: Waiting[] = [];

  /** Answers once all threads have read their program, for whoever will not be able to later. */
  async load(): Promise<void> {
    await Promise.all(Array.from({ length: most }, () => this.sort(new Float64Array(1))));
  }

  async decode(chunks: SealedChunks): Promise<readonly Points[]> {
    const outcome = await this.#give({ task: "decode", chunks });
    if ("points" in outcome) return outcome.points;
    throw failureOf(outcome);
  }

  async lines(asked: ForLines): Promise<Uint8Array> {
    const outcome = await this.#give({ task: "lines", asked });
    if ("lines" in outcome) return outcome.lines;
    throw failureOf(outcome);
  }

  /** The values are given away. */
  async sort(values: Float64Array<ArrayBuffer>): Promise<Float64Array> {
    const outcome = await this.#give({ task: "sort", values });
    if ("sorted" in outcome) return outcome.sorted;
    throw failureOf(outcome);
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()));
  }

  #give(task: Task): Promise<Outcome> {
    return new Promise((settle) => {
      this.#waiting.push({ task, settle });
      this.#turn();
    });
  }

  #turn(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const [freest] = this.#threads.toSorted((a, b) => a.busy - b.busy);
      if (freest && (freest.busy === 0 || (freest.busy < tasksEach && this.#threads.length === most))) {
        this.#waiting.shift();
        freest.take(next);
      } else if (this.#threads.length < most) this.#threads.push(this.#begin());
      else return;
    }
  }

  #begin(): Thread {
    const thread: Thread = new Thread({
      freed: () => this.#turn(),
      ended: () => {
        const at = this.#threads.indexOf(thread);
        if (at >= 0) this.#threads.splice(at, 1);
        this.#turn();
      },
    });
    return thread;
  }
}

class Thread {
  readonly #worker = new Worker(new URL("decoding-thread.ts", import.meta.url), { execArgv: [] });
  readonly #taken: Waiting[] = [];

  constructor({ freed, ended }: { freed: () => void; ended: () => void }) {
    this.#worker.unref();
    this.#worker.on("message", (outcome: Outcome) => {
      const done = this.#taken.shift();
      if (this.#taken.length === 0) this.#worker.unref();
      done?.settle(outcome);
      freed();
    });
    const lose = (fault: string) => {
      for (const { settle } of this.#taken.splice(0)) settle({ fault });
      ended();
    };
    this.#worker.on("error", ({ message }: Error) => lose(message));
    this.#worker.on("exit", () => lose("the thread has ended"));
  }

  get busy(): number {
    return this.#taken.length;
  }

  take(waiting: Waiting): void {
    this.#taken.push(waiting);
    this.#worker.ref(); // somebody waits for it
    const { task } = waiting;
    this.#worker.postMessage(task, task.task === "sort" ? [task.values.buffer] : []);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

function failureOf(outcome: Outcome): Error {
  if ("refused" in outcome) return new Refusal(outcome.refused.code, { detail: outcome.refused.detail });
  return new Error("fault" in outcome ? outcome.fault : "a thread answered another question");
}

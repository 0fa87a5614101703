import { Worker } from "node:worker_threads";
import type { Id } from "@holdfast/kernel";
import type { Points } from "./points.ts";

/** What the thread is given of a file: points of one series, that there are no more, or that nobody wants it any more. */
export type Part =
  | { readonly device: Id<"device">; readonly attribute: string; readonly points: Points }
  | { readonly isLast: true }
  | { readonly isGivenUp: true };

/** Parts come in order, those of several files between each other, and each is answered once. */
export type Given = { readonly file: number; readonly part: Part };

/** By parquet-thread.ts. */
export type Told = { readonly bytes: Uint8Array } | { readonly fault: string };

/** Begins Apache Parquet files, all of them written by one thread, which begins when it is first needed and keeps no process alive. */
export class ParquetFiles {
  #thread: Thread | undefined;
  #begun = 0;

  begin(): ParquetFile {
    if (!this.#thread || this.#thread.isOver) this.#thread = new Thread();
    this.#begun += 1;
    return new ParquetFile(this.#thread, this.#begun);
  }

  /** Answers once the thread has read its program, for whoever will not be able to later. */
  async load(): Promise<void> {
    await this.begin().close();
  }

  async close(): Promise<void> {
    await this.#thread?.end();
  }
}

/**
 * One file, written while it is read: it is a whole that lasts from its first byte to its last. Columns `device`, `attribute`, `time` (UTC,
 * milliseconds), and `number`, `boolean` and `text`, of which one has the value.
 */
export class ParquetFile {
  readonly #thread: Thread;
  readonly #file: number;

  constructor(thread: Thread, file: number) {
    this.#thread = thread;
    this.#file = file;
  }

  /** The bytes that are ready by then, which are mostly none: rows are written many at once. */
  async add(device: Id<"device">, attribute: string, points: Points): Promise<Uint8Array> {
    return this.#give({ device, attribute, points });
  }

  /** The rest. */
  async finish(): Promise<Uint8Array> {
    return this.#give({ isLast: true });
  }

  /** Also in the middle of it. */
  async close(): Promise<void> {
    if (!this.#thread.isOver) await this.#give({ isGivenUp: true });
  }

  async #give(part: Part): Promise<Uint8Array> {
    const told = await this.#thread.ask({ file: this.#file, part });
    if ("fault" in told) throw new Error(told.fault);
    return told.bytes;
  }
}

class Thread {
  readonly #worker = new Worker(new URL("parquet-thread.ts", import.meta.url), { execArgv: [] });
  readonly #waiting: ((told: Told) => void)[] = [];
  /** What it had begun is lost with it: a file goes on in no other. */
  isOver = false;

  constructor() {
    this.#worker.unref();
    this.#worker.on("message", (told: Told) => {
      const tell = this.#waiting.shift();
      if (this.#waiting.length === 0) this.#worker.unref();
      tell?.(told);
    });
    const lose = (fault: string) => {
      this.isOver = true;
      for (const tell of this.#waiting.splice(0)) tell({ fault });
    };
    this.#worker.on("error", ({ message }: Error) => lose(message));
    this.#worker.on("exit", () => lose("the thread has ended"));
  }

  ask(given: Given): Promise<Told> {
    if (this.isOver) return Promise.resolve({ fault: "the thread has ended" });
    return new Promise((tell) => {
      this.#waiting.push(tell);
      this.#worker.ref(); // somebody waits for it
      this.#worker.postMessage(given);
    });
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.#worker.terminate();
  }
}

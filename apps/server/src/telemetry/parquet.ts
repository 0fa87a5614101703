import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Id } from "@holdfast/kernel";
import type { Points } from "./points.ts";

/** What the thread is given: points of one series, or that there are no more. */
export type Part =
  | { readonly device: Id<"device">; readonly attribute: string; readonly points: Points }
  | { readonly isLast: true };

/**
 * An Apache Parquet file, written by a thread of its own while it is read: it is a whole that lasts from its first byte to its last. Columns
 * `device`, `attribute`, `time` (UTC, milliseconds), and `number`, `boolean` and `text`, of which one has the value.
 */
export class ParquetFile {
  readonly #worker = new Worker(new URL("parquet-thread.ts", import.meta.url), { execArgv: [] });

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
    await this.#worker.terminate();
  }

  async #give(part: Part): Promise<Uint8Array> {
    this.#worker.postMessage(part);
    const [bytes] = (await once(this.#worker, "message")) as [Uint8Array]; // by parquet-thread.ts
    return bytes;
  }
}

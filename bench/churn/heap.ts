import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";

/** Bytes: what a process can reach after everything else was collected, without its code, and what it has of the machine. */
export type Held = { readonly live: number; readonly resident: number };

/**
 * Evaluated in the program. V8 compiles for a long time what is done often, and keeps bytecode and machine code in the spaces named so: half a
 * megabyte more within the platform's first ten thousand clients, which is none of them.
 */
const live = `process.getBuiltinModule("node:v8").getHeapSpaceStatistics()
  .filter(({ space_name }) => !/^(code|trusted)_/.test(space_name))
  .reduce((sum, { space_used_size }) => sum + space_used_size, process.memoryUsage().external)`;

/** A program of ours that runs with `--inspect=127.0.0.1:0`, asked from outside: what is measured is what is shipped. */
export class Heap {
  readonly #pid: number;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #asked = 0;

  private constructor(pid: number, socket: WebSocket) {
    this.#pid = pid;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id: number; result: unknown }; // the protocol's
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  static async open(pid: number, url: string): Promise<Heap> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error(`Nobody answers at ${url}.`)));
    });
    return new Heap(pid, socket);
  }

  #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#asked;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async measure(): Promise<Held> {
    await this.#ask("HeapProfiler.collectGarbage");
    const answer = await this.#ask("Runtime.evaluate", { expression: live, returnByValue: true });
    const { result } = answer as { result: { value: number } }; // the protocol's, and what `live` says
    const [, resident] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#pid}/status`, "utf8")) ?? [];
    return { live: result.value, resident: Number(resident) * 1024 };
  }

  close(): void {
    this.#socket.close();
  }
}

export const inspected = "--inspect=127.0.0.1:0";

/** What a program that is inspected says first. */
export function inspectorOf(complaints: Readable): Promise<string> {
  let heard = "";
  return new Promise((resolve, reject) => {
    complaints.on("data", (text: Buffer) => {
      heard = (heard + text.toString()).slice(-10_000);
      const [url] = /ws:\/\/\S+/.exec(heard) ?? [];
      if (url !== undefined) resolve(url);
    });
    complaints.once("end", () => reject(new Error(`It did not start: ${heard}`)));
  });
}

import { rfc3339, type Id, type Timers } from "@holdfast/kernel";
import type { Caller, Space, Spaces } from "../../authority/index.ts";
import type { Stored, Telemetry } from "../../telemetry/index.ts";

/** One open stream: who watches what, and how it is told. */
export interface Watcher {
  readonly caller: Caller;
  /** One device, or all that the caller may read. */
  readonly device: Id<"device"> | undefined;
  /** Bytes that wait for a slow reader. */
  waiting(): number;
  send(event: "reading" | "end", data: unknown): void;
  end(): void;
}

const mostWaiting = 1024 * 1024; // bytes; a reader who is further behind is told so and let go
const longestTimer = 2 ** 31 - 1;

/** All open streams. Each reading is asked about again before it is sent, and a change in a space ends what it forbids in the same turn. */
export class Watchers {
  readonly #bySpace = new Map<Space, Set<Watcher>>();
  readonly #timers: Timers;

  constructor(needs: { spaces: Spaces; telemetry: Telemetry; timers: Timers }) {
    this.#timers = needs.timers;
    needs.spaces.onChange((space) => this.#recheck(space));
    needs.telemetry.onStored({
      wants: ({ space }) => this.#bySpace.has(space),
      stored: (stored) => this.#tell(stored),
    });
  }

  /** Answers how to stop. */
  add(watcher: Watcher): () => void {
    const { space } = watcher.caller;
    const there = this.#bySpace.get(space) ?? new Set();
    this.#bySpace.set(space, there.add(watcher));
    const expiry = this.#expire(watcher);
    return () => {
      expiry.cancel();
      there.delete(watcher);
      if (there.size === 0) this.#bySpace.delete(space);
    };
  }

  close(): void {
    for (const watchers of this.#bySpace.values())
      for (const watcher of watchers) this.#end(watcher, "the platform is stopping");
  }

  #tell({ space, device, readings }: Stored): void {
    const watchers = this.#bySpace.get(space);
    if (!watchers) return;
    for (const watcher of watchers) {
      if (watcher.device !== undefined && watcher.device !== device) continue;
      if (!watcher.caller.mayDevice("telemetry.read", device)) continue;
      if (watcher.waiting() > mostWaiting) {
        this.#end(watcher, "you read more slowly than readings come");
        continue;
      }
      for (const { time, values } of readings) {
        watcher.send("reading", { device, time: rfc3339(time), values: Object.fromEntries(values) });
      }
    }
  }

  #recheck(space: Space): void {
    for (const watcher of this.#bySpace.get(space) ?? []) {
      const { caller, device } = watcher;
      const may =
        device === undefined ? caller.mayAnywhere("telemetry.read") : caller.mayDevice("telemetry.read", device);
      if (!may) this.#end(watcher, "what you watched with was ended or changed");
    }
  }

  #expire(watcher: Watcher): { cancel(): void } {
    const { expiresAt } = watcher.caller;
    if (expiresAt === undefined) return { cancel() {} };
    let timer = { cancel() {} };
    const wait = () => {
      const left = expiresAt - watcher.caller.now();
      if (left <= 0) this.#end(watcher, "the credential has expired");
      else timer = this.#timers.after(Math.min(left, longestTimer), wait);
    };
    wait();
    return { cancel: () => timer.cancel() };
  }

  #end(watcher: Watcher, because: string): void {
    watcher.send("end", { because });
    watcher.end();
  }
}

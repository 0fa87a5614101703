import type { Timers } from "@holdfast/kernel";
import type { Action } from "@holdfast/protocol";
import { asPlatform, type Caller, type Space } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";

const interval = 500; // milliseconds until a refusal can be read
const mostPerOrg = 1_000; // of different kinds within one interval; more are counted, not listed

type Tally = { space: Space; by: string; action: string; about: string; because: string; count: number };

/**
 * Refusals of callers who are known. The same one within an interval is one entry with a count, so that nobody fills the disk by
 * asking for what he may not have. Saying no never waits for this.
 */
export class Refusals {
  readonly #needs: { storage: Storage; timers: Timers; report: (message: string) => void };
  #tallies = new Map<string, Tally>();
  readonly #sizes = new Map<string, number>();
  #flushing: Promise<void> = Promise.resolve();
  #scheduled: { cancel(): void } | undefined;

  constructor(needs: { storage: Storage; timers: Timers; report: (message: string) => void }) {
    this.#needs = needs;
  }

  note(caller: Caller, action: Action | "connect", about: string, because: string): void {
    const { space, credential } = caller;
    const size = this.#sizes.get(space.org) ?? 0;
    const kept = size < mostPerOrg;
    const key = kept ? `${space.org} ${credential.id} ${action} ${about}` : `${space.org} more`;
    const there = this.#tallies.get(key);
    if (there) {
      there.count += 1;
      return;
    }
    this.#sizes.set(space.org, size + 1);
    const tally = kept
      ? { by: credential.id, action, about, because }
      : { by: "-", action: "-", about: space.org, because: "too many to list" };
    this.#tallies.set(key, { space, ...tally, count: 1 });
    this.#scheduled ??= this.#needs.timers.after(interval, () => {
      this.#scheduled = undefined;
      void this.flush();
    });
  }

  /** Writes down what was noted so far. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  async #write(): Promise<void> {
    const tallies = [...this.#tallies.values()];
    this.#tallies = new Map();
    this.#sizes.clear();
    for (const [space, own] of Map.groupBy(tallies, (tally) => tally.space)) {
      try {
        await this.#needs.storage.change(asPlatform(space.scope), async (unit) => {
          for (const { by, action, about, because, count } of own) {
            unit.audit({ what: "access.refused", about, facts: { by, action, because, ...(count > 1 && { count }) } });
          }
        });
      } catch {
        // The database is away or full. The refusals themselves stood; only their trace is incomplete, and that is said.
        this.#needs.report(`${own.length} refusals could not be written to the audit log`);
      }
    }
  }
}

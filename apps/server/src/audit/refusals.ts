import { scrub } from "@holdfast/crypto";
import type { Report, Timers } from "@holdfast/kernel";
import type { OnRefusal, Refused } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";

const interval = 500; // milliseconds until a refusal can be read
const mostPerOrg = 1_000; // of different kinds within one interval; more are counted, not listed

type Tally = Refused & {
  readonly what: "access.refused" | "signIn.refused";
  readonly about: string;
  readonly facts: Readonly<Record<string, string>>;
  count: number;
};

/** Characters of a reason that are kept: a client's topic may have 65,535 bytes. */
const longest = 160;

/** Credentials first, while they are whole. */
const shortened = (because: string): string => scrub(because).slice(0, longest);

/**
 * Refusals, and sign-ins that failed. The same one within an interval is one entry with a count, so that nobody fills the disk by
 * asking for what he may not have. Saying no never waits for this, so its time tells nothing.
 */
export class Refusals {
  readonly #needs: { storage: Storage; timers: Timers; report: Report };
  #tallies = new Map<string, Tally>();
  readonly #sizes = new Map<string, number>();
  #flushing: Promise<void> = Promise.resolve();
  #scheduled: { cancel(): void } | undefined;

  constructor(needs: { storage: Storage; timers: Timers; report: Report }) {
    this.#needs = needs;
  }

  /** Somebody known was refused, or somebody unknown at the door of an organisation. */
  readonly note: OnRefusal = ({ space, actor }, action, about, because) => {
    this.#note({
      space,
      actor,
      what: "access.refused",
      about,
      facts: { action, because: shortened(because) },
      count: 1,
    });
  };

  /** Somebody gave a wrong password. */
  readonly noteSignIn = ({ space, actor }: Refused, about: string): void => {
    this.#note({ space, actor, what: "signIn.refused", about, facts: {}, count: 1 });
  };

  /** Writes down what was noted so far. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  #note(tally: Tally): void {
    const { org } = tally.space;
    const by = tally.actor.kind === "credential" ? tally.actor.id : "-";
    const size = this.#sizes.get(org) ?? 0;
    const own = `${org} ${tally.what} ${by} ${tally.about} ${tally.facts["action"]}`;
    const name = this.#tallies.has(own) || size < mostPerOrg ? own : `${org} more`;
    const there = this.#tallies.get(name);
    if (there) {
      there.count += 1;
      return;
    }
    this.#sizes.set(org, size + 1);
    const more = {
      actor: { kind: "platform" },
      about: org,
      facts: { because: "there were too many to list" },
    } as const;
    this.#tallies.set(name, name === own ? tally : { ...tally, ...more });
    this.#scheduled ??= this.#needs.timers.after(interval, () => {
      this.#scheduled = undefined;
      void this.flush();
    });
  }

  async #write(): Promise<void> {
    const tallies = [...this.#tallies.values()];
    this.#tallies = new Map();
    this.#sizes.clear();
    // By caller, because the entry says who it was.
    for (const [, own] of Map.groupBy(tallies, ({ space, actor }) => `${space.org} ${JSON.stringify(actor)}`)) {
      await this.#writeOf(own);
    }
  }

  async #writeOf(own: readonly Tally[]): Promise<void> {
    const [first] = own;
    if (!first) return;
    const { storage, report } = this.#needs;
    try {
      storage.admit();
      await storage.change({ scope: first.space.scope, actor: first.actor }, async (unit) => {
        for (const { what, about, facts, count } of own) {
          unit.audit({ what, about, facts: { ...facts, ...(count > 1 && { count }) } });
        }
      });
    } catch {
      // The database is away or full. The refusals themselves stood; only their trace is incomplete, and that is said.
      report(`${own.length} refusals could not be written to the audit log`, { level: "error" });
    }
  }
}

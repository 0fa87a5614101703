import { scrub } from "@holdfast/crypto";
import { because, type Clock, type RefusalCode, type Report, type Timers } from "@holdfast/kernel";
import type { OnRefusal, Refused } from "../authority/index.ts";
import type { AuditEntry, Storage } from "../storage/index.ts";
import { minute, Share, type Refusal } from "./share.ts";

const interval = 500; // milliseconds until a refusal can be read

/** Characters of a reason that are kept: a client's topic may have 65,535 bytes. */
const longest = 160;

/** Credentials first, while they are whole. */
const shortened = (because: string): string => scrub(because).slice(0, longest);

type Needs = { storage: Storage; clock: Clock; timers: Timers; report: Report };

/** A caller with its share; `about` is what all of its refusals have in common. */
type Known = { who: Refused; readonly about: string; readonly share: Share };

/**
 * Refusals, and sign-ins that failed. Each caller has a share of its own, so that nobody fills the disk by asking for what he may not have,
 * and nobody hides in the crowd. Saying no never waits for this, so its time tells nothing.
 */
export class Refusals {
  readonly #needs: Needs;
  readonly #callers = new Map<string, Known>();
  /** Those with something to write. */
  readonly #due = new Set<Known>();
  #flushing: Promise<void> = Promise.resolve();
  #soon: { cancel(): void } | undefined;
  #later: { cancel(): void } | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Somebody known was refused, or somebody unknown at the door of an organisation. */
  readonly note: OnRefusal = (who, action, about, because) => {
    this.#note(who, { what: "access.refused", about, action, because: () => shortened(because) });
  };

  /** Somebody gave a wrong password, or a right one and not what else was asked of her: that says that the password is known. */
  readonly noteSignIn = (who: Refused, about: string, code?: RefusalCode): void => {
    const what = code === "factor.required" ? "factor.asked" : "signIn.refused";
    const because = () => (code?.startsWith("factor.") ? code : undefined);
    this.#note(who, { what, about, action: undefined, because });
  };

  /** Writes down what was noted so far. */
  flush(): Promise<void> {
    return this.#writeDown(({ share, about }) => [...share.takeListed(), ...share.takeRest(about)]);
  }

  #note(who: Refused, refusal: Refusal): void {
    const now = this.#needs.clock.elapsed();
    const caller = this.#callerOf(who, refusal, now);
    caller.who = who; // the organisation may have been read again meanwhile
    caller.share.note(refusal, now);
    this.#due.add(caller);
    const { timers } = this.#needs;
    this.#soon ??= timers.after(interval, () => {
      this.#soon = undefined;
      void this.#writeDown(({ share }) => share.takeListed());
    });
    this.#later ??= timers.after(minute, () => {
      this.#later = undefined;
      this.#forget();
      void this.flush();
    });
  }

  /** A stranger is whoever knocks at this door: those who try one person's password do not hide those who try another's. */
  #callerOf(who: Refused, { about }: Refusal, now: number): Known {
    const { space, actor } = who;
    const isKnown = actor.kind === "credential";
    const name = `${space.org} ${isKnown ? actor.id : `- ${about}`}`;
    const there = this.#callers.get(name);
    if (there) return there;
    const caller = { who, about: isKnown ? space.org : about, share: new Share(now) };
    this.#callers.set(name, caller);
    return caller;
  }

  #forget(): void {
    const now = this.#needs.clock.elapsed();
    for (const [name, caller] of this.#callers) if (caller.share.isFresh(now)) this.#callers.delete(name);
  }

  #writeDown(take: (caller: Known) => readonly AuditEntry[]): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      const due = [...this.#due];
      this.#due.clear();
      for (const caller of due) {
        await this.#writeOf(caller.who, take(caller));
        if (caller.share.hasRest) this.#due.add(caller);
      }
    });
    return this.#flushing;
  }

  async #writeOf({ space, actor }: Refused, entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const { storage, report } = this.#needs;
    try {
      storage.admit();
      await storage.change({ scope: space.scope, actor }, async (unit) =>
        entries.forEach((entry) => unit.audit(entry)),
      );
    } catch (error) {
      if (because(error).code === "org.unknown") return; // erased, and its log with it
      // The database is away or full. The refusals themselves stood; only their trace is incomplete, and that is said.
      report(`${entries.length} refusals could not be written to the audit log`, { level: "error" });
    }
  }
}

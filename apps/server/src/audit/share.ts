import type { AuditEntry } from "../storage/index.ts";

/** Entries that one caller's refusals may have at once, and then in a minute. Nobody reads more; whoever asks for that much is a program. */
const atOnce = 60;
const perMinute = 6;
const mostSamples = 5;

export const minute = 60_000; // milliseconds

export type Refusal = {
  readonly what: "access.refused" | "signIn.refused" | "factor.asked";
  readonly about: string;
  readonly action: string | undefined;
  /** Made when it is written down, because most are only counted. */
  readonly because: () => string | undefined;
};

type Tally = { readonly entry: AuditEntry; count: number };
type Rest = { readonly what: string; readonly sample: Map<string, object>; count: number };

/**
 * What one caller was refused and nobody has written down yet. Each is an entry, the same one again counts on it; from a caller who goes on
 * and on come a count and a sample. So a flood costs little, and another caller's refusals are listed as if there were none.
 */
export class Share {
  #left = atOnce;
  #at: number;
  #listed = new Map<string, Tally>();
  #rest: Rest | undefined;

  /** Milliseconds of a clock that nobody sets. */
  constructor(now: number) {
    this.#at = now;
  }

  note({ what, about, action, because }: Refusal, now: number): void {
    const name = `${what} ${action} ${about}`;
    const there = this.#listed.get(name);
    if (there) {
      there.count += 1;
      return;
    }
    this.#refill(now);
    if (this.#left >= 1) {
      this.#left -= 1;
      const reason = because();
      const facts = { ...(action !== undefined && { action }), ...(reason !== undefined && { because: reason }) };
      this.#listed.set(name, { entry: { what, about, facts }, count: 1 });
      return;
    }
    this.#rest ??= { what, sample: new Map(), count: 0 };
    this.#rest.count += 1;
    const { sample } = this.#rest;
    if (sample.size < mostSamples) sample.set(name, { ...(action !== undefined && { action }), about });
  }

  /** Whether there is a rest that waits to be written, once a minute. */
  get hasRest(): boolean {
    return this.#rest !== undefined;
  }

  /** What is written soon after. */
  takeListed(): readonly AuditEntry[] {
    const listed = [...this.#listed.values()];
    this.#listed = new Map();
    return listed.map(({ entry, count }) => ({ ...entry, facts: { ...entry.facts, ...(count > 1 && { count }) } }));
  }

  /** One entry at most, about what they have in common. */
  takeRest(about: string): readonly AuditEntry[] {
    const rest = this.#rest;
    this.#rest = undefined;
    if (!rest) return [];
    const facts = { because: "there were too many to list", count: rest.count, sample: [...rest.sample.values()] };
    return [{ what: rest.what, about, facts }];
  }

  /** Nothing is lost when this is forgotten. */
  isFresh(now: number): boolean {
    this.#refill(now);
    return this.#left >= atOnce && this.#listed.size === 0 && !this.#rest;
  }

  #refill(now: number): void {
    this.#left = Math.min(atOnce, this.#left + ((now - this.#at) / minute) * perMinute);
    this.#at = now;
  }
}

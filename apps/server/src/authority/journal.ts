import { setImmediate } from "node:timers/promises";
import type { Id, Instant, Report } from "@holdfast/kernel";

const atOnce = 500;

/** One revocation, as the keyring's journal keeps it: away from the database, so that a restored backup revives nothing. */
export type Revoked = {
  readonly org: Id<"org">;
  readonly about: string;
  /** Parties; text, because the keyring only carries it. */
  readonly ends: readonly string[];
  readonly seq: number;
  readonly at: Instant;
};

/**
 * Where something was put last. What ends in a place ends for whatever is there, without a mark on each: so whoever restores a backup
 * in which it was elsewhere has to learn where it had been put.
 */
export type Placed = {
  readonly org: Id<"org">;
  readonly about: string;
  readonly kind: string;
  /** `undefined`: in none of this kind. */
  readonly place: string | undefined;
  readonly seq: number;
};

/** The part of the keyring that this is kept in. Of each thing and party, or kind of place, it keeps what has the highest `seq`. */
export interface Book {
  append(revoked: readonly Revoked[]): Promise<void>;
  all(): Promise<readonly Revoked[]>;
  place(placed: readonly Placed[]): Promise<void>;
  placements(): Promise<readonly Placed[]>;
}

/**
 * What the keyring has to know of what was committed. Cutting off must not wait for it: what it did not take is offered again until
 * it does, and at the next start both are compared.
 */
export class Journal {
  readonly book: Book;
  readonly #report: Report;
  readonly #missed: (() => Promise<void>)[] = [];

  constructor(needs: { book: Book; report: Report }) {
    this.book = needs.book;
    this.#report = needs.report;
  }

  /** Called after the commit. `what` is for people: "a revocation of dev_…". */
  revoked(entries: readonly Revoked[], what: string): void {
    this.#offer(() => this.#append(entries), what);
  }

  /** Called after the commit, with all kinds of places of one thing. */
  placed(entries: readonly Placed[], what: string): void {
    this.#offer(() => this.book.place(entries), what);
  }

  /** Called now and then: what the keyring did not take is offered again. */
  async offerMissed(): Promise<void> {
    for (let next = this.#missed[0]; next; next = this.#missed[0]) {
      await next();
      this.#missed.shift();
      if (this.#missed.length === 0) this.#report("The keyring has taken all that it missed.");
    }
  }

  /** Some at a time, with others' turn between, for a keyring that is in this very process. */
  async #append(entries: readonly Revoked[]): Promise<void> {
    for (let from = 0; from < entries.length; from += atOnce) {
      if (from > 0) await setImmediate();
      await this.book.append(entries.slice(from, from + atOnce));
    }
  }

  #offer(write: () => Promise<void>, what: string): void {
    write().catch(() => {
      this.#missed.push(write);
      this.#report(`The keyring did not take ${what}. It holds; it is offered again until the keyring answers.`, {
        level: "warning",
        code: "keyring.unreachable",
      });
    });
  }
}

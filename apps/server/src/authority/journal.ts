import type { Id, Instant, Report } from "@holdfast/kernel";

/** One revocation, as the keyring's journal keeps it: away from the database, so that a restored backup revives nothing. */
export type Revoked = {
  readonly org: Id<"org">;
  readonly about: string;
  /** Parties; text, because the keyring only carries it. */
  readonly ends: readonly string[];
  readonly seq: number;
  readonly at: Instant;
};

/** The part of the keyring that this is kept in. Keeps, for each thing and party, the entry with the highest `seq`. */
export interface Book {
  append(revoked: Revoked): Promise<void>;
  all(): Promise<readonly Revoked[]>;
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
  revoked(entry: Revoked, what: string): void {
    this.#offer(() => this.book.append(entry), what);
  }

  /** Called now and then: what the keyring did not take is offered again. */
  async offerMissed(): Promise<void> {
    for (let next = this.#missed[0]; next; next = this.#missed[0]) {
      await next();
      this.#missed.shift();
      if (this.#missed.length === 0) this.#report("The keyring has taken all that it missed.");
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

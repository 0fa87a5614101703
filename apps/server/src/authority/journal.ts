import { setImmediate } from "node:timers/promises";
import type { Report } from "@holdfast/kernel";
import type { Past, Revoked, Ruled } from "../storage/index.ts";

const atOnce = 500;

/** The part of the keyring that this is kept in. Of each thing and party, or kind, it keeps what has the highest `seq`. */
export interface Book {
  append(revoked: readonly Revoked[]): Promise<void>;
  all(): Promise<readonly Revoked[]>;
  rule(ruled: readonly Ruled[]): Promise<void>;
  rulings(kinds: readonly string[]): Promise<readonly Ruled[]>;
  /** The greatest `seq` of all; 0 of none. */
  lastSeq(): Promise<number>;
  letGo(past: Past): Promise<void>;
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

  /** Whether there is anything that the keyring did not take yet. */
  get isBehind(): boolean {
    return this.#missed.length > 0;
  }

  /** Called after the commit. `what` is for people: "a revocation of dev_…". */
  revoked(entries: readonly Revoked[], what: string): void {
    this.#offer(() => this.#append(entries), what);
  }

  /** Called after the commit. */
  ruled(entries: readonly Ruled[], what: string): void {
    this.#offer(() => this.book.rule(entries), what);
  }

  /** Called after the commit, of what the keyring keeps by a name: `write` writes it as it is by then. */
  kept(write: () => Promise<void>, what: string): void {
    this.#offer(write, what);
  }

  /** Called after the commit: nobody needs these any more. */
  letGo(past: Past, about: string): void {
    this.#offer(() => this.book.letGo(past), `that nothing has to be known of ${about} any more`);
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

// Hot path: what the sessions of one space make it hold: messages that wait, those that await their acknowledgement, and wills.
import type { Limits } from "./limits.ts";
import type { Publication } from "./publication.ts";
import type { Will } from "./session.ts";
import type { Statistics } from "./statistics.ts";

// Bytes of the heap, measured with Node 26 and rounded up: 190 to 230 for each message that a session is owed, its `Delivery` and the places
// that know it; and for each message, beside those of its frame, 520, or 770 where there is a journal.
export const deliveryCost = 256;
const publicationCost = 768;

const sizeOf = (will: Will | undefined): number => (will ? publicationCost + will.message.payload.length : 0);

/** A message that many sessions are owed is held once, and counts once. */
export class Backlog {
  readonly #limits: Limits;
  readonly #statistics: Statistics;
  #bytes = 0;
  #publications = 0;
  readonly #full: () => void;
  #isFull = false;

  /** `full` is called when the limit is reached, and again only after half of it had gone. */
  constructor(limits: Limits, statistics: Statistics, full: () => void) {
    this.#limits = limits;
    this.#statistics = statistics;
    this.#full = full;
  }

  /** Different messages. */
  get publications(): number {
    return this.#publications;
  }

  /** Bytes beyond the limit; below zero there is room. */
  get excess(): number {
    return this.#bytes - this.#limits.spaceBytes;
  }

  /** What one more session that is owed it would add. */
  costOf({ holders, size }: Publication): number {
    return deliveryCost + (holders === 0 ? publicationCost + size : 0);
  }

  /** What one session less that is owed it would free. */
  freedBy({ holders, size }: Publication): number {
    return deliveryCost + (holders === 1 ? publicationCost + size : 0);
  }

  /** One more session is owed it. */
  hold(publication: Publication): void {
    if (publication.holders === 0) this.#publications++;
    this.#add(this.costOf(publication));
    publication.holders++;
  }

  /** One of them is not any more. */
  release(publication: Publication): void {
    publication.holders--;
    this.#add(-this.costOf(publication));
    if (publication.holders === 0) this.#publications--;
  }

  /** A will that waits for the end of its connection, in place of another. */
  exchange(old: Will | undefined, will: Will | undefined): void {
    this.#add(sizeOf(will) - sizeOf(old));
  }

  /** Whether the space bears this will; a small one always. */
  bears(will: Will): boolean {
    const size = sizeOf(will);
    return size <= this.#limits.sessionBytesFree || this.excess + size <= 0;
  }

  #add(bytes: number): void {
    this.#bytes += bytes;
    this.#statistics.heldBytes += bytes;
    if (this.#isFull) this.#isFull = this.#bytes * 2 > this.#limits.spaceBytes;
    else if (this.excess > 0) {
      this.#isFull = true;
      this.#full();
    }
  }
}

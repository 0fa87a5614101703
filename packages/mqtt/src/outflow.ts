// Hot path: what the clients of one space were sent and have not taken.
import type { Duplex } from "node:stream";
import type { Limits } from "./limits.ts";
import type { Output } from "./output.ts";
import type { Statistics } from "./statistics.ts";
import { after, type Time } from "./time.ts";

type Needs = { readonly limits: Limits; readonly statistics: Statistics; readonly time: Time };

/**
 * The output of all connections of a space, beyond what is free of each. Where it is too much, those that are behind are sent nothing more,
 * and those of them that take nothing at all are ended in the end.
 */
export class Outflow {
  readonly needs: Needs;
  readonly #behind = new Set<Unread>();
  #bytes = 0;
  #cancelLook: (() => void) | undefined;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  get isOver(): boolean {
    return this.#bytes > this.needs.limits.unreadBytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    this.needs.statistics.unreadBytes += bytes;
    if (this.isOver) this.#lookLater();
    else this.stop();
  }

  isBehind(unread: Unread, is: boolean): void {
    if (is) this.#behind.add(unread);
    else this.#behind.delete(unread);
  }

  /** Ends nobody by itself any more. */
  stop(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  #lookLater(): void {
    const { time, limits } = this.needs;
    this.#cancelLook ??= after(time, limits.unreadPatience, () => {
      this.#cancelLook = undefined;
      for (const unread of this.#behind) if (this.isOver) unread.look();
      if (this.isOver) this.#lookLater();
    });
  }
}

/** The part of one connection. */
export class Unread {
  readonly #output: Output;
  readonly #socket: Duplex;
  readonly #outflow: Outflow;
  /** Ends the connection. */
  readonly #end: () => void;
  /** So much of what waits counts. */
  #counted = 0;
  /** What had been written at the end of the last turn in which something was. */
  #written = 0;
  /** More than is free was written in an earlier turn and has not left: whoever reads has taken that by now. */
  #isBehind = false;
  /** What had left when somebody last looked. */
  #hadLeft = -1;

  constructor(output: Output, socket: Duplex, outflow: Outflow, end: () => void) {
    this.#output = output;
    this.#socket = socket;
    this.#outflow = outflow;
    this.#end = end;
  }

  /** It is behind, and the space has too much for those who are. */
  get isRationed(): boolean {
    if (!this.#isBehind) return false;
    this.#count(); // what it was sent in this turn, too
    return this.#outflow.isOver;
  }

  /** A turn is over, and something has not left at once. */
  flushed(): void {
    const { waiting, written } = this.#output;
    if (waiting <= this.#free) return;
    this.#setBehind();
    this.#written = written;
    this.#count();
    // More than messages may be: it asks on, and reads no answer.
    const { limits } = this.#outflow.needs;
    if (waiting > limits.waiting + limits.packet && this.isRationed) this.#end();
  }

  /** Something has left, or the socket is gone. */
  drained(): void {
    if (this.#counted === 0 && !this.#isBehind) return;
    this.#setBehind();
    this.#count();
  }

  /** Nothing has left since the last time, though the space has too much: that ends it. */
  look(): void {
    const { left } = this.#output;
    if (left === this.#hadLeft) this.#end();
    else this.#hadLeft = left;
  }

  #setBehind(): void {
    const is = !this.#socket.destroyed && this.#written - this.#output.left > this.#free;
    if (is === this.#isBehind) return;
    this.#isBehind = is;
    this.#hadLeft = -1;
    this.#outflow.isBehind(this, is);
  }

  #count(): void {
    const counts = this.#socket.destroyed ? 0 : Math.max(0, this.#output.waiting - this.#free);
    if (counts === this.#counted) return;
    const more = counts - this.#counted;
    this.#counted = counts;
    this.#outflow.add(more);
  }

  get #free(): number {
    return this.#outflow.needs.limits.unreadBytesFree;
  }
}

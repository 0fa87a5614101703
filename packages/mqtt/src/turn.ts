import type { Connection } from "./connection.ts";

/** That a message is owed to somebody, or a filter comes, and that is written down, takes as long as so many messages that are sent as they come. */
const owedCost = 16;
/** So many bytes take no longer to read, whatever small packets they are, than one message that is sent. */
const bytesOfOne = 8;

/**
 * How much of one connection is read in one turn of the event loop. A chunk holds two thousand messages, and each may have ten thousand
 * receivers: whoever has had their share is read on in the next turn, and the others come in between.
 */
export class Turn {
  readonly #connection: Connection;
  readonly #most: number;
  #receivers = 0;
  isOver = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#most = connection.core.limits.receiversPerTurn;
  }

  /** So many bytes were read. Node would read two megabytes in one turn. */
  read(bytes: number): void {
    this.spend(Math.ceil(bytes / bytesOfOne), 0);
  }

  /** A message went to so many (or so many places were looked at for them), of whom so many are owed it. */
  spend(receivers: number, owed: number): void {
    this.#receivers += receivers + owedCost * owed;
    if (this.#receivers < this.#most || this.isOver) return;
    this.isOver = true;
    this.#connection.pause();
    setImmediate(() => {
      this.isOver = false;
      this.#receivers = 0;
      this.#connection.resume();
    });
  }
}

import { reason } from "./codes.ts";
import type { Connection } from "./connection.ts";
import { ProtocolError } from "./protocol-error.ts";

/** How fast one client may send. What comes faster is not read yet, and who does not let up is disconnected. */
export class Pace {
  readonly #connection: Connection;
  /** Packets that may still come; refilled only when it is used up, so that a packet within the pace costs a decrement. */
  #left: number;
  #refilledAt: number;
  #cancel: (() => void) | undefined;
  // The last time we did not read, and since when that has been most of the time.
  #heldFor = 0;
  #releasedAt = 0;
  #tooFastSince = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#left = connection.core.limits.messagesBurst;
    this.#refilledAt = connection.core.time.elapsed();
  }

  /** Nothing may be read now. */
  get isHolding(): boolean {
    return this.#cancel !== undefined;
  }

  /** A packet has come, or one with so many filters. Throws `ProtocolError` (0x97) where it has been too fast for too long. */
  spend(count: number): void {
    this.#left -= count;
    if (this.#left < 0) this.#refill();
  }

  #refill(): void {
    const connection = this.#connection;
    const { time, limits } = connection.core;
    const { messagesPerSecond: perSecond, messagesBurst: burst } = limits;
    const now = time.elapsed();
    this.#left = Math.min(burst, this.#left + ((now - this.#refilledAt) / 1000) * perSecond);
    this.#refilledAt = now;
    if (this.#left >= 0) return;
    if (now - this.#releasedAt > this.#heldFor) this.#tooFastSince = now;
    else if (now - this.#tooFastSince >= limits.messagesEndurance) {
      throw new ProtocolError(
        reason.quotaExceeded,
        "Messages have been coming faster than this server takes them for a while. Send fewer, or several readings in one.",
      );
    }
    // A tenth of a second's worth at once, in place of a timer for each packet.
    this.#heldFor = ((Math.min(burst, perSecond / 10) - this.#left) / perSecond) * 1000;
    connection.pause();
    this.#cancel = time.setTimer(this.#heldFor, () => {
      this.#cancel = undefined;
      this.#releasedAt = time.elapsed();
      connection.resume();
    });
  }

  stop(): void {
    this.#cancel?.();
  }
}

import type { Connection } from "./connection.ts";
import type { Limits } from "./limits.ts";
import type { Statistics } from "./statistics.ts";

/**
 * What those have sent that nobody knows yet: a CONNECT that is not whole, or not answered. Where all of them have sent too much, whoever has
 * sent most is disconnected, of equals the oldest: a CONNECT as clients send it has some hundred bytes.
 */
export class Strangers {
  readonly #needs: { readonly limits: Limits; readonly statistics: Statistics };
  readonly #sent = new Map<Connection, number>();

  constructor(needs: { readonly limits: Limits; readonly statistics: Statistics }) {
    this.#needs = needs;
  }

  /** It has sent so much by now, or more. */
  sent(stranger: Connection, bytes: number): void {
    const { limits, statistics } = this.#needs;
    const before = this.#sent.get(stranger) ?? 0;
    if (bytes <= before) return;
    statistics.strangerBytes += bytes - before;
    this.#sent.set(stranger, bytes);
    while (statistics.strangerBytes > limits.strangerBytes) {
      statistics.disconnectedStrangers++;
      this.#largest(stranger).end({ how: "network", code: 0 }); // which is forgotten by that
    }
  }

  /** It is known, or turned away, or gone. */
  forget(stranger: Connection): void {
    this.#needs.statistics.strangerBytes -= this.#sent.get(stranger) ?? 0;
    this.#sent.delete(stranger);
  }

  #largest(found: Connection): Connection {
    let most = 0;
    for (const [stranger, bytes] of this.#sent) {
      if (bytes <= most) continue;
      most = bytes;
      found = stranger;
    }
    return found;
  }
}

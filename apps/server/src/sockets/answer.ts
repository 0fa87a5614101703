import type { BootKeys, Outcome } from "@holdfast/crypto";
import type { Peer } from "./peer.ts";

/** Where a frame came from, and how an answer gets there. */
export interface Sender {
  readonly address: string;
  answer(bytes: Uint8Array): void;
  /** It is nobody's, or of somebody who may not: nothing is answered, and a connection is not worth keeping. */
  turnAway(): void;
}

/** To whoever sent this frame, and nobody else can make it. */
export class Answer {
  readonly #peer: Peer;
  readonly #keys: BootKeys;
  readonly #counter: number;
  readonly #sender: Sender;

  constructor(peer: Peer, keys: BootKeys, counter: number, sender: Sender) {
    this.#peer = peer;
    this.#keys = keys;
    this.#counter = counter;
    this.#sender = sender;
  }

  say(outcome: Outcome): void {
    const bytes = this.#keys.answer(this.#counter, outcome);
    this.#peer.meter.bytesOut += bytes.length;
    this.#sender.answer(bytes);
  }
}

// MQTT 5, table 2-6: as which telemetry says why.
const payloadFormatInvalid = 0x99;

export const outcomeOf = (code: number): Outcome =>
  code === 0 ? "kept" : code === payloadFormatInvalid ? "refused" : "later";

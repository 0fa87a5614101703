import type { Publication } from "@holdfast/mqtt";
import { serverBusy, quotaExceeded } from "./codes.ts";

/**
 * MQTT 3.1.1 knows one answer to a message, "kept", and the broker gives it for what would never be kept, too, or the client would
 * send it for ever. A full disk is not for ever, nor is a quota that is used up: then the connection ends without an answer, and the message comes again.
 */
export const plainly = (code: number): number => (code === quotaExceeded ? serverBusy : code);

export class PlainAnswer {
  readonly #publication: Publication;

  constructor(publication: Publication) {
    this.#publication = publication;
  }

  get record(): Uint8Array | undefined {
    return this.#publication.record;
  }

  settle(code: number, reasonString?: string): void {
    this.#publication.settle(plainly(code), reasonString);
  }
}

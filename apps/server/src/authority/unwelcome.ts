import { Refusal, type RefusalCode } from "@holdfast/kernel";
import type { Credential } from "./credential.ts";
import type { Space } from "./space.ts";

type At = {
  readonly space: Space;
  readonly credential: Credential;
  readonly because: string;
  readonly toWatchers?: string;
  /** A sentence for whoever has shown that the key is his. */
  readonly detail?: string;
};

/**
 * Somebody came with a credential that is known and not good for him, or no longer good at all. He reads the code like any other; whose
 * door it was, and why, is for those who watch it. Private fields, so that nothing that prints an error prints them.
 */
export class Unwelcome extends Refusal {
  readonly #at: At;

  constructor(code: RefusalCode, at: At) {
    super(code, at.detail === undefined ? {} : { detail: at.detail });
    this.#at = at;
  }

  get space(): Space {
    return this.#at.space;
  }

  get credential(): Credential {
    return this.#at.credential;
  }

  get because(): string {
    return this.#at.because;
  }

  /** A sentence for whoever may see the door, where that is less than who may know why. */
  get toWatchers(): string | undefined {
    return this.#at.toWatchers;
  }

  /** The one that a refusal is, or that it was made of, as when an address has failed too often to be told more. */
  static in(refusal: Refusal): Unwelcome | undefined {
    if (refusal instanceof Unwelcome) return refusal;
    return refusal.cause instanceof Unwelcome ? refusal.cause : undefined;
  }
}

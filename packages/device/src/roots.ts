import type { Emitter } from "./emitter.ts";
import { DeviceError } from "./failure.ts";

/** Where a small text is kept. */
export interface Place {
  read(): string | undefined;
  /** When it returns the loss of power loses it no more. At once or not at all. */
  write(text: string): void;
}

export type RootsNeeds = {
  readonly place: Place;
  /** What is trusted until something else was taken over: PEM. */
  readonly first: readonly string[];
  /** Throws for what is no certificate. */
  check(pem: string): void;
  /** Asks the platform, over a connection that these roots vouch for. */
  ask(trusted: readonly string[]): Promise<readonly string[]>;
};

type Sets = { readonly current: readonly string[]; readonly next?: readonly string[] };

/**
 * The roots that a device trusts. A new set is written down, and then tried; it takes the place of the current one when the platform was
 * reached by it. Until then each try takes the other set, so that one that is no good cuts nobody off.
 */
export class Roots {
  readonly #needs: RootsNeeds;
  #sets: Sets;
  #tried: "current" | "next" = "current";
  /** The certificate that the platform showed is of none of the next set. */
  #isNextRefuted = false;

  constructor(needs: RootsNeeds) {
    this.#needs = needs;
    const text = needs.place.read();
    this.#sets = text === undefined ? { current: needs.first } : (JSON.parse(text) as Sets); // we wrote it, whole
  }

  /** Those that the platform was last reached by. */
  get current(): readonly string[] {
    return this.#sets.current;
  }

  /** With which to connect now. */
  take(): readonly string[] {
    const { current, next } = this.#sets;
    this.#tried = next && this.#tried === "current" ? "next" : "current";
    return (this.#tried === "next" && next) || current;
  }

  /** The platform was reached by those that were taken last. */
  worked(emitter: Emitter): void {
    const { next } = this.#sets;
    if (!next) return;
    if (this.#tried === "next") {
      this.#keep({ current: next });
      emitter.emit("roots", { isTaken: true, roots: next });
    } else if (this.#isNextRefuted) {
      this.#keep({ current: this.#sets.current });
      emitter.emit("roots", { isTaken: false, roots: next });
    }
  }

  /** It was not; a network that is away says nothing about roots. */
  failed(cause: unknown): void {
    if (this.#tried === "next" && isMistrust(cause)) this.#isNextRefuted = true;
  }

  /** Whether there is something to try. */
  replace(roots: readonly string[]): boolean {
    if (roots.length === 0) throw new DeviceError("roots.invalid");
    for (const pem of roots) this.#needs.check(pem);
    if (isSame(roots, this.#sets.next ?? this.#sets.current)) return false;
    const { current } = this.#sets;
    this.#isNextRefuted = false;
    this.#tried = "current";
    this.#keep(isSame(roots, current) ? { current } : { current, next: roots });
    return this.#sets.next !== undefined;
  }

  /** Asks the platform which they should be. */
  async ask(): Promise<boolean> {
    const roots = await this.#needs.ask(this.#sets.current);
    // One whose certificate is of a public authority names none of its own.
    return roots.length > 0 && this.replace(roots);
  }

  #keep(sets: Sets): void {
    this.#needs.place.write(JSON.stringify(sets));
    this.#sets = sets;
  }
}

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.toSorted().join() === others.toSorted().join();

/** As Node tells that no chain leads to a root: X509_verify_cert_error(3). */
const mistrust = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "CERT_REJECTED",
  "INVALID_CA",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
]);

const isMistrust = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" && mistrust.has(cause.code);

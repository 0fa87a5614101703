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
  /**
   * Asks the platform, over a connection that these roots vouch for, and answers what one of them has signed; `undefined` where it says nothing.
   * Throws where nobody that is trusted has signed it.
   */
  ask(trusted: readonly string[]): Promise<Told | undefined>;
};

/** What the platform says is to be trusted. Of two, the higher version counts. */
export type Told = { readonly roots: readonly string[]; readonly version: number };

/** Versions are of what the platform said last, so that nobody brings an older word back. */
type Sets = {
  readonly current: readonly string[];
  readonly version?: number;
  readonly next?: readonly string[];
  readonly nextVersion?: number;
};

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
    this.#sets = keptIn(needs) ?? { current: needs.first };
  }

  /** Those that the platform was last reached by. */
  get current(): readonly string[] {
    return this.#sets.current;
  }

  /** All that may lead to the platform, for what is not tried again and again. */
  get all(): readonly string[] {
    const { current, next = [] } = this.#sets;
    return [...current, ...next];
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
    const { current, version, nextVersion = version } = this.#sets;
    if (this.#tried === "next") {
      this.#keep(setsOf(next, nextVersion));
      emitter.emit("roots", { isTaken: true, roots: next });
    } else if (this.#isNextRefuted) {
      this.#keep(setsOf(current, version));
      emitter.emit("roots", { isTaken: false, roots: next });
    }
  }

  /** It was not; a network that is away says nothing about roots. */
  failed(cause: unknown): void {
    if (this.#tried === "next" && isMistrust(cause)) this.#isNextRefuted = true;
  }

  /** Whether there is something to try. */
  replace(roots: readonly string[]): boolean {
    return this.#replace(roots, undefined);
  }

  /** Asks the platform which they should be. */
  async ask(): Promise<boolean> {
    const told = await this.#needs.ask(this.#sets.current);
    // One whose certificate is somebody else's names none of its own.
    if (!told) return false;
    const { version = 0, nextVersion = version } = this.#sets;
    if (told.version < Math.max(version, nextVersion))
      throw new DeviceError("roots.unread", { detail: `This is version ${told.version}, which is over.` });
    return this.#replace(told.roots, told.version);
  }

  #replace(roots: readonly string[], told: number | undefined): boolean {
    if (roots.length === 0) throw new DeviceError("roots.invalid");
    for (const pem of roots) this.#needs.check(pem);
    const { current, version, next, nextVersion } = this.#sets;
    const isKnown = told === undefined || told === (next ? nextVersion : version);
    if (isKnown && isSame(roots, next ?? current)) return false;
    this.#isNextRefuted = false;
    this.#tried = "current";
    if (isSame(roots, current)) {
      this.#keep(setsOf(current, told ?? version));
      return false;
    }
    this.#keep({ ...setsOf(current, version), next: roots, ...(told !== undefined && { nextVersion: told }) });
    return true;
  }

  #keep(sets: Sets): void {
    this.#needs.place.write(JSON.stringify(sets));
    this.#sets = sets;
  }
}

function keptIn({ place }: Pick<RootsNeeds, "place">): Sets | undefined {
  try {
    const text = place.read();
    return text === undefined ? undefined : (JSON.parse(text) as Sets); // we wrote it, whole
  } catch (error) {
    // What a disk damaged cuts nobody off: the first are trusted as where it was lost, and the platform is asked for the others.
    if (error instanceof DeviceError && error.code === "place.unreadable") return undefined;
    throw error;
  }
}

const setsOf = (current: readonly string[], version: number | undefined): Sets => ({
  current,
  ...(version !== undefined && { version }),
});

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

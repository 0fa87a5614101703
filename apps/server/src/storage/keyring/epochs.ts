import { associated, derive, open, seal } from "@holdfast/crypto";
import { Refusal, type Instant, type Random } from "@holdfast/kernel";
import { spanOf, type Entry, type Epoch, type Made, type Place, type Span } from "./store.ts";

const spans: readonly Span[] = ["lasting", "passing"];

/**
 * The epoch keys of one keyring, opened: what wraps the other keys. One of each span; two while survivors are rewrapped after an erasure.
 * A wrapped key opens only as what it is the key of, in the keyring and the epoch it was wrapped in.
 */
export class Epochs {
  readonly #instance: string;
  /** Derived from the KEK for this keyring, so that one KEK can serve two. */
  readonly #kek: Uint8Array;
  readonly #random: Random;
  readonly #keys = new Map<number, { span: Span; key: Uint8Array; made: Made | undefined }>();
  readonly #current = { lasting: 0, passing: 0 };

  private constructor(needs: { instance: string; kek: Uint8Array; random: Random }) {
    this.#instance = needs.instance;
    this.#kek = needs.kek;
    this.#random = needs.random;
  }

  /** Of a keyring that has none yet, or whose own are to be `admit`ted. */
  static of(needs: { instance: string; kek: Uint8Array; random: Random }): Epochs {
    return new Epochs({ ...needs, kek: derive(needs.kek, `keyring/${needs.instance}`) });
  }

  get instance(): string {
    return this.#instance;
  }

  current(span: Span): number {
    return this.#current[span];
  }

  /** When the key that wraps what is made now was made. */
  made(span: Span): Made | undefined {
    return this.#keys.get(this.#current[span])?.made;
  }

  knows(epoch: number): boolean {
    return this.#keys.has(epoch);
  }

  /** @throws Refusal `keyring.sealed` when the KEK is not the one they were made under */
  admit(epochs: readonly Epoch[]): void {
    for (const { number, span, wrapped, made } of epochs) {
      if (this.#keys.has(number)) continue;
      try {
        this.#keys.set(number, { span, key: open(this.#kek, this.#epochPlace(number, span), wrapped), made });
      } catch (cause) {
        if (cause instanceof Refusal) throw new Refusal("keyring.sealed", { cause });
        throw cause;
      }
      this.#current[span] = Math.max(this.#current[span], number);
    }
  }

  /** A further epoch. It counts once it was stored, and `admit`ted. */
  next(span: Span, at: Instant): Epoch {
    const number = Math.max(this.#current.lasting, this.#current.passing) + 1;
    return {
      number,
      span,
      wrapped: seal(this.#kek, this.#epochPlace(number, span), this.#random.bytes(32), this.#random),
      made: { at, known: "exactly" },
    };
  }

  /** The first of each span, for a new keyring; already admitted. */
  begin(at: Instant): readonly Epoch[] {
    return spans.map((span) => {
      const epoch = this.next(span, at);
      this.admit([epoch]);
      return epoch;
    });
  }

  forgetBefore(span: Span, number: number): void {
    for (const [old, known] of this.#keys) {
      if (known.span !== span || old >= number) continue;
      known.key.fill(0);
      this.#keys.delete(old);
    }
  }

  /** The same keyring at another moment: what a snapshot of it is opened with. */
  at(epochs: readonly Epoch[]): Epochs {
    const then = new Epochs({ instance: this.#instance, kek: this.#kek, random: this.#random });
    then.admit(epochs);
    return then;
  }

  wrap(place: Place, plain: Uint8Array, madeAt: Instant): Entry {
    const { kind, name } = place;
    const epoch = this.#current[spanOf(kind)];
    return {
      kind,
      name,
      epoch,
      madeAt,
      wrapped: seal(this.#key(epoch), this.#place(place, epoch), plain, this.#random),
    };
  }

  /** @throws Refusal `seal.broken` when it was altered, or is another's */
  unwrap(entry: Entry): Uint8Array {
    try {
      return open(this.#key(entry.epoch), this.#place(entry, entry.epoch), entry.wrapped);
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      const detail = `In the keyring, this is the ${entry.kind} ${entry.name}. Restore a keys backup.`;
      throw new Refusal("seal.broken", { cause, detail });
    }
  }

  opens(entry: Entry): boolean {
    try {
      this.unwrap(entry);
      return true;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }

  #key(epoch: number): Uint8Array {
    const known = this.#keys.get(epoch);
    if (!known) throw new Refusal("seal.broken"); // an entry that names an epoch which is not in the keyring
    return known.key;
  }

  #epochPlace(number: number, span: Span): Uint8Array {
    return associated({ org: this.#instance, kind: "keyring.epoch", row: span, version: number });
  }

  #place({ kind, name }: Place, epoch: number): Uint8Array {
    return associated({ org: this.#instance, kind: `keyring.${kind}`, row: name, version: epoch });
  }
}

import type { Id } from "@holdfast/kernel";

/** Of which domains the e-mails of an organisation's members are, as far as anybody has looked. */
export class Homes {
  readonly #of: Map<Id<"person">, string>;
  readonly #changed: () => void;

  /** `changed`: whoever was kept out for not being known is asked about again. */
  constructor(known: ReadonlyMap<Id<"person">, string> | undefined, changed: () => void) {
    this.#of = new Map(known);
    this.#changed = changed;
  }

  /** `undefined` while nobody has looked. */
  of(person: Id<"person">): string | undefined {
    return this.#of.get(person);
  }

  know(homes: ReadonlyMap<Id<"person">, string>): void {
    for (const [person, home] of homes) this.#of.set(person, home);
    if (homes.size > 0) this.#changed();
  }

  get all(): ReadonlyMap<Id<"person">, string> {
    return this.#of;
  }
}

import { createSecretKey, type KeyObject } from "node:crypto";
import { associated, derive, open, seal } from "@holdfast/crypto";
import type { Id, Random } from "@holdfast/kernel";
import type { Keyring } from "../storage/index.ts";

/** Names that are looked up at once. */
const atOnce = 64;

const nameOf = (org: Id<"org">, generation: number): string => `${org}/${generation}`;

/** Seals the rows of one organisation's message log, under one of the keys that it has had for that. */
export class MessageSeal {
  readonly generation: number;
  readonly #org: Id<"org">;
  readonly #key: Uint8Array;
  readonly #random: Random;
  #derived: { readonly part: number; readonly key: KeyObject } | undefined;

  constructor(parts: { org: Id<"org">; generation: number; key: Uint8Array; random: Random }) {
    this.generation = parts.generation;
    this.#org = parts.org;
    this.#key = parts.key;
    this.#random = parts.random;
  }

  seal(position: number, plain: Uint8Array): Uint8Array {
    return seal(this.#keyAt(position), this.#placeOf(position), plain, this.#random);
  }

  /** @throws Refusal `seal.broken` */
  open(position: number, sealed: Uint8Array): Uint8Array {
    return open(this.#keyAt(position), this.#placeOf(position), sealed);
  }

  /** A key of its own for so many commits: one key seals at most 2^32 texts (see `seal`). */
  #keyAt(position: number): KeyObject {
    const part = Math.floor(position / 2 ** 30);
    if (this.#derived?.part !== part)
      this.#derived = { part, key: createSecretKey(derive(this.#key, `message log/${part}`)) };
    return this.#derived.key;
  }

  #placeOf(position: number): Uint8Array {
    return associated({ org: this.#org, kind: "message log", row: String(this.generation), version: position });
  }
}

/** The keys of the message log: of each organisation the present one in memory. */
export class MessageSeals {
  readonly #needs: { readonly keys: Keyring; readonly random: Random };
  readonly #current = new Map<Id<"org">, MessageSeal>();

  constructor(needs: { readonly keys: Keyring; readonly random: Random }) {
    this.#needs = needs;
  }

  /** Of an organisation that was begun. */
  of(org: Id<"org">): MessageSeal {
    const current = this.#current.get(org);
    if (!current) throw new Error("the message log of this organisation was not begun");
    return current;
  }

  /**
   * Finds the present key, or makes one. `greatest`: the generation that has rows, 0 where none has. Where its key is not in this keyring, another
   * begins: under the same name a newer copy of the keyring may have it yet.
   */
  async begin(org: Id<"org">, greatest: number): Promise<void> {
    if (this.#current.has(org)) return;
    const isHeld = greatest > 0 && (await this.#held(org, greatest, greatest + 1)).length > 0;
    this.#current.set(org, await this.#from(org, isHeld ? greatest : greatest + 1));
  }

  /** From now on rows are sealed under a key that none before was. */
  async next(org: Id<"org">): Promise<void> {
    this.#current.set(org, await this.#from(org, this.of(org).generation + 1));
  }

  /** What opens rows of a generation: `erased` when its key was destroyed, `missing` when this keyring never had it. */
  async find(org: Id<"org">, generation: number): Promise<MessageSeal | "erased" | "missing"> {
    const { keys, random } = this.#needs;
    const name = nameOf(org, generation);
    const key = await keys.find("messages", name);
    if (key) return new MessageSeal({ org, generation, key, random });
    return (await keys.erased("messages", [name])).length > 0 ? "erased" : "missing";
  }

  /** For ever: what was sealed before the present key opens nowhere any more. */
  async destroyOld(org: Id<"org">): Promise<void> {
    const { generation } = this.of(org);
    const held: string[] = [];
    for (let from = 1; from < generation; from += atOnce)
      held.push(...(await this.#held(org, from, Math.min(generation, from + atOnce))));
    if (held.length > 0) await this.#needs.keys.erase("messages", held);
  }

  /** For ever, all of an organisation's: also those of an older copy of the keyring, which nobody knows the number of. */
  async destroyAll(org: Id<"org">): Promise<void> {
    const { keys } = this.#needs;
    for (let from = 1; ; from += atOnce) {
      const held = await this.#held(org, from, from + atOnce);
      if (held.length > 0) await keys.erase("messages", held);
      else if ((await keys.erased("messages", namesOf(org, from, from + atOnce))).length === 0) break;
    }
    this.#current.delete(org);
  }

  #held(org: Id<"org">, from: number, past: number): Promise<readonly string[]> {
    return this.#needs.keys.holding("messages", namesOf(org, from, past));
  }

  /** The first from there on that was not destroyed; where this keyring never had it, it is made. */
  async #from(org: Id<"org">, first: number): Promise<MessageSeal> {
    const { keys, random } = this.#needs;
    for (let from = first; ; from += atOnce) {
      const names = namesOf(org, from, from + atOnce);
      const gone = new Set(await keys.erased("messages", names));
      const at = names.findIndex((name) => !gone.has(name));
      const name = names[at];
      if (name === undefined) continue;
      const key = (await keys.find("messages", name)) ?? (await keys.make("messages", name));
      return new MessageSeal({ org, generation: from + at, key, random });
    }
  }
}

const namesOf = (org: Id<"org">, from: number, past: number): readonly string[] =>
  Array.from({ length: past - from }, (_, at) => nameOf(org, from + at));

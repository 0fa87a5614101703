import { createSecretKey, type KeyObject } from "node:crypto";
import { associated, blindIndex, derive, open, seal } from "@holdfast/crypto";
import { Refusal, type Id, type Random } from "@holdfast/kernel";
import type { Keyring } from "./keyring/index.ts";
import type { OrgScope } from "./unit.ts";

/** The organisations whose keys are in memory: one scope each, so that an erasure reaches everybody who holds it. */
export class Scopes {
  readonly #needs: { readonly keyring: Keyring; readonly random: Random };
  readonly #scopes = new Map<Id<"org">, Scope>();

  constructor(needs: { readonly keyring: Keyring; readonly random: Random }) {
    this.#needs = needs;
  }

  /** @throws Refusal `org.unknown` when its key was never made, or was erased */
  async of(org: Id<"org">): Promise<OrgScope> {
    const there = this.#scopes.get(org);
    if (there) return there;
    const key = await this.#needs.keyring.find("org", org);
    if (!key) throw new Refusal("org.unknown");
    return this.#keep(org, key);
  }

  /** The key first: rows that nobody can open must not come into being. */
  async make(org: Id<"org">): Promise<OrgScope> {
    return this.#keep(org, await this.#needs.keyring.make("org", org));
  }

  /** For ever: what is sealed for this organisation opens nowhere any more. */
  async erase(org: Id<"org">): Promise<void> {
    this.#scopes.get(org)?.end();
    this.#scopes.delete(org);
    await this.#needs.keyring.erase("org", [org]);
    this.#scopes.get(org)?.end(); // somebody asked for it meanwhile
    this.#scopes.delete(org);
  }

  #keep(org: Id<"org">, key: Uint8Array): Scope {
    const there = this.#scopes.get(org);
    if (there) return there; // two asked at once
    const scope = new Scope(org, key, this.#needs.random);
    this.#scopes.set(org, scope);
    return scope;
  }
}

/** How many derived keys a scope keeps: kinds and purposes are few, but every token key is a purpose of its own. */
const derivedAtMost = 256;

class Scope implements OrgScope {
  readonly org: Id<"org">;
  readonly #random: Random;
  #root: KeyObject | undefined;
  readonly #derived = new Map<string, Uint8Array>();
  readonly #sealing = new Map<string, KeyObject>();

  constructor(org: Id<"org">, root: Uint8Array, random: Random) {
    this.org = org;
    this.#root = createSecretKey(root);
    this.#random = random;
  }

  seal(kind: string, row: string, plain: Uint8Array): Uint8Array {
    return seal(this.#sealingKey(kind), this.#place(kind, row), plain, this.#random);
  }

  open(kind: string, row: string, sealed: Uint8Array): Uint8Array {
    return open(this.#sealingKey(kind), this.#place(kind, row), sealed);
  }

  index(purpose: string, value: string): Uint8Array {
    return blindIndex(this.#key(`index/${purpose}`), value);
  }

  derive(purpose: string): Uint8Array {
    return this.#key(`purpose/${purpose}`).slice(); // the caller's own: ours may be wiped
  }

  /** What this scope knew is gone; who still holds it is refused. */
  end(): void {
    this.#root = undefined;
    for (const key of this.#derived.values()) key.fill(0);
    this.#derived.clear();
    this.#sealing.clear();
  }

  #place(kind: string, row: string): Uint8Array {
    return associated({ org: this.org, kind, row, version: 0 });
  }

  #sealingKey(kind: string): KeyObject {
    const known = this.#sealing.get(kind);
    if (known) return known;
    const key = createSecretKey(this.#key(`seal/${kind}`));
    this.#sealing.set(kind, key);
    return key;
  }

  #key(purpose: string): Uint8Array {
    const known = this.#derived.get(purpose);
    if (known) return known;
    if (!this.#root) throw new Refusal("org.unknown");
    const key = derive(this.#root.export(), `org/${purpose}`);
    if (this.#derived.size >= derivedAtMost) this.#derived.clear();
    this.#derived.set(purpose, key);
    return key;
  }
}

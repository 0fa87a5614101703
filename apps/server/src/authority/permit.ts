import type { Id } from "@holdfast/kernel";
import type { Action, KindOf, Where } from "@holdfast/protocol";
import type { Actor, Allowed, OrgScope } from "../storage/index.ts";

/** What a permit remembers of whoever asked, for the verbs that hand authority on. Opaque outside this folder. */
export interface Asker {
  readonly actor: Actor;
}

/**
 * Proof that the authority said yes: to this action, on this one thing, in this organisation.
 * A verb takes its ids from here, so that asking about one device and changing another cannot be written.
 * Only the type leaves this folder, and `#asker` keeps look-alikes out when it runs.
 */
export class Permit<A extends Action> implements Allowed {
  readonly #asker: Asker;
  readonly may: { readonly [K in A]: true };
  readonly on: Id<KindOf<A>>;
  readonly scope: OrgScope;

  constructor(asker: Asker, may: { readonly [K in A]: true }, on: Id<KindOf<A>>, scope: OrgScope) {
    this.#asker = asker;
    this.may = may;
    this.on = on;
    this.scope = scope;
  }

  get actor(): Actor {
    return this.#asker.actor;
  }

  /** @throws TypeError when the permit was not made here. */
  static askerOf(permit: Allowed): Asker {
    if (!(permit instanceof Permit)) throw new TypeError("only a permit says who asked");
    return permit.#asker;
  }
}

/**
 * Over many things: not a list of ids but where they are; a store turns it into SQL, so pages and counts are right.
 * A thing is within reach when every link of the credential's chain has one `Where` that holds for it.
 */
export class Reach<A extends Action> implements Allowed {
  readonly #asker: Asker;
  readonly may: { readonly [K in A]: true };
  readonly scope: OrgScope;
  readonly every: readonly (readonly Where[])[];

  constructor(asker: Asker, may: { readonly [K in A]: true }, scope: OrgScope, every: readonly (readonly Where[])[]) {
    this.#asker = asker;
    this.may = may;
    this.scope = scope;
    this.every = every;
  }

  get actor(): Actor {
    return this.#asker.actor;
  }
}

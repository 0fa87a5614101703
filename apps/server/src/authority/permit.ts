import type { Id } from "@holdfast/kernel";
import type { Action, KindOf, Where } from "@holdfast/protocol";
import type { Actor, Allowed, OrgScope } from "../storage/index.ts";

/** What a permit remembers of whoever asked. Opaque outside this folder. */
export interface Asker {
  readonly actor: Actor;
  /** The application user who asks, or on whose behalf somebody does. */
  readonly user: Id<"user"> | undefined;
  /** The same question once more. @throws Refusal when the answer has changed */
  askAgain(action: Action, on: Id<KindOf<Action>> | undefined): void;
  /** Which attributes of a device may be read: by name, or `undefined` for all. */
  attributesOf(device: Id<"device">): ((name: string) => boolean) | undefined;
}

/**
 * Proof that the authority said yes: to this action, on this one thing, in this organisation.
 * A verb takes its ids from here, so that asking about one device and changing another cannot be written.
 * Only the type leaves this folder, and `#asker` keeps look-alikes out when it runs.
 */
export class Permit<A extends Action> implements Allowed {
  readonly #asker: Asker;
  readonly #action: Action;
  readonly #scope: OrgScope;
  readonly may: { readonly [K in A]: true };
  readonly on: Id<KindOf<A>>;

  constructor(asker: Asker, action: A, on: Id<KindOf<A>>, scope: OrgScope) {
    this.#asker = asker;
    this.#action = action;
    this.#scope = scope;
    this.may = { [action]: true } as { [K in A]: true }; // one key, the action's
    this.on = on;
  }

  /**
   * Asked for when a unit of work begins. A permit may have waited its turn behind the revocation of its own credential, or
   * behind the end of what it is about, so the question is put again.
   * @throws Refusal when the answer has become no
   */
  get scope(): OrgScope {
    this.askAgain();
    return this.#scope;
  }

  get actor(): Actor {
    return this.#asker.actor;
  }

  /** For a second permit that a unit needs beside the one that it began with. @throws Refusal as `scope` */
  askAgain(): void {
    this.#asker.askAgain(this.#action, this.on);
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
  readonly #action: Action;
  readonly #scope: OrgScope;
  readonly may: { readonly [K in A]: true };
  readonly every: readonly (readonly Where[])[];

  constructor(asker: Asker, action: A, scope: OrgScope, every: readonly (readonly Where[])[]) {
    this.#asker = asker;
    this.#action = action;
    this.#scope = scope;
    this.may = { [action]: true } as { [K in A]: true }; // one key, the action's
    this.every = every;
  }

  /** As a permit's. @throws Refusal when nothing is within reach any more */
  get scope(): OrgScope {
    this.#asker.askAgain(this.#action, undefined);
    return this.#scope;
  }

  get actor(): Actor {
    return this.#asker.actor;
  }

  /** As a permit's. */
  static askerOf(reach: Reach<Action>): Asker {
    return reach.#asker;
  }
}

/** The application user whose time with the device is all that may be read of it; `undefined`: somebody of the organisation's own. */
export const readerOf = (permit: Permit<"telemetry.read">): Id<"user"> | undefined => Permit.askerOf(permit).user;

/** Which attributes of the device may be read: by name, or `undefined` for all. */
export const readableAttributes = (
  permit: Permit<"telemetry.read"> | Permit<"twin.read">,
): ((name: string) => boolean) | undefined => Permit.askerOf(permit).attributesOf(permit.on);

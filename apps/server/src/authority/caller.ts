import { Refusal, type Clock, type Id, type Instant, type Kind } from "@holdfast/kernel";
import { actions, type Action, type KindOf } from "@holdfast/protocol";
import type { Actor } from "../storage/index.ts";
import type { Credential } from "./credential.ts";
import { unknownCode, type Target } from "./link.ts";
import { Permit, Reach, type Asker } from "./permit.ts";
import { compile, decide, mayAnywhere, mayNow, type Decision, type Power } from "./power.ts";
import type { Space } from "./space.ts";

/** Told of every refusal of a caller who is known; without an answer, so that saying no stays cheap. */
export type OnRefusal = (caller: Caller, action: Action, about: string, because: string) => void;

/** Whoever showed a good credential, and what it may do now: asked again whenever the space has changed. */
export class Caller implements Asker {
  readonly credential: Credential;
  readonly space: Space;
  readonly actor: Actor;
  readonly #clock: Clock;
  readonly #onRefusal: OnRefusal;
  #power: Power;

  constructor(needs: { credential: Credential; space: Space; clock: Clock; onRefusal: OnRefusal }) {
    const { credential, space } = needs;
    this.credential = credential;
    this.space = space;
    this.#clock = needs.clock;
    this.#onRefusal = needs.onRefusal;
    this.actor = { kind: "credential", id: credential.id, ...(credential.person && { person: credential.person }) };
    this.#power = compile(space, credential);
  }

  get power(): Power {
    if (this.#power.epoch !== this.space.cell.epoch) {
      this.#power = compile(this.space, this.space.credentials.get(this.credential.id) ?? this.credential);
    }
    return this.#power;
  }

  /** Why nothing at all may be done with this credential any more, or `undefined` while it is good. */
  ended(): string | undefined {
    const { ended, expiresAt } = this.power;
    return (
      ended ?? (expiresAt !== undefined && this.#clock.now() >= expiresAt ? "the credential has expired" : undefined)
    );
  }

  get expiresAt(): Instant | undefined {
    return this.power.expiresAt;
  }

  /** May this be done with this one thing, now? */
  permit<A extends Action>(action: A, on: Id<KindOf<A>>): Permit<A> {
    const kind = actions[action];
    const target = this.#target(kind, on);
    if (!target) throw this.#refuse(action, on, `${on} is not in this organisation`, unknownCode[kind]);
    const decision = this.decide(action, target);
    if (decision.allowed) return new Permit<A>(this, { [action]: true } as { [K in A]: true }, on, this.space.scope); // one key, the action's
    const known = kind === "org" || mayNow(this.power, `${kind}.read`, target, this.#clock.now());
    throw this.#refuse(action, on, decision.because, known ? "permit.missing" : unknownCode[kind]);
  }

  /** Everything of the action's kind that this may be done with. */
  reach<A extends Action>(action: A): Reach<A> {
    const { power } = this;
    if (!mayAnywhere(power, action, this.#clock.now())) {
      throw this.#refuse(action, this.space.org, power.ended ?? `no grant of ${action} anywhere`, "permit.missing");
    }
    const every = power.links
      .map((link) => link.grants.get(action) ?? [])
      .filter((wheres) => !wheres.some((where) => "all" in where));
    return new Reach<A>(this, { [action]: true } as { [K in A]: true }, this.space.scope, every); // one key, the action's
  }

  /** The caller's own organisation, as an action about organisations wants it. */
  get org(): Id<"org"> {
    return this.space.org;
  }

  /** The caller's own device. @throws Refusal when a program asks. */
  get device(): Id<"device"> {
    if (!this.credential.device)
      throw new Refusal("permit.missing", { detail: "Only a device has a tree of its own." });
    return this.credential.device;
  }

  /** The time that expiry goes by. */
  now(): Instant {
    return this.#clock.now();
  }

  decide(action: Action, target: Target): Decision {
    return decide(this.power, action, target, this.#clock.now());
  }

  mayAnywhere(action: Action): boolean {
    return mayAnywhere(this.power, action, this.#clock.now());
  }

  /** The same question where it is asked for every message. */
  mayDevice(action: Action, id: Id<"device">): boolean {
    const placement = this.space.device(id);
    return placement !== undefined && mayNow(this.power, action, { kind: "device", id, placement }, this.#clock.now());
  }

  target(kind: Kind, on: string): Target | undefined {
    return this.#target(kind, on);
  }

  refused(action: Action, about: string, because: string): void {
    this.#onRefusal(this, action, about, because);
  }

  #target(kind: Kind, on: string): Target | undefined {
    const { space } = this;
    switch (kind) {
      case "org":
        return on === space.org ? { kind } : undefined;
      case "product":
        return space.hasProduct(on as Id<"product">) ? { kind } : undefined; // only a set is asked
      case "application":
        return space.hasApplication(on as Id<"application">) ? { kind, id: on as Id<"application"> } : undefined; // it was in the set
      case "device": {
        const placement = space.device(on as Id<"device">); // only a map is asked
        return placement && { kind, id: on as Id<"device">, placement };
      }
      case "certificate":
      case "entry":
      case "key":
      case "node":
      case "person":
      case "session":
      case "token":
        return undefined;
    }
  }

  #refuse(action: Action, about: string, because: string, code: Refusal["code"]): Refusal {
    this.refused(action, about, because);
    const detail = code === "permit.missing" ? `It needs ${action}.` : undefined;
    return new Refusal(code, detail ? { detail } : {});
  }
}

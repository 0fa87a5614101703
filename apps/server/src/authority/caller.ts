import { isId, kindOfId, Refusal, type Clock, type Id, type Instant, type Kind } from "@holdfast/kernel";
import { actions, presets, type Action, type KindOf } from "@holdfast/protocol";
import type { Actor, Allowed } from "../storage/index.ts";
import { sharesOf, type Allowance, type Left } from "./allowance.ts";
import { unsaid, type Circumstances } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import { cameFrom, granted, type Answered, type Question } from "./decisions.ts";
import { wayOf } from "./door.ts";
import type { Listable } from "./listed-topics.ts";
import { unknownCode, type Target } from "./link.ts";
import { Permit, Reach, type Asker } from "./permit.ts";
import {
  clauseOf,
  compile,
  decide,
  listingOf,
  mayAnywhere,
  mayNow,
  whyOver,
  type Decision,
  type Power,
} from "./power.ts";
import { readableOf } from "./seeing.ts";
import { standingOfSecret } from "./secrets.ts";
import type { Placement, Space } from "./space.ts";

/** Whoever was refused: a caller, or, before one is known, the platform in the organisation that was asked for. */
export type Refused = { readonly space: Space; readonly actor: Actor };

/** Told of every refusal in an organisation; without an answer, so that saying no stays cheap. */
export type OnRefusal = (who: Refused, action: Action | "connect", about: string, because: string) => void;

/** Whoever showed a good credential, and what it may do now: asked again whenever the space has changed. */
export class Caller implements Asker {
  readonly credential: Credential;
  readonly space: Space;
  readonly actor: Actor;
  readonly #clock: Clock;
  readonly #onRefusal: OnRefusal;
  #circumstances: Circumstances | undefined;
  #power: Power;
  /** How it came, as decisions about it are kept. */
  #came: Question["came"] | undefined;

  constructor(needs: {
    credential: Credential;
    space: Space;
    circumstances: Circumstances | undefined;
    clock: Clock;
    onRefusal: OnRefusal;
  }) {
    const { credential, space, circumstances } = needs;
    this.credential = credential;
    this.space = space;
    this.#circumstances = circumstances;
    this.#clock = needs.clock;
    this.#onRefusal = needs.onRefusal;
    this.actor = { kind: "credential", id: credential.id, ...(credential.person && { person: credential.person }) };
    this.#power = this.#compile(credential);
  }

  get power(): Power {
    if (this.#power.epoch !== this.space.cell.epoch) {
      const credential = this.space.credentials.get(this.credential.id) ?? this.credential;
      const { end } = this.#power;
      this.#power = this.#compile(credential);
      // Whoever is there is cut off by it.
      if (!end && this.#power.end?.code === "list.denied") this.noteLists();
    }
    return this.#power;
  }

  /** It came, or was cut off: the entries of lists that decided count it. */
  noteLists(): void {
    if (this.#circumstances) this.space.noteHits(this.#power.by, this.#clock.now());
  }

  /** Something was refused that is about this device. */
  noteListsOf(device: string, action: Action): void {
    const way = wayOf(action);
    const target = way && isId("device", device) ? this.target("device", device) : undefined;
    if (!way || target?.kind !== "device") return;
    const now = this.#clock.now();
    this.space.noteHits(listingOf(this.power, action, way, target, now).by, now);
  }

  /** A request about a device whose user lists something: what admitted it counts it. */
  #noteAdmitted(action: Action, on: string): void {
    if (!wayOf(action) || !isId("device", on) || on === this.credential.device) return;
    const placement = this.space.device(on);
    const hers = placement && this.space.userListsOf(placement);
    if (!hers) return;
    const now = this.#clock.now();
    this.space.noteHits(hers.ofVisitor(this.power.visitor, on, now).by, now);
  }

  /** What is open to this device ends: the entries of lists that did it count it. */
  noteEndOf(device: Id<"device">, action: Action): void {
    const target = this.target("device", device);
    if (target && this.decide(action, target).code === "list.denied") this.noteListsOf(device, action);
  }

  /** How it came; `undefined` once nobody is there any more. */
  get circumstances(): Circumstances | undefined {
    return this.#circumstances;
  }

  /** The connection is gone, and what is kept for whoever comes back does not hang on how this one came. */
  leave(): void {
    this.#circumstances = undefined;
    this.#power = this.#compile(this.space.credentials.get(this.credential.id) ?? this.credential);
  }

  get allowances(): readonly Allowance[] {
    return this.power.allowances;
  }

  /**
   * One request, connection or message, of whatever its rates allow; from this network, where it is a key that everybody has.
   * @throws Refusal `rate.exceeded`
   */
  draw(network?: string): Left | undefined {
    const { allowances } = this;
    if (allowances.length === 0) return undefined;
    const isShared = network !== undefined && presets[this.credential.kind].isPublic;
    const shares = isShared ? sharesOf(allowances, network) : [];
    return this.space.drawn.draw([...shares, ...allowances], this.#clock.elapsed());
  }

  /** Why nothing at all may be done with this credential any more, or `undefined` while it is good. */
  ended(): string | undefined {
    const { end } = this.power;
    return end?.because ?? (this.hasExpired ? whyOver(this.power) : undefined);
  }

  get expiresAt(): Instant | undefined {
    return this.power.expiresAt;
  }

  get hasExpired(): boolean {
    const { expiresAt } = this.power;
    return expiresAt !== undefined && this.#clock.now() >= expiresAt;
  }

  /** May this be done with this one thing, now? @throws Refusal */
  permit<A extends Action>(action: A, on: Id<KindOf<A>>): Permit<A> {
    this.#ask(action, on);
    this.noteUse(action, on);
    this.#noteAdmitted(action, on);
    return new Permit<A>(this, action, on, this.space.scope);
  }

  /** Everything of the action's kind that this may be done with. @throws Refusal */
  reach<A extends Action>(action: A): Reach<A> {
    this.#askAnywhere(action);
    this.noteUse(action);
    const every = this.power.links
      .map((link) => link.grants.get(action) ?? [])
      .filter((wheres) => !wheres.some((where) => "all" in where));
    return new Reach<A>(this, action, this.space.scope, every);
  }

  askAgain(action: Action, on: Id<KindOf<Action>> | undefined): void {
    if (this.hasExpired) throw new Refusal(this.power.closing?.code ?? "credential.expired");
    if (this.ended() !== undefined) throw new Refusal(this.power.end?.code ?? "credential.invalid");
    if (on === undefined) this.#askAnywhere(action);
    else this.#ask(action, on);
  }

  /** What is open to whoever is there is not open to what everybody can read. @throws Refusal `permit.missing` */
  refuseIfPublic(): void {
    const { kind, id } = this.credential;
    if (!presets[kind].isPublic) return;
    const detail = "A publishable key signs application users up and in, and does nothing else.";
    throw this.refuse("connect", id, detail, new Refusal("permit.missing", { detail }));
  }

  /** What only one kind of credential asks. @throws Refusal `permit.missing` */
  refuseUnless(kind: "application" | "applicationUser"): void {
    if (this.credential.kind === kind) return;
    const detail =
      kind === "application" ? "Show a publishable key of the application." : "Sign in as a user of the application.";
    throw this.refuse("connect", this.credential.id, detail, new Refusal("permit.missing", { detail }));
  }

  /** The caller's own organisation, as an action about organisations wants it. */
  get org(): Id<"org"> {
    return this.space.org;
  }

  /** The caller's own device. @throws Refusal when a program asks. */
  get device(): Id<"device"> {
    const { device } = this.credential;
    if (device) return device;
    const because = "only a device has a tree of its own";
    throw this.refuse(
      "telemetry.write",
      this.org,
      because,
      new Refusal("permit.missing", { detail: `Show a device's key: ${because}.` }),
    );
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
  mayDevice(action: Action, id: Id<"device">, at?: readonly Listable[]): boolean {
    const placement = this.space.device(id);
    const target = placement && ({ kind: "device", id, placement, at } as const);
    return target !== undefined && mayNow(this.power, action, target, this.#clock.now());
  }

  /** The same of what a device says and hears in a group: as a member, and as long as both are of one application. */
  mayInGroup(way: "read" | "write", id: Id<"group">): boolean {
    const { device } = this.credential;
    const group = device && this.space.groups.get(id);
    if (!device || !group?.members.get(device)?.[way]) return false;
    return this.space.device(device)?.application === group.application && this.mayDevice("telemetry.write", device);
  }

  /** Its own, or of whatever it came from: what is made by an application user sees no more of a device than she does. */
  get user(): Id<"user"> | undefined {
    return this.power.visitor.asUser;
  }

  /** Which attributes of a device it may read: by name, or `undefined` for all. */
  attributesOf(id: Id<"device">): ((name: string) => boolean) | undefined {
    const placement = this.space.device(id);
    return placement && readableOf(this.power, { kind: "device", id, placement });
  }

  /** What an identifier means to this caller's organisation: of another one's it knows nothing. */
  target(kind: Kind, on: string): Target | undefined {
    switch (kind) {
      case "org":
        return on === this.space.org ? { kind } : undefined;
      case "product":
        return this.space.hasProduct(on as Id<"product">) ? { kind } : undefined; // only a set is asked
      case "application":
        return this.space.hasApplication(on as Id<"application">) ? { kind, id: on as Id<"application"> } : undefined; // it was in the set
      case "device": {
        const placement = this.space.device(on as Id<"device">); // only a map is asked
        return placement && { kind, id: on as Id<"device">, placement };
      }
      case "dashboard":
        return this.space.dashboards.target(on);
      case "alert":
      case "alertRule":
      case "certificate":
      case "certificateAuthority":
      case "command":
      case "commandBatch":
      case "connection":
      case "entry":
      case "factorReset":
      case "group":
      case "task":
      case "invitation":
      case "key":
      case "listEntry":
      case "node":
      case "passkey":
      case "person":
      case "provider":
      case "role":
      case "session":
      case "token":
      case "user":
      case "webhook":
        return undefined;
    }
  }

  /** It came in. */
  noteArrival(): void {
    const { credential, space } = this;
    const isFormer = standingOfSecret(credential, this.#circumstances?.shown, this.now()).until !== undefined;
    space.uses.came(credential.id, this.#circumstances ?? unsaid, this.#clock.now(), isFormer);
    this.noteStay();
  }

  /** It is let in, or it is there still. */
  noteStay(): void {
    this.#keep("connect", undefined, granted);
  }

  /** It was allowed to do this, with one thing or with all that it may, and does. */
  noteUse(action: Action, on?: string): void {
    this.space.uses.did(this.credential.id, action, this.#clock.now());
    this.#keep(action, on, granted);
  }

  /** It was refused this. */
  noteRefused(action: Action | "connect", on?: string, decision: Omit<Decision, "because"> = { allowed: false }): void {
    this.#keep(action, on, { allowed: false, clause: clauseOf(this.power, decision, this.now()) });
  }

  /** Writes a refusal down, and hands it back to be thrown. */
  refuse(action: Action | "connect", about: string, because: string, refusal: Refusal): Refusal {
    // What stands in a path may be anything, a name or an address by mistake: only identifiers are kept readable.
    this.#onRefusal(this, action, kindOfId(about) ? about : this.org, because);
    return refusal;
  }

  #compile(credential: Credential): Power {
    return compile(this.space, credential, this.#circumstances, this.#clock.now());
  }

  /** Kept for whoever wants to know what another rule would have said. Of somebody who is not there nothing is asked. */
  #keep(action: Question["action"], on: string | undefined, answered: Answered): void {
    const circumstances = this.#circumstances;
    if (!circumstances) return;
    const about =
      on !== undefined && (isId("device", on) || isId("application", on) || isId("product", on)) ? on : undefined;
    const device = about !== undefined && isId("device", about) ? about : this.credential.device;
    this.#came ??= cameFrom(circumstances);
    const question = { credential: this.credential.id, action, about, device, came: this.#came };
    this.space.decisions.count(question, answered, this.#clock.now());
  }

  #ask<A extends Action>(action: A, on: Id<KindOf<A>>): void {
    const kind = actions[action];
    const target = this.target(kind, on);
    if (!target) {
      throw this.refuse(action, on, `there is no such ${kind} in this organisation`, new Refusal(unknownCode[kind]));
    }
    const now = this.#clock.now();
    if (mayNow(this.power, action, target, now)) return;
    const known = kind === "org" || mayNow(this.power, `${kind}.read`, target, now);
    const decision = this.decide(action, target);
    const { because, code } = decision;
    this.noteRefused(action, on, decision);
    if (code === "list.denied") this.noteListsOf(on, action);
    const missing = new Refusal(code ?? "permit.missing", code ? {} : { detail: `It needs ${action}.` });
    // A device knows of itself, and is told why it may not do what it was granted.
    const isItself = code !== undefined && on === this.credential.device;
    throw this.refuse(action, on, because, known || isItself ? missing : new Refusal(unknownCode[kind]));
  }

  #askAnywhere(action: Action): void {
    if (this.mayAnywhere(action)) return;
    const because = this.ended() ?? `no grant of ${action} anywhere`;
    this.noteRefused(action);
    throw this.refuse(action, this.org, because, new Refusal("permit.missing", { detail: `It needs ${action}.` }));
  }
}

/** The same where a verb finds that there is no such thing. */
export function refusedBy<A extends Action>(permit: Permit<A>, action: A, about: string, refusal: Refusal): Refusal {
  return callerOf(permit).refuse(action, about, refusal.code, refusal);
}

/**
 * One action more, about the device that a permit led to or that it lets be made: by the place that it has before the change. Whoever
 * got this far knows of the device, so the refusal says what is missing. @throws Refusal `permit.missing`
 */
export function askAlso(
  permit: Permit<"device.create"> | Permit<"device.enrol"> | Permit<"device.update">,
  action: Action,
  device: { readonly id: Id<"device">; readonly placement: Placement },
): void {
  const caller = callerOf(permit);
  const { allowed, because } = caller.decide(action, { kind: "device", ...device });
  if (allowed) return;
  const refusal = new Refusal("permit.missing", { detail: `It needs ${action}.` });
  throw caller.refuse(action, permit.on, because, refusal);
}

export function callerOf(permit: Allowed): Caller {
  const asker = permit instanceof Reach ? Reach.askerOf(permit) : Permit.askerOf(permit);
  if (!(asker instanceof Caller)) throw new TypeError("a permit is a caller's");
  return asker;
}

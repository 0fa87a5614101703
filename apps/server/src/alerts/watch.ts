import { newId, type Clock, type Id, type Instant, type Random, type Timers } from "@holdfast/kernel";
import { millisecondsOf, type AlertCause } from "@holdfast/protocol";
import type { Placement } from "../authority/index.ts";
import { presenceStateOf, sentenceOfCause, Wheel, type Dated, type Presence } from "../messages/index.ts";
import { isAbout, type Alert, type Concerned, type Rule } from "./rule.ts";

/** Milliseconds, as docs/presence.md says them. */
const patience = {
  /** After a start nothing is held against devices that were away then: they are coming back. */
  start: 120_000,
  /** Those that are due within so long are looked at together. */
  gather: 5_000,
  /** Whoever follows the last of an outage so soon belongs to it. */
  join: 120_000,
} as const;
/** So many at once are one alert. */
const many = 5;

/** What has to be written down, and told. */
export type Change =
  | {
      readonly what: "raised";
      readonly alert: Id<"alert">;
      readonly rule: Rule;
      readonly cause: AlertCause;
      readonly because: string | undefined;
      readonly outage: boolean;
      readonly at: Instant;
      readonly devices: readonly Concerned[];
    }
  | { readonly what: "joined"; readonly alert: Id<"alert">; readonly devices: readonly Concerned[] }
  | { readonly what: "left"; readonly alert: Id<"alert">; readonly devices: Gone[] }
  | { readonly what: "cleared"; readonly alert: Id<"alert">; readonly rule: Rule; readonly at: Instant };

/** When it was over for one device. */
export type Gone = { readonly device: Id<"device">; readonly at: Instant };

/** An alert that is not cleared: whom it is still about. */
type Open = {
  readonly id: Id<"alert">;
  readonly devices: Set<Id<"device">>;
  joinedAt: number;
};

/** A device of which something is wrong. In the wheel it stands once, however often that is over and begins again. */
type Waiting = Dated & {
  readonly device: Id<"device">;
  /** When it is due, in elapsed milliseconds; `Infinity` when it is over. */
  at: number;
  ring(): void;
};

/** One rule, at work. */
class Watch implements Dated {
  rule: Rule;
  tick = Number.POSITIVE_INFINITY;
  readonly waiting = new Map<Id<"device">, Waiting>();
  readonly open = new Map<Id<"device">, Open>();
  /** Due, and gathered until the wheel comes by. */
  readonly due = new Set<Waiting>();
  /** The newest outage of each cause: who is silent is in none of those who are away. */
  readonly outages = new Map<Alert["cause"], Open>();

  constructor(rule: Rule) {
    this.rule = rule;
  }
}

type Needs = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** When the platform started, in elapsed milliseconds. */
  readonly startedAt: number;
  readonly placementOf: (device: Id<"device">) => Placement | undefined;
  readonly presenceOf: (device: Id<"device">) => Presence;
};

/**
 * What one organisation's rules make of its devices' presence. In memory, and it decides alone: what it decides is in `changes`, to be written
 * down in their order.
 */
export class Watching {
  readonly #needs: Needs;
  readonly #watches = new Map<Id<"alertRule">, Watch>();
  readonly #wheel: Wheel<Dated & { ring(): void }>;
  changes: Change[] = [];

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#wheel = new Wheel(needs, (one) => one.ring());
  }

  /** Whether devices that were away at the start may still be on their way. */
  get isStarting(): boolean {
    return this.#needs.clock.elapsed() - this.#needs.startedAt < patience.start;
  }

  has(rule: Id<"alertRule">): boolean {
    return this.#watches.has(rule);
  }

  close(): void {
    this.#wheel.close();
  }

  /** As they are from now on, all of them; what no rule is about any more is cleared. `open`: what was open at the start. */
  setRules(rules: readonly Rule[], open: readonly OpenAlert[] = []): void {
    const there = new Set(rules.map(({ id }) => id));
    for (const [id, watch] of this.#watches) {
      if (there.has(id)) continue;
      for (const device of watch.open.keys()) this.#leave(watch, device);
      this.#watches.delete(id);
      // They are let go at once, not only when they would have been due.
      for (const waiting of watch.waiting.values()) {
        waiting.at = Number.POSITIVE_INFINITY;
        this.#wheel.put(waiting, this.#needs.clock.elapsed());
      }
    }
    for (const rule of rules) {
      const watch = this.#watches.get(rule.id) ?? new Watch(rule);
      if (watch.rule.after !== rule.after) for (const device of watch.waiting.keys()) endWaiting(watch, device);
      watch.rule = rule;
      this.#watches.set(rule.id, watch);
    }
    for (const { id, rule, cause, outage, devices, latest } of open) {
      const watch = this.#watches.get(rule);
      if (!watch) continue;
      const joinedAt = this.#joinedBefore(watch.rule, latest);
      const one: Open = { id, devices: new Set(devices), joinedAt };
      for (const device of devices) watch.open.set(device, one);
      const newest = watch.outages.get(cause)?.joinedAt ?? Number.NEGATIVE_INFINITY;
      if (outage && joinedAt > newest) watch.outages.set(cause, one);
    }
  }

  /**
   * In elapsed milliseconds, which no start has in common with the one before. Where it was shortly before this start, the time that devices have to
   * come back is none in which nobody followed.
   */
  #joinedBefore(rule: Rule, latest: Instant): number {
    const { clock, startedAt } = this.#needs;
    const startedWall = clock.now() - (clock.elapsed() - startedAt);
    const quiet = startedWall - (latest + millisecondsOf(rule.after));
    return quiet <= patience.join ? startedAt + patience.start : startedAt - quiet;
  }

  /** All devices, because somebody changed rules or devices, or because we begin. */
  lookAtAll(devices: Iterable<Id<"device">>): void {
    for (const device of devices) this.look(device);
    for (const watch of this.#watches.values())
      for (const device of watch.open.keys()) if (!this.#needs.placementOf(device)) this.#leave(watch, device);
  }

  look(device: Id<"device">): void {
    if (this.#watches.size === 0) return;
    const placement = this.#needs.placementOf(device);
    const presence = this.#needs.presenceOf(device);
    for (const watch of this.#watches.values()) {
      const cause = causeOf(watch.rule, placement, presence);
      const isToldOfGateway = cause !== undefined && this.#isToldOfGateway(watch.rule, presence);
      if (cause && !isToldOfGateway) {
        if (!watch.open.has(device) && !isAwaited(watch, device)) this.#await(watch, device, presence);
        continue;
      }
      endWaiting(watch, device);
      // What was told of it before is not over by that.
      if (isToldOfGateway) continue;
      // Where only the platform's own stop is why it is away, it may be on its way back.
      const isOnItsWay = this.isStarting && presence.state === "offline" && presence.because === "stopped";
      if (watch.open.has(device) && !(isOnItsWay && placement?.state === "active")) this.#leave(watch, device);
    }
  }

  /** Whoever is told of a gateway that went is not told of each of its children. */
  #isToldOfGateway(rule: Rule, { state, trouble, through }: Presence): boolean {
    if (state !== "offline" || trouble || !through) return false;
    const gateway = this.#needs.placementOf(through);
    return gateway?.state === "active" && isAbout(rule, gateway);
  }

  #await(watch: Watch, device: Id<"device">, presence: Presence): void {
    const { clock, startedAt } = this.#needs;
    const after = millisecondsOf(watch.rule.after);
    const left = startedAt + patience.start - clock.elapsed();
    // Of what began before this start only the wall clock knows how long it is; it is not believed beyond what the rule asks.
    const since = presence.trouble?.since ?? (presence.state === "never" ? clock.now() : presence.since);
    const rest = Math.min(Math.max(since + after - clock.now(), 0), after);
    const isOfBefore = clock.now() - since > clock.elapsed() - startedAt;
    const wait = isOfBefore ? Math.max(rest, left) : rest;
    const waiting = watch.waiting.get(device) ?? this.#newWaiting(watch, device);
    waiting.at = clock.elapsed() + wait;
    this.#wheel.put(waiting, waiting.at);
  }

  #newWaiting(watch: Watch, device: Id<"device">): Waiting {
    const [at, tick] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    const waiting: Waiting = { device, at, tick, ring: () => this.#ring(watch, waiting) };
    watch.waiting.set(device, waiting);
    return waiting;
  }

  #ring(watch: Watch, waiting: Waiting): void {
    const elapsed = this.#needs.clock.elapsed();
    if (waiting.at === Number.POSITIVE_INFINITY) watch.waiting.delete(waiting.device);
    else if (elapsed < waiting.at) this.#wheel.put(waiting, waiting.at);
    else this.#due(watch, waiting);
  }

  #due(watch: Watch, waiting: Waiting): void {
    if (watch.due.size === 0) {
      const gathering = { tick: Number.POSITIVE_INFINITY, ring: () => this.#raise(watch) };
      this.#wheel.put(gathering, this.#needs.clock.elapsed() + patience.gather);
    }
    watch.due.add(waiting);
  }

  #raise(watch: Watch): void {
    const { clock, placementOf, presenceOf } = this.#needs;
    const due = [...watch.due].filter((one) => watch.waiting.get(one.device) === one);
    watch.due.clear();
    if (this.#watches.get(watch.rule.id) !== watch) return;
    const found = due.flatMap(({ device }) => {
      watch.waiting.delete(device);
      const presence = presenceOf(device);
      const cause = causeOf(watch.rule, placementOf(device), presence);
      if (!cause || this.#isToldOfGateway(watch.rule, presence)) return [];
      const since = presence.trouble?.since ?? (presence.state === "never" ? clock.now() : presence.since);
      const because = presence.state === "offline" && !presence.trouble ? presence.because : undefined;
      return [{ device, cause, since, because, gateway: because && presence.through }];
    });
    for (const [cause, alike] of Map.groupBy(found, (one) => one.cause)) {
      const together = alike.filter((one) => alike.length >= many || wentWith(one, alike));
      for (const one of alike) if (!together.includes(one)) this.#open(watch, [one], false);
      if (together.length > 0) this.#join(watch, cause, together);
    }
  }

  #join(watch: Watch, cause: AlertCause, found: readonly Found[]): void {
    const outage = watch.outages.get(cause);
    const elapsed = this.#needs.clock.elapsed();
    if (!outage || outage.devices.size === 0 || elapsed - outage.joinedAt > patience.join)
      return this.#open(watch, found, true);
    outage.joinedAt = elapsed;
    for (const { device } of found) {
      outage.devices.add(device);
      watch.open.set(device, outage);
    }
    this.changes.push({ what: "joined", alert: outage.id, devices: found.map(concerned) });
  }

  #open(watch: Watch, found: readonly Found[], outage: boolean): void {
    const { clock, random } = this.#needs;
    const [first] = found;
    if (!first) return;
    const devices = new Set(found.map(({ device }) => device));
    const open: Open = { id: newId("alert", random), devices, joinedAt: clock.elapsed() };
    for (const device of devices) watch.open.set(device, open);
    if (outage) watch.outages.set(first.cause, open);
    const because = first.because && sentenceOfCause(first.because);
    const { rule } = watch;
    const about = { alert: open.id, rule, cause: first.cause, because, outage, at: clock.now() };
    this.changes.push({ what: "raised", ...about, devices: found.map(concerned) });
  }

  #leave(watch: Watch, device: Id<"device">): void {
    const open = watch.open.get(device);
    if (!open) return;
    const at = this.#needs.clock.now();
    watch.open.delete(device);
    open.devices.delete(device);
    const last = this.changes.at(-1);
    // A fleet that comes back is written in one go.
    if (last?.what === "left" && last.alert === open.id) last.devices.push({ device, at });
    else this.changes.push({ what: "left", alert: open.id, devices: [{ device, at }] });
    if (open.devices.size === 0) this.changes.push({ what: "cleared", alert: open.id, rule: watch.rule, at });
  }
}

const isAwaited = (watch: Watch, device: Id<"device">): boolean =>
  (watch.waiting.get(device)?.at ?? Number.POSITIVE_INFINITY) < Number.POSITIVE_INFINITY;

/** What stands in the wheel stays there, for the next time. */
function endWaiting(watch: Watch, device: Id<"device">): void {
  const waiting = watch.waiting.get(device);
  if (!waiting) return;
  waiting.at = Number.POSITIVE_INFINITY;
  if (waiting.tick === Number.POSITIVE_INFINITY) watch.waiting.delete(device);
}

/** As it is written down. */
export type OpenAlert = {
  readonly id: Id<"alert">;
  readonly cause: Alert["cause"];
  readonly rule: Id<"alertRule">;
  readonly outage: boolean;
  readonly devices: readonly Id<"device">[];
  /** Since when the last of them is as it is. */
  readonly latest: Instant;
};

type Found = {
  readonly device: Id<"device">;
  readonly cause: AlertCause;
  readonly since: Instant;
  readonly because: Extract<Presence, { state: "offline" }>["because"] | undefined;
  /** With which it went. */
  readonly gateway: Id<"device"> | undefined;
};

const wentWith = ({ device, because, gateway }: Found, others: readonly Found[]): boolean =>
  because === "many" ||
  (gateway !== undefined && others.some((other) => other.gateway === gateway && other.device !== device));

const concerned = ({ device, since }: Found): Concerned => ({ device, since });

/** What is wrong with a device in the eyes of a rule. Of what is suspended, retired or was never there nothing is. */
function causeOf(rule: Rule, placement: Placement | undefined, presence: Presence): AlertCause | undefined {
  if (placement?.state !== "active" || !isAbout(rule, placement)) return undefined;
  const state = presenceStateOf(presence);
  return rule.states.find((one) => one === state);
}

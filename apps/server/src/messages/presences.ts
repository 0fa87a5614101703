// Hot path: `heard` runs for messages in other names than the sender's own; a device's own session writes `Seen.heardAt` itself.
import { Refusal, type Clock, type Id, type Instant, type Timers } from "@holdfast/kernel";
import { asPlatform, eachInTurn, type Space } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { dueAt, lasting, next, remembered, rules, unwatched, type Happening } from "./condition.ts";
import { isOurs, isVague } from "./cause.ts";
import { comes, factsOf, gatewayIn, knownOf, seenIn, type Known } from "./known.ts";
import { notePresences, presencesIn, type Noted } from "./postgres.ts";
import {
  codeOfCause,
  neverSeen,
  presenceStateOf,
  type Seen,
  type Cause,
  type Coming,
  type Presence,
  type PresenceState,
  type Receiving,
} from "./presence.ts";
import type { Stay } from "./sharing.ts";
import { Wheel } from "./wheel.ts";

/** A device that came or went, itself or through its gateway, or began or ceased to be in trouble. */
export type PresenceChange = {
  readonly space: Space;
  readonly device: Id<"device">;
  readonly state: PresenceState;
  readonly isConnected: boolean;
  /** It came or went; else what troubles it began or ended. */
  readonly hasTurned: boolean;
  readonly at: Instant;
  readonly because: Cause | undefined;
};

/** Milliseconds after which it is written down that a connected device is still heard. After a crash its end tells more exactly. */
const connectedEvery = 60_000;

type Needs = {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly report: (message: string, about?: Readonly<Record<string, unknown>>) => void;
};

/** Which devices are connected, and when each was heard last. In memory; the database hears of it in batches. */
export class Presences {
  readonly #needs: Needs;
  readonly #orgs = new Map<Id<"org">, Known>();
  readonly #watchers: ((change: PresenceChange) => void)[] = [];
  readonly #wheel: Wheel<Seen>;

  private constructor(needs: Needs) {
    this.#needs = needs;
    this.#wheel = new Wheel(needs, (seen) => this.#look(seen));
  }

  /** `lastKnown`: when the last server was known to run. Whoever was connected then is not any more. */
  static async open({ lastKnown, ...needs }: Needs & { readonly lastKnown: Instant }): Promise<Presences> {
    await needs.storage.maintain.call("end_presences", [lastKnown, codeOfCause("stopped")]);
    return new Presences(needs);
  }

  /** When nobody is connected any more. A stop must not fail because a database is away: the next start ends whom it has for connected. */
  async close(): Promise<void> {
    this.#wheel.close();
    try {
      await this.noteChanges();
      await this.noteHeard();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#needs.report(`The database was not told when devices went: ${error.message}`, { code: error.code });
    }
  }

  /** Called, in the same turn, whenever a device comes or goes, or its trouble begins or ends. */
  onChange(watcher: (change: PresenceChange) => void): void {
    this.#watchers.push(watcher);
  }

  /** The presence of any device of this organisation, now and later. @throws Refusal `storage.unavailable` */
  async in(space: Space): Promise<(device: Id<"device">) => Presence> {
    const known = this.#of(space);
    if (!known.isRead) await (known.read ??= this.#read(known));
    return (device) => {
      const seen = known.devices.get(device);
      if (!seen) return neverSeen;
      return seen.isTwice(this.#needs.clock.elapsed()) ? { ...seen.presence, isTwice: true } : seen.presence;
    };
  }

  /** One more session of a device is connected. The organisation's presence was read before (`in`). */
  came(space: Space, device: Id<"device">, session: object, receiving: Receiving): Seen {
    const known = this.#of(space);
    const seen = seenIn(known, device);
    const now = this.#needs.clock.now();
    receiving.since = this.#needs.clock.elapsed();
    seen.sessions.set(session, receiving);
    seen.heardAt = now;
    comes(known, seen, receiving.way);
    this.#contest(known, seen, receiving);
    if (seen.own.state !== "online") {
      known.connected += 1;
      this.#turn(known, seen, { state: "online", since: now }, "came");
    }
    return seen;
  }

  /** One session fewer. */
  went(space: Space, device: Id<"device">, session: object, because: Cause): void {
    const known = this.#of(space);
    const seen = seenIn(known, device);
    const since = this.#needs.clock.now();
    const left = seen.sessions.get(session);
    if (!left) return;
    seen.sessions.delete(session);
    if (because === "goodbye") seen.heardAt = since;
    const leave = () => {
      if (seen.sessions.size > 0 || seen.own.state !== "online") return;
      known.connected -= 1;
      this.#turn(known, seen, { state: "offline", since, because }, isOurs(because) ? "lost" : "went");
      if (because === "broken" || because === "silent") this.#missing(known, device);
    };
    // Whoever replaces it is there when this turn ends, and the device was never away.
    if (because === "replaced") {
      known.displaced = { device, address: left.address, credential: left.credential };
      queueMicrotask(() => {
        known.displaced = undefined;
        leave();
      });
    } else leave();
  }

  /** Somebody came with the device's credential and was refused: why it is away, where nothing tells more. */
  refused(space: Space, device: Id<"device">): void {
    const known = this.#of(space);
    const seen = known.devices.get(device);
    if (seen?.own.state !== "offline" || !isVague(seen.own.because)) return;
    seen.own = { ...seen.own, because: "refused" };
    known.changed.add(device);
  }

  /** Something came from a device without a session of its own: over HTTP, or from a program or its gateway in its name. `way`: how the device itself came. */
  heard(space: Space, device: Id<"device">, at: number, gateway?: Seen, way = 0): void {
    const known = this.#of(space);
    const seen = seenIn(known, device);
    comes(known, seen, way);
    if (gateway && (seen.own.state === "through" ? seen.gateway !== gateway : seen.own.state !== "online"))
      this.#speaksFor(known, gateway, seen);
    if (at > seen.heardAt) seen.heardAt = at;
    seen.readAt = this.#needs.clock.elapsed();
    if (seen.condition === unwatched) seen.condition = { ...unwatched, countedFrom: seen.readAt };
    if (seen.awaited) this.hears(space, seen);
    else if (seen.tick === Number.POSITIVE_INFINITY) this.#arm(known, seen);
  }

  /** A reading of a device that was awaited. */
  hears(space: Space, seen: Seen): void {
    this.#happens(this.#of(space), seen, { what: "read" });
  }

  /** What it has to acknowledge began, went on or is over; see `Receiving`. */
  owes(space: Space, seen: Seen): void {
    const { condition, unansweredSince: since } = seen;
    if (since !== undefined) this.#wheel.put(seen, since + rules.unacknowledged);
    if (condition.notReceiving === undefined) return;
    // Another of its sessions may go on taking nothing.
    const isStuck = since !== undefined && this.#needs.clock.elapsed() - since >= rules.unacknowledged;
    if (!isStuck) this.#happens(this.#of(space), seen, { what: "acknowledged" });
  }

  /** An organisation is erased, and nobody of it is connected. */
  forget(org: Id<"org">): void {
    this.#orgs.delete(org);
  }

  /** Called every second: how often devices should report, or through whom, may be another than it was. */
  keepRhythm(): void {
    for (const known of this.#orgs.values()) {
      const { rhythm } = known.space;
      if (known.rhythm === rhythm) continue;
      known.rhythm = rhythm;
      for (const seen of known.devices.values()) this.#keepPace(known, seen);
    }
  }

  /** Writes down who came and went. Called every second, so that a crash forgets little. */
  async noteChanges(): Promise<void> {
    await eachInTurn(this.#orgs.values(), async (known) => {
      const { changed } = known;
      if (changed.size === 0) return;
      known.changed = new Set();
      try {
        await this.#note(known, [...changed]);
      } catch (error) {
        for (const device of changed) known.changed.add(device);
        throw error;
      }
    });
  }

  /** Writes down when devices were heard last. Called now and then: a write for every message would cost more than it tells. */
  async noteHeard(): Promise<void> {
    await eachInTurn(this.#orgs.values(), async (known) => {
      known.contests.forgetPast(this.#needs.clock.elapsed());
      const due: Id<"device">[] = [];
      for (const [device, { coming, heardAt, notedAt }] of known.devices) {
        const patience = coming.state === "online" ? connectedEvery : 0;
        if (heardAt > notedAt + patience) due.push(device);
      }
      await this.#note(known, due);
    });
  }

  async #note(known: Known, devices: readonly Id<"device">[]): Promise<void> {
    // What the database has must be known before it is written over.
    if (devices.length > 0 && !known.isRead) await (known.read ??= this.#read(known));
    const noted: readonly Noted[] = devices.map((device) => {
      const { own, heardAt, condition, way, contestedAt } = seenIn(known, device);
      return { device, coming: own, heardAt, trouble: lasting(condition), way, contestedAt };
    });
    await notePresences(this.#needs.storage, known.space, noted);
    for (const { device, heardAt } of noted) seenIn(known, device).notedAt = heardAt;
  }

  #keepPace(known: Known, seen: Seen): void {
    const before = seen.coming.state;
    seen.gateway = gatewayIn(known, seen.device);
    if (seen.coming.state !== before) this.#follows(known, seen, this.#needs.clock.now());
    this.#look(seen);
  }

  #speaksFor(known: Known, gateway: Seen, child: Seen): void {
    const before = child.coming.state;
    const since = this.#needs.clock.now();
    child.own = { state: "through", since };
    child.gateway = gateway;
    known.changed.add(child.device);
    if (child.coming.state !== before) this.#follows(known, child, since);
  }

  /** What its gateway did is no coming or going of its own. */
  #follows(known: Known, child: Seen, at: Instant): void {
    const { clock } = this.#needs;
    const { coming } = child;
    const what = coming.state === "online" ? "reached" : "lost";
    child.condition = next(child.condition, { what }, clock.elapsed(), clock.now());
    const because = coming.state === "offline" ? coming.because : undefined;
    this.#tell(known, child, presenceStateOf(child.presence), at, { because, hasTurned: true });
    this.#arm(known, child);
  }

  #contest(known: Known, seen: Seen, by: Stay): void {
    const { displaced } = known;
    known.displaced = undefined;
    if (displaced?.device !== seen.device) return;
    const { clock } = this.#needs;
    if (!known.contests.took(seen.device, displaced, by, clock.elapsed())) return;
    seen.contestedAt = clock.now();
    known.changed.add(seen.device);
  }

  #missing(known: Known, device: Id<"device">): void {
    for (const one of known.outage.went(device, this.#needs.clock.elapsed(), known.connected)) {
      const seen = seenIn(known, one);
      const { own } = seen;
      if (own.state !== "offline" || (own.because !== "broken" && own.because !== "silent")) continue;
      seen.own = { ...own, because: "many" };
      known.changed.add(one);
    }
  }

  #turn(known: Known, seen: Seen, coming: Exclude<Coming, { state: "never" }>, what: "came" | "went" | "lost"): void {
    const { clock } = this.#needs;
    const was = seen.trouble?.state;
    seen.own = coming;
    seen.condition = next(seen.condition, { what }, clock.elapsed(), clock.now());
    const began = seen.trouble?.state === was ? undefined : seen.trouble?.state;
    const because = coming.state === "offline" ? coming.because : undefined;
    known.changed.add(seen.device);
    this.#tell(known, seen, began ?? coming.state, coming.since, { because, hasTurned: true });
    this.#arm(known, seen);
    for (const id of known.space.children.of(seen.device)) {
      const child = known.devices.get(id);
      if (child?.own.state === "through" && child.gateway === seen) this.#follows(known, child, coming.since);
    }
  }

  #happens(known: Known, seen: Seen, happening: Happening): void {
    const { clock } = this.#needs;
    const was = seen.trouble?.state;
    seen.condition = next(seen.condition, happening, clock.elapsed(), clock.now());
    const is = seen.trouble?.state;
    if (is !== was) {
      known.changed.add(seen.device);
      this.#tell(known, seen, is ?? seen.coming.state, clock.now(), { because: undefined, hasTurned: false });
    }
    this.#arm(known, seen);
  }

  #tell(
    { space }: Known,
    { device, coming }: Seen,
    state: PresenceState,
    at: Instant,
    how: Pick<PresenceChange, "because" | "hasTurned">,
  ): void {
    const change = { space, device, state, isConnected: coming.state === "online", at, ...how };
    for (const watcher of this.#watchers) watcher(change);
  }

  #look(seen: Seen): void {
    const known = this.#orgs.get(seen.org);
    if (known?.devices.get(seen.device) === seen)
      this.#happens(known, seen, { what: "looked", ...factsOf(known, seen) });
  }

  #arm(known: Known, seen: Seen): void {
    this.#wheel.put(seen, dueAt(seen.condition, factsOf(known, seen)));
  }

  #of(space: Space): Known {
    const there = this.#orgs.get(space.org);
    if (there) {
      if (there.space !== space && there.space.closed) {
        there.space = space;
        there.rhythm = -1; // it may have changed in between
      }
      return there;
    }
    const known = knownOf(space);
    this.#orgs.set(space.org, known);
    return known;
  }

  async #read(known: Known): Promise<void> {
    try {
      const rows = await this.#needs.storage.read(asPlatform(known.space.scope), (unit) => presencesIn(unit).all());
      const elapsed = this.#needs.clock.elapsed();
      for (const { device, coming, heardAt, trouble, way, contestedAt } of rows) {
        const seen = seenIn(known, device);
        // What happened meanwhile is newer than what was read.
        if (seen.own.state === "never") seen.own = coming;
        seen.gateway ??= gatewayIn(known, device);
        if (seen.condition === unwatched && heardAt > 0) seen.condition = remembered(elapsed, trouble);
        seen.heardAt = Math.max(seen.heardAt, heardAt);
        seen.notedAt = heardAt;
        seen.way ||= way;
        seen.contestedAt ||= contestedAt;
        this.#arm(known, seen);
      }
      known.isRead = true;
    } finally {
      known.read = undefined;
    }
  }
}

// Hot path: `heard` runs for messages in other names than the sender's own; a device's own session writes `Seen.heardAt` itself.
import { Refusal, type Clock, type Id, type Instant } from "@holdfast/kernel";
import { asPlatform, type Space } from "../authority/index.ts";
import type { OrgScope, Storage } from "../storage/index.ts";
import { presencesIn, type Noted } from "./postgres.ts";
import { codeOfCause, neverSeen, Seen, type Cause, type Coming, type Presence } from "./presence.ts";

/** A device that came or went. */
export type PresenceChange = {
  readonly space: Space;
  readonly device: Id<"device">;
  readonly coming: Exclude<Coming, { state: "never" }>;
};

/** The devices of one organisation that were ever seen. */
type Known = {
  readonly scope: OrgScope;
  readonly devices: Map<Id<"device">, Seen>;
  /** Came or went since the database was told. */
  changed: Set<Id<"device">>;
  /** That the database was read; until then only what happened since the start is here. */
  read: Promise<void> | undefined;
  isRead: boolean;
};

/** Rows of one statement: a fleet that comes back after a restart is written in pieces. */
const mostRows = 5_000;
/** Milliseconds after which it is written down that a connected device is still heard. After a crash its end tells more exactly. */
const connectedEvery = 60_000;

type Needs = {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly report: (message: string, about?: Readonly<Record<string, unknown>>) => void;
};

/** Which devices are connected, and when each was heard last. In memory; the database hears of it in batches. */
export class Presences {
  readonly #needs: Needs;
  readonly #orgs = new Map<Id<"org">, Known>();
  readonly #watchers: ((change: PresenceChange) => void)[] = [];

  private constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** `lastKnown`: when the last server was known to run. Whoever was connected then is not any more. */
  static async open({ lastKnown, ...needs }: Needs & { readonly lastKnown: Instant }): Promise<Presences> {
    await needs.storage.maintain.call("end_presences", [lastKnown, codeOfCause("stopped")]);
    return new Presences(needs);
  }

  /** When nobody is connected any more. A stop must not fail because a database is away: the next start ends whom it has for connected. */
  async close(): Promise<void> {
    try {
      await this.noteChanges();
      await this.noteHeard();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#needs.report(`The database was not told when devices went: ${error.message}`, { code: error.code });
    }
  }

  /** Called, in the same turn, whenever a device comes or goes. */
  onChange(watcher: (change: PresenceChange) => void): void {
    this.#watchers.push(watcher);
  }

  /** The presence of any device of this organisation, now and later. @throws Refusal `storage.unavailable` */
  async in({ scope }: Space): Promise<(device: Id<"device">) => Presence> {
    const known = this.#of(scope);
    if (!known.isRead) await (known.read ??= this.#read(known));
    return (device) => known.devices.get(device)?.presence ?? neverSeen;
  }

  /** One more session of a device is connected. The organisation's presence was read before (`in`). */
  came(space: Space, device: Id<"device">): Seen {
    const known = this.#of(space.scope);
    const seen = seenIn(known, device);
    const now = this.#needs.clock.now();
    seen.sessions += 1;
    seen.heardAt = now;
    if (seen.coming.state !== "online") this.#turn(space, known, device, { state: "online", since: now });
    return seen;
  }

  /** One session fewer. */
  went(space: Space, device: Id<"device">, because: Cause): void {
    const known = this.#of(space.scope);
    const seen = seenIn(known, device);
    const since = this.#needs.clock.now();
    seen.sessions -= 1;
    if (because === "goodbye") seen.heardAt = since;
    const leave = () => {
      if (seen.sessions === 0) this.#turn(space, known, device, { state: "offline", since, because });
    };
    // Whoever replaces it is there when this turn ends, and the device was never away.
    if (because === "replaced") queueMicrotask(leave);
    else leave();
  }

  /** Something came from a device without a session of its own: over HTTP, or from a program in its name. */
  heard(space: Space, device: Id<"device">, at: number): void {
    const seen = seenIn(this.#of(space.scope), device);
    if (at > seen.heardAt) seen.heardAt = at;
  }

  /** An organisation is erased, and nobody of it is connected. */
  forget(org: Id<"org">): void {
    this.#orgs.delete(org);
  }

  /** Writes down who came and went. Called every second, so that a crash forgets little. */
  async noteChanges(): Promise<void> {
    for (const known of this.#orgs.values()) {
      const { changed } = known;
      if (changed.size === 0) continue;
      known.changed = new Set();
      try {
        await this.#note(known, [...changed]);
      } catch (error) {
        for (const device of changed) known.changed.add(device);
        throw error;
      }
    }
  }

  /** Writes down when devices were heard last. Called now and then: a write for every message would cost more than it tells. */
  async noteHeard(): Promise<void> {
    for (const known of this.#orgs.values()) {
      const due: Id<"device">[] = [];
      for (const [device, { coming, heardAt, notedAt }] of known.devices) {
        const patience = coming.state === "online" ? connectedEvery : 0;
        if (heardAt > notedAt + patience) due.push(device);
      }
      await this.#note(known, due);
    }
  }

  async #note(known: Known, devices: readonly Id<"device">[]): Promise<void> {
    // What the database has must be known before it is written over.
    if (devices.length > 0 && !known.isRead) await (known.read ??= this.#read(known));
    for (let at = 0; at < devices.length; at += mostRows) {
      const noted: readonly Noted[] = devices.slice(at, at + mostRows).map((device) => {
        const { coming, heardAt } = seenIn(known, device);
        return { device, coming, heardAt };
      });
      await this.#needs.storage.note(asPlatform(known.scope), (unit) => presencesIn(unit).save(noted));
      for (const { device, heardAt } of noted) seenIn(known, device).notedAt = heardAt;
    }
  }

  #turn(space: Space, known: Known, device: Id<"device">, coming: PresenceChange["coming"]): void {
    seenIn(known, device).coming = coming;
    known.changed.add(device);
    for (const watcher of this.#watchers) watcher({ space, device, coming });
  }

  #of(scope: OrgScope): Known {
    const there = this.#orgs.get(scope.org);
    if (there) return there;
    const known: Known = { scope, devices: new Map(), changed: new Set(), read: undefined, isRead: false };
    this.#orgs.set(scope.org, known);
    return known;
  }

  async #read(known: Known): Promise<void> {
    try {
      const rows = await this.#needs.storage.read(asPlatform(known.scope), (unit) => presencesIn(unit).all());
      for (const { device, coming, heardAt } of rows) {
        const seen = seenIn(known, device);
        // What happened meanwhile is newer than what was read.
        if (seen.coming.state === "never") seen.coming = coming;
        seen.heardAt = Math.max(seen.heardAt, heardAt);
        seen.notedAt = heardAt;
      }
      known.isRead = true;
    } finally {
      known.read = undefined;
    }
  }
}

function seenIn({ devices }: Known, device: Id<"device">): Seen {
  let seen = devices.get(device);
  if (!seen) devices.set(device, (seen = new Seen()));
  return seen;
}

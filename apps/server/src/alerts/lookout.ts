import {
  because,
  idFrom,
  isRefusal,
  type Clock,
  type Id,
  type Random,
  type Report,
  type Timers,
} from "@holdfast/kernel";
import { asPlatform, inTurn, type Space, type Spaces } from "../authority/index.ts";
import type { Presence, Presences } from "../messages/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { deliveriesIn } from "./delivery-rows.ts";
import { alertsIn, rulesIn } from "./postgres.ts";
import { Watching, type Change } from "./watch.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly presences: Presences;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly report: Report;
  /** There is something to send. */
  readonly due: (org: Id<"org">) => void;
};

type Post = {
  space: Space;
  readonly watching: Watching;
  /** As of when its devices were looked at. */
  epoch: number;
  wasStarting: boolean;
};

const keptFor = 90 * 86_400_000; // milliseconds that a cleared alert stays

/** Watches the presence of the devices of all organisations that have rules, and writes down what becomes of that. */
export class Lookout {
  readonly #needs: Needs;
  readonly #posts = new Map<Id<"org">, Post>();
  /** Whose rules are to be read: at the start, and after each change. What fails is tried again each second. */
  readonly #pending = new Set<Id<"org">>();
  /** Whose rules are being read, by one at a time: of two answers the older one might be the last. */
  readonly #reading = new Map<Id<"org">, Promise<void>>();
  /** Of whom it was reported that they could not be read. */
  readonly #reported = new Set<Id<"org">>();
  readonly #startedAt: number;
  #forgotAt = Number.NEGATIVE_INFINITY;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#startedAt = needs.clock.elapsed();
    needs.presences.onChange(({ space, device }) => this.#posts.get(space.org)?.watching.look(device));
  }

  /** Once, at the start. */
  async begin(): Promise<void> {
    for (const row of await this.#orgs(0)) {
      const org = idFrom("org", row.org);
      this.#pending.add(org);
      this.#needs.due(org);
    }
  }

  close(): void {
    for (const { watching } of this.#posts.values()) watching.close();
  }

  /** An organisation is erased. */
  forget(org: Id<"org">): void {
    this.#posts.get(org)?.watching.close();
    this.#posts.delete(org);
    this.#pending.delete(org);
    this.#reported.delete(org);
  }

  /** Somebody changed rules, which are committed. */
  async rulesChanged(org: Id<"org">): Promise<void> {
    this.#pending.add(org);
    await this.#readRules(org);
  }

  /** They are read in the next round: whoever waits for the database now waits for something else. */
  rulesMayHaveChanged(org: Id<"org">): void {
    this.#pending.add(org);
  }

  /** By this rule, as it was when it was read. */
  isWatching(org: Id<"org">, rule: Id<"alertRule">): boolean {
    return this.#posts.get(org)?.watching.has(rule) ?? false;
  }

  /** Each second. */
  async round(): Promise<void> {
    // Of this round: what fails is among them again, for the next one.
    const pending = [...this.#pending];
    for (const org of pending) await this.#readRules(org);
    for (const [org, post] of this.#posts) {
      try {
        await this.#turn(org, post);
      } catch (error) {
        if (isRefusal(error, "org.unknown")) this.forget(org);
        else
          this.#needs.report("What became of alerts was not written down. It is tried again.", {
            ...because(error),
            org,
          });
      }
    }
    await this.#forgetOld();
  }

  /** Until they are as of the newest change, or it fails. */
  #readRules(org: Id<"org">): Promise<void> {
    const before = this.#reading.get(org);
    if (before) return before;
    const reading = this.#readPending(org);
    this.#reading.set(org, reading);
    return reading;
  }

  async #readPending(org: Id<"org">): Promise<void> {
    try {
      do {
        this.#pending.delete(org);
        await this.#read(org);
        this.#reported.delete(org);
      } while (this.#pending.has(org));
    } catch (error) {
      if (isRefusal(error, "org.unknown")) return this.forget(org);
      this.#pending.add(org);
      if (this.#reported.has(org)) return;
      this.#reported.add(org);
      this.#needs.report("Rules of an organisation could not be read. It is tried again.", { ...because(error), org });
    } finally {
      this.#reading.delete(org);
    }
  }

  async #read(org: Id<"org">): Promise<void> {
    const space = await this.#needs.spaces.of(org);
    const presenceOf = await this.#needs.presences.in(space);
    const isBegun = this.#posts.has(org);
    const altered: string[] = [];
    const { rules, open } = await this.#needs.storage.read(asPlatform(space.scope), async (unit) => ({
      rules: await rulesIn(unit).all(),
      open: isBegun ? [] : await alertsIn(unit).open(altered),
    }));
    altered.push(...rules.altered);
    if (altered.length > 0)
      this.#needs.report(
        "Rules or alerts were altered in the database, and raise and clear nothing: delete the rules, or restore a backup.",
        { level: "error", code: "seal.broken", org, altered },
      );
    const post = this.#posts.get(org) ?? this.#begin(space, presenceOf);
    post.watching.setRules(rules.items, open);
    post.watching.lookAtAll(post.space.devices.keys());
  }

  #begin(space: Space, presenceOf: (device: Id<"device">) => Presence): Post {
    const post: Post = {
      space,
      epoch: space.cell.epoch,
      wasStarting: true,
      watching: new Watching({
        ...this.#needs,
        startedAt: this.#startedAt,
        presenceOf,
        placementOf: (device) => post.space.device(device),
      }),
    };
    this.#posts.set(space.org, post);
    return post;
  }

  async #turn(org: Id<"org">, post: Post): Promise<void> {
    const { spaces, storage, report } = this.#needs;
    const { watching } = post;
    if (post.space.closed) post.space = await spaces.of(org);
    const { isStarting } = watching;
    if (post.epoch !== post.space.cell.epoch || (post.wasStarting && !isStarting)) {
      post.epoch = post.space.cell.epoch;
      post.wasStarting = isStarting;
      watching.lookAtAll(post.space.devices.keys());
    }
    const { changes } = watching;
    if (changes.length === 0) return;
    watching.changes = [];
    const altered = new Set<Id<"alert">>();
    try {
      await storage.note(asPlatform(post.space.scope), async (unit) => {
        for (const change of changes) if (!(await isWritten(unit, change))) altered.add(change.alert);
      });
    } catch (error) {
      watching.changes = [...changes, ...watching.changes];
      throw error;
    }
    this.#needs.due(org);
    if (altered.size > 0)
      report("Alerts were altered or deleted in the database, and what becomes of them is not written down.", {
        level: "error",
        code: "seal.broken",
        org,
        alerts: [...altered],
      });
  }

  async #forgetOld(): Promise<void> {
    const { clock, spaces, storage } = this.#needs;
    const before = clock.now() - keptFor;
    if (clock.elapsed() - this.#forgotAt < 3_600_000) return;
    this.#forgotAt = clock.elapsed();
    await inTurn(spaces, await this.#orgs(before), ({ scope }) =>
      storage.tally(asPlatform(scope), async (unit) => {
        await alertsIn(unit).forget(before);
        // Their rule ended while nobody watched, or as the platform went. What waits to be written down is told as well.
        if (this.#pending.has(scope.org) || this.#posts.get(scope.org)?.watching.changes.length) return;
        await alertsIn(unit).clear(await alertsIn(unit).takeOpenWithoutRule());
      }),
    );
  }

  #orgs(before: number): Promise<readonly { readonly org: string }[]> {
    return this.#needs.storage.maintain.call("orgs_with_alerts", [before]);
  }
}

/** Whether it is, or somebody altered or deleted what it is about: that holds up no other. */
async function isWritten(unit: Unit, change: Change): Promise<boolean> {
  try {
    return await write(unit, change);
  } catch (error) {
    if (isRefusal(error, "seal.broken")) return false;
    throw error;
  }
}

/**
 * It may have been written already, where nobody knew whether it was. Answers whether there is anything that it could be written to.
 * @throws Refusal `seal.broken`, before anything is written
 */
async function write(unit: Unit, change: Change): Promise<boolean> {
  const rows = alertsIn(unit);
  const before = await rows.take(change.alert);
  switch (change.what) {
    case "raised": {
      if (before) return true;
      const { alert: id, rule, cause, outage, at, devices } = change;
      const state = { state: "raised", acknowledged: undefined, clearedAt: undefined, version: 1 } as const;
      const about = { id, rule: rule.id, webhook: undefined, cause, because: change.because, outage };
      await rows.save({ ...about, ...state, raisedAt: at, count: devices.length });
      await rows.join(id, devices);
      await deliveriesIn(unit).add(id, "raised", rule);
      return true;
    }
    case "joined": {
      if (!before) return false;
      const count = await rows.join(change.alert, change.devices);
      await rows.save({ ...before, count, version: before.version + 1 });
      return true;
    }
    case "left":
      await rows.leave(change.alert, change.devices);
      return true;
    case "cleared": {
      if (!before || before.state === "cleared") return true;
      await rows.save({ ...before, state: "cleared", clearedAt: change.at, version: before.version + 1 });
      await deliveriesIn(unit).add(change.alert, "cleared", change.rule);
      return true;
    }
  }
}

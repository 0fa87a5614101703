import type { Clock, Id, Instant } from "@holdfast/kernel";
import type { Demands } from "@holdfast/protocol";
import type { Allowed, OrgScope, Storage, Unit } from "../storage/index.ts";
import type { Administrators } from "./administrators.ts";
import type { Ending } from "./credential.ts";
import { Decisions } from "./decisions.ts";
import { noFactors, type Factors } from "./factors.ts";
import { issuersIn } from "./issuer-rows.ts";
import { listsIn } from "./list-rows.ts";
import { authorityIn } from "./postgres.ts";
import { byId, rolesIn } from "./role-rows.ts";
import { Space, type Remembered } from "./space.ts";
import type { Standing } from "./standing.ts";
import { userListsIn } from "./user-list-rows.ts";

/** What the registry remembers of an organisation's things; its own code reads it, because its own code wrote it. */
export type Things = Pick<Remembered, "devices" | "owners" | "applications" | "products" | "dashboards" | "groups">;

/** A space that is being read: what was committed since the reading began, or that it has to begin again. */
type Loading = { space: Promise<Space>; readonly changes: ((space: Space) => void)[]; isStale: boolean };

type Needs = {
  readonly storage: Storage;
  readonly things: (unit: Unit) => Promise<Things>;
  readonly demands: (unit: Unit) => Promise<Demands>;
  /** The domains of people's e-mails, where an organisation demands something by them. Without it nobody's is known. */
  readonly homes?: Homes;
  /** Where nobody says, nothing is stopped. */
  readonly standing?: (unit: Unit) => Promise<Standing>;
  /** Where nobody says, there is none. */
  readonly administrators?: Administrators;
};

/** Of each of these people the domain of her e-mail. */
export type Homes = (people: readonly Id<"person">[]) => Promise<ReadonlyMap<Id<"person">, string>>;

/** The organisations that somebody asked about since the start, each read from the database once. */
export class Spaces {
  readonly #needs: Needs;
  readonly #loading = new Map<Id<"org">, Loading>();
  readonly #loaded = new Map<Id<"org">, Space>();
  readonly #watchers: ((space: Space) => void)[] = [];
  /** They outlive what was read of an organisation: nothing that was counted is counted anew. */
  readonly #decisions = new Map<Id<"org">, Decisions>();
  readonly #factors = new Map<Id<"person">, Factors>();

  constructor(needs: Needs) {
    this.#needs = needs;
    needs.administrators?.onChange((org) => this.#loaded.get(org)?.bump());
  }

  /** Calls back, in the same turn, whenever anything in a space may have turned a yes into a no. */
  onChange(watcher: (space: Space) => void): void {
    this.#watchers.push(watcher);
  }

  /** @throws Refusal `org.unknown` when there are no keys to it */
  async of(org: Id<"org">): Promise<Space> {
    const there = this.#loaded.get(org) ?? this.#loading.get(org)?.space;
    if (there) return there;
    const { promise, resolve, reject } = Promise.withResolvers<Space>();
    const loading: Loading = { space: promise, changes: [], isStale: false };
    this.#loading.set(org, loading);
    this.#load(org, loading).then(resolve, reject);
    return promise;
  }

  /**
   * Tells memory what was committed. A space that is being read at this moment may have been read before the commit, so it
   * hears of it before anybody gets it: every change is one that may be told twice.
   */
  apply(org: Id<"org">, change: (space: Space) => void): void {
    const there = this.#loaded.get(org);
    if (there) change(there);
    else this.#loading.get(org)?.changes.push(change);
  }

  /**
   * A commit whose outcome nobody knows: what memory says may be wrong either way. Whoever is connected is cut off and
   * comes back through the database.
   */
  forget(org: Id<"org">): void {
    const loading = this.#loading.get(org);
    if (loading) loading.isStale = true;
    const space = this.#loaded.get(org);
    if (!space) return;
    this.#loaded.delete(org);
    space.close();
  }

  /** What she has now, everywhere: who is in an organisation that demands it is asked about again. */
  setFactors(person: Id<"person">, factors: Factors): void {
    this.#factors.set(person, factors);
    for (const space of this.#loaded.values()) if (space.member(person)) space.bump();
  }

  factorsOf(person: Id<"person">): Factors {
    return this.#factors.get(person) ?? noFactors;
  }

  /**
   * Looks what the e-mails of members are, of whom nobody has looked yet: before something is demanded by them, of all; where it is, of
   * whoever joined since.
   */
  async knowHomes(space: Space, people: Iterable<Id<"person">> = space.members.keys()): Promise<void> {
    const unknown = [...people].filter((person) => space.homes.of(person) === undefined);
    if (unknown.length > 0) space.homes.know(await this.#homes(unknown));
  }

  /** Of one, where anything hangs on it. */
  async knowHome(space: Space, person: Id<"person">): Promise<void> {
    if (space.demands.people?.provider) await this.knowHomes(space, [person]);
  }

  /** What is in memory of one, for where nothing may be awaited. */
  at(org: Id<"org">): Space | undefined {
    return this.#loaded.get(org);
  }

  /** Those that somebody asked about since the start. */
  all(): readonly Space[] {
    return [...this.#loaded.values()];
  }

  /** Called each second: what holds by the clock may have changed. Where time has passed that no timer knows of, all are asked about again. */
  turn(clock: Clock & { hasLeapt(): boolean }): void {
    const [hasLeapt, now] = [clock.hasLeapt(), clock.now()];
    for (const space of this.#loaded.values()) {
      if (hasLeapt) space.bump();
      space.turn(now);
    }
  }

  /** Called now and then: programs make themselves tokens for an hour, every hour. */
  forgetExpired(now: Instant): void {
    for (const space of this.#loaded.values()) space.credentials.forgetExpired(now);
  }

  async #homes(people: readonly Id<"person">[]): ReturnType<Homes> {
    return (await this.#needs.homes?.(people)) ?? new Map();
  }

  async #load(org: Id<"org">, loading: Loading): Promise<Space> {
    try {
      let space: Space;
      do {
        loading.isStale = false;
        space = await this.#read(org);
      } while (loading.isStale);
      for (const change of loading.changes) change(space);
      this.#loaded.set(org, space);
      return space;
    } finally {
      this.#loading.delete(org);
    }
  }

  async #read(org: Id<"org">): Promise<Space> {
    const { storage, things, demands, standing, administrators } = this.#needs;
    const scope = await storage.scopeOf(org);
    const known = await storage.read(asPlatform(scope), async (unit): Promise<Remembered> => {
      const rows = authorityIn(unit);
      const revokedBefore = new Map<string, Partial<Record<Ending, number>>>();
      for (const { about, ends, seq } of await rows.revocations()) {
        revokedBefore.set(about, { ...revokedBefore.get(about), [ends]: seq });
      }
      const listed = { entries: await listsIn(unit).all(), userEntries: await userListsIn(unit).all() };
      const issuers = await issuersIn(unit).all();
      const said = { demands: await demands(unit), standing: await standing?.(unit) };
      const people = { factors: this.factorsOf.bind(this), administrators: administrators?.in(org) };
      const own = { ...(await things(unit)), ...said, ...listed, issuers, ...people };
      return { ...own, members: await rows.members(), roles: byId(await rolesIn(unit).all()), revokedBefore };
    });
    const asked = known.demands.people?.provider ? await this.#homes([...known.members.keys()]) : undefined;
    let decisions = this.#decisions.get(org);
    if (!decisions) this.#decisions.set(org, (decisions = new Decisions()));
    const whole = asked ? { ...known, homes: asked } : known;
    return new Space(scope, whole, (changed) => this.#watchers.forEach((watcher) => watcher(changed)), decisions);
  }
}

/** The platform's own work in an organisation: loading, compaction, counting. Never on behalf of a caller. */
export const asPlatform = (scope: OrgScope): Allowed => ({ scope, actor: { kind: "platform" } });

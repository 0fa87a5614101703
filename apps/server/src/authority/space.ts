import type { Id, Instant } from "@holdfast/kernel";
import type { Demands } from "@holdfast/protocol";
import type { OrgScope } from "../storage/index.ts";
import { Drawn } from "./allowance.ts";
import { Children } from "./children.ts";
import { Decisions } from "./decisions.ts";
import type { Level } from "./door.ts";
import { noFactors, type Factors } from "./factors.ts";
import { Homes } from "./homes.ts";
import { KnownCredentials } from "./known-credentials.ts";
import { KnownDashboards } from "./known-dashboards.ts";
import { KnownGroups } from "./known-groups.ts";
import { KnownUserLists } from "./known-user-lists.ts";
import { Lists, type Entry, type Hits, type ListEntry } from "./lists.ts";
import type { Credential, Ending } from "./credential.ts";
import type { Issuer } from "./issuer.ts";
import { Openings } from "./openings.ts";
import { answersAlike, expectedAlike, speaksFor, type Placement, type Schema } from "./placement.ts";
import { isBuiltIn, type Grant, type Role } from "@holdfast/protocol";
import { PastOwners } from "./past-owners.ts";
import type { Remembered } from "./remembered.ts";
import { grantsOfMember, grantsOfRole, type Member, type Membership, type OwnRoles } from "./roles.ts";
import { stopOf, type Standing, type Stop } from "./standing.ts";
import type { UserLists } from "./user-lists.ts";
import { Uses } from "./uses.ts";

export type { Bounds, Placement, Schema } from "./placement.ts";
export type { Remembered } from "./remembered.ts";

const none: readonly Level[] = [];

/** One organisation as authority sees it. Any change that could turn a yes into a no bumps the one counter. */
export class Space {
  readonly scope: OrgScope;
  /** Shared with every gate: a gate that carries an older epoch is rebuilt before the next byte is read or delivered. */
  readonly cell = { epoch: 1 };
  readonly credentials = new KnownCredentials();
  readonly drawn = new Drawn();
  readonly #issuers: Map<Id<"certificateAuthority">, Issuer>;
  /** What its lists decided since it was last written down. */
  readonly hits = new Map<Id<"listEntry">, Hits>();
  readonly uses = new Uses();
  readonly decisions: Decisions;
  /** Once closed, nothing in it is true any more: whoever holds it asks again from the start. */
  closed = false;
  /** Grows whenever something changes that says how often devices should report, or through whom. */
  rhythm = 0;
  readonly #known: Remembered;
  readonly #changed: (space: Space) => void;
  #lists: Lists;
  readonly #userLists: KnownUserLists;
  /** When the next entry of any list expires, as it was when somebody last looked; not a number where an entry was put since. */
  #listed = Number.NaN;
  readonly #openings = new Openings();
  readonly dashboards: KnownDashboards;
  readonly homes: Homes;
  readonly children: Children;
  readonly groups: KnownGroups;
  readonly pastOwners: PastOwners;

  /** `decisions`: the organisation's, which go on when it is read again. */
  constructor(
    scope: OrgScope,
    known: Remembered,
    changed: (space: Space) => void,
    decisions: Decisions = new Decisions(),
  ) {
    this.scope = scope;
    this.decisions = decisions;
    this.#known = known;
    this.#changed = changed;
    this.#lists = new Lists(known.entries);
    this.dashboards = new KnownDashboards(known.dashboards, () => this.bump());
    this.groups = new KnownGroups(known.groups, () => this.bump());
    this.pastOwners = new PastOwners(known.owners);
    this.homes = new Homes(known.homes, () => this.bump());
    this.children = new Children(known.devices);
    this.#issuers = new Map(known.issuers?.map((issuer) => [issuer.id, issuer]));
    for (const things of [known.products, known.devices])
      for (const { door } of things.values()) this.#openings.swap(undefined, door?.door.hours);
    this.#userLists = new KnownUserLists(known.userEntries ?? []);
  }

  get org(): Id<"org"> {
    return this.scope.org;
  }

  device(id: Id<"device">): Placement | undefined {
    return this.#known.devices.get(id);
  }

  get devices(): ReadonlyMap<Id<"device">, Placement> {
    return this.#known.devices;
  }

  hasApplication(id: Id<"application">): boolean {
    return this.#known.applications.has(id);
  }

  hasProduct(id: Id<"product">): boolean {
    return this.#known.products.has(id);
  }

  /** Who may something here: nobody who is suspended. */
  member(person: Id<"person">): Member | undefined {
    const membership = this.#known.members.get(person);
    if (!membership || membership.isSuspended) return undefined;
    return { role: membership.role, administrator: this.administrates(person) };
  }

  /** All of them, those who are suspended too. */
  get members(): ReadonlyMap<Id<"person">, Membership> {
    return this.#known.members;
  }

  /** By what she can show who she is, wherever she is a member. */
  factorsOf(person: Id<"person">): Factors {
    return this.#known.factors?.(person) ?? noFactors;
  }

  /** Of the instance, as a member of this organisation. */
  administrates(person: Id<"person">): boolean {
    return this.#known.administrators?.has(person) ?? false;
  }

  isSuspended(person: Id<"person">): boolean {
    return this.#known.members.get(person)?.isSuspended ?? false;
  }

  /** The organisation's own. */
  get roles(): OwnRoles {
    return this.#known.roles;
  }

  hasRole(role: Role): boolean {
    return isBuiltIn(role) || this.#known.roles.has(role);
  }

  grantsOf(role: Role): readonly Grant[] {
    return grantsOfRole(role, this.#known.roles);
  }

  grantsOfMember(member: Member): readonly Grant[] {
    return grantsOfMember(member, this.#known.roles);
  }

  get demands(): Demands {
    return this.#known.demands;
  }

  setDemands(demands: Demands): void {
    this.#known.demands = demands;
    this.bump();
  }

  /** Whether it is stopped as a whole. */
  get standing(): Standing {
    return this.#known.standing ?? {};
  }

  /** Why nobody may anything here but what its owners still may. */
  get stop(): Stop | undefined {
    return stopOf(this.standing);
  }

  setStanding(standing: Standing): void {
    this.#known.standing = standing;
    this.bump();
  }

  revokedBefore(about: string, what: Ending): number {
    return this.#known.revokedBefore.get(about)?.[what] ?? 0;
  }

  /** Of how many things something was ended. */
  get marks(): number {
    return this.#known.revokedBefore.size;
  }

  /** A device that was made or changed. What is told twice, or after something newer, changes nothing. */
  place(id: Id<"device">, placement: Placement): void {
    const before = this.#known.devices.get(id);
    if (before && before.version >= placement.version) return;
    this.#known.devices.set(id, placement);
    this.children.put(id, before, placement);
    this.pastOwners.turn(id, before, placement);
    if (before && !expectedAlike(before, placement)) this.rhythm += 1;
    this.#openings.swap(before?.door?.door.hours, placement.door?.door.hours);
    // Nobody but a gateway, by its name, was told no about a device that was not there, and what people call it changes no answer; its alias stands in topics.
    if (before ? !answersAlike(before, placement) : placement.gateway !== undefined) this.bump();
  }

  /** The device that speaks for it, as long as that may. */
  gatewayOf(id: Id<"device">): Id<"device"> | undefined {
    const child = this.device(id);
    return child?.gateway && speaksFor(this.device(child.gateway), child) ? child.gateway : undefined;
  }

  addApplication(id: Id<"application">): void {
    this.#known.applications.add(id);
  }

  removeApplication(id: Id<"application">): void {
    this.#known.applications.delete(id);
    this.bump();
  }

  product(id: Id<"product">): Schema | undefined {
    return this.#known.products.get(id);
  }

  get products(): ReadonlyMap<Id<"product">, Schema> {
    return this.#known.products;
  }

  setProduct(id: Id<"product">, schema: Schema): void {
    const before = this.#known.products.get(id);
    this.#known.products.set(id, schema);
    if (before?.reportsEvery !== schema.reportsEvery) this.rhythm += 1;
    this.#openings.swap(before?.door?.door.hours, schema.door?.door.hours);
    if (before?.door?.text !== schema.door?.text) this.bump();
  }

  /** The doors on the way to a device: its product's and its own, each of which has to let in. */
  doorsOf({ product, door }: Placement): readonly Level[] {
    const outer = product && this.#known.products.get(product)?.door;
    if (!outer) return door ? [door] : none;
    return door ? [outer, door] : [outer];
  }

  /** Its own certificate authorities, oldest first. One that was ended is none, though an older backup of the database still has it. */
  get issuers(): readonly Issuer[] {
    return [...this.#issuers.values()].filter(({ id }) => this.revokedBefore(id, "devices") === 0);
  }

  issuer(id: Id<"certificateAuthority">): Issuer | undefined {
    return this.issuers.find((issuer) => issuer.id === id);
  }

  addIssuer(issuer: Issuer): void {
    this.#issuers.set(issuer.id, issuer);
  }

  removeIssuer(id: Id<"certificateAuthority">): void {
    this.#issuers.delete(id);
    this.bump();
  }

  get lists(): Lists {
    return this.#lists;
  }

  putEntry(entry: ListEntry): void {
    this.#lists = this.#lists.with(entry);
    this.#listed = Number.NaN; // it may be over before somebody looks
    this.bump();
  }

  removeEntry(id: Id<"listEntry">): void {
    this.#lists = this.#lists.without(id);
    this.hits.delete(id);
    this.bump();
  }

  /** What an application user lists for her devices; `undefined` where a device is nobody's, or she lists nothing. */
  userListsOf({ user }: Pick<Placement, "user">): UserLists | undefined {
    return user && this.#userLists.of(user);
  }

  setUserLists(user: Id<"user">, change: (lists: UserLists) => UserLists): void {
    for (const id of this.#userLists.change(user, change)) this.hits.delete(id);
    this.#listed = Number.NaN; // as above
    this.bump();
  }

  noteHits(entries: readonly Entry[], at: Instant): void {
    for (const { id } of entries) this.addHits(id, 1, at);
  }

  addHits(id: Id<"listEntry">, count: number, at: Instant): void {
    const { count: before = 0, lastAt = at } = this.hits.get(id) ?? {};
    this.hits.set(id, { count: before + count, lastAt: lastAt > at ? lastAt : at });
  }

  /** Asked each second: hours of doors begin and end, entries of lists expire, and open connections are asked about again. */
  turn(now: Instant): void {
    const listed = Math.min(this.#lists.changesAt(now), this.#userLists.changesAt(now));
    const hasTurned = this.#openings.turn(now);
    if (listed === this.#listed && !hasTurned) return;
    this.#listed = listed;
    this.bump();
  }

  removeProduct(id: Id<"product">): void {
    this.#openings.swap(this.#known.products.get(id)?.door?.door.hours, undefined);
    this.#known.products.delete(id);
  }

  /** Those who may be one now. */
  owners(): readonly Id<"person">[] {
    return [...this.#known.members.keys()].filter((person) => this.member(person)?.role === "owner");
  }

  setMember(person: Id<"person">, membership: Membership): void {
    this.#known.members.set(person, membership);
    this.bump();
  }

  removeMember(person: Id<"person">): void {
    this.#known.members.delete(person);
    this.bump();
  }

  setRoles(roles: OwnRoles): void {
    this.#known.roles = roles;
    this.bump();
  }

  /** The same as it is now but for something, to ask what would be: neither hears of the other. What the lists have over by now is not in it. */
  supposing(change: Partial<Pick<Remembered, "devices" | "products" | "roles" | "entries">>, now: Instant): Space {
    const { devices, applications, products, members, revokedBefore, ...known } = this.#known;
    const copy: Remembered = {
      ...known,
      devices: new Map(devices),
      applications: new Set(applications),
      products: new Map(products),
      dashboards: this.dashboards.all,
      groups: this.groups.all,
      members: new Map(members),
      revokedBefore: new Map(revokedBefore),
      issuers: this.issuers,
      homes: this.homes.all,
      entries: [...this.#lists.entries.values()],
      userEntries: this.#userLists.entries,
      ...change,
    };
    const holds = ({ expiresAt }: Pick<ListEntry, "expiresAt">) => expiresAt === undefined || now < expiresAt;
    const entries = copy.entries?.filter(holds) ?? [];
    const userEntries = copy.userEntries?.filter(holds) ?? [];
    return new Space(this.scope, { ...copy, entries, userEntries }, () => undefined);
  }

  revoke(about: string, ends: readonly Ending[], seq: number): void {
    this.revokeAll([about], ends, seq);
  }

  /** A credential that was changed: those who are there by it are asked about again. */
  replace(credential: Credential): void {
    this.credentials.set(credential.id, credential);
    this.bump();
  }

  /** Many at once, after which everybody is asked about again once. */
  revokeAll(abouts: readonly string[], ends: readonly Ending[], seq: number): void {
    for (const about of abouts) {
      const marks = this.#known.revokedBefore.get(about) ?? {};
      for (const one of ends) marks[one] = Math.max(marks[one] ?? 0, seq);
      this.#known.revokedBefore.set(about, marks);
    }
    this.bump();
  }

  /** Marks of what is over by itself. */
  letGo(marks: readonly { readonly about: string; readonly ends: Ending; readonly seq: number }[]): void {
    const { revokedBefore } = this.#known;
    for (const { about, ends, seq } of marks) {
      const all = revokedBefore.get(about);
      if (!all || (all[ends] ?? 0) > seq) continue;
      delete all[ends];
      if (Object.keys(all).length === 0) revokedBefore.delete(about);
    }
  }

  close(): void {
    this.closed = true;
    this.bump();
  }

  bump(): void {
    this.cell.epoch += 1;
    this.#changed(this);
  }
}

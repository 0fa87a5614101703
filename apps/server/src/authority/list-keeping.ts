import {
  isId,
  newId,
  Refusal,
  rfc3339,
  uuidOf,
  type Clock,
  type Id,
  type Instant,
  type Random,
  type Report,
} from "@holdfast/kernel";
import type { Listed, ListName } from "@holdfast/protocol";
import { pageOf, type Page, type Storage } from "../storage/index.ts";
import { callerOf, refusedBy } from "./caller.ts";
import { refuseTouchingGreater } from "./in-person.ts";
import { listsIn, type KeptEntry } from "./list-rows.ts";
import { Lists, readValue, shutOut, type ListEntry } from "./lists.ts";
import { noteLists } from "./list-ruling.ts";
import type { Permit } from "./permit.ts";
import type { Rulings } from "./rulings.ts";
import type { Space } from "./space.ts";
import { asPlatform, type Spaces } from "./spaces.ts";

type Needs = { storage: Storage; spaces: Spaces; rulings: Rulings; clock: Clock; random: Random; report: Report };

export type Wanted = {
  readonly list: ListName;
  readonly what: Listed;
  readonly value: string;
  readonly comment: string;
  /** Milliseconds. */
  readonly lifetime: number | undefined;
};

/** The allow list and the deny list of an organisation. The only code that changes them. */
export class ListKeeping {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `list.locksOut`, `role.greater`, `list.full`, `device.unknown`, `member.unknown`, `request.malformed` */
  async add(
    permit: Permit<"list.update">,
    { lifetime, ...wanted }: Wanted,
  ): Promise<{ entry: KeptEntry; warnings: readonly string[] }> {
    const { storage, spaces, rulings, clock, random } = this.#needs;
    const value = readValue(wanted.what, wanted.value);
    const space = await spaces.of(permit.scope.org);
    refuseUnknown(space, permit, wanted.what, value);
    const { actor } = permit;
    // Changes of one organisation run one after the other, and each has told memory before the next begins.
    return storage.change(permit, async (unit) => {
      const rows = listsIn(unit);
      const createdAt = clock.now();
      const entry: ListEntry = {
        id: newId("listEntry", random),
        ...wanted,
        value,
        // The audit log has the credential, for whoever may know of it.
        author: (actor.kind === "credential" && actor.person) || "a program",
        createdAt,
        expiresAt: lifetime === undefined ? undefined : ((createdAt + lifetime) as Instant), // milliseconds both
      };
      const after = space.lists.with(entry);
      refuseLockOut(space, permit, after, createdAt);
      if (entry.what === "person") refuseShuttingOutGreater(space, permit, after, createdAt);
      await rows.add(entry);
      await noteLists(rulings, unit, after);
      unit.audit({ what: "list.entryAdded", about: entry.id, facts: factsOf(entry) });
      unit.afterCommit(() => spaces.apply(space.org, (it) => it.putEntry(entry)));
      return { entry: { ...entry, hits: 0, lastHitAt: undefined }, warnings: after.warningsFor(entry, createdAt) };
    });
  }

  /** @throws Refusal `list.unknown`, `list.locksOut`, `role.greater` */
  async remove(permit: Permit<"list.update">, id: Id<"listEntry">): Promise<void> {
    const { storage, spaces, rulings, clock } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    await storage.change(permit, async (unit) => {
      const rows = listsIn(unit);
      const entry = await rows.find(id);
      if (!entry) throw refusedBy(permit, "list.update", id, new Refusal("list.unknown"));
      const after = space.lists.without(id);
      refuseLockOut(space, permit, after, clock.now());
      if (entry.what === "person") refuseShuttingOutGreater(space, permit, after, clock.now());
      await rows.remove(id);
      await noteLists(rulings, unit, after);
      unit.audit({ what: "list.entryRemoved", about: id, facts: factsOf(entry) });
      unit.afterCommit(() => spaces.apply(space.org, (it) => it.removeEntry(id)));
    });
  }

  async read(permit: Permit<"list.read">, id: Id<"listEntry">): Promise<KeptEntry> {
    const space = await this.#needs.spaces.of(permit.scope.org);
    const entry = await this.#needs.storage.read(permit, (unit) => listsIn(unit).find(id));
    if (!entry) throw refusedBy(permit, "list.read", id, new Refusal("list.unknown"));
    return withHits(space, entry);
  }

  /** A page, oldest first. There are a thousand at most, and what they say is sealed: all are opened. */
  async page(
    permit: Permit<"list.read">,
    asked: { limit: number; cursor?: string | undefined; list?: ListName | undefined; what?: Listed | undefined },
  ): Promise<Page<KeptEntry>> {
    const space = await this.#needs.spaces.of(permit.scope.org);
    const all = await this.#needs.storage.read(permit, (unit) => listsIn(unit).all());
    const wanted = all.filter(
      ({ list, what }) =>
        (asked.list === undefined || list === asked.list) && (asked.what === undefined || what === asked.what),
    );
    const page = await pageOf(
      asked,
      async (after, count) =>
        wanted
          .filter(
            ({ createdAt, id }) =>
              !after || createdAt > after.at || (createdAt === after.at && uuidOf(id) > after.id.replaceAll("-", "")),
          )
          .slice(0, count),
      { at: ({ createdAt }) => createdAt, id: ({ id }) => uuidOf(id) },
    );
    return { ...page, items: page.items.map((entry) => withHits(space, entry)) };
  }

  /** Called now and then: what the lists decided since is written down. */
  async rememberHits(): Promise<void> {
    const { storage, spaces, report } = this.#needs;
    for (const space of spaces.all()) {
      if (space.hits.size === 0) continue;
      const hits = new Map(space.hits);
      space.hits.clear();
      try {
        await storage.note(asPlatform(space.scope), (unit) => listsIn(unit).noteHits(hits));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        // Nobody is let in or kept out by a count: it waits, and a stop must not fail because a database is away.
        for (const [id, { count, lastAt }] of hits) space.addHits(id, count, lastAt);
        report(`What the lists decided was not written down: ${error.message}`, { code: error.code });
      }
    }
  }
}

/** With what is not written down yet. */
export function withHits<E extends Pick<KeptEntry, "id" | "hits" | "lastHitAt">>(space: Space, entry: E): E {
  const fresh = space.hits.get(entry.id);
  return fresh ? { ...entry, hits: entry.hits + fresh.count, lastHitAt: fresh.lastAt } : entry;
}

const factsOf = ({ list, what, value, comment, expiresAt }: ListEntry) => ({
  list,
  what,
  value,
  ...(comment && { comment }),
  ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }),
});

/** An entry about a device or a person that nobody knows would do nothing, whatever its author meant. */
function refuseUnknown(space: Space, permit: Permit<"list.update">, what: Listed, value: string): void {
  if (isId("device", value) && !space.device(value))
    throw refusedBy(permit, "list.update", value, new Refusal("device.unknown"));
  if (what === "person" && isId("person", value) && !space.members.has(value))
    throw refusedBy(permit, "list.update", value, new Refusal("member.unknown"));
}

/**
 * Whoever changes the lists has to be let in by them afterwards, and one of the owners too; also later, when entries expire.
 * @throws Refusal `list.locksOut`
 */
function refuseLockOut(space: Space, permit: Permit<"list.update">, after: Lists, now: Instant): void {
  const { visitor } = callerOf(permit).power;
  for (let at: number = now; Number.isFinite(at); at = after.changesAt(at as Instant)) {
    const then = at as Instant; // `now`, or when an entry expires
    const { against } = after.ofVisitor(visitor, then);
    if (against !== undefined) throw new Refusal("list.locksOut", { detail: `It would be so: ${against}.` });
  }
  if (shutOut(space.owners(), after.entries.values(), now))
    throw new Refusal("list.locksOut", { detail: "It would be so for every owner." });
}

/** Nobody shuts out by name, now or when entries expire, who may more than he may: it ends that she is signed in. @throws Refusal `role.greater` */
function refuseShuttingOutGreater(space: Space, permit: Permit<"list.update">, after: Lists, now: Instant): void {
  const caller = callerOf(permit);
  const ofPeople = ({ entries }: Lists) => new Lists([...entries.values()].filter(({ what }) => what === "person"));
  const [had, has] = [ofPeople(space.lists), ofPeople(after)];
  for (let at: number = now; Number.isFinite(at); at = has.changesAt(at as Instant)) {
    const then = at as Instant; // `now`, or when an entry expires
    const isOut = (lists: Lists, person: Id<"person">) => lists.ofPerson(person, then).against !== undefined;
    for (const [person, member] of space.members)
      if (person !== caller.credential.person && isOut(has, person) && !isOut(had, person))
        refuseTouchingGreater(permit, "list.update", member.role);
  }
}

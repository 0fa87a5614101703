import { newId, Refusal, rfc3339, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { ListName, UserListed } from "@holdfast/protocol";
import {
  askToReadCredentials,
  isAbout,
  readUserValue,
  userListsIn,
  UserLists,
  withHits,
  type Caller,
  type KeptUserEntry,
  type Permit,
  type Rulings,
  type Spaces,
  type UserEntry,
} from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { asCaller, whoIs } from "./entering.ts";
import { factsOf } from "./own-list-ending.ts";
import { noteOwnLists } from "./own-list-ruling.ts";

/** Counts down by key. @throws Refusal `rate.exceeded` */
interface Limit {
  take(key: string): unknown;
}

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly rulings: Rulings;
  readonly changes: Limit;
  readonly clock: Clock;
  readonly random: Random;
};

export type Wanted = {
  readonly list: ListName;
  readonly what: UserListed;
  readonly value: string;
  readonly device: Id<"device"> | undefined;
  readonly comment: string;
  /** Milliseconds. */
  readonly lifetime: number | undefined;
};

/** The allow lists and deny lists that users of an application keep for their devices. */
export class OwnLists {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Oldest first. @throws Refusal `device.unknown` */
  async list(caller: Caller, device: Id<"device"> | undefined): Promise<readonly KeptUserEntry[]> {
    const { id: user } = whoIs(caller);
    if (device) refuseForeign(caller, device);
    const rows = await this.#needs.storage.read(asCaller(caller), (unit) => userListsIn(unit).of(user));
    return rows.filter((entry) => !device || isAbout(entry, device)).map((entry) => withHits(caller.space, entry));
  }

  /** @throws Refusal `list.unknown` */
  async read(caller: Caller, id: Id<"listEntry">): Promise<KeptUserEntry> {
    const entry = (await this.list(caller, undefined)).find((one) => one.id === id);
    if (!entry) throw notHers(caller, "list.read", id);
    return entry;
  }

  /** @throws Refusal `request.malformed`, `device.unknown`, `list.locksOut`, `list.full`, `rate.exceeded` */
  async add(
    caller: Caller,
    { lifetime, ...wanted }: Wanted,
  ): Promise<{ readonly entry: KeptUserEntry; readonly warnings: readonly string[] }> {
    const { storage, spaces, changes, clock, random } = this.#needs;
    const { id: user } = whoIs(caller);
    const value = readUserValue(wanted.what, wanted.value);
    changes.take(user);
    // Changes of one organisation run one after the other, and each has told memory before the next begins.
    return storage.change(asCaller(caller), async (unit) => {
      refuseForeign(caller, wanted.device);
      const createdAt = clock.now();
      const expiresAt = lifetime === undefined ? undefined : ((createdAt + lifetime) as Instant); // milliseconds both
      const entry: UserEntry = { id: newId("listEntry", random), ...wanted, value, user, createdAt, expiresAt };
      const before = listsOf(caller, user);
      const after = before.with(entry);
      refuseLockOut(caller, before, after, createdAt);
      await userListsIn(unit).add(entry);
      await noteOwnLists(this.#needs.rulings, unit, user);
      const until = expiresAt === undefined ? {} : { expiresAt: rfc3339(expiresAt) };
      unit.audit({ what: "list.entryAdded", about: entry.id, facts: { ...factsOf(entry), ...until } });
      unit.afterCommit(() =>
        spaces.apply(unit.scope.org, (space) => space.setUserLists(user, (lists) => lists.with(entry))),
      );
      return { entry: { ...entry, hits: 0, lastHitAt: undefined }, warnings: after.warningsFor(entry, createdAt) };
    });
  }

  /** @throws Refusal `list.unknown`, `list.locksOut`, `rate.exceeded` */
  async remove(caller: Caller, id: Id<"listEntry">): Promise<void> {
    const { storage, spaces, changes, clock } = this.#needs;
    const { id: user } = whoIs(caller);
    changes.take(user);
    await storage.change(asCaller(caller), async (unit) => {
      const before = listsOf(caller, user);
      const entry = before.entries.get(id);
      if (!entry) throw notHers(caller, "list.update", id);
      refuseLockOut(caller, before, before.without([id]), clock.now());
      await userListsIn(unit).remove(id);
      await noteOwnLists(this.#needs.rulings, unit, user);
      unit.audit({ what: "list.entryRemoved", about: id, facts: factsOf(entry) });
      unit.afterCommit(() =>
        spaces.apply(unit.scope.org, (space) => space.setUserLists(user, (lists) => lists.without([id]))),
      );
    });
  }

  /** For whoever reads the device: whose it is, and what she lists about it. @throws Refusal `permit.missing` where that names credentials */
  async ofDevice(
    permit: Permit<"device.read">,
  ): Promise<{ readonly user: Id<"user"> | undefined; readonly entries: readonly KeptUserEntry[] }> {
    const space = await this.#needs.spaces.of(permit.scope.org);
    const user = space.device(permit.on)?.user;
    const rows = user ? await this.#needs.storage.read(permit, (unit) => userListsIn(unit).of(user)) : [];
    const entries = rows.filter((entry) => isAbout(entry, permit.on)).map((entry) => withHits(space, entry));
    if (entries.some(({ what }) => what === "credential")) askToReadCredentials(permit, "What its user lists");
    return { user, entries };
  }
}

const listsOf = ({ space }: Caller, user: Id<"user">): UserLists => space.userListsOf({ user }) ?? new UserLists(user);

const notHers = (caller: Caller, action: "list.read" | "list.update", id: Id<"listEntry">): Refusal =>
  caller.refuse(action, id, `${id} is not an entry of ${whoIs(caller).id}`, new Refusal("list.unknown"));

/** An entry about nothing would do nothing, whatever its author meant. What is somebody else's is answered as what is not there. */
function refuseForeign(caller: Caller, device: Id<"device"> | undefined): void {
  const { id: user } = whoIs(caller);
  const { devices } = caller.space;
  const isHers = device
    ? devices.get(device)?.user === user
    : devices.values().some((placement) => placement.user === user);
  if (isHers) return;
  const because = device ? `${device} is not a device of ${user}` : `no device is one of ${user}`;
  throw caller.refuse("device.read", device ?? caller.org, because, new Refusal("device.unknown"));
}

/** What bars her own address is refused, though she could take it back: her lists are not asked of her lists. @throws Refusal `list.locksOut` */
function refuseLockOut(caller: Caller, before: UserLists, after: UserLists, now: Instant): void {
  const against = after.shutOut(caller.power.visitor, before, now);
  if (against !== undefined) throw new Refusal("list.locksOut", { detail: `It would be so: ${against}.` });
}

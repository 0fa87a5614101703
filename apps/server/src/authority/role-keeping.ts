import { Refusal, type Clock, type Random } from "@holdfast/kernel";
import { formatGrant, isBuiltIn, type Role } from "@holdfast/protocol";
import type { Storage, Unit } from "../storage/index.ts";
import { callerOf, refusedBy } from "./caller.ts";
import { inPerson } from "./in-person.ts";
import type { Permit } from "./permit.ts";
import { authorityIn, membershipOf } from "./postgres.ts";
import type { Revocation } from "./revocation.ts";
import { effectsOf, judgeChange, type Effect, type Replaced } from "./role-change.ts";
import { byId, markOf, rolesIn } from "./role-rows.ts";
import {
  differenceOf,
  newIn,
  ofFile,
  withChange,
  without,
  withRole,
  type Difference,
  type OwnRole,
  type RoleSet,
  type Written,
} from "./role.ts";
import { holds } from "./roles.ts";
import type { Spaces } from "./spaces.ts";

type Needs = { storage: Storage; spaces: Spaces; revocation: Revocation; clock: Clock; random: Random };
type Versions = readonly number[] | undefined;

/** What applying a file did, or would do. */
export type Outcome = {
  readonly difference: Difference;
  readonly effects: readonly Effect[];
  readonly version: number;
};

/** Which roles an organisation has of its own. What each lets do is asked in `Space`, which hears of every change at once. */
export class Roles {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async all(permit: Permit<"role.read">): Promise<RoleSet> {
    return this.#needs.storage.read(permit, (unit) => rolesIn(unit).all());
  }

  async create(permit: Permit<"role.update">, written: Written): Promise<OwnRole> {
    this.#needs.storage.admit();
    const { difference } = await this.#change(permit, (set, making) => withRole(set, written, making));
    return theOne(difference.added[0]);
  }

  async update(
    permit: Permit<"role.update">,
    role: Role,
    change: Partial<Written>,
    versions: Versions,
  ): Promise<OwnRole> {
    let asked: OwnRole | undefined;
    const { difference } = await this.#change(permit, (set) => {
      asked = ownIn(permit, set, role, versions);
      return withChange(set, asked.id, change);
    });
    return theOne(difference.changed[0]?.after ?? asked);
  }

  async delete(
    permit: Permit<"role.update">,
    role: Role,
    replacement: Role | undefined,
    versions: Versions,
  ): Promise<void> {
    await this.#change(permit, (set) => without(set, ownIn(permit, set, role, versions).id), replacement);
  }

  /** All of the file or nothing of it; what nobody wrote into it ends. */
  async apply(permit: Permit<"role.update">, file: readonly Written[], versions: Versions): Promise<Outcome> {
    this.#needs.storage.admit();
    return this.#change(permit, (set, making) => {
      refuseIfChanged(set, versions);
      return ofFile(set, file, making);
    });
  }

  /** What that would do. Programs may ask, too: it changes nothing. */
  async preview(permit: Permit<"role.update">, file: readonly Written[], versions: Versions): Promise<Outcome> {
    const { storage, clock, random } = this.#needs;
    return storage.read(permit, async (unit) => {
      const before = await rolesIn(unit).all();
      refuseIfChanged(before, versions);
      const outcome = this.#judge(permit, before, ofFile(before, file, { at: clock.now(), random }), undefined);
      return { ...outcome, version: before.version };
    });
  }

  #judge(permit: Permit<"role.update">, before: RoleSet, after: RoleSet, replacement: Role | undefined) {
    const caller = callerOf(permit);
    const difference = differenceOf(before, after);
    const replaced = judgeChange(caller, difference, replacement);
    const { members, roles } = caller.space;
    return { difference, replaced, effects: effectsOf(members, roles, difference, replaced), version: after.version };
  }

  async #change(
    permit: Permit<"role.update">,
    edit: (set: RoleSet, making: { at: Unit["at"]; random: Random }) => RoleSet,
    replacement?: Role,
  ): Promise<Outcome> {
    const { storage, spaces, random } = this.#needs;
    return storage.change(permit, async (unit) => {
      inPerson(permit, "role.update");
      const rows = rolesIn(unit);
      const before = await rows.all();
      const after = edit(before, { at: unit.at, random });
      const outcome = this.#judge(permit, before, after, replacement);
      const { difference, replaced } = outcome;
      if (isNothing(difference)) {
        unit.audit({ what: "roles.confirmed", about: unit.scope.org });
        return { ...outcome, version: before.version };
      }
      await this.#mark(unit, difference, replaced);
      await rows.save(after);
      for (const { person, after: member } of replaced) await authorityIn(unit).saveMember(person, member);
      record(unit, difference, replaced);
      unit.afterCommit(() =>
        spaces.apply(unit.scope.org, (space) => {
          for (const { person, after: member } of replaced) space.setMember(person, member);
          space.setRoles(byId(after));
        }),
      );
      return outcome;
    });
  }

  /** In the keyring's journal as well: an older backup of the database must not give back what was taken. */
  async #mark(unit: Unit, { removed, changed }: Difference, replaced: readonly Replaced[]): Promise<void> {
    const { revocation, spaces } = this.#needs;
    const narrowed = changed.filter(({ before, after }) => !holds(after.grants, before.grants));
    for (const { id } of [...removed, ...narrowed.map(({ before }) => before)])
      await revocation.in(unit, markOf(id), ["people"]);
    const space = await spaces.of(unit.scope.org);
    for (const { person, before, after } of replaced) {
      if (!holds(space.grantsOf(after.role), space.grantsOf(before.role)))
        await revocation.in(unit, membershipOf(person), ["people"]);
    }
  }
}

function record(unit: Unit, { added, removed, changed }: Difference, replaced: readonly Replaced[]): void {
  for (const { id, name, grants } of added)
    unit.audit({ what: "role.created", about: id, facts: { name, grants: grants.map(formatGrant) } });
  for (const { before, after } of changed) {
    const facts = {
      name: after.name,
      from: before.name === after.name ? undefined : before.name,
      added: newIn(before, after).map(formatGrant),
      removed: newIn(after, before).map(formatGrant),
    };
    unit.audit({ what: "role.updated", about: after.id, facts });
  }
  for (const { id, name } of removed) unit.audit({ what: "role.deleted", about: id, facts: { name } });
  for (const { person, before, after } of replaced)
    unit.audit({ what: "member.updated", about: person, facts: { from: before.role, role: after.role } });
}

const isNothing = ({ added, removed, changed }: Difference): boolean =>
  added.length + removed.length + changed.length === 0;

/** @throws Refusal `role.builtIn`, `role.unknown`, `request.conflict` */
function ownIn(permit: Permit<"role.update">, set: RoleSet, role: Role, versions: Versions): OwnRole {
  if (isBuiltIn(role)) throw new Refusal("role.builtIn");
  const found = set.roles.find(({ id }) => id === role);
  if (!found) throw refusedBy(permit, "role.update", role, new Refusal("role.unknown"));
  refuseIfChanged(found, versions);
  return found;
}

function refuseIfChanged({ version }: { readonly version: number }, versions: Versions): void {
  if (versions && !versions.includes(version)) throw new Refusal("request.conflict");
}

function theOne(role: OwnRole | undefined): OwnRole {
  if (!role) throw new Error("a change of one role answered none");
  return role;
}

/** How many members have each. */
export function countsOf(members: Iterable<{ readonly role: Role }>): ReadonlyMap<Role, number> {
  const counts = new Map<Role, number>();
  for (const { role } of members) counts.set(role, (counts.get(role) ?? 0) + 1);
  return counts;
}

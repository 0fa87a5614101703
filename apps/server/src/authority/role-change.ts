import { Refusal, type Fault, type Id } from "@holdfast/kernel";
import { formatGrant, type Grant, type Role } from "@holdfast/protocol";
import { lostIn } from "./amplification.ts";
import type { Caller } from "./caller.ts";
import { refuseMore, refuseTouchingMore } from "./in-person.ts";
import { unknownCode } from "./link.ts";
import { newIn, type Difference, type OwnRole } from "./role.ts";
import { beyondThose, grantsOfRole, type Membership, type OwnRoles } from "./roles.ts";

/** Who gets another role because hers is deleted. */
export type Replaced = { readonly person: Id<"person">; readonly before: Membership; readonly after: Membership };

/**
 * Whether this caller may make these roles into those, and who gets another one by that. Whatever changes roles asks here: one role, or a
 * file of them. @throws Refusal
 */
export function judgeChange(
  caller: Caller,
  { added, removed, changed }: Difference,
  replacement: Role | undefined,
): readonly Replaced[] {
  const { space } = caller;
  for (const { grants } of removed) refuseTouchingMore(caller, "role.update", grants);
  for (const { before, after } of changed) {
    refuseTouchingMore(caller, "role.update", before.grants);
    refuseMore(caller, "role.update", after.grants, after.name);
  }
  for (const { name, grants } of added) refuseMore(caller, "role.update", grants, name);
  refuseLost(caller, [
    ...added.flatMap(({ grants }) => grants),
    ...changed.flatMap(({ before, after }) => newIn(before, after)),
  ]);
  const isRemoved = new Set<Role>(removed.map(({ id }) => id));
  const held = [...space.members].filter(([, { role }]) => isRemoved.has(role));
  if (held.length === 0) return [];
  if (replacement === undefined) throw new Refusal("role.inUse", { faults: inUse(removed, held) });
  if (!space.hasRole(replacement) || isRemoved.has(replacement))
    throw caller.refuse("role.update", replacement, "there is no such role", new Refusal("role.unknown"));
  refuseMore(caller, "role.update", space.grantsOf(replacement), "replacement");
  return held.map(([person, before]) => ({ person, before, after: { ...before, role: replacement } }));
}

function inUse(removed: readonly OwnRole[], held: readonly (readonly [Id<"person">, Membership])[]): Fault[] {
  return removed.flatMap(({ id, name }) => {
    const count = held.filter(([, { role }]) => role === id).length;
    return count === 0 ? [] : [{ path: name, message: count === 1 ? "one member has it" : `${count} members have it` }];
  });
}

/** What is not there, or another organisation's, would be worth nothing, and nobody would know. */
function refuseLost(caller: Caller, grants: readonly Grant[]): void {
  const lost = lostIn(caller.space, grants);
  if (!lost) return;
  throw caller.refuse("role.update", lost.id, "asked for a grant on it", new Refusal(unknownCode[lost.kind]));
}

/** What one person may do more and less, as grants are written. */
export type Effect = {
  readonly person: Id<"person">;
  readonly role: string;
  readonly gains: readonly string[];
  readonly loses: readonly string[];
};

/** What a change means for whoever has the roles that it is about. */
export function effectsOf(
  members: ReadonlyMap<Id<"person">, Membership>,
  own: OwnRoles,
  { changed }: Difference,
  replaced: readonly Replaced[],
): readonly Effect[] {
  const effect = (person: Id<"person">, role: string, before: readonly Grant[], after: readonly Grant[]): Effect => ({
    person,
    role,
    gains: beyondThose(before, after).map(formatGrant),
    loses: beyondThose(after, before).map(formatGrant),
  });
  const byChange = changed.flatMap(({ before, after }) =>
    [...members].flatMap(([person, { role }]) =>
      role === before.id ? [effect(person, after.name, before.grants, after.grants)] : [],
    ),
  );
  const byReplacement = replaced.map(({ person, before, after }) =>
    effect(person, nameOf(before.role, own), grantsOfRole(before.role, own), grantsOfRole(after.role, own)),
  );
  return [...byChange, ...byReplacement].filter(({ gains, loses }) => gains.length + loses.length > 0);
}

/** What people call it. */
export const nameOf = (role: Role, own: OwnRoles): string =>
  [...own.values()].find(({ id }) => id === role)?.name ?? role;

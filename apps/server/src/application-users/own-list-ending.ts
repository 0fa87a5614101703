import type { Id } from "@holdfast/kernel";
import { userListsIn, type Rulings, type Spaces, type UserEntry } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import { noteOwnLists } from "./own-list-ruling.ts";

type Needs = { readonly spaces: Spaces; readonly rulings: Rulings };
type Owned = { readonly id: Id<"device">; readonly user?: Id<"user"> | undefined };

/** Within the unit that changes whose a device is: what she listed about it alone goes. What she lists about all of hers is not about it any more. */
export async function forgetListsFor(needs: Needs, unit: Unit, before: Owned, after: Owned): Promise<void> {
  const { id: device, user } = before;
  if (!user || user === after.user) return;
  const gone = await userListsIn(unit).removeAbout(user, device);
  if (gone.length === 0) return;
  await noteOwnLists(needs.rulings, unit, user);
  for (const entry of gone) unit.audit({ what: "list.entryRemoved", about: entry.id, facts: factsOf(entry) });
  const ids = gone.map(({ id }) => id);
  unit.afterCommit(() =>
    needs.spaces.apply(unit.scope.org, (space) => space.setUserLists(user, (lists) => lists.without(ids))),
  );
}

/** Within the unit that removes these users, and their rows with them. */
export async function forgetListsOf(
  { spaces, rulings }: Needs,
  unit: Unit,
  users: readonly Id<"user">[],
): Promise<void> {
  for (const user of users) await rulings.forget(unit, user);
  unit.afterCommit(() =>
    spaces.apply(unit.scope.org, (space) => {
      for (const user of users)
        if (space.userListsOf({ user })) space.setUserLists(user, (lists) => lists.without([...lists.entries.keys()]));
    }),
  );
}

/** For the audit log. */
export const factsOf = ({ user, device, list, what, value, comment }: UserEntry) => ({
  user,
  ...(device && { device }),
  list,
  what,
  value,
  ...(comment && { comment }),
});

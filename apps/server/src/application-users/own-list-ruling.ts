import { isId, type Id, type Instant } from "@holdfast/kernel";
import { userListed } from "@holdfast/protocol";
import {
  kindOf,
  userListsIn,
  UserLists,
  type Kind,
  type Rulings,
  type Spaces,
  type UserEntry,
} from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import { usersIn } from "./postgres.ts";

const kind = "userLists";

/** All that a user lists from now on: within the unit that changes it, behind the change. */
export const noteOwnLists = async (rulings: Rulings, unit: Unit, user: Id<"user">): Promise<void> =>
  rulings.note(unit, kind, user, await entriesOf(unit, user));

/**
 * Whoever one of the two denied stays denied. What is allowed is as she said last, or where she said nothing, as it was found: entries
 * that are about several devices have no common part that is entries again.
 */
export const ownListRuling = (spaces: Spaces): Kind =>
  kindOf<readonly UserEntry[]>({
    kind,
    find: async (unit, about) =>
      isId("user", about) && (await usersIn(unit).isThere(about)) ? entriesOf(unit, about) : undefined,
    narrowest(found, said, unit) {
      const [here, there] = [live(found, unit.at), live(said, unit.at)];
      const denies = [...here, ...there].filter(({ list }) => list === "deny");
      const allows = userListed.flatMap((what) => {
        const [earlier, later] = [here, there].map((all) =>
          all.filter((one) => one.list === "allow" && one.what === what),
        );
        return later && later.length > 0 ? later : (earlier ?? []);
      });
      return [...new Map([...denies, ...allows].map((one) => [one.id, one])).values()];
    },
    async save(unit, about, state) {
      if (!isId("user", about)) return;
      const before = await entriesOf(unit, about);
      const [had, has] = [before, state].map((all) => new Set(all.map(({ id }) => id)));
      for (const { id } of before) if (!has?.has(id)) await userListsIn(unit).remove(id);
      for (const entry of state) if (!had?.has(entry.id)) await userListsIn(unit).add(entry);
      // More than she may have, if need be: it is what the two had.
      unit.afterCommit(() =>
        spaces.apply(unit.scope.org, (space) => space.setUserLists(about, () => new UserLists(about, state))),
      );
    },
  });

const entriesOf = async (unit: Unit, user: Id<"user">): Promise<readonly UserEntry[]> =>
  (await userListsIn(unit).of(user)).map(({ hits: _hits, lastHitAt: _lastHitAt, ...entry }) => entry);

const live = (entries: readonly UserEntry[], now: Instant): readonly UserEntry[] =>
  entries.filter(({ expiresAt }) => expiresAt === undefined || now < expiresAt);

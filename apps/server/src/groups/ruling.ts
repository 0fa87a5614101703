import { isId, type Id } from "@holdfast/kernel";
import { kindOf, type Kind, type Rights, type Rulings, type Spaces } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import { knownOf, narrowest, type Group } from "./group.ts";
import { groupsIn } from "./postgres.ts";

type Said = { readonly members: readonly (readonly [Id<"device">, Rights])[] };

/** Who is in it. Of one that is gone: nobody. */
export const noteMembers = (rulings: Rulings, unit: Unit, { id, members }: Group): Promise<void> =>
  rulings.note(unit, "group", id, { members: [...members] } satisfies Said);

/** Whoever was expelled does not come back with an older backup, and whoever came since comes when somebody says so again. */
export const groupRuling = (spaces: Spaces): Kind =>
  kindOf<Said>({
    kind: "group",
    async find(unit, about) {
      const group = isId("group", about) ? await groupsIn(unit).find(about) : undefined;
      return group && { members: [...group.members] };
    },
    narrowest: (found, said) => ({ members: [...narrowest(new Map(found.members), new Map(said.members))] }),
    async save(unit, about, { members }) {
      const before = isId("group", about) ? await groupsIn(unit).take(about) : undefined;
      if (!before) return;
      const group = { ...before, members: new Map(members), version: before.version + 1 };
      await groupsIn(unit).save(group);
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.groups.set(group.id, knownOf(group))));
    },
  });

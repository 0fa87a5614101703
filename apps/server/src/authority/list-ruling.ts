import type { Instant } from "@holdfast/kernel";
import { listed } from "@holdfast/protocol";
import type { Unit } from "../storage/index.ts";
import { listsIn } from "./list-rows.ts";
import { shutOut, type ListEntry, type Lists } from "./lists.ts";
import { authorityIn } from "./postgres.ts";
import { kindOf, type Kind, type Rulings } from "./rulings.ts";
import type { Spaces } from "./spaces.ts";

const kind = "lists";

/** Both lists as they are from now on. */
export const noteLists = (rulings: Rulings, unit: Unit, { entries }: Lists): Promise<void> =>
  rulings.note(unit, kind, unit.scope.org, [...entries.values()]);

/** Whoever one of the two denied stays denied; what let somebody in is only there where both had it, or one had nothing to say. */
export const listRuling = (spaces: Spaces): Kind =>
  kindOf<readonly ListEntry[]>({
    kind,
    find: async (unit) => (await listsIn(unit).all()).map(({ hits: _hits, lastHitAt: _lastHitAt, ...entry }) => entry),
    async narrowest(found, said, unit) {
      const both = together(live(found, unit.at), live(said, unit.at));
      const owners = [...(await authorityIn(unit).members())].filter(
        ([, { role, isSuspended }]) => role === "owner" && !isSuspended,
      );
      const people = owners.map(([person]) => person);
      // Nobody could mend it. What was said last had been judged.
      return shutOut(people, both, unit.at) ? said : both;
    },
    async save(unit, _, state) {
      const rows = listsIn(unit);
      const before = await rows.all();
      const [had, has] = [idsOf(before), idsOf(state)];
      const [gone, fresh] = [before.filter(({ id }) => !has.has(id)), state.filter(({ id }) => !had.has(id))];
      for (const { id } of gone) await rows.remove(id);
      for (const entry of fresh) await rows.add(entry);
      unit.afterCommit(() =>
        spaces.apply(unit.scope.org, (space) => {
          for (const { id } of gone) space.removeEntry(id);
          for (const entry of fresh) space.putEntry(entry);
        }),
      );
    },
  });

const live = (entries: readonly ListEntry[], now: Instant): readonly ListEntry[] =>
  entries.filter(({ expiresAt }) => expiresAt === undefined || now < expiresAt);

const idsOf = (entries: readonly ListEntry[]) => new Set(entries.map(({ id }) => id));

function together(found: readonly ListEntry[], said: readonly ListEntry[]): readonly ListEntry[] {
  const denies = [...found, ...said].filter(({ list }) => list === "deny");
  const allows = listed.flatMap((what) => {
    const [here, there] = [found, said].map((all) => all.filter((one) => one.list === "allow" && one.what === what));
    if (!here || !there || here.length === 0) return there ?? [];
    if (there.length === 0) return here;
    const inBoth = idsOf(there);
    const common = here.filter(({ id }) => inBoth.has(id));
    return common.length > 0 ? common : there; // an empty allow list would let in everybody
  });
  return [...new Map([...denies, ...allows].map((one) => [one.id, one])).values()];
}

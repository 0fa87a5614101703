import { parseId, type Id } from "@holdfast/kernel";
import { authorityIn, kindOf, type Kind, type Membership, type Rulings, type Spaces } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";

const kind = "member";

/** All that is decided of a membership beside its role, whose loss has a mark of its own. */
type State = { readonly isSuspended: boolean };

const stateOf = ({ isSuspended }: Membership): State => ({ isSuspended: isSuspended === true });

/** Within the unit that decides it. */
export const noteMembership = (
  rulings: Rulings,
  unit: Unit,
  person: Id<"person">,
  membership: Membership,
): Promise<void> => rulings.note(unit, kind, person, stateOf(membership));

/** Whoever was suspended last, or is in an older backup, stays so until somebody lets her in again. */
export const memberRuling = (spaces: Spaces): Kind =>
  kindOf<State>({
    kind,
    async find(unit, person) {
      const member = (await authorityIn(unit).members()).get(parseId("person", person));
      return member && stateOf(member);
    },
    narrowest: (found, said) => ({ isSuspended: found.isSuspended || said.isSuspended }),
    async save(unit, about, { isSuspended }) {
      const person = parseId("person", about);
      const member = (await authorityIn(unit).members()).get(person);
      if (!member) return;
      const after: Membership = { role: member.role, ...(isSuspended && { isSuspended }) };
      await authorityIn(unit).saveMember(person, after);
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.setMember(person, after)));
    },
  });

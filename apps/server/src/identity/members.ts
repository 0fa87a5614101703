import { Refusal, uuidOf, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Role } from "@holdfast/protocol";
import {
  authorityIn,
  holds,
  inPerson,
  membershipOf,
  nameOf,
  parties,
  refusedBy,
  refuseGivingMore,
  refuseTouchingGreater,
  shutOut,
  type Factors,
  type Member,
  type Permit,
  type Revocation,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import { pageOf, type Keyring, type Page, type Storage } from "../storage/index.ts";
import { allOverBy } from "./invitation.ts";
import { invitationsIn, peopleIn } from "./postgres.ts";

type Needs = {
  storage: Storage;
  keys: Keyring;
  spaces: Spaces;
  revocation: Revocation;
  clock: Clock;
  random: Random;
};

/** A member as she is shown. */
export type Shown = Member & {
  readonly person: Id<"person">;
  readonly email: string;
  /** What her role is called. */
  readonly roleName: string;
  readonly factors: Factors;
};

/** Who belongs to an organisation, and as what. How they come stands in `Invitations`. */
export class Members {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async list(permit: Permit<"member.read">, asked: { limit: number; cursor?: string | undefined }) {
    const members = await this.#needs.storage.read(permit, (unit) => authorityIn(unit).members());
    const all = [...members].map(([person, member]) => ({ person, ...member }));
    const sorted = all.toSorted((a, b) => (a.person < b.person ? -1 : 1));
    const page = await pageOf(
      asked,
      async (after, most) =>
        sorted.filter(({ person }) => after === undefined || uuidOf(person) > after.id).slice(0, most),
      { at: () => 0, id: ({ person }) => uuidOf(person) },
    );
    return {
      ...page,
      items: await this.#shown(page.items, await this.#needs.spaces.of(permit.scope.org)),
    } satisfies Page<Shown>;
  }

  /** What her programs may do is within what she may, so they shrink with her, and what they hold open with them. */
  async changeRole(permit: Permit<"member.update">, person: Id<"person">, role: Role): Promise<Shown> {
    const { storage, spaces, revocation, clock } = this.#needs;
    const updated = await storage.change(permit, async (unit) => {
      inPerson(permit, "member.update");
      refuseGivingMore(permit, "member.update", role);
      const rows = authorityIn(unit);
      const members = await rows.members();
      const before = members.get(person);
      if (!before) throw refusedBy(permit, "member.update", person, new Refusal("member.unknown"));
      refuseTouchingGreater(permit, "member.update", before.role);
      const space = await spaces.of(unit.scope.org);
      if (before.role === "owner" && role !== "owner") refuseLastOwner(members, person, space.lists, clock.now());
      const after: Member = { ...before, role };
      // In the keyring's journal as well: an older backup of the database must not give back what was taken.
      if (!holds(space.grantsOf(role), space.grantsOf(before.role)))
        await revocation.in(unit, membershipOf(person), ["people"]);
      await rows.saveMember(person, after);
      unit.audit({ what: "member.updated", about: person, facts: { from: before.role, role } });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (changed) => changed.setMember(person, after)));
      return { person, ...after };
    });
    const [shown] = await this.#shown([updated], await spaces.of(permit.scope.org));
    if (!shown) throw new Refusal("member.unknown");
    return shown;
  }

  /** Everything that was made with her sign-ins ends, and whom she invited comes no more. Invited again, she begins anew. */
  async remove(permit: Permit<"member.remove">, person: Id<"person">): Promise<void> {
    const { storage, spaces, revocation, clock } = this.#needs;
    await storage.change(permit, async (unit) => {
      const rows = authorityIn(unit);
      const members = await rows.members();
      const member = members.get(person);
      if (!member) throw refusedBy(permit, "member.remove", person, new Refusal("member.unknown"));
      refuseTouchingGreater(permit, "member.remove", member.role);
      if (member.role === "owner")
        refuseLastOwner(members, person, (await spaces.of(unit.scope.org)).lists, clock.now());
      if (member.administrator) throw new Refusal("member.administrator");
      for (const invitation of await invitationsIn(unit).removeOf(person)) {
        await revocation.in(unit, invitation, ["people"], allOverBy(clock.now()));
      }
      await revocation.in(unit, person, parties);
      await revocation.in(unit, membershipOf(person), ["people"]);
      await rows.removeMember(person);
      unit.audit({ what: "member.removed", about: person, facts: { role: member.role } });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (left) => left.removeMember(person)));
    });
  }

  async #shown(members: readonly (Member & { person: Id<"person"> })[], space: Space): Promise<readonly Shown[]> {
    const { storage, keys, random } = this.#needs;
    const people = await storage.instance.read((unit) =>
      peopleIn(unit, { keys, random }).all(members.map(({ person }) => person)),
    );
    return members.map((member) => ({
      ...member,
      roleName: nameOf(member.role, space.roles),
      email: people.get(member.person)?.email ?? "",
      factors: space.factorsOf(member.person),
    }));
  }
}

/** Of the other owners one has to be let in by the lists, now and when their entries expire. @throws Refusal `member.lastOwner` */
function refuseLastOwner(
  members: ReadonlyMap<Id<"person">, Member>,
  leaving: Id<"person">,
  { entries }: Space["lists"],
  now: Instant,
): void {
  const others = [...members].filter(([person, { role }]) => role === "owner" && person !== leaving);
  if (others.length === 0) throw new Refusal("member.lastOwner");
  const people = others.map(([person]) => person);
  if (!shutOut(people, entries.values(), now)) return;
  throw new Refusal("member.lastOwner", { detail: "The organisation's lists keep every other owner out." });
}

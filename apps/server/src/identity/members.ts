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
  type Caller,
  type Factors,
  type Membership,
  type Permit,
  type Revocation,
  type Rulings,
  type Session,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import { pageOf, type Allowed, type Keyring, type Page, type Storage, type Unit } from "../storage/index.ts";
import { organisationsOf } from "./attempts.ts";
import { allOverBy } from "./invitation.ts";
import { noteMembership } from "./member-ruling.ts";
import { invitationsIn, peopleIn } from "./postgres.ts";

type Needs = {
  storage: Storage;
  keys: Keyring;
  spaces: Spaces;
  revocation: Revocation;
  rulings: Rulings;
  clock: Clock;
  random: Random;
};

/** A member as she is shown. */
export type Shown = Membership & {
  readonly person: Id<"person">;
  readonly email: string;
  /** What her role is called. */
  readonly roleName: string;
  readonly factors: Factors;
  /** Of the instance. */
  readonly administrator: boolean;
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
      return giveRole(unit, { spaces, revocation }, { person, before, role });
    });
    return this.#one(permit, person, updated);
  }

  /** Everything that was made with her sign-ins ends, and whom she invited comes no more. Invited again, she begins anew. */
  async remove(permit: Permit<"member.remove">, person: Id<"person">): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      const member = (await authorityIn(unit).members()).get(person);
      if (!member) throw refusedBy(permit, "member.remove", person, new Refusal("member.unknown"));
      refuseTouchingGreater(permit, "member.remove", member.role);
      await this.#go(unit, person, "member.removed");
    });
  }

  /**
   * She goes by herself, whatever her role lets her do; not a program that was lent her rights.
   * @throws Refusal `permit.missing`, `member.lastOwner`, `member.administrator`
   */
  async leaveBy(caller: Caller): Promise<void> {
    const { credential, space, actor } = caller;
    const { person, inPerson: isHere } = credential;
    const detail = "Leaving is for a person who signs in with her password, not for what was made with her sign-in.";
    if (!person || !isHere) throw new Refusal("permit.missing", { detail });
    await this.#leave({ scope: space.scope, actor }, person);
  }

  /** The same in any organisation of hers. @throws Refusal `org.unknown` where she is no member, whether there is one or not */
  async leaveIn({ person }: Session, org: Id<"org">): Promise<void> {
    const { storage, spaces } = this.#needs;
    if (!(await organisationsOf({ storage }, person)).includes(org)) throw new Refusal("org.unknown");
    const { scope } = await spaces.of(org);
    await this.#leave({ scope, actor: { kind: "credential", id: person, person } }, person);
  }

  async #leave(allowed: Allowed, person: Id<"person">): Promise<void> {
    await this.#needs.storage.change(allowed, (unit) => this.#go(unit, person, "member.left"));
  }

  /** She keeps her role, and nothing of what she and her programs hold: when she is let in again, she signs in anew. */
  async suspend(permit: Permit<"member.suspend">, person: Id<"person">): Promise<Shown> {
    const suspended = await this.#needs.storage.change(permit, async (unit) => {
      const members = await authorityIn(unit).members();
      const before = members.get(person);
      if (!before) throw refusedBy(permit, "member.suspend", person, new Refusal("member.unknown"));
      refuseTouchingGreater(permit, "member.suspend", before.role);
      if (before.isSuspended) throw new Refusal("member.suspended");
      await this.#refuseNeeded(unit, members, person);
      await this.#endAll(unit, person);
      return this.#stand(unit, person, { ...before, isSuspended: true }, "member.suspended");
    });
    return this.#one(permit, person, suspended);
  }

  /** Nobody lets somebody in again as more than he may do himself. */
  async resume(permit: Permit<"member.suspend">, person: Id<"person">): Promise<Shown> {
    const resumed = await this.#needs.storage.change(permit, async (unit) => {
      inPerson(permit, "member.suspend");
      const before = (await authorityIn(unit).members()).get(person);
      if (!before) throw refusedBy(permit, "member.suspend", person, new Refusal("member.unknown"));
      refuseGivingMore(permit, "member.suspend", before.role);
      if (!before.isSuspended) throw new Refusal("member.notSuspended");
      return this.#stand(unit, person, { role: before.role }, "member.resumed");
    });
    return this.#one(permit, person, resumed);
  }

  async #stand(unit: Unit, person: Id<"person">, after: Membership, what: string): Promise<Membership> {
    const { spaces, rulings } = this.#needs;
    await authorityIn(unit).saveMember(person, after);
    await noteMembership(rulings, unit, person, after);
    unit.audit({ what, about: person, facts: { role: after.role } });
    unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.setMember(person, after)));
    return after;
  }

  /** The membership ends, with all that hangs on it. */
  async #go(unit: Unit, person: Id<"person">, what: "member.removed" | "member.left"): Promise<void> {
    const { spaces, revocation, rulings } = this.#needs;
    const rows = authorityIn(unit);
    const members = await rows.members();
    const member = members.get(person);
    if (!member) throw new Refusal("member.unknown");
    await this.#refuseNeeded(unit, members, person);
    await this.#endAll(unit, person);
    // In the keyring's journal as well: an older backup of the database must not bring her back.
    await revocation.in(unit, membershipOf(person), ["people"]);
    await rulings.forget(unit, person);
    await rows.removeMember(person);
    unit.audit({ what, about: person, facts: { role: member.role } });
    unit.afterCommit(() => spaces.apply(unit.scope.org, (left) => left.removeMember(person)));
  }

  /** @throws Refusal `member.lastOwner`, `member.administrator` */
  async #refuseNeeded(unit: Unit, members: ReadonlyMap<Id<"person">, Membership>, person: Id<"person">): Promise<void> {
    const { spaces, clock } = this.#needs;
    const space = await spaces.of(unit.scope.org);
    if (members.get(person)?.role === "owner") refuseLastOwner(members, person, space.lists, clock.now());
    if (space.administrates(person)) throw new Refusal("member.administrator");
  }

  /** What she and her programs hold here, and whom she invited. */
  async #endAll(unit: Unit, person: Id<"person">): Promise<void> {
    const { revocation, clock } = this.#needs;
    for (const invitation of await invitationsIn(unit).removeOf(person)) {
      await revocation.in(unit, invitation, ["people"], allOverBy(clock.now()));
    }
    await revocation.in(unit, person, parties);
  }

  async #one(permit: Allowed, person: Id<"person">, membership: Membership): Promise<Shown> {
    const [shown] = await this.#shown([{ person, ...membership }], await this.#needs.spaces.of(permit.scope.org));
    if (!shown) throw new Refusal("member.unknown");
    return shown;
  }

  async #shown(members: readonly (Membership & { person: Id<"person"> })[], space: Space): Promise<readonly Shown[]> {
    const { storage, keys, random } = this.#needs;
    const people = await storage.instance.read((unit) =>
      peopleIn(unit, { keys, random }).all(members.map(({ person }) => person)),
    );
    return members.map((member) => ({
      ...member,
      roleName: nameOf(member.role, space.roles),
      email: people.get(member.person)?.email ?? "",
      factors: space.factorsOf(member.person),
      administrator: space.administrates(member.person),
    }));
  }
}

/** Another role for a member. Whether somebody may give it has been asked. */
export async function giveRole(
  unit: Unit,
  { spaces, revocation }: Pick<Needs, "spaces" | "revocation">,
  { person, before, role }: { readonly person: Id<"person">; readonly before: Membership; readonly role: Role },
): Promise<Membership> {
  const space = await spaces.of(unit.scope.org);
  const after: Membership = { ...before, role };
  // In the keyring's journal as well: an older backup of the database must not give back what was taken.
  if (!holds(space.grantsOf(role), space.grantsOf(before.role)))
    await revocation.in(unit, membershipOf(person), ["people"]);
  await authorityIn(unit).saveMember(person, after);
  unit.audit({ what: "member.updated", about: person, facts: { from: before.role, role } });
  unit.afterCommit(() => spaces.apply(unit.scope.org, (changed) => changed.setMember(person, after)));
  return after;
}

/** Of the other owners one has to be let in by the lists, now and when their entries expire. @throws Refusal `member.lastOwner` */
export function refuseLastOwner(
  members: ReadonlyMap<Id<"person">, Membership>,
  leaving: Id<"person">,
  { entries }: Space["lists"],
  now: Instant,
): void {
  const others = [...members].filter(
    ([person, { role, isSuspended }]) => role === "owner" && !isSuspended && person !== leaving,
  );
  if (others.length === 0) throw new Refusal("member.lastOwner");
  const people = others.map(([person]) => person);
  if (!shutOut(people, entries.values(), now)) return;
  throw new Refusal("member.lastOwner", { detail: "The organisation's lists keep every other owner out." });
}

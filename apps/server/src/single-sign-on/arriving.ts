import { isRefusal, newId, Refusal, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Role } from "@holdfast/protocol";
import {
  asPlatform,
  authorityIn,
  holds,
  type Member,
  type Revocation,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import {
  giveRole,
  homeOf,
  normalEmail,
  organisationsOf,
  peopleIn,
  refuseLastOwner,
  type Invitation,
  type Invitations,
} from "../identity/index.ts";
import type { Said } from "../outbound/index.ts";
import type { Keyring, Storage, Unit } from "../storage/index.ts";
import { domainsIn, subjectsIn } from "./postgres.ts";
import { roleBy, saysVerified, type Claims, type Provider } from "./provider.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly revocation: Revocation;
  readonly invitations: Pick<Invitations, "standing" | "takeIn">;
  readonly clock: Clock;
  readonly random: Random;
};

/** Whom a provider says somebody is: who that is here, and as what she comes. */
export class Arriving {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * Known is whoever came by it before, or was linked by herself; an e-mail that it says makes nobody known. Whoever comes for the first
   * time is somebody new, where the organisation lets her in.
   * @throws Refusal `provider.notAdmitted`, `invitation.invalid`
   */
  async as(space: Space, provider: Provider, said: Said, secret: string | undefined): Promise<Id<"person">> {
    const { storage } = this.#needs;
    const known = await storage.read(asPlatform(space.scope), (unit) => this.#find(unit, provider, said));
    if (known) return this.#change(space, known, (unit) => this.#again(unit, space, provider, known, said, secret));
    const person = await this.#make(said.claims);
    const came = await this.#change(space, person, (unit) =>
      this.#first(unit, space, provider, person, said, secret),
    ).catch(async (error: unknown) => {
      await this.#forget(person);
      throw error;
    });
    if (came !== person) await this.#forget(person); // somebody was faster
    return came;
  }

  async #find(unit: Unit, { id, issuer }: Provider, { subject }: Said): Promise<Id<"person"> | undefined> {
    return (await subjectsIn(unit).find(id, { issuer, subject }))?.person;
  }

  #change(space: Space, person: Id<"person">, work: (unit: Unit) => Promise<Id<"person">>): Promise<Id<"person">> {
    const actor = { kind: "credential", id: person, person } as const;
    return this.#needs.storage.change({ scope: space.scope, actor }, work);
  }

  async #again(
    unit: Unit,
    space: Space,
    provider: Provider,
    person: Id<"person">,
    { claims }: Said,
    secret: string | undefined,
  ): Promise<Id<"person">> {
    const member = space.member(person);
    if (!member) {
      const invitation = await this.#invitation(unit, provider, secret, claims);
      // Whoever was removed is let in by nothing but somebody's word.
      if (!invitation) throw new Refusal("provider.notAdmitted");
      await this.#needs.invitations.takeIn(unit, invitation, person);
      return person;
    }
    const role = roleBy(provider, claims);
    if (role === undefined) throw new Refusal("provider.notAdmitted");
    unit.audit({ what: "provider.signedIn", about: person, facts: { provider: provider.id } });
    // Roles follow what the provider says where the organisation says how; else they are given here.
    if (provider.roles && role !== "asBefore")
      await this.#follow(unit, space, provider, { person, before: member, role });
    return person;
  }

  async #first(
    unit: Unit,
    space: Space,
    provider: Provider,
    person: Id<"person">,
    said: Said,
    secret: string | undefined,
  ): Promise<Id<"person">> {
    const faster = await this.#find(unit, provider, said);
    if (faster) return this.#again(unit, space, provider, faster, said, secret);
    const invitation = await this.#invitation(unit, provider, secret, said.claims);
    if (invitation) await this.#needs.invitations.takeIn(unit, invitation, person);
    else {
      const role = roleBy(provider, said.claims);
      if (role === undefined || role === "asBefore") throw new Refusal("provider.notAdmitted");
      if (!mayGive(space, provider, role)) {
        const detail = "Whoever said what people become who come by it may not give that any more.";
        throw new Refusal("provider.notAdmitted", { detail });
      }
      const member: Member = { role, administrator: false };
      await authorityIn(unit).saveMember(person, member);
      unit.audit({ what: "member.added", about: person, facts: { role, provider: provider.id } });
      unit.afterCommit(() => this.#needs.spaces.apply(space.org, (joined) => joined.setMember(person, member)));
    }
    const { id, issuer } = provider;
    const createdAt = this.#needs.clock.now();
    await subjectsIn(unit).add({ provider: id, issuer, subject: said.subject, person, createdAt });
    unit.audit({ what: "provider.linked", about: person, facts: { provider: id } });
    return person;
  }

  /** Whoever said what people become could not change by hand what is beyond her, nor take the last owner away; so this does not either. */
  async #follow(
    unit: Unit,
    space: Space,
    provider: Provider,
    { person, before, role }: { readonly person: Id<"person">; readonly before: Member; readonly role: Role },
  ): Promise<void> {
    if (before.role === role || !mayGive(space, provider, role) || !mayGive(space, provider, before.role)) return;
    if (before.role === "owner") {
      try {
        refuseLastOwner(space.members, person, space.lists, this.#needs.clock.now());
      } catch (error) {
        if (isRefusal(error, "member.lastOwner")) return;
        throw error;
      }
    }
    await giveRole(unit, this.#needs, { person, before, role });
  }

  /**
   * One to the e-mail that the provider says, and that is hers by more than that: the provider calls it verified, or says nothing of that and it is of
   * a domain that the organisation proved to be its own, for this provider, so that both give out its addresses.
   * @throws Refusal `invitation.invalid`
   */
  async #invitation(
    unit: Unit,
    provider: Provider,
    secret: string | undefined,
    claims: Claims,
  ): Promise<Invitation | undefined> {
    if (secret === undefined) return undefined;
    const email = emailIn(claims);
    const found = await this.#needs.invitations.standing(secret);
    const isHers = found?.space.org === unit.scope.org && normalEmail(email) === normalEmail(found.invitation.email);
    if (!isHers || !(saysVerified(claims) ?? (await this.#isOwn(unit, provider, email))))
      throw new Refusal("invitation.invalid");
    return found.invitation;
  }

  async #isOwn(unit: Unit, { id }: Provider, email: string): Promise<boolean> {
    const domain = await domainsIn(unit, this.#needs.keys).find(homeOf(email));
    return domain?.provider === id && domain.proof !== undefined;
  }

  async #make(claims: Claims): Promise<Id<"person">> {
    const { storage, clock, random } = this.#needs;
    storage.admit();
    const id = newId("person", random);
    const hers = { email: emailIn(claims), passwordHash: undefined, isBrought: true } as const;
    await storage.instance.change((unit) => peopleIn(unit, this.#needs).add({ id, ...hers, createdAt: clock.now() }));
    return id;
  }

  /** An account without an organisation opens nothing. */
  async #forget(person: Id<"person">): Promise<void> {
    if ((await organisationsOf(this.#needs, person)).length > 0) return;
    await this.#needs.storage.instance.change((unit) => peopleIn(unit, this.#needs).remove(person));
  }
}

/** Whether whoever said what people become may give this, now. */
function mayGive(space: Space, { madeBy }: Provider, role: Role): boolean {
  const maker = space.member(madeBy);
  return maker !== undefined && space.hasRole(role) && holds(space.grantsOf(maker.role), space.grantsOf(role));
}

/** Others have to be able to tell who she is. @throws Refusal `provider.refused` */
function emailIn({ email }: Claims): string {
  if (typeof email === "string" && email.length <= 254 && /^[^@\s\p{Cc}]+@[^@\s\p{Cc}]+$/u.test(email)) return email;
  throw new Refusal("provider.refused", { detail: "It says no e-mail address of yours (claim email, scope email)." });
}

export const provedAtOf = ({ provedAt }: Said, now: Instant): Instant =>
  (provedAt === undefined ? 0 : Math.min(now, provedAt * 1_000)) as Instant; // milliseconds; never where the provider does not say

import { digestSecret, newSecret, type Passwords } from "@holdfast/crypto";
import { idFrom, newId, Refusal, uuidOf, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Role } from "@holdfast/protocol";
import {
  asPlatform,
  authorityIn,
  inPerson,
  providerRequired,
  refusedBy,
  refuseGivingMore,
  type Minting,
  type Permit,
  type Revocation,
  type Space,
  type Spaces,
  type Visit,
} from "../authority/index.ts";
import { pageOf, type Keyring, type Page, type Storage, type Unit } from "../storage/index.ts";
import type { RefusedSignIn } from "./attempts.ts";
import type { Comer, Comers, Coming } from "./comers.ts";
import {
  allOverBy,
  isInvitationSecret,
  isMailedSecret,
  lifetimes,
  linkOf,
  stands,
  type Invitation,
} from "./invitation.ts";
import { invitationLetter } from "./letters.ts";
import { organisationsIn } from "./organisation.ts";
import type { Post } from "./outbox.ts";
import { passwordFault } from "./password.ts";
import { homeOf, normalEmail, type Person } from "./person.ts";
import { invitationsIn, peopleIn } from "./postgres.ts";
import { day, welcomeOf, type Welcome } from "./welcome.ts";

type Needs = {
  storage: Storage;
  keys: Keyring;
  passwords: Passwords;
  spaces: Spaces;
  minting: Minting;
  comers: Comers;
  revocation: Revocation;
  clock: Clock;
  random: Random;
  refusedSignIn: RefusedSignIn;
  post: Post;
  /** Where the platform is, by a name that is in its certificate. */
  address: () => string;
};

/** Invitations of one organisation in a day that are mailed: beyond that somebody might be writing to strangers. */
const mostMailed = 200;

type Accepting = { readonly secret: string; readonly email: string; readonly coming: Coming };

/** How people come to an organisation: somebody in it invites them, and they accept with the link, once. */
export class Invitations {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** The one before to the same address is worth nothing from now on. It is mailed where mail is set up; the link is told in any case. */
  async invite(
    permit: Permit<"member.invite">,
    { email, role, expiresIn = lifetimes.usual }: { email: string; role: Role; expiresIn?: number | undefined },
  ): Promise<Invitation & { readonly link: string; readonly isMailed: boolean }> {
    const { storage, revocation, spaces, post, clock, random, address } = this.#needs;
    storage.admit();
    const known = await this.#personBy(email);
    const secret = newSecret(random, "invitation");
    // Another one, because whoever invites sees that one: it proves nothing of who reads the mail.
    const mailed = post.by === "mail" ? newSecret(random, "invitation") : undefined;
    const invitation = await storage.change(permit, async (unit) => {
      const { person } = inPerson(permit, "member.invite");
      refuseGivingMore(permit, "member.invite", role);
      const space = await spaces.of(unit.scope.org);
      if (known && space.members.has(known.id)) throw new Refusal("member.exists");
      const rows = invitationsIn(unit);
      await rows.removeExpired(clock.now());
      const createdAt = clock.now();
      for (const id of await rows.removeTo(email)) await revocation.in(unit, id, ["people"], allOverBy(createdAt));
      const made: Invitation = {
        id: newId("invitation", random),
        email,
        role,
        invitedBy: person,
        issuedSeq: await authorityIn(unit).nextSeq(),
        createdAt,
        expiresAt: (createdAt + expiresIn) as Instant, // milliseconds both
        digest: digestSecret(secret),
        mailedDigest: mailed === undefined ? undefined : digestSecret(mailed),
      };
      await rows.add(made);
      unit.audit({ what: "member.invited", about: made.id, facts: { role } });
      return made;
    });
    const isMailed = mailed !== undefined && (await this.#mail(permit, invitation, mailed));
    return { ...invitation, link: linkOf(address(), secret), isMailed };
  }

  /** Not when the organisation has mailed very many: whoever invites has the link all the same. */
  async #mail(permit: Permit<"member.invite">, invitation: Invitation, secret: string): Promise<boolean> {
    const { storage, keys, post, address, clock, random } = this.#needs;
    const { email, invitedBy, expiresAt: until } = invitation;
    const { org, made } = await storage.read(permit, async (unit) => ({
      org: await organisationsIn(unit).own(),
      made: await invitationsIn(unit).madeSince(clock.now() - day),
    }));
    if (made > mostMailed) return false;
    const by = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).find(invitedBy));
    const link = linkOf(address(), secret);
    return post.send(invitationLetter(email, { org: org.name, by: by?.email ?? "Somebody", link, until }));
  }

  /** Those that can still be accepted, oldest first. */
  async list(
    permit: Permit<"member.invite">,
    asked: { limit: number; cursor?: string | undefined },
  ): Promise<Page<Invitation>> {
    const { storage, spaces, clock } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    const page = await pageOf(
      asked,
      (after, most) => storage.read(permit, (unit) => invitationsIn(unit).page(after, most)),
      { at: ({ createdAt }) => createdAt, id: ({ id }) => uuidOf(id) },
    );
    return { ...page, items: page.items.filter((one) => stands(one, space, clock.now())) };
  }

  async withdraw(permit: Permit<"member.invite">, id: Id<"invitation">): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      if (!(await invitationsIn(unit).remove(id))) {
        throw refusedBy(permit, "member.invite", id, new Refusal("invitation.unknown"));
      }
      // In the keyring's journal as well: an older backup of the database must not bring it back.
      await this.#needs.revocation.in(unit, id, ["people"], allOverBy(this.#needs.clock.now()));
      unit.audit({ what: "invitation.withdrawn", about: id });
    });
  }

  /** What a browser is to make a passkey with, for somebody who comes with it and has no account. @throws Refusal `invitation.invalid` */
  async passkeyOptions({ secret, email }: Omit<Accepting, "coming">, visit: Visit) {
    const space = await this.#spaceOf(secret);
    const invitation = await this.#find(space, secret);
    const isGood = space && invitation && stands(invitation, space, this.#needs.clock.now());
    if (!isGood || normalEmail(email) !== normalEmail(invitation.email)) throw new Refusal("invitation.invalid");
    return this.#needs.comers.options(invitation, visit);
  }

  /**
   * Makes the person, unless the e-mail has an account, and the membership. Two transactions, because people belong to no organisation:
   * killed between them, it leaves an account without one, and the link still works with the password that was chosen, or the passkey that was made.
   * @throws Refusal `invitation.invalid`; to whoever has the link, also `provider.required`, `password.weak`, `password.common` and what `Proving.as` throws
   */
  async accept(asked: Accepting, visit: Visit): Promise<Welcome> {
    const { storage, comers, address, clock, refusedSignIn } = this.#needs;
    const space = await this.#spaceOf(asked.secret);
    const invitation = await this.#find(space, asked.secret);
    // Before anything that costs: whoever has no link gets no slow hash for it.
    if (!space || !invitation || !stands(invitation, space, clock.now())) throw new Refusal("invitation.invalid");
    // She would be a member whom nothing of her own lets in.
    const demanded = space.demands.people?.provider?.domains;
    if (demanded?.includes(homeOf(invitation.email))) throw providerRequired(space.org);
    const { coming } = asked;
    // Whoever shows a passkey beside it chooses none.
    const chosen = "newPasskey" in coming || coming.passkey ? undefined : coming.password;
    const around = [asked.email, await this.#nameOf(space), new URL(address()).hostname];
    const fault = chosen === undefined ? undefined : passwordFault(chosen, around);
    storage.admit();
    try {
      if (normalEmail(asked.email) !== normalEmail(invitation.email)) throw new Refusal("invitation.invalid");
      const comer = await comers.prove(
        { ...invitation, isRead: isMailedSecret(invitation, asked.secret), fault },
        coming,
        visit,
      );
      return await this.#join(space, comer, asked.secret).catch(async (error: unknown) => {
        // Where that fails too, why she did not come matters more: an account without an organisation opens nothing.
        if (comer.isNew) await comers.forget(comer).catch(() => undefined);
        throw error;
      });
    } catch (error) {
      refusedSignIn({ space, actor: { kind: "platform" } }, invitation.id);
      throw error;
    }
  }

  /** By somebody who is signed in. @throws Refusal `invitation.invalid` where it was sent to another e-mail, too */
  async takeAs(id: Id<"person">, secret: string): Promise<Id<"org">> {
    const { storage, keys, comers, random, clock, refusedSignIn } = this.#needs;
    const space = await this.#spaceOf(secret);
    const invitation = await this.#find(space, secret);
    if (!space || !invitation || !stands(invitation, space, clock.now())) throw new Refusal("invitation.invalid");
    const person = (await storage.instance.read((unit) => peopleIn(unit, { keys, random }).all([id]))).get(id);
    if (!person || normalEmail(person.email) !== normalEmail(invitation.email)) {
      refusedSignIn({ space, actor: { kind: "platform" } }, invitation.id);
      throw new Refusal("invitation.invalid");
    }
    const actor = { kind: "credential", id, person: id } as const;
    await storage.change({ scope: space.scope, actor }, (unit) => this.takeIn(unit, invitation, id));
    if (isMailedSecret(invitation, secret)) await comers.verify(person);
    return space.org;
  }

  /** One that can still be accepted, and where. */
  async standing(secret: string): Promise<{ readonly space: Space; readonly invitation: Invitation } | undefined> {
    const space = await this.#spaceOf(secret);
    const invitation = await this.#find(space, secret);
    return space && invitation && stands(invitation, space, this.#needs.clock.now())
      ? { space, invitation }
      : undefined;
  }

  async #spaceOf(secret: string): Promise<Space | undefined> {
    const { storage, spaces } = this.#needs;
    if (!isInvitationSecret(secret)) return undefined;
    const [row] = await storage.directory.call<{ org: string }>("org_of_invitation", [digestSecret(secret)]);
    return row && spaces.of(idFrom("org", row.org));
  }

  async #find(space: Space | undefined, secret: string): Promise<Invitation | undefined> {
    if (!space) return undefined;
    return this.#needs.storage.read(asPlatform(space.scope), (unit) => invitationsIn(unit).find(digestSecret(secret)));
  }

  async #join(space: Space, comer: Comer, secret: string): Promise<Welcome> {
    const { minting, comers } = this.#needs;
    const { person, proofs, added } = comer;
    const invitation = await this.#find(space, secret);
    if (!invitation) throw new Refusal("invitation.invalid");
    const member = { role: invitation.role, administrator: false };
    const allowed = { scope: space.scope, actor: { kind: "credential", id: person, person } } as const;
    const wanted = { name: "invitation", grants: undefined, lifetime: day, proofs };
    const minted = await minting.forPerson(allowed, person, member, wanted, async (unit) => {
      await comers.refuseChanged(comer);
      await this.takeIn(unit, invitation, person);
      if (added) unit.audit({ what: "factor.added", about: person, facts: added });
    });
    return welcomeOf(space.org, person, minted);
  }

  /** At most one caller ever gets it: the row is removed by whoever comes first. @throws Refusal `invitation.invalid`, `member.exists` */
  async takeIn(unit: Unit, invitation: Invitation, person: Id<"person">): Promise<void> {
    const { spaces, revocation, clock } = this.#needs;
    const { id, role } = invitation;
    const { org } = unit.scope;
    const space = await spaces.of(org);
    if (!stands(invitation, space, clock.now()) || !(await invitationsIn(unit).remove(id))) {
      throw new Refusal("invitation.invalid");
    }
    if (space.members.has(person)) throw new Refusal("member.exists");
    // An older backup of the database must not make it good again.
    await revocation.in(unit, id, ["people"], invitation.expiresAt);
    const member = { role };
    await authorityIn(unit).saveMember(person, member);
    unit.audit({ what: "invitation.accepted", about: id, facts: { person } });
    unit.audit({ what: "member.added", about: person, facts: { role, invitation: id } });
    unit.afterCommit(() => spaces.apply(org, (joined) => joined.setMember(person, member)));
  }

  async #nameOf({ scope }: Space): Promise<string> {
    const { name } = await this.#needs.storage.read(asPlatform(scope), (unit) => organisationsIn(unit).own());
    return name;
  }

  #personBy(email: string): Promise<Person | undefined> {
    const { storage, keys, random } = this.#needs;
    return storage.instance.read((unit) => peopleIn(unit, { keys, random }).byEmail(email));
  }
}

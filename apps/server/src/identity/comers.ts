import type { Passwords } from "@holdfast/crypto";
import { isRefusal, newId, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import type { MadePasskey } from "@holdfast/protocol";
import type { Proof, Spaces, Visit } from "../authority/index.ts";
import { creationOptions, newChallenge, readAttestation } from "../passkeys/index.ts";
import type { InstanceUnit, Keyring, Storage } from "../storage/index.ts";
import { organisationsOf } from "./attempts.ts";
import type { Factors } from "./factors.ts";
import type { OwnEmails } from "./own-email.ts";
import { spend } from "./passkey-rows.ts";
import { asked, ownSite, questionIn, rpIdOf, type IsOurs } from "./passkey-questions.ts";
import { normalEmail, type Person } from "./person.ts";
import { addPasskey, factsOf } from "./person-passkeys.ts";
import { peopleIn } from "./postgres.ts";
import type { Proving, Shown } from "./proving.ts";
import { tellOrganisations } from "./telling.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly passwords: Passwords;
  readonly proving: Proving;
  readonly factors: Factors;
  readonly ownEmails: OwnEmails;
  readonly isOurs: IsOurs;
  readonly clock: Clock;
  readonly random: Random;
};

/** What somebody who was invited shows: what is hers already, or what she chooses now. */
export type Coming = Shown | { readonly newPasskey: MadePasskey };

/** Who comes, and by what she proved who she is. */
export type Comer = {
  readonly person: Id<"person">;
  readonly isNew: boolean;
  readonly proofs: readonly Proof[];
  /** Somebody who had an account. */
  readonly known?: Person;
  /** Of the passkey that she made for it. */
  readonly added?: Readonly<Record<string, string>>;
};

type Address = { readonly email: string; readonly isRead: boolean };
type Invited = { readonly id: Id<"invitation">; readonly email: string };
/** `fault`: why nobody new may choose the password that is shown. */
type ToProve = Invited & Address & { readonly fault: Refusal | undefined };

/** Who comes with an invitation: somebody who has an account, or who makes one by it. */
export class Comers {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** The same whether the e-mail has an account. @throws Refusal `passkey.invalid` where no page of ours asks */
  options({ id: invitation, email: login }: Invited, { origin }: Visit) {
    const { keys, isOurs, clock, random } = this.#needs;
    const rpId = rpIdOf(ownSite(origin, isOurs));
    // Its id becomes hers.
    const challenge = newChallenge("person", clock.now(), random);
    const question = asked(keys, { what: "signUp", invitation }, challenge);
    return creationOptions({ challenge: question, rpId, owner: challenge.id, login, has: [] });
  }

  /**
   * `isRead`: she came with the link that was mailed, so she reads what is sent to her address; else she is asked to prove it.
   * @throws Refusal what `Proving.as` throws; what is weak in a password that opens nothing, alike and after the same time where the
   * e-mail has no account and where it has one; `passkey.invalid`; `invitation.invalid` by the passkey of somebody else
   */
  async prove({ fault, ...invited }: ToProve, coming: Coming, visit: Visit): Promise<Comer> {
    if ("newPasskey" in coming) return this.#begin(invited, coming.newPasskey, visit);
    const made = fault ? undefined : await this.#made(invited, coming);
    if (made) return { person: made, isNew: true, proofs: ["password"] };
    return this.#known(invited, coming, visit).catch((error: unknown) => {
      throw fault && isRefusal(error, "credential.invalid") ? fault : error;
    });
  }

  #known({ email, isRead }: Address, shown: Shown, visit: Visit): Promise<Comer> {
    return this.#needs.proving.as(shown, visit, async ({ person: known, orgs, proofs }) => {
      const { id: person } = known;
      if (normalEmail(known.email) !== normalEmail(email)) throw new Refusal("invitation.invalid"); // somebody else's passkey
      // Anybody with an organisation of his own could try a password here that he found elsewhere: hers learn that it was right.
      await tellOrganisations(this.#needs, { person, orgs }, "signIn.elsewhere");
      if (isRead) await this.verify(known);
      return { person, isNew: false, proofs, known };
    });
  }

  /** She may have chosen another password while what she showed was looked at. @throws Refusal `credential.invalid` */
  async refuseChanged({ known: person, proofs }: Comer): Promise<void> {
    if (person) await this.#needs.proving.refuseChanged({ person, proofs });
  }

  /** She got no membership, so the account that was made for it goes, unless she has one after all. */
  async forget({ person }: Comer): Promise<void> {
    const { storage, factors } = this.#needs;
    if ((await organisationsOf(this.#needs, person)).length > 0) return;
    await storage.instance.change((unit) => peopleIn(unit, this.#needs).remove(person));
    await factors.changed(person);
  }

  #isKnown(email: string): Promise<boolean> {
    return this.#needs.storage.instance.read(
      async (unit) => (await peopleIn(unit, this.#needs).byEmail(email)) !== undefined,
    );
  }

  /** She came with the link that was mailed. */
  async verify(person: Person): Promise<void> {
    if (person.verifiedAt !== undefined) return;
    const { storage, clock } = this.#needs;
    await storage.instance.change((unit) => peopleIn(unit, this.#needs).save({ ...person, verifiedAt: clock.now() }));
  }

  /** Nobody who shows a passkey is new here. */
  async #made(address: Address, coming: Shown): Promise<Id<"person"> | undefined> {
    if (coming.password === undefined || coming.passkey || (await this.#isKnown(address.email))) return undefined;
    return this.#make(address, coming.password);
  }

  /** Nobody, when somebody was faster. */
  async #make({ email, isRead }: Address, password: string): Promise<Id<"person"> | undefined> {
    const { storage, passwords, random } = this.#needs;
    const passwordHash = await passwords.hash(password);
    const id = newId("person", random);
    const isMade = await storage.instance.change((unit) => this.#add(unit, { id, email, passwordHash }, isRead));
    return isMade ? id : undefined;
  }

  async #begin(
    { id: invitation, email, isRead }: Invited & Address,
    answer: MadePasskey,
    { origin }: Visit,
  ): Promise<Comer> {
    const { storage, keys, isOurs, factors, clock } = this.#needs;
    const ours = questionIn(keys, { what: "signUp", invitation }, clock.now());
    const { made, challenge } = await readAttestation(answer, ownSite(origin, isOurs), ours);
    const person = challenge.id;
    const passkey = await storage.instance.change(async (unit) => {
      if (!(await spend(unit, challenge))) throw new Refusal("passkey.invalid");
      // She shows what she has, as with a password that is not hers.
      if (!(await this.#add(unit, { id: person, email, passwordHash: undefined }, isRead)))
        throw new Refusal("credential.invalid");
      return addPasskey(this.#needs, unit, { person, made });
    });
    await factors.changed(person);
    return { person, isNew: true, proofs: ["passkey"], added: factsOf(passkey) };
  }

  async #add(unit: InstanceUnit, made: Omit<Person, "createdAt">, isRead: boolean): Promise<boolean> {
    const { clock, ownEmails } = this.#needs;
    const createdAt = clock.now();
    const person: Person = { ...made, createdAt, verifiedAt: isRead ? createdAt : undefined };
    if (!(await peopleIn(unit, this.#needs).add(person))) return false;
    if (!isRead) await ownEmails.welcome(unit, person);
    return true;
  }
}

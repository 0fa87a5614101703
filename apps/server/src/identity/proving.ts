import type { Passwords } from "@holdfast/crypto";
import { isRefusal, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import type { ShownPasskey } from "@holdfast/protocol";
import type { Proof, Spaces, Visit } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { Attempts, type Attempt } from "../guessing/index.ts";
import { noteRefused, organisationsOf, type RefusedSignIn } from "./attempts.ts";
import type { FactorResets } from "./factor-resets.ts";
import type { Factors } from "./factors.ts";
import type { KnownBrowsers } from "./known-browsers.ts";
import type { PasskeyProof } from "./passkey-proof.ts";
import { normalEmail, type Person } from "./person.ts";
import { peopleIn } from "./postgres.ts";
import { worthTelling, type SignInNotices } from "./sign-in-notices.ts";
import { tellOrganisations } from "./telling.ts";

/** Counts by key. @throws Refusal `rate.exceeded` */
interface Limit {
  take(key: string): unknown;
}

type Needs = {
  storage: Storage;
  keys: Keyring;
  spaces: Spaces;
  passwords: Passwords;
  random: Random;
  factors: Factors;
  passkeys: PasskeyProof;
  resets: FactorResets;
  browsers: KnownBrowsers;
  notices: SignInNotices;
  /** What addresses one customer of a network has. */
  networkOf: (address: string) => string;
  /** How often a slow hash is made at all: for one network, and for one person where she signs in. */
  costs: { readonly ofNetwork: Limit; readonly ofPerson: Limit };
  /** What comes to nothing is counted by address. */
  guard: { admit<T>(address: string, attempt: () => Promise<T>): Promise<T> };
  clock: Clock;
  refusedSignIn: RefusedSignIn;
};

const second = 1_000; // milliseconds
const hour = 3_600 * second;
/** Whoever guesses at one account from elsewhere tries about a hundred passwords a day; where she signs in she never waits for longer than a minute. */
const patience = {
  account: { free: worthTelling, first: second, longest: hour / 4, forgotten: 6 * hour },
  place: { free: 30, first: second, longest: 60 * second, forgotten: hour },
  familiar: { free: 10, first: second, longest: 60 * second, forgotten: hour },
};

/** What somebody shows to be let in as a person. */
export type Shown = ByPassword | ByPasskey;

type ByPasskey = { readonly passkey: ShownPasskey; readonly password?: undefined };

export type ByPassword = {
  readonly email: string;
  readonly password: string;
  /** Of her authenticator app, or a recovery code. */
  readonly code?: string | undefined;
  /** In place of that. */
  readonly passkey?: ShownPasskey | undefined;
};

/** The same of somebody whose session says who she is. */
export type Again = Omit<ByPassword, "email"> | ByPasskey;

/** Somebody who proved who she is, and by what. */
export type Proved = {
  readonly person: Person;
  readonly orgs: readonly Id<"org">[];
  readonly proofs: readonly Proof[];
  /** How many attempts from elsewhere had failed lately. */
  readonly guesses: number;
};

/** The one place where people prove who they are: for a browser, for a token, for an invitation. */
export class Proving {
  readonly #needs: Needs;
  readonly #attempts: Attempts;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#attempts = new Attempts({ clock: needs.clock, ...patience });
  }

  /** Somebody who is signed in already proves it once more. @throws Refusal `confirmation.invalid` */
  async again(person: Id<"person">, shown: Again, visit: Visit): Promise<Proved> {
    const { storage, keys, random } = this.#needs;
    const known = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).find(person));
    const { email } = known ?? { email: "" }; // she is gone, and that answers as a wrong password does
    try {
      return await this.as(shown.password === undefined ? shown : { ...shown, email }, visit, async (proved) => {
        if (proved.person.id !== person) throw new Refusal("credential.invalid"); // somebody else's passkey
        return proved;
      });
    } catch (error) {
      if (!isRefusal(error, "credential.invalid")) throw error;
      throw new Refusal("confirmation.invalid", { cause: error }); // her session is as good as before
    }
  }

  /**
   * Whoever shows what is right is let in by `admit`, as that person; else her organisations are told.
   * @throws Refusal `credential.invalid`, the same and after the same time for an unknown e-mail and a wrong password; to whoever has the
   * password of somebody who has more than that, `factor.…`; `passkey.cloned`; `rate.exceeded` with how long to wait
   */
  async as<T>(shown: Shown, visit: Visit, admit: (proved: Proved) => Promise<T>): Promise<T> {
    if (shown.password !== undefined) return this.#byPassword(shown, visit, admit);
    return this.#needs.guard.admit(visit.address, () => this.#byPasskey(shown, visit, admit));
  }

  /** Nobody guesses a key: whoever shows a good one never waits, and wrong ones are counted as those of other credentials are. */
  async #byPasskey<T>(shown: ByPasskey, visit: Visit, admit: (proved: Proved) => Promise<T>): Promise<T> {
    const { storage, keys, passkeys, random } = this.#needs;
    const owner = await passkeys.ownerOf(shown.passkey);
    const person = owner && (await storage.instance.read((unit) => peopleIn(unit, { keys, random }).find(owner)));
    const orgs = await organisationsOf(this.#needs, person?.id);
    try {
      if (!person) throw new Refusal("credential.invalid");
      await passkeys.of({ person: person.id, orgs }, shown.passkey, visit);
      return await admit({ person, orgs, proofs: ["passkey"], guesses: 0 });
    } catch (error) {
      if (person) void noteRefused(this.#needs, person.id, orgs, error instanceof Refusal ? error.code : undefined);
      throw error;
    }
  }

  async #byPassword<T>(shown: ByPassword, visit: Visit, admit: (proved: Proved) => Promise<T>): Promise<T> {
    const { storage, keys, passwords, browsers, notices, random } = this.#needs;
    const familiar = await browsers.people(visit);
    const person = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).byEmail(shown.email));
    const orgs = await organisationsOf(this.#needs, person?.id);
    const isFamiliar = person !== undefined && familiar.has(person.id);
    const attempt = this.#begin(shown.email, visit, isFamiliar ? person : undefined);
    const isRight = await passwords.matches(shown.password, person?.passwordHash).catch((error: unknown) => {
      attempt.takeBack(); // nobody looked at it
      throw error;
    });
    try {
      if (!isRight || !person) throw new Refusal("credential.invalid");
      attempt.takeBack(); // the password was not guessed; codes are counted by themselves
      const proofs = await this.#proofs({ person: person.id, orgs }, shown, visit);
      return await admit({ person, orgs, proofs, guesses: attempt.others });
    } catch (error) {
      const code = error instanceof Refusal ? error.code : undefined;
      // Nobody waits for this: else it would be heard whether there is such a person.
      if (person && !isFamiliar && code === "factor.invalid") void notices.besideWrong(person, visit);
      if (person && !isFamiliar && code === "credential.invalid" && attempt.others + 1 === worthTelling)
        void notices.guessed(person, visit);
      if (person) void noteRefused(this.#needs, person.id, orgs, code);
      throw error;
    }
  }

  /** The password was right. */
  async #proofs(
    who: { readonly person: Id<"person">; readonly orgs: readonly Id<"org">[] },
    shown: ByPassword,
    visit: Visit,
  ): Promise<readonly Proof[]> {
    const { factors, passkeys, resets } = this.#needs;
    if (shown.passkey) {
      await passkeys.of(who, shown.passkey, visit);
      return ["password", "passkey"];
    }
    if (shown.code === undefined && (await resets.carryOut(who))) return ["password"];
    const beside = await factors.beside(who.person, shown.code);
    if (beside.includes("recoveryCode"))
      await tellOrganisations(this.#needs, who, "factor.used", { factor: "recoveryCode" });
    return ["password", ...beside];
  }

  /** Before the password is looked at. `at`: who signs in with the browser that asks. @throws Refusal `rate.exceeded` */
  #begin(email: string, { address }: Visit, at: Person | undefined): Attempt {
    const { networkOf, costs } = this.#needs;
    const from = networkOf(address);
    const attempt = this.#attempts.begin({ familiar: at?.id, from, account: normalEmail(email) });
    try {
      if (at) costs.ofPerson.take(at.id);
      else costs.ofNetwork.take(from);
      return attempt;
    } catch (error) {
      attempt.takeBack();
      throw error;
    }
  }

  /** Somebody who is signed in shows the password that she has, if she has one; if it is wrong, her organisations are told. @throws Refusal `password.wrong` */
  async knowing(id: Id<"person">, password: string | undefined, visit: Visit): Promise<Person> {
    const { storage, keys, passwords, browsers, random } = this.#needs;
    const person = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).herself(id));
    if (person.passwordHash === undefined) return person;
    const isFamiliar = (await browsers.people(visit)).has(id);
    const attempt = this.#begin(person.email, visit, isFamiliar ? person : undefined);
    if (await passwords.matches(password ?? "", person.passwordHash)) {
      attempt.takeBack();
      return person;
    }
    void noteRefused(this.#needs, id, await organisationsOf(this.#needs, id));
    throw new Refusal("password.wrong");
  }

  /** She may have chosen another password while the one that she showed was looked at. @throws Refusal `credential.invalid` */
  async refuseChanged({ person: { id, passwordSeq = 0 }, proofs }: Pick<Proved, "person" | "proofs">): Promise<void> {
    if (!proofs.includes("password")) return;
    const { storage, keys, random } = this.#needs;
    const person = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).find(id));
    if ((person?.passwordSeq ?? 0) !== passwordSeq) throw new Refusal("credential.invalid");
  }
}

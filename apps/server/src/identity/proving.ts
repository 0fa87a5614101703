import type { Passwords } from "@holdfast/crypto";
import { Refusal, type Id, type Random, type RefusalCode } from "@holdfast/kernel";
import type { Proof, Spaces, Visit } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { noteRefused, organisationsOf, type RefusedSignIn } from "./attempts.ts";
import type { Factors } from "./factors.ts";
import type { Person } from "./person.ts";
import { peopleIn } from "./postgres.ts";
import { tellOrganisations } from "./telling.ts";

type Needs = {
  storage: Storage;
  keys: Keyring;
  spaces: Spaces;
  passwords: Passwords;
  random: Random;
  factors: Factors;
  refusedSignIn: RefusedSignIn;
};

/** What somebody shows to be let in as a person. */
export type Shown = {
  readonly email: string;
  readonly password: string;
  /** Of her authenticator app, or a recovery code. */
  readonly code?: string | undefined;
};

/** The same of somebody whose session says who she is. */
export type Again = Omit<Shown, "email">;

/** Somebody who proved who she is, and by what. */
export type Proved = {
  readonly person: Person;
  readonly orgs: readonly Id<"org">[];
  readonly proofs: readonly Proof[];
};

/** The one place where people prove who they are: for a browser, for a token, for an invitation. */
export class Proving {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Somebody who is signed in already proves it once more. @throws Refusal `confirmation.invalid` */
  async again(person: Id<"person">, shown: Again, visit: Visit): Promise<Proved> {
    const { storage, keys, random } = this.#needs;
    const people = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).all([person]));
    const { email } = people.get(person) ?? { email: "" }; // she is gone, and that answers as a wrong password does
    try {
      return await this.as({ ...shown, email }, visit, async (proved) => proved);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "credential.invalid") throw error;
      throw new Refusal("confirmation.invalid", { cause: error }); // her session is as good as before
    }
  }

  /**
   * Whoever shows what is right is let in by `admit`, as that person; else her organisations are told.
   * @throws Refusal `credential.invalid`, the same and after the same time for an unknown e-mail and a wrong password; to whoever has the
   * password of somebody who has more than that, `factor.…`
   */
  async as<T>(shown: Shown, _visit: Visit, admit: (proved: Proved) => Promise<T>): Promise<T> {
    const { storage, keys, passwords, factors, random } = this.#needs;
    const person = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).byEmail(shown.email));
    const orgs = await organisationsOf(this.#needs, person?.id);
    const isRight = await passwords.matches(shown.password, person?.passwordHash);
    try {
      if (!isRight || !person) throw new Refusal("credential.invalid");
      const beside = await factors.beside(person.id, shown.code);
      if (beside.includes("recoveryCode"))
        await tellOrganisations(this.#needs, { person: person.id, orgs }, "factor.used", { factor: "recoveryCode" });
      return await admit({ person, orgs, proofs: ["password", ...beside] });
    } catch (error) {
      const code = error instanceof Refusal ? error.code : undefined;
      if (person) void noteRefused(this.#needs, person.id, orgs, code);
      throw error;
    }
  }
}

import type { Passwords } from "@holdfast/crypto";
import { Refusal, type Id, type Random } from "@holdfast/kernel";
import type { ShownPasskey } from "@holdfast/protocol";
import type { Proof, Spaces, Visit } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { noteRefused, organisationsOf, type RefusedSignIn } from "./attempts.ts";
import type { FactorResets } from "./factor-resets.ts";
import type { Factors } from "./factors.ts";
import type { PasskeyProof } from "./passkey-proof.ts";
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
  passkeys: PasskeyProof;
  resets: FactorResets;
  refusedSignIn: RefusedSignIn;
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
      return await this.as(shown.password === undefined ? shown : { ...shown, email }, visit, async (proved) => {
        if (proved.person.id !== person) throw new Refusal("credential.invalid"); // somebody else's passkey
        return proved;
      });
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "credential.invalid") throw error;
      throw new Refusal("confirmation.invalid", { cause: error }); // her session is as good as before
    }
  }

  /**
   * Whoever shows what is right is let in by `admit`, as that person; else her organisations are told.
   * @throws Refusal `credential.invalid`, the same and after the same time for an unknown e-mail and a wrong password; to whoever has the
   * password of somebody who has more than that, `factor.…`; `passkey.cloned`
   */
  async as<T>(shown: Shown, visit: Visit, admit: (proved: Proved) => Promise<T>): Promise<T> {
    const { storage, keys, passwords, passkeys, random } = this.#needs;
    const owner = shown.password === undefined ? await passkeys.ownerOf(shown.passkey) : undefined;
    const person = await storage.instance.read(async (unit) => {
      const people = peopleIn(unit, { keys, random });
      if (shown.password !== undefined) return people.byEmail(shown.email);
      return owner && (await people.all([owner])).get(owner);
    });
    const orgs = await organisationsOf(this.#needs, person?.id);
    const isRight = shown.password === undefined || (await passwords.matches(shown.password, person?.passwordHash));
    try {
      if (!isRight || !person) throw new Refusal("credential.invalid");
      const proofs = await this.#proofs({ person: person.id, orgs }, shown, visit);
      return await admit({ person, orgs, proofs });
    } catch (error) {
      const code = error instanceof Refusal ? error.code : undefined;
      if (person) void noteRefused(this.#needs, person.id, orgs, code);
      throw error;
    }
  }

  /** The password was right, where there is one. */
  async #proofs(
    who: { readonly person: Id<"person">; readonly orgs: readonly Id<"org">[] },
    shown: Shown,
    visit: Visit,
  ): Promise<readonly Proof[]> {
    const { factors, passkeys, resets } = this.#needs;
    if (shown.passkey) await passkeys.of(who, shown.passkey, visit);
    if (shown.password === undefined) return ["passkey"];
    if (shown.passkey) return ["password", "passkey"];
    if (shown.code === undefined && (await resets.carryOut(who))) return ["password"];
    const beside = await factors.beside(who.person, shown.code);
    if (beside.includes("recoveryCode"))
      await tellOrganisations(this.#needs, who, "factor.used", { factor: "recoveryCode" });
    return ["password", ...beside];
  }
}

import { Refusal, type Clock, type Random } from "@holdfast/kernel";
import type { MadePasskey, ShownPasskey } from "@holdfast/protocol";
import {
  authorityIn,
  type Caller,
  type Minting,
  type Refused,
  type Revocation,
  type Spaces,
} from "../authority/index.ts";
import { normalEmail } from "../identity/index.ts";
import {
  creationOptions,
  newChallenge,
  readAssertion,
  readAttestation,
  requestOptions,
  used,
  wantedRpId,
} from "../passkeys/index.ts";
import type { Storage } from "../storage/index.ts";
import { wrong } from "./attempts.ts";
import { beginSession, type From, type SignedIn } from "./beginning.ts";
import { endSession } from "./ending.ts";
import { applicationOf, asCaller, mayEnter, opens, siteOf } from "./entering.ts";
import { passkeysIn, spend } from "./passkey-rows.ts";
import { addPasskey } from "./passkeys.ts";
import { sessionsIn, usersIn } from "./postgres.ts";
import { asked, questionIn, type Purpose } from "./questions.ts";
import type { SignUpOf } from "./sign-in.ts";
import type { User } from "./user.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly minting: Minting;
  readonly revocation: Revocation;
  readonly signUpOf: SignUpOf;
  readonly refusedSignIn: (who: Refused, about: string) => void;
  readonly clock: Clock;
  readonly random: Random;
};

/** How users come in without a password, from a page of their application. */
export class PasskeySignIns {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** The same whether the login is somebody's. @throws Refusal `signUp.closed`, `passkey.invalid` */
  async signUpOptions(caller: Caller, who: { readonly login: string; readonly rpId?: string | undefined }) {
    const rpId = wantedRpId(siteOf(caller), who.rpId);
    await this.#signUpOf(caller);
    // Its id becomes that of the user.
    const challenge = this.#newChallenge();
    return creationOptions({
      challenge: asked(caller.space.scope, signUpOf(caller, who.login), challenge),
      rpId,
      owner: challenge.id,
      login: who.login,
      has: [],
    });
  }

  /**
   * Answers nothing, whether the login is somebody's already or not, after the same work.
   * @throws Refusal `signUp.closed`, `passkey.invalid`
   */
  async signUp(
    caller: Caller,
    {
      login,
      name,
      answer,
    }: { readonly login: string; readonly name?: string | undefined; readonly answer: MadePasskey },
  ): Promise<void> {
    const { storage, clock } = this.#needs;
    const application = applicationOf(caller);
    const signUp = await this.#signUpOf(caller);
    const ours = questionIn(caller.space.scope, signUpOf(caller, login), clock.now());
    const { made, challenge } = await readAttestation(answer, siteOf(caller), ours);
    storage.admit();
    await storage.change(asCaller(caller), async (unit) => {
      if (!(await spend(unit, application, challenge, clock.now()))) throw new Refusal("passkey.invalid");
      const user: User = {
        id: challenge.id,
        application,
        login,
        state: signUp === "open" ? "active" : "pending",
        passwordHash: undefined,
        code: undefined,
        createdAt: clock.now(),
        since: await authorityIn(unit).nextSeq(),
        version: 1,
      };
      // No browser makes one that is known: whoever shows it feels for logins, and hears what everybody does.
      const isKnown = (await passkeysIn(unit).byCredential(application, made.credentialId)) !== undefined;
      if (!isKnown && (await usersIn(unit).add(user))) {
        await addPasskey(this.#needs, unit, { user, name, made });
        unit.audit({ what: "applicationUser.signedUp", about: user.id, facts: { application } });
      } else {
        // As many questions to the database as above.
        await authorityIn(unit).nextSeq();
        await passkeysIn(unit).byCredential(application, made.credentialId);
        unit.audit({ what: "applicationUser.signUpRepeated", about: application, facts: { application } });
      }
    });
  }

  /** Nobody is looked up: the answer tells nothing of the login. @throws Refusal `passkey.invalid` where the page has no such site */
  options(caller: Caller, who: { readonly login?: string | undefined; readonly rpId?: string | undefined }) {
    const rpId = wantedRpId(siteOf(caller), who.rpId);
    const challenge = asked(caller.space.scope, signInOf(caller, who.login), this.#newChallenge());
    return { ...requestOptions({ challenge }), rpId };
  }

  /** @throws Refusal `credential.invalid` whatever was not right; `passkey.cloned` */
  async signIn(
    caller: Caller,
    { login, answer }: { readonly login?: string | undefined; readonly answer: ShownPasskey },
    from: From,
  ): Promise<SignedIn> {
    const { storage, minting, clock, refusedSignIn } = this.#needs;
    const application = applicationOf(caller);
    const allowed = asCaller(caller);
    const known = await storage.read(allowed, (unit) => passkeysIn(unit).byCredential(application, answer.id));
    if (!known) throw wrong();
    try {
      const ours = questionIn(caller.space.scope, signInOf(caller, login), clock.now());
      const of = { passkey: known, owner: known.user };
      const { challenge, signed } = await readAssertion(answer, of, siteOf(caller), ours);
      const outcome = await minting.forUser(allowed, async (unit, mint) => {
        const user = await usersIn(unit).take(known.user, application);
        const passkey = await passkeysIn(unit).find(known.id, known.user);
        if (!user || !passkey || !mayEnter(user, caller.space) || !opens(passkey, caller.space)) throw wrong();
        const isHers = login === undefined || normalEmail(login) === normalEmail(user.login);
        if (!isHers || !(await spend(unit, application, challenge, clock.now()))) throw wrong();
        const next = used(passkey, signed, clock.now());
        await passkeysIn(unit).save(next);
        if (next.clonedAt === undefined) return beginSession(this.#needs, unit, mint, { user, from, by: passkey.id });
        // Not all that is hers: by her password, or another passkey, she comes in again.
        for (const session of await sessionsIn(unit).of(user.id)) await endSession(this.#needs, unit, session);
        // Where an older backup forgets that it was a copy, its place among revocations does not.
        await this.#needs.revocation.in(unit, passkey.id, ["people"]);
        unit.audit({ what: "applicationUser.passkeyCloned", about: user.id, facts: { passkey: passkey.id } });
        return undefined; // refused once that is committed
      });
      if (!outcome) throw new Refusal("passkey.cloned");
      return outcome;
    } catch (error) {
      refusedSignIn({ space: caller.space, actor: caller.actor }, known.user);
      throw error;
    }
  }

  #newChallenge() {
    return newChallenge("user", this.#needs.clock.now(), this.#needs.random);
  }

  async #signUpOf(caller: Caller): Promise<"confirmed" | "open"> {
    const { storage, signUpOf } = this.#needs;
    const signUp = await storage.read(asCaller(caller), (unit) => signUpOf(unit, applicationOf(caller)));
    if (signUp === undefined || signUp === "closed") throw new Refusal("signUp.closed");
    return signUp;
  }
}

const signUpOf = (caller: Caller, login: string): Purpose => ({
  what: "signUp",
  application: applicationOf(caller),
  about: normalEmail(login),
});

const signInOf = (caller: Caller, login: string | undefined): Purpose => ({
  what: "signIn",
  application: applicationOf(caller),
  about: login === undefined ? "" : normalEmail(login),
});

import { digestSecret, isSecret, secretAfter, thumbprint, type Passwords } from "@holdfast/crypto";
import { newId, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import {
  authorityIn,
  type Caller,
  type Minting,
  type Refused,
  type Revocation,
  type Spaces,
} from "../authority/index.ts";
import { refuseWeak } from "../identity/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { wrong, type LoginAttempts } from "./attempts.ts";
import { accessOf, beginSession, type From, type SignedIn } from "./beginning.ts";
import { endSession, endSessionsOf, forget } from "./ending.ts";
import { applicationOf, asCaller, mayEnter, stands } from "./entering.ts";
import { removePasskeysOf } from "./passkey-ending.ts";
import { loginIndex, sessionsIn, usersIn } from "./postgres.ts";
import { judge } from "./session.ts";
import { isCodeOf, withPassword, type User } from "./user.ts";

/** Who may sign up as a user of an application; `undefined` where it is over. */
export type SignUpOf = (
  unit: Unit,
  application: Id<"application">,
) => Promise<"closed" | "confirmed" | "open" | undefined>;

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly minting: Minting;
  readonly revocation: Revocation;
  readonly passwords: Passwords;
  readonly attempts: LoginAttempts;
  readonly signUpOf: SignUpOf;
  /** What addresses one customer of a network has. */
  readonly networkOf: (address: string) => string;
  readonly refusedSignIn: (who: Refused, about: string) => void;
  readonly clock: Clock;
  readonly random: Random;
};

/** How users come in, by the published key of their application: every other application and organisation is out of reach from here. */
export class SignIns {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * Answers nothing, whether the login is somebody's already or not, after the same work.
   * @throws Refusal `signUp.closed`, `password.weak`, `password.common`
   */
  async signUp(caller: Caller, { login, password }: Shown): Promise<void> {
    const { storage, passwords, signUpOf, clock, random } = this.#needs;
    const application = applicationOf(caller);
    const allowed = asCaller(caller);
    const signUp = await storage.read(allowed, (unit) => signUpOf(unit, application));
    if (signUp === undefined || signUp === "closed") throw new Refusal("signUp.closed");
    refuseWeak(password, [login]);
    storage.admit();
    const passwordHash = await passwords.hash(password);
    await storage.change(allowed, async (unit) => {
      const user: User = {
        id: newId("user", random),
        application,
        login,
        state: signUp === "open" ? "active" : "pending",
        passwordHash,
        code: undefined,
        createdAt: clock.now(),
        since: await authorityIn(unit).nextSeq(),
        version: 1,
      };
      const isNew = await usersIn(unit).add(user);
      const about = isNew ? user.id : application;
      unit.audit({
        what: isNew ? "applicationUser.signedUp" : "applicationUser.signUpRepeated",
        about,
        facts: { application },
      });
    });
  }

  /** @throws Refusal `credential.invalid`, the same and after the same time for an unknown login, a wrong password and a user who may not come in */
  async signIn(caller: Caller, shown: Shown, from: From): Promise<SignedIn> {
    const { storage, passwords, attempts, networkOf } = this.#needs;
    const application = applicationOf(caller);
    const allowed = asCaller(caller);
    const index = loginIndex(allowed, application, shown.login).toHex();
    const network = networkOf(from.address);
    const succeeded = attempts.begin(index, network);
    const known = await storage.read(allowed, (unit) => usersIn(unit).byLogin(application, shown.login));
    const isRight = await passwords.matches(shown.password, known?.passwordHash);
    try {
      // Who may not come in is told no at the same moment as everybody, and not after the work of a sign-in.
      if (!known || !isRight || !mayEnter(known, caller.space)) throw wrong();
      const signedIn = await this.#begin(caller, known, from);
      succeeded();
      return signedIn;
    } catch (error) {
      if (known) this.#needs.refusedSignIn({ space: caller.space, actor: caller.actor }, known.id);
      throw error;
    }
  }

  /** The password was right. */
  async #begin(caller: Caller, known: User, from: From): Promise<SignedIn> {
    return this.#needs.minting.forUser(asCaller(caller), async (unit, mint) => {
      const user = await usersIn(unit).take(known.id, known.application);
      // Removed, or with another password, while this waited its turn.
      if (!user || user.passwordHash !== known.passwordHash || !mayEnter(user, caller.space)) throw wrong();
      return beginSession(this.#needs, unit, mint, { user, from, by: "password" });
    });
  }

  /**
   * A refresh token for its successor and a new token. One that was used before ends the session, for whoever has it.
   * @throws Refusal `credential.invalid`, `proof.required`
   */
  async refresh(caller: Caller, refreshToken: string, { boundTo }: Pick<From, "boundTo">): Promise<SignedIn> {
    const { minting, clock } = this.#needs;
    const application = applicationOf(caller);
    if (!isSecret(refreshToken, "refresh")) throw wrong();
    const { space } = caller;
    const digest = digestSecret(refreshToken);
    const successor = secretAfter(refreshToken, space.scope.derive("application-refresh"), "refresh");
    const outcome = await minting.forUser(asCaller(caller), async (unit, mint) => {
      const rows = sessionsIn(unit);
      const id = await rows.ofRefresh(digest);
      const session = id && (await rows.take(id));
      if (!session || session.application !== application) throw wrong();
      const user = await usersIn(unit).find(session.user, application);
      const now = clock.now();
      if (!user || !mayEnter(user, space) || !stands(session, space) || now >= session.expiresAt) throw wrong();
      if (session.publicKey && (!boundTo || thumbprint(boundTo) !== thumbprint(session.publicKey)))
        throw new Refusal("proof.required");
      switch (judge(await rows.refresh(digest, digestSecret(successor)), now)) {
        case "reuse":
          await endSession(this.#needs, unit, session);
          unit.audit({ what: "applicationUser.refreshReused", about: user.id, facts: { session: session.id } });
          return undefined; // refused once that is committed
        case "renew":
          await rows.used(digest, now);
          await rows.addRefresh(session.id, digestSecret(successor));
          await rows.saw(session.id, now);
          forget(this.#needs, unit, await authorityIn(unit).removeOf({ session: session.id, past: now }));
          break;
        case "repeat":
          break;
      }
      return { session, access: await accessOf(mint, session), refreshToken: successor };
    });
    if (!outcome) throw wrong();
    return outcome;
  }

  /** By any refresh token that the session had. What is not there is over already. */
  async signOut(caller: Caller, refreshToken: string): Promise<void> {
    const application = applicationOf(caller);
    const { storage } = this.#needs;
    const allowed = asCaller(caller);
    const digest = digestSecret(refreshToken);
    const id = await storage.read(allowed, (unit) => sessionsIn(unit).ofRefresh(digest));
    if (id === undefined) return;
    await storage.change(allowed, async (unit) => {
      const session = await sessionsIn(unit).take(id);
      if (session?.application !== application) throw wrong(); // another's, or somebody was quicker
      await endSession(this.#needs, unit, session);
      unit.audit({ what: "applicationUser.signedOut", about: session.user, facts: { session: session.id } });
    });
  }

  /** With the code that was handed over, once. @throws Refusal `code.invalid`, `password.weak`, `password.common` */
  async setPassword(caller: Caller, asked: Shown & { readonly code: string }, { address }: Pick<From, "address">) {
    const { storage, passwords, attempts, networkOf, clock } = this.#needs;
    const application = applicationOf(caller);
    const allowed = asCaller(caller);
    refuseWeak(asked.password, [asked.login]);
    const succeeded = attempts.begin(loginIndex(allowed, application, asked.login).toHex(), networkOf(address));
    const known = await storage.read(allowed, (unit) => usersIn(unit).byLogin(application, asked.login));
    if (!known || !isCodeOf(known, asked.code, clock.now())) throw new Refusal("code.invalid");
    const passwordHash = await passwords.hash(asked.password);
    await storage.change(allowed, async (unit) => {
      const user = await usersIn(unit).take(known.id, application);
      if (!user || !isCodeOf(user, asked.code, clock.now())) throw new Refusal("code.invalid");
      await endSessionsOf(this.#needs, unit, user);
      // Whoever signed up before her with her e-mail, or had her device, may have made them.
      await removePasskeysOf(this.#needs, unit, user.id);
      await usersIn(unit).save(withPassword(user, passwordHash, await authorityIn(unit).nextSeq()));
      unit.audit({ what: "applicationUser.passwordSet", about: user.id });
    });
    succeeded();
  }
}

type Shown = { readonly login: string; readonly password: string };

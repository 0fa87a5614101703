import {
  digestSecret,
  isSecret,
  newSecret,
  secretAfter,
  thumbprint,
  type Passwords,
  type PublicKey,
} from "@holdfast/crypto";
import { newId, Refusal, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import {
  authorityIn,
  type Caller,
  type MintedToken,
  type MintsForUser,
  type Minting,
  type Refused,
  type Revocation,
  type Spaces,
} from "../authority/index.ts";
import { isLongEnough } from "../identity/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { wrong, type Attempts } from "./attempts.ts";
import { endSession, endSessionsOf, forget } from "./ending.ts";
import { applicationOf, asCaller, mayEnter, stands } from "./entering.ts";
import { loginIndex, sessionsIn, usersIn } from "./postgres.ts";
import { judge, limits, mostSessions, type UserSession } from "./session.ts";
import { isCodeOf, withPassword, type User } from "./user.ts";

/** Who may sign up as a user of an application; `undefined` where it is over. */
type SignUpOf = (unit: Unit, application: Id<"application">) => Promise<"closed" | "confirmed" | "open" | undefined>;

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly minting: Minting;
  readonly revocation: Revocation;
  readonly passwords: Passwords;
  readonly attempts: Attempts;
  readonly signUpOf: SignUpOf;
  /** What addresses one customer of a network has. */
  readonly networkOf: (address: string) => string;
  readonly refusedSignIn: (who: Refused, about: string) => void;
  readonly clock: Clock;
  readonly random: Random;
};

/** From where somebody asks, and the key that the answer is to be bound to. */
export type From = { readonly address: string; readonly boundTo: PublicKey | undefined };

export type SignedIn = {
  readonly session: UserSession;
  readonly access: MintedToken & { readonly expiresAt: Instant };
  readonly refreshToken: string;
};

/** How users come in, by the published key of their application: every other application and organisation is out of reach from here. */
export class SignIns {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * Answers nothing, whether the login is somebody's already or not, after the same work.
   * @throws Refusal `signUp.closed`, `password.weak`
   */
  async signUp(caller: Caller, { login, password }: Shown): Promise<void> {
    const { storage, passwords, signUpOf, clock, random } = this.#needs;
    const application = applicationOf(caller);
    const allowed = asCaller(caller);
    const signUp = await storage.read(allowed, (unit) => signUpOf(unit, application));
    if (signUp === undefined || signUp === "closed") throw new Refusal("signUp.closed");
    if (!isLongEnough(password)) throw new Refusal("password.weak");
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
    attempts.begin(index, network);
    const known = await storage.read(allowed, (unit) => usersIn(unit).byLogin(application, shown.login));
    const isRight = await passwords.matches(shown.password, known?.passwordHash);
    try {
      if (!known || !isRight) throw wrong();
      const signedIn = await this.#begin(caller, known, from);
      attempts.succeeded(index, network);
      return signedIn;
    } catch (error) {
      if (known) this.#needs.refusedSignIn({ space: caller.space, actor: caller.actor }, known.id);
      throw error;
    }
  }

  /** The password was right. */
  async #begin(caller: Caller, known: User, from: From): Promise<SignedIn> {
    const { minting, clock, random } = this.#needs;
    const refreshToken = newSecret(random, "refresh");
    return minting.forUser(asCaller(caller), async (unit, mint) => {
      const user = await usersIn(unit).take(known.id, known.application);
      // Removed, or with another password, while this waited its turn.
      if (!user || user.passwordHash !== known.passwordHash || !mayEnter(user, caller.space)) throw wrong();
      await this.#makeRoom(unit, user);
      const now = clock.now();
      const session: UserSession = {
        id: newId("session", random),
        user: user.id,
        application: user.application,
        issuedSeq: await authorityIn(unit).nextSeq(),
        createdAt: now,
        expiresAt: (now + limits.session) as Instant, // milliseconds both
        seenAt: now,
        publicKey: from.boundTo,
        from: from.address,
      };
      await sessionsIn(unit).add(session);
      await sessionsIn(unit).addRefresh(session.id, digestSecret(refreshToken));
      unit.audit({ what: "applicationUser.signedIn", about: user.id, facts: { session: session.id } });
      return { session, access: await accessOf(mint, session), refreshToken };
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

  /** With the code that was handed over, once. @throws Refusal `code.invalid`, `password.weak` */
  async setPassword(caller: Caller, asked: Shown & { readonly code: string }, { address }: Pick<From, "address">) {
    const { storage, passwords, attempts, networkOf, clock } = this.#needs;
    const application = applicationOf(caller);
    const allowed = asCaller(caller);
    if (!isLongEnough(asked.password)) throw new Refusal("password.weak");
    attempts.begin(loginIndex(allowed, application, asked.login).toHex(), networkOf(address));
    const known = await storage.read(allowed, (unit) => usersIn(unit).byLogin(application, asked.login));
    if (!known || !isCodeOf(known, asked.code, clock.now())) throw new Refusal("code.invalid");
    const passwordHash = await passwords.hash(asked.password);
    await storage.change(allowed, async (unit) => {
      const user = await usersIn(unit).take(known.id, application);
      if (!user || !isCodeOf(user, asked.code, clock.now())) throw new Refusal("code.invalid");
      await endSessionsOf(this.#needs, unit, user);
      await usersIn(unit).save(withPassword(user, passwordHash, await authorityIn(unit).nextSeq()));
      unit.audit({ what: "applicationUser.passwordSet", about: user.id });
    });
  }

  /** Sessions that are over go, and of too many the one that was seen least lately. */
  async #makeRoom(unit: Unit, user: User): Promise<void> {
    const now = this.#needs.clock.now();
    const sessions = await sessionsIn(unit).of(user.id);
    const open = sessions.filter(({ expiresAt }) => now < expiresAt);
    for (const session of sessions) if (now >= session.expiresAt) await sessionsIn(unit).remove(session.id);
    for (const session of open.slice(mostSessions - 1)) await endSession(this.#needs, unit, session);
  }
}

type Shown = { readonly login: string; readonly password: string };

/** A token for a quarter of an hour, or until the session is over. */
async function accessOf(mint: MintsForUser, session: UserSession): Promise<SignedIn["access"]> {
  const { id, user, application, issuedSeq, publicKey, expiresAt: latest } = session;
  const lifetime = limits.access;
  const token = await mint({ user: { id: user, session: id }, application, issuedSeq, publicKey, lifetime, latest });
  return { ...token, expiresAt: token.expiresAt ?? latest };
}

import { digestSecret, newSecret } from "@holdfast/crypto";
import { newId, Refusal, uuidOf, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import {
  authorityIn,
  refusedBy,
  type Caller,
  type Permit,
  type Revocation,
  type Rulings,
  type Spaces,
} from "../authority/index.ts";
import { pageOf, type Page, type Storage, type Unit } from "../storage/index.ts";
import { endSession, endSessionsOf } from "./ending.ts";
import { asCaller, stands, whoIs } from "./entering.ts";
import { forgetListsOf } from "./own-list-ending.ts";
import { sessionsIn, usersIn } from "./postgres.ts";
import type { UserSession } from "./session.ts";
import { activated, codeLifetime, suspended, type Code, type User } from "./user.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly revocation: Revocation;
  readonly rulings: Rulings;
  readonly devices: { unbindIn(unit: Unit, user: Id<"user">): Promise<void> };
  readonly clock: Clock;
  readonly random: Random;
};

type Manages = Permit<"applicationUser.manage">;
type Reads = Permit<"applicationUser.read">;

/** Shown this once. */
export type ShownCode = { readonly code: string; readonly expiresAt: Instant };

/** The users of applications, as whoever runs the application has them, and each user herself. */
export class Users {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async list(permit: Reads, asked: { limit: number; cursor?: string | undefined }): Promise<Page<User>> {
    return pageOf(
      asked,
      (after, most) => this.#needs.storage.read(permit, (unit) => usersIn(unit).list(permit.on, after, most)),
      { at: ({ createdAt }) => createdAt, id: ({ id }) => uuidOf(id) },
    );
  }

  async read(permit: Reads, id: Id<"user">): Promise<User> {
    const user = await this.#needs.storage.read(permit, (unit) => usersIn(unit).find(id, permit.on));
    if (!user) throw refusedBy(permit, "applicationUser.read", id, new Refusal("user.unknown"));
    return user;
  }

  /** With a code in place of a password. @throws Refusal `user.exists` */
  async invite(permit: Manages, login: string): Promise<{ readonly user: User; readonly shown: ShownCode }> {
    const { storage, clock, random } = this.#needs;
    storage.admit();
    const { code, shown } = this.#newCode();
    const user = await storage.change(permit, async (unit) => {
      const made: User = {
        id: newId("user", random),
        application: permit.on,
        login,
        state: "pending",
        passwordHash: undefined,
        code,
        createdAt: clock.now(),
        since: await authorityIn(unit).nextSeq(),
        version: 1,
      };
      if (!(await usersIn(unit).add(made))) throw new Refusal("user.exists");
      unit.audit({ what: "applicationUser.invited", about: made.id, facts: { application: permit.on } });
      return made;
    });
    return { user, shown };
  }

  async suspend(permit: Manages, id: Id<"user">): Promise<User> {
    return this.#change(permit, id, "applicationUser.suspended", async (unit, user) => {
      await endSessionsOf(this.#needs, unit, user);
      return suspended(user);
    });
  }

  async activate(permit: Manages, id: Id<"user">): Promise<User> {
    return this.#change(permit, id, "applicationUser.activated", async (unit, user) =>
      activated(user, await authorityIn(unit).nextSeq()),
    );
  }

  /** A code for a new password. Any before is worth nothing. */
  async reset(permit: Manages, id: Id<"user">): Promise<ShownCode> {
    const { code, shown } = this.#newCode();
    await this.#change(permit, id, "applicationUser.reset", async (_unit, user) => ({
      ...user,
      code,
      version: user.version + 1,
    }));
    return shown;
  }

  async remove(permit: Manages, id: Id<"user">): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      await this.#removeIn(unit, await this.#known(unit, permit, id));
    });
  }

  async sessions(permit: Reads, id: Id<"user">): Promise<readonly UserSession[]> {
    const user = await this.read(permit, id);
    return this.#open(await this.#needs.storage.read(permit, (unit) => sessionsIn(unit).of(user.id)), permit.scope.org);
  }

  /** Who is signed in. */
  async self(caller: Caller): Promise<User> {
    const { id, application } = whoIs(caller);
    const user = await this.#needs.storage.read(asCaller(caller), (unit) => usersIn(unit).find(id, application));
    if (!user) throw new Refusal("credential.invalid");
    return user;
  }

  async removeSelf(caller: Caller): Promise<void> {
    const { id, application } = whoIs(caller);
    await this.#needs.storage.change(asCaller(caller), async (unit) => {
      const user = await usersIn(unit).take(id, application);
      if (!user) throw new Refusal("credential.invalid");
      await this.#removeIn(unit, user);
    });
  }

  /** One that is over already is unknown. @throws Refusal `session.unknown` */
  async endOwnSession(caller: Caller, id: Id<"session">): Promise<void> {
    await this.#needs.storage.change(asCaller(caller), async (unit) => {
      const session = await sessionsIn(unit).take(id);
      if (session?.user !== whoIs(caller).id) throw new Refusal("session.unknown");
      await this.#endIn(unit, session);
    });
  }

  async endOtherSessions(caller: Caller): Promise<void> {
    const { id, session: own } = whoIs(caller);
    await this.#needs.storage.change(asCaller(caller), async (unit) => {
      const sessions = await sessionsIn(unit).of(id);
      await this.#endAllIn(
        unit,
        id,
        sessions.filter((session) => session.id !== own),
      );
    });
  }

  /** @throws Refusal `session.unknown` */
  async endSession(permit: Manages, user: Id<"user">, id: Id<"session">): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      const known = await this.#known(unit, permit, user);
      const session = await sessionsIn(unit).take(id);
      if (session?.user !== known.id) {
        throw refusedBy(permit, "applicationUser.manage", user, new Refusal("session.unknown"));
      }
      await this.#endIn(unit, session);
    });
  }

  async endSessions(permit: Manages, user: Id<"user">): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      const { id } = await this.#known(unit, permit, user);
      await this.#endAllIn(unit, id, await sessionsIn(unit).of(id));
    });
  }

  async ownSessions(caller: Caller): Promise<readonly UserSession[]> {
    const { id } = whoIs(caller);
    return this.#open(await this.#needs.storage.read(asCaller(caller), (unit) => sessionsIn(unit).of(id)), caller.org);
  }

  async #known(unit: Unit, permit: Manages, id: Id<"user">): Promise<User> {
    const user = await usersIn(unit).take(id, permit.on);
    if (!user) throw refusedBy(permit, "applicationUser.manage", id, new Refusal("user.unknown"));
    return user;
  }

  async #endIn(unit: Unit, session: UserSession): Promise<void> {
    await endSession(this.#needs, unit, session);
    unit.audit({ what: "applicationUser.sessionEnded", about: session.user, facts: { session: session.id } });
  }

  /** One entry for all of them, and also where there was none. */
  async #endAllIn(unit: Unit, user: Id<"user">, sessions: readonly UserSession[]): Promise<void> {
    for (const session of sessions) await endSession(this.#needs, unit, session);
    const facts = { sessions: sessions.map(({ id }) => id) };
    unit.audit({ what: "applicationUser.sessionsEnded", about: user, facts });
  }

  /** Less those that are over. */
  async #open(sessions: readonly UserSession[], org: Id<"org">): Promise<readonly UserSession[]> {
    const space = await this.#needs.spaces.of(org);
    const now = this.#needs.clock.now();
    return sessions.filter((session) => now < session.expiresAt && stands(session, space));
  }

  async #change(
    permit: Manages,
    id: Id<"user">,
    what: string,
    change: (unit: Unit, user: User) => Promise<User>,
  ): Promise<User> {
    return this.#needs.storage.change(permit, async (unit) => {
      const user = await change(unit, await this.#known(unit, permit, id));
      await usersIn(unit).save(user);
      unit.audit({ what, about: id });
      return user;
    });
  }

  async #removeIn(unit: Unit, user: User): Promise<void> {
    await endSessionsOf(this.#needs, unit, user);
    await this.#needs.devices.unbindIn(unit, user.id);
    await usersIn(unit).remove(user.id);
    await forgetListsOf(this.#needs, unit, [user.id]);
    unit.audit({ what: "applicationUser.removed", about: user.id, facts: { application: user.application } });
  }

  #newCode(): { readonly code: Code; readonly shown: ShownCode } {
    const { clock, random } = this.#needs;
    const code = newSecret(random, "code");
    const expiresAt = (clock.now() + codeLifetime) as Instant; // milliseconds both
    return { code: { digest: digestSecret(code).toHex(), expiresAt }, shown: { code, expiresAt } };
  }
}

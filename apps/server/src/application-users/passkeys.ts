import { newId, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import type { MadePasskey } from "@holdfast/protocol";
import { authorityIn, refusedBy, type Caller, type Permit, type Revocation, type Spaces } from "../authority/index.ts";
import {
  begun,
  creationOptions,
  mostPasskeys,
  newChallenge,
  readAttestation,
  renamed,
  wantedRpId,
  type NewPasskey,
} from "../passkeys/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { endSession } from "./ending.ts";
import { asCaller, opens, siteOf, whoIs } from "./entering.ts";
import { removePasskey } from "./passkey-ending.ts";
import { passkeysIn, spend } from "./passkey-rows.ts";
import { sessionsIn, usersIn } from "./postgres.ts";
import { asked, questionIn, type Purpose } from "./questions.ts";
import { limits } from "./session.ts";
import type { User } from "./user.ts";
import type { UserPasskey } from "./user-passkey.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly revocation: Revocation;
  readonly clock: Clock;
  readonly random: Random;
};

type Manages = Permit<"applicationUser.manage">;
type Reads = Permit<"applicationUser.read">;

/** The passkeys of a user: as she has them, and as whoever runs the application sees them. */
export class Passkeys {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `signIn.stale`, `passkey.tooMany`, `passkey.invalid` where no page of the application asks */
  async options(caller: Caller, page: Caller | undefined, wanted: { readonly rpId?: string | undefined }) {
    const { storage, clock, random } = this.#needs;
    const rpId = wantedRpId(siteOf(page), wanted.rpId);
    const { id, application } = whoIs(caller);
    const { user, has } = await storage.read(asCaller(caller), async (unit) =>
      this.#herself(unit, caller, await usersIn(unit).find(id, application)),
    );
    const challenge = asked(caller.space.scope, purposeOf(user), newChallenge("user", clock.now(), random));
    return creationOptions({ challenge, rpId, owner: user.id, login: user.login, has });
  }

  /** @throws Refusal `passkey.invalid`, `signIn.stale`, `passkey.tooMany` */
  async add(
    caller: Caller,
    page: Caller | undefined,
    { name, answer }: { readonly name?: string | undefined; readonly answer: MadePasskey },
  ): Promise<UserPasskey> {
    const { storage, clock } = this.#needs;
    const { id: about, application } = whoIs(caller);
    const { scope } = caller.space;
    const ours = questionIn(scope, { what: "add", application, about }, clock.now());
    const { made, challenge } = await readAttestation(answer, siteOf(page), ours);
    storage.admit();
    return storage.change(asCaller(caller), async (unit) => {
      const { user } = await this.#herself(unit, caller, await usersIn(unit).take(about, application));
      if (!(await spend(unit, application, challenge, clock.now()))) throw new Refusal("passkey.invalid");
      return addPasskey(this.#needs, unit, { user, name, made });
    });
  }

  async listOwn(caller: Caller): Promise<readonly UserPasskey[]> {
    return this.#needs.storage.read(asCaller(caller), (unit) => passkeysIn(unit).of(whoIs(caller).id));
  }

  async rename(caller: Caller, id: Id<"passkey">, name: string): Promise<UserPasskey> {
    return this.#needs.storage.change(asCaller(caller), async (unit) => {
      const { passkey } = await this.#own(unit, caller, id);
      const next = renamed(passkey, name);
      await passkeysIn(unit).save(next);
      unit.audit({ what: "applicationUser.passkeyRenamed", about: passkey.user, facts: { passkey: id } });
      return next;
    });
  }

  /** With the sessions that it began, less the one in which she asks. @throws Refusal `passkey.last` */
  async removeOwn(caller: Caller, id: Id<"passkey">): Promise<void> {
    await this.#needs.storage.change(asCaller(caller), async (unit) => {
      const { passkey, user } = await this.#own(unit, caller, id);
      const others = (await passkeysIn(unit).of(user.id)).filter((one) => one.id !== id && opens(one, caller.space));
      if (user.passwordHash === undefined && others.length === 0) throw new Refusal("passkey.last");
      await this.#removeIn(unit, passkey, whoIs(caller).session);
    });
  }

  async list(permit: Reads, user: Id<"user">): Promise<readonly UserPasskey[]> {
    return this.#needs.storage.read(permit, async (unit) => {
      if (await usersIn(unit).find(user, permit.on)) return passkeysIn(unit).of(user);
      throw refusedBy(permit, "applicationUser.read", user, new Refusal("user.unknown"));
    });
  }

  async remove(permit: Manages, user: Id<"user">, id: Id<"passkey">): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      const known = await usersIn(unit).take(user, permit.on);
      if (!known) throw refusedBy(permit, "applicationUser.manage", user, new Refusal("user.unknown"));
      const passkey = await passkeysIn(unit).find(id, user);
      if (!passkey) throw refusedBy(permit, "applicationUser.manage", user, new Refusal("passkey.unknown"));
      await this.#removeIn(unit, passkey);
    });
  }

  /** Whoever came in by it goes: that is why somebody removes it. */
  async #removeIn(unit: Unit, { id, user }: UserPasskey, present?: Id<"session">): Promise<void> {
    await removePasskey(this.#needs, unit, { id });
    const begun = (await sessionsIn(unit).of(user)).filter((one) => one.passkey === id && one.id !== present);
    for (const session of begun) await endSession(this.#needs, unit, session);
    const facts = { passkey: id, sessions: begun.map((one) => one.id) };
    unit.audit({ what: "applicationUser.passkeyRemoved", about: user, facts });
  }

  /** Nobody else changes her meanwhile. */
  async #own(unit: Unit, caller: Caller, id: Id<"passkey">): Promise<{ passkey: UserPasskey; user: User }> {
    const who = whoIs(caller);
    const user = await usersIn(unit).take(who.id, who.application);
    if (!user) throw new Refusal("credential.invalid");
    const passkey = await passkeysIn(unit).find(id, who.id);
    if (!passkey) throw new Refusal("passkey.unknown");
    return { passkey, user };
  }

  /** Whoever has got hold of a token alone does not stay by a passkey of his own: she has signed in lately. @throws Refusal `signIn.stale`, `passkey.tooMany` */
  async #herself(
    unit: Unit,
    caller: Caller,
    user: User | undefined,
  ): Promise<{ user: User; has: readonly UserPasskey[] }> {
    const { id, session } = whoIs(caller);
    const sessions = await sessionsIn(unit).of(id);
    const since = sessions.find((one) => one.id === session)?.createdAt;
    if (!user || since === undefined) throw new Refusal("credential.invalid");
    if (this.#needs.clock.now() - since >= limits.fresh) throw new Refusal("signIn.stale");
    const has = await passkeysIn(unit).of(id);
    if (has.length >= mostPasskeys) throw new Refusal("passkey.tooMany");
    return { user, has };
  }
}

const purposeOf = ({ id, application }: User): Purpose => ({ what: "add", application, about: id });

/** Within the unit of her who is there, or who becomes a user by it. @throws Refusal `passkey.invalid` where the application knows it already */
export async function addPasskey(
  { clock, random }: Pick<Needs, "clock" | "random">,
  unit: Unit,
  {
    user,
    name,
    made,
  }: {
    readonly user: Pick<User, "id" | "application">;
    readonly name?: string | undefined;
    readonly made: NewPasskey;
  },
): Promise<UserPasskey> {
  const id = newId("passkey", random);
  const issuedSeq = await authorityIn(unit).nextSeq();
  const passkey: UserPasskey = {
    ...begun(made, { id, name, issuedSeq, createdAt: clock.now() }),
    user: user.id,
    application: user.application,
  };
  if (!(await passkeysIn(unit).add(passkey)))
    throw new Refusal("passkey.invalid", { detail: "It is known here already." });
  unit.audit({
    what: "applicationUser.passkeyAdded",
    about: user.id,
    facts: { passkey: passkey.id, site: passkey.rpId },
  });
  return passkey;
}

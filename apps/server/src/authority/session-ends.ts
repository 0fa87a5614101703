import { idFrom, isRefusal, Refusal, uuidOf, type Clock, type Id, type Random } from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import { callerOf, refusedBy } from "./caller.ts";
import { refuseTouchingGreater } from "./in-person.ts";
import type { Permit } from "./permit.ts";
import type { LiveSessions } from "./live-sessions.ts";
import type { Revocation } from "./revocation.ts";
import { sessionsIn } from "./session-rows.ts";
import { idIn, limitsOf, type Session } from "./session.ts";
import type { Space } from "./space.ts";
import { asPlatform, type Spaces } from "./spaces.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly revocation: Revocation;
  readonly clock: Clock;
  readonly random: Random;
  readonly live: LiveSessions;
};

/** Why a session ended, as the audit log says it. */
export type WhyEnded =
  | "signOut.done"
  | "signOut.idle"
  | "signOut.leaked"
  | "signOut.elsewhere"
  | "signOut.again"
  | "signOut.factor"
  | "signOut.tooMany"
  | "signOut.password";

/** How sessions of people end: everywhere, or in one organisation alone. An older backup of the database brings none of them back. */
export class SessionEnds {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** In every organisation of hers, also where it never was. */
  async everywhere(session: Session, what: WhyEnded): Promise<void> {
    const { storage, spaces, live: all } = this.#needs;
    const live = all.get(session.id);
    if (live) live.isEnding = true;
    try {
      const orgs = await orgsOf(storage, session);
      await Promise.all(
        orgs.map(async (org) => {
          const space = await orNothing(spaces.of(org));
          if (space) await this.#in(space, session, what);
        }),
      );
      await storage.instance.change((unit) => sessionsIn(unit, this.#needs).remove(session.id));
      if (live) all.forget(live);
    } catch (error) {
      if (live) live.isEnding = false; // it is as good as before, and whoever signed out is told so
      throw error;
    }
  }

  /** All of hers but the one in which she asks. Answers how many. */
  async others(person: Id<"person">, present: Id<"session"> | undefined, what: WhyEnded): Promise<number> {
    const all = await this.#needs.storage.instance.read((unit) => sessionsIn(unit, this.#needs).of(person));
    const others = all.filter(({ session }) => session.id !== present);
    for (const { session } of others) await this.everywhere(session, what);
    return others.length;
  }

  /** All of a member's in this organisation, also where she has not been yet. Answers how many. */
  async inOrganisation(permit: Permit<"credential.revoke">, person: Id<"person">): Promise<number> {
    const { storage, spaces, revocation } = this.#needs;
    const { scope } = permit;
    const member = (await spaces.of(scope.org)).members.get(person);
    if (!member) throw refusedBy(permit, "credential.revoke", person, new Refusal("member.unknown"));
    if (callerOf(permit).credential.person !== person) refuseTouchingGreater(permit, "credential.revoke", member.role);
    const all = await storage.instance.read((unit) => sessionsIn(unit, this.#needs).of(person));
    await storage.change(permit, async (unit) => {
      unit.audit({ what: "sessions.ended", about: person, facts: { count: all.length } });
      for (const { session } of all) await revocation.in(unit, idIn(scope, session), ["people"], session.expiresAt);
    });
    return all.length;
  }

  /** Called each second: whoever asked nothing in an organisation for too long is signed out there, and what stood open is closed. */
  async idle(): Promise<void> {
    const { spaces, clock, live: all } = this.#needs;
    for (const live of all.all()) {
      const now = clock.now();
      const { session, seenIn } = live;
      // Its end stands with each credential, and everybody goes by that.
      if (now >= session.expiresAt) all.forget(live);
      else
        for (const [org, seenAt] of seenIn) {
          const space = await orNothing(spaces.of(org));
          if (!space) seenIn.delete(org);
          else if (this.#isIdle(space, session, seenAt)) await this.inOne(space, session);
        }
    }
  }

  /** Nobody asked anything here for too long. */
  inOne(space: Space, session: Session): Promise<void> {
    return this.#in(space, session, "signOut.idle");
  }

  #isIdle(space: Space, session: Session, seenAt: number): boolean {
    const { absolute, idle } = limitsOf(space.demands);
    const now = this.#needs.clock.now();
    const isOver = now >= session.createdAt + absolute || space.revokedBefore(idIn(space.scope, session), "people") > 0;
    return now >= seenAt + idle && !isOver;
  }

  async #in(space: Space, session: Session, what: WhyEnded): Promise<void> {
    const { storage, revocation } = this.#needs;
    const { scope } = space;
    const id = idIn(scope, session);
    // It was somebody else who handed it in.
    const by = what === "signOut.leaked" ? asPlatform(scope) : { scope, actor: actorIn(space, session) };
    await storage.change(by, async (unit) => {
      unit.audit({ what, about: session.person, facts: { session: id } });
      await revocation.in(unit, id, ["people"], session.expiresAt);
    });
  }
}

export const actorIn = ({ scope }: Space, session: Session) =>
  ({ kind: "credential", id: idIn(scope, session), person: session.person }) as const;

/** Where she is a member, and it may be good: whom an organisation's provider brought, that one lets in, and no other. */
export async function orgsOf(storage: Storage, { person, only }: Session): Promise<readonly Id<"org">[]> {
  const rows = await storage.directory.call<{ org: string }>("orgs_of_person", [uuidOf(person)]);
  const orgs = rows.map(({ org }) => idFrom("org", org));
  return only === undefined ? orgs : orgs.filter((org) => org === only);
}

/** An organisation whose key was erased has nowhere to be a member of. */
export async function orNothing(space: Promise<Space>): Promise<Space | undefined> {
  try {
    return await space;
  } catch (error) {
    if (isRefusal(error, "org.unknown")) return undefined;
    throw error;
  }
}

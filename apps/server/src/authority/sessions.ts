import { isDeepStrictEqual } from "node:util";
import { digestSecret, isSecret, newSecret } from "@holdfast/crypto";
import {
  idFrom,
  newId,
  Refusal,
  rfc3339,
  uuidOf,
  type Clock,
  type Id,
  type Instant,
  type Random,
  type RefusalCode,
} from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import type { Authentication } from "./authentication.ts";
import type { Caller } from "./caller.ts";
import { nobody, type Came } from "./circumstances.ts";
import { LiveSessions, type Live } from "./live-sessions.ts";
import { compile } from "./power.ts";
import { authorityIn } from "./postgres.ts";
import type { Revocation } from "./revocation.ts";
import type { Member } from "./roles.ts";
import { sessionsIn } from "./session-rows.ts";
import {
  credentialOf,
  endOf,
  idIn,
  limits,
  refuseUnconfirmed,
  type Proof,
  type Session,
  type Visit,
} from "./session.ts";
import type { Space } from "./space.ts";
import { asPlatform, type Spaces } from "./spaces.ts";

type Needs = {
  storage: Storage;
  keys: Keyring;
  spaces: Spaces;
  authentication: Authentication;
  revocation: Revocation;
  clock: Clock;
  random: Random;
};

type Beginning = {
  readonly proofs: readonly Proof[];
  readonly visit: Visit;
  readonly only?: Id<"org"> | undefined;
};

/** Characters of what a browser calls itself that are kept. */
const mostAgent = 512;

/** Where a session is good: an organisation, and as what. */
export type Standing = {
  readonly space: Space;
  readonly member: Member;
  readonly id: Id<"session">;
  /** She is a member and gets nothing there until she has what is demanded, or has shown it. */
  readonly lacks?: "factor.demanded" | "factor.unshown" | undefined;
};

/** People who signed in with a browser, and whom a cookie brings back. */
export class Sessions {
  readonly #needs: Needs;
  readonly #live: LiveSessions;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#live = new LiveSessions(needs);
  }

  /**
   * For a person who has just proved who she is. `cookie` is told this once.
   * @throws Refusal `credential.invalid` when there is no organisation that it is good in
   */
  async begin(person: Id<"person">, { proofs, visit, only }: Beginning): Promise<{ session: Session; cookie: string }> {
    const { storage, clock, random } = this.#needs;
    const cookie = newSecret(random, "session");
    const createdAt = clock.now();
    const session = await storage.instance.change(async (unit) => {
      const rows = sessionsIn(unit, this.#needs);
      const made: Session = {
        id: newId("session", random),
        digest: digestSecret(cookie),
        person,
        issuedSeq: await rows.nextSeq(),
        createdAt,
        expiresAt: (createdAt + limits.absolute) as Instant, // milliseconds both
        proofs,
        provedAt: createdAt,
        only,
        from: { address: visit.address, agent: visit.agent.slice(0, mostAgent) },
      };
      await rows.add(made);
      return made;
    });
    try {
      for (const { space, id } of await this.standings(session)) {
        await storage.change({ scope: space.scope, actor: actorIn(space, session) }, async (unit) =>
          unit.audit({ what: "signIn.done", about: person, facts: { session: id } }),
        );
      }
    } catch (error) {
      await storage.instance.change((unit) => sessionsIn(unit, this.#needs).remove(session.id));
      throw error;
    }
    return { session, cookie };
  }

  /**
   * She has proved once more who she is: her cookie is another from now on, told this once.
   * @throws Refusal `request.conflict` where it was replaced, or ended, meanwhile
   */
  async renew({ id }: Session, proofs: readonly Proof[]): Promise<{ session: Session; cookie: string }> {
    const { storage, clock, random } = this.#needs;
    const live = this.#live.get(id);
    if (!live || live.isEnding) throw new Refusal("credential.invalid");
    const before = live.session;
    const cookie = newSecret(random, "session");
    const session: Session = {
      ...before,
      digest: digestSecret(cookie),
      proofs: [...new Set([...before.proofs, ...proofs])],
      provedAt: clock.now(),
    };
    const isThere = await storage.instance.change((unit) =>
      sessionsIn(unit, this.#needs).replace(before.digest, session),
    );
    if (!isThere) throw new Refusal("request.conflict");
    this.#live.replaced(live, session);
    live.known.clear(); // what she has shown since is told to each organisation when she comes
    return { session, cookie };
  }

  /**
   * What stands in the cookie. She is seen.
   * @throws Refusal `credential.invalid`; to whoever proves to hold it also `credential.expired`
   */
  async byCookie(text: string): Promise<Session> {
    const { live, session } = await this.#good(text);
    live.seenAt = this.#needs.clock.now();
    return session;
  }

  /** The same for a question about the session itself, which keeps it no longer: an open page asks whether it is still good. */
  async unseen(text: string): Promise<Session> {
    return (await this.#good(text)).session;
  }

  /** @throws Refusal `confirmation.required` where she proved who she is too long ago */
  async refuseUnconfirmed(text: string): Promise<void> {
    refuseUnconfirmed((await this.#good(text)).session, this.#needs.clock.now());
  }

  /**
   * As a member of this organisation.
   * @throws Refusal `org.unknown` where she is none, whether there is such an organisation or not; `credential.invalid` where it was ended
   */
  async callerIn(session: Session, org: Id<"org">, came: Came): Promise<Caller> {
    const { spaces, authentication } = this.#needs;
    const live = this.#live.get(session.id);
    if (!live) throw new Refusal("credential.invalid");
    // Of hers alone, so that no other one is read, and the time tells nothing of it either.
    if (!live.known.has(org) && !(await this.#orgsOf(session.person)).includes(org)) throw new Refusal("org.unknown");
    const space = await spaces.of(org);
    if (!space.member(session.person)) throw new Refusal("org.unknown");
    await this.#know(live, space);
    const credential = await authentication.credential(space, idIn(space.scope, session));
    if (!credential || live.isEnding) throw new Refusal("credential.invalid");
    return authentication.admit({ space, credential }, came);
  }

  /** Everywhere where she is a member by it now, whether she has what is demanded there or not. @throws Refusal `credential.invalid` when that is nowhere */
  async standings(session: Session): Promise<readonly Standing[]> {
    const { spaces, authentication, clock } = this.#needs;
    const standings: Standing[] = [];
    for (const org of await this.#orgsOf(session.person)) {
      const space = await orNothing(spaces.of(org));
      const member = space?.member(session.person);
      if (!space || !member) continue;
      const id = idIn(space.scope, session);
      const kept = await authentication.credential(space, id);
      const now = clock.now();
      const credential = { ...(kept ?? credentialOf(session, space.scope, now)), proofs: session.proofs };
      const { end } = compile(space, credential, nobody, now);
      const lacks = end?.code === "factor.demanded" || end?.code === "factor.unshown" ? end.code : undefined;
      if (!end || lacks) standings.push({ space, member, id, lacks });
    }
    if (standings.length === 0) throw new Refusal("credential.invalid");
    return standings;
  }

  /** Somebody hands in what a cookie holds: who has it may end it, and learns nothing else, not even whether it did. */
  async reported(text: string): Promise<void> {
    const over: readonly RefusalCode[] = ["credential.invalid", "credential.expired"];
    try {
      await this.end(await this.unseen(text), "signOut.leaked");
    } catch (error) {
      if (!(error instanceof Refusal) || !over.includes(error.code)) throw error; // else there was nothing to end
    }
  }

  /** In every organisation of hers, also where it never was: an older backup of the database brings it back nowhere. */
  async end(session: Session, what: "signOut.done" | "signOut.idle" | "signOut.leaked"): Promise<void> {
    const { storage, spaces, revocation } = this.#needs;
    const live = this.#live.get(session.id);
    if (live) live.isEnding = true;
    try {
      const orgs = await this.#orgsOf(session.person);
      await Promise.all(
        orgs.map(async (org) => {
          const space = await orNothing(spaces.of(org));
          if (!space) return;
          const { scope } = space;
          const id = idIn(scope, session);
          // It was somebody else who handed it in.
          const by = what === "signOut.leaked" ? asPlatform(scope) : { scope, actor: actorIn(space, session) };
          await storage.change(by, async (unit) => {
            unit.audit({ what, about: session.person, facts: { session: id } });
            await revocation.in(unit, id, ["people"], session.expiresAt);
          });
        }),
      );
      await storage.instance.change((unit) => sessionsIn(unit, this.#needs).remove(session.id));
      if (live) this.#live.forget(live);
    } catch (error) {
      if (live) live.isEnding = false; // it is as good as before, and whoever signed out is told so
      throw error;
    }
  }

  /** Called each second: whoever asked nothing for too long is signed out, and what stood open is closed. */
  async endIdle(): Promise<void> {
    const now = this.#needs.clock.now();
    for (const live of this.#live.all()) {
      const { session, seenAt } = live;
      if (now < endOf(session, seenAt)) continue;
      // Its absolute end stands with each credential, and everybody goes by that.
      if (now >= session.expiresAt) this.#live.forget(live);
      else await this.end(session, "signOut.idle");
    }
  }

  /** Called now and then: writes down who was seen when, and forgets what is over. */
  async remember(): Promise<void> {
    const { storage, clock } = this.#needs;
    const seen = this.#live.all().filter(({ seenAt, keptAt }) => seenAt > keptAt);
    const times = seen.map(({ session, seenAt }) => [session.id, seenAt] as const);
    await storage.instance.change(async (unit) => {
      const rows = sessionsIn(unit, this.#needs);
      if (times.length > 0) await rows.saw(times);
      await rows.removeEnded(clock.now());
    });
    for (const [at, live] of seen.entries()) live.keptAt = times[at]?.[1] ?? live.keptAt;
  }

  async #good(text: string): Promise<{ readonly live: Live; readonly session: Session }> {
    if (!isSecret(text, "session")) throw new Refusal("credential.invalid");
    const found = await this.#live.find(digestSecret(text));
    if (!found || found.live.isEnding) throw new Refusal("credential.invalid");
    if (this.#needs.clock.now() >= endOf(found.session, found.live.seenAt)) throw new Refusal("credential.expired");
    return found;
  }

  /** Makes the credential when it is the first time here, once for all who ask meanwhile. */
  async #know(live: Live, space: Space): Promise<void> {
    let known = live.known.get(space.org);
    if (!known) {
      live.known.set(space.org, (known = this.#make(live.session, space)));
      known.catch(() => live.known.delete(space.org));
    }
    await known;
  }

  async #make(session: Session, space: Space): Promise<void> {
    const { storage, spaces, authentication, clock } = this.#needs;
    const { scope } = space;
    const known = await authentication.credential(space, idIn(scope, session));
    if (known && isDeepStrictEqual(known.proofs, session.proofs)) return; // before a restart
    await storage.change({ scope, actor: actorIn(space, session) }, async (unit) => {
      const rows = authorityIn(unit);
      const { proofs } = session;
      const before = known && (await rows.credentialToChange(known.id));
      if (before) {
        const more = { ...before, proofs, version: before.version + 1 };
        await rows.save(more);
        unit.audit({ what: "session.showed", about: more.id, facts: { by: proofs } });
        return unit.afterCommit(() => spaces.apply(scope.org, (it) => it.replace(more)));
      }
      const credential = credentialOf(session, scope, clock.now());
      await rows.save(credential);
      const { id, kind, name } = credential;
      const facts = { kind, name, expiresAt: rfc3339(session.expiresAt) };
      unit.audit({ what: "credential.created", about: id, facts });
      unit.afterCommit(() => spaces.apply(scope.org, (it) => it.credentials.set(id, credential)));
    });
  }

  async #orgsOf(person: Id<"person">): Promise<readonly Id<"org">[]> {
    const rows = await this.#needs.storage.directory.call<{ org: string }>("orgs_of_person", [uuidOf(person)]);
    return rows.map(({ org }) => idFrom("org", org));
  }
}

const actorIn = (space: Space, session: Session) =>
  ({ kind: "credential", id: idIn(space.scope, session), person: session.person }) as const;

/** An organisation whose key was erased has nowhere to be a member of. */
async function orNothing(space: Promise<Space>): Promise<Space | undefined> {
  try {
    return await space;
  } catch (error) {
    if (error instanceof Refusal && error.code === "org.unknown") return undefined;
    throw error;
  }
}

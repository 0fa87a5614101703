import { isDeepStrictEqual } from "node:util";
import { digestSecret, isSecret, newSecret } from "@holdfast/crypto";
import {
  newId,
  Refusal,
  rfc3339,
  type Clock,
  type Id,
  type Instant,
  type Random,
  type RefusalCode,
} from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import type { Authentication } from "./authentication.ts";
import type { Caller } from "./caller.ts";
import type { Came } from "./circumstances.ts";
import { LiveSessions, saw, type Live } from "./live-sessions.ts";
import { authorityIn } from "./postgres.ts";
import type { Revocation } from "./revocation.ts";
import { actorIn, orgsOf, SessionEnds } from "./session-ends.ts";
import { sessionsIn } from "./session-rows.ts";
import {
  idleEndOf,
  lastUseOf,
  standingsOf,
  usedIn,
  type Known,
  type Standings,
  type Used,
} from "./session-standings.ts";
import {
  credentialOf,
  idIn,
  longest,
  refuseUnconfirmed,
  type Brought,
  type Proof,
  type Session,
  type Visit,
} from "./session.ts";
import type { Space } from "./space.ts";
import type { Spaces } from "./spaces.ts";

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
  readonly by?: Brought | undefined;
  /** When she proved who she is, where that was before. */
  readonly provedAt?: Instant | undefined;
  /** She had signed in with that browser before; where nobody looked, it is no news. */
  readonly isFamiliar?: boolean;
};

/** Characters of what a browser calls itself that are kept. */
const mostAgent = 512;

/** Whoever signs in at more places than this ends the one that was used least lately. */
const mostSessions = 50;

/** People who signed in with a browser, and whom a cookie brings back. */
export class Sessions {
  readonly ends: SessionEnds;
  readonly #needs: Needs;
  readonly #live: LiveSessions;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#live = new LiveSessions(needs);
    this.ends = new SessionEnds({ ...needs, live: this.#live });
  }

  /**
   * For a person who has just proved who she is. `cookie` is told this once.
   * @throws Refusal `credential.invalid` when there is no organisation that it is good in
   */
  async begin(
    person: Id<"person">,
    { proofs, visit, only, by, provedAt, isFamiliar = true }: Beginning,
  ): Promise<{ session: Session; cookie: string }> {
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
        expiresAt: (createdAt + longest) as Instant, // milliseconds both
        proofs,
        provedAt: provedAt ?? createdAt,
        only,
        by,
        from: { address: visit.address, agent: visit.agent.slice(0, mostAgent) },
        isFamiliar,
      };
      await rows.add(made);
      return made;
    });
    try {
      const { good, refusing } = await this.standings(session);
      for (const { space } of [...good, ...refusing]) {
        await storage.change({ scope: space.scope, actor: actorIn(space, session) }, async (unit) =>
          unit.audit({
            what: "signIn.done",
            about: person,
            facts: { session: idIn(space.scope, session), provider: by?.provider },
          }),
        );
      }
    } catch (error) {
      await storage.instance.change((unit) => sessionsIn(unit, this.#needs).remove(session.id));
      throw error;
    }
    await this.#endBeyond(person, session);
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
   * The same, once what she showed has changed something for good: what she is told of that reaches her, whatever becomes of the session.
   * No other cookie where this one was replaced, or ended, meanwhile.
   */
  async renewAfter(session: Session, proofs: readonly Proof[]): Promise<string | undefined> {
    try {
      return (await this.renew(session, proofs)).cookie;
    } catch (error) {
      if (error instanceof Refusal) return undefined; // her next request says what is the matter with it
      throw error;
    }
  }

  /**
   * What stands in the cookie, where it is good anywhere. To ask is no sign of life: an open page asks whether it is still good.
   * @throws Refusal `credential.invalid`; to whoever proves to hold it also `credential.expired`
   */
  async byCookie(text: string): Promise<Session> {
    const { session } = await this.#good(text);
    await this.standings(session);
    return session;
  }

  /** @throws Refusal `confirmation.required` where she proved who she is too long ago */
  async refuseUnconfirmed(text: string): Promise<void> {
    refuseUnconfirmed((await this.#good(text)).session, this.#needs.clock.now());
  }

  /**
   * Whoever shows the cookie, as a member of this organisation. She is seen there.
   * @throws Refusal `org.unknown` where she is no member, whether there is such an organisation or not; `credential.invalid` where it was ended,
   * `credential.expired` where she has been away for too long
   */
  async callerIn(text: string, org: Id<"org">, came: Came): Promise<Caller> {
    const { storage, spaces, authentication, clock } = this.#needs;
    const { live, session } = await this.#good(text);
    // Of hers alone, so that no other one is read, and the time tells nothing of it either.
    if (!live.known.has(org) && !(await orgsOf(storage, session)).includes(org)) throw new Refusal("org.unknown");
    const space = await spaces.of(org);
    if (!space.members.has(session.person)) throw new Refusal("org.unknown");
    if (space.isSuspended(session.person)) throw new Refusal("member.suspended");
    await this.#know(live, space);
    const credential = await authentication.credential(space, idIn(space.scope, session));
    if (!credential || live.isEnding) throw new Refusal("credential.invalid");
    if (clock.now() >= idleEndOf(live, space, credential, clock.now())) {
      await this.ends.inOne(space, session);
      throw new Refusal("credential.expired");
    }
    const caller = authentication.admit({ space, credential }, came);
    saw(live, org, clock.now());
    return caller;
  }

  /**
   * Everywhere where it is good now, and where she is a member and it is not.
   * @throws Refusal `credential.invalid` when it is good nowhere, and would not be if she had what is demanded
   */
  async standings(session: Session): Promise<Standings> {
    const known = this.#live.get(session.id) ?? { session, seenAt: session.createdAt, quiet: 0 };
    const standings = await standingsOf(this.#needs, known);
    const isOfUse = standings.good.length > 0 || standings.refusing.some(({ code }) => mended.has(code));
    if (!isOfUse) throw new Refusal("credential.invalid");
    return standings;
  }

  /** Those of one person with where each is good, the newest first. */
  async ofPerson(person: Id<"person">): Promise<readonly (Known & Standings)[]> {
    const all: (Known & Standings)[] = [];
    for (const known of await this.#of(person)) all.push({ ...known, ...(await standingsOf(this.#needs, known)) });
    return all;
  }

  /** Those of a member that are good in this organisation and were used there, the newest first. */
  async usedIn(org: Id<"org">, person: Id<"person">): Promise<readonly Used[]> {
    const space = await this.#needs.spaces.of(org);
    const all = await Promise.all((await this.#of(person)).map((known) => usedIn(this.#needs, space, known)));
    return all.filter((one) => one !== undefined);
  }

  /** Somebody hands in what a cookie holds: who has it may end it, and learns nothing else, not even whether it did. */
  async reported(text: string, what: "signOut.leaked" | "signOut.again" = "signOut.leaked"): Promise<void> {
    const over: readonly RefusalCode[] = ["credential.invalid", "credential.expired"];
    try {
      await this.ends.everywhere((await this.#good(text)).session, what);
    } catch (error) {
      if (!(error instanceof Refusal) || !over.includes(error.code)) throw error; // else there was nothing to end
    }
  }

  /** Called now and then: writes down who was seen when, and forgets what is over. */
  async remember(): Promise<void> {
    const { storage, clock } = this.#needs;
    const seen = this.#live.all().filter(({ seenAt, keptAt }) => seenAt > keptAt);
    const times = seen.map(({ session, seenAt, quiet }) => ({ id: session.id, seenAt, quiet }));
    await storage.instance.change(async (unit) => {
      const rows = sessionsIn(unit, this.#needs);
      if (times.length > 0) await rows.saw(times);
      await rows.removeEnded(clock.now());
    });
    for (const [at, live] of seen.entries()) live.keptAt = times[at]?.seenAt ?? live.keptAt;
  }

  async #good(text: string): Promise<{ readonly live: Live; readonly session: Session }> {
    if (!isSecret(text, "session")) throw new Refusal("credential.invalid");
    const found = await this.#live.find(digestSecret(text));
    if (!found || found.live.isEnding) throw new Refusal("credential.invalid");
    if (!this.#isInTime(found.session)) throw new Refusal("credential.expired");
    return found;
  }

  async #endBeyond(person: Id<"person">, present: Session): Promise<void> {
    const others = (await this.#of(person)).filter(({ session }) => session.id !== present.id);
    const beyond = others.toSorted((a, b) => b.seenAt - a.seenAt).slice(mostSessions - 1);
    for (const { session } of beyond) await this.ends.everywhere(session, "signOut.tooMany");
  }

  async #of(person: Id<"person">): Promise<readonly Known[]> {
    const rows = await this.#needs.storage.instance.read((unit) => sessionsIn(unit, this.#needs).of(person));
    return rows.map((row) => this.#live.get(row.session.id) ?? row).filter(({ session }) => this.#isInTime(session));
  }

  #isInTime({ expiresAt }: Session): boolean {
    return this.#needs.clock.now() < expiresAt;
  }

  /** Makes the credential when it is the first time here, once for all who ask meanwhile. */
  async #know(live: Live, space: Space): Promise<void> {
    let known = live.known.get(space.org);
    if (!known) {
      live.known.set(space.org, (known = this.#make(live, space)));
      known.catch(() => live.known.delete(space.org));
    }
    await known;
  }

  async #make(live: Live, space: Space): Promise<void> {
    const { storage, spaces, authentication, clock } = this.#needs;
    const { session, seenIn } = live;
    const { proofs } = session;
    const { scope, org } = space;
    const known = await authentication.credential(space, idIn(scope, session));
    if (known && !seenIn.has(org)) seenIn.set(org, lastUseOf(space, known)); // before a restart
    if (known && isDeepStrictEqual(known.proofs, proofs)) return;
    if (!known && clock.now() >= idleEndOf(live, space, undefined, clock.now()))
      throw new Refusal("credential.expired");
    await storage.change({ scope, actor: actorIn(space, session) }, async (unit) => {
      const rows = authorityIn(unit);
      const before = known && (await rows.credentialToChange(known.id));
      if (before) {
        const more = { ...before, proofs, version: before.version + 1 };
        await rows.save(more);
        unit.audit({ what: "session.showed", about: more.id, facts: { by: proofs } });
        return unit.afterCommit(() => spaces.apply(org, (it) => it.replace(more)));
      }
      const credential = credentialOf(session, scope);
      await rows.save(credential);
      const { id, kind, name } = credential;
      const facts = { kind, name, expiresAt: rfc3339(session.expiresAt) };
      unit.audit({ what: "credential.created", about: id, facts });
      unit.afterCommit(() => spaces.apply(org, (it) => it.credentials.set(id, credential)));
    });
    if (!known) seenIn.set(org, clock.now());
  }
}

/** What refuses her until she has it, has shown it, or is let in again: until then the session is there to say so. */
const mended: ReadonlySet<RefusalCode> = new Set([
  "factor.demanded",
  "factor.unshown",
  "member.suspended",
  "org.ending",
  "org.suspended",
  "org.unconfirmed",
  "provider.required",
]);

import { type Instant, type Random, type RefusalCode } from "@holdfast/kernel";
import type { Grant } from "@holdfast/protocol";
import {
  asPlatform,
  confirmedFor,
  nameOf,
  type Membership,
  type Session,
  type Sessions,
  type Space,
  type Spaces,
  type Visit,
} from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { byRank, organisationsIn, type Organisation } from "./organisation.ts";
import type { Person } from "./person.ts";
import { peopleIn } from "./postgres.ts";
import type { Again, Proved, Proving, Shown } from "./proving.ts";
import type { KnownBrowsers } from "./known-browsers.ts";
import type { SignInNotices } from "./sign-in-notices.ts";
import { tellOrganisations } from "./telling.ts";

type Needs = {
  proving: Proving;
  sessions: Sessions;
  browsers: KnownBrowsers;
  notices: SignInNotices;
  spaces: Spaces;
  storage: Storage;
  keys: Keyring;
  random: Random;
};

/** Somebody in a browser: who she is, until when, and where she may go. */
export type SignedIn = {
  readonly person: Person;
  readonly session: Session;
  /** When it is over everywhere, whatever she does. */
  readonly expiresAt: Instant;
  /** The one that was founded first is first; those that refuse her stand behind all others. */
  readonly orgs: readonly {
    readonly org: Organisation;
    /** What it is called. */
    readonly role: string;
    readonly grants: readonly Grant[];
    /** When it is over there, whatever she does. */
    readonly expiresAt?: Instant;
    /** From then on it does not let her in, unless she gets what is demanded by then. */
    readonly lacksFrom?: Instant | undefined;
    /** It does not let her in as she is signed in now: that is why. */
    readonly refused?: RefusalCode;
  }[];
};

/** Somebody came in, and what her browser is to keep. */
type Entered = {
  readonly signedIn: SignedIn;
  readonly cookie: string;
  /** Where it changes. */
  readonly browser: string | undefined;
};

/** People in browsers: they sign in, see where they are, and sign out. */
export class Browsers {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** The session that the browser had so far ends. @throws Refusal `credential.invalid`, as `Proving.as` */
  async signIn(asked: Shown, visit: Visit): Promise<Entered> {
    return this.#needs.proving.as(asked, visit, (proved) => this.enter(proved, visit));
  }

  /** Whoever has just proved who she is, and by what. */
  async enter({ person, orgs, proofs, guesses }: Proved, visit: Visit): Promise<Entered> {
    const { proving, sessions, browsers, notices } = this.#needs;
    const arrival = await browsers.cameWith(person.id, visit);
    const { session, cookie } = await sessions.begin(person.id, { proofs, visit, isFamiliar: arrival.isFamiliar });
    await proving.refuseChanged({ person, proofs }).catch(async (error: unknown) => {
      await sessions.ends.everywhere(session, "signOut.password");
      throw error;
    });
    if (visit.session !== undefined) await sessions.reported(visit.session, "signOut.again");
    await notices.arrived({ person, orgs }, visit, arrival, guesses);
    return { signedIn: await this.#signedIn(person, session), cookie, browser: arrival.cookie };
  }

  /** She proves once more who she is. @throws Refusal `confirmation.invalid` */
  async confirm(session: Session, shown: Again, visit: Visit): Promise<{ until: Instant; cookie: string }> {
    const { proving, sessions } = this.#needs;
    const { person, orgs, proofs } = await proving.again(session.person, shown, visit);
    const renewed = await sessions.renew(session, proofs);
    await tellOrganisations(this.#needs, { person: person.id, orgs }, "session.confirmed", { by: proofs });
    const until = (renewed.session.provedAt + confirmedFor) as Instant; // milliseconds both
    return { until, cookie: renewed.cookie };
  }

  /** @throws Refusal `credential.invalid` when it is good nowhere any more */
  async read(session: Session): Promise<SignedIn> {
    const { storage, keys, random } = this.#needs;
    const person = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).herself(session.person));
    return this.#signedIn(person, session);
  }

  async signOut(session: Session): Promise<void> {
    await this.#needs.sessions.ends.everywhere(session, "signOut.done");
  }

  async #signedIn(person: Person, session: Session): Promise<SignedIn> {
    const { sessions, storage } = this.#needs;
    const { good, refusing } = await sessions.standings(session);
    const own = async ({ space, member: { role } }: { readonly space: Space; readonly member: Membership }) => ({
      org: await storage.read(asPlatform(space.scope), (unit) => organisationsIn(unit).own()),
      role: nameOf(role, space.roles),
    });
    const open = await Promise.all(
      good.map(async (one) => ({
        ...(await own(one)),
        grants: one.space.stop?.grants ?? one.space.grantsOfMember(one.member),
        expiresAt: one.expiresAt,
        lacksFrom: one.lacksFrom,
      })),
    );
    const closed = await Promise.all(
      refusing.map(async (one) => ({ ...(await own(one)), grants: [], refused: one.code })),
    );
    const ranked = [open, closed].map((some) => some.toSorted((a, b) => byRank(a.org, b.org)));
    const last = good.toSorted((a, b) => b.expiresAt - a.expiresAt)[0];
    return { person, session, expiresAt: last?.expiresAt ?? session.expiresAt, orgs: ranked.flat() };
  }
}

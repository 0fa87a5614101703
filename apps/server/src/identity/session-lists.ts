import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import { asPlatform, refusedBy, type Permit, type Session, type Sessions, type Spaces } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { byRank, organisationsIn, type Organisation } from "./organisation.ts";

type Needs = { readonly sessions: Sessions; readonly spaces: Spaces; readonly storage: Storage };

/** One of somebody's sessions, as she is shown it. */
export type Own = {
  readonly session: Session;
  readonly lastUsedAt: Instant;
  readonly isCurrent: boolean;
  readonly orgs: readonly { readonly org: Organisation; readonly until: Instant }[];
};

/** Where people are signed in: for each of them all of hers, and for an organisation those of its members there. */
export class SessionLists {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Those that are good anywhere. */
  async own(current: Session): Promise<readonly Own[]> {
    const { sessions, storage } = this.#needs;
    const own: Own[] = [];
    for (const { session, seenAt, good } of await sessions.ofPerson(current.person)) {
      const isCurrent = session.id === current.id;
      if (good.length === 0 && !isCurrent) continue;
      const orgs = await Promise.all(
        good.map(async ({ space, until }) => ({
          org: await storage.read(asPlatform(space.scope), (unit) => organisationsIn(unit).own()),
          until,
        })),
      );
      own.push({ session, lastUsedAt: seenAt, isCurrent, orgs: orgs.toSorted((a, b) => byRank(a.org, b.org)) });
    }
    return own;
  }

  /** @throws Refusal `session.unknown` */
  async end({ person }: Session, id: Id<"session">): Promise<void> {
    const { sessions } = this.#needs;
    const found = (await sessions.ofPerson(person)).find(({ session }) => session.id === id);
    if (!found) throw new Refusal("session.unknown");
    await sessions.ends.everywhere(found.session, "signOut.elsewhere");
  }

  async endOthers({ person, id }: Session): Promise<number> {
    return this.#needs.sessions.ends.others(person, id, "signOut.elsewhere");
  }

  /** @throws Refusal `member.unknown` */
  async ofMember(permit: Permit<"credential.revoke">, person: Id<"person">) {
    const { sessions, spaces } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    if (!space.members.has(person)) throw refusedBy(permit, "credential.revoke", person, new Refusal("member.unknown"));
    return sessions.usedIn(space.org, person);
  }

  async endOfMember(permit: Permit<"credential.revoke">, person: Id<"person">): Promise<number> {
    return this.#needs.sessions.ends.inOrganisation(permit, person);
  }
}

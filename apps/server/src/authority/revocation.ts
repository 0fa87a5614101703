import { isId, Refusal, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import type { Storage, Unit } from "../storage/index.ts";
import { callerOf, refusedBy } from "./caller.ts";
import { endings, parties, partyOf, type Credential, type Ending, type Party } from "./credential.ts";
import { refuseTouchingGreater } from "./in-person.ts";
import type { Journal } from "./journal.ts";
import { formatTag, tagIn, type Tag } from "./tag.ts";
import type { Permit } from "./permit.ts";
import { authorityIn } from "./postgres.ts";
import type { Mark } from "./revocation-rows.ts";
import { tagIndex } from "./reach-sql.ts";
import type { Space } from "./space.ts";
import { asPlatform, type Spaces } from "./spaces.ts";
import { refuseUnknown } from "./under.ts";

type Needs = { storage: Storage; spaces: Spaces; journal: Journal };

/** Ends credentials: one, or every one issued so far under an organisation, application, product, device or person. */
export class Revocation {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** One, and its children. With "made" also the keys of devices and applications that were made with it or with its children. */
  async credential(permit: Permit<"credential.revoke">, id: CredentialId, also: readonly "made"[] = []): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      const rows = authorityIn(unit);
      const credential = await rows.credentialToChange(id);
      if (!credential) throw refusedBy(permit, "credential.revoke", id, new Refusal("credential.unknown"));
      if (credential.person && partyOf(credential) === "people") refuseEndingGreater(permit, [credential.person]);
      unit.audit({ what: "credential.revoked", about: id, ...(also.length > 0 && { facts: { also } }) });
      await this.endIn(unit, credential, also);
    });
  }

  /** A link to a dashboard, by whoever shares it. */
  async dashboardLink(permit: Permit<"dashboard.share">, id: CredentialId): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      const credential = await authorityIn(unit).credentialToChange(id);
      if (!credential || credential.dashboard !== permit.on)
        throw refusedBy(permit, "dashboard.share", id, new Refusal("dashboard.linkUnknown"));
      unit.audit({ what: "credential.revoked", about: id, facts: { dashboard: permit.on } });
      await this.endIn(unit, credential);
    });
  }

  /** Within a unit that has read it to change it, and says in the audit log why. */
  async endIn(unit: Unit, credential: Credential, also: readonly "made"[] = []): Promise<void> {
    const { id } = credential;
    const revoked: Credential = { ...credential, state: "revoked", version: credential.version + 1 };
    if (credential.state === "active") await authorityIn(unit).save(revoked);
    unit.afterCommit(() => this.#needs.spaces.apply(unit.scope.org, (space) => space.credentials.set(id, revoked)));
    // What it made for devices and applications does not end with it.
    await this.in(unit, id, [...parties, ...also], also.length > 0 ? undefined : credential.expiresAt);
  }

  /** What was issued before this moment is over; what is issued after it is not touched. */
  async everythingUnder(permit: Permit<"credential.revoke">, about: string, ends: readonly Party[]): Promise<void> {
    const tag = tagIn(about);
    if (tag) return this.#everythingTagged(permit, tag, ends);
    const caller = callerOf(permit);
    await this.#needs.storage.change(permit, async (unit) => {
      refuseUnknown(caller, about);
      if (ends.includes("people")) refuseEndingGreater(permit, peopleUnder(caller.space, about));
      unit.audit({ what: "credentials.revoked", about, facts: { ends } });
      await this.in(unit, about, ends);
    });
  }

  /** Every device that has the tag at this moment gets a mark of its own: one that loses the tag is as over as before. */
  async #everythingTagged(permit: Permit<"credential.revoke">, tag: Tag, asked: readonly Party[]): Promise<void> {
    // Under a device there is nobody else's.
    const ends = asked.filter((party) => party === "devices");
    if (ends.length === 0) {
      const fault = { path: "ends", message: "a tag is one of devices, so it ends theirs" };
      throw new Refusal("request.malformed", { faults: [fault] });
    }
    const { storage, spaces, journal } = this.#needs;
    await storage.change(permit, async (unit) => {
      const rows = authorityIn(unit);
      const { scope, at } = unit;
      const { org } = scope;
      const seq = await rows.nextSeq();
      const devices = await rows.revokeTagged(tagIndex(scope, tag.key, tag.value), ends, seq);
      const facts = { tag: formatTag(tag), devices: devices.length };
      unit.audit({ what: "credentials.revoked", about: org, facts });
      if (devices.length === 0) return;
      unit.afterCommit(() => {
        spaces.apply(org, (space) => space.revokeAll(devices, ends, seq));
        const entries = devices.map((about) => ({ org, about, ends, seq, at }));
        journal.revoked(entries, `a revocation of ${formatTag(tag)}`);
      });
    });
  }

  /** Within somebody else's unit: a device that retires, an application that ends. `until`: when all that this ends is over by itself. */
  async in(unit: Unit, about: string, ends: readonly Ending[], until?: Instant): Promise<void> {
    const { spaces, journal } = this.#needs;
    const rows = authorityIn(unit);
    const seq = await rows.nextSeq();
    await rows.revoke(about, ends, seq, until);
    const { org } = unit.scope;
    unit.afterCommit(() => {
      spaces.apply(org, (space) => space.revoke(about, ends, seq));
      journal.revoked([{ org, about, ends, seq, at: unit.at }], `a revocation of ${about}`);
    });
  }

  /**
   * A device that leaves an application or a product stays as revoked as it was there: moving revives nothing. Answers what had not
   * ended for it before.
   */
  async carryOver(unit: Unit, device: Id<"device">, from: string): Promise<readonly Mark[]> {
    const { spaces, journal } = this.#needs;
    const { org } = unit.scope;
    const carried = await authorityIn(unit).inherit(device, from);
    for (const { about, ends, seq } of carried) {
      unit.afterCommit(() => {
        spaces.apply(org, (space) => space.revoke(about, [ends], seq));
        journal.revoked([{ org, about, ends: [ends], seq, at: unit.at }], `a revocation of ${about}`);
      });
    }
    return carried;
  }

  /**
   * At start: the database learns what only the journal knows (an older backup was restored), the journal what it missed,
   * and the sequence goes beyond both. Answers how many revocations the database had lost.
   */
  async reconcile(orgs: readonly Id<"org">[], advance: (seq: number) => Promise<void>): Promise<number> {
    const { book } = this.#needs.journal;
    const entries = await book.all();
    await advance(await book.lastSeq());
    const journaled = entries.flatMap((entry) =>
      endings.filter((one) => entry.ends.includes(one)).map((ends) => ({ ...entry, ends })),
    );
    const byOrg = Map.groupBy(journaled, ({ org }) => org);
    let lost = 0;
    for (const org of orgs) lost += await this.#reconcile(org, byOrg.get(org) ?? []);
    return lost;
  }

  async #reconcile(org: Id<"org">, journaled: readonly Mark[]): Promise<number> {
    const { storage, spaces, journal } = this.#needs;
    const allowed = asPlatform(await storage.scopeOf(org));
    const kept = await storage.read(allowed, (unit) => authorityIn(unit).revocations());
    const name = ({ about, ends }: Mark) => `${about} ${ends}`;
    const keptSeq = new Map(kept.map((mark) => [name(mark), mark.seq]));
    const journaledSeq = new Map(journaled.map((mark) => [name(mark), mark.seq]));
    for (const mark of kept) {
      if ((journaledSeq.get(name(mark)) ?? 0) >= mark.seq) continue;
      const { about, ends, seq } = mark;
      await journal.book.append([{ org, about, ends: [ends], seq, at: 0 as Instant }]); // when is not known any more
    }
    const missing = journaled.filter((mark) => (keptSeq.get(name(mark)) ?? 0) < mark.seq);
    if (missing.length === 0) return 0;
    await storage.change(allowed, async (unit) => {
      for (const { about, ends, seq } of missing) {
        await authorityIn(unit).revoke(about, [ends], seq);
        unit.audit({ what: "revocation.restored", about, facts: { ends: [ends] } });
        unit.afterCommit(() => spaces.apply(org, (space) => space.revoke(about, [ends], seq)));
      }
    });
    return missing.length;
  }
}

/** Whose sign-ins end with it, of those who have a role. */
const peopleUnder = (space: Space, about: string): readonly Id<"person">[] =>
  about === space.org ? [...space.members.keys()] : isId("person", about) ? [about] : [];

/** A program is ended by whoever may; that somebody is signed in only by who may all that her role lets her. @throws Refusal `role.greater` */
function refuseEndingGreater(permit: Permit<"credential.revoke">, people: readonly Id<"person">[]): void {
  const caller = callerOf(permit);
  for (const person of people) {
    const member = person === caller.credential.person ? undefined : caller.space.members.get(person);
    if (member) refuseTouchingGreater(permit, "credential.revoke", member.role);
  }
}

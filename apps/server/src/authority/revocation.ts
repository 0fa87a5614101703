import { kindOfId, Refusal, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import type { Storage, Unit } from "../storage/index.ts";
import { parties, type Credential, type Party } from "./credential.ts";
import type { Permit } from "./permit.ts";
import { authorityIn } from "./postgres.ts";
import { asPlatform, type Spaces } from "./spaces.ts";

/** One revocation, as the keyring's journal keeps it: away from the database, so that a restored backup revives nothing. */
export type Revoked = {
  readonly org: Id<"org">;
  readonly about: string;
  /** Parties; text, because the keyring only carries it. */
  readonly ends: readonly string[];
  readonly seq: number;
  readonly at: Instant;
};

export interface Journal {
  append(revoked: Revoked): Promise<void>;
  all(): Promise<readonly Revoked[]>;
}

type Needs = { storage: Storage; spaces: Spaces; journal: Journal; report: (message: string) => void };

/** Ends credentials: one, or every one issued so far under an organisation, application, product, device or person. */
export class Revocation {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async credential(permit: Permit<"credential.revoke">, id: CredentialId): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      const rows = authorityIn(unit);
      const credential = await rows.credential(id);
      if (!credential) throw new Refusal("credential.unknown");
      const revoked: Credential = { ...credential, state: "revoked", version: credential.version + 1 };
      if (credential.state === "active") await rows.save(revoked);
      unit.audit({ what: "credential.revoked", about: id });
      unit.afterCommit(() => this.#needs.spaces.apply(unit.scope.org, (space) => space.credentials.set(id, revoked)));
      await this.in(unit, id, parties);
    });
  }

  /** What was issued before this moment is over; what is issued after it is not touched. */
  async everythingUnder(permit: Permit<"credential.revoke">, about: string, ends: readonly Party[]): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      const space = await this.#needs.spaces.of(unit.scope.org);
      const kind = kindOfId(about);
      const known =
        about === space.org ||
        (kind === "application" && space.hasApplication(about as Id<"application">)) || // the kind was read from the text
        (kind === "product" && space.hasProduct(about as Id<"product">)) ||
        (kind === "device" && space.device(about as Id<"device">) !== undefined) ||
        (kind === "person" && space.member(about as Id<"person">) !== undefined);
      if (!known) throw new Refusal("credential.unknown");
      unit.audit({ what: "credentials.revoked", about, facts: { ends } });
      await this.in(unit, about, ends);
    });
  }

  /** Within somebody else's unit: a device that retires, an application that ends. */
  async in(unit: Unit, about: string, ends: readonly Party[]): Promise<void> {
    const { spaces, journal, report } = this.#needs;
    const rows = authorityIn(unit);
    const seq = await rows.nextSeq();
    await rows.revoke(about, ends, seq);
    const { org } = unit.scope;
    unit.afterCommit(() => {
      spaces.apply(org, (space) => space.revoke(about, ends, seq));
      // Cutting off must not wait for the keyring: what the journal missed is added at the next start (`reconcile`).
      journal
        .append({ org, about, ends, seq, at: unit.at })
        .catch(() => report(`the keyring did not take a revocation of ${about}`));
    });
  }

  /** A device that leaves an application or a product stays as revoked as it was there: moving revives nothing. */
  async carryOver(unit: Unit, device: Id<"device">, from: string): Promise<void> {
    const { spaces } = this.#needs;
    const space = await spaces.of(unit.scope.org);
    for (const party of parties) {
      const seq = space.revokedBefore(from, party);
      if (seq <= space.revokedBefore(device, party)) continue;
      await authorityIn(unit).revoke(device, [party], seq);
      unit.afterCommit(() => spaces.apply(unit.scope.org, (loaded) => loaded.revoke(device, [party], seq)));
    }
  }

  /**
   * At start: the database learns what only the journal knows (an older backup was restored), the journal what it missed,
   * and the sequence goes beyond both. Answers how many revocations the database had lost.
   */
  async reconcile(orgs: readonly Id<"org">[], advance: (seq: number) => Promise<void>): Promise<number> {
    const { storage, spaces, journal } = this.#needs;
    const entries = await journal.all();
    await advance(entries.reduce((most, { seq }) => Math.max(most, seq), 0));
    let lost = 0;
    for (const org of orgs) {
      const { scope } = await spaces.of(org);
      const kept = await storage.read(asPlatform(scope), (unit) => authorityIn(unit).revocations());
      const seqOf = new Map(kept.map(({ about, party, seq }) => [`${about} ${party}`, seq]));
      const missing = entries.filter(
        (entry) =>
          entry.org === org && entry.ends.some((party) => (seqOf.get(`${entry.about} ${party}`) ?? 0) < entry.seq),
      );
      const journaled = new Set(
        entries
          .filter((entry) => entry.org === org)
          .flatMap(({ about, ends, seq }) => ends.map((party) => `${about} ${party} ${seq}`)),
      );
      for (const { about, party, seq } of kept) {
        if (!journaled.has(`${about} ${party} ${seq}`))
          await journal.append({ org, about, ends: [party], seq, at: 0 as Instant }); // when is not known any more
      }
      if (missing.length === 0) continue;
      lost += missing.length;
      await storage.change(asPlatform(scope), async (unit) => {
        for (const { about, ends, seq } of missing) {
          const known = parties.filter((party) => ends.includes(party));
          await authorityIn(unit).revoke(about, known, seq);
          unit.audit({ what: "revocation.restored", about, facts: { ends } });
          unit.afterCommit(() => spaces.apply(org, (space) => space.revoke(about, known, seq)));
        }
      });
    }
    return lost;
  }
}

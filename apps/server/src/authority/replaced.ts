import { digestSecret, newSecret } from "@holdfast/crypto";
import type { Clock, CredentialId, Id, Instant, Random } from "@holdfast/kernel";
import type { Storage, Unit } from "../storage/index.ts";
import type { Credential } from "./credential.ts";
import { isCredentialId } from "./explain.ts";
import type { Journal } from "./journal.ts";
import { authorityIn } from "./postgres.ts";
import { asPlatform } from "./spaces.ts";

type Needs = { storage: Storage; journal: Journal; clock: Clock; random: Random };

const turn = "replaced";
const digits = 32; // of a digest, enough to tell it from every other

/** Which secrets were replaced, as the keyring's journal keeps it: so that an older backup of the database brings none of them back. */
export class Replaced {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Within the unit that does it. `endsAt`: until then it is good all the same. */
  async note(unit: Unit, id: CredentialId, digest: Uint8Array, endsAt: Instant): Promise<void> {
    const { org } = unit.scope;
    const seq = await authorityIn(unit).nextSeq();
    const entry = { org, about: nameOf(id, digest), ends: [turn], seq, at: endsAt };
    unit.afterCommit(() => this.#needs.journal.revoked([entry], `that a secret of ${id} was replaced`));
  }

  /**
   * At start. Where the database knows a secret as the one that is good, and it was replaced, an older backup was restored: the one that
   * took its place is known to nobody here, so the credential has to be rotated again. Answers how many there were.
   */
  async reconcile(orgs: readonly Id<"org">[]): Promise<number> {
    const { storage, journal } = this.#needs;
    const entries = (await journal.book.all()).filter(({ ends }) => ends.includes(turn));
    const byOrg = Map.groupBy(entries, ({ org }) => org);
    let lost = 0;
    for (const org of orgs) {
      const ends = new Map(byOrg.get(org)?.map(({ about, at }) => [about, at]));
      const ids = [...ends.keys()].map((about) => about.split("/")[0] ?? "").filter(isCredentialId);
      if (ids.length === 0) continue;
      const allowed = asPlatform(await storage.scopeOf(org));
      const kept = await storage.read(allowed, (unit) => authorityIn(unit).credentialsOf([...new Set(ids)]));
      const revived = kept.flatMap((credential) => {
        const endsAt = ends.get(nameOf(credential.id, credential.digest));
        return endsAt === undefined ? [] : [{ credential, endsAt }];
      });
      if (revived.length === 0) continue;
      await storage.change(allowed, async (unit) => {
        for (const one of revived) await this.#endIn(unit, one.credential, one.endsAt);
      });
      lost += revived.length;
    }
    return lost;
  }

  async #endIn(unit: Unit, credential: Credential, endsAt: Instant): Promise<void> {
    const { clock, random } = this.#needs;
    await authorityIn(unit).save({
      ...credential,
      digest: digestSecret(newSecret(random)),
      former: endsAt > clock.now() ? { digest: credential.digest, madeAt: credential.createdAt, endsAt } : undefined,
      version: credential.version + 1,
    });
    unit.audit({ what: "rotation.restored", about: credential.id });
  }
}

const nameOf = (id: CredentialId, digest: Uint8Array): string => `${id}/${digest.toHex().slice(0, digits)}`;

import { idFrom, Refusal, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { inPerson, type Permit, type Spaces } from "../authority/index.ts";
import type { Allowed, Storage } from "../storage/index.ts";
import { organisationsIn, standingOf, type Organisation } from "./organisation.ts";

type Needs = { readonly storage: Storage; readonly spaces: Spaces };

/**
 * Organisations that came with a backup of which the keyring had not heard. Until somebody confirms one, its owners look through who may what, and
 * end what should have ended; nobody else is let in.
 */
export class Confirming {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** By an owner. @throws Refusal `org.confirmed` */
  async confirm(permit: Permit<"org.update">): Promise<Organisation> {
    inPerson(permit, "org.update");
    return this.#confirm(permit, permit.on);
  }

  /** By whoever administers the instance and knows that nothing was revoked since. @throws Refusal `org.confirmed`, `org.unknown` */
  async confirmFor(permit: Permit<"instance.manage">, org: Id<"org">): Promise<void> {
    inPerson(permit, "instance.manage");
    await this.#confirm(permit, org);
  }

  /** All that there are. Answers which. */
  async confirmAll(permit: Permit<"instance.manage">): Promise<readonly Id<"org">[]> {
    inPerson(permit, "instance.manage");
    const orgs = [...(await unconfirmed(this.#needs.storage)).keys()];
    for (const org of orgs) await this.#confirm(permit, org);
    return orgs;
  }

  async #confirm(by: Permit<"org.update"> | Permit<"instance.manage">, org: Id<"org">): Promise<Organisation> {
    const { storage, spaces } = this.#needs;
    const { scope } = await spaces.of(org);
    const allowed: Allowed = { scope, actor: by.actor };
    return storage.change(allowed, async (unit) => {
      by.askAgain(); // it may have waited its turn
      const { unconfirmedSince, ...organisation } = await organisationsIn(unit).own();
      if (unconfirmedSince === undefined) throw new Refusal("org.confirmed");
      await unit.query("delete from unconfirmed where org = $1", [uuidOf(org)]);
      unit.audit({ what: "org.confirmed", about: org });
      unit.afterCommit(() => spaces.apply(org, (space) => space.setStanding(standingOf(organisation))));
      return organisation;
    });
  }
}

/** Which there are, and since when. */
export async function unconfirmed(storage: Storage): Promise<ReadonlyMap<Id<"org">, Instant>> {
  const rows = await storage.directory.call<{ org: string; since: number }>("orgs_unconfirmed", []);
  return new Map(rows.map(({ org, since }) => [idFrom("org", org), since as Instant])); // a bigint column of ours
}

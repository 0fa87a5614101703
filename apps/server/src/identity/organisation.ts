import { Refusal, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Permit } from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";

/** The boundary of isolation, keys and quota. */
export type Organisation = { readonly id: Id<"org">; readonly name: string; readonly createdAt: Instant };

export const organisationsIn = (unit: Unit) => {
  const { org } = unit.scope;
  return {
    async own(): Promise<Organisation> {
      const [row] = await unit.query<{ body: Uint8Array }>("select body from organisation where org = $1", [
        uuidOf(org),
      ]);
      if (!row) throw new Refusal("org.unknown");
      return JSON.parse(new TextDecoder().decode(unit.scope.open("organisation", org, row.body))) as Organisation; // sealed below
    },

    async add(organisation: Organisation): Promise<void> {
      await unit.query("insert into organisation (org, created_at, body) values ($1, $2, $3)", [
        uuidOf(org),
        organisation.createdAt,
        unit.scope.seal("organisation", org, new TextEncoder().encode(JSON.stringify(organisation))),
      ]);
    },

    async save(organisation: Organisation): Promise<void> {
      const body = unit.scope.seal("organisation", org, new TextEncoder().encode(JSON.stringify(organisation)));
      await unit.query("update organisation set body = $2 where org = $1", [uuidOf(org), body]);
    },
  };
};

export class Organisations {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async read(permit: Permit<"org.read">): Promise<Organisation> {
    return this.#storage.read(permit, (unit) => organisationsIn(unit).own());
  }

  async rename(permit: Permit<"org.update">, name: string): Promise<Organisation> {
    return this.#storage.change(permit, async (unit) => {
      const organisation = { ...(await organisationsIn(unit).own()), name };
      await organisationsIn(unit).save(organisation);
      unit.audit({ what: "org.updated", about: organisation.id, facts: { name } });
      return organisation;
    });
  }
}

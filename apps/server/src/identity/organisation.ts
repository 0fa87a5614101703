import { Refusal, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Permit } from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";

/** The boundary of isolation, keys and quota. */
export type Organisation = {
  readonly id: Id<"org">;
  readonly name: string;
  readonly createdAt: Instant;
  /** Sealed with the rest: an older name does not open in a newer row. */
  readonly version: number;
  /** Made by the platform to show itself, for good: sealed, so that nobody makes a real one pass for it in the database. */
  readonly isSimulated?: true | undefined;
  /** Of a simulated one: it is being erased, and a stop in the midst of that is no way back. */
  readonly isEnded?: true | undefined;
};

/** In which order somebody's organisations stand: the first is where she begins, and that is none which is only for show. */
export const byRank = (a: Organisation, b: Organisation): number =>
  Number(a.isSimulated ?? false) - Number(b.isSimulated ?? false) ||
  a.createdAt - b.createdAt ||
  (a.id < b.id ? -1 : 1);

export const organisationsIn = (unit: Unit) => {
  const { org } = unit.scope;
  const rowOf = (version: number) => `${org}|${version}`;
  const seal = (organisation: Organisation) =>
    unit.scope.seal(
      "organisation",
      rowOf(organisation.version),
      new TextEncoder().encode(JSON.stringify(organisation)),
    );
  return {
    async own(): Promise<Organisation> {
      const [row] = await unit.query<{ version: number; body: Uint8Array }>(
        "select version, body from organisation where org = $1",
        [uuidOf(org)],
      );
      if (!row) throw new Refusal("org.unknown");
      const plain = unit.scope.open("organisation", rowOf(row.version), row.body);
      return JSON.parse(new TextDecoder().decode(plain)) as Organisation; // sealed below
    },

    async add(organisation: Organisation): Promise<void> {
      await unit.query("insert into organisation (org, created_at, version, body) values ($1, $2, $3, $4)", [
        uuidOf(org),
        organisation.createdAt,
        organisation.version,
        seal(organisation),
      ]);
    },

    async save(organisation: Organisation): Promise<void> {
      await unit.query("update organisation set version = $2, body = $3 where org = $1", [
        uuidOf(org),
        organisation.version,
        seal(organisation),
      ]);
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
      const before = await organisationsIn(unit).own();
      const organisation = { ...before, name, version: before.version + 1 };
      await organisationsIn(unit).save(organisation);
      unit.audit({ what: "org.updated", about: organisation.id, facts: { name } });
      return organisation;
    });
  }
}

import { Refusal, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Demands } from "@holdfast/protocol";
import {
  kindOf,
  refuseToShutOut,
  strictest,
  type Kind,
  type Permit,
  type Rulings,
  type Spaces,
} from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";

/** The boundary of isolation, keys and quota. */
export type Organisation = {
  readonly id: Id<"org">;
  readonly name: string;
  readonly createdAt: Instant;
  /** What it demands of whoever comes. */
  readonly demands?: Demands | undefined;
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
      const organisation = await this.find();
      if (!organisation) throw new Refusal("org.unknown");
      return organisation;
    },

    async find(): Promise<Organisation | undefined> {
      const [row] = await unit.query<{ version: number; body: Uint8Array }>(
        "select version, body from organisation where org = $1",
        [uuidOf(org)],
      );
      if (!row) return undefined;
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

type Change = { readonly name?: string | undefined; readonly demands?: Demands | undefined };

/** What an organisation demands; of one that is not there yet nothing. */
export async function demandsIn(unit: Unit): Promise<Demands> {
  const { demands = {} } = (await organisationsIn(unit).find()) ?? {};
  return demands;
}

/** What an organisation demands, after an older backup of the database: whatever it had demanded last, and what it does now. */
export const demandsRuling = (spaces: Spaces): Kind =>
  kindOf<Demands>({
    kind: "demands",
    find: async (unit) => (await organisationsIn(unit).find()) && demandsIn(unit),
    narrowest: strictest,
    async save(unit, _, demands) {
      const before = await organisationsIn(unit).own();
      await organisationsIn(unit).save({ ...before, demands, version: before.version + 1 });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.setDemands(demands)));
    },
  });

type Needs = { readonly storage: Storage; readonly spaces: Spaces; readonly rulings: Rulings };

export class Organisations {
  readonly #storage: Storage;
  readonly #spaces: Spaces;
  readonly #rulings: Rulings;

  constructor({ storage, spaces, rulings }: Needs) {
    this.#storage = storage;
    this.#spaces = spaces;
    this.#rulings = rulings;
  }

  async read(permit: Permit<"org.read">): Promise<Organisation> {
    return this.#storage.read(permit, (unit) => organisationsIn(unit).own());
  }

  /** What it demands holds at once, for what is open, too. @throws Refusal `request.malformed` where whoever demands it does not meet it */
  async change(permit: Permit<"org.update">, { name, demands }: Change): Promise<Organisation> {
    if (demands) refuseToShutOut(permit, demands);
    return this.#storage.change(permit, async (unit) => {
      const before = await organisationsIn(unit).own();
      const version = before.version + 1;
      const organisation = { ...before, ...(name !== undefined && { name }), ...(demands && { demands }), version };
      await organisationsIn(unit).save(organisation);
      if (demands) await this.#rulings.note(unit, "demands", organisation.id, demands);
      unit.audit({
        what: "org.updated",
        about: organisation.id,
        facts: { name, demands: demands && JSON.stringify(demands) },
      });
      if (demands) unit.afterCommit(() => this.#spaces.apply(unit.scope.org, (space) => space.setDemands(demands)));
      return organisation;
    });
  }
}

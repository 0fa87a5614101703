import { Refusal, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Demands } from "@holdfast/protocol";
import {
  kindOf,
  refuseToShutOut,
  strictest,
  type Kind,
  type Permit,
  type Rulings,
  type Space,
  type Spaces,
  type Standing,
} from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import { alertOwners } from "./alerting.ts";

/** The boundary of isolation, keys and quota. */
export type Organisation = {
  readonly id: Id<"org">;
  readonly name: string;
  readonly createdAt: Instant;
  /** What it demands of whoever comes. */
  readonly demands?: Demands | undefined;
  /** Sealed with the rest: an older name does not open in a newer row. */
  readonly version: number;
  /** By the administrator of the instance: nobody may anything, but what its owners see. */
  readonly isSuspended?: true | undefined;
  /** It is erased then, unless that is called off. */
  readonly ending?: { readonly at: Instant; readonly isReminded?: true } | undefined;
  /** It came with a backup of which the keyring had not heard, and nobody has confirmed it yet. In a row of its own, because nothing was there to seal it. */
  readonly unconfirmedSince?: Instant | undefined;
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
  /** What is sealed belongs to the columns beside it. Of one that nothing stops it is called as before there were such columns. */
  const rowOf = ({ version, isSuspended, ending }: Pick<Organisation, "version" | "isSuspended" | "ending">) =>
    [org, version, ...(isSuspended ? ["suspended"] : []), ...(ending ? [ending.at] : [])].join("|");
  const seal = (organisation: Organisation) => {
    const said = { ...organisation, unconfirmedSince: undefined }; // which JSON leaves out
    return unit.scope.seal("organisation", rowOf(said), new TextEncoder().encode(JSON.stringify(said)));
  };
  return {
    async own(): Promise<Organisation> {
      const organisation = await this.find();
      if (!organisation) throw new Refusal("org.unknown");
      return organisation;
    },

    async find(): Promise<Organisation | undefined> {
      type Row = {
        version: number;
        ends_at: string | null;
        suspended: boolean;
        body: Uint8Array;
        since: number | null;
      };
      const [row] = await unit.query<Row>(
        `select o.version, o.ends_at, o.suspended, o.body, u.since
           from organisation o left join unconfirmed u on u.org = o.org where o.org = $1`,
        [uuidOf(org)],
      );
      if (!row) return undefined;
      const name = rowOf({
        version: row.version,
        isSuspended: row.suspended ? true : undefined,
        ending: row.ends_at === null ? undefined : { at: Number(row.ends_at) as Instant }, // a bigint column of ours
      });
      const plain = unit.scope.open("organisation", name, row.body);
      const organisation = JSON.parse(new TextDecoder().decode(plain)) as Organisation; // sealed below
      return row.since === null ? organisation : { ...organisation, unconfirmedSince: row.since as Instant };
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
      const { version, isSuspended = false, ending } = organisation;
      await unit.query("update organisation set version = $2, body = $3, suspended = $4, ends_at = $5 where org = $1", [
        uuidOf(org),
        version,
        seal(organisation),
        isSuspended,
        ending?.at ?? null,
      ]);
    },
  };
};

const kind = "standing";

export const standingOf = ({
  unconfirmedSince,
  ...organisation
}: Pick<Organisation, "isSuspended" | "ending" | "unconfirmedSince">): Standing => ({
  ...saidOf(organisation),
  ...(unconfirmedSince !== undefined && { unconfirmedSince }),
});

/** What of it was decided. */
const saidOf = ({ isSuspended, ending }: Pick<Organisation, "isSuspended" | "ending">): Standing => ({
  ...(isSuspended && { isSuspended }),
  ...(ending && { endsAt: ending.at }),
});

/** Whether it is stopped; one that is not there yet is not. */
export async function standingIn(unit: Unit): Promise<Standing> {
  const organisation = await organisationsIn(unit).find();
  return organisation ? standingOf(organisation) : {};
}

/** Within the unit that decides it. */
export const noteStanding = (rulings: Rulings, unit: Unit, organisation: Organisation): Promise<void> =>
  rulings.note(unit, kind, unit.scope.org, saidOf(organisation));

/** What was said last holds, whichever way: an older backup from while it was being deleted must not end what was kept after all. */
export const standingRuling = (spaces: Spaces): Kind =>
  kindOf<Standing>({
    kind,
    async find(unit) {
      const organisation = await organisationsIn(unit).find();
      return organisation && saidOf(organisation);
    },
    narrowest: (_found, said) => said,
    async save(unit, _, { isSuspended, endsAt }) {
      const { isSuspended: _was, ending, ...before } = await organisationsIn(unit).own();
      const organisation: Organisation = {
        ...before,
        ...(isSuspended && { isSuspended }),
        ...(endsAt !== undefined && { ending: { ...(ending?.at === endsAt && ending), at: endsAt } }),
        version: before.version + 1,
      };
      await organisationsIn(unit).save(organisation);
      const standing = standingOf(organisation);
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.setStanding(standing)));
    },
  });

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

/** What was demanded of people, and what is now, where that is less. */
type Relaxed = { readonly from: string; readonly to: string };

function relaxedOf(before: Demands, after: Demands): Relaxed | undefined {
  const both = strictest(before, after).people;
  const { factor, factorFrom } = after.people ?? {};
  if (both?.factor === factor && both?.factorFrom === factorFrom) return undefined;
  return { from: inWords(before), to: inWords(after) };
}

const inWords = ({ people: { factor, factorFrom } = {} }: Demands): string => {
  const what = factor === "second" ? "a second factor" : factor === "passkey" ? "a passkey" : "no second factor";
  return factorFrom === undefined ? what : `${what}, from ${factorFrom} on`;
};

const letterOf = ({ name }: Organisation, { from, to }: Relaxed) => ({
  subject: `${name} demands less of its people`,
  lines: [
    `Somebody changed what the organisation ${name} demands of its people when they sign in: it was ${from}, and is ${to}.`,
    "If you do not know why, look into its audit log: it says who did that and when.",
  ],
});

type Needs = Parameters<typeof alertOwners>[0] & {
  readonly rulings: Rulings;
  /** Which domains of e-mail addresses are proved to be the organisation's, at a provider that is switched on. */
  readonly provenDomains: (unit: Unit) => Promise<ReadonlySet<string>>;
};

export class Organisations {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async read(permit: Permit<"org.read">): Promise<Organisation> {
    return this.#needs.storage.read(permit, (unit) => organisationsIn(unit).own());
  }

  /** What it demands holds at once, for what is open, too. Its owners are told when a factor is demanded less. @throws Refusal `request.malformed` where whoever demands it does not meet it, `domain.unproved` */
  async change(permit: Permit<"org.update">, { name, demands }: Change): Promise<Organisation> {
    const { storage, spaces, rulings } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    // Before it is demanded: of whom nobody has looked, nobody is let in then.
    if (demands?.people?.provider) await spaces.knowHomes(space);
    if (demands) refuseToShutOut(permit, demands);
    let relaxed: Relaxed | undefined;
    const changed = await storage.change(permit, async (unit) => {
      if (demands?.people?.provider) await this.#refuseUnproven(unit, space, demands.people.provider);
      const before = await organisationsIn(unit).own();
      const version = before.version + 1;
      const organisation = { ...before, ...(name !== undefined && { name }), ...(demands && { demands }), version };
      await organisationsIn(unit).save(organisation);
      if (demands) await rulings.note(unit, "demands", organisation.id, demands);
      unit.audit({
        what: "org.updated",
        about: organisation.id,
        facts: { name, demands: demands && JSON.stringify(demands) },
      });
      if (demands) unit.afterCommit(() => spaces.apply(unit.scope.org, (it) => it.setDemands(demands)));
      relaxed = demands && relaxedOf(before.demands ?? {}, demands);
      if (relaxed) unit.audit({ what: "demand.relaxed", about: organisation.id, facts: relaxed });
      return organisation;
    });
    if (relaxed) await alertOwners(this.#needs, changed.id, letterOf(changed, relaxed));
    return changed;
  }

  /** By the platform: nobody has to come by a provider any more for an address of this domain, which is not the organisation's. */
  async lift(unit: Unit, domain: string): Promise<void> {
    const before = await organisationsIn(unit).own();
    const demands = without(before.demands ?? {}, domain);
    if (!demands) return;
    await organisationsIn(unit).save({ ...before, demands, version: before.version + 1 });
    await this.#needs.rulings.note(unit, "demands", before.id, demands);
    unit.audit({ what: "org.updated", about: before.id, facts: { demands: JSON.stringify(demands) } });
    unit.afterCommit(() => this.#needs.spaces.apply(unit.scope.org, (space) => space.setDemands(demands)));
  }

  async #refuseUnproven(unit: Unit, { members }: Space, { domains, exceptOwners = [] }: ByProvider): Promise<void> {
    const proven = await this.#needs.provenDomains(unit);
    const faults = domains.flatMap((domain) =>
      proven.has(domain) ? [] : [{ path: "demands.people.provider.domains", message: domain }],
    );
    if (faults.length > 0) throw new Refusal("domain.unproved", { faults });
    const strangers = exceptOwners.filter((person) => members.get(person)?.role !== "owner");
    if (strangers.length === 0) return;
    const message = `no owner: ${strangers.join(", ")}`;
    throw new Refusal("request.malformed", { faults: [{ path: "demands.people.provider.exceptOwners", message }] });
  }
}

type ByProvider = NonNullable<NonNullable<Demands["people"]>["provider"]>;

/** `undefined` where nothing is demanded for that domain. */
function without({ people = {}, ...others }: Demands, domain: string): Demands | undefined {
  const { provider, ...rest } = people;
  if (!provider?.domains.includes(domain)) return undefined;
  const domains = provider.domains.filter((one) => one !== domain);
  return { ...others, people: { ...rest, ...(domains.length > 0 && { provider: { ...provider, domains } }) } };
}

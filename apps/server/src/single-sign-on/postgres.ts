import { blindIndex } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { authorityIn } from "../authority/index.ts";
import type { After, Keyring, Unit } from "../storage/index.ts";
import { linkOf } from "./marks.ts";
import type { Domain } from "./domain.ts";
import type { Provider } from "./provider.ts";

/** What somebody is called at a provider. */
export type Subject = { readonly issuer: string; readonly subject: string };

/** Somebody comes by a provider: who she is there, and who here. */
export type Linked = Subject & {
  readonly provider: Id<"provider">;
  readonly person: Id<"person">;
  readonly createdAt: Instant;
  /** As a provider's. */
  readonly since: number;
};

/** By what people find an organisation who want to sign in there: the same in the whole deployment. */
export const calledBy = (keys: Keyring, name: string): Uint8Array =>
  blindIndex(keys.instanceKey("sign-in/name"), name.toLowerCase());

type ProviderRow = { id: string; created_at: string; version: number; body: Uint8Array };

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

/** The providers of an organisation. What is sealed belongs to the columns beside it. */
export const providersIn = (unit: Unit, keys: Keyring) => {
  type Kept = Omit<Provider, "id" | "createdAt" | "version">;
  const rowOf = ({ id, createdAt, version }: Pick<Provider, "id" | "createdAt" | "version">) =>
    [id, createdAt, version].join("|");
  const nameOf = ({ shortName }: Provider) => (shortName === undefined ? null : calledBy(keys, shortName));
  const bodyOf = ({ id, createdAt, version, ...kept }: Provider) =>
    unit.scope.seal("provider", rowOf({ id, createdAt, version }), encode(kept));
  /** One that was ended later, as an older backup of the database does not know, is switched off. */
  const providerOf = (row: ProviderRow, marks: ReadonlyMap<string, number>): Provider => {
    const place = {
      id: idFrom("provider", row.id),
      createdAt: Number(row.created_at) as Instant,
      version: row.version,
    }; // columns of ours
    const kept = decode(unit.scope.open("provider", rowOf(place), row.body)) as Kept; // sealed by `bodyOf`
    const optional = { shortName: undefined, joins: undefined, roles: undefined, secondFactor: undefined };
    const isEnabled = kept.isEnabled && (marks.get(place.id) ?? 0) <= kept.since;
    return { ...optional, ...kept, ...place, isEnabled };
  };
  const marks = async () => new Map((await authorityIn(unit).revocations()).map(({ about, seq }) => [about, seq]));
  return {
    /** Oldest first. */
    async all(): Promise<readonly Provider[]> {
      const rows = await unit.query<ProviderRow>(
        "select id, created_at, version, body from provider order by created_at, id",
        [],
      );
      const ended = rows.length > 0 ? await marks() : new Map<string, number>();
      return rows.map((row) => providerOf(row, ended));
    },

    async find(id: Id<"provider">): Promise<Provider | undefined> {
      return (await this.all()).find((one) => one.id === id);
    },

    async secretOf({ id, hasSecret }: Pick<Provider, "id" | "hasSecret">): Promise<string | undefined> {
      const [row] = await unit.query<{ secret: Uint8Array | null }>("select secret from provider where id = $1", [
        uuidOf(id),
      ]);
      if (!hasSecret || !row?.secret) return undefined;
      return new TextDecoder().decode(unit.scope.open("provider/secret", id, row.secret));
    },

    /** `null` takes it away. */
    async setSecret(id: Id<"provider">, secret: string | null): Promise<void> {
      const sealed = secret === null ? null : unit.scope.seal("provider/secret", id, new TextEncoder().encode(secret));
      await unit.query("update provider set secret = $2 where id = $1", [uuidOf(id), sealed]);
    },

    async add(provider: Provider): Promise<void> {
      await unit.query(
        "insert into provider (org, id, created_at, version, name_index, body) values ($1, $2, $3, $4, $5, $6)",
        [
          uuidOf(unit.scope.org),
          uuidOf(provider.id),
          provider.createdAt,
          provider.version,
          nameOf(provider),
          bodyOf(provider),
        ],
      );
    },

    async save(provider: Provider): Promise<void> {
      await unit.query("update provider set version = $2, name_index = $3, body = $4 where id = $1", [
        uuidOf(provider.id),
        provider.version,
        nameOf(provider),
        bodyOf(provider),
      ]);
    },

    async remove(id: Id<"provider">): Promise<void> {
      await unit.query("delete from provider where id = $1", [uuidOf(id)]);
    },
  };
};

type SubjectRow = { provider: string; subject_index: Uint8Array; person: string; created_at: string; body: Uint8Array };
const subjectColumns = "provider, subject_index, person, created_at, body";

/** Who people are at the providers of an organisation. */
export const subjectsIn = (unit: Unit) => {
  type Kept = Subject & Pick<Linked, "since">;
  const indexOf = (provider: Id<"provider">, { issuer, subject }: Subject) =>
    unit.scope.index("provider/subject", JSON.stringify([provider, issuer, subject]));
  const rowOf = (
    index: Uint8Array,
    { provider, person, createdAt }: Pick<Linked, "provider" | "person" | "createdAt">,
  ) => [provider, index.toHex(), person, createdAt].join("|");
  const linkedOf = (row: SubjectRow): Linked => {
    const place = {
      provider: idFrom("provider", row.provider),
      person: idFrom("person", row.person),
      createdAt: Number(row.created_at) as Instant, // a bigint column of ours
    };
    return {
      ...(decode(unit.scope.open("provider/subject", rowOf(row.subject_index, place), row.body)) as Kept),
      ...place,
    }; // sealed by `add`
  };
  /** Less those that were ended since: an older backup of the database brings no link back. */
  const standing = async (rows: readonly SubjectRow[]): Promise<readonly Linked[]> => {
    if (rows.length === 0) return [];
    const marks = new Map((await authorityIn(unit).revocations()).map(({ about, seq }) => [about, seq]));
    return rows
      .map(linkedOf)
      .filter(({ provider, person, since }) => (marks.get(linkOf(provider, person)) ?? 0) <= since);
  };
  return {
    async find(provider: Id<"provider">, who: Subject): Promise<Linked | undefined> {
      const rows = await unit.query<SubjectRow>(
        `select ${subjectColumns} from provider_subject where provider = $1 and subject_index = $2`,
        [uuidOf(provider), indexOf(provider, who)],
      );
      return (await standing(rows))[0];
    },

    async of(person: Id<"person">): Promise<readonly Linked[]> {
      return standing(
        await unit.query<SubjectRow>(`select ${subjectColumns} from provider_subject where person = $1`, [
          uuidOf(person),
        ]),
      );
    },

    /** Oldest first, after the cursor. */
    async page(provider: Id<"provider">, after: After | undefined, most: number): Promise<readonly Linked[]> {
      return standing(
        await unit.query<SubjectRow>(
          `select ${subjectColumns} from provider_subject
            where provider = $1 and ($2::bigint is null or (created_at, person) > ($2, $3::uuid))
            order by created_at, person limit $4`,
          [uuidOf(provider), after?.at ?? null, after?.id ?? null, most],
        ),
      );
    },

    /** In place of whatever is over. */
    async add(linked: Omit<Linked, "since">): Promise<void> {
      const { provider, person, createdAt, issuer, subject } = linked;
      const index = indexOf(provider, linked);
      await unit.query("delete from provider_subject where provider = $1 and (subject_index = $2 or person = $3)", [
        uuidOf(provider),
        index,
        uuidOf(person),
      ]);
      const kept: Kept = { issuer, subject, since: await authorityIn(unit).nextSeq() };
      await unit.query(
        `insert into provider_subject (org, provider, subject_index, person, created_at, body) values ($1, $2, $3, $4, $5, $6)`,
        [
          uuidOf(unit.scope.org),
          uuidOf(provider),
          index,
          uuidOf(person),
          createdAt,
          unit.scope.seal("provider/subject", rowOf(index, linked), encode(kept)),
        ],
      );
    },

    async remove(provider: Id<"provider">, person: Id<"person">): Promise<boolean> {
      const rows = await unit.query("delete from provider_subject where provider = $1 and person = $2 returning 1", [
        uuidOf(provider),
        uuidOf(person),
      ]);
      return rows.length > 0;
    },
  };
};

/** The domains that an organisation says are its own. */
export const domainsIn = (unit: Unit, keys: Keyring) => {
  type Row = {
    domain_index: Uint8Array;
    provider: string;
    due_at: string;
    proved_index: Uint8Array | null;
    body: Uint8Array;
  };
  type Kept = Pick<Domain, "domain" | "token"> & { readonly proof?: Domain["proof"] };
  const columns = "domain_index, provider, due_at, proved_index, body";
  const rowOf = (index: Uint8Array, { provider, dueAt }: Pick<Domain, "provider" | "dueAt">, isProved: boolean) =>
    [index.toHex(), provider, dueAt, isProved].join("|");
  const domainOf = (row: Row): Domain => {
    const place = { provider: idFrom("provider", row.provider), dueAt: Number(row.due_at) as Instant }; // a bigint column of ours
    const name = rowOf(row.domain_index, place, row.proved_index !== null);
    return { proof: undefined, ...(decode(unit.scope.open("provider/domain", name, row.body)) as Kept), ...place }; // sealed by `save`
  };
  return {
    async all(): Promise<readonly Domain[]> {
      const rows = await unit.query<Row>(`select ${columns} from provider_domain`, []);
      return rows.map(domainOf).toSorted((a, b) => (a.domain < b.domain ? -1 : 1));
    },

    async find(domain: string): Promise<Domain | undefined> {
      const [row] = await unit.query<Row>(`select ${columns} from provider_domain where domain_index = $1`, [
        calledBy(keys, domain),
      ]);
      return row && domainOf(row);
    },

    async save(saved: Domain): Promise<void> {
      const { domain, token, proof, provider, dueAt } = saved;
      const index = calledBy(keys, domain);
      const body = unit.scope.seal(
        "provider/domain",
        rowOf(index, saved, proof !== undefined),
        encode({ domain, token, proof } satisfies Kept),
      );
      await unit.query(
        `insert into provider_domain (org, domain_index, provider, proved_index, due_at, body) values ($1, $2, $3, $4, $5, $6)
         on conflict (org, domain_index) do update
           set proved_index = excluded.proved_index, due_at = excluded.due_at, body = excluded.body`,
        [uuidOf(unit.scope.org), index, uuidOf(provider), proof ? index : null, dueAt, body],
      );
    },

    async remove(domain: string): Promise<void> {
      await unit.query("delete from provider_domain where domain_index = $1", [calledBy(keys, domain)]);
    },
  };
};

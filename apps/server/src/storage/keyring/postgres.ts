import { Refusal, type Instant } from "@holdfast/kernel";
import {
  dataBackupsIn,
  forgetOrgsIn,
  lastSeqIn,
  letGoIn,
  letGoneIn,
  noteDataIn,
  revocationsIn,
  revokedIn,
  ruledIn,
  rulingsIn,
} from "./postgres-journal.ts";
import { Connections, longMs, type Login, type Query } from "./connections.ts";
import type {
  Contents,
  DataBackup,
  Entry,
  EntryKind,
  Epoch,
  Erased,
  KeyStore,
  Made,
  Place,
  Past,
  Revocation,
  Ruling,
  Span,
  State,
} from "./store.ts";

const format = 1;

// As in sqlite.ts.
const schema = `
  CREATE TABLE IF NOT EXISTS holdfast_keyring.ring (
    one integer PRIMARY KEY CHECK (one = 1), format integer NOT NULL, instance text NOT NULL, backed_up_at bigint);
  CREATE TABLE IF NOT EXISTS holdfast_keyring.epoch (
    number bigint PRIMARY KEY, span text NOT NULL, wrapped bytea NOT NULL);
  CREATE TABLE IF NOT EXISTS holdfast_keyring.epoch_made (
    number bigint PRIMARY KEY REFERENCES holdfast_keyring.epoch ON DELETE CASCADE, at bigint NOT NULL, known text NOT NULL);
  CREATE TABLE IF NOT EXISTS holdfast_keyring.keys (
    kind text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, epoch bigint NOT NULL REFERENCES holdfast_keyring.epoch,
    wrapped bytea NOT NULL, made_at bigint NOT NULL, PRIMARY KEY (kind, name));
  CREATE INDEX IF NOT EXISTS keys_epoch ON holdfast_keyring.keys (epoch);
  CREATE TABLE IF NOT EXISTS holdfast_keyring.erased (
    kind text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, at bigint NOT NULL, PRIMARY KEY (kind, name));
  CREATE TABLE IF NOT EXISTS holdfast_keyring.revocation (
    org text NOT NULL, about text NOT NULL, party text NOT NULL, seq bigint NOT NULL, at bigint NOT NULL,
    PRIMARY KEY (org, about, party));
  CREATE TABLE IF NOT EXISTS holdfast_keyring.ruling (
    org text NOT NULL, about text NOT NULL, kind text NOT NULL, says text, seq bigint NOT NULL,
    PRIMARY KEY (org, about, kind));
  CREATE TABLE IF NOT EXISTS holdfast_keyring.let_go (one integer PRIMARY KEY CHECK (one = 1), by bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS holdfast_keyring.data_backup (id text PRIMARY KEY, at bigint NOT NULL, good boolean NOT NULL);
`;
const lockKey = 0x686f_6c64; // "hold": one process at a time makes the tables

/** A schema of its own in a PostgreSQL that is not the one with the data. It keeps what it acknowledged, or is refused. */
export class PostgresStore implements KeyStore {
  readonly #connections: Connections;

  private constructor(login: Login) {
    this.#connections = new Connections(login);
  }

  /** @throws Refusal `keyring.unreachable`, `storage.unsafe` */
  static async open(login: Login): Promise<PostgresStore> {
    const store = new PostgresStore(login);
    try {
      await store.#prepare();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  async state(): Promise<State | undefined> {
    return this.#connections.lend(stateIn);
  }

  async begin({ state, epochs, entries, erased, revocations, rulings, letGoBy }: Contents): Promise<void> {
    await this.#connections.inOne(async (query) => {
      const ring = "INSERT INTO holdfast_keyring.ring VALUES (1, $1, $2, $3)";
      await query(ring, [format, state.instance, state.backedUpAt ?? null]);
      for (const epoch of epochs) await addEpochIn(query, epoch);
      await addIn(query, entries);
      await rememberIn(query, erased);
      await revokedIn(query, revocations);
      await ruledIn(query, rulings);
      await letGoIn(query, { revocations: [], rulings: [], by: letGoBy });
    }, longMs);
  }

  async epochs(): Promise<readonly Epoch[]> {
    return this.#connections.lend(epochsIn);
  }

  async find({ kind, name }: Place): Promise<Entry | undefined> {
    const text = "SELECT * FROM holdfast_keyring.keys WHERE kind = $1 AND name = $2";
    return this.#connections.lend(async (query) => (await query<EntryRow>(text, [kind, name])).map(entryOf)[0]);
  }

  async present(places: readonly Place[]): Promise<readonly Place[]> {
    const text = `SELECT kind, name FROM holdfast_keyring.keys
      JOIN unnest($1::text[], $2::text[]) AS n (kind, name) USING (kind, name)`;
    return this.#connections.lend((query) => query<Place>(text, placesOf(places)));
  }

  async gone(places: readonly Place[]): Promise<readonly Place[]> {
    const text = `SELECT kind, name FROM holdfast_keyring.erased
      JOIN unnest($1::text[], $2::text[]) AS n (kind, name) USING (kind, name)`;
    return this.#connections.lend((query) => query<Place>(text, placesOf(places)));
  }

  async add(entries: readonly Entry[]): Promise<readonly boolean[]> {
    return this.#connections.lend((query) => addIn(query, entries));
  }

  async put({ kind, name, epoch, wrapped, madeAt }: Entry): Promise<void> {
    const text = `INSERT INTO holdfast_keyring.keys VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (kind, name) DO UPDATE SET epoch = excluded.epoch, wrapped = excluded.wrapped, made_at = excluded.made_at`;
    await this.#connections.lend((query) => query(text, [kind, name, epoch, wrapped, madeAt]));
  }

  async erase(erased: readonly Erased[]): Promise<void> {
    const orgs = erased.filter(({ kind }) => kind === "org").map(({ name }) => name);
    await this.#connections.inOne(async (query) => {
      await removeIn(query, erased);
      await rememberIn(query, erased);
      await forgetOrgsIn(query, orgs);
    });
  }

  async destroy(places: readonly Place[]): Promise<void> {
    await this.#connections.lend((query) => removeIn(query, places));
  }

  async addEpoch(epoch: Epoch): Promise<void> {
    await this.#connections.inOne((query) => addEpochIn(query, epoch));
  }

  async dateEpochs(now: Instant): Promise<void> {
    const text = `INSERT INTO holdfast_keyring.epoch_made SELECT number, $1::bigint, 'atLatest' FROM holdfast_keyring.epoch
      ON CONFLICT DO NOTHING`;
    await this.#connections.lend((query) => query(text, [now]));
  }

  async outdated(span: Span, epoch: number, after: Place | undefined, limit: number): Promise<readonly Entry[]> {
    const kinds = span === "passing" ? "kind = 'segment'" : "kind <> 'segment'";
    const text = `SELECT * FROM holdfast_keyring.keys
      WHERE ${kinds} AND epoch < $1 AND (kind, name) > ($2, $3) ORDER BY kind, name LIMIT $4`;
    const values = [epoch, after?.kind ?? "", after?.name ?? "", limit];
    return this.#connections.lend(async (query) => (await query<EntryRow>(text, values)).map(entryOf));
  }

  async rewrap(entries: readonly Entry[], from: readonly Entry[]): Promise<void> {
    const text = `UPDATE holdfast_keyring.keys k SET epoch = n.epoch, wrapped = n.wrapped
      FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::bigint[]) AS n (kind, name, epoch, wrapped, was)
      WHERE k.kind = n.kind AND k.name = n.name AND k.epoch = n.was`;
    await this.#connections.lend((query) =>
      query(text, [
        ...placesOf(entries),
        entries.map((entry) => entry.epoch),
        entries.map((entry) => entry.wrapped),
        from.map((entry) => entry.epoch),
      ]),
    );
  }

  async dropEpochsBefore(span: Span, epoch: number): Promise<void> {
    const text = "DELETE FROM holdfast_keyring.epoch WHERE span = $1 AND number < $2";
    await this.#connections.lend((query) => query(text, [span, epoch]));
  }

  /**
   * VACUUM frees the places of removed rows for others, no more. PostgreSQL's log, its replicas and its backups hold the wrapped keys for as
   * long as they live: with the KEK they open, so it must never lie there.
   */
  async scrub(what: "epochs" | "everything"): Promise<void> {
    const more = what === "everything" ? ", holdfast_keyring.keys" : "";
    await this.#connections.lend((query) => query(`VACUUM holdfast_keyring.epoch${more}`, [], longMs));
  }

  async revoked(revocations: readonly Revocation[]): Promise<void> {
    await this.#connections.inOne((query) => revokedIn(query, revocations));
  }

  async revocations(about?: string): Promise<readonly Revocation[]> {
    return this.#connections.lend((query) => revocationsIn(query, about));
  }

  async ruled(rulings: readonly Ruling[]): Promise<void> {
    await this.#connections.inOne((query) => ruledIn(query, rulings));
  }

  async rulings(kinds: readonly string[]): Promise<readonly Ruling[]> {
    return this.#connections.lend((query) => rulingsIn(query, kinds));
  }

  async lastSeq(): Promise<number> {
    return this.#connections.lend(lastSeqIn);
  }

  async letGo(past: Past): Promise<void> {
    await this.#connections.inOne((query) => letGoIn(query, past));
  }

  async letGoBy(): Promise<Instant> {
    return this.#connections.lend(letGoneIn);
  }

  async contents(): Promise<Contents | undefined> {
    return this.#connections.inOne(async (query) => {
      await query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
      const state = await stateIn(query);
      if (!state) return undefined;
      const entries = (await query<EntryRow>("SELECT * FROM holdfast_keyring.keys ORDER BY kind, name")).map(entryOf);
      type Row = { kind: EntryKind; name: string; at: string };
      const erased = await query<Row>("SELECT * FROM holdfast_keyring.erased ORDER BY kind, name");
      return {
        state,
        epochs: await epochsIn(query),
        entries,
        erased: erased.map(({ kind, name, at }) => ({ kind, name, at: instant(at) })),
        revocations: await revocationsIn(query),
        rulings: await rulingsIn(query),
        letGoBy: await letGoneIn(query),
      };
    }, longMs);
  }

  async backedUp(at: Instant): Promise<void> {
    await this.#connections.lend((query) => query("UPDATE holdfast_keyring.ring SET backed_up_at = $1", [at]));
  }

  async noteData(backup: DataBackup): Promise<void> {
    await this.#connections.lend((query) => noteDataIn(query, backup));
  }

  async dataBackups(): Promise<readonly DataBackup[]> {
    return this.#connections.lend(dataBackupsIn);
  }

  async count(): Promise<{ all: number; sinceBackup: number }> {
    const text = `SELECT count(*)::integer AS "all", (count(*) FILTER (
      WHERE kind <> 'segment' AND made_at >= coalesce(backed_up_at, made_at)))::integer AS "sinceBackup"
      FROM holdfast_keyring.keys, holdfast_keyring.ring`;
    const [row] = await this.#connections.lend((query) => query<{ all: number; sinceBackup: number }>(text));
    return row ?? { all: 0, sinceBackup: 0 };
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #prepare(): Promise<void> {
    await this.#connections.lend(async (query) => {
      const [found] = await query<{ fsync: string; schema: string | null }>(
        "SELECT current_setting('fsync') AS fsync, to_regclass('holdfast_keyring.data_backup')::text AS schema",
      );
      if (found?.fsync !== "on")
        throw new Refusal("storage.unsafe", { detail: "The keyring's PostgreSQL has fsync off." });
      if (found.schema !== null) return;
      await query(
        `BEGIN; SELECT pg_advisory_xact_lock(${lockKey}); CREATE SCHEMA IF NOT EXISTS holdfast_keyring; ${schema} COMMIT`,
      );
    });
  }
}

async function stateIn(query: Query): Promise<State | undefined> {
  type Row = { format: number; instance: string; backed_up_at: string | null };
  const [row] = await query<Row>("SELECT * FROM holdfast_keyring.ring");
  if (!row) return undefined;
  if (row.format !== format) throw new Refusal("storage.newer", { detail: "This is about the keyring." });
  return { instance: row.instance, backedUpAt: row.backed_up_at === null ? undefined : instant(row.backed_up_at) };
}

async function epochsIn(query: Query): Promise<readonly Epoch[]> {
  type Row = { number: string; span: Span; wrapped: Uint8Array; at: string | null; known: Made["known"] | null };
  const rows = await query<Row>(
    "SELECT * FROM holdfast_keyring.epoch LEFT JOIN holdfast_keyring.epoch_made USING (number) ORDER BY number",
  );
  return rows.map(({ number, span, wrapped, at, known }) => ({
    number: Number(number),
    span,
    wrapped,
    made: at === null || known === null ? undefined : { at: instant(at), known },
  }));
}

async function addEpochIn(query: Query, { number, span, wrapped, made }: Epoch): Promise<void> {
  await query("INSERT INTO holdfast_keyring.epoch VALUES ($1, $2, $3)", [number, span, wrapped]);
  if (!made) return;
  await query("INSERT INTO holdfast_keyring.epoch_made VALUES ($1, $2, $3)", [number, made.at, made.known]);
}

async function addIn(query: Query, entries: readonly Entry[]): Promise<readonly boolean[]> {
  const text = `INSERT INTO holdfast_keyring.keys
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::bigint[]) AS n (kind, name, epoch, wrapped, made_at)
    WHERE NOT EXISTS (SELECT FROM holdfast_keyring.erased e WHERE e.kind = n.kind AND e.name = n.name)
    ON CONFLICT DO NOTHING RETURNING kind, name`;
  const added = await query<Place>(text, [
    ...placesOf(entries),
    entries.map((entry) => entry.epoch),
    entries.map((entry) => entry.wrapped),
    entries.map((entry) => entry.madeAt),
  ]);
  const places = new Set(added.map(({ kind, name }) => `${kind}/${name}`));
  return entries.map(({ kind, name }) => places.has(`${kind}/${name}`));
}

const removeIn = (query: Query, places: readonly Place[]) =>
  query(
    `DELETE FROM holdfast_keyring.keys k USING unnest($1::text[], $2::text[]) AS n (kind, name)
      WHERE k.kind = n.kind AND k.name = n.name`,
    placesOf(places),
  );

const rememberIn = (query: Query, erased: readonly Erased[]) =>
  query(
    `INSERT INTO holdfast_keyring.erased SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) ON CONFLICT DO NOTHING`,
    [...placesOf(erased), erased.map(({ at }) => at)],
  );

type EntryRow = { kind: EntryKind; name: string; epoch: string; wrapped: Uint8Array; made_at: string };

const entryOf = ({ kind, name, epoch, wrapped, made_at }: EntryRow): Entry => ({
  kind,
  name,
  epoch: Number(epoch),
  wrapped,
  madeAt: instant(made_at),
});

const instant = (stored: string): Instant => Number(stored) as Instant; // written from an Instant; `pg` gives bigint as text

const placesOf = (places: readonly Place[]): [string[], string[]] => [
  places.map(({ kind }) => kind),
  places.map(({ name }) => name),
];

import { Refusal } from "@holdfast/kernel";
import { QueryFailed } from "./failure.ts";
import type { Keyring } from "./keyring/index.ts";
import type { Login } from "./login.ts";
import { passwordOf, roleNames } from "./roles.ts";
import { Session } from "./session.ts";

/** How whoever reads everything is connected: it takes as long as it takes, and reads beside its open snapshot. */
export const readingAll = {
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  // A partition of which nothing is to be had at the moment is being dropped.
  lock_timeout: "30s",
} as const;

/** Held by whoever reads the log: see `drop_segment`. One more than the lock of servers (lock.ts). */
const logLock = "7525352680829580149";

/** A table that holds rows: not one that has them in partitions. */
export type Table = {
  readonly name: string;
  readonly columns: readonly string[];
  /** Of a partition: of which table, and between which numbers. */
  readonly partition?: { readonly of: string; readonly first: number; readonly past: number } | undefined;
};

export type Applied = { readonly number: number; readonly name: string; readonly digest: string };

/**
 * All rows of the database as of one moment, while it goes on. The moment is held by a transaction that locks no table; each table is read in a
 * transaction of its own that looks at the same moment (SET TRANSACTION SNAPSHOT), so that whoever wants to make or drop a partition waits for
 * one table at most, and nobody waits for whoever waits for that.
 */
export class Snapshot {
  readonly #moment: Session;
  readonly #reading: Session;
  readonly #name: string;
  /** In an order in which they can be put back: what others refer to comes first. */
  readonly tables: readonly Table[];
  readonly migrations: readonly Applied[];
  /** The greatest number that a segment of the log had. */
  readonly segment: number;
  /** What PostgreSQL says of their size on its disk, to tell how far one is. */
  readonly bytes: number;

  private constructor(parts: { moment: Session; reading: Session; name: string; found: Found }) {
    this.#moment = parts.moment;
    this.#reading = parts.reading;
    this.#name = parts.name;
    this.tables = parts.found.tables;
    this.migrations = parts.found.migrations;
    this.bytes = parts.found.bytes;
    this.segment = parts.found.segment;
  }

  /** @throws ConnectFailed, Refusal */
  static async take(connect: () => Promise<Session>): Promise<Snapshot> {
    const moment = await connect();
    const opened = [moment];
    try {
      // Before the moment: what leaves the log from now on would be missing in it.
      await moment.run(`select pg_advisory_lock_shared(${logLock})`);
      await moment.run("begin isolation level repeatable read read only");
      const [row] = await moment.query<{ name: string }>("select pg_export_snapshot() as name");
      const found = await lookAt(moment);
      const reading = await connect();
      opened.push(reading);
      return new Snapshot({ moment, reading, name: row?.name ?? "", found });
    } catch (error) {
      for (const session of opened) session.destroy();
      throw error;
    }
  }

  /**
   * All rows of a table, as COPY writes them in its binary form; the bytes are good in the turn in which they are given. Answers how many there were, or `undefined` when the table is gone, as months of
   * chunks go when nothing in them is kept any more.
   */
  async copy({ name, columns }: Table, take: (bytes: Uint8Array) => Promise<void> | void): Promise<number | undefined> {
    const text = `copy (select ${columns.map(quoted).join(", ")} from holdfast.${quoted(name)}) to stdout (format binary)`;
    return this.#atMoment(async (session) => {
      try {
        return await session.copyOut(text, take);
      } catch (error) {
        if (error instanceof QueryFailed && error.code === undefinedTable) return undefined;
        throw error;
      }
    });
  }

  /** The rows of one segment of the log. */
  async *log({ name }: Table): AsyncGenerator<{ org: string; pos: number; at: number; body: Uint8Array }> {
    for (let after: readonly [string, number] = [zero, -1]; ;) {
      type Row = { org: string; pos: number; at: number; body: Uint8Array };
      const rows = await this.#atMoment((session) =>
        session.query<Row>(
          `select org, pos, at, body from holdfast.${quoted(name)} where (org, pos) > ($1, $2) order by org, pos limit 64`,
          after,
        ),
      );
      yield* rows;
      const last = rows.at(-1);
      if (!last) return;
      after = [last.org, last.pos];
    }
  }

  /** Of devices of an organisation that were somebody's, or erased: where in the log each of their periods begins, ascending. */
  async periods(org: string): Promise<readonly { device: string; number: number; from: number }[]> {
    return this.#atMoment((session) =>
      session.query<{ device: string; number: number; from: number }>(
        `select device, number, from_pos as "from" from holdfast.owner_period where org = $1 order by device, number`,
        [org],
      ),
    );
  }

  /** The log was read: its segments may go as ever. */
  async letLogGo(): Promise<void> {
    await this.#moment.run(`select pg_advisory_unlock_shared(${logLock})`);
  }

  /** Sequences run on, whatever the moment: asked after the rows, none is behind them. */
  async sequences(): Promise<readonly Sequence[]> {
    return this.#atMoment(async (session) => {
      const rows = await session.query<{ name: string }>(
        "select relname as name from pg_class where relnamespace = 'holdfast'::regnamespace and relkind = 'S' order by 1",
      );
      const all: Sequence[] = [];
      for (const { name } of rows) {
        const [row] = await session.query<{ last: number; called: boolean }>(
          `select last_value as last, is_called as called from holdfast.${quoted(name)}`,
        );
        if (row) all.push({ name, last: row.last, isCalled: row.called });
      }
      return all;
    });
  }

  /**
   * That what was read is whole: a migration that rewrites a table leaves it empty to whoever looks at a moment before.
   * @throws Refusal `storage.unavailable`
   */
  async prove(): Promise<void> {
    const [row] = await this.#reading.query<{ count: number }>(
      "select count(*)::integer as count from holdfast.migration",
    );
    if (row?.count === this.migrations.length) return;
    throw new Refusal("storage.unavailable", { detail: "A newer version changed the tables meanwhile. Begin again." });
  }

  async close(): Promise<void> {
    this.#moment.destroy();
    this.#reading.destroy();
    await Promise.all([this.#moment.ended, this.#reading.ended]);
  }

  async #atMoment<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#reading;
    await session.run(`begin isolation level repeatable read read only; set transaction snapshot '${this.#name}'`);
    try {
      return await work(session);
    } finally {
      if (session.isUsable) await session.run("rollback");
    }
  }
}

/**
 * Beside the server that uses the database, or without one: as the role of backups, which a start has made.
 * @throws ConnectFailed
 */
export function snapshotBeside(login: Login, keyring: Keyring): Promise<Snapshot> {
  const as = { ...login, user: roleNames(keyring.instance).backup, password: passwordOf(keyring, "backup") };
  return Snapshot.take(() => Session.connect(as, "holdfast backup", readingAll));
}

const zero = "00000000-0000-0000-0000-000000000000";
const undefinedTable = "42P01";

export type Sequence = { readonly name: string; readonly last: number; readonly isCalled: boolean };

type Found = Pick<Snapshot, "tables" | "migrations" | "bytes" | "segment">;

async function lookAt(session: Session): Promise<Found> {
  type Row = { name: string; columns: string[]; parent: string | null; bound: string | null; bytes: number };
  const rows = await session.query<Row>(
    `select c.relname as name, p.relname as parent, pg_get_expr(c.relpartbound, c.oid) as bound, pg_table_size(c.oid) as bytes,
        (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
       from pg_class c left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
      where c.relnamespace = 'holdfast'::regnamespace and c.relkind = 'r' and c.relname <> 'migration' order by c.relname`,
  );
  const references = await session.query<{ name: string; other: string }>(
    `select r.relname as name, o.relname as other from pg_constraint k join pg_class r on r.oid = k.conrelid
        join pg_class o on o.oid = k.confrelid
      where k.contype = 'f' and k.connamespace = 'holdfast'::regnamespace and k.conrelid <> k.confrelid`,
  );
  const migrations = await session.query<Applied>(
    "select number, name, encode(digest, 'hex') as digest from holdfast.migration order by number",
  );
  const tables = rows.map(({ name, columns, parent, bound }) => ({
    name,
    columns,
    ...(parent !== null && { partition: { of: parent, ...rangeOf(name, bound ?? "") } }),
  }));
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  const [mark] = await session.query<{ segment: number }>("select segment from holdfast.log_mark");
  return { tables: inOrder(tables, references), migrations, bytes, segment: mark?.segment ?? 0 };
}

function rangeOf(name: string, bound: string): { first: number; past: number } {
  const [, first, past] = /^FOR VALUES FROM \('(-?\d+)'\) TO \('(-?\d+)'\)$/.exec(bound) ?? [];
  if (first === undefined || past === undefined)
    throw new Error(`the partition ${name} is none that make_partition made`);
  return { first: Number(first), past: Number(past) };
}

/** Tables after those that they refer to. Within a table rows may refer to each other: that is looked at once all are there. */
function inOrder(tables: readonly Table[], references: readonly { name: string; other: string }[]): readonly Table[] {
  const ordered: Table[] = [];
  const seen = new Set<string>();
  const add = (table: Table): void => {
    if (seen.has(table.name)) return;
    seen.add(table.name);
    const names = [table.name, table.partition?.of];
    const others = references.filter(({ name }) => names.includes(name)).map(({ other }) => other);
    for (const other of tables)
      if (others.includes(other.name) || others.includes(other.partition?.of ?? "")) add(other);
    ordered.push(table);
  };
  tables.forEach(add);
  return ordered;
}

/** A name of ours, which PostgreSQL told. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

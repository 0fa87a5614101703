import { bytesOf, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import { copyOf } from "./copy-form.ts";
import type { Keyring } from "./keyring/index.ts";
import { tryLock } from "./lock.ts";
import { parseDatabaseUrl, type Login } from "./login.ts";
import { migrate, migrationsFolder, migrationsIn } from "./migrate.ts";
import { refuseForeignSchema, refuseOld } from "./open.ts";
import { ensureRoles, roleNames, type RoleNames } from "./roles.ts";
import { Session } from "./session.ts";
import { quoted, type Applied, type Sequence, type Table } from "./snapshot.ts";

type Needs = {
  readonly database: Login | string;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
};

/** Nothing of it takes a lock for long, and nobody else is there. */
const patient = { statement_timeout: "0", idle_in_transaction_session_timeout: "0" } as const;

/**
 * Fills an empty database from a backup, as its owner: with the tables of the version that the backup was made by, and all rows in one transaction,
 * so that a restore that breaks off leaves nothing that a start would take for data. The next start brings the tables up to date.
 */
export class Restoring {
  readonly #needs: Needs;
  readonly #session: Session;
  readonly #names: RoleNames;
  #segment = 0;

  private constructor(needs: Needs, session: Session, names: RoleNames) {
    this.#needs = needs;
    this.#session = session;
    this.#names = names;
  }

  /** @throws Refusal `storage.inUse`, `storage.notEmpty`, `storage.newer`, `storage.roles`, `keyring.wrong` */
  static async begin(needs: Needs, applied: readonly Applied[]): Promise<Restoring> {
    const { keyring, clock, random, database } = needs;
    const login = typeof database === "string" ? parseDatabaseUrl(database) : database;
    const session = await Session.connect(login, "holdfast restore", patient);
    try {
      if (!(await tryLock(session))) throw new Refusal("storage.inUse");
      await refuseOld(session);
      const names = roleNames(keyring.instance);
      await refuseForeignSchema(session, names);
      await refuseFilled(session);
      await ensureRoles({ session, names, keyring, random });
      await migrate({ session, names, clock, migrations: knownOf(applied) });
      const restoring = new Restoring(needs, session, names);
      await restoring.#open();
      return restoring;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  async #open(): Promise<void> {
    const session = this.#session;
    await session.run(`begin; set local role ${this.#names.owner}; set local search_path = holdfast, pg_temp`);
    const tables = await session.query<{ name: string; guarded: boolean }>(
      `select relname as name, relrowsecurity as guarded from pg_class
        where relnamespace = 'holdfast'::regnamespace and relkind in ('r', 'p') and relname <> 'migration'`,
    );
    // What migrations put in: the backup has it as it is by now.
    await session.run(`truncate ${tables.map(({ name }) => `holdfast.${quoted(name)}`).join(", ")}`);
    for (const { name, guarded } of tables) if (guarded) await this.#guard(name, false);
  }

  /** COPY does not go with row-level security that binds whoever writes. `true` is how a table was made, and how the self-check wants it. */
  async #guard(name: string, isForced: boolean): Promise<void> {
    await this.#session.run(
      `alter table holdfast.${quoted(name)} ${isForced ? "force" : "no force"} row level security`,
    );
  }

  /** The rows of a table, which is made first when it is a partition. Answers how many. */
  async table({ name, columns, partition }: Table, parts: AsyncIterable<Uint8Array>): Promise<number> {
    if (partition) {
      const { of, first, past } = partition;
      await this.#session.query("select holdfast.make_partition($1::text::regclass, $2, $3, $4)", [
        `holdfast.${quoted(of)}`,
        name,
        first,
        past,
      ]);
      await this.#guard(name, false);
    }
    const into = `holdfast.${quoted(name)} (${columns.map(quoted).join(", ")})`;
    return this.#session.copyIn(`copy ${into} from stdin (format binary)`, parts);
  }

  /** A new segment of the log, behind all that the backup or the keyring know of, with its key. */
  async segment(behind: number): Promise<{ readonly segment: number; readonly key: Uint8Array }> {
    const { keyring } = this.#needs;
    let segment = Math.max(behind, this.#segment) + 1;
    while ((await keyring.holding("segment", [String(segment)])).length > 0) segment += 1;
    this.#segment = segment;
    return { segment, key: await keyring.make("segment", String(segment)) };
  }

  /** Rows of such a segment. */
  async log(
    segment: number,
    rows: AsyncIterable<{
      readonly org: Id<"org">;
      readonly position: number;
      readonly at: number;
      readonly body: Uint8Array;
    }>,
  ): Promise<void> {
    const columns = ["org", "segment", "pos", "at", "body"];
    const partition = { of: "log", first: segment, past: segment + 1 };
    async function* values() {
      for await (const { org, position, at, body } of rows) yield [bytesOf(org), segment, position, at, body];
    }
    await this.table({ name: `log_${segment}`, columns, partition }, copyOf(values()));
  }

  async sequences(all: readonly Sequence[]): Promise<void> {
    for (const { name, last, isCalled } of all)
      await this.#session.query("select setval($1::text::regclass, $2, $3)", [
        `holdfast.${quoted(name)}`,
        last,
        isCalled,
      ]);
  }

  /**
   * Nothing of these organisations is served until somebody says who still may what. Whoever was signed in when the backup was made may have been
   * ended since, so all sign-ins are: who says it has shown again who she is.
   */
  async shut(at: number): Promise<void> {
    await this.#session.run("delete from holdfast.session");
    await this.#session.query(
      `insert into holdfast.revocation (org, about, ends, seq, at)
         select org, 'org_' || replace(org::text, '-', ''), 'people', nextval('holdfast.revocation_seq'), $1 from holdfast.organisation
       on conflict (org, about, ends) do update set seq = excluded.seq, at = excluded.at, until = null`,
      [at],
    );
    await this.#session.query(
      "insert into holdfast.unconfirmed (org, since) select org, $1 from holdfast.organisation",
      [at],
    );
  }

  /** From here on it is there. */
  async commit(): Promise<void> {
    const session = this.#session;
    await session.query("update holdfast.log_mark set segment = greatest(segment, $1)", [this.#segment]);
    const tables = await session.query<{ name: string }>(
      `select relname as name from pg_class
        where relnamespace = 'holdfast'::regnamespace and relkind in ('r', 'p') and relrowsecurity and not relforcerowsecurity`,
    );
    for (const { name } of tables) await this.#guard(name, true);
    await session.run("commit");
    await session.run("analyze");
    await session.close();
  }

  /** Nothing of it stays. */
  async abandon(): Promise<void> {
    this.#session.destroy();
    await this.#session.ended;
  }
}

/** A database that served has this row; what a restore leaves that broke off has none. */
async function refuseFilled(session: Session): Promise<void> {
  const [table] = await session.query("select from pg_tables where schemaname = 'holdfast' and tablename = 'instance'");
  if (!table) return;
  const [row] = await session.query("select from holdfast.instance");
  if (row) throw new Refusal("storage.notEmpty");
}

/** Our migrations up to the last that the backup has. @throws Refusal `storage.newer` */
function knownOf(applied: readonly Applied[]) {
  const ours = migrationsIn(migrationsFolder);
  for (const { number, name, digest } of applied) {
    if (ours[number - 1]?.digest.toHex() === digest) continue;
    throw new Refusal("storage.newer", { detail: `The backup has migration ${number}-${name}.` });
  }
  return ours.slice(0, applied.length);
}

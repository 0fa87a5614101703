import { Refusal, type Clock, type Id, type Random, type Report, type Timers } from "@holdfast/kernel";
import { ConnectFailed } from "./failure.ts";
import { inspect, grantFunctions } from "./inspect.ts";
import type { Keyring } from "./keyring/index.ts";
import { ServerLock } from "./lock.ts";
import { parseDatabaseUrl, placeOf, type Login } from "./login.ts";
import { migrate, migrationsFolder, migrationsIn } from "./migrate.ts";
import { patiently } from "./patiently.ts";
import { Pool } from "./pool.ts";
import {
  ensureRoles,
  openDoors,
  passwordOf,
  resetPassword,
  roleNames,
  type Door,
  type OpenDoor,
  type RoleNames,
} from "./roles.ts";
import { Session } from "./session.ts";
import { readingAll } from "./snapshot.ts";
import { defaultReserve, freeBytesOf, Space } from "./space.ts";
import type { AuditEntry, Unit } from "./unit.ts";

export type Needs = {
  /** The owner's sign-in: what the embedded PostgreSQL gives, or the text of `--database-url`. */
  readonly database: Login | string;
  /** The folder of the embedded PostgreSQL, whose disk is watched; `undefined` when the database is outside. */
  readonly folder: string | undefined;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** Writes a change's audit entries, within its transaction. `audit/` gives it. */
  readonly recordAudit: (unit: Unit, entries: readonly AuditEntry[]) => Promise<void>;
  /** A change may or may not have been kept: what is in memory of this organisation has to be read again. */
  readonly doubtful: (org: Id<"org">) => void;
  readonly report: Report;
  /** Nothing can be stored any more, for good: another server has taken these data over. The process should end. */
  readonly fatal: (refusal: Refusal) => void;
  /** Once it is aborted the platform closes, and nobody waits any more for a database that is away. */
  readonly closing?: AbortSignal | undefined;
  /** Tests give a smaller reserve, or a disk of their own. */
  readonly reserve?: { readonly bytes: number; readonly freeBytes: () => Promise<number> };
  /** Tests give other migrations. */
  readonly migrationsFolder?: string;
};

/** How many connections each door may have. Changes and reads have their own, so that a read within a change cannot wait for changes. */
const sizes = { app: 6, reading: 8, directory: 3, instance: 3, ingest: 3, maintain: 2 } as const;

/** Retention and partitions may take their time: nobody waits for them. */
const more: Partial<Record<Door, Parameters<typeof Session.connect>[2]>> = {
  maintain: { statement_timeout: "10min" },
  backup: readingAll,
};

type Parts = {
  readonly lock: ServerLock;
  readonly pools: Readonly<Record<OpenDoor | "reading", Pool>>;
  /** A connection by the door of backups, which is not kept. */
  readonly readAll: () => Promise<Session>;
  readonly space: Space | undefined;
};

/** Everything between a sign-in and a database that may be used. Nothing is left open when it refuses. */
export async function openDatabase(needs: Needs): Promise<Parts> {
  const { keyring, random, timers, closing } = needs;
  const login = typeof needs.database === "string" ? parseDatabaseUrl(needs.database) : needs.database;
  const names = roleNames(keyring.instance);
  const migrations = migrationsIn(needs.migrationsFolder ?? migrationsFolder);
  const run = random.bytes(8).toHex();
  const lockName = `holdfast lock ${run}`;

  const pools: Pool[] = [];
  const lock = await ServerLock.take({
    first: () => connectPatiently(login, lockName, needs),
    connect: () => Session.connect(login, lockName, {}, closing),
    name: lockName,
    timers,
    closing,
    lost: needs.fatal,
    silent: () => {
      const message = "The database says nothing any more. Its connections are broken off and made anew.";
      needs.report(message, { level: "warning", code: "storage.unavailable" });
      for (const pool of pools) pool.breakAll();
    },
  });
  try {
    const { session } = lock;
    await refuseOld(session);
    await refuseForeignSchema(session, names);
    await ensureRoles({ session, names, keyring, random });
    await refuseForeign(session, keyring.instance);
    await migrate({ session, names, clock: needs.clock, migrations });
    await belongTo(session, keyring.instance, needs.clock);
    await grantFunctions(session, names);
    await inspect(session, names);

    const poolOf = (door: OpenDoor, size: number): Pool => {
      const pool = new Pool({ connect: () => signIn(door), size, timers, gate: lock, closing });
      pools.push(pool);
      return pool;
    };
    const signIn = async (door: Door): Promise<Session> => {
      const as = { ...login, user: names[door], password: passwordOf(keyring, door) };
      const name = `holdfast ${door} ${run}`;
      try {
        return await Session.connect(as, name, more[door]);
      } catch (error) {
        if (!isWrongPassword(error)) throw error;
        await resetPassword({ session: lock.session, names, keyring, random }, door);
        return Session.connect(as, name, more[door]);
      }
    };
    const made = {
      app: poolOf("app", sizes.app),
      reading: poolOf("app", sizes.reading),
      directory: poolOf("directory", sizes.directory),
      instance: poolOf("instance", sizes.instance),
      ingest: poolOf("ingest", sizes.ingest),
      maintain: poolOf("maintain", sizes.maintain),
    };
    await Promise.all(openDoors.map(async (door) => made[door].adopt(await endLeftovers(await signIn(door)))));
    await (await signIn("backup")).close(); // a backup would not be the time to find that it does not open
    await lock.mark();
    return { lock, space: await watchSpace(needs), pools: made, readAll: () => signIn("backup") };
  } catch (error) {
    await Promise.all(pools.map((pool) => pool.close()));
    await lock.release();
    throw error;
  }
}

/** A database that is just starting is waited for. */
async function connectPatiently(login: Login, name: string, needs: Needs): Promise<Session> {
  const { timers, report, closing } = needs;
  try {
    return await patiently(() => Session.connect(login, name, {}, closing), {
      timers,
      signal: closing,
      mayRecover: (error) => error instanceof ConnectFailed && error.mayRecover,
      waiting: () => report(`Waiting for the database at ${placeOf(login)}.`),
    });
  } catch (error) {
    throw error instanceof ConnectFailed ? refusalOf(error, login) : error;
  }
}

const refusalOf = (cause: ConnectFailed, login: Login): Refusal =>
  new Refusal("storage.unreachable", {
    cause,
    detail: `${placeOf(login)} ${cause.mayRecover ? "does not answer" : "refuses the account"} (${cause.code}).`,
  });

/** 28P01 invalid_password, 28000 invalid_authorization_specification: a role that may not sign in says that too. */
const isWrongPassword = (error: unknown): boolean =>
  error instanceof ConnectFailed && (error.code === "28P01" || error.code === "28000");

export async function refuseOld(session: Session): Promise<void> {
  const [row] = await session.query<{ number: number; name: string }>(
    "select current_setting('server_version_num')::integer as number, current_setting('server_version') as name",
  );
  if ((row?.number ?? 0) < 150_000) {
    throw new Refusal("storage.unsafe", { detail: `PostgreSQL is ${row?.name}, and must be 15 or newer.` });
  }
}

/** Before anything is changed: data of another instance stay as they are. */
export async function refuseForeignSchema(session: Session, names: RoleNames): Promise<void> {
  const [schema] = await session.query<{ owner: string }>(
    "select nspowner::regrole::text as owner from pg_namespace where nspname = 'holdfast'",
  );
  if (schema && schema.owner !== names.owner) {
    throw new Refusal("keyring.wrong", { detail: `The data are of ${schema.owner}, the keys of ${names.owner}.` });
  }
}

async function refuseForeign(session: Session, instance: string): Promise<void> {
  const [table] = await session.query("select from pg_tables where schemaname = 'holdfast' and tablename = 'instance'");
  if (!table) return;
  const [row] = await session.query<{ id: string }>("select id from holdfast.instance");
  if (row && row.id.replaceAll("-", "") !== instance) throw new Refusal("keyring.wrong");
}

/** The first start writes down whose these data are. */
async function belongTo(session: Session, instance: string, clock: Clock): Promise<void> {
  await session.query(
    "insert into holdfast.instance (id, made_at, high_water) values ($1, $2, $2) on conflict (only_one) do nothing",
    [instance, clock.now()],
  );
}

/** What a server that was killed had open ends now, a commit under way included: after this nobody but us writes. */
async function endLeftovers(session: Session): Promise<Session> {
  await session.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where usename = current_user and datname = current_database() and application_name <> current_setting('application_name')`,
  );
  return session;
}

async function watchSpace({ folder, reserve, timers, report }: Needs): Promise<Space | undefined> {
  if (folder === undefined && reserve === undefined) return undefined;
  const place = folder ?? "/";
  const space = new Space({
    freeBytes: reserve?.freeBytes ?? (() => freeBytesOf(place)),
    reserve: reserve?.bytes ?? (await defaultReserve(place)),
    timers,
    report,
  });
  await space.watch();
  return space;
}

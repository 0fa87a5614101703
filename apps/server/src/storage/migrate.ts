import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Refusal, type Clock } from "@holdfast/kernel";
import type { RoleNames } from "./roles.ts";
import type { Session } from "./session.ts";

export type Migration = {
  readonly number: number;
  readonly name: string;
  readonly text: string;
  readonly digest: Uint8Array;
};

export const migrationsFolder = path.join(import.meta.dirname, "migrations");

/** `NNNN-name.sql`, numbered from 1 without gaps. They are never changed once released, only added to. */
export function migrationsIn(folder: string): Migration[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql"));
  return files.sort().map((file, index) => {
    const [, digits = "", name = ""] = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file) ?? [];
    if (Number(digits) !== index + 1) throw new Error(`the migration ${file} is not called ${index + 1} and a name`);
    const text = readFileSync(path.join(folder, file), "utf8").replaceAll("\r\n", "\n");
    return { number: index + 1, name, text, digest: createHash("sha256").update(text).digest() };
  });
}

type Needs = {
  /** The owner's connection, which holds the server's lock. */
  readonly session: Session;
  readonly names: RoleNames;
  readonly clock: Clock;
  readonly migrations: readonly Migration[];
};

/**
 * Brings the schema up to date, forward only, one transaction each.
 * @throws Refusal `storage.newer` when the database knows a migration that this program does not
 */
export async function migrate({ session, names, clock, migrations }: Needs): Promise<void> {
  const applied = await appliedIn(session);
  checkApplied(applied, migrations);
  for (const { number, name, text, digest } of migrations.slice(applied.length)) {
    const begin = `begin; set local role ${names.owner}; set local search_path = holdfast, pg_temp; set local statement_timeout = 0`;
    const done = `insert into holdfast.migration (number, name, digest, at)
      values (${number}, '${name}', '\\x${digest.toHex()}', ${clock.now()}); commit`;
    try {
      await session.run(begin);
      if (number === 1) await session.run(migrationTable);
      await session.run(withRoles(text, names));
      if (!session.isInTransaction) throw new Error("it ended its own transaction");
      await session.run(done);
    } catch (cause) {
      if (session.isUsable) await session.run("rollback");
      if (cause instanceof Refusal) throw cause; // the disk is full, or PostgreSQL went away
      throw new Error(`migration ${number}-${name} failed`, { cause });
    }
  }
}

const migrationTable = `create table holdfast.migration (
  number integer primary key, name text not null, digest bytea not null, at bigint not null)`;

type Applied = { readonly number: number; readonly name: string; readonly digest: Uint8Array };

async function appliedIn(session: Session): Promise<readonly Applied[]> {
  const [table] = await session.query(
    "select from pg_tables where schemaname = 'holdfast' and tablename = 'migration'",
  );
  if (!table) return [];
  return session.query<Applied>("select number, name, digest from holdfast.migration order by number");
}

function checkApplied(applied: readonly Applied[], migrations: readonly Migration[]): void {
  for (const { number, name, digest } of applied) {
    const known = migrations[number - 1];
    if (!known) throw new Refusal("storage.newer", { detail: `The database has migration ${number}-${name}.` });
    if (Buffer.compare(known.digest, digest) !== 0) {
      const detail = `Migration ${number}-${known.name} of this program is not the one that made the database (${name}).`;
      throw new Refusal("storage.newer", { detail });
    }
  }
}

/** `:app` and its like become the names of this instance's roles. `::` is a cast and stays. */
const withRoles = (text: string, names: RoleNames): string =>
  text.replaceAll(
    /(?<!:):(owner|app|directory|instance|ingest|maintain|backup)\b/g,
    (_, role: keyof RoleNames) => names[role],
  );

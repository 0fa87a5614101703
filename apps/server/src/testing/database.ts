import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { after } from "node:test";
import { systemRandom } from "@holdfast/kernel";
import type { Login } from "../storage/index.ts";
import { asOwner, copyKeys, makeCluster, variable, type Cluster, type OwnCluster } from "./cluster.ts";
import { room } from "./room.ts";

export type FreshDatabase = {
  /** The owner's sign-in: what `Storage.open` takes. */
  readonly login: Login;
  /** The same as `--database-url` writes it. */
  readonly url: string;
  /** The keys that belong to the data. */
  readonly keysFolder: string;
  /** An empty folder beside them, for whatever else a test keeps. */
  readonly folder: string;
  drop(): Promise<void>;
};

let own: Promise<OwnCluster> | undefined;
const closing: (() => Promise<void>)[] = [];

/** For what all tests of a file share: closed after the last of them, what was opened last first. */
export const atEnd = { after: (close: () => Promise<void>): void => void closing.push(close) };

/** Where another file's tests follow in this process. */
export async function closeShared(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close();
}

after(async () => {
  await closeShared();
  // A file run by hand has no cluster given: it started one at the first need.
  await (await own)?.stop();
});

async function theCluster(): Promise<Cluster> {
  const given = process.env[variable]; // how the runner of the tests tells its children
  if (given !== undefined) return JSON.parse(given) as Cluster; // `startCluster` wrote it
  own ??= makeOwn();
  return (await own).cluster;
}

async function makeOwn(): Promise<OwnCluster> {
  const made = await makeCluster(room());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      made.abandon();
      process.kill(process.pid, signal); // as it would have ended without us
    });
  }
  return made;
}

/** A database of its own with every migration, and the keys to it: a clone of the run's template. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const cluster = await theCluster();
  const name = `test_${systemRandom.bytes(8).toHex()}`;
  await asOwner(cluster.owner, `create database ${name} template ${cluster.template}`);
  const folder = mkdtempSync(path.join(cluster.folder, "test-"));
  const keysFolder = path.join(folder, "keys");
  copyKeys(cluster, keysFolder);
  return given(cluster, name, folder, keysFolder);
}

/** A database without anything in it, and a folder without keys: what a first start finds. */
export async function emptyDatabase(): Promise<FreshDatabase> {
  const cluster = await theCluster();
  const name = `test_${systemRandom.bytes(8).toHex()}`;
  await asOwner(cluster.owner, `create database ${name}`);
  const folder = mkdtempSync(path.join(cluster.folder, "test-"));
  return given(cluster, name, folder, path.join(folder, "keys"));
}

/** How many wait for a lock on a table, or on a part of it: here alone. PostgreSQL tells of those of all its databases, and in clones tables have the same numbers. */
export const waitingFor = (table: string): string => `select count(*)::int as count
  from pg_locks l join pg_class c on c.oid = l.relation join pg_database d on d.oid = l.database
  where c.relname like '${table}%' and not l.granted and d.datname = current_database()`;

function given({ owner }: Cluster, name: string, folder: string, keysFolder: string): FreshDatabase {
  const secret = encodeURIComponent(owner.password ?? "");
  return {
    login: { ...owner, database: name },
    url: `postgres://${owner.user}:${secret}@/${name}?host=${encodeURIComponent(owner.host)}&port=${owner.port}`,
    keysFolder,
    folder,
    drop: async () => {
      await asOwner(owner, `drop database if exists ${name} with (force)`);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

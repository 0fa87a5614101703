import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { systemClock, systemRandom, systemTimers } from "@holdfast/kernel";
import { Keyring } from "../storage/keyring/index.ts";
import { Storage, type Login } from "../storage/index.ts";
import { startPostgres } from "../storage/postgres/index.ts";
import { room } from "./room.ts";

/** The one variable by which the tests of a run find the PostgreSQL that they share. */
export const variable = "HOLDFAST_TEST_CLUSTER";

/** A PostgreSQL, and in it a database with every migration, to be cloned together with its keys. */
export type Cluster = {
  readonly owner: Login;
  readonly template: string;
  readonly keysFolder: string;
  /** Where tests put what they need; removed at the end. */
  readonly folder: string;
};

/** Starts a PostgreSQL for a whole run of tests. Each test file then takes a database of its own by `freshDatabase`. */
export async function startCluster(): Promise<{ environment: Record<string, string>; stop: () => Promise<void> }> {
  const { cluster, stop } = await makeCluster(room());
  return { environment: { [variable]: JSON.stringify(cluster) }, stop };
}

export type OwnCluster = {
  readonly cluster: Cluster;
  readonly stop: () => Promise<void>;
  /** At once, for a process that is being ended and may not wait. */
  readonly abandon: () => void;
};

/** `within` is the folder that its own is made in. */
export async function makeCluster(within: string): Promise<OwnCluster> {
  const folder = mkdtempSync(path.join(within, "holdfast-test-"));
  chmodSync(folder, 0o755); // PostgreSQL runs as another user when we are root
  const postgres = await startPostgres({
    folder: path.join(folder, "postgres"),
    password: systemRandom.bytes(32).toHex(),
    connections: 300, // several files run at once, and some start three platforms
    report: () => undefined,
  }).catch((error: unknown) => {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  const abandon = () => {
    killPostmaster(path.join(folder, "postgres", "cluster", "postmaster.pid"));
    // Its last writes come in between, and a folder that is not empty stays.
    for (let attempt = 0; attempt < 20 && existsSync(folder); attempt += 1) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const stop = async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const cluster = {
    owner: postgres.owner,
    template: "template_holdfast",
    keysFolder: path.join(folder, "keys"),
    folder,
  };
  try {
    await makeTemplate(cluster);
    return { cluster, stop, abandon };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** SIGQUIT is PostgreSQL's immediate shutdown: its children go with it. */
function killPostmaster(pidFile: string): void {
  try {
    process.kill(Number(readFileSync(pidFile, "utf8").split("\n")[0]), "SIGQUIT");
  } catch {
    // it is gone already
  }
}

async function makeTemplate({ owner, template, keysFolder }: Cluster): Promise<void> {
  await asOwner(owner, `create database ${template}`);
  const keyring = await Keyring.open({ place: { folder: keysFolder }, clock: systemClock, random: systemRandom });
  const storage = await Storage.open({
    database: { ...owner, database: template },
    folder: undefined,
    keyring,
    clock: systemClock,
    random: systemRandom,
    timers: systemTimers,
    recordAudit: async () => undefined,
    doubtful: () => undefined,
    report: () => undefined,
    fatal: () => undefined,
  });
  await storage.close();
  await keyring.close();
}

/** Another copy of the template's keys, which fit every clone of the template. */
export function copyKeys({ keysFolder }: Cluster, to: string): void {
  cpSync(keysFolder, to, { recursive: true });
}

/** Runs statements as the superuser of the cluster, each by itself. */
export async function asOwner(login: Login, ...statements: string[]): Promise<void> {
  const { tls: _, ...config } = login;
  const client = new pg.Client(config);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

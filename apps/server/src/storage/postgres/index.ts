import { chmodSync, existsSync, mkdirSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { Refusal, type Report } from "@holdfast/kernel";
import { type Account, codeOf, isRoot, type Outcome, ownerFor, privateUid, runAs } from "./account.ts";
import { dataVersion, giveAllTo, giveTo, hasCluster, type Layout, layoutOf, makeCluster } from "./cluster.ts";
import { findPostmaster, ownerAt, type Owner } from "./postmaster.ts";
import { findPackage, makeProgram, type Program } from "./program.ts";
import { Supervisor } from "./supervisor.ts";

export { privateUid } from "./account.ts";
export { dataVersion } from "./cluster.ts";

/** How the owner signs in to the one that runs on the data in this folder; `undefined` when none does. */
export async function runningPostgres(folder: string, password: string): Promise<Owner | undefined> {
  if (dataVersion(folder) === undefined) return undefined;
  const found = await findPostmaster(layoutOf(realpathSync(folder)));
  return found && ownerAt(found.socketFolder, password);
}

export type PostgresNeeds = {
  /** The launcher's alone: `<data>/postgres`. Made when it is missing. */
  readonly folder: string;
  /** The owner's password, hexadecimal. It stays the same for these data: the caller keeps it in the keyring. */
  readonly password: string;
  /** Told a sentence for people whenever something takes a second, or went wrong. */
  readonly report: Report;
  /** Told when PostgreSQL ended unexpectedly, and when it takes connections again. Those of before are broken. */
  readonly changed?: (state: "down" | "up") => void;
  /** How long a PostgreSQL that runs already may say nothing at all before it is stopped: 5,000. */
  readonly patienceMs?: number;
  /** How many connections it takes: 100. Where several servers share it, each needs up to 30. */
  readonly connections?: number;
  /** Gives the start up; what was begun is stopped and removed. */
  readonly signal?: AbortSignal;
};

export type EmbeddedPostgres = {
  /** What node-postgres needs to sign in as the superuser of this private cluster. */
  readonly owner: Owner;
  /** The system user that the database runs as, when we are root: the server can become it. Undefined when it runs as ourselves. */
  readonly runAs: { readonly uid: number; readonly gid: number } | undefined;
  /** Ends PostgreSQL, within ten seconds. */
  stop(): Promise<void>;
  /** Lets go of PostgreSQL without ending it: these data belong to another server. */
  release(): void;
};

/**
 * Starts PostgreSQL on the data in this folder, made first when there are none, or takes over the one that still runs there. A folder that the
 * system does not let us into is the system's own error.
 */
export async function startPostgres(needs: PostgresNeeds): Promise<EmbeddedPostgres> {
  try {
    return await start(needs);
  } catch (cause) {
    // The system said no. About a folder of somebody else the caller says more, who knows what named it.
    if (!(cause instanceof Error) || !("syscall" in cause) || closed.has(codeOf(cause) ?? "")) throw cause;
    const isFull = codeOf(cause) === "ENOSPC" || codeOf(cause) === "EDQUOT";
    const detail = `The system said: ${cause.message}.`;
    throw new Refusal(isFull ? "storage.full" : "storage.broken", { cause, detail });
  }
}

const closed = new Set(["EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR", "EEXIST"]);

async function start(needs: PostgresNeeds): Promise<EmbeddedPostgres> {
  const { password, report, changed = () => undefined, patienceMs = 5_000, connections, signal } = needs;
  const layout = layoutOf(makeFolder(needs.folder));
  const exists = hasCluster(layout.folder);
  const isRunning = exists && (await findPostmaster(layout)) !== undefined;
  const { account, program } = await settle(layout, possibleAccounts(layout, isRunning), signal);
  if (!exists) {
    report("Making the database. This happens once.");
    await makeCluster({ layout, program, account, password, signal });
  }
  const supervisor = new Supervisor({ layout, program, account, password, patienceMs, connections, report, changed });
  await supervisor.start(signal);
  return {
    get owner() {
      return supervisor.owner;
    },
    runAs: databaseUser(account),
    stop: () => supervisor.stop(),
    release: () => supervisor.release(),
  };
}

/** Its real path: PostgreSQL's processes are known by it. */
function makeFolder(folder: string): string {
  mkdirSync(path.dirname(folder), { recursive: true });
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const real = realpathSync(folder);
  // initdb starts its helpers through a shell, and quotes no better than this (PostgreSQL 18, exec.c, find_other_exec).
  if (/["$`\\\n\r]/.test(real)) {
    throw new Refusal("config.malformed", {
      detail: `PostgreSQL cannot work in ${real}: choose a path without " $ \` \\.`,
    });
  }
  return real;
}

const databaseUser = (account: Account) =>
  account.kind === "user" ? { uid: account.uid, gid: account.gid } : undefined;

/**
 * The user that the database of this folder runs as when we are root: whose the data are already, who lets nobody else into a folder above, or a
 * private one. Undefined for ordinary users, who run it themselves. Give it the folders above, too, if they are closed to others.
 */
export function systemUser(folder: string): { readonly uid: number; readonly gid: number } | undefined {
  if (!isRoot()) return undefined;
  for (const candidate of [folder, path.dirname(folder)]) {
    const found = statSync(candidate, { throwIfNoEntry: false });
    // Never with root's group.
    if (found && found.uid !== 0) return { uid: found.uid, gid: found.gid || found.uid };
  }
  return householder(path.dirname(path.dirname(folder))) ?? { uid: privateUid, gid: privateUid };
}

/** Whose the innermost closed folder is: in somebody's home everything is hers. */
function householder(folder: string): { readonly uid: number; readonly gid: number } | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found && (found.mode & 0o001) === 0)
    return found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid || found.uid };
  const above = path.dirname(folder);
  return above === folder ? undefined : householder(above);
}

/** As whom it might run, best first. Root's own files can be used in a namespace only, and are not taken from one that runs. */
function possibleAccounts({ folder, cluster }: Layout, isRunning: boolean): Account[] {
  const user = systemUser(folder);
  if (!user) return [{ kind: "ourselves" }];
  const namespace: Account = { kind: "namespace", uid: 65_534 };
  return isRunning && statSync(cluster).uid === 0 ? [namespace] : [{ kind: "user", ...user }, namespace];
}

/** As whom it can run here, and from which copy of the program: tried, because folders above may be closed in many ways. */
async function settle(
  layout: Layout,
  accounts: readonly Account[],
  signal: AbortSignal | undefined,
): Promise<{ account: Account; program: Program }> {
  let said = "";
  for (const account of accounts) {
    for (const kind of ["links", "copy"] as const) {
      const outcome = await tryProgram(layout, account, kind, signal);
      if ("postgres" in outcome) return { account, program: outcome };
      said ||= outcome.output.trim();
      if (outcome.cannotExecute) break; // then it cannot reach the folder, and a copy in there would not help
    }
  }
  const [first] = accounts;
  const who = first && `user ${ownerFor(first).uid}${isRoot() ? " (it refuses to run as root)" : ""}`;
  const detail =
    `It does not run in ${layout.folder} as ${who}: ${said}. Choose a data folder that this user can reach and execute ` +
    "programs in, such as one in /var/lib, or name a PostgreSQL of your own in HOLDFAST_DATABASE_URL.";
  throw new Refusal("storage.broken", { detail });
}

async function tryProgram(
  layout: Layout,
  account: Account,
  kind: "links" | "copy",
  signal: AbortSignal | undefined,
): Promise<Program | Outcome> {
  const program = makeProgram(layout.folder, findPackage(), kind);
  try {
    giveTo(account, program.folder);
    giveAllTo(account, layout);
  } catch (cause) {
    // Root of a container that has no other users, or of a network file system, cannot give anything away.
    if (!(cause instanceof Error) || !["EINVAL", "EPERM"].includes(codeOf(cause) ?? "")) throw cause;
    return { ok: false, output: cause.message, cannotExecute: true };
  }
  // Its group may be passing, when another server makes the cluster this moment.
  if (statSync(layout.folder).mode & 0o067) chmodSync(layout.folder, 0o700);
  const outcome = await runAs(account, program.postgres, ["--version"], signal);
  return outcome.ok ? program : outcome;
}

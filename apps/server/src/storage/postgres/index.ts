import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import path from "node:path";
import { Refusal } from "@holdfast/kernel";
import { type Account, codeOf, isRoot, ownerFor, privateUid, runAs } from "./account.ts";
import { giveAllTo, giveTo, hasCluster, type Layout, layoutOf, makeCluster } from "./cluster.ts";
import { findPostmaster, type Owner } from "./postmaster.ts";
import { findPackage, makeProgram, type Program } from "./program.ts";
import { Supervisor } from "./supervisor.ts";

export { dataVersion } from "./cluster.ts";

export type PostgresNeeds = {
  /** Absolute, and the launcher's alone: `<data>/postgres`. Made when it is missing. */
  readonly folder: string;
  /** The owner's password, hexadecimal. It stays the same for these data: the caller keeps it in the keyring. */
  readonly password: string;
  /** Told a sentence for people whenever something takes a second, or went wrong. */
  readonly report: (message: string) => void;
  /** Told when PostgreSQL ended unexpectedly, and when it takes connections again. Those of before are broken. */
  readonly changed?: (state: "down" | "up") => void;
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

/** Starts PostgreSQL on the data in this folder, made first when there are none, or takes over the one that still runs there. */
export async function startPostgres(needs: PostgresNeeds): Promise<EmbeddedPostgres> {
  try {
    return await start(needs);
  } catch (cause) {
    // The system said no: a full disk, a folder of somebody else.
    if (!(cause instanceof Error) || !("syscall" in cause)) throw cause;
    const full = codeOf(cause) === "ENOSPC" || codeOf(cause) === "EDQUOT";
    throw new Refusal(full ? "storage.full" : "storage.broken", {
      cause,
      detail: `The system said: ${cause.message}.`,
    });
  }
}

async function start({ folder, password, report, changed, signal }: PostgresNeeds): Promise<EmbeddedPostgres> {
  const layout = layoutOf(folder);
  const exists = hasCluster(folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const isRunning = exists && (await findPostmaster(layout)) !== undefined;
  const { account, program } = await settle(layout, possibleAccounts(layout, isRunning), signal);
  if (!exists) {
    report("Making the database. This happens once.");
    await makeCluster({ layout, program, account, password, signal });
  }
  const supervisor = new Supervisor({
    layout,
    program,
    account,
    password,
    report,
    changed: changed ?? (() => undefined),
  });
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

const databaseUser = (account: Account) =>
  account.kind === "user" ? { uid: account.uid, gid: account.gid } : undefined;

/**
 * The user that the database of this folder runs as when we are root: whose the data are already, or a private one.
 * Undefined for ordinary users, who run it themselves. Give it the folders above, too, if they are closed to others.
 */
export function systemUser(folder: string): { readonly uid: number; readonly gid: number } | undefined {
  if (!isRoot()) return undefined;
  for (const candidate of [folder, path.dirname(folder)]) {
    const found = lstatSync(candidate, { throwIfNoEntry: false });
    if (found && found.uid !== 0) return { uid: found.uid, gid: found.gid };
  }
  return { uid: privateUid, gid: privateUid };
}

/** As whom it might run, best first. Root's own files can be used in a namespace only, and are not taken from one that runs. */
function possibleAccounts({ folder, cluster }: Layout, isRunning: boolean): Account[] {
  const user = systemUser(folder);
  if (!user) return [{ kind: "ourselves" }];
  const namespace: Account = { kind: "namespace", uid: 65_534 };
  return isRunning && lstatSync(cluster).uid === 0 ? [namespace] : [{ kind: "user", ...user }, namespace];
}

/** As whom it can run here, and from which copy of the program: tried, because folders above may be closed in many ways. */
async function settle(
  layout: Layout,
  accounts: readonly Account[],
  signal: AbortSignal | undefined,
): Promise<{ account: Account; program: Program }> {
  const { folder } = layout;
  const bundled = findPackage();
  let said = "";
  for (const account of accounts) {
    for (const kind of ["links", "copy"] as const) {
      const program = makeProgram(folder, bundled, kind);
      giveTo(account, program.folder);
      giveAllTo(account, layout);
      chmodSync(folder, 0o700);
      const outcome = await runAs(account, program.postgres, ["--version"], signal);
      if (outcome.ok) return { account, program };
      said ||= outcome.output.trim();
      if (outcome.cannotExecute) break; // then it cannot reach the folder, and a copy in there would not help
    }
  }
  const [first] = accounts;
  const who = first && `user ${ownerFor(first).uid}${isRoot() ? " (it refuses to run as root)" : ""}`;
  const detail =
    `It does not run in ${folder} as ${who}: ${said}. Choose a data folder that this user can reach and execute ` +
    "programs in, such as one in /var/lib, or name a PostgreSQL of your own in HOLDFAST_DATABASE_URL.";
  throw new Refusal("storage.broken", { detail });
}

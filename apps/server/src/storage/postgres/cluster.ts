import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { Refusal } from "@holdfast/kernel";
import { type Account, accountForInit, codeOf, isRoot, ownerFor, runAs, sendSignal } from "./account.ts";
import { majorVersion, type Program } from "./program.ts";

/** The superuser of this private cluster. */
export const ownerName = "holdfast_owner";

/** What lies where in the folder that the launcher was given. All of it is the launcher's. */
export const layoutOf = (folder: string) => ({
  folder,
  /** What PostgreSQL calls its data directory. */
  cluster: path.join(folder, "cluster"),
  log: path.join(folder, "postgres.log"),
  socket: path.join(folder, "socket"),
});

export type Layout = ReturnType<typeof layoutOf>;

/** PostgreSQL's major version of the data in this folder; undefined where there are none yet. */
export function dataVersion(folder: string): number | undefined {
  const { cluster } = layoutOf(folder);
  let text: string;
  try {
    text = readFileSync(path.join(cluster, "PG_VERSION"), "utf8").trim();
  } catch (cause) {
    if (codeOf(cause) !== "ENOENT") throw cause;
    if (!lstatSync(cluster, { throwIfNoEntry: false })) return undefined;
    throw new Refusal("storage.broken", {
      cause,
      detail: `${cluster} is not a database: PG_VERSION is missing there.`,
    });
  }
  if (!/^\d{1,3}$/.test(text))
    throw new Refusal("storage.broken", { detail: `${cluster}/PG_VERSION holds no version.` });
  return Number(text);
}

/** Whether there are data; refuses those of another major version. */
export function hasCluster(folder: string): boolean {
  const version = dataVersion(folder);
  if (version === undefined || version === majorVersion) return version !== undefined;
  const detail = `The data are of PostgreSQL ${version}, and this is PostgreSQL ${majorVersion}.`;
  throw new Refusal(version > majorVersion ? "storage.newer" : "storage.broken", { detail });
}

type InitNeeds = {
  readonly layout: Layout;
  readonly program: Program;
  readonly account: Account;
  readonly password: string;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Makes an empty cluster beside its place and moves it there when it is whole, so that a start that is killed leaves
 * nothing half-made. When two servers do so at once, one of them wins and both use its cluster.
 */
export async function makeCluster({ layout, program, account, password, signal }: InitNeeds): Promise<void> {
  removeUnfinished(layout);
  const unfinished = path.join(layout.folder, `first-start-${process.pid}`);
  const cluster = path.join(unfinished, "cluster");
  const initAccount = accountForInit(account);
  try {
    mkdirSync(unfinished, { mode: 0o700 });
    mkdirSync(cluster, { mode: 0o700 });
    const passwordFile = path.join(unfinished, "password");
    writeFileSync(passwordFile, password, { mode: 0o600, flag: "wx" });
    giveTo(initAccount, unfinished);
    // Open, and without a name already: a start that is killed must not leave a secret beside the data.
    using secret = openForReading(passwordFile);
    rmSync(passwordFile);
    // Lets the group pass, which is nobody's but ours, for as long as initdb runs as another user than the database.
    if (initAccount.kind === "user") chmodSync(layout.folder, 0o710);

    const outcome = await runAs(initAccount, program.initdb, initArguments(cluster), signal, secret.handle);
    if (hasCluster(layout.folder)) return;
    if (!outcome.ok) {
      const isSeeming = account.kind === "ourselves" && initAccount.kind === "namespace";
      const detail = quoted(outcome.output) + (isSeeming ? withoutEntry : "");
      throw new Refusal(reasonIn(outcome.output), { detail });
    }
    giveTo(account, cluster);
    moveUnlessThere(cluster, layout.cluster);
    synchronise(layout.folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true, maxRetries: 5 });
    chmodSync(layout.folder, 0o700);
  }
}

const withoutEntry =
  " The user that runs this has no entry in /etc/passwd, which initdb asks for: make one, or name a PostgreSQL of your own in HOLDFAST_DATABASE_URL.";

const initArguments = (cluster: string) => [
  `--pgdata=${cluster}`,
  `--username=${ownerName}`,
  "--pwfile=/dev/stdin",
  "--auth-local=scram-sha-256",
  "--auth-host=reject",
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  "--data-checksums",
  "--no-instructions",
];

/** Removes what first starts left that were killed. The name tells whose it was; a process of our own number is dead. */
function removeUnfinished({ folder }: Layout): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^first-start-(\d+)$/.exec(name)?.[1]);
    if (!pid || (pid !== process.pid && sendSignal(pid, 0))) continue;
    removeAll(path.join(folder, name));
  }
}

/** Also where another start does so at the same time, and an initdb that outlived its server writes there: that fails once its files are gone. */
function removeAll(folder: string): void {
  for (let tries = 0; existsSync(folder); tries += 1) {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}

/** Gives the launcher's folder to that account, unless it has it: it may hold very many files. */
export function giveAllTo(account: Account, { folder, cluster }: Layout): void {
  const { uid } = ownerFor(account);
  const isGiven = (entry: string) => (lstatSync(entry, { throwIfNoEntry: false })?.uid ?? uid) === uid;
  if (!isGiven(folder) || !isGiven(cluster)) giveTo(account, folder);
}

/** Gives a folder and everything in it to that account; never through a link. The folder itself last: a sign of done. */
export function giveTo(account: Account, folder: string): void {
  if (!isRoot()) return; // it was made by ourselves
  const { uid, gid } = ownerFor(account);
  const give = (entry: string) => {
    const found = lstatSync(entry);
    if (found.isDirectory()) for (const name of readdirSync(entry)) give(path.join(entry, name));
    if (found.uid !== uid || found.gid !== gid) lchownSync(entry, uid, gid);
  };
  give(folder);
}

function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    if (codeOf(cause) !== "ENOTEMPTY" && codeOf(cause) !== "EEXIST") throw cause;
  }
}

function synchronise(folder: string): void {
  using opened = openForReading(folder);
  fsyncSync(opened.handle);
}

function openForReading(file: string): { readonly handle: number } & Disposable {
  const handle = openSync(file, "r");
  return { handle, [Symbol.dispose]: () => closeSync(handle) };
}

/** PostgreSQL's own words as one sentence. They hold no secret: its log is kept free of values, and initdb shows none. */
export function quoted(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.replace(/^\d{4}-\S+ \S+ \S+ \[\d+\] /, "").trim())
    .filter((line) => line.length > 0);
  const telling = lines.filter((line) => /FATAL|PANIC|ERROR|error|could not|cannot/.test(line));
  const last = (telling.length > 0 ? telling : lines).slice(-3);
  return `It said: ${last.join("; ").slice(0, 500) || "nothing"}.`.replace("..", ".");
}

export const reasonIn = (output: string) =>
  /No space left on device|Disk quota exceeded/.test(output) ? "storage.full" : "storage.broken";

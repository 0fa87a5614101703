import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { readFileSync } from "node:fs";

/** As whom PostgreSQL runs; it refuses to run as root. */
export type Account =
  | { readonly kind: "ourselves" }
  /** Another user of this machine: needs root once, to become it. */
  | { readonly kind: "user"; readonly uid: number; readonly gid: number }
  /** A namespace in which our own files seem to belong to `uid`: where another user could not reach the folder. */
  | { readonly kind: "namespace"; readonly uid: number };

/**
 * The user and group of the database when Holdfast is started as root and the data belong to root. Nobody else's:
 * 65520 to 65533 are the ids that distributions and systemd leave alone (systemd, "Users, Groups, UIDs and GIDs"), and
 * containers that map 65,536 ids have them too. It needs no entry in /etc/passwd.
 */
export const privateUid = 65_527;

export const isRoot = (): boolean => process.getuid?.() === 0;

/** Who owns the files, so that this account can use them and PostgreSQL accepts them. */
export const ownerFor = (account: Account): { uid: number; gid: number } =>
  account.kind === "user"
    ? { uid: account.uid, gid: account.gid }
    : // Not on systems without users, where nothing here runs either.
      { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/**
 * `initdb`, unlike `postgres`, looks its own user up in /etc/passwd and gives up when there is none. It then runs as
 * nobody for a second, with the private group, so that other processes of nobody reach neither it nor its files.
 */
export function accountForInit(account: Account): Account {
  const uid = account.kind === "ourselves" ? process.getuid?.() : account.uid;
  const users = usersOfThisMachine();
  if (uid === undefined || account.kind === "namespace" || users.some((user) => user.uid === uid)) return account;
  const nobody = users.find((user) => user.name === "nobody") ?? users.find((user) => user.uid !== 0);
  if (!nobody) return account;
  // An ordinary user cannot become nobody, but can seem to be.
  return account.kind === "user"
    ? { kind: "user", uid: nobody.uid, gid: account.gid }
    : { kind: "namespace", uid: nobody.uid };
}

function usersOfThisMachine(): { name: string; uid: number }[] {
  let passwd: string;
  try {
    passwd = readFileSync("/etc/passwd", "utf8");
  } catch {
    return []; // a container without users
  }
  return passwd
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= 4)
    .map(([name = "", , uid]) => ({ name, uid: Number(uid) }));
}

/**
 * Starts a program as that account, in a session of its own: Ctrl-C in a terminal goes to a whole session, and must reach
 * Holdfast alone. Nothing of our environment goes along: it may hold secrets, and PG… variables would steer it.
 */
export function spawnAs(account: Account, program: string, args: readonly string[], stdio: StdioOptions): ChildProcess {
  const options = {
    stdio,
    cwd: "/",
    detached: true,
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", TZ: "UTC" },
  };
  switch (account.kind) {
    case "ourselves":
      return spawn(program, args, options);
    case "user": {
      // Once the server has given root up it is that user already, and may not "become" it again.
      const already = process.getuid?.() === account.uid;
      return spawn(program, args, already ? options : { ...options, uid: account.uid, gid: account.gid });
    }
    case "namespace": {
      const id = String(account.uid);
      return spawn("unshare", ["--user", `--map-user=${id}`, `--map-group=${id}`, "--", program, ...args], options);
    }
  }
}

export type Outcome = { readonly ok: boolean; readonly output: string; readonly cannotExecute: boolean };

/** Runs a program to its end. `output` is the last 4 kB of what it wrote. */
export function runAs(
  account: Account,
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
  stdin: number | "ignore" = "ignore",
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawnAs(account, program, args, [stdin, "pipe", "pipe"]);
    let output = "";
    const collect = (chunk: unknown) => (output = (output + String(chunk)).slice(-4096));
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    const abort = () => {
      // The whole group: initdb starts programs of its own. Gone already is as good.
      if (child.pid !== undefined) sendSignal(-child.pid, "SIGKILL");
    };
    signal?.addEventListener("abort", abort, { once: true });
    child.once("error", (cause: NodeJS.ErrnoException) => {
      signal?.removeEventListener("abort", abort);
      resolve({ ok: false, output: cause.message, cannotExecute: cause.code === "EACCES" || cause.code === "EPERM" });
    });
    child.once("close", (code) => {
      signal?.removeEventListener("abort", abort);
      if (signal?.aborted) reject(signal.reason);
      else resolve({ ok: code === 0, output, cannotExecute: code === 126 }); // 126: unshare could not execute it
    });
    if (signal?.aborted) abort();
  });
}

/** False when there is no such process. Signal 0 asks only that. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (cause) {
    if (codeOf(cause) === "ESRCH") return false;
    if (codeOf(cause) === "EPERM" && signal === 0) return true; // it exists, and is somebody else's
    throw cause;
  }
}

/** The system's or PostgreSQL's code of an error, such as ENOENT or 28P01. */
export function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}

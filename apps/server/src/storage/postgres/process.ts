import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { codeOf, sendSignal } from "./account.ts";

/** What `postmaster.pid` says; PostgreSQL writes it while it runs, and leaves it behind when it is killed. */
export type PidFile = {
  readonly pid: number;
  readonly socketFolder: string;
  /** Somebody's `postgres --single`: no server. */
  readonly isAlone: boolean;
};

/** Undefined where there is no such file; "unreadable" for one that was cut short. (pidfile.h, LOCK_FILE_LINE_….) */
export function readPidFile(cluster: string): PidFile | "unreadable" | undefined {
  let lines: string[];
  try {
    lines = readFileSync(path.join(cluster, "postmaster.pid"), "utf8").split("\n");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
  const number = Number(lines[0]);
  const pid = Math.abs(number);
  if (!Number.isSafeInteger(pid) || pid < 2) return "unreadable";
  return { pid, socketFolder: lines[4] ?? "", isAlone: number < 0 };
}

const hasProc = existsSync("/proc/self/cwd");

/** Whether this process is a PostgreSQL on that cluster, not some program that was given a dead one's number. */
export function runsOn(cluster: string, pid: number): boolean {
  if (!sendSignal(pid, 0)) return false;
  if (!hasProc) return namesCluster(cluster, pid);
  // Every process of PostgreSQL works in its data directory. A dead one that nobody collected has none. "(deleted)": the
  // package was installed again meanwhile.
  const program = path.basename(linkOf(pid, "exe") ?? "");
  if (!/^postgres( \(deleted\))?$/.test(program)) return false;
  const real = unlessGone(() => realpathSync(cluster));
  return real !== undefined && linkOf(pid, "cwd") === real;
}

/** Where there is no /proc: a postmaster's command line names the program and, after -D, the cluster. */
export function namesCluster(cluster: string, pid: number): boolean {
  try {
    const command = execFileSync("ps", ["-p", String(pid), "-ww", "-o", "command="], { encoding: "utf8" });
    return command.includes(`/bin/postgres -D ${cluster} `);
  } catch (cause) {
    if (cause instanceof Error && "status" in cause && cause.status === 1) return false; // no such process
    throw cause;
  }
}

/**
 * What outlives a postmaster that was killed: its children hold the shared memory until they notice, and a new one must
 * not start before. Known where there is /proc; elsewhere the new one refuses to start until they are gone.
 */
export function orphansOn(cluster: string): number[] {
  if (!hasProc) return [];
  const uid = process.getuid?.();
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && (uid === 0 || statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid))
    .filter((pid) => runsOn(cluster, pid) && isChild(pid) && !runsOn(cluster, parentOf(pid)));
}

/** The children's titles are "postgres: checkpointer" and the like; a postmaster keeps its command line. */
const isChild = (pid: number): boolean => (textOf(pid, "cmdline") ?? "").startsWith("postgres: ");

/** The second field after the name, which may itself hold spaces and parentheses (proc_pid_stat(5)); 1 when it is gone. */
function parentOf(pid: number): number {
  const stat = textOf(pid, "stat") ?? "";
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 1);
}

const linkOf = (pid: number, name: string) => unlessGone(() => readlinkSync(`/proc/${pid}/${name}`));
const textOf = (pid: number, name: string) => unlessGone(() => readFileSync(`/proc/${pid}/${name}`, "utf8"));

/** Undefined when the process (or the cluster) is gone, or is of a user whose processes we may not look into: ours always may be. */
function unlessGone(read: () => string): string | undefined {
  try {
    return read();
  } catch (cause) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(codeOf(cause) ?? "")) return undefined;
    throw cause;
  }
}

/** True once `holds` is; false when it still is not after that many milliseconds. */
export async function eventually(holds: () => boolean, withinMs: number, signal?: AbortSignal): Promise<boolean> {
  const end = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() >= end) return false;
    await wait(20, undefined, { signal });
  }
  return true;
}

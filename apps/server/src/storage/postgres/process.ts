import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { codeOf, sendSignal } from "./account.ts";

/** What `postmaster.pid` says; PostgreSQL writes it while it runs, and leaves it behind when it is killed. */
export type PidFile = { readonly pid: number; readonly socketFolder: string };

/** Undefined where there is no such file; "unreadable" for one that was cut short. (miscadmin.h, LOCK_FILE_LINE_*.) */
export function readPidFile(cluster: string): PidFile | "unreadable" | undefined {
  let lines: string[];
  try {
    lines = readFileSync(path.join(cluster, "postmaster.pid"), "utf8").split("\n");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
  const pid = Math.abs(Number(lines[0])); // negative: PostgreSQL alone, without a postmaster
  if (!Number.isSafeInteger(pid) || pid < 2) return "unreadable";
  return { pid, socketFolder: lines[4] ?? "" };
}

const linux = process.platform === "linux";

/** Whether this process is a PostgreSQL on that cluster, not some program that was given a dead one's number. */
export function runsOn(cluster: string, pid: number): boolean {
  if (!sendSignal(pid, 0)) return false;
  if (!linux) return tellsAboutCluster(cluster, pid);
  try {
    // Every process of PostgreSQL works in its data directory. A dead one that nobody collected has no directory.
    // "/postgres (deleted)" when the package was installed again meanwhile.
    const program = path.basename(readlinkSync(`/proc/${pid}/exe`));
    return /^postgres( \(deleted\))?$/.test(program) && readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster);
  } catch (cause) {
    // Gone, or of a user whose processes we may not look into: ours always may be.
    if (codeOf(cause) === "ENOENT" || codeOf(cause) === "EACCES" || codeOf(cause) === "ESRCH") return false;
    throw cause;
  }
}

/** Where there is no /proc: its command line names the program and, after -D, the cluster. */
function tellsAboutCluster(cluster: string, pid: number): boolean {
  try {
    const command = execFileSync("ps", ["-p", String(pid), "-ww", "-o", "command="], { encoding: "utf8" });
    return (
      /^\S*postgres\s/.test(command.replace(/^.*\/bin\/postgres /, "postgres ")) && command.includes(`-D ${cluster} `)
    );
  } catch (cause) {
    if (cause instanceof Error && "status" in cause && cause.status === 1) return false; // there is none
    throw cause;
  }
}

/**
 * What outlives a postmaster that was killed: its children hold the shared memory until they notice, and a new one must
 * not start before. Linux only; elsewhere the new one says so itself.
 */
export function processesOn(cluster: string): number[] {
  if (!linux) return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && hasOwner(pid) && runsOn(cluster, pid));
}

/** Skips the kernel's and others' processes cheaply: the ones of the cluster are ours, unless we are root. */
function hasOwner(pid: number): boolean {
  const uid = process.getuid?.();
  return uid === 0 || statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid;
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

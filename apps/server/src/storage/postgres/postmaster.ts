import { type ChildProcess } from "node:child_process";
import { closeSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Refusal } from "@holdfast/kernel";
import pg from "pg";
import { type Account, codeOf, sendSignal, spawnAs } from "./account.ts";
import { type Layout, ownerName } from "./cluster.ts";
import { openLog } from "./log.ts";
import { eventually, orphansOn, type PidFile, readPidFile, runsOn } from "./process.ts";
import { type Program } from "./program.ts";
import { settings } from "./settings.ts";
import { port, removeSocket } from "./socket.ts";

/** What node-postgres needs to sign in as the owner of the cluster, its superuser. */
export type Owner = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
};

export const ownerAt = (socketFolder: string, password: string): Owner => ({
  host: socketFolder,
  port,
  user: ownerName,
  password,
  database: "postgres",
});

/** PostgreSQL's first process, of which all others are children: ours, or one that an earlier server left running. */
export interface Postmaster {
  readonly pid: number;
  readonly socketFolder: string;
  isAlive(): boolean;
  /** Calls back once, when it is gone. */
  whenGone(then: () => void): void;
}

type SpawnNeeds = {
  readonly program: Program;
  readonly layout: Layout;
  readonly account: Account;
  readonly socketFolder: string;
  readonly connections: number | undefined;
};

/** Starts one. `logFrom` is where its own lines begin in the log. */
export function spawnPostmaster(needs: SpawnNeeds): { postmaster: Promise<Postmaster>; logFrom: number } {
  const { program, layout, account, socketFolder, connections } = needs;
  const log = openLog(layout.log, account);
  try {
    const configured = Object.entries(settings({ connections })).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const args = ["-D", layout.cluster, "-k", socketFolder, "-p", String(port), ...configured];
    const child = spawnAs(account, program.postgres, args, ["ignore", log.handle, log.handle]);
    child.unref();
    return { postmaster: own(child, socketFolder), logFrom: log.size };
  } finally {
    closeSync(log.handle);
  }
}

async function own(child: ChildProcess, socketFolder: string): Promise<Postmaster> {
  // "spawn" or "error", whichever comes: one of them does.
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  const { pid } = child;
  if (pid === undefined) throw new Error("a process without a number");
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  const whenGone = (then: () => void) => void (isAlive() ? child.once("exit", then) : queueMicrotask(then));
  return { pid, socketFolder, isAlive, whenGone };
}

/** The one that an earlier server left running on these data; a file that names another program's process is removed. */
export async function findPostmaster(layout: Layout): Promise<Postmaster | undefined> {
  const { cluster } = layout;
  let found = readPidFile(cluster);
  if (found === "unreadable") {
    // PostgreSQL makes it and then fills it: give one that starts this very moment the time.
    await wait(200);
    found = readPidFile(cluster);
  }
  if (!found) return undefined;
  if (found === "unreadable" || !runsOn(cluster, found.pid)) {
    removeStale(found, layout);
    return undefined;
  }
  if (found.isAlone) {
    throw new Refusal("storage.inUse", { detail: `Process ${found.pid} runs postgres --single on ${cluster}.` });
  }
  const { pid, socketFolder } = found;
  const isAlive = () => runsOn(cluster, pid);
  const whenGone = (then: () => void) => {
    const timer = setInterval(() => {
      if (isAlive()) return;
      clearInterval(timer);
      then();
    }, 250).unref();
  };
  return { pid, socketFolder, isAlive, whenGone };
}

/** PostgreSQL starts over a dead one's file itself, but not over an empty one, nor when its number went to another program. */
function removeStale(found: PidFile | "unreadable", layout: Layout): void {
  const socketFolder = found === "unreadable" ? layout.socket : found.socketFolder;
  const isTaken = found === "unreadable" || sendSignal(found.pid, 0);
  if (isTaken) rmSync(path.join(layout.cluster, "postmaster.pid"), { force: true });
  if (isTaken || socketFolder !== layout.socket) removeSocket(socketFolder, layout);
}

/** Whether the cluster is this one's, and not another's that was faster and answers in its stead. */
export function isInCharge(postmaster: Postmaster, { cluster }: Layout): boolean {
  const found = readPidFile(cluster);
  return found !== undefined && found !== "unreadable" && found.pid === postmaster.pid;
}

type Answer = "yes" | "starting" | "full" | "no" | "wrongPassword";

/** Whether it takes our sign-in, within that time. */
export async function ask(owner: Owner, timeoutMs: number): Promise<Answer> {
  const client = new pg.Client({ ...owner, connectionTimeoutMillis: timeoutMs });
  client.on("error", () => undefined); // also comes as the rejection below, or after the answer
  try {
    await client.connect();
    await client.query("select 1");
    return "yes";
  } catch (cause) {
    switch (codeOf(cause)) {
      case "57P03": // cannot_connect_now: it starts, or recovers after a crash
        return "starting";
      case "53300": // too_many_connections
        return "yes";
      case "53100": // disk_full: without room for a file of its own it takes no sign-in
        return "full";
      case "28P01": // invalid_password
      case "28000": // invalid_authorization_specification
        return "wrongPassword";
      default:
        return "no";
    }
  } finally {
    await client.end().catch(() => undefined); // it never was connected
  }
}

/**
 * Stops it and everything of it: politely first (SIGINT, "fast": sessions end, what is dirty is written), then at once
 * (SIGQUIT, "immediate": recovery at the next start), then by force. Nothing acknowledged is lost by any of them.
 */
export async function terminate(postmaster: Postmaster, { cluster }: Layout, politeMs = 5_000): Promise<void> {
  const isGone = () => !postmaster.isAlive();
  const steps = [
    ["SIGINT", politeMs],
    ["SIGQUIT", 1_500],
    ["SIGKILL", 2_000],
  ] as const;
  for (const [signal, patience] of steps) {
    if (isGone()) break;
    if (patience > 0) sendSignal(postmaster.pid, signal);
    await eventually(isGone, patience);
  }
  await clearOrphans(cluster, 500);
}

/** Waits for the children of a postmaster that was killed, and then helps. Killing them is as safe as a power cut. */
export async function clearOrphans(cluster: string, patienceMs: number, signal?: AbortSignal): Promise<void> {
  const areGone = () => orphansOn(cluster).length === 0;
  if (await eventually(areGone, patienceMs, signal)) return;
  for (const pid of orphansOn(cluster)) sendSignal(pid, "SIGKILL");
  await eventually(areGone, 1_000, signal);
}

import { readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { DeviceError } from "../index.ts";

/**
 * Holds a file for this process, by `<file>.lock` beside it. That of a process which ended is taken over, so a kill locks nobody out.
 * Throws `spool.inUse` while a program has it that runs, this one too. Answers what ends it.
 */
export function lock(file: string): () => void {
  const place = `${file}.lock`;
  const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
  while (!isMade(place, mine)) {
    const holder = holderOf(place, `${place}.${process.pid}.stale`);
    if (holder !== undefined) throw new DeviceError("spool.inUse", { detail: `${file}, process ${holder}` });
  }
  return () => rmSync(place, { force: true });
}

/**
 * A symbolic link that leads nowhere and says who holds it. It is made with what it says or not at all, so nobody reads half a lock; and a text
 * of less than 60 bytes stands in the inode, so a full disk has room for it.
 */
function isMade(place: string, text: string): boolean {
  try {
    symlinkSync(text, place);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** The process that holds it and lives; where that is dead the lock is taken away. */
function holderOf(place: string, aside: string): number | undefined {
  const seen = said(place);
  if (seen === undefined) return undefined;
  const pid = livingIn(seen);
  if (pid !== undefined) return pid;
  // Two may find the same dead one. A rename succeeds for one of them; and what it got may be a lock made in between, which goes back.
  try {
    renameSync(place, aside);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const taken = said(aside);
  if (taken !== undefined && taken !== seen) isMade(place, taken);
  rmSync(aside);
  return undefined;
}

/** What a lock says. Versions before made a file of it. */
function said(place: string): string | undefined {
  try {
    return readlinkSync(place);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EINVAL") return read(place);
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function livingIn(text: string): number | undefined {
  const [, pid, started] = /^\{"pid":(\d+),"started":"(\d*)"\}$/.exec(text) ?? [];
  if (pid === undefined || !isAlive(Number(pid))) return undefined;
  return started === startOf(Number(pid)) ? Number(pid) : undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** When a process started, where the system tells (proc(5), field 22 of `stat`): a number that was given out again is another process. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH");

// Plain JavaScript on purpose: this runs on whatever Node (20 or newer) a fresh clone is started with.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * Holds `file` as a lock while `work` runs. Another living process is waited for; the lock of a dead one is taken
 * over. `onWait(pid)` is called once, when there is somebody to wait for.
 */
export async function withLock(file, work, onWait) {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }));
  let waiting = false;
  // `link` makes the lock together with its content, or fails: nobody ever reads a half-written one.
  while (!tryLink(mine, file)) {
    const holder = takeOverIfDead(file, `${mine}.stale`);
    if (holder === undefined) continue;
    if (!waiting) onWait(holder);
    waiting = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const release = () => {
    rmSync(file, { force: true });
    rmSync(mine, { force: true });
  };
  process.on("exit", release);
  try {
    return await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** The pid of the living holder; undefined when the lock is gone or was a dead one's and is now removed. */
function takeOverIfDead(file, aside) {
  const seen = read(file);
  if (seen === undefined) return undefined;
  const pid = livingHolder(seen);
  if (pid !== undefined) return pid;
  // Two may find the same dead lock. A rename succeeds for one of them, and what it got is compared with what was
  // judged, so that a lock made in between is put back instead of removed.
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
  if (read(aside) !== seen) tryLink(aside, file);
  rmSync(aside, { force: true });
  return undefined;
}

function livingHolder(text) {
  let holder;
  try {
    holder = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // not written by us: nobody holds it
    throw error;
  }
  if (!isAlive(holder.pid)) return undefined;
  return holder.started === startOf(holder.pid) ? holder.pid : undefined;
}

function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** When a process started, where the system tells (Linux): a pid that was given out again is not the same process. */
function startOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  // proc(5): field 22, counted behind the name, which stands in parentheses and may hold anything.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ESRCH") return undefined;
    throw error;
  }
}

import { closeSync, constants, fchmodSync, fchownSync, fstatSync, openSync, readSync, renameSync } from "node:fs";
import { lstatSync } from "node:fs";
import { type Account, isRoot, ownerFor } from "./account.ts";

const mostBytes = 10 * 2 ** 20;

/** PostgreSQL's log: opened for appending, ours or the account's alone. One earlier file is kept when it grew too large. */
export function openLog(file: string, account: Account): { handle: number; size: number } {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found && found.size > mostBytes) renameSync(file, `${file}.1`);
  // Root writes into a folder of the database's user: never through a link that stands there.
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const handle = openSync(file, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
  try {
    if (isRoot()) {
      const { uid, gid } = ownerFor(account);
      fchownSync(handle, uid, gid);
    }
    fchmodSync(handle, 0o600);
    return { handle, size: fstatSync(handle).size };
  } catch (cause) {
    closeSync(handle);
    throw cause;
  }
}

/** What was written after `from`, at most the last 4 kB of it. */
export function readLog(file: string, from: number): string {
  const handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = fstatSync(handle);
    const start = Math.max(from, size - 4096);
    const bytes = Buffer.alloc(Math.max(0, size - start));
    return bytes.toString("utf8", 0, readSync(handle, bytes, 0, bytes.length, start));
  } finally {
    closeSync(handle);
  }
}

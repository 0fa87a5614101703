import { lstatSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Refusal } from "@holdfast/kernel";
import { type Account, codeOf, isRoot, ownerFor } from "./account.ts";
import { giveTo, type Layout } from "./cluster.ts";

/** Only a name: with no network, the "port" is the end of the socket's file name. */
export const port = 5432;

// The smallest sun_path of our systems, macOS's, has 104 bytes, one of them the closing zero.
const longestPath = 103;

const fits = (folder: string): boolean => Buffer.byteLength(path.join(folder, `.s.PGSQL.${port}`)) <= longestPath;

/** A folder for the socket that only the database's user may enter; beside the data where the path is short enough. */
export function makeSocketFolder({ socket }: Layout, account: Account): string {
  if (!fits(socket)) {
    // Root's own temporary folder may be closed to the database's user.
    const within = !isRoot() && fits(path.join(tmpdir(), "holdfast-123456")) ? tmpdir() : "/tmp";
    const folder = mkdtempSync(path.join(within, "holdfast-")); // 0700
    giveTo(account, folder);
    return folder;
  }
  ensureSocketFolder(socket, account);
  return socket;
}

/** The same folder again, before PostgreSQL is started again. Refuses one that somebody else put there. */
export function ensureSocketFolder(folder: string, account: Account): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
    giveTo(account, folder);
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause;
  }
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== ownerFor(account).uid || (found.mode & 0o077) !== 0) {
    throw new Refusal("storage.broken", { detail: `${folder} is not a folder of the database alone. Remove it.` });
  }
}

/** Removes what a killed PostgreSQL left of its socket: it would not start over a lock file whose number another program got. */
export function removeSocket(folder: string, { socket }: Layout): void {
  const isOutside = folder !== socket;
  // Only what we may have made ourselves.
  if (isOutside && !path.basename(folder).startsWith("holdfast-")) return;
  try {
    for (const name of [`.s.PGSQL.${port}`, `.s.PGSQL.${port}.lock`]) rmSync(path.join(folder, name), { force: true });
    if (isOutside) rmdirSync(folder);
  } catch (cause) {
    // Gone with everything temporary, or holding something else: then it is not ours to remove.
    if (!["ENOENT", "ENOTDIR", "ENOTEMPTY", "EACCES", "EPERM"].includes(codeOf(cause) ?? "")) throw cause;
  }
}

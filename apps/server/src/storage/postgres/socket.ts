import { lstatSync, mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Refusal } from "@holdfast/kernel";
import { type Account, codeOf, ownerFor } from "./account.ts";
import { giveTo, type Layout } from "./cluster.ts";

/** Only a name: with no network, the "port" is the end of the socket's file name. */
export const port = 5432;

// The smallest sun_path of our systems, macOS's, has 104 bytes, one of them the closing zero.
const longestPath = 103;

export const fits = (folder: string): boolean =>
  Buffer.byteLength(path.join(folder, `.s.PGSQL.${port}`)) <= longestPath;

/** A folder for the socket that only the database's user may enter; beside the data where the path is short enough. */
export function makeSocketFolder({ socket }: Layout, account: Account): string {
  if (!fits(socket)) {
    const within = [tmpdir(), "/tmp"].find((folder) => fits(path.join(folder, "holdfast-123456"))) ?? "/tmp";
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

/** Removes a socket folder that stands outside of the data, once nothing uses it. */
export function removeSocketFolder(folder: string, { socket }: Layout): void {
  if (folder === socket || !path.basename(folder).startsWith("holdfast-")) return;
  try {
    rmdirSync(folder);
  } catch (cause) {
    // Not empty or not there: then it is not ours to remove.
    if (codeOf(cause) !== "ENOTEMPTY" && codeOf(cause) !== "ENOENT" && codeOf(cause) !== "EPERM") throw cause;
  }
}

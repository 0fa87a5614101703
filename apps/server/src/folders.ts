import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
} from "node:fs";
import path from "node:path";
import type { User } from "./root.ts";

/** A folder for the platform alone, or one that was there. With a user, who is to have it, when we are root. */
export function makeFolder(folder: string, mode: number, user: User | undefined): void {
  makeWay(folder);
  const who = whoseIs(folder);
  if (who === "others") return;
  // Never through a link: root would give away whatever the user of the last start made one point to.
  const opened = openSync(folder, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (who === "ours") fchmodSync(opened, mode);
    if (!user) return;
    fchownSync(opened, user.uid, user.gid);
    if (who === "private") fchmodSync(opened, 0o710); // initdb runs with this group, as another user
  } finally {
    closeSync(opened);
  }
}

/**
 * The folder, and those above it that are missing, which others may pass through: who it is for gets to it. Not by Node's own `recursive`, which never
 * comes back where a system refuses with ENOENT, as /proc does.
 */
export function makeWay(folder: string): void {
  if (existsSync(folder)) return;
  makeWay(path.dirname(folder));
  mkdirSync(folder);
  chmodSync(folder, 0o711); // whatever the umask is
}

/** Whether it holds other things than the platform's, and others use them: such a folder never changes hands. */
export const isOthers = (folder: string): boolean => whoseIs(folder) === "others";

/** What the platform puts into its folders. */
const own = /^(?:postgres|keys|ca\.pem|kek|keyring\.sqlite.*|ready\.(?:json|mail\.jsonl))(?:\.new)?$/;

/** Somebody may name a folder that holds other things. `--data /srv` must not take /srv away from others; a private one can be shared. */
function whoseIs(folder: string): "ours" | "private" | "others" {
  if (readdirSync(folder).every((name) => own.test(name))) return "ours";
  const isTop = path.dirname(folder) === path.parse(folder).root; // such as /root
  return isTop || statSync(folder).mode & 0o007 ? "others" : "private";
}

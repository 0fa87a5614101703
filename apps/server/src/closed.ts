import { statSync } from "node:fs";
import path from "node:path";
import { Refusal } from "@holdfast/kernel";

/**
 * Runs it. Where the system will not let us work, whoever started us is told whose the place is and what to do; `option` is what names the place.
 * @throws Refusal `folder.closed`
 */
export function within<T>(option: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw closedOr(error, option);
  }
}

/** The same for an error that was caught already. What is about something else comes back as it is. */
export function closedOr(error: unknown, option: string): unknown {
  if (!(error instanceof Error) || !("code" in error) || !("path" in error)) return error;
  if ("syscall" in error && String(error.syscall).startsWith("spawn")) return error; // a program's path, which nobody named
  if (error.code === "ENOSPC" || error.code === "EDQUOT") return new Refusal("storage.full", { cause: error });
  const detail = detailOf(String(error.code), String(error.path), option);
  return detail === undefined ? error : new Refusal("folder.closed", { cause: error, detail });
}

function detailOf(code: string, place: string, option: string): string | undefined {
  const elsewhere = `name another place with ${option}`;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return `${place}: ${ownership(place, elsewhere)}`;
    case "EROFS":
      return `${place} is on a disk that cannot be written to: ${elsewhere}.`;
    case "ENOENT":
      return `There is no folder ${missing(place)}: make it, or ${elsewhere}.`;
    case "EISDIR":
    case "ERR_FS_EISDIR":
      return `${place} is a folder, and a file is wanted: ${elsewhere}.`;
    case "ELOOP":
      return `${place} is a symbolic link, which is not followed: name the place itself with ${option}.`;
    case "ENOTDIR":
    case "EEXIST":
      return `${barrier(place).at} is no folder, or is a link to one, which is not followed: ${elsewhere}.`;
    default:
      return undefined;
  }
}

function ownership(place: string, elsewhere: string): string {
  const { at, uid, mode } = barrier(place);
  const permissions = (mode & 0o777).toString(8).padStart(3, "0");
  if (uid === process.geteuid?.())
    return `${at} is yours, and its permissions (${permissions}) keep you out: chmod u+rwx, or ${elsewhere}.`;
  const owner = uid === 0 ? "root" : `user ${uid}`;
  const others = uid === 0 || process.geteuid?.() === 0 ? "" : ", or as root";
  return `${at} belongs to ${owner} (permissions ${permissions}): start as ${owner}${others}, or ${elsewhere}.`;
}

/** The outermost folder on the way that is not there. */
function missing(place: string): string {
  const { at } = barrier(place);
  return path.join(at, path.relative(at, place).split(path.sep)[0] ?? "");
}

/** The place itself, or the innermost one above it that can be seen. */
function barrier(place: string): { at: string; uid: number; mode: number } {
  try {
    const { uid, mode } = statSync(place);
    return { at: place, uid, mode };
  } catch (error) {
    const above = path.dirname(place);
    if (above === place) throw error;
    return barrier(above);
  }
}

import { statSync } from "node:fs";
import path from "node:path";
import { Refusal } from "@holdfast/kernel";

/** A place on this machine, and the option that chose it. */
export type Chosen = { readonly option: string; readonly path: string };

/** The system does not let us work where somebody told us to: a refusal that names the option, and what to do. Any other error stays what it is. */
export function placeRefused(error: unknown, chosen: readonly Chosen[]): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  const { code = "no code", path: at } = error as NodeJS.ErrnoException; // Node's own have both where they are about a place
  const related = chosen.filter((one) => at !== undefined && (isIn(one.path, at) || isIn(at, one.path)));
  // Of places inside one another the first that is no folder is in the way of the others.
  const place = related.find((one) => !isFolder(one.path)) ?? related.at(-1);
  if (!place) return error;
  if (code === "ENOSPC" || code === "EDQUOT") return new Refusal("storage.full", { cause: error });
  const detail = `${place.option} ${place.path}: ${reasonOf(code)} (${code}). Choose another place.`;
  return new Refusal("config.malformed", { cause: error, detail });
}

const isIn = (folder: string, inner: string): boolean => inner === folder || inner.startsWith(folder + path.sep);

function isFolder(place: string): boolean {
  try {
    return statSync(place).isDirectory();
  } catch {
    return false; // not there, or not for us
  }
}

function reasonOf(code: string): string {
  switch (code) {
    case "ENOTDIR":
    case "EEXIST":
      return "there is a file where a folder has to be";
    case "EACCES":
    case "EPERM":
      return "this user may not write there";
    case "EROFS":
      return "nothing can be written to that disk";
    default:
      return "the system does not let it be made or used";
  }
}

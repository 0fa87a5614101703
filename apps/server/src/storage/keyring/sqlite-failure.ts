import { Refusal } from "@holdfast/kernel";

const sqlite = { busy: 5, readOnly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 };
const outages = new Set([sqlite.busy, sqlite.readOnly, sqlite.ioError, sqlite.cannotOpen]);
const damages = new Set([sqlite.corrupt, sqlite.notADatabase]);
const fileOutages = new Set(["EACCES", "EPERM", "ENOENT", "ENOTDIR", "EROFS", "EIO", "EEXIST"]);

/** Runs it, and says in our words what the disk or SQLite would not do. Their codes: sqlite.org/rescode.html, errno(3). */
export function failing<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw refusalOf(cause) ?? cause;
  }
}

function refusalOf(cause: unknown): Refusal | undefined {
  if (!(cause instanceof Error)) return undefined;
  const code = "code" in cause ? cause.code : undefined;
  if (code === "ENOSPC") return new Refusal("storage.full", { cause });
  if (code === "ELOOP") {
    const detail = "It is behind a symbolic link, which is not followed. Name the place itself.";
    return new Refusal("keyring.unreachable", { cause, detail });
  }
  if (typeof code === "string" && fileOutages.has(code)) return new Refusal("keyring.unreachable", { cause });
  if (code !== "ERR_SQLITE_ERROR" || !("errcode" in cause)) return undefined;
  const primary = Number(cause.errcode) & 0xff; // the upper bits are the extended code
  if (primary === sqlite.full) return new Refusal("storage.full", { cause });
  if (outages.has(primary)) return new Refusal("keyring.unreachable", { cause });
  const detail = "keyring.sqlite is damaged: move it away and restore a keys backup.";
  return damages.has(primary) ? new Refusal("keyring.unreachable", { cause, detail }) : undefined;
}

import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { Refusal } from "@holdfast/kernel";

/** Whole or not at all, durable, nobody else's, and never over another file. @throws Refusal `config.malformed` */
export function keepSealed(sealed: Uint8Array, file: string): void {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  const opened = openSync(draft, "wx", 0o600);
  try {
    try {
      for (let at = 0; at < sealed.length;) at += writeSync(opened, sealed, at);
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    moveUnlessThere(draft, file);
    syncFolder(path.dirname(file));
  } finally {
    rmSync(draft, { force: true });
  }
}

export function moveUnlessThere(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") throw exists(to);
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP" && code !== "ENOSYS") throw error;
    refuseOverwriting(to); // a memory stick, whose file system has no links
    renameSync(from, to);
  }
}

export function syncFolder(folder: string): void {
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

export function refuseOverwriting(file: string): void {
  if (existsSync(file)) throw exists(file);
}

const exists = (file: string): Refusal =>
  new Refusal("config.malformed", { detail: `${file} exists already, and is not overwritten.` });

export function readSealed(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new Refusal("config.malformed", { cause, detail: `${file} cannot be read (${codeOf(cause) ?? "unknown"}).` });
  }
}

/** The system's code of an error, or a refusal's own. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

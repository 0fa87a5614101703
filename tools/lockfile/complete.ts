import type { Locked } from "./locked.ts";

/** A program for one platform that a package in the lockfile asks for, and that the lockfile does not have. */
export type Missing = { place: string; name: string; version: string; dev: boolean };

/**
 * What `npm ci` would refuse the lockfile for. npm leaves a package for another platform out when the registry it asked
 * did not have it, and later wants it listed all the same.
 */
export function missingFrom(locked: Locked): Missing[] {
  const missing = new Map<string, Missing>();
  for (const [parent, entry] of Object.entries(locked)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (resolve(locked, parent, name) !== undefined) continue;
      const place = `${parent.slice(0, parent.lastIndexOf("node_modules/"))}node_modules/${name}`;
      missing.set(place, { place, name, version, dev: entry.dev ?? false });
    }
  }
  return [...missing.values()];
}

/** The entry to add. It has no hash, since nobody here has seen the package; npm fills it in where it finds it. */
export function entryOf({ name, version, dev }: Missing): Locked[string] {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`${name} ${version} is not one version: add it by hand.`);
  const words = name.slice(name.lastIndexOf("/") + 1).split("-");
  const os = words.find((word) => ["android", "darwin", "freebsd", "linux", "openharmony", "win32"].includes(word));
  const cpu = words.find((word) => /^(?:arm64|arm|x64|ia32|ppc64|riscv64|s390x)$/.test(word));
  if (os === undefined || cpu === undefined) throw new Error(`${name} does not name a platform: add it by hand.`);
  const libc = words.some((word) => word.startsWith("gnu"))
    ? "glibc"
    : words.some((word) => word.startsWith("musl")) && "musl";
  return { version, cpu: [cpu], ...(dev && { dev }), ...(libc && { libc: [libc] }), optional: true, os: [os] };
}

/** Where Node would find `name` from `place`: beside it, or in a node_modules further out. */
function resolve(locked: Locked, place: string, name: string): string | undefined {
  for (let at = place; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    const found = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
    if (locked[found]) return found;
    if (at === "") return undefined;
  }
}

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { entryOf, missingFrom } from "./lockfile/complete.ts";
import type { Locked } from "./lockfile/locked.ts";

// Run after `npm install` changed the lockfile: adds the packages for other platforms that npm left out, so that
// `npm ci` takes it. Says nothing when there is nothing to add.
const file = path.join(path.dirname(import.meta.dirname), "package-lock.json");
// Written by npm.
const lock = JSON.parse(readFileSync(file, "utf8")) as { packages: Locked };

const missing = missingFrom(lock.packages);
for (const one of missing) {
  lock.packages[one.place] = entryOf(one);
  process.stdout.write(`added ${one.place} ${one.version}\n`);
}
// npm's own order, so that its next change is not hidden among moved lines.
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
if (missing.length > 0) {
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, undefined, 2)}\n`);
}

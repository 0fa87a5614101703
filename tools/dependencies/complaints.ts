import { missingFrom } from "../lockfile/complete.ts";
import type { Locked } from "../lockfile/locked.ts";
import type { Row } from "./table.ts";

/** As much of a package.json as matters here. `folder` is "" for the root's. */
export type Manifest = {
  folder: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};

const page = "docs/dependencies.md";

/** A sentence for everything that the page, the package.json files and the lockfile do not agree on. */
export function complaintsAbout(manifests: Manifest[], locked: Locked, rows: ReadonlyMap<string, Row>): string[] {
  const complaints: string[] = [];
  const wanted = new Set<string>();
  for (const manifest of manifests) {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    for (const [name, version] of Object.entries(all)) {
      const where = `${manifest.folder === "" ? "" : `${manifest.folder}/`}package.json`;
      if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(version))
        complaints.push(`${where} asks for ${name} ${version}: name one version`);
      if (name.startsWith("@holdfast/")) continue;
      wanted.add(name);
      const row = rows.get(name);
      if (!row) complaints.push(`${name} (${where}) has no line in ${page}: say what it is for and what it replaces`);
      else complaints.push(...differences(name, version, lockedAs(locked, manifest.folder, name), row));
    }
  }
  for (const name of rows.keys()) {
    if (!wanted.has(name)) complaints.push(`${page} has a line about ${name}, which nothing here depends on`);
  }
  for (const [place, { hasInstallScript }] of Object.entries(locked)) {
    const name = place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
    if (hasInstallScript && !rows.has(name)) {
      complaints.push(`${place} wants to run a script when installed; none runs here: say in ${page} why that is well`);
    }
  }
  const missing = missingFrom(locked);
  if (missing.length > 0) {
    complaints.push(
      `package-lock.json lacks ${missing.length} packages, ${missing[0]?.name} first: run node tools/lockfile.ts`,
    );
  }
  return [...new Set(complaints)];
}

function differences(name: string, version: string, locked: Locked[string] | undefined, row: Row): string[] {
  if (!locked) return [`${name} is not in the lockfile: run npm install`];
  const own = Object.keys(locked.dependencies ?? {}).length;
  const pairs: [what: string, said: string | number | boolean, is: string | number | boolean | undefined][] = [
    ["version", row.version, version],
    ["licence", row.licence, locked.license],
    ["number of dependencies", row.own, own],
    ["install script", row.script, locked.hasInstallScript ?? false],
  ];
  const wrong = pairs.filter(([, said, is]) => said !== is);
  const date = /^\d{4}-\d{2}-\d{2}$/.test(row.released) ? [] : [`${page} does not say when ${name} was released`];
  return [
    ...wrong.map(([what, said, is]) => `${page} gives ${name} the ${what} ${said}; it is ${is ?? "unknown"}`),
    ...date,
  ];
}

/** npm puts a workspace's package beside it when another version stands at the root. */
function lockedAs(locked: Locked, folder: string, name: string): Locked[string] | undefined {
  return locked[`${folder}/node_modules/${name}`] ?? locked[`node_modules/${name}`];
}

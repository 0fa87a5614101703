import path from "node:path";
import { circles } from "./circles.ts";
import { importsOf, parse, type Import } from "./imports.ts";
import { computedImports, entrances, exceptions, guarded, layers, programs, type Unit } from "./layers.ts";
import { outwardComplaints } from "./outward.ts";

type Placed = Unit & { level: number };

const units: Placed[] = layers
  .flatMap((line, level) => line.map((unit) => ({ ...unit, level })))
  .sort((a, b) => b.folder.length - a.folder.length);

/** Every sentence there is to say about a tree of files (name, relative to the root → text). */
export function complaintsAbout(tree: ReadonlyMap<string, string>): string[] {
  const complaints: string[] = [];
  const unplaced = new Set<string>();
  const sideways = new Map<string, Map<string, string>>();
  for (const [file, text] of tree) {
    if (/\.(?:cjs|cts|jsx)$/.test(file)) {
      complaints.push(`${file} is of a kind that is not written here: make it a module, .ts, .tsx or .mjs`);
      continue;
    }
    const from = unitOf(file);
    if (!from) {
      unplaced.add(path.posix.dirname(file));
      continue;
    }
    const source = parse(file, text);
    complaints.push(...outwardComplaints(source));
    for (const one of importsOf(source)) {
      const where = `${file}:${one.line}`;
      const to = targetOf(file, one);
      if (to === undefined && one.specifier === undefined && !(file in computedImports)) {
        complaints.push(`${where} imports a name it computes: write it out, or list the file in layers.ts`);
      }
      if (from.portable && !isTest(file) && one.specifier?.startsWith("node:")) {
        complaints.push(`${where} imports ${one.specifier}, but ${from.folder} runs in the browser too`);
      }
      if (to === undefined || exceptions.some((exception) => exception.from === file && exception.to === to)) continue;
      if (isTest(to) && !isTest(file) && !from.forTests && !unitOf(to)?.forTests) {
        complaints.push(`${where} imports ${to}, which is for tests only`);
      }
      if (!tree.has(to) && /\.[cm]?[jt]sx?$/.test(to))
        complaints.push(`${where} names ${one.specifier}, which does not exist`);
      const reason = refusal(file, from, to, one);
      if (reason) complaints.push(`${where} ${reason}`);
      const unit = unitOf(to);
      if (unit && unit.folder !== from.folder && unit.level === from.level && !isTest(file)) {
        const known = sideways.get(from.folder) ?? new Map<string, string>();
        sideways.set(from.folder, known.set(unit.folder, where));
      }
    }
  }
  for (const folder of [...unplaced].sort()) {
    complaints.push(`${folder} belongs to no unit: place it in tools/architecture/layers.ts`);
  }
  return [...complaints, ...circles(sideways)];
}

/** Why `file` may not import `to`; undefined when it may. */
function refusal(file: string, from: Placed, to: string, { specifier }: Import): string | undefined {
  const unit = unitOf(to);
  const watchers = guarded[to];
  const beside = to.replace(/\.ts$/, "");
  if (watchers && !watchers.some((who) => file.startsWith(who)) && !file.startsWith(beside)) {
    return `imports ${to}: only ${watchers.join(", ")} may`;
  }
  if (!unit || unit.folder === from.folder) return undefined;
  if (packageOf(to) !== undefined && packageOf(file) !== packageOf(to) && specifier?.startsWith(".")) {
    return `reaches into ${unit.folder} by path: name the package`;
  }
  if (from.alone && !isTest(file)) return `imports ${unit.folder}, but ${from.folder} imports nothing of ours`;
  if (unit.forTests && !from.forTests && !isTest(file)) return `imports ${unit.folder}, which is for tests only`;
  if (from.forTests || (isTest(file) && unit.forTests)) return undefined;
  if (unit.level > from.level) return `reaches up to ${unit.folder}`;
  const program = programOf(to);
  if (program !== undefined && program !== programOf(file)) return `imports ${program}, another program`;
  if (isTest(file) || to.endsWith("/index.ts") || Object.values(entrances).includes(to)) return undefined;
  if (from.top && /\/(?:routes|main)\.m?ts$/.test(to)) return undefined;
  return `reaches past ${unit.folder}/index.ts`;
}

function unitOf(file: string): Placed | undefined {
  return units.find(({ folder, flat }) => (flat ? path.posix.dirname(file) === folder : file.startsWith(`${folder}/`)));
}

/** The file that an import means, as far as it is one of ours. */
function targetOf(file: string, { specifier }: Import): string | undefined {
  if (specifier === undefined) return undefined;
  if (specifier.startsWith(".")) return path.posix.join(path.posix.dirname(file), specifier);
  const [, name, rest] = /^@holdfast\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  const home = programs.includes(`apps/${name}`) ? "apps" : "packages";
  if (rest === undefined) return `${home}/${name}/src/index.ts`;
  return entrances[`@holdfast/${name}/${rest}`] ?? `${home}/${name}/${rest}`;
}

function packageOf(file: string): string | undefined {
  return /^packages\/[^/]+/.exec(file)?.[0];
}

function programOf(file: string): string | undefined {
  return programs.find((program) => file.startsWith(`${program}/`));
}

/** Tests, and what only they use: `*.fixture.ts` beside them, or a folder called `testing`. */
function isTest(file: string): boolean {
  return /\.(?:test|fixture)\.tsx?$|\/src\/(?:.+\/)?testing\//.test(file);
}

import { globSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

const places = ["{packages,apps}/*/src/**/*.test.ts", "{tools,tests}/**/*.test.ts"];

/** `long` files and `measuring` ones, which take time and memory of others for their own, run only when they are asked for; `fast` ones start nothing; the others share one PostgreSQL. */
export type Speed = "fast" | "platform" | "long" | "measuring";

export type TestFile = { file: string; speed: Speed };

/** Every test file below `root`, the ones through the outside first: they take longest. */
export function testFiles(root: string): TestFile[] {
  const files = globSync(places, { cwd: root }).map((file) => file.split(path.sep).join("/"));
  const found = files.map((file) => ({ file, speed: speedOf(file, readFileSync(path.join(root, file), "utf8")) }));
  const isOutside = ({ file }: TestFile) => (file.startsWith("tests/") ? 0 : 1);
  return found.sort((a, b) => isOutside(a) - isOutside(b) || (a.file < b.file ? -1 : 1));
}

/** What a fast file does not import: it starts a server, a program or the platform. */
const slow = [
  /\b(?:from|import\()\s*"[^"]*\/testing\/[^"]*"/,
  /\bfrom\s*"[^"]*\.fixture\.ts"/,
  /\bfrom\s*"node:(?:net|tls|http|https|http2|child_process|worker_threads)"/,
];

/** Of the long ones those that look at a clock or at memory: they run before the others, one at a time. */
const measuring = /(?:times|speed|churn|flood|stalls|restoring|simulating|letting-go)\.long\.test\.ts$/;

/** Fast are the tests of packages and tools, and those of the programs that by their imports start nothing. */
export function speedOf(file: string, text: string): Speed {
  if (file.endsWith(".long.test.ts")) return measuring.test(file) ? "measuring" : "long";
  if (/^(?:packages|tools)\//.test(file)) return "fast";
  if (/^(?:tests\/|apps\/server\/src\/storage\/postgres\/)/.test(file)) return "platform";
  return slow.some((pattern) => pattern.test(text)) ? "platform" : "fast";
}

export const isLong = ({ speed }: TestFile): boolean => speed === "long" || speed === "measuring";

/** The files that `paths` (files or folders, relative to `root`) name. Throws for a path that names none. */
export function named(files: TestFile[], root: string, paths: string[]): TestFile[] {
  const chosen = paths.map((given) => {
    const name = path.relative(root, path.resolve(root, given)).split(path.sep).join("/");
    const isFolder = statSync(path.join(root, name), { throwIfNoEntry: false })?.isDirectory();
    const under = files.filter(
      ({ file }) => file === name || (isFolder && (name === "" || file.startsWith(`${name}/`))),
    );
    if (under.length === 0) throw new Error(`There is no test file at ${given}.`);
    return under.filter((one) => !isLong(one) || one.file === name);
  });
  return files.filter((file) => chosen.some((some) => some.includes(file)));
}

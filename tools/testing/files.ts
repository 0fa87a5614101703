import { globSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

const places = ["{packages,apps}/*/src/**/*.test.ts", "{tools,tests}/**/*.test.ts"];

/** `long` files run only when they are asked for; `fast` ones need no database, the others share one cluster. */
export type Speed = "fast" | "platform" | "long";

export type TestFile = { file: string; speed: Speed };

/** Every test file below `root`, the ones through the outside first: they take longest. */
export function testFiles(root: string): TestFile[] {
  const files = globSync(places, { cwd: root }).map((file) => file.split(path.sep).join("/"));
  const found = files.map((file) => ({ file, speed: speedOf(file, readFileSync(path.join(root, file), "utf8")) }));
  const isOutside = ({ file }: TestFile) => (file.startsWith("tests/") ? 0 : 1);
  return found.sort((a, b) => isOutside(a) - isOutside(b) || (a.file < b.file ? -1 : 1));
}

/** A file is fast when it neither stands in `tests/` nor imports what stands in the server's `testing/`. */
export function speedOf(file: string, text: string): Speed {
  if (file.endsWith(".long.test.ts")) return "long";
  if (file.startsWith("tests/")) return "platform";
  const usesPlatform = /\b(?:from|import\()\s*"[^"]*\/testing\/[^"]*"/.test(text);
  return usesPlatform && file.startsWith("apps/") ? "platform" : "fast";
}

/** The files that `paths` (files or folders, relative to `root`) name. Throws for a path that names none. */
export function named(files: TestFile[], root: string, paths: string[]): TestFile[] {
  const chosen = paths.map((given) => {
    const name = path.relative(root, path.resolve(root, given)).split(path.sep).join("/");
    const isFolder = statSync(path.join(root, name), { throwIfNoEntry: false })?.isDirectory();
    const under = files.filter(
      ({ file }) => file === name || (isFolder && (name === "" || file.startsWith(`${name}/`))),
    );
    if (under.length === 0) throw new Error(`There is no test file at ${given}.`);
    return under.filter(({ file, speed }) => speed !== "long" || file === name);
  });
  return files.filter((file) => chosen.some((some) => some.includes(file)));
}

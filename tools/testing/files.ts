import { globSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

const places = ["{packages,apps}/*/src/**/*.test.ts", "{tools,tests}/**/*.test.ts"];

/** `long` files and `measuring` ones, which take time and memory of others for their own, run only when they are asked for; `fast` ones start nothing; the others share one PostgreSQL. */
export type Speed = "fast" | "platform" | "long" | "measuring";

export type TestFile = {
  file: string;
  speed: Speed;
  /** It may share a process with others. */
  isSociable: boolean;
  /** It looks at the built console. */
  wantsConsole: boolean;
};

/** The names of tests of ours that stand before and behind those of a file where several share a process. */
export const beginningOf = (file: string): string => `the beginning of ${file}`;
export const endOf = (file: string): string => `the end of ${file}`;

/** What such a name says. */
export function ourOwn(name: string): { isEnd: boolean; file: string } | undefined {
  const [, which, file] = /^the (beginning|end) of (\S+\.test\.ts)$/.exec(name) ?? [];
  return file === undefined ? undefined : { isEnd: which === "end", file };
}

/** Every test file below `root`, the ones through the outside first: they take longest. */
export function testFiles(root: string): TestFile[] {
  const files = globSync(places, { cwd: root }).map((file) => file.split(path.sep).join("/"));
  const found = files.map((file) => {
    const text = readFileSync(path.join(root, file), "utf8");
    const wantsConsole = text.includes("/console.fixture.ts");
    return { file, speed: speedOf(file, text), isSociable: isSociable(text), wantsConsole };
  });
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
const measuring = /(?:times|speed|churn|fleet|flood|stalls|restoring|simulating|letting-go)\.long\.test\.ts$/;

/** Fast are the tests of packages and tools, and those of the programs that by their imports start nothing. */
export function speedOf(file: string, text: string): Speed {
  if (file.endsWith(".long.test.ts")) return measuring.test(file) ? "measuring" : "long";
  if (/^(?:packages|tools)\//.test(file)) return "fast";
  if (/^(?:tests\/|apps\/server\/src\/storage\/postgres\/)/.test(file)) return "platform";
  return slow.some((pattern) => pattern.test(text)) ? "platform" : "fast";
}

/**
 * What keeps a file in a process of its own: hooks that node runs when all tests of a process are over, browsers and programs that it starts, snapshots,
 * which node finds by the name of the program, and whatever looks at the process as a whole or changes it.
 */
const unsociable = [
  /^(?:after|before|afterEach|beforeEach)\(/m,
  /\bfrom\s*"[^"]*\/(?:server|browser|fixture)(?:\.fixture)?\.ts"/,
  /\bfrom\s*"[^"]*\/faults\/[^"]*"/,
  /\bfrom\s*"node:(?:child_process|cluster|inspector|v8|vm)"/,
  /\b(?:queryObjects|setFlagsFromString|monitorEventLoopDelay)\b/,
  /\bprocess\.(?:on|once|exit|exitCode|chdir|cpuUsage|resourceUsage|memoryUsage|umask|setuid|seteuid)\b/,
  /\bprocess\.env\[[^\]]*\] =/,
  /\bassert\.snapshot\(/,
];

const isSociable = (text: string): boolean =>
  text.includes('from "node:test"') && !unsociable.some((pattern) => pattern.test(text));

export const isLong = ({ speed }: Pick<TestFile, "speed">): boolean => speed === "long" || speed === "measuring";

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

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import path from "node:path";

/** One program that says yes or no. `fix` is what it is given instead of `args` under `--fix`. */
type Check = { name: string; program: string; args: string[]; fix?: string[] };

/** Each of the compiler's checkers works out for itself what all of them need: four take twice the processor time of one. Two checks share the cores. */
const checkers = String(Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2))));

/** Longest first, so that the short ones fill the gaps. */
const checks: Check[] = [
  { name: "types", program: "tsc", args: ["-p", ".", "--checkers", checkers] },
  { name: "console types", program: "tsc", args: ["-p", "apps/console", "--checkers", checkers] },
  { name: "documents", program: "node", args: ["tools/documents.ts"] },
  { name: "lint", program: "oxlint", args: [], fix: ["--fix"] },
  { name: "unused code", program: "knip", args: ["--no-progress", "--no-config-hints"] },
  { name: "architecture", program: "node", args: ["tools/architecture.ts"] },
  { name: "dependencies", program: "node", args: ["tools/dependencies.ts"] },
  { name: "kinds", program: "node", args: ["tools/kinds.ts"], fix: ["tools/kinds.ts", "--write"] },
  { name: "mqtt statements", program: "node", args: ["tools/mqtt.ts"], fix: ["tools/mqtt.ts", "--write"] },
  { name: "asvs", program: "node", args: ["tools/asvs.ts"], fix: ["tools/asvs.ts", "--write"] },
  { name: "roles", program: "node", args: ["tools/roles.ts"], fix: ["tools/roles.ts", "--write"] },
  { name: "format", program: "oxfmt", args: ["--check", "."], fix: ["."] },
];

const fastTests: Check = { name: "fast tests", program: "node", args: ["tools/test.ts", "--fast"] };

type Wanted = {
  root: string;
  say: (line: string) => void;
  signal: AbortSignal;
  fix?: boolean;
  /** Also the tests that need no database: `npm test` runs those itself. */
  withTests?: boolean;
};

type Result = { name: string; passed: boolean; seconds: number; output: string };

/** Runs every check, two at a time, says how each went, and answers with the names of those that failed. */
export async function runChecks(wanted: Wanted): Promise<string[]> {
  const results: Result[] = [];
  // What is rewritten while others read it would give answers about neither.
  if (wanted.fix) for (const check of checks.filter(({ fix }) => fix)) results.push(await run(check, wanted));
  const remaining = checks.filter(({ fix }) => !(wanted.fix && fix));
  const queue = wanted.withTests ? [fastTests, ...remaining] : remaining;
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results.push(await run(next, wanted));
  };
  await Promise.all([work(), work()]);

  const failed = results.filter(({ passed }) => !passed);
  for (const { name, output } of failed) wanted.say(`── ${name} ${"─".repeat(60)}\n${output.trim()}\n`);
  for (const { name, passed, seconds } of results) {
    wanted.say(`${passed ? "✔" : "✖"} ${name.padEnd(15)} ${seconds.toFixed(1).padStart(5)} s`);
  }
  return failed.map(({ name }) => name);
}

function run({ name, program, args, fix }: Check, wanted: Wanted): Promise<Result> {
  const command = program === "node" ? process.execPath : path.join(wanted.root, "node_modules/.bin", program);
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, wanted.fix && fix ? fix : args, {
      cwd: wanted.root,
      // The tools are scripts that look for `node` on the PATH: they get ours, whatever the system has.
      env: {
        ...process.env,
        PATH: `${path.join(wanted.root, "node_modules/.bin")}${path.delimiter}${process.env.PATH}`,
      },
      stdio: ["ignore", "pipe", "pipe"],
      signal: wanted.signal,
      timeout: 300_000,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    child.on("error", (error) => (error.name === "AbortError" ? undefined : reject(error)));
    child.on("close", (code, signal) => {
      if (signal) output += `\nIt was ended by ${signal}.`;
      resolve({ name, passed: code === 0, seconds: (performance.now() - began) / 1000, output });
    });
  });
}

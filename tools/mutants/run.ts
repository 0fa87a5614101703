import { spawn } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { mqttMutants } from "./mqtt.ts";

/** A change that breaks one promise, and the test by which somebody would notice. */
export type Mutant = {
  readonly name: string;
  readonly what: string;
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  readonly caughtBy: { readonly file: string; readonly test: string };
};

/** How one test ended, and after how many milliseconds; `around` is what its process took beside its tests, as where a file plays its scenes before them. */
export type Verdict = {
  readonly passed: boolean;
  readonly failed: boolean;
  readonly milliseconds: number;
  readonly around: number;
  readonly output: string;
};

const root = path.resolve(import.meta.dirname, "../..");
const patience = 300_000; // milliseconds for one test, and for what its process does beside it

export const mutants = (): readonly Mutant[] => {
  const files = globSync("*.json", { cwd: import.meta.dirname }).toSorted((a, b) => (a < b ? -1 : 1));
  const told = files.map((file) => {
    const text = readFileSync(path.join(import.meta.dirname, file), "utf8");
    return { name: path.basename(file, ".json"), ...(JSON.parse(text) as Omit<Mutant, "name">) }; // our own files
  });
  return [...told, ...mqttMutants()];
};

/** A copy of the sources to break: what is installed is shared, our own packages are the copy's. */
export class Tree {
  readonly folder: string;

  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), "holdfast-mutant-"));
    for (const part of ["packages", "apps", "tests", "tools", "docs", "examples", "vectors", "package.json"]) {
      cpSync(path.join(root, part), path.join(this.folder, part), {
        recursive: true,
        filter: (from) => path.basename(from) !== "node_modules",
      });
    }
    const [installed, own] = [path.join(root, "node_modules"), path.join(this.folder, "node_modules")];
    mkdirSync(path.join(own, "@holdfast"), { recursive: true });
    for (const name of readdirSync(installed)) {
      if (name !== "@holdfast") symlinkSync(path.join(installed, name), path.join(own, name));
    }
    for (const name of readdirSync(path.join(installed, "@holdfast"))) {
      symlinkSync(readlinkSync(path.join(installed, "@holdfast", name)), path.join(own, "@holdfast", name));
    }
  }

  /**
   * Runs one test while the sources are broken, and mends them. Throws when the text to change is not there exactly once. A mutant may make the test
   * wait for what never comes: it fails after many times of what it takes `unbroken`.
   */
  async tryOut(
    mutant: Mutant,
    environment: Record<string, string | undefined>,
    unbroken: Pick<Verdict, "milliseconds" | "around">,
  ): Promise<Verdict> {
    const before = new Map<string, string>();
    try {
      for (const { file, from, to } of mutant.edits) {
        const at = path.join(this.folder, file);
        const text = readFileSync(at, "utf8");
        if (!before.has(at)) before.set(at, text);
        const parts = text.split(from);
        if (parts.length !== 2) throw new Error(`${mutant.name}: ${file} has this ${parts.length - 1} times: ${from}`);
        writeFileSync(at, parts.join(to));
      }
      const { file, test } = mutant.caughtBy;
      const each = Math.min(patience, 4_000 + 8 * unbroken.milliseconds);
      const around = Math.min(patience, 30_000 + 4 * unbroken.around);
      const [verdict] = await this.run(file, [test], environment, each, around);
      if (!verdict) throw new Error("one test has one verdict");
      return verdict;
    } finally {
      for (const [at, text] of before) writeFileSync(at, text);
    }
  }

  /** Some tests of one file, in one process, because what the file starts takes longer than most of them. A verdict for each. */
  run(
    file: string,
    tests: readonly string[],
    environment: Record<string, string | undefined>,
    each = patience,
    around = patience,
  ): Promise<readonly Verdict[]> {
    const patterns = tests.map((test) => `${test.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&")}$`);
    const named = patterns.map((pattern) => `--test-name-pattern=/^${pattern}/`);
    // What a test that failed has left open must not keep us.
    const flags = ["--test-reporter=tap", "--test-force-exit", `--test-timeout=${each}`, ...named];
    // Node's mark of a test process would make the reporter of a process below it silent.
    const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
    const child = spawn(process.execPath, [...flags, file], {
      cwd: this.folder,
      detached: true,
      env: { ...inherited, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => chunks.push(bytes));
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL"); // it and what it started
      } catch {
        // It has just ended.
      }
    };
    const began = performance.now();
    const timer = setTimeout(kill, each * tests.length + around);
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", () => {
        clearTimeout(timer);
        const output = Buffer.concat(chunks).toString();
        const told = (pattern: string): Omit<Verdict, "around"> => {
          const [, not, duration] = new RegExp(
            `^\\s*(not )?ok \\d+ - ${pattern}\n\\s*---\n\\s*duration_ms: ([\\d.]+)`,
            "m",
          ).exec(output) ?? [undefined, undefined, undefined];
          const isTold = duration !== undefined;
          return {
            passed: isTold && !not,
            failed: isTold && Boolean(not),
            milliseconds: Number(duration ?? 0),
            output,
          };
        };
        const verdicts = patterns.map(told);
        const within = verdicts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
        resolve(verdicts.map((verdict) => ({ ...verdict, around: performance.now() - began - within })));
      });
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

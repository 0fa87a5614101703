import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Counts, Told } from "./events.ts";

/** How one test file ended. `output` is everything it wrote, `failures` is empty when it passed. */
export type Outcome = {
  file: string;
  seconds: number;
  counts: Counts;
  failures: { name: string; line?: number | undefined; error: string }[];
  /** What its tests found, where they say so (`t.diagnostic`). */
  notes: string[];
  output: string;
};

export type Limits = {
  /** Where the file's name starts from, and where it runs. */
  folder: string;
  /** After this long the file and everything it started is killed. */
  milliseconds: number;
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
};

const reporter = fileURLToPath(import.meta.resolve("./events.ts"));
const none: Counts = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };

/** Runs one test file in a process group of its own. Never throws for what the file does. */
export async function runFile(file: string, limits: Limits): Promise<Outcome> {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-test-"));
  const events = path.join(folder, "events");
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [`--test-reporter=${reporter}`, `--test-reporter-destination=${events}`, file],
    { cwd: limits.folder, detached: true, env: limits.environment, stdio: ["ignore", "pipe", "pipe"] },
  );
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => chunks.push(bytes));
  const end = await ended(child, limits);
  const told = read(events);
  rmSync(folder, { recursive: true, force: true });

  const seconds = (performance.now() - began) / 1000;
  return {
    file,
    seconds,
    output: Buffer.concat(chunks).toString(),
    notes: told.flatMap((line) => (line.tell === "noted" ? [line.message] : [])),
    ...judge(path.join(limits.folder, file), told, end),
  };
}

type End = { code: number | null; signal: string | null; killed: false | "too long" | "stopped" };

function ended(child: ChildProcess, limits: Limits): Promise<End> {
  return new Promise((resolve, reject) => {
    let killed: End["killed"] = false;
    const stop = () => {
      killed = "stopped";
      killGroup(child);
    };
    const timer = setTimeout(() => {
      killed = "too long";
      killGroup(child);
    }, limits.milliseconds);
    limits.signal.addEventListener("abort", stop);
    child.on("error", reject);
    // What a test left running would keep our pipes open, and us waiting: it goes with the test.
    child.on("exit", () => killGroup(child));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      limits.signal.removeEventListener("abort", stop);
      resolve({ code, signal, killed });
    });
    if (limits.signal.aborted) stop();
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function read(events: string): Told[] {
  let text: string;
  try {
    text = readFileSync(events, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  const lines = text.split("\n").slice(0, -1); // a killed process may have cut its last line short
  return lines.map((line) => JSON.parse(line) as Told); // written by events.ts and nobody else
}

function judge(file: string, told: Told[], end: End): Pick<Outcome, "counts" | "failures"> {
  const running = new Map<number, string>();
  const failures: Outcome["failures"] = [];
  let counts: Counts | undefined;
  for (const line of told) {
    if (line.tell === "began") running.set(line.id, line.name);
    else if (line.tell === "ended") running.delete(line.id);
    else if (line.tell === "failed") failures.push({ name: line.name, line: line.line, error: line.error });
    else if (line.tell === "said") failures.push({ name: "(the file)", error: line.message });
    else if (line.tell === "counts") counts = line.counts;
  }
  const name = [...running.values()].at(-1) ?? "(the file)";
  if (end.killed === "stopped") failures.push({ name, error: "Stopped from outside." });
  else if (end.killed === "too long") {
    const open = "Its tests were done, but something they opened was never closed.";
    failures.push({ name, error: `Took too long and was killed. ${running.size > 0 ? "" : open}`.trimEnd() });
  } else if (failures.length === 0 && (end.code !== 0 || (!counts && hasTests(file)))) {
    failures.push({ name, error: `The process ended with ${end.signal ?? `code ${end.code}`} before its tests did.` });
  }
  const base = counts ?? none;
  const uncounted = failures.length > 0 && base.failed + base.cancelled === 0;
  return { failures, counts: uncounted ? { ...base, tests: base.tests + 1, failed: base.failed + 1 } : base };
}

/** A file may hold nothing but types that must not compile: then node has nothing to count. */
function hasTests(file: string): boolean {
  return readFileSync(file, "utf8").includes('from "node:test"');
}

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
const together = fileURLToPath(import.meta.resolve("./together.ts"));
const none: Counts = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };

/**
 * Runs test files in one process, in a process group of its own. Never throws for what they do. Answers nothing where several shared a process that ended
 * before its time: which of them did it, and what became of the others, each tells alone.
 */
export async function runFiles(files: readonly string[], limits: Limits): Promise<Outcome[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-test-"));
  const events = path.join(folder, "events");
  const began = performance.now();
  const program = files.length === 1 ? files : [together, limits.folder, ...files];
  const child = spawn(
    process.execPath,
    [`--test-reporter=${reporter}`, `--test-reporter-destination=${events}`, ...program],
    { cwd: limits.folder, detached: true, env: limits.environment, stdio: ["ignore", "pipe", "pipe"] },
  );
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => chunks.push(bytes));
  const end = await ended(child, limits);
  const told = read(events);
  rmSync(folder, { recursive: true, force: true });

  const output = Buffer.concat(chunks).toString();
  if (files.length > 1 && end.killed !== "stopped" && !told.some(({ tell }) => tell === "done")) return [];
  const parts = partsOf(files, told);
  // Node says so where any test failed, whichever file it is of.
  if (end.code === 1 && parts.slice(0, -1).some(({ told }) => told.some(({ tell }) => tell === "failed"))) end.code = 0;
  return parts.map(({ file, told, until }, at) => ({
    file,
    seconds: ((until ?? performance.now()) - (parts[at - 1]?.until ?? began)) / 1000,
    output,
    notes: told.flatMap((line) => (line.tell === "noted" ? [line.message] : [])),
    ...judge(path.join(limits.folder, file), told, until === undefined ? end : undefined),
  }));
}

/** What was told of a file, and when it was over; the last one ends with its process. */
type Part = { file: string; told: Told[]; until: number | undefined };

/** Of each file that was begun. */
function partsOf(files: readonly string[], told: Told[]): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const file of files) {
    const over = told.findIndex((line, at) => at >= from && line.tell === "over" && line.file === file);
    const isLast = over < 0 || file === files.at(-1);
    const line = told[over];
    const until = !isLast && line?.tell === "over" ? line.at - performance.timeOrigin : undefined;
    parts.push({ file, told: told.slice(from, isLast ? undefined : over), until });
    if (isLast) break;
    from = over + 1;
  }
  return parts;
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

/** `end` is that of its process; none where other files followed in it. */
function judge(file: string, told: Told[], end: End | undefined): Pick<Outcome, "counts" | "failures"> {
  const running = new Map<number, string>();
  const failures: Outcome["failures"] = [];
  const counts = { ...none };
  let isDone = false;
  for (const line of told) {
    if (line.tell === "began") running.set(line.id, line.name);
    else if (line.tell === "ended") running.delete(line.id);
    else if (line.tell === "failed") failures.push({ name: line.name, line: line.line, error: line.error });
    else if (line.tell === "said") failures.push({ name: "(the file)", error: line.message });
    else if (line.tell === "done") isDone = true;
    else if (line.tell === "counted") {
      counts[line.as] += 1;
      if (line.as !== "suites") counts.tests += 1;
    }
  }
  const name = [...running.values()].at(-1) ?? "(the file)";
  if (end?.killed === "stopped") failures.push({ name, error: "Stopped from outside." });
  else if (end?.killed === "too long") {
    const open =
      "Its tests were done, but something that they, or a file before it in its process, opened was never closed.";
    failures.push({ name, error: `Took too long and was killed. ${running.size > 0 ? "" : open}`.trimEnd() });
  } else if (end && failures.length === 0 && (end.code !== 0 || (!isDone && hasTests(file)))) {
    failures.push({ name, error: `The process ended with ${end.signal ?? `code ${end.code}`} before its tests did.` });
  }
  const uncounted = failures.length > 0 && counts.failed + counts.cancelled === 0;
  return { failures, counts: uncounted ? { ...counts, tests: counts.tests + 1, failed: counts.failed + 1 } : counts };
}

/** A file may hold nothing but types that must not compile: then node has nothing to count. */
function hasTests(file: string): boolean {
  return readFileSync(file, "utf8").includes('from "node:test"');
}

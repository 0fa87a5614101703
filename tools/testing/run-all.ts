import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { TestFile } from "./files.ts";
import { describe } from "./report.ts";
import { runFiles, type Outcome } from "./run-file.ts";

export type Plan = {
  root: string;
  files: TestFile[];
  /** How many files run at once. */
  concurrency: number;
  /** How long one process may take, in milliseconds. */
  patience: number;
  signal: AbortSignal;
  say: (line: string) => void;
};

/** What `apps/server/src/testing/cluster.ts` gives: one PostgreSQL for all files, each with a database of its own. */
type Cluster = { environment: Record<string, string>; stop(): Promise<void> };

/** Runs the files, the fast ones while the cluster starts, and alone those that measure: a neighbour would spoil what they see. Stops the cluster whatever happens. */
export async function runAll(plan: Plan): Promise<Outcome[]> {
  const fast = plan.files.filter(({ speed }) => speed === "fast");
  const measuring = plan.files.filter(({ speed }) => speed === "measuring");
  const others = plan.files.filter(({ speed }) => speed === "platform" || speed === "long");
  const starting = others.length + measuring.length > 0 ? startCluster(plan.root) : Promise.resolve(undefined);
  // Awaited below; without this a cluster that fails while the fast files run would end the process.
  starting.catch(() => undefined);
  try {
    const first = await pooled(plan, fast, {});
    const cluster = await starting;
    // Now, and not where one of them asks for it: a build takes all cores from what is measured beside it.
    if (plan.files.some(({ wantsConsole }) => wantsConsole))
      await buildConsole(plan.root).catch((error: unknown) => plan.say(`⚠ ${String(error)}`)); // they try again, and say so
    const environment = cluster?.environment ?? {};
    const alone = await pooled({ ...plan, concurrency: 1 }, measuring, environment);
    return [...first, ...alone, ...(await pooled(plan, others, environment))];
  } finally {
    const cluster = await starting.catch(() => undefined); // thrown above already
    await cluster?.stop();
  }
}

async function startCluster(root: string): Promise<Cluster | undefined> {
  const file = path.join(root, "apps/server/src/testing/cluster.ts");
  if (!existsSync(file)) return undefined;
  // By a computed name, so that this compiles where there is no such file; the shape is the one both sides agreed on.
  const module = (await import(pathToFileURL(file).href)) as { startCluster(): Promise<Cluster> };
  return module.startCluster();
}

async function buildConsole(root: string): Promise<void> {
  const module = (await import(pathToFileURL(path.join(root, "tools/console.mjs")).href)) as {
    buildConsole(): Promise<void>;
  };
  await module.buildConsole();
}

async function pooled(plan: Plan, files: TestFile[], more: Record<string, string>): Promise<Outcome[]> {
  // Settings of the person who runs the tests must not reach the platforms that the tests start.
  // Node's own mark of a test process would make the reporter of a test process below it silent.
  const isOurs = (name: string) => !name.startsWith("HOLDFAST_") && name !== "NODE_TEST_CONTEXT";
  const kept = Object.entries(process.env).filter(([name]) => isOurs(name));
  // Reading our files as JavaScript is most of what a process costs that does little else, and hundreds are started.
  const compiled = { NODE_COMPILE_CACHE: path.join(plan.root, "node_modules/.cache/compiled") };
  const environment = { ...compiled, ...Object.fromEntries(kept), ...more };
  const outcomes: Outcome[] = [];
  const queue = groupsOf(files);
  const work = async () => {
    for (let next = queue.shift(); next && !plan.signal.aborted; next = queue.shift()) {
      const found = await runFiles(next, {
        folder: plan.root,
        milliseconds: plan.patience,
        environment,
        signal: plan.signal,
      });
      if (found.length === 0) {
        plan.say(`⚠ a process of these ended before its time, each is run alone: ${next.join(", ")}`);
        queue.push(...next.map((file) => [file]));
      }
      for (const outcome of found) {
        outcomes.push(outcome);
        plan.say(describe(outcome));
      }
    }
  };
  await Promise.all(Array.from({ length: plan.concurrency }, work));
  return outcomes;
}

/** So many in one process: of those that start a platform each a few, so that what one leaves behind soon goes. */
const mostTogether = { fast: 24, platform: 6, long: 1, measuring: 1 } as const;

/** Those that need a process of their own first: they take longest. */
function groupsOf(files: readonly TestFile[]): string[][] {
  const { true: sociable = [], false: alone = [] } = Object.groupBy(files, (one) => String(one.isSociable));
  const groups = alone.map(({ file }) => [file]);
  for (const [speed, some] of Map.groupBy(sociable, (one) => one.speed)) {
    const most = mostTogether[speed];
    for (let at = 0; at < some.length; at += most) groups.push(some.slice(at, at + most).map(({ file }) => file));
  }
  return groups;
}

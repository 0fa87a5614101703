import { availableParallelism } from "node:os";
import path from "node:path";
import { inspect, parseArgs } from "node:util";
import { runChecks } from "./checks/run.ts";
import { isLong, named, testFiles, type TestFile } from "./testing/files.ts";
import { closing } from "./testing/report.ts";
import { runAll } from "./testing/run-all.ts";

const usage = `npm test [-- PATH…]     the checks and every test but the long ones; or the tests in these files and folders
npm run test:long       only the files named *.long.test.ts; one at a time those that measure
  --fast                only the tests that start nothing, without the checks
  --concurrency N       how many files run at once`;

/** Seconds that the whole of `npm test` may take on two cores; beyond, it says so. */
const budget = 562;
const root = path.dirname(import.meta.dirname);

type Wish = { files: TestFile[]; concurrency: number; patience: number; whole: boolean };

function parseWish(): Wish {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      long: { type: "boolean", default: false },
      fast: { type: "boolean", default: false },
      concurrency: { type: "string" },
    },
  });
  const all = testFiles(root);
  const isWanted = (file: TestFile) =>
    values.long ? isLong(file) : values.fast ? file.speed === "fast" : !isLong(file);
  const files = positionals.length > 0 ? named(all, root, positionals) : all.filter(isWanted);
  // They wait for processes and clocks a third of the time.
  const concurrency = Number(values.concurrency ?? availableParallelism() + 1);
  if (!Number.isInteger(concurrency) || concurrency < 1) throw new Error("--concurrency takes a whole number from 1.");
  const whole = positionals.length === 0 && !values.long && !values.fast;
  const seconds = files.some(isLong) ? 40 * 60 : values.fast ? 60 : 600;
  return { files, concurrency, patience: seconds * 1000, whole };
}

async function main({ files, concurrency, patience, whole }: Wish): Promise<number> {
  const began = performance.now();
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const stopping = new AbortController();
  const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
  let stopped: number | undefined;
  // Whoever read our output has gone (`npm test | head`): stop what was started, then end.
  process.stdout.on("error", () => stopping.abort());
  for (const [signal, code] of Object.entries(codes)) {
    process.on(signal, () => {
      stopped ??= code;
      stopping.abort();
    });
  }

  const failedChecks = whole ? await runChecks({ root, say, signal: stopping.signal }) : [];
  const outcomes = await runAll({ root, files, concurrency, patience, signal: stopping.signal, say });

  const took = performance.now() - began;
  if (whole && took / 1000 > budget) say(`\nThis took ${(took / 1000).toFixed(0)} s; the aim is ${budget} s.`);
  if (failedChecks.length > 0) say(`\n✖ checks that failed: ${failedChecks.join(", ")}`);
  if (files.length === 0) say("\nThere is no such test.");
  say(closing(outcomes, took));
  if (stopped !== undefined) return stopped;
  return failedChecks.length > 0 || outcomes.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

function wishOrUsage(): Wish | undefined {
  try {
    return parseWish();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`);
    return undefined;
  }
}

const wish = wishOrUsage();
try {
  process.exitCode = wish ? await main(wish) : 2;
} catch (error) {
  process.stderr.write(`The tests could not be run: ${inspect(error)}\n`);
  process.exitCode = 1;
}

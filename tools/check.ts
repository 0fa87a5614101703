import path from "node:path";
import { parseArgs } from "node:util";
import { runChecks } from "./checks/run.ts";

// npm run check [-- --fix]: everything that can be said about the code in two minutes. `--fix` formats it first.
const { values } = parseArgs({ options: { fix: { type: "boolean", default: false } } });
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());

const began = performance.now();
const say = (line: string) => process.stdout.write(`${line}\n`);
const root = path.dirname(import.meta.dirname);
const failed = await runChecks({ root, say, signal: stopping.signal, fix: values.fix, withTests: true });
const seconds = ((performance.now() - began) / 1000).toFixed(1);
say(failed.length === 0 ? `All well, in ${seconds} s.` : `Not well: ${failed.join(", ")} (${seconds} s).`);
process.exitCode = failed.length === 0 ? 0 : 1;

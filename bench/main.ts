import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { inspect, parseArgs } from "node:util";
import type { Benchmark, Result } from "./result.ts";
import { tableOf } from "./table.ts";

/** Every benchmark is a file of this name beside this one; each is loaded when it is its turn. */
const names = [
  "ingest",
  "telemetry",
  "mqtt-messages",
  "mqtt-connections",
  "mqtt-latency",
  "mqtt-memory",
  "mqtt-platform",
  "codecs",
  "authority-decisions",
  "authority-messages",
  "revocation",
  "sign-in",
  "sockets",
  "enrol",
] as const;

const usage = `npm run bench [-- NAME… --json FILE]
  NAME          one of ${names.join(", ")}; mqtt or authority is all that begin so; all of them without
  --json FILE   also writes the rows to a file, for programs`;

type Wish = { chosen: string[]; json: string | undefined };

function parseWish(): Wish {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "string" } } });
  const meant = (given: string) => names.filter((name) => name === given || name.startsWith(`${given}-`));
  const unknown = positionals.filter((given) => meant(given).length === 0);
  if (unknown.length > 0) throw new Error(`There is no benchmark called ${unknown.join(" or ")}.`);
  return { chosen: positionals.length > 0 ? positionals.flatMap(meant) : [...names], json: values.json };
}

/** Runs one after the other, since they would measure each other; one that fails does not keep the next from running. */
async function main({ chosen, json }: Wish): Promise<boolean> {
  const results: Result[] = [];
  let well = true;
  for (const name of chosen) {
    try {
      // By a computed name, so that a benchmark costs nothing to the others; the list above is what it can be.
      const benchmark = (await import(`./${name}.ts`)) as Benchmark;
      const result = await benchmark.run();
      results.push(result);
      process.stdout.write(`${tableOf(result)}\n`);
    } catch (error) {
      well = false;
      process.stderr.write(`\n${name} could not be measured: ${inspect(error)}\n`);
    }
  }
  const on = { node: process.version, platform: process.platform, cores: availableParallelism() };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ on, results }, undefined, 2)}\n`);
  return well;
}

let wish: Wish | undefined;
try {
  wish = parseWish();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`);
}
process.exitCode = wish === undefined ? 2 : (await main(wish)) ? 0 : 1;

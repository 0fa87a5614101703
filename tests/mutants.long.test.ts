import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startCluster, variable } from "../apps/server/src/testing/cluster.ts";
import { mutants, Tree, type Mutant, type Verdict } from "../tools/mutants/run.ts";
import { Chance } from "./faults/seed.ts";

// Tests of the tests: each mutant breaks one promise in a copy of the sources, and the test that it names must notice. Each run tries a quarter of them,
// by chance which; with MUTANTS=all it tries all, which takes four times as long, and with MUTANTS=name,name those.
const atOnce = 2;
const long = 30; // seconds, from which on a mutant is named though it was caught
const everyOne = mutants();
const { MUTANTS: wanted = "" } = process.env;
const names = new Set(wanted.split(","));
const first = wanted === "" ? new Chance().between(0, 3) : undefined;
const isWanted = ({ name }: Mutant, at: number) =>
  first === undefined ? wanted === "all" || names.has(name) : at % 4 === first;
const all = everyOne.filter(isWanted);
const trees = Array.from({ length: atOnce }, () => new Tree());
const cluster = await startCluster();
after(async () => {
  for (const tree of trees) tree.remove();
  await cluster.stop();
});

/** A mutant of the schema needs a PostgreSQL of its own: the shared one has the schema as it should be. */
const environmentOf = ({ edits }: Mutant): Record<string, string | undefined> =>
  edits.some(({ file }) => file.endsWith(".sql")) ? { [variable]: undefined } : cluster.environment;

async function each<T>(things: readonly T[], work: (thing: T, tree: Tree) => Promise<void>): Promise<void> {
  const queue = [...things];
  await Promise.all(
    trees.map(async (tree) => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next, tree);
    }),
  );
}

const secondsSince = (began: number): number => (performance.now() - began) / 1_000;

/** How each test ends without a mutant. */
const unbroken = new Map<string, Verdict>();
const keyOf = (file: string, test: string): string => `${file}: ${test}`;

test("without a mutant every one of the named tests passes", async () => {
  const broken: string[] = [];
  const files = new Set(all.map(({ caughtBy }) => caughtBy.file));
  await each([...files], async (file, tree) => {
    const named = all.flatMap(({ caughtBy }) => (caughtBy.file === file ? caughtBy.test : []));
    const tests = [...new Set(named)];
    const verdicts = await tree.run(file, tests, cluster.environment);
    for (const [at, first] of verdicts.entries()) {
      const test = tests[at]!; // one verdict for each
      const key = keyOf(file, test);
      // Beside three other files what is promised within a second may come too late: then it is asked once more.
      const [verdict = first] = first.passed ? [] : await tree.run(file, [test], cluster.environment);
      if (!verdict.passed) broken.push(`${key}\n${verdict.output.slice(-3_000)}`);
      unbroken.set(key, verdict);
    }
  });
  assert.deepEqual(broken, []);
});

test("each mutant is caught by the test that it names", async (t) => {
  assert.ok(all.length >= (wanted === "" ? 10 : 1));
  const survivors: string[] = [];
  const start = performance.now();
  await each(all, async (mutant, tree) => {
    const began = performance.now();
    const { file, test } = mutant.caughtBy;
    const usual = unbroken.get(keyOf(file, test));
    assert.ok(usual !== undefined, `${test} has not been tried without a mutant`);
    const { failed, output } = await tree.tryOut(mutant, environmentOf(mutant), usual);
    const seconds = secondsSince(began);
    if (!failed || seconds >= long)
      t.diagnostic(`${mutant.name}: ${failed ? "caught" : "SURVIVED"} in ${seconds.toFixed(1)} s`);
    if (!failed) survivors.push(`${mutant.name}: ${mutant.what}\n${output.slice(-1_500)}`);
  });
  const caught = all.length - survivors.length;
  const which = first === undefined ? "" : `, every fourth of ${everyOne.length} from number ${first} on,`;
  t.diagnostic(`${caught} of ${all.length} mutants${which} were caught in ${secondsSince(start).toFixed(0)} s`);
  assert.deepEqual(survivors, []);
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { mutants } from "./run.ts";

// They run in `npm run test:long`; that they still fit the sources is told at once.
const read = (file: string): string => readFileSync(path.join(import.meta.dirname, "../..", file), "utf8");

test("each mutant changes a text that is there exactly once, and names a test that there is", () => {
  const unfit = mutants().flatMap(({ name, edits, caughtBy }) => [
    ...edits.flatMap(({ file, from }) => (read(file).split(from).length === 2 ? [] : `${name}: ${file}: ${from}`)),
    ...(read(caughtBy.file).includes(`test("${caughtBy.test}"`) ? [] : [`${name}: ${caughtBy.file}: ${caughtBy.test}`]),
  ]);
  assert.deepEqual(unfit, []);
});

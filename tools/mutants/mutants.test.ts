import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { mutants } from "./run.ts";

// They run in `npm run test:long`; that they still fit the sources is told at once.
const read = (file: string): string => readFileSync(path.join(import.meta.dirname, "../..", file), "utf8");

test("each mutant changes a text that is there exactly once, and names a test that there is", () => {
  for (const { name, edits, caughtBy } of mutants()) {
    for (const { file, from } of edits) assert.equal(read(file).split(from).length - 1, 1, `${name}: ${file}: ${from}`);
    assert.ok(read(caughtBy.file).includes(`test("${caughtBy.test}"`), `${name}: ${caughtBy.file}: ${caughtBy.test}`);
  }
});

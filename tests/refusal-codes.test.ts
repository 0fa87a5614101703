import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { refusalCodes } from "@holdfast/kernel";

const root = path.dirname(import.meta.dirname);

test("every code that the platform may refuse with is named by a test or by the matrix", () => {
  const files = globSync("{apps,packages,tests}/**/{*.test.ts,*.fixture.ts,matrix.txt}", {
    cwd: root,
    exclude: (name) => name === "node_modules",
  });
  const texts = files
    .map((file) => path.join(root, file))
    .filter((file) => file !== import.meta.filename)
    .map((file) => readFileSync(file, "utf8"));
  const isNamed = (code: string): boolean => {
    // As it is, or in an expression: `device\.erased`.
    const named = new RegExp(`(?<![\\w.])${code.replaceAll(".", String.raw`\\?\.`)}(?![\\w.])`);
    return texts.some((text) => named.test(text));
  };
  const unnamed = refusalCodes.filter((code) => !isNamed(code));
  assert.deepEqual(unnamed, []);
});

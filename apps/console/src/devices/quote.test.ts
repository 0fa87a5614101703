import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { quote } from "./quote.ts";

/** Texts that were made to break out of a literal, and whatever else comes to mind. No NUL: no program's argument holds one. */
const nasty = [
  `'; rm -rf "$HOME"; echo '`,
  '"; system("x"); //',
  "`x` $(x) ${x} %s \\n",
  "??/ ??'",
  "a\\u0022b",
  "é\u2028😀\n\t",
];
const texts = [
  ...nasty,
  ...fc.sample(
    fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !text.includes("\0") && !text.includes("\r")),
    40,
  ),
];

function printedBy(t: { skip(why: string): void }, program: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr, status } = spawnSync(program, args, { encoding: "utf8" });
  if (error) {
    t.skip(`there is no ${program} on this machine`);
    return undefined;
  }
  assert.equal(status, 0, stderr);
  return stdout;
}

test("a literal of sh is the text to sh", (t) => {
  const said = printedBy(t, "sh", ["-c", texts.map((text) => `printf '%s\\001' ${quote.shell(text)}`).join("\n")]);
  if (said !== undefined) assert.deepEqual(said.split("\u0001").slice(0, -1), texts);
});

test("a literal of Python is the text to Python", (t) => {
  // Half of a pair, where JSON keeps both, is put together as UTF-16 does.
  const program = `import sys\nfor t in [${texts.map(quote.python).join(",")}]: sys.stdout.buffer.write(t.encode("utf-16", "surrogatepass").decode("utf-16").encode() + b"\\x01")`;
  const said = printedBy(t, "python3", ["-c", program]);
  if (said !== undefined) assert.deepEqual(said.split("\u0001").slice(0, -1), texts);
});

test("a literal of JavaScript is the text to JavaScript", () => {
  for (const text of texts) assert.equal(JSON.parse(quote.json(text)), text);
});

test("a literal of C is the text to C", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-quote-"));
  try {
    const file = path.join(folder, "quote.c");
    const lines = texts.map((text) => `  fputs(${quote.c(text)}, stdout); putchar(1);`);
    writeFileSync(file, `#include <stdio.h>\nint main(void) {\n${lines.join("\n")}\n  return 0;\n}\n`);
    const built = printedBy(t, "cc", ["-std=c17", "-trigraphs", "-o", path.join(folder, "quote"), file]);
    if (built === undefined) return;
    assert.deepEqual(printedBy(t, path.join(folder, "quote"), [])?.split("\u0001").slice(0, -1), texts);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { folderNamed } from "./fixture.ts";
import { findPackage, makeProgram } from "./program.ts";

test("a copy of the program needs nothing of the package, and is mended when it is damaged", () => {
  const folder = folderNamed("programs");
  mkdirSync(folder);
  const before = process.umask(0o077);
  try {
    const bundled = findPackage();
    const program = makeProgram(folder, bundled, "copy");
    const entries = readdirSync(program.folder, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const file = path.join(entry.parentPath, entry.name);
      assert.ok(realpathSync(file).startsWith(program.folder), file);
      if (!entry.isSymbolicLink()) assert.equal(statSync(file).mode & 0o777, 0o755, file);
    }
    const version = () => spawnSync(program.initdb, ["--version"], { encoding: "utf8", env: {} });
    assert.match(version().stdout, /PostgreSQL\) 18\./);
    writeFileSync(path.join(program.folder, "lib", "libcrypto.so.1.1"), "");
    writeFileSync(program.initdb, "");
    makeProgram(folder, bundled, "copy");
    assert.match(version().stdout, /PostgreSQL\) 18\./);
  } finally {
    process.umask(before);
  }
});

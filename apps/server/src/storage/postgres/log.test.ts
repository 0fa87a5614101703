import assert from "node:assert/strict";
import { chmodSync, closeSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { folderNamed } from "./fixture.ts";
import { openLog, readLog } from "./log.ts";

test("the log is the database's alone, starts anew when it grew too large, and is never written through a link", () => {
  const file = folderNamed("postgres.log");
  const opened = () => {
    const { handle, size } = openLog(file, { kind: "ourselves" });
    closeSync(handle);
    return size;
  };
  assert.equal(opened(), 0);
  writeFileSync(file, "é".repeat(6 * 2 ** 20));
  chmodSync(file, 0o644);
  assert.equal(opened(), 0);
  assert.equal(statSync(`${file}.1`).size, 12 * 2 ** 20);
  writeFileSync(file, `${"x".repeat(9_000)}end`);
  assert.equal(opened(), 9_003);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readLog(file, 9_000), "end");
  assert.equal(readLog(file, 0).length, 4_096);
  rmSync(file);
  symlinkSync(`${file}.1`, file);
  assert.throws(opened, { code: "ELOOP" });
});

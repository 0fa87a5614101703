import assert from "node:assert/strict";
import { test } from "node:test";
import { checkOpenFiles, fewestFiles, openFilesAllowed } from "./limits.ts";

test("a process that may open too few files is told the number, and the command that raises it", () => {
  assert.throws(() => checkOpenFiles(256), {
    code: "files.tooFew",
    message: /ulimit -n 65536.* allows 256, .* needs 1,024/,
  });
});

test("few files are enough to start, with a word on how many connections that makes", () => {
  assert.match(checkOpenFiles(fewestFiles) ?? "", /1,024 open files: enough for 900 connections/);
  assert.equal(checkOpenFiles(65_536), undefined);
  assert.equal(checkOpenFiles(undefined), checkOpenFiles(openFilesAllowed()));
});

test("the limit of this very process is known, or there is none", () => {
  const allowed = openFilesAllowed();
  assert.ok(allowed === undefined || (Number.isInteger(allowed) && allowed > 0));
});

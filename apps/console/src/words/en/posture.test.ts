import assert from "node:assert/strict";
import { test } from "node:test";
import { findingTexts, socketModes } from "@holdfast/protocol";
import { posture } from "./posture.ts";

test("whose device takes plain text is told the same of its door in the console as by the command, and that the rest of it stays", () => {
  const [, mode] = /--socket (\w+)/.exec(findingTexts.plain.fix) ?? [];
  assert.equal(mode, "sealed");
  const { fix } = posture.findings.plain;
  assert.match(fix, /\bseals\b/);
  for (const other of socketModes) if (other !== mode) assert.ok(!fix.includes(other), other);
  const stays = "What else its door says stays.";
  assert.deepEqual(
    [findingTexts.plain.fix, fix].map((text) => text.endsWith(stays)),
    [true, true],
  );
});

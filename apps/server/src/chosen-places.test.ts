import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { Refusal } from "@holdfast/kernel";
import { placeRefused } from "./chosen-places.ts";
import { makeWay } from "./folders.ts";

const base = mkdtempSync(path.join(tmpdir(), "holdfast-chosen-"));
after(() => rmSync(base, { recursive: true, force: true }));
const good = path.join(base, "good");
const file = path.join(base, "file");
mkdirSync(good);
writeFileSync(file, "");

/** What a start says whose folders are made in this order. */
function refusal(data: string, keys = path.join(data, "keys"), readyFile = path.join(keys, "ready.json")): unknown {
  try {
    rmSync(readyFile, { force: true });
    for (const folder of [data, keys, path.dirname(readyFile)]) makeWay(folder);
  } catch (error) {
    return placeRefused(error, [
      { option: "--data", path: data },
      { option: "--keys", path: keys },
      { option: "--ready-file", path: readyFile },
    ]);
  }
  return undefined;
}

test("a place that the system refuses is told by the option that chose it", () => {
  const inside = path.join(file, "inside");
  for (const [error, named] of [
    [refusal(file), `--data ${file}: there is a file`],
    [refusal(inside), `--data ${inside}: there is a file`],
    [refusal(good, file), `--keys ${file}: there is a file`],
    [refusal(good, undefined, inside), `--ready-file ${inside}: there is a file`],
    [refusal("/proc/holdfast"), "--data /proc/holdfast: "],
  ] as const) {
    assert.ok(error instanceof Refusal && error.code === "config.malformed", String(error));
    const { detail = "" } = error;
    assert.ok(detail.startsWith(named) && detail.endsWith("Choose another place."), detail);
  }
  assert.equal(refusal(good), undefined);
});

test("what is not about a chosen place stays what it is", () => {
  const fault = new RangeError("ours");
  assert.equal(placeRefused(fault, [{ option: "--data", path: good }]), fault);
  const elsewhere = Object.assign(new Error("no"), { syscall: "open", code: "EACCES", path: "/elsewhere" });
  assert.equal(placeRefused(elsewhere, [{ option: "--data", path: good }]), elsewhere);
});

import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { letThrough } from "./passage.ts";
import { closedTo, isRoot } from "./root.ts";
import { privateUid } from "./storage/index.ts";

const base = mkdtempSync(path.join(tmpdir(), "holdfast-passage-"));
after(() => rmSync(base, { recursive: true, force: true }));
chmodSync(base, 0o755);
const user = { uid: privateUid, gid: privateUid };
const onlyRoot = { skip: !isRoot() };

/** `<base>/<name>/inner/data`, of which the first two are there. */
function below(name: string, outer: number, inner: number): { outer: string; inner: string; data: string } {
  const made = { outer: path.join(base, name), inner: path.join(base, name, "inner") };
  mkdirSync(made.inner, { recursive: true });
  chmodSync(made.outer, outer);
  chmodSync(made.inner, inner);
  return { ...made, data: path.join(made.inner, "data") };
}

const stateOf = (folder: string): [uid: number, gid: number, mode: number] => {
  const { uid, gid, mode } = statSync(folder);
  return [uid, gid, mode & 0o777];
};

test("a folder that is root's alone lets the working user pass, and nobody else, and that is told", onlyRoot, () => {
  const { outer, inner, data } = below("alone", 0o700, 0o550);
  const told: string[] = [];
  assert.equal(
    letThrough(user, [data], (sentence) => void told.push(sentence)),
    undefined,
  );
  assert.deepEqual(
    [stateOf(outer), stateOf(inner)],
    [
      [0, privateUid, 0o710],
      [0, privateUid, 0o510],
    ],
  );
  assert.equal(closedTo(user, [{ path: inner, to: "enter" }]), undefined);
  assert.equal(closedTo({ uid: 65_531, gid: 65_531 }, [{ path: outer, to: "enter" }]), outer);
  assert.equal(closedTo(user, [{ path: outer, to: "read" }]), outer);
  assert.match(
    told[0] ?? "",
    /65527, .*pass through .*alone from now on: its group is 65527 and its permissions are 710; they were 0 and 700\.$/,
  );
  assert.equal(letThrough(user, [data], assert.fail), undefined);
});

test("one folder that others share, and all stay as they are", onlyRoot, () => {
  const shares: [string, (folder: string) => void][] = [
    ["group", (folder) => (chownSync(folder, 0, 4), chmodSync(folder, 0o750))],
    ["owner", (folder) => chownSync(folder, 1234, 1234)],
    ["writable", (folder) => chmodSync(folder, 0o770)],
  ];
  for (const [name, share] of shares) {
    const { outer, inner, data } = below(name, 0o700, 0o700);
    share(inner);
    const before = [stateOf(outer), stateOf(inner)];
    assert.equal(letThrough(user, [data], assert.fail), inner, name);
    assert.deepEqual([stateOf(outer), stateOf(inner)], before);
  }
});

test("a user whose group others are in gets no folder of root's", onlyRoot, () => {
  const { outer, data } = below("service", 0o700, 0o755);
  assert.equal(letThrough({ uid: 1234, gid: 100 }, [data], assert.fail), outer);
  assert.deepEqual(stateOf(outer), [0, 0, 0o700]);
});

test("a data folder that holds other things is passed through like those above it", onlyRoot, () => {
  const { inner } = below("shared", 0o711, 0o755);
  writeFileSync(path.join(inner, "letter"), "");
  assert.equal(letThrough(user, [inner], assert.fail), undefined);
});

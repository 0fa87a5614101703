import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { makeFolder } from "./folders.ts";
import { isRoot } from "./root.ts";

const base = mkdtempSync(path.join(tmpdir(), "holdfast-folders-"));
after(() => rmSync(base, { recursive: true, force: true }));

const user = isRoot() ? { uid: 65_527, gid: 65_527 } : undefined;
const modeOf = (folder: string): string => (statSync(folder).mode & 0o777).toString(8);
const ownerOf = (folder: string): number => statSync(folder).uid;

function folderWith(name: string, mode: number, ...files: string[]): string {
  const folder = path.join(base, name);
  mkdirSync(folder);
  for (const file of files) writeFileSync(path.join(folder, file), "");
  chmodSync(folder, mode);
  return folder;
}

test("a folder is made with its mode, those above it let others pass, and only it changes hands", () => {
  const folder = path.join(base, "srv", "holdfast", "data");
  makeFolder(folder, 0o700, user);
  assert.deepEqual([modeOf(folder), modeOf(path.dirname(folder))], ["700", "711"]);
  assert.deepEqual(
    [ownerOf(folder), ownerOf(path.dirname(folder))],
    [user?.uid ?? process.getuid?.(), process.getuid?.()],
  );
});

test("an empty folder, and one with nothing but the platform's things in it, are the platform's", () => {
  for (const files of [[], ["keyring.sqlite", "keyring.sqlite-wal", "kek", "ready.json"], ["postgres", "ca.pem"]]) {
    const folder = folderWith(`ours-${files.length}`, 0o755, ...files);
    makeFolder(folder, 0o700, user);
    assert.equal(modeOf(folder), "700");
    if (user) assert.equal(ownerOf(folder), user.uid);
  }
});

test("a folder that others use stays as it is", () => {
  const folder = folderWith("shared", 0o755, "somebody's letter");
  makeFolder(folder, 0o700, user);
  assert.deepEqual([modeOf(folder), ownerOf(folder)], ["755", process.getuid?.()]);
});

test(
  "a private folder with other things in it is shared with the user that the platform runs as",
  { skip: !user },
  () => {
    const folder = folderWith("private", 0o700, "start.log");
    makeFolder(folder, 0o711, user);
    assert.deepEqual([modeOf(folder), ownerOf(folder)], ["710", user?.uid]);
  },
);

test("a link is not followed", () => {
  const target = folderWith("target", 0o755);
  const link = path.join(base, "link");
  symlinkSync(target, link);
  assert.throws(() => makeFolder(link, 0o700, user), { syscall: "open" });
  assert.deepEqual([modeOf(target), ownerOf(target), readlinkSync(link)], ["755", process.getuid?.(), target]);
});

import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { closedOr, within } from "./closed.ts";
import { makeFolder } from "./folders.ts";
import { isRoot } from "./root.ts";

const base = mkdtempSync(path.join(tmpdir(), "holdfast-closed-"));
after(() => rmSync(base, { recursive: true, force: true }));
chmodSync(base, 0o755);
const at = (...names: string[]): string => path.join(base, ...names);

/** Root is kept out of nothing. */
function asOrdinaryUser(work: () => void): void {
  if (!isRoot()) return work();
  process.seteuid?.(65_531);
  try {
    work();
  } finally {
    process.seteuid?.(0);
  }
}

const says = (work: () => unknown, message: RegExp) =>
  assert.throws(() => within("--data", work), { code: "folder.closed", message });

test("a folder of somebody else is named with its owner, and what to do", { skip: !isRoot() }, () => {
  mkdirSync(at("roots", "keys"), { recursive: true });
  chmodSync(at("roots"), 0o700);
  const message = new RegExp(
    `${at("roots", "keys", "ready.json")}: ${at("roots")} belongs to root \\(permissions 700\\): start as root, or name another place with --data\\.$`,
  );
  asOrdinaryUser(() => says(() => readFileSync(at("roots", "keys", "ready.json")), message));
  asOrdinaryUser(() =>
    says(() => makeFolder(at("new"), 0o700, undefined), /closed-\w+ belongs to root \(permissions 755\)/),
  );
});

test("a folder of one's own that is closed is to be opened", () => {
  const open = at("open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  asOrdinaryUser(() => {
    mkdirSync(at("open", "own"), { mode: 0o000 });
    says(() => readdirSync(at("open", "own")), /own is yours, and its permissions \(000\) keep you out: chmod u\+rwx/);
    chmodSync(at("open", "own"), 0o700); // or nobody but root could remove it
  });
});

test("files for folders, folders for files, links and what is missing are told apart", () => {
  writeFileSync(at("file"), "");
  mkdirSync(at("empty"));
  symlinkSync(at("empty"), at("link"));
  says(() => makeFolder(at("file", "data"), 0o700, undefined), /\/file is no folder/);
  says(() => makeFolder(at("link"), 0o700, undefined), /\/link is no folder, or is a link to one/);
  says(() => rmSync(base, { force: true }), /closed-\w+ is a folder, and a file is wanted/);
  says(
    () => writeFileSync(at("none", "b"), ""),
    /There is no folder .*none: make it, or name another place with --data/,
  );
});

test("what is about no place is nobody's folder", () => {
  const error = new Error("another");
  assert.equal(closedOr(error, "--data"), error);
});

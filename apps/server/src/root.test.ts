import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { closedTo, isRoot, leaveRoot } from "./root.ts";

const base = mkdtempSync(path.join(tmpdir(), "holdfast-root-"));
after(() => rmSync(base, { recursive: true, force: true }));
chmodSync(base, 0o711);
const user = { uid: 65_527, gid: 65_527 };
const onlyRoot = { skip: !isRoot() };

/** A folder of that user's, and a file in it, below another one. */
function folderOfUser(name: string, above: number): { folder: string; file: string } {
  const folder = path.join(base, name, "data");
  mkdirSync(folder, { recursive: true });
  chmodSync(path.dirname(folder), above);
  const file = path.join(folder, "key.pem");
  writeFileSync(file, "", { mode: 0o600 });
  chownSync(folder, user.uid, user.gid);
  return { folder, file };
}

test("what a user may do with a path is found by trying, the folders above it counted", onlyRoot, () => {
  const open = folderOfUser("open", 0o711);
  assert.equal(closedTo(user, [{ path: open.folder, to: "change" }]), undefined);
  assert.equal(closedTo(user, [{ path: base, to: "change" }]), base);
  assert.equal(
    closedTo(user, [
      { path: open.folder, to: "change" },
      { path: open.file, to: "read" },
    ]),
    open.file,
  );
  const closed = folderOfUser("closed", 0o700);
  assert.equal(
    closedTo(user, [
      { path: open.folder, to: "change" },
      { path: closed.folder, to: "change" },
    ]),
    closed.folder,
  );
});

/** Gives root up in a process of its own; answers what it told, and what it is afterwards. */
function leave(needs: { user?: typeof user; folders: string[]; files: string[]; allowRoot?: boolean }) {
  const { folders, allowRoot = false, ...more } = needs;
  const given = { ...more, allowRoot, places: folders.map((path) => ({ path, to: "change" })) };
  const program = `
    const { leaveRoot } = await import(${JSON.stringify(import.meta.resolve("./root.ts"))});
    const told = [];
    const tell = (sentence) => told.push(sentence);
    let became = null;
    try {
      became = leaveRoot({ ...${JSON.stringify(given)}, info: tell, warn: tell }) ?? null;
    } catch ({ code, message }) {
      told.push(code + ": " + message);
    }
    const { readFileSync, readdirSync } = await import("node:fs");
    const threads = readdirSync("/proc/self/task").map((id) => readFileSync("/proc/self/task/" + id + "/status", "utf8"));
    console.log(JSON.stringify({ told, became, threads }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.equal(stderr, "");
  return JSON.parse(stdout) as { told: string[]; became: typeof user | null; threads: string[] };
}

test("root is given up by every thread, with its groups and powers, and cannot be had again", onlyRoot, () => {
  const { folder } = folderOfUser("given-up", 0o711);
  const { told, became, threads } = leave({ user, folders: [folder], files: [] });
  assert.deepEqual(became, user);
  assert.match(told.join("\n"), /^Root was given up: the platform runs as user 65527\.$/);
  for (const status of threads) {
    assert.match(status, /^Uid:\t65527\t65527\t65527\t65527$/m);
    assert.match(status, /^Gid:\t65527\t65527\t65527\t65527$/m);
    assert.match(status, /^Groups:\s*$/m);
    assert.match(status, /^CapPrm:\t0+$/m);
  }
});

test(
  "where nobody else can work, the platform stays root only if that is allowed, and says what to do",
  onlyRoot,
  () => {
    const { folder } = folderOfUser("stays", 0o700);
    const because = "as root: no other user can work in .*stays/data\\. Choose a --data .*ordinary user\\.$";
    for (const who of [{ user }, {}]) {
      const allowed = leave({ ...who, folders: [folder], files: [], allowRoot: true });
      assert.equal(allowed.became, null);
      assert.match(allowed.told.join("\n"), new RegExp(`^The platform goes on ${because}`));
      const refused = leave({ ...who, folders: [folder], files: [] });
      assert.match(refused.told.join("\n"), new RegExp(`^folder\\.closed: .*would go on ${because}`));
    }
  },
);

test("a key that the new user may not read is no reason to stay root, but is told", onlyRoot, () => {
  const { folder, file } = folderOfUser("key", 0o711);
  const { told, became } = leave({ user, folders: [folder], files: [file] });
  assert.deepEqual(became, user);
  assert.match(told[1] ?? "", /User 65527 may not read .*key\.pem, so a renewed certificate will not be taken up/);
});

test("an ordinary user has nothing to give up, and is told nothing", { skip: isRoot() }, () => {
  const tell = (sentence: string) => assert.fail(sentence);
  assert.equal(leaveRoot({ user, places: [], files: [], allowRoot: false, info: tell, warn: tell }), undefined);
});

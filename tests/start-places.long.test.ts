import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { base, isRoot, refused, Server, stopped } from "./server.fixture.ts";

// Made once, and met in many states.
const data = path.join(base, "data");
before(async () => {
  const server = new Server(["--data", data]);
  await server.ready(path.join(data, "keys", "ready.json"));
  await stopped(server);
});

test("a place that the system closes is named, with the option that named it and what to do", async () => {
  const file = path.join(base, "file");
  writeFileSync(file, "");
  const cases: [readonly string[], RegExp][] = [
    [["--data", file], /\/file is no folder.*--data/],
    [["--data", data, "--keys", path.join(file, "keys")], /\/file is no folder.*--keys/],
    [["--data", data, "--ready-file", base], /is a folder, and a file is wanted: .*--ready-file/],
  ];
  for (const [args, message] of cases) {
    const closed = await refused(args);
    assert.deepEqual([closed.exit, closed.code], [1, "folder.closed"]);
    assert.match(closed.message, message);
  }
});

const stranger = 65_531;
const strangerCan = spawnSync(process.execPath, ["--version"], { cwd: "/", uid: stranger, gid: stranger }).status === 0;

test(
  "somebody else's data, and one's own that are closed, are told with their owner",
  { skip: !isRoot || !strangerCan },
  async () => {
    const owner = statSync(data).uid;
    const foreign = await refused(["--data", data], { uid: stranger });
    assert.deepEqual([foreign.exit, foreign.code], [1, "folder.closed"]);
    assert.match(
      foreign.message,
      new RegExp(`belongs to user ${owner} .*start as user ${owner}, or as root, or name .*--data`),
    );

    const mine = path.join(base, "mine");
    mkdirSync(path.join(mine, "postgres", "cluster"), { recursive: true });
    mkdirSync(path.join(mine, "keys"));
    for (const name of ["", "keys", "postgres", "postgres/cluster"])
      chownSync(path.join(mine, name), stranger, stranger);
    for (const name of ["keys", "postgres"]) {
      chmodSync(path.join(mine, name), 0o000);
      const closed = await refused(["--data", mine], { uid: stranger });
      assert.deepEqual([closed.exit, closed.code], [1, "folder.closed"]);
      assert.match(closed.message, new RegExp(`mine/${name} is yours, and its permissions \\(000\\) keep you out`));
      chmodSync(path.join(mine, name), 0o700);
    }
  },
);

test("a keyring that is damaged is not taken for one that is lost", async () => {
  const [kept, broken] = [path.join(data, "keys", "keyring.sqlite"), path.join(base, "broken")];
  renameSync(kept, broken);
  writeFileSync(kept, Buffer.alloc(8192, "x"), { mode: 0o600 });
  const damaged = await refused(["--data", data]);
  assert.deepEqual([damaged.exit, damaged.code], [1, "keyring.unreachable"]);
  assert.match(damaged.message, /is damaged.*data\/keys\/keyring\.sqlite/);
  rmSync(kept);
  const lost = await refused(["--data", data]);
  assert.deepEqual([lost.exit, lost.code], [1, "keyring.wrong"]);
  assert.match(lost.message, new RegExp(`npx holdfast keys restore --data ${data} --in FILE brings them back`));
  renameSync(broken, kept);
});

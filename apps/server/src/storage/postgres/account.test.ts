import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { privateUid } from "./account.ts";
import {
  asRoot,
  clusterOf,
  end,
  folderNamed,
  isReady,
  postmasterOf,
  processesOn,
  query,
  spawnServer,
  start,
} from "./fixture.ts";
import { systemUser } from "./index.ts";
import { findPackage } from "./program.ts";

/** Why the tests below cannot run here; false when they can. */
const notRoot = !asRoot && "only root can become somebody else";
const nodeIsClosed = (uid: number) =>
  spawnSync(process.execPath, ["--version"], { cwd: "/", uid, gid: uid, stdio: "ignore" }).status !== 0 ||
  spawnSync("test", ["-r", findPackage().native, "-a", "-r", import.meta.filename], { cwd: "/", uid, gid: uid })
    .status !== 0;

for (const [who, uid] of [
  ["an ordinary user", 65_534],
  ["a user without an entry in /etc/passwd", 65_531],
] as const) {
  test(`${who} starts, restarts and stops it`, { skip: notRoot }, async (t) => {
    if (nodeIsClosed(uid)) return t.skip("other users cannot read Node or this folder here");
    if (uid === 65_531 && !hasNamespaces(uid)) return t.skip("this system gives ordinary users no namespaces");
    const folder = folderNamed(`of-${uid}`);
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, uid, uid);
    for (const _ of ["first", "second"]) {
      const server = spawnServer(t, path.join(folder, "postgres"), { uid });
      const { owner, runAs } = await server.until(isReady);
      assert.equal(runAs, null);
      assert.equal(statSync(clusterOf(path.join(folder, "postgres"))).uid, uid);
      assert.ok(owner);
      assert.deepEqual(await query({ owner }, "select current_user"), [["holdfast_owner"]]);
      await end(server);
      assert.deepEqual(processesOn(path.join(folder, "postgres")), []);
    }
    // Root, later, stays that user for these data.
    assert.deepEqual(systemUser(path.join(folder, "postgres")), { uid, gid: uid });
  });
}

function hasNamespaces(uid?: number): boolean {
  const args = ["--user", "--map-user=65534", "--map-group=65534", "--", "true"];
  return spawnSync("unshare", args, { cwd: "/", ...(uid === undefined ? {} : { uid, gid: uid }) }).status === 0;
}

test("root's data below a folder closed to all others work too, in a namespace", { skip: notRoot }, async (t) => {
  if (!hasNamespaces()) return t.skip("this system has no user namespaces");
  const closed = folderNamed("closed");
  mkdirSync(closed, { mode: 0o700 });
  const folder = path.join(closed, "postgres");
  const postgres = await start(t, folder);
  assert.equal(postgres.runAs, undefined);
  assert.equal(statSync(clusterOf(folder)).uid, 0);
  await query(postgres, "create table kept as select 1 as n");
  process.kill(postmasterOf(folder), "SIGKILL");
  await postgres.up;
  await postgres.stop();

  // Once the way is open, the database gets its own user, and its files with it.
  chmodSync(closed, 0o755);
  const open = await start(t, folder);
  assert.deepEqual(open.runAs, { uid: privateUid, gid: privateUid });
  assert.deepEqual(await query(open, "select n from kept"), [[1]]);
  await open.stop();
  assert.deepEqual(processesOn(folder), []);
});

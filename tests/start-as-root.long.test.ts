import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { newKeyAndRequest } from "@holdfast/client";
import { Visitor } from "../apps/server/src/testing/index.ts";
import { Tree } from "../tools/mutants/run.ts";
import { base, isLinux, isRoot, refused, Server, statusOf, stopped } from "./server.fixture.ts";

const onlyRoot = { skip: !isRoot || !isLinux };
const ready = (data: string): string => path.join(data, "keys", "ready.json");

/** Starts there; answers as whom it runs. */
async function runsAs(data: string): Promise<number> {
  const server = new Server(["--data", data]);
  const { pid } = await server.ready(ready(data));
  const [, uid] = /^Uid:\t(\d+)\t\1\t\1\t\1$/m.exec(statusOf(pid)) ?? [];
  await stopped(server);
  return Number(uid);
}

const ownersIn = (data: string): Set<number> =>
  new Set(
    ["", "keys", "keys/keyring.sqlite", "postgres", "postgres/cluster", "ca.pem"].map(
      (name) => statSync(path.join(data, name)).uid,
    ),
  );

test("root's own folder lets the working user pass, so that root is given up there too", onlyRoot, async () => {
  const own = path.join(base, "own");
  mkdirSync(own, { mode: 0o700 });
  const data = path.join(own, "data");
  const uid = await runsAs(data);
  assert.notEqual(uid, 0);
  assert.deepEqual([statSync(own).uid, statSync(own).gid, statSync(own).mode & 0o777], [0, uid, 0o710]);
  assert.deepEqual(ownersIn(data), new Set([uid]));
});

// Whoever is in /etc/passwd: initdb asks for an entry.
const [, uid = 0, gid = 0] = (/^daemon:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8")) ?? []).map(
  Number,
);

test("in somebody's home the platform is that person", { skip: onlyRoot.skip || uid === 0 }, async () => {
  const home = path.join(base, "home");
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, uid, gid);
  const data = path.join(home, "clone", "data");
  assert.equal(await runsAs(data), uid);
  assert.deepEqual(ownersIn(data), new Set([uid]));
});

test("a folder with other things in it stays root's, and root is given up all the same", onlyRoot, async () => {
  const data = path.join(base, "with-letters");
  mkdirSync(data);
  chmodSync(data, 0o755);
  writeFileSync(path.join(data, "letter"), "");
  const uid = await runsAs(data);
  assert.notEqual(uid, 0);
  assert.equal(statSync(data).uid, 0);
  assert.match(readFileSync(path.join(data, "ca.pem"), "utf8"), /BEGIN CERTIFICATE/);
});

test("a program that the working user may not read has read what it needs later", onlyRoot, async (t) => {
  const tree = new Tree();
  t.after(() => tree.remove());
  assert.equal(statSync(tree.folder).mode & 0o777, 0o700);
  const data = path.join(base, "read-before");
  const program = [process.execPath, path.join(tree.folder, "apps/server/src/main.ts")];
  const server = new Server(["--data", data], { program });
  const { pid, url, caFile, setupLink } = await server.ready(ready(data));
  assert.doesNotMatch(statusOf(pid), /^Uid:\t0\t/m);
  const stranger = new Visitor(url, readFileSync(caFile, "utf8"));
  t.after(() => stranger.close());
  const secret = setupLink?.split("#setup=")[1];
  const person = { email: "owner@example.com", password: "nine green herons at dawn", org: "Works" };
  const owner = stranger.as((await stranger.post<{ token: string }>("/v1/setup", { secret, ...person })).token);
  const application = await owner.post<{ id: string }>("/v1/applications", { name: "Hall" });
  const device = await owner.post<{ id: string; key: { id: string; secret: string } }>("/v1/devices", {
    name: "One",
    application: application.id,
  });
  const { csr } = await newKeyAndRequest();
  const asked = await owner.send("POST", `/v1/devices/${device.id}/certificates`, { body: { csr } });
  assert.equal(asked.status, 201, asked.text);
  const readings = [{ time: Date.now(), values: { level: 7 } }];
  const sent = await stranger
    .as(`${device.key.id}.${device.key.secret}`)
    .send("POST", "/v1/me/telemetry", { body: readings });
  assert.equal(sent.status, 200, sent.text);
  const wanted = { from: 0, format: "parquet", devices: [device.id] };
  const { status, text } = await owner.send("POST", "/v1/telemetry/export", { body: wanted });
  assert.deepEqual([status, text.slice(0, 4), text.slice(-4)], [200, "PAR1", "PAR1"], text);
  await stopped(server);
});

const closed = path.join(base, "closed");
const inClosed = path.join(closed, "data");

test("where no other user can come, root is refused before anything changes hands", onlyRoot, async () => {
  mkdirSync(closed);
  chownSync(closed, 0, 4);
  chmodSync(closed, 0o750);
  const { exit, code, message } = await refused(["--data", inClosed]);
  assert.deepEqual([exit, code], [1, "folder.closed"]);
  assert.match(message, /cannot pass through .*closed \(of user 0 and group 4, permissions 750\)\. .*--allow-root\.$/);
  assert.equal(existsSync(inClosed), false);
});

const mayHaveNamespaces = isRoot && spawnSync("unshare", ["--user", "true"]).status === 0;

test(
  "where that is allowed it goes on as root, says so, and everything is root's",
  { skip: !mayHaveNamespaces },
  async () => {
    const server = new Server(["--data", inClosed, "--allow-root"]);
    const { pid } = await server.ready(ready(inClosed));
    assert.match(statusOf(pid), /^Uid:\t0\t0\t0\t0$/m);
    assert.match(server.err, /goes on as root: no other user can work in .*closed\/data\. Choose a --data/);
    server.child.kill("SIGTERM");
    assert.equal((await server.ended).code, 0);
    assert.deepEqual(ownersIn(inClosed), new Set([0]));
  },
);

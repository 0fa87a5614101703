import assert from "node:assert/strict";
import { existsSync, lstatSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { privateUid } from "./account.ts";
import {
  asRoot,
  clusterOf,
  folderNamed,
  isReady,
  kill,
  password,
  postmasterOf,
  processesOn,
  query,
  spawnServer,
  start,
} from "./fixture.ts";
import { startPostgres } from "./index.ts";
import { eventually, namesCluster, runsOn } from "./process.ts";

test("a start that is given up leaves nothing running and nothing half-made", async () => {
  const folder = folderNamed("given-up");
  const giveUp = new AbortController();
  const starting = startPostgres({
    folder,
    password,
    signal: giveUp.signal,
    report: () => setImmediate(() => giveUp.abort()),
  });
  await assert.rejects(starting, { name: "AbortError" });
  assert.deepEqual(
    readdirSync(folder).filter((name) => !name.startsWith("program-")),
    [],
  );
});

test("a stop in the moment after PostgreSQL was killed leaves no process either", async (t) => {
  const folder = folderNamed("given-up");
  const postgres = await start(t, folder);
  process.kill(postmasterOf(folder), "SIGKILL");
  await postgres.stop();
  assert.deepEqual(processesOn(folder), []);
});

// So long that a socket beside the data would have too long a path: its folder is elsewhere.
const killable = folderNamed(`killed-${"long-".repeat(20)}`);

test("a server killed in the middle of its first start loses nothing; two that start then share one database", async (t) => {
  const victim = spawnServer(t, killable);
  await victim.until((said) => said.message?.startsWith("Making") ?? false);
  const halfMade = path.join(killable, `first-start-${victim.child.pid}`, "cluster", "PG_VERSION");
  assert.ok(await eventually(() => existsSync(halfMade), 20_000));
  await kill(victim.child);
  assert.ok(!existsSync(clusterOf(killable)));

  const other = spawnServer(t, killable);
  const [postgres, said] = await Promise.all([start(t, killable), other.until(isReady)]);
  assert.deepEqual(said.owner, { ...postgres.owner });
  assert.ok(Buffer.byteLength(path.join(postgres.owner.host, ".s.PGSQL.5432")) <= 107);
  assert.equal(lstatSync(postgres.owner.host).mode & 0o777, 0o700);
  assert.deepEqual(
    readdirSync(killable).filter((name) => name.startsWith("first-start")),
    [],
  );
  await query(postgres, "create table kept as select 1 as n");
  await kill(other.child);
  await postgres.stop();
  assert.deepEqual(processesOn(killable), []);
  assert.ok(!existsSync(postgres.owner.host), "the folder of the socket went with it");
});

test("a server that gave root up restarts PostgreSQL; when it is killed, the next one takes PostgreSQL over", async (t) => {
  const victim = spawnServer(t, killable, { mode: "gives-root-up" });
  const { uid, owner } = await victim.until(isReady);
  assert.equal(uid, asRoot ? privateUid : process.getuid?.());
  process.kill(postmasterOf(killable), "SIGKILL");
  await victim.until((said) => said.state === "up");
  await kill(victim.child);
  const pid = postmasterOf(killable);
  assert.ok(runsOn(clusterOf(killable), pid) && namesCluster(clusterOf(killable), pid));
  assert.ok(!runsOn(folderNamed(""), pid) && !namesCluster(folderNamed("killed"), pid));

  const postgres = await start(t, killable);
  assert.equal(postmasterOf(killable), pid);
  assert.deepEqual({ ...postgres.owner }, owner);
  // It is watched, although it is not our child.
  process.kill(pid, "SIGKILL");
  await postgres.up;
  assert.deepEqual(await query(postgres, "select n from kept"), [[1]]);

  // And taken over again only if it answers.
  postgres.release();
  const stuck = postmasterOf(killable);
  process.kill(stuck, "SIGSTOP");
  const next = await start(t, killable, { patienceMs: 100 });
  assert.notEqual(postmasterOf(killable), stuck);
  assert.deepEqual(await query(next, "select n from kept"), [[1]]);
  await next.stop();
  assert.deepEqual(processesOn(killable), []);
  assert.ok(!existsSync(next.owner.host));
});

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { About } from "@holdfast/kernel";
import pg from "pg";
import { privateUid } from "./account.ts";
import { asRoot, clusterOf, folderNamed, password, postmasterOf, processesOn, query, start } from "./fixture.ts";
import { dataVersion, startPostgres, systemUser } from "./index.ts";
import { orphansOn } from "./process.ts";
import { settings } from "./settings.ts";

const main = folderNamed("it's data"); // a quote and a space must do no harm

test("a first start makes a private, durable, checksummed database that only its password opens", async (t) => {
  assert.equal(dataVersion(main), undefined);
  const postgres = await start(t, main);
  assert.deepEqual(postgres.messages, ["Making the database. This happens once."]);
  assert.equal(dataVersion(main), 18);
  assert.deepEqual(await query(postgres, "select current_user, pg_is_in_recovery()"), [["holdfast_owner", false]]);

  for (const [name, value] of Object.entries({
    ...settings(),
    data_checksums: "on",
    server_encoding: "UTF8",
    max_parallel_workers: "8",
  })) {
    const [[shown] = []] = await query(postgres, `show ${name}`);
    if (value.endsWith("MB")) continue; // shown in another unit
    assert.equal(shown, name === "log_min_duration_statement" ? "-1" : value, name);
  }
  const locales = await query(postgres, "select distinct datlocprovider, datlocale from pg_database");
  assert.deepEqual(locales, [["b", "C.UTF-8"]]);
  assert.deepEqual(
    await query(
      postgres,
      "select type, auth_method from pg_hba_file_rules where auth_method not in ('scram-sha-256', 'reject')",
    ),
    [],
  );
  await query(postgres, "create table kept as select 1 as n");

  // A session of its own, which Ctrl-C in ours does not reach; and nothing of our environment.
  const pid = postmasterOf(main);
  assert.equal(Number(execFileSync("ps", ["-o", "sess=", "-p", String(pid)], { encoding: "utf8" })), pid);
  if (existsSync(`/proc/${pid}/environ`)) {
    const names = readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .map((line) => line.split("=")[0]);
    assert.deepEqual(
      names.filter((name) => !["PATH", "LC_ALL", "TZ", ""].includes(name ?? "")),
      [],
    );
  }

  const owner = asRoot ? privateUid : process.getuid?.();
  for (const name of ["", "cluster", "socket"]) assert.equal(statSync(path.join(main, name)).mode & 0o777, 0o700, name);
  assert.equal(statSync(path.join(main, "postgres.log")).mode & 0o777, 0o600);
  assert.equal(statSync(clusterOf(main)).uid, owner);
  assert.deepEqual(postgres.runAs?.uid, asRoot ? privateUid : undefined);
  assert.deepEqual(systemUser(main)?.uid, asRoot ? privateUid : undefined);
  assert.deepEqual(
    readdirSync(main).filter((name) => name.startsWith("first-start")),
    [],
  );
  await assert.rejects(query({ owner: { ...postgres.owner, password: "00" } }, "select 1"), { code: "28P01" });

  await postgres.stop();
  assert.deepEqual(processesOn(main), []);
});

test("a second start finds the data, and stopping twice is as good as once", async (t) => {
  const postgres = await start(t, main);
  assert.deepEqual(postgres.messages, []);
  assert.deepEqual(await query(postgres, "select n from kept"), [[1]]);
  await Promise.all([postgres.stop(), postgres.stop()]);
  assert.deepEqual(processesOn(main), []);
});

test("no value of a statement gets into PostgreSQL's log, whatever fails", async (t) => {
  const postgres = await start(t, main);
  const secret = "planted 739205118846203";
  await query(postgres, "create table if not exists once (id text primary key check (length(id) < 100))");
  const client = new pg.Client(postgres.owner);
  await client.connect();
  await client.query("insert into once values ($1)", [secret]);
  await assert.rejects(client.query("insert into once values ($1)", [secret]), { code: "23505" });
  await assert.rejects(client.query("insert into once values ($1)", [secret.repeat(9)]), { code: "23514" });
  await assert.rejects(client.query("select $1::text::integer", [secret]), { code: "22P02" });
  await assert.rejects(client.query(`select '${secret}'::uuid`), { code: "22P02" });
  await assert.rejects(client.query(`do $$ begin raise exception '${secret}'; end $$`), { code: "P0001" });
  await client.end();
  const log = readFileSync(path.join(main, "postgres.log"), "utf8");
  assert.ok(log.includes("ready to accept connections"));
  assert.ok(!log.includes("739205118846203"));
});

test("PostgreSQL that is killed comes back with everything it had acknowledged", async (t) => {
  const postgres = await start(t, main);
  await query(postgres, "create table acknowledged as select generate_series(1, 1000) as n");
  const killed = postmasterOf(main);
  process.kill(killed, "SIGKILL");
  await postgres.up;
  assert.deepEqual(postgres.states, ["down", "up"]);
  assert.notEqual(postmasterOf(main), killed);
  assert.deepEqual(orphansOn(clusterOf(main)), []);
  assert.deepEqual(await query(postgres, "select count(*)::int from acknowledged"), [[1000]]);
  await postgres.stop();
  assert.deepEqual(processesOn(main), []);
});

test("a restart that the system refuses is told without the system's own words, and tried again", async (t) => {
  const told = Promise.withResolvers<[string, About]>();
  const up = Promise.withResolvers<void>();
  const postgres = await startPostgres({
    folder: main,
    password,
    report: (message, about = {}) => about.level === "error" && told.resolve([message, about]),
    changed: (state) => state === "up" && up.resolve(),
  });
  t.after(() => postgres.stop());
  const program = path.join(main, readdirSync(main).find((name) => name.startsWith("program-")) ?? "", "bin/postgres");
  renameSync(program, `${program}.away`);
  process.kill(postmasterOf(main), "SIGKILL");
  const [message, { fault }] = await told.promise;
  assert.equal(message, "The database could not be started again.");
  assert.ok(fault instanceof Error && fault.message.includes("ENOENT"));
  renameSync(`${program}.away`, program);
  await up.promise;
});

test("a second server on the same data shares PostgreSQL, and lets go without ending it", async (t) => {
  const first = await start(t, main);
  const pid = postmasterOf(main);
  const second = await start(t, main);
  assert.deepEqual(second.owner, first.owner);
  assert.equal(postmasterOf(main), pid);
  second.release();
  await second.stop();
  assert.deepEqual(await query(first, "select n from kept"), [[1]]);
  await first.stop();
  assert.deepEqual(second.states, []);
});

test("a dead PostgreSQL's number that went to another program leaves that program alone", async (t) => {
  const { uid, gid } = statSync(clusterOf(main));
  // As the database's user: else PostgreSQL itself would see that it is no other PostgreSQL.
  const bystander = spawn("sleep", ["60"], { stdio: "ignore", ...(asRoot ? { uid, gid } : {}) });
  t.after(() => bystander.kill("SIGKILL"));
  await once(bystander, "spawn");
  const socket = path.join(main, "socket");
  const pidFile = path.join(clusterOf(main), "postmaster.pid");
  writeFileSync(pidFile, `${bystander.pid}\n${clusterOf(main)}\n1\n5432\n${socket}\n\n\n`);
  writeFileSync(path.join(socket, ".s.PGSQL.5432.lock"), `${bystander.pid}\n${clusterOf(main)}\n1\n5432\n${socket}\n`);
  if (asRoot) for (const file of [pidFile, path.join(socket, ".s.PGSQL.5432.lock")]) chownSync(file, uid, gid);
  const postgres = await start(t, main);
  assert.notEqual(postmasterOf(main), bystander.pid);
  assert.deepEqual([bystander.exitCode, bystander.signalCode], [null, null]);
  await postgres.stop();
});

test("a start that cannot succeed says why, in PostgreSQL's own words, and leaves nothing running", async () => {
  const control = path.join(clusterOf(main), "global", "pg_control");
  renameSync(control, `${control}.away`);
  const failing = startPostgres({ folder: main, password, report: () => undefined });
  await assert.rejects(failing, { code: "storage.broken", message: /It said: .*pg_control/ });
  renameSync(`${control}.away`, control);
  assert.deepEqual(processesOn(main), []);
});

test("keys that do not belong to the data are told so", async () => {
  const failing = startPostgres({ folder: main, password: "00".repeat(32), report: () => undefined });
  await assert.rejects(failing, { code: "keyring.wrong" });
  assert.deepEqual(processesOn(main), []);
});

test("data of another version of PostgreSQL are refused, and left as they are", async () => {
  const file = path.join(clusterOf(main), "PG_VERSION");
  const starting = () => startPostgres({ folder: main, password, report: () => undefined });
  try {
    writeFileSync(file, "19\n");
    assert.equal(dataVersion(main), 19);
    await assert.rejects(starting, { code: "storage.newer" });
    writeFileSync(file, "17\n");
    await assert.rejects(starting, { code: "storage.broken", message: /PostgreSQL 17/ });
    writeFileSync(file, "rubbish");
    await assert.rejects(starting, { code: "storage.broken" });
  } finally {
    writeFileSync(file, "18\n");
  }
});

test("a folder in which PostgreSQL cannot work is refused", async () => {
  const folder = folderNamed("a$(b)");
  await assert.rejects(startPostgres({ folder, password, report: () => undefined }), { code: "config.malformed" });
});

test("memory follows the machine, within bounds", () => {
  const cacheAt = (megabytes: number) => settings({ memoryBytes: megabytes * 2 ** 20 })["shared_buffers"];
  assert.deepEqual([128, 1024, 2048, 65_536].map(cacheAt), ["32MB", "64MB", "128MB", "256MB"]);
});

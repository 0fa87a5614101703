import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { on, once } from "node:events";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, test, type TestContext } from "node:test";
import pg from "pg";
import { privateUid } from "./account.ts";
import { dataVersion, type EmbeddedPostgres, startPostgres, systemUser } from "./index.ts";
import { openLog, readLog } from "./log.ts";
import { eventually, namesCluster, orphansOn, readPidFile, runsOn } from "./process.ts";
import { findPackage, makeProgram } from "./program.ts";
import { settings } from "./settings.ts";

const password = "5e".repeat(32);
const asRoot = process.getuid?.() === 0;

// Real, because PostgreSQL is known by the real path of its data; open, because as root it runs as somebody else.
const base = realpathSync(mkdtempSync(path.join(tmpdir(), "holdfast-postgres-")));
chmodSync(base, 0o755);
after(() => rmSync(base, { recursive: true, force: true }));

const folderNamed = (name: string) => path.join(base, name);
const clusterOf = (folder: string) => path.join(folder, "cluster");

/** Whatever of PostgreSQL works in that folder, on systems that let us see it. */
function processesOn(folder: string): number[] {
  if (!existsSync("/proc/self/cwd")) return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && runsOn(clusterOf(folder), pid));
}

function postmasterOf(folder: string): number {
  const found = readPidFile(clusterOf(folder));
  assert.ok(found && found !== "unreadable");
  return found.pid;
}

async function query(postgres: { owner: pg.ClientConfig }, text: string): Promise<unknown[][]> {
  const client = new pg.Client({ ...postgres.owner, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const { rows } = await client.query({ text, rowMode: "array" });
    return rows;
  } finally {
    await client.end();
  }
}

type Told = { readonly messages: string[]; readonly states: string[]; readonly up: Promise<void> };

async function start(
  t: TestContext,
  folder: string,
  options: { patienceMs?: number } = {},
): Promise<EmbeddedPostgres & Told> {
  const messages: string[] = [];
  const states: string[] = [];
  const { promise: up, resolve } = Promise.withResolvers<void>();
  const changed = (state: "down" | "up") => {
    states.push(state);
    if (state === "up") resolve();
  };
  const report = (message: string) => void messages.push(message);
  const postgres = await startPostgres({ folder, password, report, changed, ...options });
  t.after(() => postgres.stop());
  return { ...postgres, messages, states, up };
}

/** A server of its own: a Node process that starts PostgreSQL, says so, and does what its input says. */
const serverProgram = `
const { startPostgres } = await import(${JSON.stringify(import.meta.resolve("./index.ts"))});
const say = (what) => console.log(JSON.stringify(what));
const report = (message) => say({ message });
const changed = (state) => say({ state });
try {
  const postgres = await startPostgres({ folder: process.argv[1], password: "${password}", report, changed });
  if (process.argv[2] === "gives-root-up" && postgres.runAs) {
    process.setgroups([]);
    process.setgid(postgres.runAs.gid);
    process.setuid(postgres.runAs.uid);
  }
  process.stdin.once("data", () => postgres.stop().then(() => process.exit(0)));
  say({ ready: true, runAs: postgres.runAs ?? null, owner: postgres.owner, uid: process.getuid() });
} catch (cause) {
  say({ failed: cause.message });
  process.exit(1);
}
`;

type Said = {
  message?: string;
  state?: string;
  failed?: string;
  ready?: boolean;
  uid?: number;
  runAs?: { uid: number } | null;
  owner?: pg.ClientConfig;
};

type Server = { readonly child: ChildProcess; until(found: (said: Said) => boolean): Promise<Said> };

function spawnServer(t: TestContext, folder: string, options: { mode?: string; uid?: number } = {}): Server {
  const args = ["--input-type=module", "-e", serverProgram, folder, options.mode ?? ""];
  const account = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"], cwd: "/", ...account });
  t.after(() => child.kill("SIGKILL"));
  const lines = on(createInterface({ input: child.stdout }), "line", { close: ["close"] });
  const until = async (found: (said: Said) => boolean) => {
    for (;;) {
      const { value, done } = await lines.next();
      assert.ok(!done, "the server ended first");
      // What serverProgram prints.
      const said = JSON.parse(String(value[0])) as Said;
      assert.equal(said.failed, undefined);
      if (found(said)) return said;
    }
  };
  return { child, until };
}

const isReady = (said: Said) => said.ready === true;

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function end({ child }: Server): Promise<void> {
  const gone = once(child, "exit");
  child.stdin?.write("stop\n");
  assert.deepEqual(await gone, [0, null]);
}

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

// So long that a socket beside the data would have too long a path: its folder is elsewhere.
const killable = folderNamed(`killed-${"long-".repeat(20)}`);

test("a server killed in the middle of its first start loses nothing; two that start then share one database", async (t) => {
  const victim = spawnServer(t, killable);
  await victim.until((said) => said.message?.startsWith("Making") ?? false);
  const halfMade = path.join(killable, `first-start-${victim.child.pid}`, "cluster", "PG_VERSION");
  assert.ok(await eventually(() => existsSync(halfMade), 5_000));
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
  assert.ok(!runsOn(clusterOf(main), pid) && !namesCluster(clusterOf(main), pid));

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

test("a copy of the program needs nothing of the package, and is mended when it is damaged", () => {
  const folder = folderNamed("programs");
  mkdirSync(folder);
  const before = process.umask(0o077);
  try {
    const bundled = findPackage();
    const program = makeProgram(folder, bundled, "copy");
    const entries = readdirSync(program.folder, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const file = path.join(entry.parentPath, entry.name);
      assert.ok(realpathSync(file).startsWith(program.folder), file);
      if (!entry.isSymbolicLink()) assert.equal(statSync(file).mode & 0o777, 0o755, file);
    }
    const version = () => spawnSync(program.initdb, ["--version"], { encoding: "utf8", env: {} });
    assert.match(version().stdout, /PostgreSQL\) 18\./);
    writeFileSync(path.join(program.folder, "lib", "libcrypto.so.1.1"), "");
    writeFileSync(program.initdb, "");
    makeProgram(folder, bundled, "copy");
    assert.match(version().stdout, /PostgreSQL\) 18\./);
  } finally {
    process.umask(before);
  }
});

test("the log is the database's alone, starts anew when it grew too large, and is never written through a link", () => {
  const file = folderNamed("postgres.log");
  const opened = () => {
    const { handle, size } = openLog(file, { kind: "ourselves" });
    closeSync(handle);
    return size;
  };
  assert.equal(opened(), 0);
  writeFileSync(file, "é".repeat(6 * 2 ** 20));
  chmodSync(file, 0o644);
  assert.equal(opened(), 0);
  assert.equal(statSync(`${file}.1`).size, 12 * 2 ** 20);
  writeFileSync(file, `${"x".repeat(9_000)}end`);
  assert.equal(opened(), 9_003);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readLog(file, 9_000), "end");
  assert.equal(readLog(file, 0).length, 4_096);
  rmSync(file);
  symlinkSync(`${file}.1`, file);
  assert.throws(opened, { code: "ELOOP" });
});

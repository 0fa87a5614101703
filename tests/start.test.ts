import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { operatorCertificate } from "../apps/server/src/tls/tls.fixture.ts";
import { asOwner, atEnd, freshDatabase, Visitor } from "../apps/server/src/testing/index.ts";
import {
  base,
  databasesOn,
  eventually,
  isLinux,
  isRoot,
  main,
  readReady,
  refused,
  Server,
  statusOf,
  type Ready,
} from "./server.fixture.ts";

// A whole life of one platform. Later tests use the data of earlier ones.
const data = path.join(base, "data");

const visitorOf = (t: TestContext, { url, caFile }: Ready, token?: string): Visitor => {
  const visitor = new Visitor(url, readFileSync(caFile, "utf8"), token);
  t.after(() => visitor.close());
  return visitor;
};

const readyFile = path.join(base, "ready.json");

test("the first start makes what it needs, and tells where it is in a file of its owner alone", async (t) => {
  writeFileSync(readyFile, JSON.stringify({ pid: 2 ** 22 + 1, url: "https://stale" }));
  const server = new Server(["--data", data, "--ready-file", readyFile]);
  await eventually(() => !existsSync(readyFile));
  const ready = await server.ready(readyFile);
  assert.equal(statSync(readyFile).mode & 0o777, 0o600);
  assert.equal(ready.pid, server.child.pid);
  assert.match(ready.mqttsUrl, /^mqtts:\/\/localhost:\d+$/);
  assert.deepEqual(await visitorOf(t, ready).get("/readyz"), { ready: true });

  await t.test("the banner is for people, and has no secret when it goes to a file", async () => {
    await eventually(() => server.out.includes("ready.json"));
    const { fingerprint256 } = new X509Certificate(readFileSync(ready.caFile));
    for (const half of [fingerprint256.slice(0, 47), fingerprint256.slice(48)]) assert.ok(server.out.includes(half));
    assert.ok(server.out.includes(ready.url) && server.out.includes(ready.caFile));
    assert.match(server.out, /set-up link is in .*ready\.json/);
  });

  await t.test("the banner's line copies the keys of this very instance, wherever its data are", async () => {
    const line = server.out
      .split("\n")
      .find((line) => line.includes("keys backup"))
      ?.trim();
    const folder = path.join(base, "typing");
    mkdirSync(folder);
    const npx = `#!/bin/sh\nshift\nexec '${process.execPath}' '${path.join(path.dirname(main), "../../cli/bin/holdfast.mjs")}' "$@"\n`;
    writeFileSync(path.join(folder, "npx"), npx, { mode: 0o755 });
    writeFileSync(path.join(folder, "passphrase"), "correct horse battery\n");
    const env = { PATH: `${folder}:${process.env["PATH"]}` };
    const typed = spawnSync("/bin/sh", ["-c", `${line} --passphrase-file passphrase --json`], { cwd: folder, env });
    assert.equal(typed.status, 0, typed.stderr.toString());
    using keyring = new DatabaseSync(path.join(data, "keys", "keyring.sqlite"), { readOnly: true });
    assert.equal(
      JSON.parse(typed.stdout.toString()).instance,
      keyring.prepare("SELECT instance FROM ring").get()?.["instance"],
    );
    assert.equal(existsSync(path.join(folder, "keys.backup")), true);
  });

  await t.test("the set-up link is in the ready file, and in nothing that a log keeps", () => {
    const [, secret = ""] = /^https:\/\/localhost:\d+\/#setup=(hfl_\S{40,})$/.exec(ready.setupLink ?? "") ?? [];
    assert.ok(secret);
    assert.ok(!(server.out + server.err).includes(secret.slice(4)));
    for (const line of server.err.trim().split("\n")) assert.ok(JSON.parse(line).message);
  });

  await t.test("root is given up", { skip: !isRoot || !isLinux }, () => {
    const status = statusOf(ready.pid);
    assert.match(status, /^Uid:\t(?!0\b)(\d+)\t\1\t\1\t\1$/m);
    assert.match(status, /^Groups:\s*$/m);
    assert.match(status, /^CapEff:\t0+$/m);
  });

  await t.test("a second start on the same data is refused, and hurts nothing", async () => {
    const { exit, code } = await refused(["--data", data, "--ready-file", readyFile]);
    assert.deepEqual([exit, code], [1, "storage.inUse"]);
    assert.deepEqual(readReady(readyFile), ready);
    assert.deepEqual(await visitorOf(t, ready).get("/readyz"), { ready: true });
  });

  let token = "";
  const mostMemory = () => Number(/VmHWM:\s+(\d+)/.exec(statusOf(ready.pid))?.[1]) / 1024; // MiB
  await t.test("once somebody has an account the link is gone", async () => {
    const secret = ready.setupLink?.split("#setup=")[1];
    const person = { secret, email: "ada@example.com", password: "correct horse battery", org: "Works" };
    // The peak begins anew (proc_pid_clear_refs(5)): that of the start may be above what is there now.
    if (isLinux) writeFileSync(`/proc/${ready.pid}/clear_refs`, "5");
    const before = isLinux ? mostMemory() : 0;
    ({ token } = await visitorOf(t, ready).post<{ token: string }>("/v1/setup", person));
    // Tests of a platform in their own process hash passwords with less.
    if (isLinux) assert.ok(mostMemory() - before > 48, "a password that is kept takes 64 MiB");
    await eventually(() => existsSync(readyFile) && readReady(readyFile).setupLink === undefined);
  });

  await t.test(
    "SIGTERM stops it within ten seconds, streams open or not, and a second one changes nothing",
    async () => {
      const stream = await openStream(ready, token);
      const began = performance.now();
      server.child.kill("SIGTERM");
      server.child.kill("SIGTERM");
      server.child.kill("SIGINT");
      const { code, err } = await server.ended;
      assert.equal(code, 0, err);
      assert.ok(performance.now() - began < 10_000);
      await stream.closed;
      assert.equal(existsSync(readyFile), false);
      assert.deepEqual(databasesOn(data), []);
      assert.equal(err.split("\n").filter((line) => line.includes("Stopping")).length, 1);
    },
  );
});

/** An event stream that is being read; it is open once its head has come. */
function openStream({ url, caFile }: Ready, token: string): Promise<{ closed: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const headers = { "x-auth-token": token };
    const call = request(new URL("/v1/live", url), { ca: readFileSync(caFile), headers, agent: false });
    call.on("error", reject);
    call.on("response", (response) => {
      assert.equal(response.statusCode, 200);
      const closed = new Promise<void>((done) => response.once("close", done));
      response.on("error", () => {}); // cut short is closed too
      response.resume();
      resolve({ closed });
    });
    call.end();
  });
}

test("what stands in the way of a start is told in a sentence with a code", async (t) => {
  const held = createServer().listen(0, "127.0.0.1");
  t.after(() => held.close());
  await new Promise((resolve) => held.once("listening", resolve));
  const { port } = held.address() as AddressInfo; // a TCP server has one
  const taken = await refused(["--data", data, "--https-port", String(port), "--mqtts-port", "0"]);
  assert.deepEqual([taken.exit, taken.code], [1, "port.taken"]);
  assert.ok(taken.message.includes(`127.0.0.1:${port}`));
  assert.deepEqual(databasesOn(data), []);

  const wrong = await refused(["--data", data], { env: { HOLDFAST_KEK: "ab".repeat(32) } });
  assert.deepEqual([wrong.exit, wrong.code], [1, "keyring.sealed"]);
  const foreign = await refused(["--data", data, "--keys", path.join(base, "others-keys")]);
  assert.deepEqual([foreign.exit, foreign.code], [1, "keyring.wrong"]);

  const version = path.join(data, "postgres", "cluster", "PG_VERSION");
  const before = readFileSync(version, "utf8");
  writeFileSync(version, "99\n");
  const newer = await refused(["--data", data]);
  assert.deepEqual([newer.exit, newer.code], [1, "storage.newer"]);
  writeFileSync(version, before);

  const kek = path.join(data, "keys", "kek");
  const key = readFileSync(kek);
  rmSync(kek);
  const missing = await refused(["--data", data]);
  assert.deepEqual([missing.exit, missing.code], [1, "keyring.sealed"]);
  assert.match(missing.message, /no KEK/);
  writeFileSync(kek, key, { mode: 0o600 });
});

test("too few open files, and options that are none, are told before anything is made", async () => {
  const nothing = path.join(base, "nothing");
  const program = ["/bin/sh", "-c", 'ulimit -n 300; exec "$0" "$@"', process.execPath, main];
  const few = await refused(["--data", nothing], { program });
  assert.deepEqual([few.exit, few.code], [1, "files.tooFew"]);
  assert.match(few.message, /ulimit -n 65536.* allows 300/);
  const unknown = await refused(["--data", nothing, "--dada", "x"]);
  assert.deepEqual([unknown.exit, unknown.code], [2, "config.malformed"]);
  assert.match(unknown.message, /--dada/);
  assert.equal(existsSync(nothing), false);
});

test("with a PostgreSQL of one's own", async (t) => {
  const database = await freshDatabase();
  atEnd.after(() => database.drop());
  const args = ["--data", database.folder, "--keys", database.keysFolder, "--database-url", database.url];
  const file = path.join(database.keysFolder, "ready.json");

  await t.test("a server stops when another one has taken its data over, and says so", async () => {
    const server = new Server(args);
    await server.ready(file);
    // What another server does while the first one's connection is broken. Before that, as the first one is soon back.
    await asOwner(database.login, "update holdfast.instance set served = served + 1");
    const locks = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'holdfast lock%'";
    await asOwner(database.login, `${locks} and datname = current_database()`);
    const { code, err } = await server.ended;
    assert.equal(code, 1, err);
    assert.match(err, /"code":"storage\.inUse"/);
    assert.equal(existsSync(file), false);
  });

  await t.test("a fault of the platform's own ends it, and the log has the place without the content", async () => {
    const preload = path.join(base, "fault.mjs");
    writeFileSync(preload, 'process.once("SIGUSR2", () => { throw new RangeError("123456789012345"); });');
    const server = new Server(args, { program: [process.execPath, "--import", preload, main] });
    await server.ready(file);
    server.child.kill("SIGUSR2");
    const { code, out, err } = await server.ended;
    assert.equal(code, 70, err);
    assert.match(err, /fault of the platform itself.*RangeError at .*fault\.mjs:1/);
    assert.doesNotMatch(out + err, /12345678/);
  });

  await t.test(
    "a certificate that can be used no more is a warning with its code, and the one before serves on",
    async () => {
      const [cert, key] = [path.join(base, "cert.pem"), path.join(base, "key.pem")];
      const { leaf, root } = await operatorCertificate();
      writeFileSync(cert, leaf.certificate);
      writeFileSync(key, leaf.key);
      const server = new Server([...args, "--tls-cert", cert, "--tls-key", key]);
      const { url } = await server.ready(file);
      writeFileSync(cert, "rubbish");
      await eventually(() => server.err.includes("tls.unusable"));
      const told = server.err.split("\n").find((line) => line.includes("tls.unusable"));
      assert.deepEqual([JSON.parse(told ?? "").level, JSON.parse(told ?? "").code], ["warning", "tls.unusable"]);
      const visitor = new Visitor(url, root.certificate);
      assert.deepEqual(await visitor.get("/readyz"), { ready: true });
      await visitor.close();
      server.child.kill("SIGTERM");
      await server.ended;
    },
  );

  await t.test("data of a newer Holdfast are left alone", async () => {
    await asOwner(database.login, "insert into holdfast.migration select 9999, 'later', '\\x00', 0");
    const newer = await refused(args);
    assert.deepEqual([newer.exit, newer.code], [1, "storage.newer"]);
  });
});

test(
  "in a folder of root's the ready file is root's, and goes when the server is killed; the next start takes over",
  { skip: !isRoot || !isLinux },
  async (t) => {
    const folder = path.join(base, "roots");
    mkdirSync(folder, { mode: 0o700 });
    const file = path.join(folder, "ready.json");
    const server = new Server(["--data", data, "--ready-file", file]);
    const ready = await server.ready(file);
    assert.deepEqual([statSync(file).uid, statSync(file).mode & 0o777, ready.setupLink], [0, 0o600, undefined]);
    const [database] = databasesOn(data);
    server.child.kill("SIGKILL");
    await server.ended;
    await eventually(() => !existsSync(file));

    const next = new Server(["--data", data, "--ready-file", file]);
    assert.deepEqual(await visitorOf(t, await next.ready(file)).get("/readyz"), { ready: true });
    assert.deepEqual(databasesOn(data), [database]);
    next.child.kill("SIGINT");
    assert.equal((await next.ended).code, 0);
    assert.deepEqual([existsSync(file), databasesOn(data)], [false, []]);
  },
);

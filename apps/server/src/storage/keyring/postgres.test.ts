import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test, type TestContext } from "node:test";
import pg from "pg";
import { systemRandom } from "@holdfast/kernel";
import { startPostgres } from "../postgres/index.ts";
import { Keyring } from "./index.ts";
import { keyringSuite, opened, refusedWithin, siteAt, type Ground } from "./suite.ts";

const base = mkdtempSync(path.join(tmpdir(), "holdfast-keyring-"));
chmodSync(base, 0o755); // as root, PostgreSQL runs as somebody else
const password = systemRandom.bytes(16).toHex();
const server = await startPostgres({ folder: path.join(base, "postgres"), password, report: () => undefined });
after(async () => {
  await server.stop();
  rmSync(base, { recursive: true });
});

/** Databases that no test uses now: emptying one is quicker than making one. */
const free: string[] = [];
let made = 0;

async function query(database: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ ...server.owner, database });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function groundFor(t: TestContext): Promise<Ground> {
  const database = free.pop() ?? (await newDatabase());
  const folder = mkdtempSync(path.join(base, "keys-"));
  t.after(async () => {
    await query(database, "DROP SCHEMA IF EXISTS holdfast_keyring CASCADE");
    free.push(database);
  });
  return {
    place: { folder, database: { ...server.owner, database } },
    sql: (text) => query(database, text),
    prefix: "holdfast_keyring.",
  };
}

async function newDatabase(): Promise<string> {
  made += 1;
  await query("postgres", `CREATE DATABASE keyring_${made}`);
  return `keyring_${made}`;
}

keyringSuite("PostgreSQL", groundFor);

test("the keyring keeps to a schema of its own, and nothing in it is a key", async (t) => {
  const ground = await groundFor(t);
  const keyring = await opened(t, siteAt(ground));
  const key = await keyring.make("device", "a");
  const schemas = await ground.sql(`SELECT DISTINCT schemaname AS name FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`);
  assert.deepEqual(schemas, [{ name: "holdfast_keyring" }]);
  const rows = (await ground.sql("SELECT encode(wrapped, 'hex') AS hex FROM holdfast_keyring.keys")) as {
    hex: string;
  }[];
  assert.equal(rows.length, 2);
  for (const { hex } of rows) assert.ok(!hex.includes(key.toHex()));
});

test("when PostgreSQL is away, what is in memory serves and the rest is refused at once, until it is back", async (t) => {
  const ground = await groundFor(t);
  const keyring = await opened(t, siteAt(ground));
  const [a] = await Promise.all(["a", "b"].map((name) => keyring.make("device", name)));
  await keyring.close();
  const again = await opened(t, siteAt(ground));
  await again.find("device", "a");
  const name = ground.place.database?.database ?? "";
  await query("postgres", `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await query("postgres", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);

  assert.deepEqual(await again.find("device", "a"), a);
  assert.deepEqual(again.cached("device", "a"), a);
  assert.ok((await refusedWithin(again.find("device", "b"))) < 3_000);
  assert.ok((await refusedWithin(again.make("device", "c"))) < 3_000);
  await refusedWithin(again.erase("device", ["a"]));

  await query("postgres", `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  assert.ok(await again.find("device", "b"));
  assert.ok(await again.make("device", "c"));
});

test("a place that does not answer, or does not know us, is refused within seconds", async (t) => {
  const { place } = await groundFor(t);
  const { folder, database } = place;
  assert.ok(database);
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  t.after(() => silent.close());
  const { port } = silent.address() as AddressInfo; // it listens on a port
  const wrong = [
    { ...database, host: "127.0.0.1", port },
    { ...database, host: "127.0.0.1", port: 1 },
    { ...database, password: "00" },
    { ...database, database: "none" },
  ];
  for (const database of wrong) {
    assert.ok((await refusedWithin(Keyring.open(siteAt({ place: { folder, database } })))) < 4_000);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { asOwner } from "../testing/cluster.ts";
import { atEnd, emptyDatabase, freshDatabase } from "../testing/database.ts";
import { freshStorage, openKeys } from "../testing/storage.ts";
import type { Login } from "./index.ts";
import { signedInAs, storageWithNotes } from "./notes.fixture.ts";
import { doors, roleNames } from "./roles.ts";

const fresh = await storageWithNotes(atEnd);
const { storage, org } = fresh;

const denied = { code: "42501" };

test("each role can do what its door is for, and nothing else", async (t) => {
  const backup = ["note", "journal", "person", "migration"];
  const mayRead = { app: ["note", "journal"], instance: ["person"], directory: [], ingest: [], maintain: [], backup };
  for (const door of doors) {
    const client = await signedInAs(t, door, fresh);
    for (const table of ["note", "journal", "person", "migration"]) {
      const reading = client.query(`select from ${table} where false`);
      if (mayRead[door].some((name) => name === table)) await reading;
      else await assert.rejects(reading, denied, `${door} reads ${table}`);
    }
    await assert.rejects(client.query("create table mine (a int)"), denied);
    await assert.rejects(client.query("alter table note disable row level security"), denied);
    await assert.rejects(client.query("truncate note"), denied);
    if (door === "backup") await assert.rejects(client.query("delete from note"), denied);
    await assert.rejects(client.query(`set role ${roleNames(fresh.keyring.instance).owner}`), denied);
    await assert.rejects(client.query("select tenant_table('person', 'all')"), denied);
    await assert.rejects(client.query("select pg_read_file('/etc/hostname')"), denied);
    await client.query("set row_security = off");
    if (door === "app") await assert.rejects(client.query("select from note"), denied);
    if (door !== "maintain") await assert.rejects(client.query("select raise_high_water(1)"), denied);
    if (door !== "directory") await assert.rejects(client.query("select high_water()"), denied);
  }
});

test("what is append-only can be added to and read, not changed", async () => {
  const allowed = await org();
  for (const text of ["update fact set text = ''", "delete from fact"]) {
    await assert.rejects(
      storage.change(allowed, (unit) => unit.query(text, [])),
      denied,
    );
  }
  assert.deepEqual(await storage.read(allowed, (unit) => unit.query("select * from fact", [])), []);
});

test("the platform's greatest time only rises", async () => {
  const [before] = await storage.directory.call<{ at: number }>("high_water", []);
  assert.ok(before);
  const later = before.at + 60_000;
  assert.deepEqual(await storage.maintain.call("raise_high_water", [later]), [{ at: later }]);
  assert.deepEqual(await storage.maintain.call("raise_high_water", [5]), [{ at: later }]);
  assert.deepEqual(await storage.directory.call("high_water", []), [{ at: later }]);
});

/** Roles belong to the whole server: those of a test's own keys go with it. */
async function dropRoles(login: Login, roles: readonly string[]): Promise<void> {
  await asOwner(login, "drop schema if exists holdfast cascade");
  for (const role of roles) await asOwner(login, `drop owned by ${role} cascade`, `drop role ${role}`);
}

test("a role whose password somebody changed gets its own back", async (t) => {
  const database = await emptyDatabase(); // with keys and roles of its own: those of the template are everybody's
  const first = await freshStorage({}, database);
  const names = roleNames(first.keyring.instance);
  t.after(async () => {
    await dropRoles(database.login, Object.values(names));
    await database.drop();
  });
  await first.close();
  await asOwner(database.login, `alter role ${names.directory} password 'guessed'`);
  const again = await freshStorage({}, database);
  assert.equal((await again.storage.directory.call("high_water", [])).length, 1);
  await again.close();
});

test("an outside account that may make roles is enough; for one that may not, the SQL is printed", async (t) => {
  const database = await emptyDatabase();
  t.after(() => database.drop());
  const { login } = database;
  // A name per run: roles belong to the whole server.
  const account = `outside_${login.database.slice(-8)}`;
  await asOwner(
    login,
    `create role ${account} login password 'secret' nocreaterole`,
    `grant create on database ${login.database} to ${account}`,
  );
  const outside = { ...login, user: account, password: "secret" };
  const keys = await openKeys(database);
  const names = roleNames(keys.instance);
  await keys.close();
  const clean = () => dropRoles(login, [account, ...Object.values(names)]);

  let sql = "";
  await assert.rejects(freshStorage({ database: outside }, database), (error: unknown) => {
    assert.ok(error instanceof Error && "code" in error && error.code === "storage.roles");
    assert.doesNotMatch(error.message, /secret/);
    sql = error.message.slice(error.message.indexOf("\n") + 1);
    return true;
  });
  await asOwner(login, ...sql.split("\n"));
  await (await freshStorage({ database: outside }, database)).close();

  await clean();
  await asOwner(
    login,
    `create role ${account} login password 'secret' createrole`,
    `grant create on database ${login.database} to ${account}`,
  );
  await (await freshStorage({ database: outside }, database)).close();
  // A second time everything is there.
  await (await freshStorage({ database: outside }, database)).close();
  await clean();
});

test("keys of other data are refused, and leave the database as it was", async (t) => {
  const database = await freshDatabase();
  t.after(() => database.drop());
  const elsewhere = { ...database, keysFolder: `${database.folder}/others` };
  const keyring = await openKeys(elsewhere);
  t.after(() => keyring.close());
  await assert.rejects(freshStorage({ keyring }, database), { code: "keyring.wrong" });
  const { close } = await freshStorage({}, database);
  await close();
});

test("a wrong password is refused without being repeated", async (t) => {
  const database = await freshDatabase();
  t.after(() => database.drop());
  const url = database.url.replace(/:[0-9a-f]{64}@/, ":mistaken@");
  await assert.rejects(freshStorage({ database: url }, database), (error: Error & { code?: string }) => {
    assert.equal(error.code, "storage.unreachable");
    assert.match(error.message, /Check .*--database-url.*refuses the account \(28P01\)/);
    assert.doesNotMatch(String(error.stack), /mistaken/);
    return true;
  });
});

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Refusal } from "@holdfast/kernel";
import { freshDatabase } from "../testing/database.ts";
import { freshStorage, openKeys } from "../testing/storage.ts";
import { storageWithNotes } from "./notes.fixture.ts";
import { Proxy } from "./proxy.fixture.ts";
import { Session } from "./session.ts";

const lockHolders = `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
  where l.locktype = 'advisory' and a.datname = current_database()`;

async function observer(t: TestContext, login: Parameters<typeof Session.connect>[0]): Promise<Session> {
  const session = await Session.connect(login, "a test");
  t.after(() => session.close());
  return session;
}

test("a second server on the same data is refused, and may start once the first has stopped", async (t) => {
  const database = await freshDatabase();
  t.after(() => database.drop());
  const keyring = await openKeys(database);
  t.after(() => keyring.close());
  const first = await freshStorage({ keyring }, database);
  await assert.rejects(freshStorage({ keyring }, database), { code: "storage.inUse" });
  assert.equal((await first.storage.directory.call("high_water", [])).length, 1);
  await first.close();
  await (await freshStorage({ keyring }, database)).close();
});

test("a server that lost its lock takes it again before it writes anything", async (t) => {
  const { database, org, write, texts } = await storageWithNotes(t);
  const session = await observer(t, database.login);
  const allowed = await org();
  for (let id = 0; id < 3; id += 1) {
    const ended = await session.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where application_name like 'holdfast lock %' and datname = current_database()`,
    );
    assert.equal(ended.length, 1);
    await write(allowed, id);
    assert.equal((await session.query(lockHolders)).length, 1);
  }
  assert.equal((await texts(allowed)).length, 3);
});

test("a server whose data another one took over meanwhile writes nothing more", async (t) => {
  const database = await freshDatabase();
  const proxy = await Proxy.to(t, database.login);
  const { promise: told, resolve } = Promise.withResolvers<Refusal>();
  const stranded = await storageWithNotes(t, { database: proxy.login, fatal: resolve }, database);
  t.after(() => database.drop());
  const allowed = await stranded.org();
  await stranded.write(allowed, 1);

  proxy.down();
  const { keyring } = stranded;
  const other = await storageWithNotes(t, { keyring }, database);
  assert.deepEqual(await other.texts(allowed), ["note 1"]);
  proxy.up();
  assert.equal((await told).code, "storage.inUse");
  await assert.rejects(stranded.write(allowed, 2), { code: "storage.inUse" });
  await assert.rejects(stranded.texts(allowed), { code: "storage.inUse" });
});

test("a server whose data another one had in between writes nothing more, though the lock is free", async (t) => {
  const database = await freshDatabase();
  const proxy = await Proxy.to(t, database.login);
  const { promise: told, resolve } = Promise.withResolvers<Refusal>();
  const stranded = await storageWithNotes(t, { database: proxy.login, fatal: resolve }, database);
  t.after(() => database.drop());
  const { keyring } = stranded;
  proxy.down();
  const other = await freshStorage({ keyring, migrationsFolder: `${database.folder}/migrations` }, database);
  await other.close();
  proxy.up();
  assert.equal((await told).code, "storage.inUse");
});

test("what a killed server had open ends before the next one begins", async (t) => {
  const database = await freshDatabase();
  t.after(() => database.drop());
  const first = await storageWithNotes(t, {}, database);
  const session = await observer(t, database.login);
  const names = await session.query<{ usename: string }>(
    "select usename from pg_stat_activity where application_name like 'holdfast app %' and datname = current_database()",
  );
  const [role] = names;
  assert.ok(role);
  await first.storage.close();
  // A connection of the app's role that nobody closes, as a network would leave it.
  const { passwordOf } = await import("./roles.ts");
  const leftover = await Session.connect(
    { ...database.login, user: role.usename, password: passwordOf(first.keyring, "app") },
    "holdfast app of old",
  );
  await leftover.run("begin; select set_config('app.org', gen_random_uuid()::text, true)");
  const second = await storageWithNotes(t, { keyring: first.keyring }, database);
  await leftover.ended;
  assert.equal(leftover.isUsable, false);
  await second.storage.close();
});

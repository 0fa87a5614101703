import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { asOwner } from "../testing/cluster.ts";
import { emptyDatabase, freshDatabase } from "../testing/database.ts";
import { freshStorage } from "../testing/storage.ts";
import { migrationsIn } from "./migrate.ts";
import { migrationsWith } from "./notes.fixture.ts";
import { Session } from "./session.ts";

test("a first start makes everything, and a second one nothing", async (t) => {
  const database = await emptyDatabase();
  t.after(() => database.drop());
  const applied = async () => {
    const session = await Session.connect(database.login, "a test");
    const rows = await session.query("select number, at from holdfast.migration order by number");
    await session.close();
    return rows;
  };
  await (await freshStorage({}, database)).close();
  const first = await applied();
  assert.ok(first.length > 0);
  await (await freshStorage({}, database)).close();
  assert.deepEqual(await applied(), first);
});

test("a migration that is added runs once; one that was changed, or is not known, is refused", async (t) => {
  const database = await freshDatabase();
  t.after(() => database.drop());
  const folder = migrationsWith(
    database.folder,
    "create table added (org uuid not null); select tenant_table('added', 'all');",
  );
  const open = async () => (await freshStorage({ migrationsFolder: folder }, database)).close();
  await open();
  await open();

  // A checkout with other line ends is the same migration.
  const last = migrationsIn(folder).at(-1);
  assert.ok(last);
  const file = path.join(folder, `${String(last.number).padStart(4, "0")}-${last.name}.sql`);
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replaceAll("\n", "\r\n"));
  await open();

  writeFileSync(file, `${text}\n-- improved`);
  await assert.rejects(open(), { code: "storage.newer" });
  rmSync(file);
  await assert.rejects(open(), { code: "storage.newer" });
});

test("a migration that fails leaves nothing of itself, and a mended one goes on from there", async (t) => {
  const database = await freshDatabase();
  t.after(() => database.drop());
  const good = "create table one (org uuid not null); select tenant_table('one', 'all');";
  const folder = migrationsWith(database.folder, good, `${good.replaceAll("one", "two")} select 1/0;`);
  const second = path.join(folder, `${String(migrationsIn(folder).length).padStart(4, "0")}-test.sql`);
  const open = async () => (await freshStorage({ migrationsFolder: folder }, database)).close();
  await assert.rejects(open(), /migration \d+-test failed/);
  await asOwner(database.login, "select from holdfast.one");
  await assert.rejects(asOwner(database.login, "select from holdfast.two"), { code: "42P01" });
  writeFileSync(second, "create table three (org uuid not null); commit; select tenant_table('three', 'all');");
  await assert.rejects(open(), /migration \d+-test failed/);
  await asOwner(database.login, "drop table if exists holdfast.three");
  writeFileSync(second, good.replaceAll("one", "two"));
  await open();
});

test("a migration that passes over organisations fails, instead of changing nothing", async (t) => {
  const database = await freshDatabase();
  t.after(() => database.drop());
  const make = "create table kept (org uuid not null, a int); select tenant_table('kept', 'all');";
  const fill = `select set_config('app.org', gen_random_uuid()::text, true);
    insert into kept values (current_setting('app.org')::uuid, 1);`;
  const folder = migrationsWith(database.folder, make, fill, "update kept set a = 2;");
  await assert.rejects(freshStorage({ migrationsFolder: folder }, database), /migration \d+-test failed/);
});

test("migrations are numbered without gaps", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-migrations-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(migrationsWith(folder), "0099-later.sql"), "select 1");
  assert.throws(() => migrationsIn(path.join(folder, "migrations")), /0099-later/);
});

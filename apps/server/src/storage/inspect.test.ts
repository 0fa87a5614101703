import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "@holdfast/kernel";
import { atEnd } from "../testing/database.ts";
import { inspect } from "./inspect.ts";
import { storageWithNotes } from "./notes.fixture.ts";
import { roleNames } from "./roles.ts";
import { Session } from "./session.ts";

const { database, keyring } = await storageWithNotes(atEnd);
const names = roleNames(keyring.instance);
const session = await Session.connect(database.login, "a test");
atEnd.after(() => session.close());

const { app, directory, ingest, maintain, owner } = names;
const ourPolicy = `(org = (select current_setting('app.org')::uuid))`;

/** What somebody might do to a database by hand, and what the next start says of it. Each is undone. */
const sabotage: readonly (readonly [done: string, said: RegExp])[] = [
  [`alter role ${app} superuser`, /_app has powers over the server/],
  [`alter role ${directory} bypassrls`, /_directory has powers over the server/],
  [`alter role ${owner} createrole`, /_owner has powers over the server/],
  [`grant ${owner} to ${app}`, /_app is a member of holdfast_\w+_owner/],
  [`grant pg_read_all_data to ${directory}`, /_directory is a member of pg_read_all_data/],
  [`create table public.loot (a int); alter table public.loot owner to ${ingest}`, /_ingest owns something/],
  [`grant create on schema holdfast to ${maintain}`, /_maintain may create things/],
  ["alter table note no force row level security", /not forced on the table note\./],
  ["alter table journal_1 disable row level security", /not forced on the table journal_1\./],
  ["drop policy one_org on note", /policy of the table note is not/],
  ["drop policy one_org on journal_1", /policy of the table journal_1 is not/],
  ["alter policy one_org on note using (true)", /policy of the table note is not/],
  [`alter policy one_org on note using ${ourPolicy} with check (true)`, /policy of the table note is not/],
  ["alter policy one_org on note to public", /policy of the table note is not/],
  [`create policy more on note to ${app} using (true)`, /note has a policy more/],
  ["create policy more on note using (true)", /note has a policy more/],
  ["create table partition_2 partition of journal for values from (1000) to (2000)", /partition_2/],
  ["create table public.elsewhere partition of journal for values from (1000) to (2000)", /elsewhere belongs to/],
  ["create table stray (id int); alter table stray owner to OWNER", /stray has no organisation/],
  ["create view window_ as select * from note; alter view window_ owner to OWNER", /window_ is a view/],
  [`grant select on note to ${directory}`, /_directory has SELECT on the table note/],
  [`grant select (id) on person to ${directory}`, /_directory has SELECT on the table person/],
  [`grant select on note to ${ingest}`, /_ingest has SELECT on the table note/],
  [`grant select on person to ${app}`, /_app has SELECT on the table person/],
  [`grant select on session to ${app}`, /_app has SELECT on the table session/],
  [`grant select (digest) on session to ${directory}`, /_directory has SELECT on the table session/],
  [`grant truncate on note to ${app}`, /_app has TRUNCATE on the table note/],
  [`grant update on audit to ${app}`, /_app has UPDATE on the table audit/],
  ["grant select on note to public", /public has SELECT on the table note/],
  [
    `create table public.other (a int); grant select on public.other to ${app}`,
    /_app has SELECT on the table public\.other/,
  ],
  ["alter function high_water() reset all", /high_water has no fixed search_path/],
  ["alter function high_water() set search_path = public", /high_water has no fixed search_path/],
  [`grant execute on function tenant_table to ${directory}`, /tenant_table is not granted as listed/],
  ["grant execute on function high_water to public", /high_water may be called by others/],
  [`grant execute on function high_water to ${app}`, /high_water may be called by others/],
  [`revoke execute on function high_water from ${directory}`, /high_water is not granted as listed/],
  ["alter function high_water() owner to current_user", /high_water belongs to/],
  [`alter role ${app} set app.org = '00000000000000000000000000000000'`, /An organisation is preset/],
];

for (const [done, said] of sabotage) {
  test(`the self-check finds: ${done.replaceAll(/holdfast_\w{8}_/g, "")}`, async () => {
    await session.run(`begin; ${done.replaceAll("OWNER", owner)}`);
    try {
      await assert.rejects(inspect(session, names), (error) => {
        assert.ok(error instanceof Refusal);
        assert.equal(error.code, "storage.unsafe");
        assert.match(error.message, said);
        return true;
      });
    } finally {
      await session.run("rollback");
    }
  });
}

test("the self-check finds nothing in what the migrations made", async () => {
  await inspect(session, names);
});

test("the self-check finds a session whose commits would not be on disk", async () => {
  await session.run("begin; set local synchronous_commit = off");
  await assert.rejects(inspect(session, names), /synchronous_commit is off/);
  await session.run("rollback");
});

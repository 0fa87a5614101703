import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "pg";
import { freshDatabase } from "../testing/database.ts";

test("a partition is made, protected like its table, also where there are hundreds of policies", async (t) => {
  const database = await freshDatabase();
  const { tls: _, ...login } = database.login;
  const client = new Client(login);
  await client.connect();
  t.after(async () => {
    await client.end();
    await database.drop();
  });
  const { rows } = await client.query(
    "select nspowner::regrole::text as owner from pg_namespace where nspname = 'holdfast'",
  );
  // The owner of the functions, as which they run: unlike a superuser it may not look into every schema.
  await client.query(`set role ${rows[0].owner}; set search_path = holdfast, pg_temp`);
  // With so many the planner prefers another order, in which conditions are tried on tables of other schemas.
  await client.query(`create table crowded (org uuid not null);
    do $$ begin for i in 1..400 loop execute format('create policy p%s on crowded using (true)', i); end loop; end $$`);
  await client.query("reset role; analyze pg_policy; analyze pg_class; analyze pg_namespace");
  await client.query(`set role ${rows[0].owner}`);
  await client.query("select make_partition('holdfast.log', 'log_1', 1, 2)");
  const made = await client.query("select policyname from pg_policies where tablename = 'log_1' order by 1");
  assert.deepEqual(
    made.rows.map(({ policyname }) => policyname),
    ["backup_reads", "functions_select", "one_org"],
  );
});

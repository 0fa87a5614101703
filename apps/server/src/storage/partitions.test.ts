import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "pg";
import { freshDatabase } from "../testing/database.ts";

test("a partition is made, protected like its table, in whatever order the planner joins", async (t) => {
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
  const ways = ["hashjoin", "mergejoin", "nestloop", "indexscan", "bitmapscan", "seqscan"];
  const turnedOff = [0b000000, 0b000001, 0b000101, 0b000111, 0b100000, 0b111000, 0b111101];
  for (const [number, off] of turnedOff.entries()) {
    const settings = ways.map((way, at) => `set local enable_${way} = ${off & (1 << at) ? "off" : "on"}`);
    await client.query(`begin; ${settings.join("; ")}`);
    await client.query("select make_partition('holdfast.log', $1, $2, $3)", [`log_${number}`, number, number + 1]);
    const made = await client.query("select policyname from pg_policies where tablename = $1 order by 1", [
      `log_${number}`,
    ]);
    assert.deepEqual(
      made.rows.map(({ policyname }) => policyname),
      ["functions_select", "one_org"],
    );
    await client.query("commit; discard plans");
  }
});

import type { Client } from "pg";

/** What a logical dump has: every row of every table, as PostgreSQL writes it and, where it is binary, as its bytes. */
export async function dumpOf(database: Client): Promise<Buffer> {
  const { rows: tables } = await database.query<{ name: string }>(
    "select format('%I.%I', nspname, relname) as name from pg_class c join pg_namespace n on n.oid = relnamespace " +
      "where nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and relkind = 'r' order by 1",
  );
  const parts: Buffer[] = [];
  for (const { name } of tables) {
    const { rows } = await database.query<{ line: string; fields: Record<string, unknown> }>({
      text: `select t::text as line, t.* from ${name} t`,
      rowMode: "array",
    } as never); // rows as lists: a column may have any name
    for (const row of rows as unknown as unknown[][])
      for (const value of row)
        parts.push(value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(`${String(value)}\n`));
  }
  return Buffer.concat(parts);
}

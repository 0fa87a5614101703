import pg from "pg";
import type { Login } from "../../apps/server/src/storage/index.ts";

export type Part = { readonly name: string; readonly bytes: number };

export type Sizes = {
  readonly points: number;
  readonly chunks: number;
  readonly series: number;
  readonly parts: readonly Part[];
};

async function within<T>(login: Login, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { tls: _, ...config } = login;
  const client = new pg.Client(config);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What chunks and series take on disk after VACUUM: tables, TOAST and indexes of every partition. */
export function sizesOf(login: Login): Promise<Sizes> {
  return within(login, async (client) => {
    await client.query("vacuum holdfast.chunk, holdfast.series");
    const { rows } = await client.query<Record<"points" | "chunks" | "series" | "data" | "rollup", string>>(
      `select sum(count) as points, count(*) as chunks, count(distinct series) as series,
              sum(length(data)) as data, coalesce(sum(length(rollup)), 0) as rollup from holdfast.chunk`,
    );
    const { rows: sizes } = await client.query<Record<"main" | "toast" | "indexes" | "series", string>>(
      `with partition as (select inhrelid as oid, c.reltoastrelid as toast
                            from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = 'holdfast.chunk'::regclass)
       select sum(pg_table_size(oid) - coalesce(pg_total_relation_size(nullif(toast, 0)), 0)) as main,
              sum(coalesce(pg_total_relation_size(nullif(toast, 0)), 0)) as toast, sum(pg_indexes_size(oid)) as indexes,
              pg_total_relation_size('holdfast.series') as series from partition`,
    );
    const [counts] = rows;
    const [size] = sizes;
    const part = (name: string, bytes: string | undefined): Part => ({ name, bytes: Number(bytes ?? 0) });
    return {
      points: Number(counts?.points ?? 0),
      chunks: Number(counts?.chunks ?? 0),
      series: Number(counts?.series ?? 0),
      parts: [
        part("chunks: table", size?.main),
        part("chunks: TOAST", size?.toast),
        part("chunks: primary key", size?.indexes),
        part("series with indexes", size?.series),
        part("sealed points", counts?.data),
        part("sealed rollups", counts?.rollup),
      ],
    };
  });
}

/** Bytes of write-ahead log since the database was made. */
export function walBytes(login: Login): Promise<number> {
  return within(login, async (client) => {
    const { rows } = await client.query<{ bytes: string }>("select pg_current_wal_lsn() - '0/0'::pg_lsn as bytes");
    return Number(rows[0]?.bytes ?? 0);
  });
}

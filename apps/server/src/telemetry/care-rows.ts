import { uuidOf, type Id } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import { coldIn } from "./cold-rows.ts";
import { insertChunks, type ChunkHead, type NewChunk } from "./postgres.ts";
import type { Laid } from "./tidy.ts";

/** Chunks of which all is older than a time go, and how much that is. */
type Removed = { readonly chunks: number; readonly points: number };

/** Chunks as they lie: what is done with them once they were written. */
export const careIn = (unit: Unit) => ({
  /** All chunks of one month, as they begin; the newest of the series, which the flusher may write again, is fixed. */
  async laid(series: number, month: { readonly first: number; readonly past: number }): Promise<readonly Laid[]> {
    return unit.query<Laid>(
      `select c.first, c.last, c.pos as position, c.count, coalesce(octet_length(c.data), c.object_length) as bytes, c.period,
              (c.first, c.pos) = (tail.first, tail.pos) or c.data is null as "isFixed"
         from chunk c, (select first, pos from chunk where series = $1 order by first desc, pos desc limit 1) tail
        where c.series = $1 and c.first >= $2 and c.first < $3 order by c.first, c.pos`,
      [series, month.first, month.past],
    );
  },

  /** Puts chunks in the place of others. False when one of those is not there any more: then nothing is to be kept of it. */
  async replace(series: number, gone: readonly ChunkHead[], chunks: readonly NewChunk[]): Promise<boolean> {
    const removed = await Promise.all(
      gone.map(({ first, position, last, count }) =>
        unit.query(
          "delete from chunk where series = $1 and first = $2 and pos = $3 and last = $4 and count = $5 returning 1",
          [series, first, position, last, count],
        ),
      ),
    );
    if (removed.some((rows) => rows.length === 0)) return false;
    await insertChunks(unit, chunks);
    return true;
  },

  /** Of chunks of which all lies before `until`, and not all before `since`. `straddling` are those of which a part does. */
  async measure(
    ranges: readonly { readonly series: number; readonly since: number; readonly until: number }[],
  ): Promise<{ points: number; bytes: number; straddling: number }> {
    const columns = ["series", "since", "until"] as const;
    const [row] = await unit.query<{ points: string; bytes: string; straddling: string }>(
      `select coalesce(sum(c.count) filter (where c.last < r.until), 0)::text as points,
              coalesce(sum(coalesce(octet_length(c.data), c.object_length) + coalesce(octet_length(c.rollup), 0)) filter (where c.last < r.until), 0)::text as bytes,
              count(*) filter (where c.last >= r.until)::text as straddling
         from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as r(series, since, until)
         join lateral (select last, count, data, rollup, object_length from chunk
                        where series = r.series and first < r.until and last >= r.since) c on true`,
      columns.map((column) => ranges.map((range) => Math.max(range[column], leastTime))),
    );
    return { points: Number(row?.points), bytes: Number(row?.bytes), straddling: Number(row?.straddling) };
  },

  /** Chunks of a series of which all is older; at most so many, the oldest first. */
  async removeBefore(series: number, before: number, most: number): Promise<Removed> {
    return remove(unit, "series = $1 and first < $2 and last < $2", [series, before, most]);
  },

  /** What a device measured in these periods; at most so many chunks. */
  async removePeriods(device: Id<"device">, periods: readonly number[], most: number): Promise<Removed> {
    return remove(unit, "series in (select id from series where device = $1) and period = any($2::int[])", [
      uuidOf(device),
      periods,
      most,
    ]);
  },

  /** What the organisation has in a month; at most so many chunks. */
  async removeMonth(
    { first, past }: { readonly first: number; readonly past: number },
    most: number,
  ): Promise<Removed> {
    return remove(unit, "first >= $1 and first < $2", [first, past, most]);
  },
});

/** Before any time that a chunk can have. */
const leastTime = -(2 ** 52);

/** By the key: a row's place on the disk is of one partition. */
async function remove(
  unit: Unit,
  which: string,
  values: readonly [first: unknown, second: unknown, most: number],
): Promise<Removed> {
  const rows = await unit.query<{ count: number; object: number | null; length: number }>(
    `delete from chunk c using (select series, first, pos from chunk where ${which} order by series, first, pos limit $3) old
      where c.series = old.series and c.first = old.first and c.pos = old.pos returning c.count, c.object, c.object_length as length`,
    values,
  );
  const stored = new Map<number, number>();
  for (const { object, length } of rows) if (object !== null) stored.set(object, (stored.get(object) ?? 0) + length);
  if (stored.size > 0) await coldIn(unit).lost(stored);
  return { chunks: rows.length, points: rows.reduce((sum, { count }) => sum + count, 0) };
}

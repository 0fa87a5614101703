import { idFrom, uuidOf, type Id } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import type { ValueType } from "./reading.ts";
import { Series, type DeviceSeries, type Tail } from "./series.ts";

type SeriesRow = {
  id: string;
  name_index: Uint8Array;
  pos: string;
  body: Uint8Array;
  first: string | null;
  last: string | null;
  chunk_pos: string | null;
  count: number | null;
};

type Body = { name: string; type: ValueType };

/** A chunk's row as it is written. */
export type NewChunk = {
  readonly series: string;
  readonly first: number;
  readonly last: number;
  readonly position: number;
  readonly count: number;
  readonly data: Uint8Array;
  readonly rollup: Uint8Array | undefined;
  /** The smaller chunk whose points it holds too. */
  readonly replaces: Tail | undefined;
};

/** What is said of a chunk without opening it. */
export type ChunkHead = {
  readonly first: number;
  readonly last: number;
  readonly position: number;
  readonly count: number;
};

const nameIndex = ({ scope }: Unit | Space, name: string): Uint8Array => scope.index("series", name);

const rowOf = (device: Id<"device">, index: Uint8Array): string => `${device}|${index.toHex()}`;

/** Series and chunks as PostgreSQL keeps them. */
export const chunksIn = (unit: Unit) => ({
  async seriesOf(device: DeviceSeries): Promise<readonly Series[]> {
    const rows = await unit.query<SeriesRow>(
      `select s.id, s.name_index, s.pos, s.body, c.first, c.last, c.pos as chunk_pos, c.count
         from series s left join lateral (
           select first, last, pos, count from chunk where org = s.org and series = s.id order by first desc, pos desc limit 1) c on true
        where s.device = $1`,
      [uuidOf(device.device)],
    );
    return rows.map((row) => {
      const plain = unit.scope.open("series", rowOf(device.device, row.name_index), row.body);
      const { name, type } = JSON.parse(new TextDecoder().decode(plain)) as Body; // sealed by `addSeries`
      const tail: Tail | undefined =
        row.count === null
          ? undefined
          : { first: Number(row.first), last: Number(row.last), count: row.count, position: Number(row.chunk_pos) };
      return new Series(device, name, type, { id: row.id, position: Number(row.pos), tail });
    });
  },

  async addSeries(series: Series): Promise<string> {
    const { device } = series.device;
    const index = nameIndex(unit, series.name);
    const body: Body = { name: series.name, type: series.type };
    const sealed = unit.scope.seal("series", rowOf(device, index), new TextEncoder().encode(JSON.stringify(body)));
    const [row] = await unit.query<{ id: string }>(
      "insert into series (org, device, name_index, pos, body) values ($1, $2, $3, 0, $4) on conflict (org, device, name_index) do update set body = excluded.body returning id",
      [uuidOf(unit.scope.org), uuidOf(device), index, sealed],
    );
    if (!row) throw new Error("an inserted row has an id");
    return row.id;
  },

  /** Many chunks in one statement; all bytes travel as one value, because PostgreSQL's arrays of them travel as text. */
  async write(chunks: readonly NewChunk[]): Promise<void> {
    const blobs = chunks.flatMap(({ data, rollup }) => [data, rollup ?? new Uint8Array()]);
    const replaced = chunks.filter(({ replaces }) => replaces !== undefined);
    if (replaced.length > 0) {
      await unit.query(
        `delete from chunk c using unnest($1::bigint[], $2::bigint[], $3::bigint[]) as old(series, first, pos)
          where c.series = old.series and c.first = old.first and c.pos = old.pos`,
        [
          replaced.map(({ series }) => series),
          replaced.map((c) => c.replaces?.first),
          replaced.map((c) => c.replaces?.position),
        ],
      );
    }
    let at = 1;
    const starts = blobs.map((blob) => (at += blob.length) - blob.length);
    await unit.query(
      `insert into chunk (org, series, first, last, pos, count, data, rollup)
       select $1, series, first, last, pos, count, substring($2::bytea from data_at for data_length),
              nullif(substring($2::bytea from rollup_at for rollup_length), ''::bytea)
         from unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[], $8::int[], $9::int[], $10::int[], $11::int[])
           as new(series, first, last, pos, count, data_at, data_length, rollup_at, rollup_length)
       on conflict do nothing`,
      [
        uuidOf(unit.scope.org),
        Buffer.concat(blobs),
        chunks.map(({ series }) => series),
        chunks.map(({ first }) => first),
        chunks.map(({ last }) => last),
        chunks.map(({ position }) => position),
        chunks.map(({ count }) => count),
        chunks.map((_, index) => starts[index * 2]),
        chunks.map(({ data }) => data.length),
        chunks.map((_, index) => starts[index * 2 + 1]),
        chunks.map(({ rollup }) => rollup?.length ?? 0),
      ],
    );
    await unit.query(
      `update series set pos = greatest(series.pos, new.pos) from unnest($1::bigint[], $2::bigint[]) as new(id, pos) where series.id = new.id`,
      [chunks.map(({ series }) => series), chunks.map(({ position }) => position)],
    );
  },

  /** The chunks that have a point in [from, to), by time and then by age. */
  async heads(series: string, from: number, to: number): Promise<readonly ChunkHead[]> {
    const rows = await unit.query<{ first: string; last: string; pos: string; count: number }>(
      `select first, last, pos, count from chunk where series = $1 and first < $3 and last >= $2 order by first, pos`,
      [series, from, to],
    );
    return rows.map(({ first, last, pos, count }) => ({
      first: Number(first),
      last: Number(last),
      position: Number(pos),
      count,
    }));
  },

  /** One of the columns of these chunks, sealed, in the same order; `undefined` where there is none. */
  async sealed(
    series: string,
    heads: readonly ChunkHead[],
    column: "data" | "rollup",
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const rows = await unit.query<{ first: string; pos: string; sealed: Uint8Array | null }>(
      `select c.first, c.pos, c.${column} as sealed from unnest($2::bigint[], $3::bigint[]) as wanted(first, pos)
         join chunk c on c.series = $1 and c.first = wanted.first and c.pos = wanted.pos`,
      [series, heads.map(({ first }) => first), heads.map(({ position }) => position)],
    );
    const found = new Map(rows.map(({ first, pos, sealed }) => [`${first} ${pos}`, sealed ?? undefined]));
    return heads.map(({ first, position }) => found.get(`${first} ${position}`));
  },

  /** The log's records behind `after`, in order, a few at a time. */
  async records(
    after: number,
    most: number,
  ): Promise<readonly { segment: number; position: number; body: Uint8Array }[]> {
    const rows = await unit.query<{ segment: string; pos: string; body: Uint8Array }>(
      "select segment, pos, body from log where pos > $1 order by pos limit $2",
      [after, most],
    );
    return rows.map(({ segment, pos, body }) => ({ segment: Number(segment), position: Number(pos), body }));
  },
});

export const orgOf = (row: { org: string }): Id<"org"> => idFrom("org", row.org);

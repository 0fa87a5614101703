import { idFrom, Refusal, uuidOf, type Id } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import { monthOf } from "./parts.ts";
import { Series, type DeviceSeries, type SeriesRow, type Tail } from "./series.ts";
import type { ValueType } from "./value.ts";
import { untidyIn } from "./untidy-rows.ts";

type Body = { readonly name: string; readonly type: ValueType };

/** A series as its row says. */
export type Known = { readonly id: number; readonly device: Id<"device">; readonly name: string };

type TailRow = {
  readonly first: number | null;
  readonly last: number;
  readonly chunk_pos: number;
  readonly count: number;
  readonly bytes: number;
  readonly period: number;
};

const tailOf = ({ first, last, chunk_pos: position, count, bytes, period }: TailRow): Tail | undefined =>
  first === null ? undefined : { first, last, position, count, bytes, period, isOnTop: undefined };

/** The newest chunk of each series `s`; partitions are asked from the newest on until one has any. */
const withTail = `s left join lateral (
  select first, last, pos as chunk_pos, count, coalesce(octet_length(data), object_length) as bytes, period
    from chunk where org = s.org and series = s.id order by first desc, pos desc limit 1) tail on true`;
const tailColumns = "tail.first, tail.last, tail.chunk_pos, tail.count, tail.bytes, tail.period";

/** The id is in the seal: whose chunks these are cannot be changed by exchanging the numbers of two series. */
const rowOf = (device: Id<"device">, id: number, index: Uint8Array): string => `${device}|${id}|${index.toHex()}`;

const encode = (body: Body): Uint8Array => new TextEncoder().encode(JSON.stringify(body));
const decode = (bytes: Uint8Array): Body => JSON.parse(new TextDecoder().decode(bytes)) as Body; // sealed by `add`

/** What one attribute of a device is called and how far it got. */
export const seriesIn = (unit: Unit) => ({
  /** Gives each device its series. Answers those of which one does not open. */
  async load(states: ReadonlyMap<Id<"device">, DeviceSeries>): Promise<ReadonlyMap<Id<"device">, Refusal>> {
    type Row = TailRow & {
      id: number;
      device: string;
      name_index: Uint8Array;
      pos: number;
      given: number;
      body: Uint8Array;
    };
    const rows = await unit.query<Row>(
      `select s.id, s.device, s.name_index, s.pos, s.given, s.body, ${tailColumns}
         from series ${withTail} where s.device = any($1::uuid[])`,
      [[...states.keys()].map(uuidOf)],
    );
    const failures = new Map<Id<"device">, Refusal>();
    for (const row of rows) {
      const state = states.get(idFrom("device", row.device));
      if (!state) continue;
      try {
        const body = unit.scope.open("series", rowOf(state.device, row.id, row.name_index), row.body);
        const { name, type } = decode(body);
        state.byName.set(name, new Series(state, name, type, { id: row.id, position: row.pos, tail: tailOf(row) }));
        state.lastGiven = Math.max(state.lastGiven, row.given);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        failures.set(state.device, error);
      }
    }
    return failures;
  },

  /** Rows for series that have none; those that have one already are found. Answers the ids, in the same order. */
  async add(all: readonly Series[]): Promise<readonly number[]> {
    const fresh = await unit.query<{ id: number }>(
      "select nextval('series_id') as id from generate_series(1, $1::int)",
      [all.length],
    );
    const rows = all.map(({ device: { device }, name, type }, at) => {
      const id = fresh[at]?.id ?? 0; // as many as were asked for
      const index = unit.scope.index("series", name);
      return { id, device, index, body: unit.scope.seal("series", rowOf(device, id, index), encode({ name, type })) };
    });
    await Promise.all(
      rows.map(({ id, device, index, body }) =>
        unit.query(
          `insert into series (org, id, device, name_index, pos, given, body) values ($1, $2, $3, $4, 0, 0, $5)
           on conflict (org, device, name_index) do nothing`,
          [uuidOf(unit.scope.org), id, uuidOf(device), index, body],
        ),
      ),
    );
    const found = await Promise.all(
      rows.map(({ device, index }) =>
        unit.query<{ id: number }>("select id from series where device = $1 and name_index = $2", [
          uuidOf(device),
          index,
        ]),
      ),
    );
    return found.map(([row]) => {
      if (!row) throw new Error("a series that was added is there");
      return row.id;
    });
  },

  /** Whose they are. */
  async devicesOf(ids: readonly number[]): Promise<readonly { readonly id: number; readonly device: Id<"device"> }[]> {
    const rows = await unit.query<{ id: number; device: string }>(
      "select id, device from series where id = any($1::bigint[])",
      [ids],
    );
    return rows.map(({ id, device }) => ({ id, device: idFrom("device", device) }));
  },

  /** All of the organisation behind a number, in the order of their numbers. What does not open has no name. */
  async from(after: number, most: number): Promise<readonly Known[]> {
    type Row = { id: number; device: string; name_index: Uint8Array; body: Uint8Array };
    const rows = await unit.query<Row>(
      "select id, device, name_index, body from series where id > $1 order by id limit $2",
      [after, most],
    );
    return rows.map(({ id, device: uuid, name_index: index, body }) => {
      const device = idFrom("device", uuid);
      try {
        return { id, device, name: decode(unit.scope.open("series", rowOf(device, id, index), body)).name };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return { id, device, name: "" }; // no attribute is called so: it is kept as its product says
      }
    });
  },

  /** How far these got, by what is durable. */
  async reached(ids: readonly number[]): Promise<ReadonlyMap<number, SeriesRow>> {
    const rows = await unit.query<TailRow & { id: number; pos: number }>(
      `select s.id, s.pos, ${tailColumns} from series ${withTail} where s.id = any($1::bigint[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, { id: row.id, position: row.pos, tail: tailOf(row) }]));
  },
});

/** A chunk's row as it is written. */
export type NewChunk = ChunkHead & {
  readonly series: number;
  readonly period: number;
  readonly data: Uint8Array;
  readonly rollup: Uint8Array | undefined;
};

/** What is said of a chunk without opening it. */
export type ChunkHead = {
  readonly first: number;
  readonly last: number;
  readonly position: number;
  readonly count: number;
};

/** The same, and where that was asked for its sealed rollup, if there is one, and under the key of which period that is. */
export type Listed = ChunkHead & { readonly rollup: Uint8Array | null; readonly period: number };

/** Where in an object of the store the bytes of a chunk are. */
export type Stored = { readonly object: number; readonly at: number; readonly length: number };

/** The points of a chunk as its row has them: bytes, or where they are. */
export type Sealed = {
  readonly period: number;
  readonly bytes: Uint8Array | undefined;
  readonly stored: Stored | undefined;
};

/** What one flush of a series changes. */
export type Flush = {
  readonly series: number;
  readonly chunks: readonly NewChunk[];
  /** The smaller chunk whose points the new ones hold too. */
  readonly replaces: Tail | undefined;
  /** Those of `chunks` that came late or lie across others: to be joined later, see `tidy.ts`. */
  readonly untidy: readonly Pick<NewChunk, "first">[];
  readonly position: number;
  readonly given: number;
};

/** Where nothing is hidden the index alone answers, which has no periods. */
const notOf = (hidden: readonly number[], value: string): string =>
  hidden.length === 0 ? `${value}::int[] = '{}'` : `period <> all(${value}::int[])`;

const day = 86_400_000;
const beforeMark = "update cold_mark set until = $1 where until > $1";

export const chunksIn = (unit: Unit) => ({
  async write(flushes: readonly Flush[]): Promise<void> {
    const chunks = flushes.flatMap((flush) => flush.chunks);
    const removed = flushes.flatMap(({ series, replaces }) =>
      replaces
        ? [
            // one by one: each finds its row by the key, whatever the planner thinks of a join
            unit.query("delete from chunk where series = $1 and first = $2 and pos = $3", [
              series,
              replaces.first,
              replaces.position,
            ]),
          ]
        : [],
    );
    const inserted = insertChunks(unit, chunks);
    const raised = unit.query(
      `update series set pos = new.pos, given = new.given
         from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as new(id, pos, given) where series.id = new.id`,
      [flushes.map(({ series }) => series), flushes.map(({ position }) => position), flushes.map(({ given }) => given)],
    );
    const noted = flushes
      .filter(({ untidy }) => untidy.length > 0)
      .map(({ series, untidy }) => untidyIn(unit).note(series, untidy));
    // Of a time that is in the object store already: what comes late is to follow.
    const oldest = Math.min(...chunks.map(({ first }) => first));
    const behind = oldest < unit.at - day ? unit.query(beforeMark, [monthOf(oldest).first]) : undefined;
    await Promise.all([...removed, inserted, raised, ...noted, behind]);
  },

  /** Whether no newer chunk reaches into the one that begins last. */
  async isOnTop(series: number, { first, position }: Pick<ChunkHead, "first" | "position">): Promise<boolean> {
    const rows = await unit.query(
      "select 1 from chunk where series = $1 and first between $2 and $3 and last >= $3 and pos > $4 limit 1",
      [series, monthOf(first).first, first, position],
    );
    return rows.length === 0;
  },

  /**
   * Chunks that have a point in [from, to), by time and then by age, `most` of them. `since` is at most `from`: no chunk that
   * begins before it reaches as far as `from`.
   */
  async heads(
    series: number,
    {
      since,
      from,
      to,
      most,
      hidden,
    }: { since: number; from: number; to: number; most: number; hidden: readonly number[] },
    also: readonly "rollup"[],
  ): Promise<readonly Listed[]> {
    const rollup = also.length > 0 ? "rollup, period" : "null as rollup, 0 as period";
    return unit.query<Listed>(
      `select first, last, pos as position, count, ${rollup} from chunk
        where series = $1 and first >= $2 and first < $4 and last >= $3 and ${notOf(hidden, "$6")} order by first, pos limit $5`,
      [series, since, from, to, most, hidden],
    );
  },

  /** When the chunk of a series that begins last before `to` does: no later one has its newest point. Without hidden periods. */
  async lastBegun(
    series: number,
    { to, hidden }: { to: number; hidden: readonly number[] },
  ): Promise<number | undefined> {
    const [row] = await unit.query<{ first: number }>(
      `select first from chunk where series = $1 and first < $3 and ${notOf(hidden, "$2")} order by first desc limit 1`,
      [series, hidden, to],
    );
    return row?.first;
  },

  /** How many points the chunks of these series have that reach into [from, to), without hidden periods. `since` as above. */
  async count(
    all: readonly number[],
    { since, from, to, hidden }: { since: number; from: number; to: number; hidden: readonly number[] },
  ): Promise<number> {
    const [row] = await unit.query<{ points: number | null }>(
      `select sum(count)::float8 as points from chunk
        where series = any($1::bigint[]) and first >= $2 and first < $4 and last >= $3 and ${notOf(hidden, "$5")}`,
      [all, since, from, to, hidden],
    );
    return row?.points ?? 0;
  },

  /** The sealed points of these chunks, given by time, in the same order; `undefined` where there is no such chunk any more. */
  async sealed(series: number, heads: readonly ChunkHead[]): Promise<readonly (Sealed | undefined)[]> {
    type Row = ChunkHead & {
      period: number;
      bytes: Uint8Array | null;
      object: number | null;
      at: number;
      length: number;
    };
    const rows = await unit.query<Row>(
      `select first, last, pos as position, count, period, data as bytes, object, object_at as at, object_length as length
         from chunk where series = $1 and first = any($2::bigint[]) and first between $3 and $4`, // the bounds choose the partitions
      [series, heads.map(({ first }) => first), heads[0]?.first ?? 0, heads.at(-1)?.first ?? 0],
    );
    // What was joined meanwhile may begin like one of those that it took in, and is another chunk.
    const nameOf = ({ first, last, position, count }: ChunkHead) => `${first} ${last} ${position} ${count}`;
    const found = new Map(
      rows.map((row): [string, Sealed] => {
        const { period, bytes, object, at, length } = row;
        const stored = object === null ? undefined : { object, at, length };
        return [nameOf(row), { period, bytes: bytes ?? undefined, stored }];
      }),
    );
    return heads.map((head) => found.get(nameOf(head)));
  },
});

/** All bytes travel as one value, because arrays of them travel as text, twice as long. */
export function insertChunks(unit: Unit, chunks: readonly NewChunk[]): Promise<unknown> {
  const blobs = chunks.flatMap(({ data, rollup }) => [data, rollup ?? new Uint8Array()]);
  let at = 1;
  const starts = blobs.map((blob) => (at += blob.length) - blob.length);
  return unit.query(
    `insert into chunk (org, series, first, last, pos, count, period, data, rollup)
     select $1, series, first, last, pos, count, period, substring($2::bytea from data_at for data_length),
            nullif(substring($2::bytea from rollup_at for rollup_length), ''::bytea)
       from unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[], $8::int[], $9::int[], $10::int[], $11::int[], $12::int[])
         as new(series, first, last, pos, count, data_at, data_length, rollup_at, rollup_length, period)`,
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
      chunks.map(({ period }) => period),
    ],
  );
}

/** The log's records of one segment behind a position, in order, a few at a time. */
export async function recordsOf(
  unit: Unit,
  segment: number,
  { after, most }: { after: number; most: number },
): Promise<readonly { position: number; body: Uint8Array }[]> {
  return unit.query<{ position: number; body: Uint8Array }>(
    "select pos as position, body from log where segment = $1 and pos > $2 order by pos limit $3",
    [segment, after, most],
  );
}

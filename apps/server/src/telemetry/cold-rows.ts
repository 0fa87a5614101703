import { uuidOf } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { ChunkHead } from "./postgres.ts";

/** A chunk that may be moved, and how many bytes of it. */
export type Candidate = ChunkHead & { readonly series: number; readonly bytes: number };

type ObjectRow = { readonly id: number; readonly name: string };

const keys = (all: readonly Candidate[]) => [
  all.map(({ series }) => series),
  all.map(({ first }) => first),
  all.map(({ position }) => position),
];

/** Objects in the store, and what of chunks is in which. */
export const coldIn = (unit: Unit) => ({
  /**
   * Chunks of a month that are older, behind one of them; without the newest of each series, which the flusher may write again, and without those
   * that are to be joined first.
   */
  async candidates(
    { first, past }: { readonly first: number; readonly past: number },
    { before, behind, most }: { before: number; behind: Candidate | undefined; most: number },
  ): Promise<readonly Candidate[]> {
    return unit.query<Candidate>(
      `select c.series, c.first, c.last, c.pos as position, c.count, octet_length(c.data) as bytes from chunk c
        where c.first >= $1 and c.first < $2 and c.last < $3 and c.data is not null
          and (c.series, c.first, c.pos) > ($4, $5, $6)
          and not exists (select from untidy u where u.series = c.series and u.month = $1)
          and exists (select from chunk n where n.series = c.series and (n.first, n.pos) > (c.first, c.pos))
        order by c.series, c.first, c.pos limit $7`,
      [first, past, before, behind?.series ?? 0, behind?.first ?? 0, behind?.position ?? 0, most],
    );
  },

  /** In the same order; `undefined` for what is not there any more. */
  async bytesOf(all: readonly Candidate[]): Promise<readonly (Uint8Array | undefined)[]> {
    type Row = { series: number; first: number; position: number; count: number; data: Uint8Array };
    const rows = await unit.query<Row>(
      `select c.series, c.first, c.pos as position, c.count, c.data
         from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as k(series, first, pos)
         join chunk c on c.series = k.series and c.first = k.first and c.pos = k.pos
        where c.data is not null and c.first between $4 and $5`, // the bounds choose the partitions
      [...keys(all), Math.min(...all.map(({ first }) => first)), Math.max(...all.map(({ first }) => first))],
    );
    const found = new Map(rows.map((row) => [`${row.series} ${row.first} ${row.position} ${row.count}`, row.data]));
    return all.map(({ series, first, position, count }) => found.get(`${series} ${first} ${position} ${count}`));
  },

  /** Before the first byte of it is written. */
  async begin(name: (id: number) => string, month: number, bytes: number): Promise<ObjectRow> {
    const [row] = await unit.query<{ id: number }>("select nextval('cold_object_id') as id", []);
    const id = row?.id ?? 0; // a sequence answers
    await unit.query(
      "insert into cold_object (org, id, name, month, state, bytes, live) values ($1, $2, $3, $4, 'writing', $5, $5)",
      [uuidOf(unit.scope.org), id, name(id), month, bytes],
    );
    return { id, name: name(id) };
  },

  /** Chunks point to it from now on, and their rows hold their bytes no more. False when one of them is another by now. */
  async point(object: number, all: readonly Candidate[]): Promise<boolean> {
    let at = 0;
    const places = all.map(({ bytes }) => (at += bytes) - bytes);
    const rows = await unit.query(
      `update chunk c set data = null, object = $4, object_at = k.at, object_length = k.length
         from unnest($1::bigint[], $2::bigint[], $3::bigint[], $5::int[], $6::int[], $7::bigint[], $8::int[])
           as k(series, first, pos, at, length, last, count)
        where c.series = k.series and c.first = k.first and c.pos = k.pos and c.last = k.last and c.count = k.count
          and c.data is not null and octet_length(c.data) = k.length and c.first between $9 and $10
        returning 1`,
      [
        ...keys(all),
        object,
        places,
        all.map(({ bytes }) => bytes),
        all.map(({ last }) => last),
        all.map(({ count }) => count),
        Math.min(...all.map(({ first }) => first)),
        Math.max(...all.map(({ first }) => first)),
      ],
    );
    if (rows.length !== all.length) return false;
    const written = await unit.query(
      "update cold_object set state = 'written' where id = $1 and state = 'writing' returning 1",
      [object],
    );
    return written.length === 1;
  },

  async namesOf(objects: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const rows = await unit.query<ObjectRow>("select id, name from cold_object where id = any($1::bigint[])", [
      objects,
    ]);
    return new Map(rows.map(({ id, name }) => [id, name]));
  },

  /** Chunks that pointed there are gone, with so many bytes of it. */
  async lost(bytes: ReadonlyMap<number, number>): Promise<void> {
    await unit.query(
      `update cold_object o set live = o.live - k.bytes, state = case when o.live <= k.bytes then 'gone' else o.state end
         from unnest($1::bigint[], $2::bigint[]) as k(id, bytes) where o.id = k.id`,
      [[...bytes.keys()], [...bytes.values()]],
    );
  },

  /** Of months that went as a whole nothing points to any object. */
  async forgetMonths(there: readonly number[]): Promise<void> {
    await unit.query(
      "update cold_object set live = 0, state = 'gone' where state = 'written' and month <> all($1::bigint[])",
      [there],
    );
  },

  /** Those that nothing points to: never finished, or not needed any more. */
  async left(): Promise<readonly ObjectRow[]> {
    return unit.query<ObjectRow>(
      "select id, name from cold_object where state <> 'written' order by id limit 1000",
      [],
    );
  },

  /** Before its bytes go. False when chunks point to it after all: a transaction of before a stop may end only now. */
  async giveUp(object: number): Promise<boolean> {
    const rows = await unit.query(
      "update cold_object set state = 'gone' where id = $1 and state <> 'written' returning 1",
      [object],
    );
    return rows.length === 1;
  },

  async remove(object: number): Promise<void> {
    await unit.query("delete from cold_object where id = $1 and state = 'gone'", [object]);
  },

  /** Everything before it that may be in the store is there. */
  async mark(): Promise<number> {
    const [row] = await unit.query<{ until: number }>("select until from cold_mark", []);
    return row?.until ?? 0;
  },

  async setMark(until: number): Promise<void> {
    await unit.query(
      `insert into cold_mark (org, until) values ($1, $2) on conflict (org) do update set until = excluded.until`,
      [uuidOf(unit.scope.org), until],
    );
  },
});

import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { Hits, ListEntry } from "./lists.ts";

type Row = {
  id: string;
  created_at: string;
  expires_at: string | null;
  hits: string;
  last_hit_at: string | null;
  body: Uint8Array;
};

type Body = Pick<ListEntry, "list" | "what" | "value" | "comment" | "author">;

/** An entry, and what it has decided as far as that was written down. */
export type KeptEntry = ListEntry & { readonly hits: number; readonly lastHitAt: Instant | undefined };

const columns = "id, created_at, expires_at, hits, last_hit_at, body";

/** Entries of an organisation's lists as PostgreSQL keeps them: since when, until when and how often they decided is readable, what they say is sealed. */
export const listsIn = (unit: Unit) => ({
  async all(): Promise<readonly KeptEntry[]> {
    const rows = await unit.query<Row>(
      `select ${columns} from list_entry where app_user is null order by created_at, id`,
      [],
    );
    return rows.map((row) => entryOf(unit, row));
  },

  async find(id: Id<"listEntry">): Promise<KeptEntry | undefined> {
    const [row] = await unit.query<Row>(`select ${columns} from list_entry where id = $1 and app_user is null`, [
      uuidOf(id),
    ]);
    return row && entryOf(unit, row);
  },

  async add(entry: ListEntry): Promise<void> {
    const { id, createdAt, expiresAt, list, what, value, comment, author } = entry;
    const body: Body = { list, what, value, comment, author };
    await unit.query("insert into list_entry (org, id, created_at, expires_at, body) values ($1, $2, $3, $4, $5)", [
      uuidOf(unit.scope.org),
      uuidOf(id),
      createdAt,
      expiresAt ?? null,
      unit.scope.seal("list entry", rowName(entry), new TextEncoder().encode(JSON.stringify(body))),
    ]);
  },

  async remove(id: Id<"listEntry">): Promise<void> {
    await unit.query("delete from list_entry where id = $1", [uuidOf(id)]);
  },

  async noteHits(hits: ReadonlyMap<Id<"listEntry">, Hits>): Promise<void> {
    await unit.query(
      `update list_entry e set hits = e.hits + h.count, last_hit_at = greatest(e.last_hit_at, h.at)
         from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as h(id, count, at) where e.id = h.id`,
      [
        [...hits.keys()].map(uuidOf),
        [...hits.values()].map(({ count }) => count),
        [...hits.values()].map(({ lastAt }) => lastAt),
      ],
    );
  },
});

/** What is sealed belongs to the columns beside it: an expiry that was changed in the database no longer opens. */
const rowName = ({ id, createdAt, expiresAt }: Pick<ListEntry, "id" | "createdAt" | "expiresAt">): string =>
  [id, createdAt, expiresAt ?? "-"].join("|");

const instant = (text: string): Instant => Number(text) as Instant; // a bigint column of ours

function entryOf(unit: Unit, row: Row): KeptEntry {
  const times = {
    id: idFrom("listEntry", row.id),
    createdAt: instant(row.created_at),
    expiresAt: row.expires_at === null ? undefined : instant(row.expires_at),
  };
  const plain = unit.scope.open("list entry", rowName(times), row.body);
  const body = JSON.parse(new TextDecoder().decode(plain)) as Body; // sealed by `add`, so it is one
  const lastHitAt = row.last_hit_at === null ? undefined : instant(row.last_hit_at);
  return { ...times, ...body, hits: Number(row.hits), lastHitAt };
}

import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { KeptEntry } from "./list-rows.ts";
import type { UserEntry } from "./user-lists.ts";

type Row = {
  id: string;
  app_user: string;
  device: string | null;
  created_at: string;
  expires_at: string | null;
  hits: string;
  last_hit_at: string | null;
  body: Uint8Array;
};

type Body = Pick<UserEntry, "list" | "what" | "value" | "comment">;

export type KeptUserEntry = UserEntry & Pick<KeptEntry, "hits" | "lastHitAt">;

const columns = "id, app_user, device, created_at, expires_at, hits, last_hit_at, body";

/** Entries of application users, beside those of their organisation and as those: whose, and about which device, is readable too. */
export const userListsIn = (unit: Unit) => ({
  async all(): Promise<readonly KeptUserEntry[]> {
    const rows = await unit.query<Row>(`select ${columns} from list_entry where app_user is not null`, []);
    return rows.map((row) => entryOf(unit, row));
  },

  /** Oldest first. */
  async of(user: Id<"user">): Promise<readonly KeptUserEntry[]> {
    const rows = await unit.query<Row>(
      `select ${columns} from list_entry where app_user = $1 order by created_at, id`,
      [uuidOf(user)],
    );
    return rows.map((row) => entryOf(unit, row));
  },

  async add(entry: UserEntry): Promise<void> {
    const { id, user, device, createdAt, expiresAt, list, what, value, comment } = entry;
    const body: Body = { list, what, value, comment };
    await unit.query(
      `insert into list_entry (org, id, app_user, device, created_at, expires_at, body)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [
        uuidOf(unit.scope.org),
        uuidOf(id),
        uuidOf(user),
        device === undefined ? null : uuidOf(device),
        createdAt,
        expiresAt ?? null,
        unit.scope.seal("user list entry", rowName(entry), new TextEncoder().encode(JSON.stringify(body))),
      ],
    );
  },

  async remove(id: Id<"listEntry">): Promise<void> {
    await unit.query("delete from list_entry where id = $1 and app_user is not null", [uuidOf(id)]);
  },

  /** Those about this device alone. */
  async removeAbout(user: Id<"user">, device: Id<"device">): Promise<readonly UserEntry[]> {
    const rows = await unit.query<Row>(
      `delete from list_entry where app_user = $1 and device = $2 returning ${columns}`,
      [uuidOf(user), uuidOf(device)],
    );
    return rows.map((row) => entryOf(unit, row));
  },
});

type Place = Pick<UserEntry, "id" | "user" | "device" | "createdAt" | "expiresAt">;

/** What is sealed belongs to the columns beside it: nobody makes it another user's, or about another device, in the database. */
const rowName = ({ id, user, device, createdAt, expiresAt }: Place): string =>
  [id, user, device ?? "-", createdAt, expiresAt ?? "-"].join("|");

const instant = (text: string): Instant => Number(text) as Instant; // a bigint column of ours

function entryOf(unit: Unit, row: Row): KeptUserEntry {
  const place: Place = {
    id: idFrom("listEntry", row.id),
    user: idFrom("user", row.app_user),
    device: row.device === null ? undefined : idFrom("device", row.device),
    createdAt: instant(row.created_at),
    expiresAt: row.expires_at === null ? undefined : instant(row.expires_at),
  };
  const plain = unit.scope.open("user list entry", rowName(place), row.body);
  const body = JSON.parse(new TextDecoder().decode(plain)) as Body; // sealed by `add`, so it is one
  const lastHitAt = row.last_hit_at === null ? undefined : instant(row.last_hit_at);
  return { ...place, ...body, hits: Number(row.hits), lastHitAt };
}

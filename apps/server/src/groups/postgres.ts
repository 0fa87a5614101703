import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { KnownGroup, Rights } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import { knownOf, type Group } from "./group.ts";

type Row = { id: string; application: string; created_at: string; version: number; body: Uint8Array };
type Body = { readonly name: string; readonly members: readonly (readonly [Id<"device">, Rights])[] };
type Place = Pick<Group, "id" | "application" | "createdAt" | "version">;

const columns = "id, application, created_at, version, body";
const rowOf = ({ id, application, createdAt, version }: Place): string =>
  [id, application, createdAt, version].join("|");

/** Groups as PostgreSQL keeps them: of which application and how old each is can be read, all else is sealed with the row's version. */
export const groupsIn = (unit: Unit) => ({
  async all(): Promise<readonly Group[]> {
    return (await unit.query<Row>(`select ${columns} from device_group`, [])).map((row) => groupOf(unit, row));
  },

  async of(application: Id<"application">): Promise<readonly Group[]> {
    const text = `select ${columns} from device_group where application = $1 order by created_at, id`;
    return (await unit.query<Row>(text, [uuidOf(application)])).map((row) => groupOf(unit, row));
  },

  async find(id: Id<"group">): Promise<Group | undefined> {
    const [row] = await unit.query<Row>(`select ${columns} from device_group where id = $1`, [uuidOf(id)]);
    return row && groupOf(unit, row);
  },

  /** As `find`, and nobody else changes it before this unit ends. */
  async take(id: Id<"group">): Promise<Group | undefined> {
    const [row] = await unit.query<Row>(`select ${columns} from device_group where id = $1 for update`, [uuidOf(id)]);
    return row && groupOf(unit, row);
  },

  /** As `find`, and whoever would change it waits until this unit ends. */
  async hold(id: Id<"group">): Promise<Group | undefined> {
    const [row] = await unit.query<Row>(`select ${columns} from device_group where id = $1 for share`, [uuidOf(id)]);
    return row && groupOf(unit, row);
  },

  async save(group: Group): Promise<void> {
    const { id, application, createdAt, version, name, members } = group;
    const body: Body = { name, members: [...members] };
    const { scope } = unit;
    await unit.query(
      `insert into device_group (org, id, application, name_index, created_at, version, body)
         values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (org, id) do update set version = excluded.version, body = excluded.body`,
      [
        uuidOf(scope.org),
        uuidOf(id),
        uuidOf(application),
        scope.index("group", name),
        createdAt,
        version,
        scope.seal("group", rowOf(group), new TextEncoder().encode(JSON.stringify(body))),
      ],
    );
  },

  async remove(id: Id<"group">): Promise<void> {
    await unit.query("delete from device_group where id = $1", [uuidOf(id)]);
  },
});

function groupOf({ scope }: Unit, row: Row): Group {
  const place: Place = {
    id: idFrom("group", row.id),
    application: idFrom("application", row.application),
    createdAt: Number(row.created_at) as Instant, // a column of ours
    version: row.version,
  };
  const text = new TextDecoder().decode(scope.open("group", rowOf(place), row.body));
  const { name, members } = JSON.parse(text) as Body; // sealed by `save`, so it is one
  return { ...place, name, members: new Map(members) };
}

/** What authority remembers of them. */
export async function knownGroups(unit: Unit): Promise<Map<Id<"group">, KnownGroup>> {
  return new Map((await groupsIn(unit).all()).map((group) => [group.id, knownOf(group)]));
}

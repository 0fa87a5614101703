import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import { knownOf, type Dashboard } from "./dashboard.ts";
import { authorityIn, type KnownDashboard } from "../authority/index.ts";

type Row = { id: string; created_at: string; version: number; body: Uint8Array };
type Body = Omit<Dashboard, "id" | "createdAt" | "version">;

const columns = "id, created_at, version, body";
const rowOf = ({ id, createdAt, version }: Pick<Dashboard, "id" | "createdAt" | "version">): string =>
  [id, createdAt, version].join("|");
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Dashboards as PostgreSQL keeps them: how old each is can be read, all else is sealed with the row's version. */
export const dashboardsIn = (unit: Unit) => ({
  async all(): Promise<readonly Dashboard[]> {
    const rows = await unit.query<Row>(`select ${columns} from dashboard`, []);
    return rows.map((row) => dashboardOf(unit, row));
  },

  async count(): Promise<number> {
    const [row] = await unit.query<{ count: string }>("select count(*) from dashboard", []);
    return Number(row?.count ?? 0);
  },

  async find(id: Id<"dashboard">): Promise<Dashboard | undefined> {
    const [row] = await unit.query<Row>(`select ${columns} from dashboard where id = $1`, [uuidOf(id)]);
    return row && dashboardOf(unit, row);
  },

  /** As `find`, and nobody else changes it before this unit ends. */
  async take(id: Id<"dashboard">): Promise<Dashboard | undefined> {
    const [row] = await unit.query<Row>(`select ${columns} from dashboard where id = $1 for update`, [uuidOf(id)]);
    return row && dashboardOf(unit, row);
  },

  async save(dashboard: Dashboard): Promise<void> {
    const { id, createdAt, version, ...body } = dashboard;
    await unit.query(
      `insert into dashboard (org, id, created_at, version, body) values ($1, $2, $3, $4, $5)
       on conflict (org, id) do update set version = excluded.version, body = excluded.body`,
      [
        uuidOf(unit.scope.org),
        uuidOf(id),
        createdAt,
        version,
        unit.scope.seal("dashboard", rowOf({ id, createdAt, version }), encode(body)),
      ],
    );
  },

  /** Whether strangers may have a link to it that is good. */
  async isShared(id: Id<"dashboard">, now: Instant): Promise<boolean> {
    const links = await authorityIn(unit).keysOf(id);
    return links.some(({ state, expiresAt = now }) => state === "active" && expiresAt > now);
  },

  async remove(id: Id<"dashboard">): Promise<void> {
    await unit.query("delete from dashboard where id = $1", [uuidOf(id)]);
  },
});

function dashboardOf({ scope }: Unit, row: Row): Dashboard {
  const place = {
    id: idFrom("dashboard", row.id),
    createdAt: Number(row.created_at) as Instant,
    version: row.version,
  }; // columns of ours
  const text = new TextDecoder().decode(scope.open("dashboard", rowOf(place), row.body));
  const { description, roles, ...body } = JSON.parse(text) as Body; // sealed by `save`, so it is one
  return { ...body, description, roles, ...place };
}

/** What authority remembers of them. */
export async function knownDashboards(unit: Unit): Promise<Map<Id<"dashboard">, KnownDashboard>> {
  const all = await dashboardsIn(unit).all();
  return new Map(all.map((dashboard) => [dashboard.id, knownOf(dashboard)]));
}

import { idFrom, uuidOf, type Id } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { Period } from "./periods.ts";

type Row = {
  readonly device: string;
  readonly number: number;
  readonly from_pos: number;
  readonly since: number | null;
  readonly app_user: string | null;
  readonly erased_at: number | null;
};

const columns = "device, number, from_pos, since, app_user, erased_at";

const periodOf = ({ number, from_pos: from, since, app_user: user, erased_at: erased }: Row): Period => ({
  number,
  from,
  since: since ?? undefined,
  user: user === null ? undefined : idFrom("user", user),
  isErased: erased !== null,
});

type ByDevice = ReadonlyMap<Id<"device">, readonly number[]>;

function byDevice(rows: readonly Row[]): ByDevice {
  const found = new Map<Id<"device">, number[]>();
  for (const { device, number } of rows) {
    const id = idFrom("device", device);
    found.set(id, [...(found.get(id) ?? []), number]);
  }
  return found;
}

/** Whose devices were, and of what nothing is to be left. */
export const periodsIn = (unit: Unit) => ({
  /** By device, ascending; a device without rows has the first period alone. */
  async of(devices: readonly Id<"device">[]): Promise<ReadonlyMap<Id<"device">, readonly Period[]>> {
    const rows = await unit.query<Row>(
      `select ${columns} from owner_period where device = any($1::uuid[]) order by device, number`,
      [devices.map(uuidOf)],
    );
    const found = new Map<Id<"device">, Period[]>();
    for (const row of rows) {
      const device = idFrom("device", row.device);
      const all = found.get(device) ?? [];
      all.push(periodOf(row));
      found.set(device, all);
    }
    return found;
  },

  /** Those that are a customer's and not erased. */
  async ofUser(user: Id<"user">): Promise<ByDevice> {
    return byDevice(
      await unit.query<Row>(
        `select ${columns} from owner_period where app_user = $1 and erased_at is null order by device, number`,
        [uuidOf(user)],
      ),
    );
  },

  /** Which of these devices are in an application. */
  async within(devices: readonly Id<"device">[], application: Id<"application">): Promise<ReadonlySet<Id<"device">>> {
    const rows = await unit.query<{ id: string }>(
      "select id from device where id = any($1::uuid[]) and application = $2",
      [devices.map(uuidOf), uuidOf(application)],
    );
    return new Set(rows.map(({ id }) => idFrom("device", id)));
  },

  /** Which customers' devices were, or are. */
  async owners(): Promise<ReadonlyMap<Id<"device">, readonly Id<"user">[]>> {
    const rows = await unit.query<{ device: string; users: string[] }>(
      "select device, array_agg(distinct app_user)::text[] as users from owner_period where app_user is not null group by device",
      [],
    );
    return new Map(
      rows.map(({ device, users }) => [idFrom("device", device), users.map((user) => idFrom("user", user))]),
    );
  },

  /** All devices of the organisation. */
  async devices(): Promise<readonly Id<"device">[]> {
    const rows = await unit.query<{ id: string }>("select id from device", []);
    return rows.map(({ id }) => idFrom("device", id));
  },

  /** All of the organisation that stand in rows. */
  async all(): Promise<readonly { readonly device: Id<"device">; readonly period: Period }[]> {
    const rows = await unit.query<Row>(`select ${columns} from owner_period order by device, number`, []);
    return rows.map((row) => ({ device: idFrom("device", row.device), period: periodOf(row) }));
  },

  async add(device: Id<"device">, { number, from, since, user }: Omit<Period, "isErased">): Promise<void> {
    await unit.query(
      `insert into owner_period (org, device, number, from_pos, since, app_user) values ($1, $2, $3, $4, $5, $6)
       on conflict (org, device, number) do nothing`,
      [uuidOf(unit.scope.org), uuidOf(device), number, from, since ?? null, user ? uuidOf(user) : null],
    );
  },

  async erase(device: Id<"device">, numbers: readonly number[]): Promise<void> {
    await unit.query(
      `update owner_period set erased_at = $3 where device = $1 and number = any($2::int[]) and erased_at is null`,
      [uuidOf(device), numbers, unit.at],
    );
  },

  /** Those of which something may be left, by device. */
  async erasing(): Promise<ByDevice> {
    return byDevice(
      await unit.query<Row>(
        `select ${columns} from owner_period where erased_at is not null and done_at is null order by device, number`,
        [],
      ),
    );
  },

  /** Until when what is left of a device is to go. */
  async erasingUntil(): Promise<ReadonlyMap<Id<"device">, number>> {
    const rows = await unit.query<{ device: string; until: string }>(
      `select device, max(erased_at) as until from owner_period where erased_at is not null and done_at is null group by device`,
      [],
    );
    return new Map(rows.map(({ device, until }) => [idFrom("device", device), Number(until)]));
  },

  /** Those of which nothing is left, their keys neither. */
  async erased(): Promise<ByDevice> {
    return byDevice(
      await unit.query<Row>(
        `select ${columns} from owner_period where done_at is not null order by device, number`,
        [],
      ),
    );
  },

  async isErased(device: Id<"device">, number: number): Promise<boolean> {
    const rows = await unit.query(
      "select from owner_period where device = $1 and number = $2 and erased_at is not null",
      [uuidOf(device), number],
    );
    return rows.length > 0;
  },

  /** Once more: of an older copy of the keyring it is not known what it opens. */
  async notDone(device: Id<"device">, numbers: readonly number[]): Promise<void> {
    await unit.query("update owner_period set done_at = null where device = $1 and number = any($2::int[])", [
      uuidOf(device),
      numbers,
    ]);
  },

  async done(device: Id<"device">, numbers: readonly number[]): Promise<void> {
    await unit.query("update owner_period set done_at = $3 where device = $1 and number = any($2::int[])", [
      uuidOf(device),
      numbers,
      unit.at,
    ]);
  },
});

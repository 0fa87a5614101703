import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { alertStates, type AlertState } from "@holdfast/protocol";
import { reachSql, type Reach } from "../authority/index.ts";
import { listed, soundOf, type After, type Listed, type Sound, type Unit } from "../storage/index.ts";
import type { Alert, Concerned, Rule } from "./rule.ts";
import type { Gone, OpenAlert } from "./watch.ts";
import type { Webhook } from "./webhook.ts";

type Sealed = { id: string; created_at: string; version: number; body: Uint8Array };

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

/** Rules and webhooks alike: how old each is can be read, all else is sealed with the row's version. */
const keptIn = <K extends "alertRule" | "webhook", T extends Rule | Webhook>(
  unit: Unit,
  table: "alert_rule" | "webhook",
  kind: K,
) => {
  const rowOf = (id: T["id"] | Id<K>, createdAt: Instant, version: number) => [id, createdAt, version].join("|");
  const read = (row: Sealed): T => {
    const place = { id: idFrom(kind, row.id), createdAt: Number(row.created_at) as Instant, version: row.version };
    return {
      ...(decode(unit.scope.open(table, rowOf(place.id, place.createdAt, place.version), row.body)) as T),
      ...place,
    }; // sealed by `save`
  };
  return {
    async all(): Promise<Sound<T, Id<K>>> {
      const rows = await unit.query<Sealed>(
        `select id, created_at, version, body from ${table} order by created_at, id`,
        [],
      );
      return soundOf(rows.map((row) => listed(idFrom(kind, row.id), Number(row.created_at), () => read(row))));
    },

    async find(id: T["id"]): Promise<T | undefined> {
      const [row] = await unit.query<Sealed>(`select id, created_at, version, body from ${table} where id = $1`, [
        uuidOf(id),
      ]);
      return row && read(row);
    },

    /** As `find`, and nobody else changes it before this unit ends. */
    async take(id: T["id"]): Promise<T | undefined> {
      const [row] = await unit.query<Sealed>(
        `select id, created_at, version, body from ${table} where id = $1 for update`,
        [uuidOf(id)],
      );
      return row && read(row);
    },

    async count(): Promise<number> {
      const [row] = await unit.query<{ count: string }>(`select count(*) from ${table}`, []);
      return Number(row?.count ?? 0);
    },

    async save(thing: T): Promise<void> {
      const { id, createdAt, version, ...body } = thing;
      await unit.query(
        `insert into ${table} (org, id, created_at, version, body) values ($1, $2, $3, $4, $5)
         on conflict (org, id) do update set version = excluded.version, body = excluded.body`,
        [
          uuidOf(unit.scope.org),
          uuidOf(id),
          createdAt,
          version,
          unit.scope.seal(table, rowOf(id, createdAt, version), encode(body)),
        ],
      );
    },

    async remove(id: T["id"]): Promise<void> {
      await unit.query(`delete from ${table} where id = $1`, [uuidOf(id)]);
    },
  };
};

export const rulesIn = (unit: Unit) => keptIn<"alertRule", Rule>(unit, "alert_rule", "alertRule");
export const webhooksIn = (unit: Unit) => keptIn<"webhook", Webhook>(unit, "webhook", "webhook");

type AlertRow = {
  id: string;
  rule: string | null;
  webhook: string | null;
  state: number;
  raised_at: string;
  cleared_at: string | null;
  devices: number;
  version: number;
  body: Uint8Array;
};
type AlertBody = Pick<Alert, "cause" | "because" | "outage" | "acknowledged">;

const columns = "id, rule, webhook, state, raised_at, cleared_at, devices, version, body";
const placeOf = ({ id, raisedAt, version }: Pick<Alert, "id" | "raisedAt" | "version">) =>
  [id, raisedAt, version].join("|");
const stateCode = (state: AlertState): number => alertStates.indexOf(state);

/** Devices that one answer, one letter and one message of a webhook have to choose from. */
const mostNamed = 100;

export type AlertsAsked = {
  readonly state?: AlertState | "open" | undefined;
  readonly device?: Id<"device"> | undefined;
};

export const alertsIn = (unit: Unit) => ({
  async find(id: Id<"alert">): Promise<Alert | undefined> {
    const [row] = await unit.query<AlertRow>(`select ${columns} from alert where id = $1`, [uuidOf(id)]);
    return row && alertOf(unit, row);
  },

  async take(id: Id<"alert">): Promise<Alert | undefined> {
    const [row] = await unit.query<AlertRow>(`select ${columns} from alert where id = $1 for update`, [uuidOf(id)]);
    return row && alertOf(unit, row);
  },

  async list(
    { state, device }: AlertsAsked,
    after: After | undefined,
    most: number,
  ): Promise<readonly Listed<Alert, Id<"alert">>[]> {
    const rows = await unit.query<AlertRow>(
      `select ${columns} from alert
        where ($1::bigint is null or (raised_at, id) < ($1, $2::uuid)) and ($4::smallint[] is null or state = any($4))
          and ($5::uuid is null or exists (select 1 from alert_device d where d.alert = alert.id and d.device = $5))
        order by raised_at desc, id desc limit $3`,
      [
        after?.at ?? null,
        after?.id ?? null,
        most,
        state === undefined ? null : state === "open" ? [0, 1] : [stateCode(state)],
        device ? uuidOf(device) : null,
      ],
    );
    return rows.map((row) => listedOf(unit, row));
  },

  /** Those that are not cleared. */
  takeOpen(by: "rule" | "webhook", id: Id<"alertRule" | "webhook">): Promise<readonly Alert[]> {
    return this.taken(`${by} = $1`, [uuidOf(id)]);
  },

  /** Those that are not cleared, and whose rule is gone. */
  takeOpenWithoutRule(): Promise<readonly Alert[]> {
    return this.taken("rule is not null and not exists (select from alert_rule r where r.id = rule)", []);
  },

  /** What was altered can be cleared by nobody: it goes, which the audit log tells. */
  async taken(where: string, values: readonly unknown[]): Promise<readonly Alert[]> {
    const text = `select ${columns} from alert where cleared_at is null and ${where} for update`;
    const rows = await unit.query<AlertRow>(text, values);
    const { items, altered } = soundOf(rows.map((row) => listedOf(unit, row)));
    if (altered.length > 0) await unit.query("delete from alert where id = any($1::uuid[])", [altered.map(uuidOf)]);
    for (const about of altered) unit.audit({ what: "alert.altered", about });
    return items;
  },

  async save(alert: Alert): Promise<void> {
    const { id, rule, webhook, state, raisedAt, clearedAt, count, version, ...body } = alert;
    await unit.query(
      `insert into alert (org, id, rule, webhook, state, raised_at, cleared_at, devices, version, body)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict (org, id) do update set state = excluded.state, cleared_at = excluded.cleared_at, devices = excluded.devices,
         version = excluded.version, body = excluded.body`,
      [
        uuidOf(unit.scope.org),
        uuidOf(id),
        rule ? uuidOf(rule) : null,
        webhook ? uuidOf(webhook) : null,
        stateCode(state),
        raisedAt,
        clearedAt ?? null,
        count,
        version,
        unit.scope.seal("alert", placeOf({ id, raisedAt, version }), encode(body satisfies AlertBody)),
      ],
    );
  },

  /** Of each alert the hundred that are named, those alone that are within reach: those that are still so first, and those that are so longest. */
  async named(
    ids: readonly Id<"alert">[],
    reach: Reach<"device.read"> | "everything",
  ): Promise<ReadonlyMap<Id<"alert">, readonly Concerned[]>> {
    const within = reach === "everything" ? undefined : reachSql(reach, "device", 3);
    const rows = await unit.query<{ alert: string; device: string; since: string; ended_at: string | null }>(
      `select asked.alert, named.* from unnest($1::uuid[]) as asked(alert) cross join lateral (
         select device, since, ended_at from alert_device
          where alert = asked.alert and ${within ? `device in (select id from device where ${within.text})` : "true"}
          order by ended_at is not null, since, device limit $2
       ) as named order by named.ended_at is not null, named.since, named.device`,
      [ids.map(uuidOf), mostNamed, ...(within?.values ?? [])],
    );
    const named = new Map<Id<"alert">, Concerned[]>(ids.map((id) => [id, []]));
    for (const row of rows)
      named.get(idFrom("alert", row.alert))?.push({
        device: idFrom("device", row.device),
        since: Number(row.since) as Instant,
        endedAt: row.ended_at === null ? undefined : (Number(row.ended_at) as Instant),
      });
    return named;
  },

  /** One that was among them before is again. */
  async join(id: Id<"alert">, devices: readonly Concerned[]): Promise<number> {
    await unit.query(
      `insert into alert_device (org, alert, device, since)
         select $1, $2, d.device, d.since from unnest($3::uuid[], $4::bigint[]) as d(device, since)
       on conflict (org, alert, device) do update set since = excluded.since, ended_at = null`,
      [
        uuidOf(unit.scope.org),
        uuidOf(id),
        devices.map(({ device }) => uuidOf(device)),
        devices.map(({ since }) => since),
      ],
    );
    const [row] = await unit.query<{ count: string }>("select count(*) from alert_device where alert = $1", [
      uuidOf(id),
    ]);
    return Number(row?.count ?? 0);
  },

  async leave(id: Id<"alert">, devices: readonly Gone[]): Promise<void> {
    await unit.query(
      `update alert_device set ended_at = d.at from unnest($2::uuid[], $3::bigint[]) as d(device, at)
         where alert = $1 and alert_device.device = d.device`,
      [uuidOf(id), devices.map(({ device }) => uuidOf(device)), devices.map(({ at }) => at)],
    );
  },

  /** Without telling anybody. */
  async clear(alerts: readonly Alert[]): Promise<void> {
    if (alerts.length === 0) return;
    for (const alert of alerts)
      await this.save({ ...alert, state: "cleared", clearedAt: unit.at, version: alert.version + 1 });
    await unit.query("update alert_device set ended_at = $1 where alert = any($2::uuid[]) and ended_at is null", [
      unit.at,
      alerts.map(({ id }) => uuidOf(id)),
    ]);
  },

  /** What the rules have to know after a start. Which does not open is added to `altered`. */
  async open(altered: string[]): Promise<readonly OpenAlert[]> {
    const found: OpenAlert[] = [];
    const rows = await unit.query<AlertRow>(
      `select ${columns} from alert where cleared_at is null and rule is not null`,
      [],
    );
    const sound = soundOf(rows.map((row) => listedOf(unit, row)));
    altered.push(...sound.altered);
    for (const { id, rule, cause, outage, raisedAt } of sound.items) {
      if (!rule) continue;
      const devices = await unit.query<{ device: string; since: string }>(
        "select device, since from alert_device where alert = $1 and ended_at is null order by since",
        [uuidOf(id)],
      );
      const latest = Number(devices.at(-1)?.since ?? raisedAt) as Instant; // a bigint column of ours
      found.push({ id, rule, cause, outage, devices: devices.map(({ device }) => idFrom("device", device)), latest });
    }
    return found;
  },

  async forget(before: number): Promise<void> {
    await unit.query("delete from alert where cleared_at <= $1", [before]);
  },
});

const listedOf = (unit: Unit, row: AlertRow): Listed<Alert, Id<"alert">> =>
  listed(idFrom("alert", row.id), Number(row.raised_at), () => alertOf(unit, row));

function alertOf({ scope }: Unit, row: AlertRow): Alert {
  const id = idFrom("alert", row.id);
  const place = { id, raisedAt: Number(row.raised_at) as Instant, version: row.version };
  const { cause, because, outage, acknowledged } = decode(scope.open("alert", placeOf(place), row.body)) as AlertBody; // sealed by `save`
  return {
    ...place,
    cause,
    because,
    outage,
    acknowledged,
    rule: row.rule === null ? undefined : idFrom("alertRule", row.rule),
    webhook: row.webhook === null ? undefined : idFrom("webhook", row.webhook),
    state: alertStates[row.state] ?? "cleared",
    clearedAt: row.cleared_at === null ? undefined : (Number(row.cleared_at) as Instant),
    count: row.devices,
  };
}

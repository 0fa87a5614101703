import { idFrom, kindOfId, uuidOf, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import type { QuotaName, usageGroups } from "@holdfast/protocol";
import type { OrgScope, Unit } from "../storage/index.ts";
import type { HourRow, LineRow, Page } from "./book.ts";
import { causes, ways, type ConnectionRecord, type Origin, type Way } from "./connection.ts";
import type { Bookmark } from "./cursor.ts";
import type { Counts, Traffic } from "./counts.ts";
import type { Step } from "./period.ts";
import type { Standing } from "./quota.ts";

/** What every list can be narrowed to. */
export type Narrow = {
  readonly over?: Way | undefined;
  readonly application?: Id<"application"> | undefined;
  readonly device?: Id<"device"> | undefined;
  readonly credential?: string | undefined;
};

export type Group = (typeof usageGroups)[number];

/** One step of somebody's; `about` says whose, where it is anybody's in particular. */
export type UsageRow = { readonly at: Instant; readonly about: string | undefined; readonly counts: Counts };

export type Notice = { readonly month: Instant; readonly quota: QuotaName; readonly state: Standing["state"] };

const uuidOr = (id: Id<"application" | "device" | "person"> | undefined) => (id === undefined ? null : uuidOf(id));
const wayCode = (way: Way): number => ways.indexOf(way);

/** How usage is remembered: nothing of it is sealed but where somebody came from. */
export const accountingIn = (unit: Unit) => ({
  /** All of it or nothing: the sums of connections and of hours stay equal. */
  async save(run: number, { lines, hours }: Page): Promise<void> {
    await insertLines(
      unit,
      lines.filter(({ isKept }) => !isKept),
    );
    await updateLines(
      unit,
      lines.filter(({ isKept }) => isKept),
    );
    await saveHours(unit, run, hours);
  },

  /** Newest first, one more than asked for. */
  async connections(
    asked: Narrow & { open?: boolean | undefined; from?: Instant | undefined; to?: Instant | undefined; limit: number },
    before: Bookmark | undefined,
  ): Promise<readonly ConnectionRecord[]> {
    const { open, from, to, limit } = asked;
    const narrow = narrowSql(asked, 7);
    const rows = await unit.query<ConnectionRow>(
      `select id, over, credential, application, device, person, began_at, ended_at, cause, messages_in, messages_out,
          bytes_in, bytes_out, body
         from connection
        where ($1::bigint is null or (began_at, id) < ($1, $2::uuid)) and ($3::bigint is null or coalesce(ended_at, $3) >= $3)
          and ($4::bigint is null or began_at < $4) and ($5::boolean is null or (ended_at is null) = $5) and ${narrow.text}
        order by began_at desc, id desc limit $6`,
      [before?.[0] ?? null, before?.[1] ?? null, from ?? null, to ?? null, open ?? null, limit + 1, ...narrow.values],
    );
    return rows.map((row) => connectionOf(unit.scope, row));
  },

  /** In the order of time, and of whose it is; one more than asked for. */
  async usage(
    asked: Narrow & { from: Instant; to: Instant; every: Step; by: Group; limit: number },
    after: Bookmark | undefined,
  ): Promise<readonly UsageRow[]> {
    const { from, to, every, by, limit } = asked;
    const narrow = narrowSql(asked, 6);
    const rows = await unit.query<UsageSums>(
      `select * from (
         select ${bucketSql[every]} as at, ${aboutSql[by]} as about, ${sums}
           from usage where hour >= $1 and hour < $2 and ${narrow.text} group by 1, 2
       ) as step where $3::bigint is null or (at, about) > ($3, $4::text) order by at, about limit $5`,
      [from, to, after?.[0] ?? null, after?.[1] ?? null, limit + 1, ...narrow.values],
    );
    return rows.map((row) => ({
      at: Number(row.at) as Instant, // a bigint column of ours
      about: by === "organisation" || row.about === "" ? undefined : idOf(by, row.about),
      counts: countsOf(row),
    }));
  },

  /** What servers before this one counted since then. */
  async usedSince(from: Instant, run: number): Promise<Counts> {
    const [row] = await unit.query<UsageSums>(`select ${sums} from usage where hour >= $1 and run <> $2`, [from, run]);
    return countsOf(row);
  },

  async plan(): Promise<string | undefined> {
    const [row] = await unit.query<{ plan: string }>("select plan from org_plan", []);
    return row?.plan;
  },

  async setPlan(plan: string | undefined): Promise<void> {
    const { org } = unit.scope;
    if (plan === undefined) await unit.query("delete from org_plan", []);
    else
      await unit.query(
        "insert into org_plan (org, plan) values ($1, $2) on conflict (org) do update set plan = excluded.plan",
        [uuidOf(org), plan],
      );
  },

  async notices(month: Instant): Promise<readonly Notice[]> {
    const rows = await unit.query<Omit<Notice, "month">>("select quota, state from quota_notice where month = $1", [
      month,
    ]);
    return rows.map(({ quota, state }) => ({ month, quota, state }));
  },

  async addNotice({ month, quota, state }: Notice): Promise<void> {
    await unit.query(
      "insert into quota_notice (org, month, quota, state) values ($1, $2, $3, $4) on conflict do nothing",
      [uuidOf(unit.scope.org), month, quota, state],
    );
    await unit.query("delete from quota_notice where month < $1", [month]);
  },
});

const bucketSql: Record<Step, string> = {
  hour: "hour",
  day: "hour - hour % 86400000",
  month: "(extract(epoch from date_trunc('month', to_timestamp(hour / 1000) at time zone 'UTC')) * 1000)::bigint",
};

const aboutSql: Record<Group, string> = {
  organisation: "''",
  application: "coalesce(application::text, '')",
  device: "coalesce(device::text, '')",
  credential: "credential",
};

const idOf = (by: Exclude<Group, "organisation">, about: string): string =>
  by === "credential" ? about : idFrom(by, about);

const sums = `coalesce(sum(connections), 0)::bigint as connections, coalesce(sum(messages_in), 0)::bigint as messages_in,
  coalesce(sum(messages_out), 0)::bigint as messages_out, coalesce(sum(bytes_in), 0)::bigint as bytes_in,
  coalesce(sum(bytes_out), 0)::bigint as bytes_out, coalesce(sum(requests), 0)::bigint as requests,
  coalesce(sum(points), 0)::bigint as points`;

type TrafficRow = { messages_in: number; messages_out: number; bytes_in: number; bytes_out: number };
type UsageSums = TrafficRow & { at: number; about: string; connections: number; requests: number; points: number };

const trafficOf = (row: TrafficRow): Traffic => ({
  messagesIn: row.messages_in,
  messagesOut: row.messages_out,
  bytesIn: row.bytes_in,
  bytesOut: row.bytes_out,
});

function countsOf(row: UsageSums | undefined): Counts {
  if (!row) throw new Error("a sum without a row");
  const { connections, requests, points } = row;
  return { connections, ...trafficOf(row), requests, points };
}

function narrowSql({ over, application, device, credential }: Narrow, first: number) {
  const values: unknown[] = [];
  const next = (value: unknown) => `$${first + values.push(value) - 1}`;
  const all = [
    over === undefined ? "true" : `over = ${next(wayCode(over))}`,
    application === undefined ? "true" : `application = ${next(uuidOf(application))}::uuid`,
    device === undefined ? "true" : `device = ${next(uuidOf(device))}::uuid`,
    credential === undefined ? "true" : `credential = ${next(credential)}`,
  ];
  return { text: all.join(" and "), values };
}

type ConnectionRow = TrafficRow & {
  id: string;
  over: number;
  credential: string;
  application: string | null;
  device: string | null;
  person: string | null;
  began_at: number;
  ended_at: number | null;
  cause: number | null;
  body: Uint8Array;
};

function connectionOf(scope: OrgScope, row: ConnectionRow): ConnectionRecord {
  const id = idFrom("connection", row.id);
  const origin = JSON.parse(new TextDecoder().decode(scope.open("connection", id, row.body))) as Origin; // sealed below
  return {
    id,
    over: ways[row.over] ?? "mqtt",
    credential: credentialOf(row.credential),
    application: row.application === null ? undefined : idFrom("application", row.application),
    device: row.device === null ? undefined : idFrom("device", row.device),
    person: row.person === null ? undefined : idFrom("person", row.person),
    beganAt: row.began_at as Instant, // a bigint column of ours, as the next
    // A later platform may have kept a cause that this one does not know.
    ended:
      row.ended_at === null ? undefined : { at: row.ended_at as Instant, cause: causes[row.cause ?? -1] ?? "broken" },
    ...trafficOf(row),
    ...origin,
  };
}

function credentialOf(stored: string): CredentialId {
  const kind = kindOfId(stored);
  if (kind !== "key" && kind !== "token" && kind !== "session") throw new Error("a connection of no credential");
  return stored as CredentialId; // its kind was looked at
}

async function insertLines(unit: Unit, lines: readonly LineRow[]): Promise<void> {
  if (lines.length === 0) return;
  const seal = ({ id, address, transport, client }: LineRow) =>
    unit.scope.seal("connection", id, new TextEncoder().encode(JSON.stringify({ address, transport, client })));
  await unit.query(
    `insert into connection (org, id, over, credential, application, device, person, began_at, ended_at, cause, messages_in,
         messages_out, bytes_in, bytes_out, body)
       select $1, * from unnest($2::uuid[], $3::smallint[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::bigint[],
         $9::bigint[], $10::smallint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bytea[])
     on conflict (org, id) do update set ended_at = excluded.ended_at, cause = excluded.cause,
       messages_in = excluded.messages_in, messages_out = excluded.messages_out, bytes_in = excluded.bytes_in,
       bytes_out = excluded.bytes_out`,
    [
      uuidOf(unit.scope.org),
      lines.map(({ id }) => uuidOf(id)),
      lines.map(({ over }) => wayCode(over)),
      lines.map(({ credential }) => credential),
      lines.map(({ application }) => uuidOr(application)),
      lines.map(({ device }) => uuidOr(device)),
      lines.map(({ person }) => uuidOr(person)),
      lines.map(({ beganAt }) => beganAt),
      ...stateOf(lines),
      lines.map(seal),
    ],
  );
}

async function updateLines(unit: Unit, lines: readonly LineRow[]): Promise<void> {
  if (lines.length === 0) return;
  await unit.query(
    `update connection set ended_at = said.ended_at, cause = said.cause, messages_in = said.messages_in,
         messages_out = said.messages_out, bytes_in = said.bytes_in, bytes_out = said.bytes_out
       from unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
         as said (id, ended_at, cause, messages_in, messages_out, bytes_in, bytes_out)
      where connection.id = said.id`,
    [lines.map(({ id }) => uuidOf(id)), ...stateOf(lines)],
  );
}

const stateOf = (lines: readonly LineRow[]): readonly unknown[] => [
  lines.map(({ ended }) => ended?.at ?? null),
  lines.map(({ ended }) => (ended ? causes.indexOf(ended.cause) : null)),
  lines.map(({ messagesIn }) => messagesIn),
  lines.map(({ messagesOut }) => messagesOut),
  lines.map(({ bytesIn }) => bytesIn),
  lines.map(({ bytesOut }) => bytesOut),
];

async function saveHours(unit: Unit, run: number, hours: readonly HourRow[]): Promise<void> {
  if (hours.length === 0) return;
  await unit.query(
    `insert into usage (org, run, hour, over, credential, application, device, connections, messages_in, messages_out,
         bytes_in, bytes_out, requests, points)
       select $1, $2, * from unnest($3::bigint[], $4::smallint[], $5::text[], $6::uuid[], $7::uuid[], $8::bigint[], $9::bigint[],
         $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])
     on conflict (org, hour, run, over, credential, application, device) do update set connections = excluded.connections,
       messages_in = excluded.messages_in, messages_out = excluded.messages_out, bytes_in = excluded.bytes_in,
       bytes_out = excluded.bytes_out, requests = excluded.requests, points = excluded.points`,
    [
      uuidOf(unit.scope.org),
      run,
      hours.map(({ hour }) => hour),
      hours.map(({ whose }) => wayCode(whose.over)),
      hours.map(({ whose }) => whose.credential),
      hours.map(({ whose }) => uuidOr(whose.application)),
      hours.map(({ whose }) => uuidOr(whose.device)),
      hours.map(({ counts }) => counts.connections),
      hours.map(({ counts }) => counts.messagesIn),
      hours.map(({ counts }) => counts.messagesOut),
      hours.map(({ counts }) => counts.bytesIn),
      hours.map(({ counts }) => counts.bytesOut),
      hours.map(({ counts }) => counts.requests),
      hours.map(({ counts }) => counts.points),
    ],
  );
}

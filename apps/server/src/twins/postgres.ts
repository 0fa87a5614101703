import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { DeviceSeal } from "../telemetry/index.ts";
import type { Document } from "./document.ts";
import { listensBy } from "./ports.ts";
import { newTwin, type Change, type Side, type Twin } from "./twin.ts";

type Row = {
  readonly period: number;
  readonly desired_version: number;
  readonly desired_at: number | null;
  readonly reported_version: number;
  readonly reported_at: number | null;
  readonly body: Uint8Array;
};
type ChangeRow = {
  readonly side: Side;
  readonly version: number;
  readonly period: number;
  readonly at: number;
  readonly body: Uint8Array;
};

/** Changes of each side that are kept. */
const mostChanges = 50;

const columns = "period, desired_version, desired_at, reported_version, reported_at, body";

/** Twins as PostgreSQL keeps them: versions and times can be read, all else is sealed under the key of the device. */
export const twinsIn = (unit: Unit, device: Id<"device">, seal: DeviceSeal) => ({
  async find(): Promise<Twin> {
    const [row] = await unit.query<Row>(`select ${columns} from twin where device = $1`, [uuidOf(device)]);
    return twinOf(device, seal, row);
  },

  /** As `find`, and nobody else changes it before this unit ends, also where there is none yet. */
  async take(): Promise<Twin> {
    await unit.query("select pg_advisory_xact_lock(hashtextextended('twin ' || $1::uuid::text, 0))", [uuidOf(device)]);
    return this.find();
  },

  async save({ desired, reported }: Twin): Promise<void> {
    await unit.query(
      `insert into twin (org, device, ${columns}, listens) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       on conflict (org, device) do update set period = excluded.period, desired_version = excluded.desired_version,
         desired_at = excluded.desired_at, reported_version = excluded.reported_version, reported_at = excluded.reported_at,
         body = excluded.body, listens = excluded.listens`,
      [
        uuidOf(unit.scope.org),
        uuidOf(device),
        seal.period,
        desired.version,
        desired.at ?? null,
        reported.version,
        reported.at ?? null,
        seal.seal(placeOf(device, desired.version, reported.version), [desired.document, reported.document]),
        listensBy(reported.document),
      ],
    );
  },

  async note({ side, version, at, by, patch }: Change): Promise<void> {
    await unit.query(
      "insert into twin_change (org, device, side, version, period, at, body) values ($1, $2, $3, $4, $5, $6, $7)",
      [
        uuidOf(unit.scope.org),
        uuidOf(device),
        side,
        version,
        seal.period,
        at,
        seal.seal(changePlaceOf(device, side, version, at), [by, patch]),
      ],
    );
    await unit.query("delete from twin_change where device = $1 and side = $2 and version <= $3", [
      uuidOf(device),
      side,
      version - mostChanges,
    ]);
  },

  /** Newest first. */
  async changes(): Promise<readonly Change[]> {
    const rows = await unit.query<ChangeRow>(
      `select side, version, period, at, body from twin_change where device = $1 and period = $2
        order by at desc, version desc`,
      [uuidOf(device), seal.period],
    );
    return rows.map(({ side, version, at: time, body }) => {
      const at = time as Instant; // a column of ours
      const [by, patch] = seal.open(changePlaceOf(device, side, version, at), body) as [string, Document]; // `note` sealed it
      return { side, version, at, by, patch };
    });
  },
});

/** Which of these devices, or of all, say that they listen on ports: to whoever has them now. */
export async function listeningIn(
  unit: Unit,
  devices: readonly Id<"device">[] | undefined,
): Promise<ReadonlySet<Id<"device">>> {
  const rows = await unit.query<{ device: string }>(
    `select device from twin t where listens and ($1::uuid[] is null or device = any($1))
      and period = coalesce((select max(p.number) from owner_period p where p.org = t.org and p.device = t.device), 0)`,
    [devices?.map(uuidOf) ?? null],
  );
  return new Set(rows.map(({ device }) => idFrom("device", device)));
}

/** Whose a device was is nobody's business who has it now: his twin begins empty, and its versions go on. */
function twinOf(device: Id<"device">, seal: DeviceSeal, row: Row | undefined): Twin {
  if (!row) return newTwin;
  const { desired_version: wanted, reported_version: said } = row;
  if (row.period !== seal.period) {
    const { desired, reported } = newTwin;
    return { desired: { ...desired, version: wanted }, reported: { ...reported, version: said } };
  }
  const [desired, reported] = seal.open(placeOf(device, wanted, said), row.body) as [Document, Document]; // `save` sealed it
  return {
    desired: { document: desired, version: wanted, at: instantOf(row.desired_at) },
    reported: { document: reported, version: said, at: instantOf(row.reported_at) },
  };
}

const instantOf = (at: number | null): Instant | undefined => (at === null ? undefined : (at as Instant)); // a column of ours

const placeOf = (device: Id<"device">, desired: number, reported: number) => ({
  kind: "twin",
  row: `${device}|${desired}`,
  version: reported,
});

const changePlaceOf = (device: Id<"device">, side: Side, version: number, at: Instant) => ({
  kind: `twin/${side}`,
  row: `${device}|${at}`,
  version,
});

import { unlessBroken } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { commandStates, type CancelReason, type CommandState } from "@holdfast/protocol";
import { reachSql, type Reach } from "../authority/index.ts";
import { listed, type After, type Listed, type Unit } from "../storage/index.ts";
import type { DeviceSeal } from "../telemetry/index.ts";
import { asOf, type Command } from "./command.ts";

type Row = {
  readonly id: string;
  readonly batch: string | null;
  readonly state: number;
  readonly created_at: number;
  readonly expires_at: number;
  readonly sent_at: number | null;
  readonly acknowledged_at: number | null;
  readonly ended_at: number | null;
  readonly version: number;
  readonly body: Uint8Array;
};
type InList = Listed<Command, Id<"command">>;
type Body = Pick<Command, "name" | "body" | "by" | "approvedBy"> & {
  readonly reply?: unknown;
  readonly late?: true;
  readonly reason?: CancelReason;
};

const columns = "id, batch, state, created_at, expires_at, sent_at, acknowledged_at, ended_at, version, body";
/** The first state that is an end. */
const ends = commandStates.indexOf("answered");
const [waiting, sent, expired] = [
  commandStates.indexOf("waiting"),
  commandStates.indexOf("sent"),
  commandStates.indexOf("expired"),
];

/** The commands of one device, as far as its present owner's. */
export const commandsIn = (unit: Unit, device: Id<"device">, seal: DeviceSeal) => ({
  async find(id: Id<"command">): Promise<Command | undefined> {
    return (await this.some("id = $3", [uuidOf(id)]))[0];
  },

  /** As `find`, and nobody else changes it before this unit ends. */
  async take(id: Id<"command">): Promise<Command | undefined> {
    return (await this.some("id = $3 for update", [uuidOf(id)]))[0];
  },

  /** The newest of those whose ids lie between two. */
  async within(range: readonly [string, string]): Promise<Command | undefined> {
    return (await this.some("id between $3 and $4 order by created_at desc limit 1", range))[0];
  },

  /** Oldest first: those that the device has not got. */
  async deliverable(most: number): Promise<readonly Command[]> {
    const rows = await this.rows("state in ($3, $4) and expires_at > $5 order by created_at, id limit $6", [
      waiting,
      sent,
      unit.at,
      most,
    ]);
    // One that was altered keeps the others from nobody.
    return rows.flatMap((row) => unlessBroken(() => commandOf(device, seal, row)) ?? []);
  },

  /** Newest first. */
  async list(state: CommandState | undefined, after: After | undefined, most: number): Promise<readonly InList[]> {
    return this.listed(
      `($3::int is null or ${stateNow("$4")} = $3) and ($5::bigint is null or (created_at, id) < ($5, $6::uuid))
        order by created_at desc, id desc limit $7`,
      [state ? commandStates.indexOf(state) : null, unit.at, after?.at ?? null, after?.id ?? null, most],
    );
  },

  async countOpen(): Promise<number> {
    const [row] = await unit.query<{ count: number }>(
      "select count(*) from command where device = $1 and period = $2 and state < $3 and expires_at > $4",
      [uuidOf(device), seal.period, ends, unit.at],
    );
    return row?.count ?? 0;
  },

  /** Each as it is by now. */
  async listed(where: string, values: readonly unknown[]): Promise<readonly InList[]> {
    return (await this.rows(where, values)).map((row) =>
      listed(idFrom("command", row.id), row.created_at, () => asOf(commandOf(device, seal, row), unit.at)),
    );
  },

  async listedOne(id: Id<"command">): Promise<InList | undefined> {
    return (await this.listed("id = $3", [uuidOf(id)]))[0];
  },

  async some(where: string, values: readonly unknown[]): Promise<readonly Command[]> {
    return (await this.rows(where, values)).map((row) => commandOf(device, seal, row));
  },

  async rows(where: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const text = `select ${columns} from command where device = $1 and period = $2 and ${where}`;
    return unit.query<Row>(text, [uuidOf(device), seal.period, ...values]);
  },

  async save(command: Command): Promise<void> {
    await saveCommands(unit, [{ command, seal }]);
  },
});

type Sealed = { readonly command: Command; readonly seal: DeviceSeal };
/** So many at once: of the largest bodies 4 MiB, so that others have their turn between them. */
const mostRows = 256;

/** Of one device or of many. */
export async function saveCommands(unit: Unit, all: readonly Sealed[]): Promise<void> {
  for (let at = 0; at < all.length; at += mostRows) await savePart(unit, all.slice(at, at + mostRows));
}

async function savePart(unit: Unit, all: readonly Sealed[]): Promise<void> {
  const column = <T>(of: (command: Command, seal: DeviceSeal) => T) =>
    all.map(({ command, seal }) => of(command, seal));
  await unit.query(
    `insert into command (org, device, period, ${columns})
       select $1, * from unnest($2::uuid[], $3::int[], $4::uuid[], $5::uuid[], $6::smallint[], $7::bigint[], $8::bigint[], $9::bigint[],
         $10::bigint[], $11::bigint[], $12::int[], $13::bytea[])
     on conflict (org, id) do update set state = excluded.state, sent_at = excluded.sent_at,
       acknowledged_at = excluded.acknowledged_at, ended_at = excluded.ended_at, version = excluded.version, body = excluded.body`,
    [
      uuidOf(unit.scope.org),
      column(({ device }) => uuidOf(device)),
      column((_, seal) => seal.period),
      column(({ id }) => uuidOf(id)),
      column(({ batch }) => (batch ? uuidOf(batch) : null)),
      column(({ state }) => commandStates.indexOf(state)),
      column(({ createdAt }) => createdAt),
      column(({ expiresAt }) => expiresAt),
      column((command) => timeIn(command, "sentAt")),
      column((command) => timeIn(command, "acknowledgedAt")),
      column((command) => timeIn(command, "endedAt")),
      column(({ version }) => version),
      column((command, seal) => seal.seal(placeOf(command.device, command), bodyOf(command))),
    ],
  );
}

const timeIn = (command: Command, field: "sentAt" | "acknowledgedAt" | "endedAt"): number | null =>
  field in command ? ((command as Partial<Record<typeof field, Instant>>)[field] ?? null) : null; // the field is there

function bodyOf(command: Command): Body {
  const { name, body, by, approvedBy } = command;
  return {
    name,
    body,
    by,
    ...(approvedBy && { approvedBy }),
    ...("reply" in command && { reply: command.reply, ...(command.late && { late: true as const }) }),
    ...(command.state === "cancelled" && command.reason && { reason: command.reason }),
  };
}

/** Bound to all of its row, so that nothing of it can be altered by itself: not how far it is, and not until when it holds. */
const placeOf = (
  device: Id<"device">,
  { id, state, createdAt, expiresAt, version }: Pick<Command, "id" | "state" | "createdAt" | "expiresAt" | "version">,
) => ({ kind: "command", row: [id, device, state, createdAt, expiresAt].join("|"), version });

function commandOf(device: Id<"device">, seal: DeviceSeal, row: Row): Command {
  const place = {
    id: idFrom("command", row.id),
    state: commandStates[row.state] ?? "cancelled", // a column of ours
    createdAt: row.created_at as Instant,
    expiresAt: row.expires_at as Instant,
    version: row.version,
  };
  const body = seal.open(placeOf(device, place), row.body) as Body; // `save` sealed it
  const times = {
    ...(row.sent_at !== null && { sentAt: row.sent_at as Instant }),
    ...(row.acknowledged_at !== null && { acknowledgedAt: row.acknowledged_at as Instant }),
    ...(row.ended_at !== null && { endedAt: row.ended_at as Instant }),
  };
  const batch = row.batch === null ? undefined : idFrom("commandBatch", row.batch);
  return { ...place, device, batch, ...body, body: body.body, ...times } as Command; // `save` wrote a row of that state
}

/** As `asOf` has it. */
const stateNow = (now: string): string =>
  `case when state < ${ends} and expires_at <= ${now} then ${expired} else state end`;

/** What a tag or a product was sent. */
export type Batch = {
  readonly id: Id<"commandBatch">;
  readonly name: string;
  readonly by: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
};

export const batchesIn = (unit: Unit) => ({
  async find(id: Id<"commandBatch">): Promise<Batch | undefined> {
    const [row] = await unit.query<{ created_at: number; expires_at: number; body: Uint8Array }>(
      "select created_at, expires_at, body from command_batch where id = $1",
      [uuidOf(id)],
    );
    if (!row) return undefined;
    const times = { createdAt: row.created_at as Instant, expiresAt: row.expires_at as Instant };
    const text = new TextDecoder().decode(unit.scope.open("command-batch", batchRow({ id, ...times }), row.body));
    return { ...(JSON.parse(text) as Pick<Batch, "name" | "by">), id, ...times }; // `add` sealed it
  },

  async add({ name, by, ...place }: Batch): Promise<void> {
    const body = new TextEncoder().encode(JSON.stringify({ name, by }));
    await unit.query("insert into command_batch (org, id, created_at, expires_at, body) values ($1, $2, $3, $4, $5)", [
      uuidOf(unit.scope.org),
      uuidOf(place.id),
      place.createdAt,
      place.expiresAt,
      unit.scope.seal("command-batch", batchRow(place), body),
    ]);
  },

  /** Over the devices within reach. */
  async counts(id: Id<"commandBatch">, reach: Reach<"command.read">): Promise<Readonly<Record<CommandState, number>>> {
    const within = reachSql(reach, "device", 3);
    const rows = await unit.query<{ now: number; count: number }>(
      `select ${stateNow("$2")} as now, count(*) from command
        where batch = $1 and device in (select id from device where ${within.text}) group by now`,
      [uuidOf(id), unit.at, ...within.values],
    );
    const counts = Object.fromEntries(commandStates.map((state) => [state, 0])) as Record<CommandState, number>; // each has one
    for (const { now, count } of rows) {
      const state = commandStates[now];
      if (state) counts[state] += count;
    }
    return counts;
  },

  /** In the order in which they stand in the batch: device and command, of those within reach that have not become somebody else's. */
  async list(
    id: Id<"commandBatch">,
    reach: Reach<"command.read">,
    { state, after, most }: { state: CommandState | undefined; after: After | undefined; most: number },
  ): Promise<readonly { readonly device: Id<"device">; readonly command: Id<"command"> }[]> {
    const within = reachSql(reach, "device", 7);
    const rows = await unit.query<{ id: string; device: string }>(
      `select id, device from command c
        where batch = $1 and ($2::int is null or ${stateNow("$3")} = $2) and ($4::bigint is null or (created_at, id) > ($4, $5::uuid))
          and device in (select id from device where ${within.text})
          and period = coalesce((select max(p.number) from owner_period p where p.org = c.org and p.device = c.device), 0)
        order by created_at, id limit $6`,
      [
        uuidOf(id),
        state ? commandStates.indexOf(state) : null,
        unit.at,
        after?.at ?? null,
        after?.id ?? null,
        most,
        ...within.values,
      ],
    );
    return rows.map((row) => ({ device: idFrom("device", row.device), command: idFrom("command", row.id) }));
  },
});

const batchRow = ({ id, createdAt, expiresAt }: Pick<Batch, "id" | "createdAt" | "expiresAt">): string =>
  [id, createdAt, expiresAt].join("|");

/** What is looked after whoever's it is. */
export const careIn = (unit: Unit) => ({
  /** Those that have expired by now, and that nobody has written down as such. */
  async due(most: number): Promise<readonly { readonly device: Id<"device">; readonly command: Id<"command"> }[]> {
    const rows = await unit.query<{ id: string; device: string }>(
      "select id, device from command where state < $1 and expires_at <= $2 order by expires_at limit $3",
      [ends, unit.at, most],
    );
    return rows.map((row) => ({ device: idFrom("device", row.device), command: idFrom("command", row.id) }));
  },

  /** Of whichever period, in the order in which the courier takes them. What has expired is written down by a round, in another order. */
  async openOf(device: Id<"device">, now: Instant): Promise<readonly Id<"command">[]> {
    const rows = await unit.query<{ id: string }>(
      "select id from command where device = $1 and state < $2 and expires_at > $3 order by created_at, id",
      [uuidOf(device), ends, now],
    );
    return rows.map(({ id }) => idFrom("command", id));
  },

  /** What belongs to a period that is over is found by nobody, and goes. */
  async remove(id: Id<"command">): Promise<void> {
    await unit.query("delete from command where id = $1", [uuidOf(id)]);
  },

  async removeEndedBefore(before: number): Promise<void> {
    await unit.query("delete from command where ended_at <= $1", [before]);
    await unit.query(
      `delete from command_batch b where expires_at <= $1 and not exists (select from command c where c.batch = b.id)`,
      [before],
    );
  },

  /** Of these devices, each in the period of its present owner, one that has as many open commands as it may. */
  async fullOf(
    devices: readonly Id<"device">[],
    periods: readonly number[],
    most: number,
  ): Promise<Id<"device"> | undefined> {
    const [row] = await unit.query<{ device: string }>(
      `select device from command join unnest($1::uuid[], $2::int[]) as present (device, period) using (device, period)
        where state < $3 and expires_at > $4 group by device having count(*) >= $5 limit 1`,
      [devices.map(uuidOf), periods, ends, unit.at, most],
    );
    return row && idFrom("device", row.device);
  },
});

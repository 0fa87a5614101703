import pg from "pg";
import { systemRandom, uuidOf, type Id } from "@holdfast/kernel";
import { Permit } from "../../apps/server/src/authority/permit.ts";
import type { Login } from "../../apps/server/src/storage/index.ts";
import { Compaction } from "../../apps/server/src/telemetry/compaction.ts";
import type { Place } from "../ingest/place.ts";

/** What one device measured: a walk in steps of 0.01, or doubles of all digits, every so many milliseconds, up to 4 ms early or late. */
export type History = {
  readonly device: Id<"device">;
  readonly attribute: string;
  readonly start: number;
  readonly count: number;
  readonly period: number;
  readonly digits: "two" | "all";
};

/** For whoever asks as the platform: whether somebody may is tried elsewhere. */
export const permitOf = ({ space }: Place, device: Id<"device">): Permit<"telemetry.read"> =>
  new Permit(
    { actor: { kind: "platform" }, askAgain: () => undefined, user: undefined, attributesOf: () => undefined },
    "telemetry.read",
    device,
    space.scope,
  );

/** Into chunks, by the code that writes them otherwise; not through the log, which is measured for itself. */
export async function keepHistory(place: Place, history: History): Promise<void> {
  const { storage, keys } = place.asking;
  const compaction = new Compaction({ storage, keys, random: systemRandom, report: () => undefined });
  const known = await place.telemetry.seriesOf(permitOf(place, history.device));
  const series = known.seriesOf(history.attribute, "number");
  let state = 7 + history.count;
  const below = (most: number) =>
    Math.floor(((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32) * most);
  let steps = 2_000;
  for (let at = 0; at < history.count; at++) {
    steps += below(7) - 3;
    const value = history.digits === "two" ? steps / 100 : steps / 100 + below(2 ** 30) / 2 ** 37;
    const jitter = history.period > 10 ? below(9) - 4 : 0;
    series.buffer.push(history.start + at * history.period + jitter, value, 1);
    // What was committed together stays together: all of it has one position, so it is written as a whole.
    if (series.buffer.count === 16_384) await compaction.of([series]);
  }
  await compaction.of([series]);
  series.isNewestOfAll = true;
}

/** The same shape as plain rows, made by PostgreSQL itself; the key is built afterwards, which packs it as densely as can be. */
export async function keepRows(login: Login, histories: readonly History[]): Promise<void> {
  await withClient(login, async (client) => {
    await client.query("set synchronous_commit = off");
    await client.query("set maintenance_work_mem = '512MB'");
    await client.query("drop table if exists history");
    await client.query(
      "create table history (device uuid not null, attribute text not null, time timestamptz not null, value double precision not null)",
    );
    for (const { device, attribute, start, count, period } of histories) {
      await client.query(
        `insert into history select $1::uuid, $2, to_timestamp(($3::float8 + n * $4::float8 + floor(random() * 9) - 4) / 1000.0),
                round((20 + 5 * sin(n / 1000.0) + random())::numeric, 2)::float8
           from generate_series(0, $5::int - 1) n`,
        [uuidOf(device), attribute, start, period, count],
      );
    }
    await client.query("alter table history add primary key (device, attribute, time)");
    await client.query("vacuum analyze history");
    await client.query("checkpoint");
  });
}

export async function withClient<T>(login: Login, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { tls: _, ...config } = login;
  const client = new pg.Client(config);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

import { monitorEventLoopDelay } from "node:perf_hooks";
import { uuidOf, type Instant } from "@holdfast/kernel";
import { ndjson } from "../../apps/server/src/telemetry/point-lines.ts";
import { TelemetryQueries } from "../../apps/server/src/telemetry/query.ts";
import { Questions, type Question } from "../../apps/server/src/telemetry/questions.ts";
import { costOf, median, type Cost } from "../ingest/cost.ts";
import type { Place } from "../ingest/place.ts";
import type { Result } from "../result.ts";
import { permitOf, withClient, type History } from "./history.ts";
import { besideInflux, type Influx } from "./influx.ts";

const day = 86_400_000;
const rounds = 5;

type Row = Result["rows"][number];
type Pair = {
  readonly goal: number | undefined;
  readonly turns?: number;
  readonly ours: () => Promise<unknown>;
  readonly theirs: () => Promise<unknown>;
  /** InfluxDB's, and what is to be reached beside it. */
  readonly influx?: { readonly goal: number | undefined; readonly work: (peer: Influx) => Promise<unknown> };
};

/** Questions about histories, beside the same of plain rows and of InfluxDB; and what has no peer. */
export async function readRows(
  place: Place,
  { slow, second, range }: { slow: readonly History[]; second: History; range: { from: Instant; to: Instant } },
  influx: Influx | undefined,
): Promise<{ rows: Row[]; notes: string[] }> {
  const questions = new Questions(place.asking);
  const queries = new TelemetryQueries(place.asking);
  const permits = (histories: readonly History[]) => histories.map(({ device }) => permitOf(place, device));
  const ask = (histories: readonly History[], question: Partial<Question>) =>
    questions.answer(permits(histories), {
      attributes: histories.slice(0, 1).map(({ attribute }) => attribute),
      fill: "none",
      by: "device",
      ...range,
      ...question,
    });
  const lastDay = { from: (range.to - day) as Instant, to: range.to };
  const hourly = { every: { unit: "millisecond", count: 3_600_000 } } as const;
  const permit = permitOf(place, second.device);
  return withClient(place.peers, async (client) => {
    const hours = (of: readonly History[]) =>
      client.query(
        `select device, date_trunc('hour', time) as hour, avg(value) from history
          where device = any($1::uuid[]) and attribute = 'temperature' and time >= $2 and time < $3 group by 1, 2 order by 1, 2`,
        [of.map(({ device }) => uuidOf(device)), new Date(range.from), new Date(range.to)],
      );
    const devicesOf = (of: readonly History[]) => of.map(({ device }) => device);
    const pairs: Readonly<Record<string, Pair>> = {
      "24 h at 1 Hz to lines of JSON": {
        goal: 10,
        ours: async () => {
          let bytes = 0;
          for (const one of await questions.readable([permit], ["fast"]))
            for await (const part of questions.points(one, lastDay))
              if ("type" in part) bytes += ndjson.of(second.device, "fast", part).length;
          return bytes;
        },
        theirs: async () => {
          const { rows } = await client.query<{ device: string; attribute: string; time: Date; value: number }>(
            "select device, attribute, time, value from history where device = $1 and attribute = $2 and time >= $3 and time < $4 order by time",
            [uuidOf(second.device), "fast", new Date(lastDay.from), new Date(lastDay.to)],
          );
          return rows.reduce((sum, row) => sum + JSON.stringify(row).length + 1, 0);
        },
      },
      "24 h at 1 Hz to objects, as a page of the API, and to JSON": {
        goal: undefined,
        ours: async () => {
          const asked = { attribute: "fast", ...lastDay, limit: 100_000, cursor: undefined };
          return JSON.stringify((await queries.points(permit, asked)).items).length;
        },
        theirs: async () => {
          const { rows } = await client.query<{ time: Date; value: number }>(
            "select time, value from history where device = $1 and attribute = $2 and time >= $3 and time < $4 order by time",
            [uuidOf(second.device), "fast", new Date(lastDay.from), new Date(lastDay.to)],
          );
          return JSON.stringify(rows).length;
        },
      },
      "hourly mean of 30 days, one device": {
        goal: 20,
        ours: () => ask(slow.slice(3, 4), hourly),
        theirs: () => hours(slow.slice(3, 4)),
        influx: {
          goal: undefined,
          work: (peer) => peer.hours(devicesOf(slow.slice(3, 4)), range),
        },
      },
      "hourly mean of 30 days, a hundred devices": {
        goal: 10,
        turns: 3,
        ours: () => ask(slow, hourly),
        theirs: () => hours(slow),
        influx: { goal: 5, work: (peer) => peer.hours(devicesOf(slow), range) },
      },
    };
    const rows: Row[] = [];
    for (const [of, { goal, turns = rounds, ours, theirs, influx: other }] of Object.entries(pairs)) {
      const costs: [Cost<unknown>[], Cost<unknown>[], Cost<unknown>[]] = [[], [], []];
      const works = [ours, theirs, ...(influx && other ? [() => other.work(influx)] : [])];
      // The first of each is not counted: what is loaded once for a series is loaded, and PostgreSQL has its pages.
      for (let round = 0; round <= turns; round++) {
        for (const [side, work] of works.entries()) {
          const cost = await costOf<unknown>(place.pidFile, work);
          if (round > 0) costs[side]?.push(cost);
        }
      }
      const took = ([mine, peers]: readonly (readonly Cost<unknown>[])[]) => ({
        found: millisecondsOf(mine),
        rows: millisecondsOf(peers),
        ratio: millisecondsOf(peers) / millisecondsOf(mine),
        ...(goal && { goal: `≥ ${goal} ×` }),
        "CPU ms": cpuOf(mine),
        "rows' CPU ms": cpuOf(peers),
        "ratio of CPU": cpuOf(peers) / cpuOf(mine),
      });
      const peer = millisecondsOf(costs[2]);
      const beside = costs[2].length > 0 && besideInflux(peer, peer / millisecondsOf(costs[0]), other?.goal);
      rows.push({ of: `${of}, ms`, ...took(costs), ...beside });
    }
    const alone = async (of: string, goal: string, work: () => Promise<unknown>): Promise<void> => {
      await work();
      const stall = monitorEventLoopDelay({ resolution: 1 });
      stall.enable();
      const costs: Cost<unknown>[] = [];
      for (let round = 0; round < rounds; round++) costs.push(await costOf(place.pidFile, work));
      stall.disable();
      rows.push({
        of,
        found: millisecondsOf(costs),
        ...(goal && { goal }),
        "CPU ms": cpuOf(costs),
        "longest stall, ms": stall.max / 1e6,
      });
    };
    await alone("a chart of a month at 1 Hz (2.6 million points), 1,000 pixels, ms", "< 150", () =>
      ask([second], { width: 1_000 }),
    );
    await alone("p95 of each day of that month, every point decoded by threads, ms", "", () =>
      ask([second], { every: { unit: "day", count: 1 }, aggregates: ["p95"] }),
    );
    return {
      rows,
      notes: [
        `Medians of ${rounds} turns each (three of the hundred devices), in alternation, in this process: rows over one connection of pg, whose parsing is part of them. A stall is the longest time in which nothing else had a turn, of the same turns.`,
      ],
    };
  });
}

const millisecondsOf = (costs: readonly Cost<unknown>[] = []): number =>
  1_000 * median(costs.map(({ seconds }) => seconds));

/** Of both processes. proc(5) counts the database's in steps of 10 ms, so it is that of all turns together. */
const cpuOf = (costs: readonly Cost<unknown>[] = []): number =>
  (1_000 * costs.reduce((sum, { cpu }) => sum + cpu.ours + cpu.database, 0)) / costs.length;

import { monitorEventLoopDelay } from "node:perf_hooks";
import { systemClock, uuidOf, type Instant } from "@holdfast/kernel";
import { ndjson } from "../apps/server/src/telemetry/point-lines.ts";
import { TelemetryQueries } from "../apps/server/src/telemetry/query.ts";
import { Questions, type Question } from "../apps/server/src/telemetry/questions.ts";
import { costOf, median, type Cost } from "./ingest/cost.ts";
import { acknowledge, ingest } from "./ingest/ours.ts";
import { openPlace, type Place } from "./ingest/place.ts";
import { Readings } from "./ingest/readings.ts";
import { Rows } from "./ingest/rows.ts";
import { sizesOf } from "./ingest/size.ts";
import { busy, paced } from "./telemetry/load.ts";
import { joining } from "./telemetry/joining.ts";
import { keepHistory, keepRows, permitOf, withClient, type History } from "./telemetry/history.ts";
import type { Result } from "./result.ts";

const day = 86_400_000;
const devices = 100;
const month = 30 * day;
const rounds = 5;

type Row = Result["rows"][number];
type Pair = {
  readonly goal: number | undefined;
  readonly turns?: number;
  readonly ours: () => Promise<unknown>;
  readonly theirs: () => Promise<unknown>;
};

/** What was measured, asked for: histories beside plain rows in the same PostgreSQL, bytes, and what questions do to ingest. */
export async function run(): Promise<Result> {
  const place = await openPlace(devices + 32);
  const notes: string[] = [];
  try {
    const ingested = await ingestRows(place);
    const end = Math.floor(systemClock.now() / day) * day;
    const range = { from: (end - month) as Instant, to: end as Instant }; // whole days
    const slow = place.devices.slice(0, devices).map((device): History => ({
      device,
      attribute: "temperature",
      start: range.from + 5,
      count: month / 10_000,
      period: 10_000,
      digits: "two",
    }));
    const [dense] = place.devices.slice(devices);
    if (!dense) throw new Error("there is a device more");
    const second: History = {
      device: dense,
      attribute: "fast",
      start: range.from + 5,
      count: month / 1_000,
      period: 1_000,
      digits: "two",
    };
    const made = performance.now();
    const two = await growth(place, async () => {
      for (const one of slow) await keepHistory(place, one);
    });
    await keepHistory(place, second);
    const full = await growth(place, async () => {
      for (const device of place.devices.slice(devices + 1, devices + 11))
        await keepHistory(place, { ...second, device, attribute: "full", count: 100_000, digits: "all" });
    });
    const oursMade = (performance.now() - made) / 1_000;
    await keepRows(place.peers, [...slow, { ...second, start: end - day, count: 86_400 }]);
    notes.push(
      `${((slow.length * month) / 10_000).toLocaleString("en")} points of ${devices} devices over thirty days, two decimals every 10 s ± 4 ms, and one device at 1 Hz: made once, ours in ${oursMade.toFixed(0)} s, the rows in ${((performance.now() - made) / 1_000 - oursMade).toFixed(0)} s.`,
    );
    const reading = await readRows(place, { slow, second, range });
    const late = await joining(place, place.devices.slice(devices + 12));
    const load = await loadRows(place, range);
    notes.push(...reading.notes, ...load.notes);
    notes.push(
      `${late.points.toLocaleString("en")} points that came late: ${late.left.chunks} chunks joined to ${late.joined.chunks} in ${Math.round(late.milliseconds)} ms.`,
    );
    notes.push("InfluxDB: not among the packages of this machine, so not measured.");
    const sizes: Row[] = [
      { of: "bytes a point, two decimals, jittered times", found: two, goal: "≤ 2.0" },
      { of: "bytes a point, doubles of all digits", found: full, goal: "≤ 8" },
      { of: "bytes a point that came late, as the flushes left it", found: late.left.bytes },
      { of: "the same once it is joined", found: late.joined.bytes, goal: "≤ 2.0" },
    ];
    return { name: "telemetry", rows: [...ingested, ...sizes, ...reading.rows, ...load.rows], notes };
  } finally {
    await place.close();
  }
}

/** Bytes of tables, TOAST and indexes for each point that some work adds. */
async function growth(place: Place, work: () => Promise<void>): Promise<number> {
  const kept = ["chunks: table", "chunks: TOAST", "chunks: primary key", "series with indexes"];
  const sizes = async () => {
    const { points, parts } = await sizesOf(place.ours);
    return { points, bytes: parts.reduce((sum, { name, bytes }) => sum + (kept.includes(name) ? bytes : 0), 0) };
  };
  const before = await sizes();
  await work();
  const after = await sizes();
  return (after.bytes - before.bytes) / (after.points - before.points);
}

/** As in the benchmark `ingest`, in three turns: ten readings a message. */
async function ingestRows(place: Place): Promise<Row[]> {
  const rows = await Rows.open(place.peers, 1);
  try {
    await rows.makeTable();
    const source = new Readings(place.devices.slice(0, devices));
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < 3; turn++) {
      const measured = source.next(300, 10);
      const points = devices * 3_000;
      const bodies = source.bodies(measured);
      const texts = source.copyTexts(measured, 1_000);
      ours.push(points / (await costOf(place.pidFile, () => ingest(place, bodies, 16))).seconds);
      theirs.push(points / (await costOf(place.pidFile, () => rows.copy(texts, 1))).seconds);
    }
    await rows.empty();
    return [
      {
        of: "durable sealed ingest, points a second, beside COPY of 1,000 a commit",
        found: Math.round(median(ours)),
        rows: Math.round(median(theirs)),
        ratio: median(ours) / median(theirs),
        goal: "≥ 3 ×",
      },
    ];
  } finally {
    await rows.close();
  }
}

async function readRows(
  place: Place,
  { slow, second, range }: { slow: readonly History[]; second: History; range: { from: Instant; to: Instant } },
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
    const pairs = {
      "24 h at 1 Hz to lines of JSON": {
        goal: 10,
        ours: async () => {
          let bytes = 0;
          for (const one of await questions.readable([permit], ["fast"]))
            for await (const part of questions.reader(one, { ...lastDay, rollUpSince: Infinity }).parts())
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
      },
      "hourly mean of 30 days, a hundred devices": {
        goal: 10,
        turns: 3,
        ours: () => ask(slow, hourly),
        theirs: () => hours(slow),
      },
    };
    const rows: Row[] = [];
    for (const [of, { goal, turns = rounds, ours, theirs }] of Object.entries<Pair>(pairs)) {
      const costs: [Cost<unknown>[], Cost<unknown>[]] = [[], []];
      // The first of each is not counted: what is loaded once for a series is loaded, and PostgreSQL has its pages.
      for (let round = 0; round <= turns; round++) {
        for (const [side, work] of [ours, theirs].entries()) {
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
      rows.push({ of: `${of}, ms`, ...took(costs) });
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

/** Acknowledgements at three tenths of what there could be, alone and beside a large export and compaction. */
async function loadRows(
  place: Place,
  range: { from: Instant; to: Instant },
): Promise<{ rows: Row[]; notes: string[] }> {
  await acknowledge(place, 500);
  const most = await acknowledge(place, 1_500);
  const perSecond = Math.round((most.acks / 1.5) * 0.3);
  const [alone, beside]: [number[], number[]] = [[], []];
  let bytes = 0;
  let compactions = 0;
  for (let turn = 0; turn < 5; turn++) {
    await place.telemetry.compact();
    alone.push((await paced(place, { perSecond, milliseconds: 2_000 })).p99);
    const work = busy(place, range);
    beside.push((await paced(place, { perSecond, milliseconds: 2_000 })).p99);
    await work.stop();
    bytes += work.state.bytes;
    compactions += work.state.compactions;
  }
  const ratio = median(beside) / median(alone);
  return {
    rows: [
      {
        of: "p99 of ingest at 30 % load beside an export and compaction, ms, and alone",
        found: median(beside),
        rows: median(alone),
        ratio,
        goal: "≤ 1.5 ×",
      },
    ],
    notes: [
      `At 30 % load: ${perSecond.toLocaleString("en")} readings a second, each a message; medians of five turns of 2 s each, in alternation; beside them ${Math.round(bytes / 1e7).toLocaleString("en")} MB a second were exported as lines of JSON and compaction ran ${compactions} times. Late readings count from when they were due.`,
    ],
  };
}

import { systemClock, type Instant } from "@holdfast/kernel";
import { costOf, median } from "./ingest/cost.ts";
import { acknowledge, ingest } from "./ingest/ours.ts";
import { openPlace, type Place } from "./ingest/place.ts";
import { Readings } from "./ingest/readings.ts";
import { Rows } from "./ingest/rows.ts";
import { sizesOf } from "./ingest/size.ts";
import { busy, paced } from "./telemetry/load.ts";
import { readRows } from "./telemetry/asked.ts";
import { besideInflux, Influx, linesOfReadings } from "./telemetry/influx.ts";
import { joining } from "./telemetry/joining.ts";
import { keepHistory, keepRows, type History } from "./telemetry/history.ts";
import type { Result } from "./result.ts";

const day = 86_400_000;
const devices = 100;
const month = 30 * day;

type Row = Result["rows"][number];
/** What was measured, asked for: histories beside plain rows in the same PostgreSQL, bytes, and what questions do to ingest. */
export async function run(): Promise<Result> {
  const place = await openPlace(devices + 32);
  const notes: string[] = [];
  const influx = await Influx.open(place.folder);
  try {
    const ingested = await ingestRows(place, influx);
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
    await influx?.keep(slow);
    const reading = await readRows(place, { slow, second, range }, influx);
    const late = await joining(place, place.devices.slice(devices + 12));
    const load = await loadRows(place, range);
    notes.push(...reading.notes, ...load.notes);
    notes.push(
      `${late.points.toLocaleString("en")} points that came late: ${late.left.chunks} chunks joined to ${late.joined.chunks} in ${Math.round(late.milliseconds)} ms.`,
    );
    notes.push(
      influx
        ? `InfluxDB ${influx.version}, wal-fsync-delay 0: 5,000 points a request over four connections; the same points, and questions over HTTP.`
        : "InfluxDB: no influxd on this machine, so not measured (Debian's package influxdb).",
    );
    const sizes: Row[] = [
      { of: "bytes a point, two decimals, jittered times", found: two, goal: "≤ 2.0" },
      { of: "bytes a point, doubles of all digits", found: full, goal: "≤ 8" },
      { of: "bytes a point that came late, as the flushes left it", found: late.left.bytes },
      { of: "the same once it is joined", found: late.joined.bytes, goal: "≤ 2.0" },
    ];
    return { name: "telemetry", rows: [...ingested, ...sizes, ...reading.rows, ...load.rows], notes };
  } finally {
    await influx?.close();
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
async function ingestRows(place: Place, influx: Influx | undefined): Promise<Row[]> {
  const rows = await Rows.open(place.peers, 1);
  try {
    await rows.makeTable();
    const source = new Readings(place.devices.slice(0, devices));
    const [ours, theirs, others]: [number[], number[], number[]] = [[], [], []];
    for (let turn = 0; turn < 3; turn++) {
      const measured = source.next(300, 10);
      const points = devices * 3_000;
      const bodies = source.bodies(measured);
      const texts = source.copyTexts(measured, 1_000);
      ours.push(points / (await costOf(place.pidFile, () => ingest(place, bodies, 16))).seconds);
      theirs.push(points / (await costOf(place.pidFile, () => rows.copy(texts, 1))).seconds);
      if (!influx) continue;
      const lines = linesOfReadings(place.devices.slice(0, devices), measured);
      others.push(points / (await costOf(place.pidFile, () => influx.write(lines))).seconds);
    }
    await rows.empty();
    return [
      {
        of: "durable sealed ingest, points a second, beside COPY of 1,000 a commit",
        found: Math.round(median(ours)),
        rows: Math.round(median(theirs)),
        ratio: median(ours) / median(theirs),
        goal: "≥ 3 ×",
        ...(influx && besideInflux(Math.round(median(others)), median(ours) / median(others), 2)),
      },
    ];
  } finally {
    await rows.close();
  }
}

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

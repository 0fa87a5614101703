import { costOf, flushTime, median, quantile, type Cost } from "./ingest/cost.ts";
import { acknowledge, ingest, type Acknowledged } from "./ingest/ours.ts";
import { openPlace, type Place } from "./ingest/place.ts";
import { Readings } from "./ingest/readings.ts";
import { Rows } from "./ingest/rows.ts";
import { sizesOf, walBytes } from "./ingest/size.ts";
import type { Result } from "./result.ts";

const rounds = 3;
const devices = 100;
const batches = { messages: 300, readings: 10, window: 16 };
const singles = { messages: 1_200, readings: 1, window: 64 };
const rowsPerCommit = 1_000;
const publishers = 256;
const publishing = 1_000;
const ackRounds = 5;
const connectionChoices = [16, 32, 64, 80];
/** PostgreSQL takes a hundred in all, and the platform has some of them. */
const most = 80;

type Row = Result["rows"][number];
type Measured = Cost<unknown> & { readonly points: number; readonly wal: number };

/** Sealed and durable ingest beside plain rows in the same PostgreSQL: points, acknowledgements, bytes. */
export async function run(): Promise<Result> {
  const place = await openPlace(publishers);
  try {
    const rows = await Rows.open(place.peers, most);
    try {
      await rows.makeTable();
      const bulk = await bulkRows(place, rows);
      const sizes = await sizeRows(place);
      await rows.empty();
      const acks = await ackRows(place, rows);
      return { name: "ingest", rows: [...bulk.rows, ...acks.rows, ...sizes], notes: [...bulk.notes, ...acks.notes] };
    } finally {
      await rows.close();
    }
  } finally {
    await place.close();
  }
}

/** Ours and the peers take turns with the same points, so that whatever else the machine does falls on all of them. */
async function bulkRows(place: Place, rows: Rows): Promise<{ rows: Row[]; notes: string[] }> {
  const source = new Readings(place.devices.slice(0, devices));
  const many: Measured[] = [];
  const one: Measured[] = [];
  const copy: Measured[] = [];
  const copies: Measured[] = [];
  const measure = async (into: Measured[], points: number, work: () => Promise<void>): Promise<void> => {
    const wal = await walBytes(place.ours);
    const cost = await costOf(place.pidFile, work);
    into.push({ ...cost, points, wal: (await walBytes(place.ours)) - wal });
  };
  for (let round = 0; round < rounds; round++) {
    const measured = source.next(batches.messages, batches.readings);
    const points = devices * batches.messages * batches.readings;
    const bodies = source.bodies(measured);
    const texts = source.copyTexts(measured, rowsPerCommit);
    await measure(many, points, () => ingest(place, bodies, batches.window));
    await measure(copy, points, () => rows.copy(texts, 1));

    const further = source.next(singles.messages, singles.readings);
    const furtherPoints = devices * singles.messages * singles.readings;
    const furtherBodies = source.bodies(further);
    const furtherTexts = source.copyTexts(further, rowsPerCommit);
    await measure(one, furtherPoints, () => ingest(place, furtherBodies, singles.window));
    await measure(copies, furtherPoints, () => rows.copy(furtherTexts, 4));
  }
  const peer = pointsPerSecond(copy);
  const row = (of: string, turns: Measured[], extra: Row = {}): Row => ({
    of,
    "a second": Math.round(pointsPerSecond(turns)),
    slowest: Math.round(Math.min(...turns.map(rate))),
    fastest: Math.round(Math.max(...turns.map(rate))),
    "our CPU s/M": median(turns.map(({ cpu, points }) => (cpu.ours / points) * 1e6)),
    "database CPU s/M": median(turns.map(({ cpu, points }) => (cpu.database / points) * 1e6)),
    "WAL bytes a point": median(turns.map(({ wal, points }) => wal / points)),
    ...extra,
  });
  return {
    rows: [
      row("points: COPY, 1,000 a commit, one connection", copy),
      row("points: COPY, 1,000 a commit, four connections", copies, { ratio: pointsPerSecond(copies) / peer }),
      row("points: ours, 10 readings a message", many, { ratio: pointsPerSecond(many) / peer, goal: "≥ 3" }),
      row("points: ours, one reading a message", one, { ratio: pointsPerSecond(one) / peer }),
    ],
    notes: [
      `Points: ${devices} devices, one attribute, values of two decimals every 10 s ± 4 ms with their own times. A message is JSON of ${batches.readings} readings, about ${batches.readings * 54} bytes, and each device has ${batches.window} unacknowledged (${singles.window} with one reading a message); ${(devices * batches.messages * batches.readings).toLocaleString("en")} points a turn (${(devices * singles.messages).toLocaleString("en")}).`,
      "Ours: from the message's bytes to its sealed record on disk, and on to sealed chunks with nothing left in the log's buffers. COPY: a table (device, attribute, time, value) with a primary key of the first three, the text made beforehand.",
      `Medians of ${rounds} turns each, in alternation, ratios to COPY over one connection; all in one embedded PostgreSQL with fsync and synchronous_commit on. CPU seconds are for a million points: of this process, which is the loader too, and of all PostgreSQL processes.`,
    ],
  };
}

const rate = ({ points, seconds }: Measured): number => points / seconds;
const pointsPerSecond = (turns: readonly Measured[]): number => median(turns.map(rate));

async function ackRows(place: Place, rows: Rows): Promise<{ rows: Row[]; notes: string[] }> {
  const ours: Cost<Acknowledged>[] = [];
  const theirs: Cost<Acknowledged>[] = [];
  const flushes: number[] = [];
  let connections = most;
  for (let round = 0; round < ackRounds; round++) {
    flushes.push(flushTime(place.folder));
    ours.push(await costOf(place.pidFile, () => acknowledge(place, publishing)));
    if (round > 0) {
      theirs.push(await costOf(place.pidFile, () => rows.insert(place.devices, connections, publishing)));
      continue;
    }
    const tried: { count: number; cost: Cost<Acknowledged> }[] = [];
    for (const count of connectionChoices) {
      tried.push({ count, cost: await costOf(place.pidFile, () => rows.insert(place.devices, count, publishing)) });
    }
    const [best] = tried.toSorted((a, b) => acksPerSecond(b.cost) - acksPerSecond(a.cost));
    if (best) theirs.push(best.cost);
    connections = best?.count ?? most;
  }
  await place.telemetry.compact();
  const peer = median(theirs.map(acksPerSecond));
  const row = (of: string, turns: Cost<Acknowledged>[], extra: Row = {}): Row => ({
    of,
    "a second": Math.round(median(turns.map(acksPerSecond))),
    slowest: Math.round(Math.min(...turns.map(acksPerSecond))),
    fastest: Math.round(Math.max(...turns.map(acksPerSecond))),
    "our CPU s/M": median(turns.map(({ cpu, result }) => (cpu.ours / result.acks) * 1e6)),
    "database CPU s/M": median(turns.map(({ cpu, result }) => (cpu.database / result.acks) * 1e6)),
    "p50 ms": median(turns.map(({ result }) => quantile(result.milliseconds, 0.5))),
    "p99 ms": median(turns.map(({ result }) => quantile(result.milliseconds, 0.99))),
    ...extra,
  });
  return {
    rows: [
      row("acks: one INSERT a commit", theirs),
      row("acks: ours", ours, { ratio: median(ours.map(acksPerSecond)) / peer, goal: "≥ 20" }),
    ],
    notes: [
      `Acks: ${publishers} publishers, each with one message of one reading without a time outstanding, ${publishing / 1_000} s a turn. INSERT: prepared, over the best of ${connectionChoices.join(", ")} connections, which was ${connections}; medians of ${ackRounds} turns each, in alternation.`,
      `The disk took ${flushes.map((time) => time.toFixed(2)).join(", ")} ms to write 8 KiB before these turns. Ours waits for one such flush and then for its own turn of the processor; the INSERTs, for so many processes, share both.`,
    ],
  };
}

const acksPerSecond = ({ seconds, result }: Cost<Acknowledged>): number => result.acks / seconds;

async function sizeRows(place: Place): Promise<Row[]> {
  const { points, chunks, series, parts } = await sizesOf(place.ours);
  const of = (name: string): number => (parts.find((part) => part.name === name)?.bytes ?? 0) / points;
  const kept = ["chunks: table", "chunks: TOAST", "chunks: primary key", "series with indexes"];
  const total = kept.reduce((sum, name) => sum + of(name), 0);
  const { bytes, points: logged } = place.telemetry.statistics;
  return [
    {
      of: `bytes a point of ${points.toLocaleString("en")} in ${series} series, ${Math.round(points / chunks)} a chunk`,
      "bytes a point": total,
      goal: "≤ 2.5",
    },
    ...kept.map((name) => ({ of: `  ${name}`, "bytes a point": of(name) })),
    ...["sealed points", "sealed rollups"].map((name) => ({ of: `  within them: ${name}`, "bytes a point": of(name) })),
    { of: "  apart: the log's sealed records, until compacted", "bytes a point": bytes / logged },
  ];
}

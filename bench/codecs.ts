import { idFrom, type Instant } from "@holdfast/kernel";
import { parseBody, type BodyKind } from "../apps/server/src/telemetry/body.ts";
import { decodeChunk, encodeChunk } from "../apps/server/src/telemetry/chunk.ts";
import { mergePoints } from "../apps/server/src/telemetry/merge.ts";
import type { NumberPoints } from "../apps/server/src/telemetry/points.ts";
import { readRecord, RecordWriter } from "../apps/server/src/telemetry/record.ts";
import { decodeRollup, encodeRollup, isWorthRollup, rollupOf } from "../apps/server/src/telemetry/rollup.ts";
import { rate } from "./rate.ts";
import type { Result } from "./result.ts";

const start = 1_780_000_000_000 as Instant;
const perChunk = 1_024;

/** Numerical Recipes' linear congruence: the same numbers on every run. */
function noise(seed: number) {
  let state = seed;
  const uniform = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  const bell = (sigma: number) => Math.round(sigma * (Array.from({ length: 12 }, uniform).reduce((a, b) => a + b) - 6));
  return { uniform, bell, late: (mean: number) => Math.round(-Math.log(uniform() + 1e-9) * mean) };
}

function* shapes(): Generator<[string, NumberPoints]> {
  const { uniform, bell, late } = noise(1);
  const series = (time: (at: number) => number, value: (at: number) => number): NumberPoints => ({
    type: "number",
    times: Float64Array.from({ length: perChunk }, (_, at) => time(at)),
    values: Float64Array.from({ length: perChunk }, (_, at) => value(at)),
  });
  const exact = (period: number) => (at: number) => start + at * period;
  const ticking = (period: number) => (at: number) => start + at * period + bell(3);
  const sleeping = (period: number) => {
    let time: number = start;
    return () => (time += period + 1 + late(4));
  };
  const walk = (sigma: number, scale: number) => {
    let steps = 2_150;
    return () => (steps += bell(sigma)) / scale;
  };
  const wave = (at: number) => 21.5 + 5 * Math.sin(at / 200) + bell(20) / 1_000;

  yield ["walk of 0.01, σ 3 steps, exact 1 s", series(exact(1_000), walk(3, 100))];
  yield ["the same, 1 s ± 3 ms", series(ticking(1_000), walk(3, 100))];
  yield ["the same, 10 s ± 3 ms", series(ticking(10_000), walk(3, 100))];
  yield ["the same, 10 s and some ms late each", series(sleeping(10_000), walk(3, 100))];
  yield ["the same, 60 s ± 3 ms", series(ticking(60_000), walk(3, 100))];
  yield ["noise of σ 0.05 about a level, 10 s ± 3 ms", series(ticking(10_000), () => (2_150 + bell(5)) / 100)];
  yield ["steps of 0.0625, 10 s ± 3 ms", series(ticking(10_000), walk(1, 16))];
  yield ["whole numbers, σ 5, 10 s ± 3 ms", series(ticking(10_000), walk(5, 1))];
  yield ["degrees of 6 decimals, 10 s ± 3 ms", series(ticking(10_000), walk(30, 1e6))];
  yield [
    "codes of four kinds, exact 10 s",
    series(exact(10_000), () => [200, 404, 500, 0][Math.floor(uniform() * 4)] ?? 0),
  ];
  yield ["float32, 10 s ± 3 ms", series(ticking(10_000), (at) => Math.fround(wave(at) + uniform()))];
  yield ["float64, 10 s ± 3 ms", series(ticking(10_000), (at) => wave(at) + uniform())];
}

function bodies(): Result["rows"] {
  const one = { temperature: 21.53 };
  const three = { temperature: 21.53, humidity: 48.2, on: true };
  const long = { time: start, values: three };
  const json = (body: unknown) => Buffer.from(JSON.stringify(body));
  const cases: [string, Buffer, number, BodyKind][] = [
    ["one value, JSON", json(one), 1, {}],
    ["three values, JSON", json(three), 3, {}],
    ["time and three values, JSON", json(long), 3, {}],
    [
      "one value, CBOR",
      Buffer.from("a16b74656d7065726174757265fb4035870a3d70a3d7", "hex"),
      1,
      { contentType: "application/cbor" },
    ],
    [
      "one value, SenML",
      json([{ n: "temperature", u: "Cel", v: 21.53 }]),
      1,
      { contentType: "application/senml+json" },
    ],
  ];
  return cases.map(([name, body, values, kind]) => {
    const ours = rate(values, () => parseBody(body, start, kind));
    if (kind.contentType === "application/cbor") return { of: `body: ${name}`, "in M/s": ours };
    const bare = rate(values, () => JSON.parse(body.toString("utf8")));
    return { of: `body: ${name}`, "in M/s": ours, "bare JSON.parse M/s": bare, "times its time": bare / ours };
  });
}

function records(): Result["rows"] {
  const devices = Array.from({ length: 1_000 }, (_, at) => idFrom("device", at.toString(16).padStart(32, "0")));
  const writer = new RecordWriter();
  const write = (values: number) => {
    writer.reset();
    for (const [at, device] of devices.entries()) {
      writer.reading(device, (start + at) as Instant, (start + at - 7) as Instant, "device", values); // whole, as both are
      for (let i = 0; i < values; i++) writer.value(i === 0 ? "temperature" : "humidity", (2_150 + at + i) / 100);
    }
    return writer.finish();
  };
  return [1, 2].map((values) => {
    const record = write(values).slice();
    let seen = 0;
    const read = rate(devices.length * values, () => readRecord(record, () => seen++));
    return {
      of: `log: 1,000 devices, ${values} each`,
      "in M/s": rate(devices.length * values, () => write(values)),
      "out M/s": read,
      "bytes a point": record.length / (devices.length * values),
    };
  });
}

function chunks(): Result["rows"] {
  return [...shapes()].map(([name, points]) => {
    const chunk = encodeChunk(points);
    const rollup = encodeRollup(rollupOf(points));
    return {
      of: `chunk: ${name}`,
      "in M/s": rate(perChunk, () => encodeChunk(points)),
      "out M/s": rate(perChunk, () => decodeChunk(chunk)),
      "bytes a point": chunk.length / perChunk,
      "rollup bytes a point": isWorthRollup(points) ? rollup.length / perChunk : 0,
    };
  });
}

function others(): Result["rows"] {
  const [[, points] = []] = shapes();
  if (!points) return [];
  const rollup = encodeRollup(rollupOf(points));
  const next: NumberPoints = { ...points, times: points.times.map((time) => time + perChunk * 1_000) };
  const across: NumberPoints = { ...points, times: points.times.map((time) => time + 500) };
  return [
    {
      of: "rollup of a chunk",
      "in M/s": rate(perChunk, () => encodeRollup(rollupOf(points))),
      "out M/s": rate(perChunk, () => decodeRollup(rollup)),
    },
    { of: "merge of two chunks in a row", "in M/s": rate(2 * perChunk, () => mergePoints([points, next])) },
    { of: "merge of two chunks point by point", "in M/s": rate(2 * perChunk, () => mergePoints([points, across])) },
  ];
}

/** What readings cost on their way: bodies parsed, log rows written, chunks packed and unpacked. No database, no keys. */
export async function run(): Promise<Result> {
  return {
    name: "codecs",
    rows: [...bodies(), ...records(), ...chunks(), ...others()],
    notes: [
      "Millions of points a second of one core's CPU time, the best of five turns of 40 ms.",
      `Chunks hold ${perChunk} points and are not sealed yet: that adds a nonce and a tag. No rollup is kept where quarter hours have fewer than 32 points.`,
      "Bare JSON.parse takes the same bytes, as a string, and looks at nothing.",
    ],
  };
}

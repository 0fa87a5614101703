import { Refusal, type Instant } from "@holdfast/kernel";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { digitsOf, mostDigits, powerOf } from "./decimals.ts";
import { firstAt, type Points } from "./points.ts";
import { summaryOf, type NumberSummary, type Span, type Summary } from "./summary.ts";
import type { ValueType } from "./value.ts";

/**
 * The quarter hours of a chunk, each with its summary, before it is sealed. A quarter hour that a chunk ends in is continued by the next one's:
 * `mergeSummaries` joins them. From a chunk that overlaps another no rollup may be used, because a point in both would count twice.
 *
 *     rollup    version: 1 byte, 1, of types 3 and 4 2   type: 1 byte, 0 number, 1 boolean, 2 text, 3 location, 4 JSON   quarters: varint ≥ 1
 *               of numbers, shape: 1 byte, 0 to 14 decimal digits, or 32 doubles
 *               quarter, as many as were counted
 *     quarter   index: the first, zigzag varint, quarter hours since 1970; then varint, those left out since the one before
 *               count: zigzag varint, difference to the one before (the first: to 0)
 *               first time: varint, milliseconds after its begin   last time: varint, milliseconds before its last millisecond
 *     number    shape 0…14, all × 10^shape:  first - the last of the quarter before (the first: 0), last - first: zigzag varints
 *                                            lesser of both - min, max - greater of both: varints   sum - count × floor((first + last) / 2): zigzag varint
 *               shape 32: first, last, min, max, sum, 8 bytes each, little-endian
 *     boolean   trues: varint   1 byte: 1 when the first is true, 2 when the last is
 *     location  the first, the last: 1 byte, 1 with an altitude, 2 with an accuracy; latitude, longitude, and these where they are, 8 bytes each
 *     text,     1 byte: 1 when first and last are the same   the first   the last, if another: varint length and UTF-8
 */
export type Rollup = { readonly type: ValueType; readonly quarters: readonly Quarter[] };
export type Quarter = { readonly start: Instant; readonly summary: Summary };

export const quarterHour = 15 * 60_000;

const types: readonly ValueType[] = ["number", "boolean", "text", "location", "json"];
const versionOf = (type: number): number => (type > 2 ? 2 : 1);
const newest = 2;
const areDoubles = 32;
/** A chunk's points lie in no more quarters than it has points. */
const mostQuarters = 8_192;

/** A quarter takes about 14 bytes; with fewer points than this in it, decoding them costs readers less than that costs the disk. */
const leastWorthSumming = 32;

/** Whether to store a rollup beside a chunk of these points, or to have queries decode the chunk. */
export function isWorthRollup(points: Points): boolean {
  const last = points.times.at(-1) ?? 0;
  const quarters = Math.floor(last / quarterHour) - Math.floor((points.times[0] ?? 0) / quarterHour) + 1;
  return points.times.length >= leastWorthSumming * Math.min(quarters, mostQuarters);
}

export function rollupOf(points: Points): Rollup {
  const { times } = points;
  const digits = points.type === "number" ? digitsOf(points.values, points.values.length) : undefined;
  const quarters: Quarter[] = [];
  for (let from = 0; from < times.length;) {
    const start = Math.floor((times[from] ?? 0) / quarterHour) * quarterHour; // from is below length
    const to = firstAt(times, start + quarterHour);
    const summary = summaryOf(points, from, to, digits);
    if (summary) quarters.push({ start: start as Instant, summary }); // whole, as times are
    from = to;
  }
  // digits are written once for all
  if (quarters.every(({ summary }) => summary.type !== "number" || summary.digits !== undefined)) {
    return { type: points.type, quarters };
  }
  return {
    type: points.type,
    quarters: quarters.map(({ start, summary }) => ({
      start,
      summary: summary.type === "number" ? { ...summary, digits: undefined } : summary,
    })),
  };
}

export function encodeRollup({ type, quarters }: Rollup): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(512);
  const kind = types.indexOf(type);
  writer.byte(versionOf(kind));
  writer.byte(kind);
  writer.varint(quarters.length);
  const one = quarters[0]?.summary;
  const digits = one?.type === "number" ? one.digits : undefined;
  if (type === "number") writer.byte(digits ?? areDoubles);
  let index: number | undefined;
  let count = 0;
  let last = 0;
  for (const { start, summary } of quarters) {
    const next = start / quarterHour;
    if (index === undefined) writer.zigzag(next);
    else writer.varint(next - index - 1);
    index = next;
    writer.zigzag(summary.count - count);
    count = summary.count;
    writer.varint(summary.firstTime - start);
    writer.varint(start + quarterHour - 1 - summary.lastTime);
    switch (summary.type) {
      case "number":
        if (digits !== undefined) last = writeUnits(writer, summary, powerOf(digits), last);
        else
          for (const value of [summary.first, summary.last, summary.min, summary.max, summary.sum])
            writer.double(value);
        break;
      case "boolean":
        writer.varint(summary.trues);
        writer.byte((summary.first ? 1 : 0) + (summary.last ? 2 : 0));
        break;
      case "location":
        writer.location(summary.first);
        writer.location(summary.last);
        break;
      case "text":
      case "json":
        writer.byte(summary.first === summary.last ? 1 : 0);
        writer.text(summary.first);
        if (summary.first !== summary.last) writer.text(summary.last);
        break;
    }
  }
  return writer.copy();
}

/** Answers the last value in units, which the next quarter begins near. */
function writeUnits(writer: ByteWriter, summary: NumberSummary, power: number, before: number): number {
  const units = (value: number) => Math.round(value * power);
  const [first, last] = [units(summary.first), units(summary.last)];
  writer.zigzag(first - before);
  writer.zigzag(last - first);
  writer.varint(Math.min(first, last) - units(summary.min));
  writer.varint(units(summary.max) - Math.max(first, last));
  writer.zigzag(units(summary.sum) - summary.count * Math.floor((first + last) / 2));
  return last;
}

/** Refuses `storage.newer` for a later version, `seal.broken` for bytes that are no rollup. */
export function decodeRollup(rollup: Uint8Array): Rollup {
  const reader = new ByteReader(rollup);
  const found = reader.byte();
  if (found === 0) throw new Refusal("seal.broken");
  if (found > newest) throw new Refusal("storage.newer", { detail: `Rollup format ${found} is not known.` });
  const kind = reader.byte();
  const type = types[kind];
  const length = reader.varintUpTo(mostQuarters);
  if (type === undefined || found !== versionOf(kind)) throw new Refusal("seal.broken");
  const shape = type === "number" ? reader.byte() : areDoubles;
  if (shape > mostDigits && shape !== areDoubles) throw new Refusal("seal.broken");

  const quarters: Quarter[] = [];
  const power = shape === areDoubles ? 1 : powerOf(shape);
  let index = 0;
  let count = 0;
  let last = 0;
  for (let at = 0; at < length; at++) {
    index = at === 0 ? reader.zigzag() : index + 1 + reader.varint();
    count += reader.zigzag();
    const start = (index * quarterHour) as Instant; // whole, as index is
    const firstTime = (start + reader.varintUpTo(quarterHour - 1)) as Instant; // likewise
    const lastTime = (start + quarterHour - 1 - reader.varintUpTo(quarterHour - 1)) as Instant; // likewise
    if (count < 1 || lastTime < firstTime) throw new Refusal("seal.broken");
    const span = { count, firstTime, lastTime };
    switch (type) {
      case "number":
        if (shape === areDoubles) quarters.push({ start, summary: { type, ...span, ...readDoubles(reader) } });
        else {
          const summary = readUnits(reader, span, shape, last);
          last = Math.round(summary.last * power);
          quarters.push({ start, summary });
        }
        break;
      case "boolean": {
        const trues = reader.varintUpTo(count);
        const ends = reader.byte();
        quarters.push({ start, summary: { type, ...span, trues, first: (ends & 1) === 1, last: (ends & 2) === 2 } });
        break;
      }
      case "location": {
        const [first, last] = [reader.location(), reader.location()];
        quarters.push({ start, summary: { type, ...span, first, last } });
        break;
      }
      case "text":
      case "json": {
        const isSame = reader.byte() === 1;
        const first = reader.text();
        quarters.push({ start, summary: { type, ...span, first, last: isSame ? first : reader.text() } });
        break;
      }
    }
  }
  if (!reader.isAtEnd) throw new Refusal("seal.broken");
  return { type, quarters };
}

function readDoubles(reader: ByteReader) {
  const first = reader.double();
  const last = reader.double();
  const min = reader.double();
  const max = reader.double();
  return { first, last, min, max, sum: reader.double(), digits: undefined };
}

function readUnits(reader: ByteReader, span: Span, digits: number, before: number): NumberSummary {
  const { count, firstTime, lastTime } = span;
  const power = powerOf(digits);
  const first = before + reader.zigzag();
  const last = first + reader.zigzag();
  const min = Math.min(first, last) - reader.varint();
  const max = Math.max(first, last) + reader.varint();
  const sum = count * Math.floor((first + last) / 2) + reader.zigzag();
  return {
    type: "number",
    count,
    firstTime,
    lastTime,
    sum: sum / power,
    min: min / power,
    max: max / power,
    first: first / power,
    last: last / power,
    digits,
  };
}

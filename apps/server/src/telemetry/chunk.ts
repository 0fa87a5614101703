// Hot path: compaction and every query pass here.
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { Refusal, type Instant } from "@holdfast/kernel";
import { readBits, writeBits } from "./bits.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { largestInteger, readIntegers, writeIntegers } from "./integers.ts";
import { readNumbers, writeNumbers } from "./numbers.ts";
import { readPlaces, writePlaces } from "./places.ts";
import type { Points } from "./points.ts";
import { mostTextBytes } from "./reading.ts";
import type { ValueType } from "./value.ts";

/**
 * A chunk of one series before it is sealed: 1 to 8,192 points, usually 1,024 to 2,048, in the order of their strictly increasing times.
 *
 *     chunk     version: 1 byte, 1, of types 3 and 4 2   type: 1 byte   count: varint   first: zigzag varint, milliseconds since 1970   span: varint, last - first
 *               times: column of integers, milliseconds after first
 *               values, by type
 *     type 0    numbers: see numbers.ts
 *     type 1    booleans: shape: 1 byte
 *                 shape 0   one bit each, from the low end of each byte
 *                 shape 1   the first: 1 byte   runs: varint   column of integers, the length of each run of equals
 *     type 2    texts: distinct ones, in the order in which they first appear: varint   their bytes together: varint   stored bytes: varint, 0 = not
 *               compressed   bytes: for each its varint length and UTF-8, as they are or as one zstd frame
 *               column of integers, which of the distinct ones each is, from 0
 *     type 3    locations: see places.ts
 *     type 4    documents of JSON, as texts are
 *     Columns of integers are described in integers.ts, varints in bytes.ts.
 *
 * A change of any of this is a new version; decoders keep reading every version there was.
 */
const types: readonly ValueType[] = ["number", "boolean", "text", "location", "json"];
const versionOf = (type: number): number => (type > 2 ? 2 : 1);
const newest = 2;

const mostChunkPoints = 8_192;

/** A varint of length stands before each text. */
const mostTextsBytes = mostChunkPoints * (mostTextBytes + 2);

/** zstd has a fixed cost of 16 µs and a header: below this it is not worth asking. Columns of integers leave it nothing to find. */
const leastWorthCompressing = 600;

export type ChunkHead = {
  readonly type: ValueType;
  readonly count: number;
  readonly first: Instant;
  readonly last: Instant;
};

/** Scratch for one chunk at a time: encoding does not yield. */
const writer = new ByteWriter(1 << 16);
const column = new Float64Array(mostChunkPoints);

/** Throws a RangeError when these are no 1 to 8,192 points with whole, strictly increasing times: that is a mistake of the caller's. */
export function encodeChunk(points: Points): Uint8Array<ArrayBuffer> {
  const { type, times } = points;
  const count = times.length;
  const first = times[0] ?? 0;
  const last = times[count - 1] ?? 0;
  if (count < 1 || count > mostChunkPoints || points.values.length !== count) {
    throw new RangeError("a chunk has 1 to 8,192 points, each with a time and a value");
  }
  for (let at = 0, before = -Infinity; at < count; at++) {
    const time = times[at] ?? 0; // at is below count
    if (!(time > before && Number.isInteger(time))) throw new RangeError("times are whole and strictly increase");
    before = time;
    column[at] = time - first;
  }
  if (last - first > largestInteger) throw new RangeError("a chunk spans at most 2^49 ms");

  writer.reset();
  const kind = types.indexOf(type);
  writer.byte(versionOf(kind));
  writer.byte(kind);
  writer.varint(count);
  writer.zigzag(first);
  writer.varint(last - first);
  writeIntegers(writer, column, count);
  switch (type) {
    case "number":
      writeNumbers(writer, points.values);
      break;
    case "boolean":
      writeBooleans(writer, points.values);
      break;
    case "text":
    case "json":
      writeTexts(writer, points.values);
      break;
    case "location":
      writePlaces(writer, points.values);
      break;
  }
  return writer.copy();
}

/** What a chunk says of itself at its beginning, without decoding the rest. Refuses as `decodeChunk` does. */
export const readChunkHead = (chunk: Uint8Array): ChunkHead => head(new ByteReader(chunk));

/** The points of a chunk, bit for bit as they were. Refuses `storage.newer` for a later version, `seal.broken` for bytes that are no chunk. */
export function decodeChunk(chunk: Uint8Array): Points {
  // readIntegers looks up to 8 bytes ahead
  const padded = new Uint8Array(chunk.length + 8);
  padded.set(chunk);
  const reader = new ByteReader(padded, chunk.length);
  try {
    const points = decode(reader);
    if (reader.isAtEnd) return points;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new Refusal("seal.broken");
}

function head(reader: ByteReader): ChunkHead {
  const found = reader.byte();
  if (found === 0) throw new Refusal("seal.broken");
  if (found > newest) throw new Refusal("storage.newer", { detail: `Chunk format ${found} is not known.` });
  const kind = reader.byte();
  const type = types[kind];
  const count = reader.varintUpTo(mostChunkPoints);
  const first = reader.zigzag();
  const last = first + reader.varint();
  if (type === undefined || count === 0 || found !== versionOf(kind)) throw new Refusal("seal.broken");
  return { type, count, first: first as Instant, last: last as Instant }; // whole, as varints are
}

function decode(reader: ByteReader): Points {
  const { type, count, first, last } = head(reader);
  const times = new Float64Array(count);
  readIntegers(reader, times, count);
  for (let at = 0; at < count; at++) times[at] = (times[at] ?? 0) + first;
  if (times[0] !== first || times[count - 1] !== last) throw new Refusal("seal.broken");
  switch (type) {
    case "number": {
      const values = new Float64Array(count);
      readNumbers(reader, values);
      return { type, times, values };
    }
    case "boolean":
      return { type, times, values: readBooleans(reader, count) };
    case "text":
    case "json":
      return { type, times, values: readTexts(reader, count) };
    case "location":
      return { type, times, values: readPlaces(reader, count) };
  }
}

const oneBitEach = 0;
const runLengths = 1;

function writeBooleans(to: ByteWriter, values: Uint8Array): void {
  const start = to.at;
  let runs = 0;
  for (let at = 0, length = 1; at < values.length; at++, length++) {
    if (at + 1 < values.length && values[at + 1] === values[at]) continue;
    column[runs++] = length;
    length = 0;
  }
  to.byte(runLengths);
  to.byte(values[0] ?? 0);
  to.varint(runs);
  writeIntegers(to, column, runs);

  const bytes = Math.ceil(values.length / 8);
  if (to.at - start <= 1 + bytes) return;
  to.at = start;
  to.byte(oneBitEach);
  writeBits(to, values);
}

function readBooleans(reader: ByteReader, count: number): Uint8Array {
  const shape = reader.byte();
  if (shape === oneBitEach) return readBits(reader, count);
  const values = new Uint8Array(count);
  let value = reader.byte();
  const runs = reader.varintUpTo(count);
  if (shape !== runLengths || value > 1) throw new Refusal("seal.broken");
  const lengths = new Float64Array(runs);
  readIntegers(reader, lengths, runs);
  let at = 0;
  for (const length of lengths) {
    if (!(length >= 1 && at + length <= count)) throw new Refusal("seal.broken");
    values.fill(value, at, (at += length));
    value = 1 - value;
  }
  if (at !== count) throw new Refusal("seal.broken");
  return values;
}

function writeTexts(to: ByteWriter, values: readonly string[]): void {
  const distinct = new Map<string, number>();
  const texts = new ByteWriter();
  for (const [at, value] of values.entries()) {
    let number = distinct.get(value);
    if (number === undefined) {
      if (!value.isWellFormed()) throw new RangeError("a text with half a surrogate pair cannot be kept");
      distinct.set(value, (number = distinct.size));
      texts.text(value);
    }
    column[at] = number;
  }
  const plain = texts.buffer.subarray(0, texts.at);
  const compressed = plain.length < leastWorthCompressing ? undefined : zstdCompressSync(plain);
  to.varint(distinct.size);
  to.varint(plain.length);
  if (compressed && compressed.length < plain.length) {
    to.varint(compressed.length);
    to.bytes(compressed);
  } else {
    to.varint(0);
    to.bytes(plain);
  }
  writeIntegers(to, column, values.length);
}

function readTexts(reader: ByteReader, count: number): string[] {
  const distinct = reader.varintUpTo(count);
  const plainLength = reader.varintUpTo(mostTextsBytes);
  const storedLength = reader.varintUpTo(mostTextsBytes);
  const plain = storedLength === 0 ? reader.take(plainLength) : decompress(reader.take(storedLength), plainLength);
  const texts = new ByteReader(plain);
  const known = Array.from({ length: distinct }, () => texts.text());
  const numbers = new Float64Array(count);
  readIntegers(reader, numbers, count);
  return Array.from(numbers, (number) => {
    const text = known[number];
    if (text === undefined) throw new Refusal("seal.broken");
    return text;
  });
}

function decompress(stored: Uint8Array, length: number): Uint8Array {
  try {
    const plain = zstdDecompressSync(stored, { maxOutputLength: Math.max(length, 1) });
    if (plain.length === length) return plain;
  } catch (cause) {
    throw new Refusal("seal.broken", { cause });
  }
  throw new Refusal("seal.broken");
}

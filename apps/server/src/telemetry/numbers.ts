// Hot path: every number of every chunk passes here, in both directions.
import { Refusal } from "@holdfast/kernel";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { digitsOf, isExact, mostDigits, powerOf } from "./decimals.ts";
import { readIntegers, writeIntegers } from "./integers.ts";

/**
 * A column of finite doubles, kept bit for bit. What a sensor sends has few decimals, so most columns are whole numbers of hundredths or the like.
 *
 *     column        shape: 1 byte
 *     shape 0…14    decimals: column of integers, value × 10^shape
 *                   zeros: varint count, then for each -0 the varint distance of its index from the one before (the first: from 0)
 *                   exceptions: varint count, then for each the distance likewise, and the value as 8 bytes, little-endian
 *     shape 32      doubles: column of integers, the high half of each as a signed number that rises with the value
 *                   zero bits at the low end of all low halves: varint, 0 to 32; below 32: column of integers, low half ÷ 2^that
 *     shape 33      few different values: varint count, the values, 8 bytes each; column of integers, the index of each
 */
const areDoubles = 32;
const areFew = 33;
const mostFew = 16;

let column = new Float64Array(8_192);
let lowHalves = new Float64Array(8_192);
const zeros: number[] = [];
const exceptions: number[] = [];

export function writeNumbers(writer: ByteWriter, values: Float64Array): void {
  const count = values.length;
  if (column.length < count) [column, lowHalves] = [new Float64Array(count), new Float64Array(count)];
  const start = writer.at;
  const digits = digitsOf(values, count);
  if (digits === undefined) writeDoubles(writer, values);
  else writeDecimals(writer, values, digits);

  // codes of a state machine jump about; a quarter of a byte each is what few of them need at least
  const length = writer.at - start;
  const few = length > 16 + count / 4 ? fewOf(values) : undefined;
  if (!few) return;
  writeFew(writer, values, few);
  if (writer.at - start - length >= length) {
    writer.at = start + length;
  } else {
    writer.buffer.copyWithin(start, start + length, writer.at);
    writer.at -= length;
  }
}

export function readNumbers(reader: ByteReader, values: Float64Array): void {
  const shape = reader.byte();
  if (shape <= mostDigits) return readDecimals(reader, values, shape);
  if (shape === areDoubles) return readDoubles(reader, values);
  if (shape === areFew) return readFew(reader, values);
  throw new Refusal("seal.broken");
}

function writeDecimals(writer: ByteWriter, values: Float64Array, digits: number): void {
  const power = powerOf(digits);
  zeros.length = 0;
  exceptions.length = 0;
  let last = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0; // at is below length
    if (value === 0) {
      if (1 / value < 0) zeros.push(at);
      last = 0;
    } else if (isExact(value, digits)) {
      last = Math.round(value * power);
    } else {
      exceptions.push(at); // its place in the column repeats the last, which costs least
    }
    column[at] = last;
  }
  writer.byte(digits);
  writeIntegers(writer, column, values.length);
  writer.varint(zeros.length);
  writeIndexes(writer, zeros, () => {});
  writer.varint(exceptions.length);
  writeIndexes(writer, exceptions, (at) => writer.double(values[at] ?? 0));
}

function writeIndexes(writer: ByteWriter, indexes: readonly number[], beside: (index: number) => void): void {
  let before = 0;
  for (const index of indexes) {
    writer.varint(index - before);
    before = index;
    beside(index);
  }
}

function readDecimals(reader: ByteReader, values: Float64Array, digits: number): void {
  const count = values.length;
  readIntegers(reader, values, count);
  const power = powerOf(digits);
  if (power !== 1) for (let at = 0; at < count; at++) values[at] = (values[at] ?? 0) / power;
  let index = 0;
  for (let left = reader.varintUpTo(count); left > 0; left--) {
    index += reader.varintUpTo(count - 1 - index);
    values[index] = -0;
  }
  index = 0;
  for (let left = reader.varintUpTo(count); left > 0; left--) {
    index += reader.varintUpTo(count - 1 - index);
    values[index] = reader.double();
  }
}

/** Of a signed number whose bits are those of a double's high half: the same for one of either sign, twice the same again. */
const inOrder = (bits: number): number => bits ^ ((bits >> 31) & 0x7fff_ffff);

function writeDoubles(writer: ByteWriter, values: Float64Array): void {
  const count = values.length;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const isLittle = isLittleEndian();
  let any = 0;
  for (let at = 0; at < count; at++) {
    column[at] = inOrder(view.getInt32(at * 8 + (isLittle ? 4 : 0), isLittle));
    const low = view.getUint32(at * 8 + (isLittle ? 0 : 4), isLittle);
    lowHalves[at] = low;
    any |= low;
  }
  // the double of a float32 ends in 29 zero bits
  const spare = any === 0 ? 32 : 31 - Math.clz32(any & -any);
  writer.byte(areDoubles);
  writeIntegers(writer, column, count);
  writer.varint(spare);
  if (spare === 32) return;
  for (let at = 0; at < count; at++) lowHalves[at] = (lowHalves[at] ?? 0) / 2 ** spare;
  writeIntegers(writer, lowHalves, count);
}

function readDoubles(reader: ByteReader, values: Float64Array): void {
  const count = values.length;
  const high = new Float64Array(count);
  const low = new Float64Array(count);
  readIntegers(reader, high, count);
  const spare = reader.varintUpTo(32);
  if (spare < 32) readIntegers(reader, low, count);
  const bits = new DataView(new ArrayBuffer(8));
  for (let at = 0; at < count; at++) {
    bits.setInt32(0, inOrder(high[at] ?? 0));
    bits.setUint32(4, (low[at] ?? 0) * 2 ** spare);
    const value = bits.getFloat64(0);
    if (!Number.isFinite(value)) throw new Refusal("seal.broken");
    values[at] = value;
  }
}

const isLittleEndian = (): boolean => new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The different values, if they are few, and none of them -0: that one equals 0. Also fills the column with their indexes. */
function fewOf(values: Float64Array): number[] | undefined {
  const few: number[] = [];
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0;
    let index = few.indexOf(value);
    if (index === -1) {
      if (few.length === mostFew) return undefined;
      index = few.push(value) - 1;
    }
    if (value === 0 && 1 / value < 0) return undefined;
    column[at] = index;
  }
  return few;
}

function writeFew(writer: ByteWriter, values: Float64Array, few: readonly number[]): void {
  writer.byte(areFew);
  writer.varint(few.length);
  for (const value of few) writer.double(value);
  writeIntegers(writer, column, values.length);
}

function readFew(reader: ByteReader, values: Float64Array): void {
  const few = Array.from({ length: reader.varintUpTo(mostFew) }, () => reader.double());
  readIntegers(reader, values, values.length);
  for (let at = 0; at < values.length; at++) {
    const value = few[values[at] ?? -1];
    if (value === undefined) throw new Refusal("seal.broken");
    values[at] = value;
  }
}

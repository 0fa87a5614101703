// Hot path: every time and every value of every chunk passes here, in both directions.
import { Refusal } from "@holdfast/kernel";
import type { ByteReader, ByteWriter } from "./bytes.ts";

/**
 * A column of whole numbers, at most 2^49 from 0, in few bits: each is guessed from those before it, and what the guess missed is written in
 * Rice's code (R. F. Rice, JPL 79-22, 1979), whose one parameter is chosen anew for every 128 numbers.
 *
 *     column    guess: 1 byte   origin: zigzag varint   unit: varint ≥ 1   slope: zigzag varint   then bits, from the high end of each byte
 *     number    origin + unit × m
 *     guess 0   m = the last m + slope                                   a random walk, a counter, times of a clock that slips
 *           1   m = the last m + the last difference (first: slope)      smooth curves
 *           2   m = round of a level that follows an eighth of the way   noise about a level, times of a clock that does not slip
 *           3   m = slope                                                a few codes, bits without a pattern
 *     bits      per 128 numbers (the last time, per rest): k, 6 bits; 63 says that all misses are 0 and nothing follows
 *               per number: u = miss as zigzag; floor(u / 2^k) zero bits, a one, the low k bits of u. 24 zero bits instead: u itself in 53 bits
 *     At the end, zero bits up to the next byte.
 *
 * Why this code, measured over 1,024 numbers: a walk of σ = 3 steps takes 490 bytes where its entropy is 462; widths packed per 128 take 568,
 * differences of differences 547, and one outlier costs a packed block 300 bytes, here 10. zstd finds nothing left to take.
 */
const isWalk = 0;
const isCurve = 1;
const isLevel = 2;
const isFixed = 3;

const blockLength = 128;
const allZero = 63;
const longestRun = 24;
const escapeBits = 53;

/** Of what `writeIntegers` takes; a miss then stays below 2^53 as zigzag. */
export const largestInteger = 2 ** 49;

/** Scratch for one column at a time: nothing here yields, so nobody else can be in the middle of it. */
let units = new Float64Array(8_192);
let guesses = [0, 1, 2, 3].map(() => new Float64Array(8_192));

/** Appends a column. The count is not written: the reader has to know it. */
export function writeIntegers(writer: ByteWriter, numbers: Float64Array, count: number): void {
  const origin = numbers[0] ?? 0;
  if (units.length < count) {
    units = new Float64Array(count);
    guesses = guesses.map(() => new Float64Array(count));
  }
  const unit = unitOf(numbers, count, origin);
  for (let at = 0; at < count; at++) units[at] = ((numbers[at] ?? 0) - origin) / unit; // at is below count
  const slope = usualStep(units, count);
  let best = isWalk;
  let bestBits = missesOf(isWalk, count, slope);
  // blocks without a miss cost 6 bits: nothing is better than that
  for (let guess = isCurve; guess <= isFixed && bestBits > 6 * Math.ceil(count / blockLength); guess++) {
    const bits = missesOf(guess, count, guess === isFixed ? middle(units, count) : slope);
    if (bits < bestBits) [best, bestBits] = [guess, bits];
  }
  writer.byte(best);
  writer.zigzag(origin);
  writer.varint(unit);
  writer.zigzag(best === isFixed ? middle(units, count) : slope);
  writeBits(writer, guesses[best] ?? units, count); // best is one of the four
}

/** The greatest common divisor of all distances from the first number: sensors that count in 0.0625 or 0.5, times in whole seconds. */
function unitOf(numbers: Float64Array, count: number, origin: number): number {
  let unit = 0;
  for (let at = 1; at < count && unit !== 1; at++) {
    let a = Math.abs((numbers[at] ?? 0) - origin);
    for (let b = unit; b !== 0;) [a, b] = [b, a % b];
    unit = a;
  }
  return unit === 0 ? 1 : unit;
}

/** The median of some differences: one gap among them must not count. */
function usualStep(numbers: Float64Array, count: number): number {
  const steps: number[] = [];
  const stride = Math.max(1, Math.floor(count / 31));
  for (let at = 1; at < count; at += stride) steps.push((numbers[at] ?? 0) - (numbers[at - 1] ?? 0));
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? 0;
}

function middle(numbers: Float64Array, count: number): number {
  let least = 0;
  let most = 0;
  for (let at = 0; at < count; at++) {
    const number = numbers[at] ?? 0;
    if (number < least) least = number;
    else if (number > most) most = number;
  }
  return Math.floor((least + most) / 2);
}

/** Fills `guesses[guess]` with what that guess misses, as zigzag, and says how many bits that takes. */
function missesOf(guess: number, count: number, slope: number): number {
  const misses = guesses[guess] ?? units; // guess is one of the four
  let last = -slope;
  let step = slope;
  let level = -slope;
  for (let at = 0; at < count; at++) {
    const m = units[at] ?? 0;
    let miss: number;
    if (guess === isWalk) {
      miss = m - (last + slope);
    } else if (guess === isCurve) {
      miss = m - (last + step);
      step = m - last;
    } else if (guess === isLevel) {
      const expected = level + slope;
      miss = m - Math.floor(expected + 0.5);
      level = expected + (m - expected) / 8;
    } else {
      miss = m - slope;
    }
    last = m;
    misses[at] = miss < 0 ? -2 * miss - 1 : 2 * miss;
  }
  let bits = 0;
  for (let from = 0; from < count; from += blockLength)
    bits += 6 + parameterOf(misses, from, Math.min(from + blockLength, count)).bits;
  return bits;
}

const found = { k: 0, bits: 0 };

/** The k that makes this block shortest. Costs fall and then rise with k, so walk down from what the mean suggests. */
function parameterOf(misses: Float64Array, from: number, to: number): { readonly k: number; readonly bits: number } {
  let sum = 0;
  let most = 0;
  for (let at = from; at < to; at++) {
    const miss = misses[at] ?? 0;
    sum += miss;
    if (miss > most) most = miss;
  }
  if (most === 0) {
    found.k = allZero;
    found.bits = 0;
    return found;
  }
  const start = Math.max(0, Math.ceil(Math.log2(sum / (to - from) + 1)));
  found.k = start;
  found.bits = bitsWith(start, misses, from, to, most);
  for (let k = start - 1; k >= 0; k--) {
    const bits = bitsWith(k, misses, from, to, most);
    if (bits > found.bits) break;
    found.k = k;
    found.bits = bits;
  }
  return found;
}

function bitsWith(k: number, misses: Float64Array, from: number, to: number, most: number): number {
  let bits = (to - from) * (k + 1);
  const escape = longestRun + escapeBits - k - 1;
  if (most < 2 ** 31 && k < 31) {
    if (most >>> k < longestRun) {
      for (let at = from; at < to; at++) bits += (misses[at] ?? 0) >>> k;
      return bits;
    }
    for (let at = from; at < to; at++) {
      const run = (misses[at] ?? 0) >>> k;
      bits += run < longestRun ? run : escape;
    }
    return bits;
  }
  const scale = 2 ** k;
  for (let at = from; at < to; at++) {
    const run = Math.floor((misses[at] ?? 0) / scale);
    bits += run < longestRun ? run : escape;
  }
  return bits;
}

/** A word that fills from its high end; `put` appends it to the bytes when it is full. */
let word = 0;
let filled = 0;

/** `code` is below 2^width, width from 1 to 32. Room was made. */
function put(writer: ByteWriter, code: number, width: number): void {
  const free = 32 - filled;
  if (width < free) {
    word |= code << (free - width);
    filled += width;
    return;
  }
  const over = width - free;
  writer.view.setUint32(writer.at, (word | (code >>> over)) >>> 0);
  writer.at += 4;
  word = over === 0 ? 0 : code << (32 - over);
  filled = over;
}

/** Up to 53 bits. */
function putWide(writer: ByteWriter, code: number, width: number): void {
  if (width > 26) put(writer, Math.floor(code / 2 ** 26), width - 26);
  if (width > 0) put(writer, code % 2 ** 26, Math.min(width, 26));
}

function writeBits(writer: ByteWriter, misses: Float64Array, count: number): void {
  word = 0;
  filled = 0;
  for (let from = 0; from < count; from += blockLength) {
    const to = Math.min(from + blockLength, count);
    const { k } = parameterOf(misses, from, to);
    writer.room(16 + ((to - from) * (longestRun + escapeBits)) / 8);
    put(writer, k, 6);
    if (k === allZero) continue;
    const scale = 2 ** k;
    for (let at = from; at < to; at++) {
      const u = misses[at] ?? 0;
      const run = Math.floor(u / scale);
      if (run >= longestRun) {
        put(writer, 0, longestRun);
        putWide(writer, u, escapeBits);
      } else if (run + 1 + k <= 32) {
        put(writer, scale + (u - run * scale), run + 1 + k);
      } else {
        put(writer, 1, run + 1);
        putWide(writer, u - run * scale, k);
      }
    }
  }
  for (; filled > 0; filled -= 8, word <<= 8) writer.byte(word >>> 24);
}

const misses = new Float64Array(blockLength);

/**
 * Reads a column of `count` numbers into `numbers`. Bytes that are no column are refused as `seal.broken` or end in a RangeError of the view,
 * which the caller has to turn into one; the reader's bytes need at least 8 bytes of padding behind their end. Never takes memory.
 */
export function readIntegers(reader: ByteReader, numbers: Float64Array, count: number): void {
  const guess = reader.byte();
  const origin = reader.zigzag();
  const unit = reader.varint();
  const slope = reader.zigzag();
  let last = -slope;
  let step = slope;
  let level = -slope;
  let position = reader.at * 8;
  for (let from = 0; from < count; from += blockLength) {
    const length = Math.min(blockLength, count - from);
    position = readBlock(reader, position, length);
    switch (guess) {
      case isWalk:
        for (let at = 0; at < length; at++) {
          last += slope + (misses[at] ?? 0);
          numbers[from + at] = origin + unit * last;
        }
        break;
      case isCurve:
        for (let at = 0; at < length; at++) {
          const m = last + step + (misses[at] ?? 0);
          step = m - last;
          last = m;
          numbers[from + at] = origin + unit * m;
        }
        break;
      case isLevel:
        for (let at = 0; at < length; at++) {
          const expected = level + slope;
          const m = Math.floor(expected + 0.5) + (misses[at] ?? 0);
          level = expected + (m - expected) / 8;
          numbers[from + at] = origin + unit * m;
        }
        break;
      case isFixed:
        for (let at = 0; at < length; at++) numbers[from + at] = origin + unit * (slope + (misses[at] ?? 0));
        break;
      default:
        throw new Refusal("seal.broken");
    }
  }
  reader.at = Math.ceil(position / 8);
  if (reader.at > reader.end) throw new Refusal("seal.broken");
}

/** Reads one block into `misses`; answers the position, in bits, behind it. */
function readBlock({ view, bytes }: ByteReader, start: number, length: number): number {
  let position = start;
  const k = wide(view, position, 6);
  position += 6;
  if (k === allZero) {
    misses.fill(0);
    return position;
  }
  if (k >= escapeBits) throw new Refusal("seal.broken");
  const scale = 2 ** k;
  for (let at = 0; at < length; at++) {
    const byte = position >>> 3;
    const shift = position & 7;
    const window = (view.getUint32(byte) << shift) | ((bytes[byte + 4] ?? 0) >>> (8 - shift));
    const run = Math.clz32(window);
    if (run + k < 32 && run < longestRun) {
      const u = (run << k) | ((((window << run) << 1) >>> 1) >>> (31 - k));
      misses[at] = (u >>> 1) ^ -(u & 1);
      position += run + 1 + k;
      continue;
    }
    let u: number;
    if (run >= longestRun) {
      u = wide(view, position + longestRun, escapeBits);
      position += longestRun + escapeBits;
    } else {
      u = run * scale + wide(view, position + run + 1, k);
      position += run + 1 + k;
    }
    misses[at] = u % 2 === 0 ? u / 2 : -(u + 1) / 2;
  }
  return position;
}

/** Up to 53 bits at any position, 24 of them at a time: with the 7 before them they fit a word. */
function wide(view: DataView, start: number, width: number): number {
  let value = 0;
  let position = start;
  for (let left = width; left > 0;) {
    const part = Math.min(left, 24);
    value = value * 2 ** part + ((view.getUint32(position >>> 3) << (position & 7)) >>> (32 - part));
    position += part;
    left -= part;
  }
  return value;
}

// Hot path: every reading passes here once on its way into the log. One buffer that is kept, no object per point.
import { idFrom, Refusal, type Id, type Instant } from "@holdfast/kernel";
import { ByteReader } from "./bytes.ts";
import { Json, type Location, type Value } from "./value.ts";

/**
 * A row of the ingest log before it is sealed: what one organisation sent within one commit, in the order in which it was taken. Byte by byte:
 *
 *     record   version: 1 byte, 1; 2 where a value is of kind 6 or 7
 *              reading, again and again until the bytes end
 *     reading  device: varint. 0 introduces one: 16 bytes of its id follow, and it gets the next number, from 1. Else its number
 *              received: zigzag varint, milliseconds after the reading before (the first: after 1970)
 *              points: varint, twice their count, plus 1 when the platform gave the time
 *              time: zigzag varint, milliseconds after received
 *              point, as many as were counted
 *     point    head: varint, kind + 8 × name. Name 0 introduces one: varint length and that many bytes of UTF-8 follow, and it gets the next
 *              number, from 1, for all devices of the record. Else its number
 *              value, by kind
 *     kind     0 false   1 true   2 whole number, zigzag varint   3 hundredths, zigzag varint   4 float64, 8 bytes, little-endian
 *              5 text: varint length and that many bytes of UTF-8   6 JSON: likewise
 *              7 location: 1 byte, 1 with an altitude, 2 with an accuracy; latitude, longitude, and these where they are, 8 bytes each
 *     varint   little-endian groups of 7 bits, the high bit set on all but the last; at most 8 bytes, below 2^53
 *     zigzag   n ≥ 0 is 2n, n < 0 is -2n - 1
 *
 * A number is written as kind 2 or 3 when that gives back the same double (so -0 is kind 4); a reader takes any. The order and count are what
 * replay relies on: the same bytes give the same points in the same order. A change of any of this is a new version.
 */
const version = 1;
const withObjects = 2;

const isFalse = 0;
const isTrue = 1;
const isWhole = 2;
const isHundredths = 3;
const isDouble = 4;
const isText = 5;
const isJson = 6;
const isLocation = 7;

/** Whose clock a time comes from. A time of the platform's is unique within its series; one of the device's replaces what it sent for the same time. */
export type TimeFrom = "device" | "platform";

/** The longest that `reading` writes (device 2 × 8 + 16, three numbers) and that `value` writes beside name and text. */
const mostReadingBytes = 64;
const mostPointBytes = 48;
/** A buffer that one huge commit made larger than this is let go again. */
const mostKept = 1 << 20;

const bits = new DataView(new ArrayBuffer(8));
const eightBytes = new Uint8Array(bits.buffer);

/** Writes one record after another. Not to be shared between two records that are being written at the same time. */
export class RecordWriter {
  readonly #devices = new Map<Id<"device">, number>();
  readonly #names = new Map<string, number>();
  #buffer: Buffer<ArrayBuffer>;
  #at = 1;
  #received = 0;
  #points = 0;
  #owed = 0;

  constructor(capacity = 1 << 16) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(capacity, 256));
    this.#buffer[0] = version;
  }

  /** How many values were written since `reset`. */
  get points(): number {
    return this.#points;
  }

  get byteLength(): number {
    return this.#at;
  }

  /** Begins a reading; exactly `count` calls of `value` follow. */
  reading(device: Id<"device">, receivedAt: Instant, time: Instant, timeFrom: TimeFrom, count: number): void {
    if (this.#owed !== 0 || count < 1)
      throw new Error("a reading was begun before all values of the last were written");
    this.#owed = count;
    this.#room(mostReadingBytes);
    const number = this.#devices.get(device);
    if (number === undefined) {
      this.#devices.set(device, this.#devices.size + 1);
      this.#varint(0);
      this.#deviceBytes(device);
    } else {
      this.#varint(number);
    }
    this.#zigzag(receivedAt - this.#received);
    this.#received = receivedAt;
    this.#varint(count * 2 + (timeFrom === "platform" ? 1 : 0));
    this.#zigzag(time - receivedAt);
  }

  value(name: string, value: Value): void {
    if (this.#owed === 0) throw new Error("a value was written that belongs to no reading");
    this.#owed--;
    this.#points++;
    this.#room(mostPointBytes);
    if (typeof value === "number") return this.#number(name, value);
    if (typeof value === "boolean") return this.#head(name, value ? isTrue : isFalse);
    if (typeof value !== "string") return this.#object(name, value);
    this.#head(name, isText);
    this.#text(value);
  }

  /** Apart, so that `value` stays small enough to be inlined. */
  #object(name: string, value: Location | Json): void {
    this.#buffer[0] = withObjects;
    if (!(value instanceof Json)) return this.#location(name, value);
    this.#head(name, isJson);
    this.#text(value.text);
  }

  /** The record: a view of the writer's own buffer, good until the next `reset`. */
  finish(): Uint8Array<ArrayBuffer> {
    if (this.#owed !== 0) throw new Error("the last reading lacks values");
    return this.#buffer.subarray(0, this.#at);
  }

  /** Begins the next record, in the same memory. */
  reset(): void {
    if (this.#buffer.length > mostKept) this.#buffer = Buffer.allocUnsafeSlow(mostKept);
    this.#buffer[0] = version;
    this.#devices.clear();
    this.#names.clear();
    this.#at = 1;
    this.#received = 0;
    this.#points = 0;
    this.#owed = 0;
  }

  #number(name: string, value: number): void {
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      this.#head(name, isWhole);
      return this.#zigzag(value);
    }
    const hundredths = Math.round(value * 100);
    if (hundredths / 100 === value && (hundredths | 0) === hundredths && hundredths !== 0) {
      this.#head(name, isHundredths);
      return this.#zigzag(hundredths);
    }
    this.#head(name, isDouble);
    bits.setFloat64(0, value, true);
    this.#buffer.set(eightBytes, this.#at);
    this.#at += 8;
  }

  #location(name: string, { latitude, longitude, altitude, accuracy }: Location): void {
    this.#head(name, isLocation);
    this.#buffer[this.#at++] = (altitude === undefined ? 0 : 1) + (accuracy === undefined ? 0 : 2);
    for (const value of [latitude, longitude, altitude, accuracy])
      if (value !== undefined) this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  #head(name: string, kind: number): void {
    const number = this.#names.get(name);
    if (number !== undefined) return this.#varint(number * 8 + kind);
    this.#names.set(name, this.#names.size + 1);
    this.#varint(kind);
    this.#text(name);
    this.#room(mostPointBytes);
  }

  #text(text: string): void {
    const length = Buffer.byteLength(text);
    this.#room(mostPointBytes + length);
    this.#varint(length);
    this.#at += this.#buffer.write(text, this.#at, "utf8");
  }

  #deviceBytes(device: Id<"device">): void {
    for (let at = device.length - 32; at < device.length; at += 2) {
      this.#buffer[this.#at++] = (hexDigit(device.charCodeAt(at)) << 4) | hexDigit(device.charCodeAt(at + 1));
    }
  }

  #zigzag(value: number): void {
    this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  #varint(value: number): void {
    const buffer = this.#buffer;
    let at = this.#at;
    let rest = value;
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("a record holds no numbers beyond 2^53");
    // beyond 32 bits there are no bit operations on numbers
    while (rest > 0x7fff_ffff) {
      buffer[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[at++] = rest;
    this.#at = at;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** `0`-`9` and `a`-`f`, which is all that an id holds. */
const hexDigit = (unit: number): number => (unit & 0x0f) + (unit >> 6) * 9;

/** Called for every point in the order of writing. */
export type OnPoint = (
  device: Id<"device">,
  name: string,
  time: Instant,
  value: Value,
  receivedAt: Instant,
  timeFrom: TimeFrom,
) => void;

/**
 * Reads a record back. Refuses `storage.newer` when a later version wrote it and `seal.broken` when the bytes are no record; `onPoint` may
 * have been called by then, so collect before you keep.
 */
export function readRecord(record: Uint8Array, onPoint: OnPoint): void {
  if (record.length === 0 || record[0] === 0) throw new Refusal("seal.broken");
  if (record[0] !== version && record[0] !== withObjects)
    throw new Refusal("storage.newer", { detail: `Log format ${record[0]} is not known.` });
  const cursor = new ByteReader(record);
  cursor.at = 1;
  const devices: Id<"device">[] = [];
  const names: string[] = [];
  let received = 0;
  while (!cursor.isAtEnd) {
    const deviceNumber = cursor.varint();
    if (deviceNumber === 0) devices.push(idFrom("device", cursor.take(16)));
    const device = devices[deviceNumber === 0 ? devices.length - 1 : deviceNumber - 1];
    received += cursor.zigzag();
    const counted = cursor.varint();
    const time = received + cursor.zigzag();
    if (device === undefined || counted < 2 || !isInstant(received) || !isInstant(time))
      throw new Refusal("seal.broken");

    for (let left = Math.floor(counted / 2); left > 0; left--) {
      const head = cursor.varint();
      const nameNumber = Math.floor(head / 8);
      if (nameNumber === 0) names.push(cursor.text());
      const name = names[nameNumber === 0 ? names.length - 1 : nameNumber - 1];
      const value = valueOf(head % 8, cursor);
      if (name === undefined) throw new Refusal("seal.broken");
      onPoint(device, name, time, value, received, counted % 2 === 1 ? "platform" : "device");
    }
  }
}

function valueOf(kind: number, cursor: ByteReader): Value {
  switch (kind) {
    case isFalse:
      return false;
    case isTrue:
      return true;
    case isWhole:
      return cursor.zigzag();
    case isHundredths:
      return cursor.zigzag() / 100;
    case isDouble:
      return cursor.double();
    case isText:
      return cursor.text();
    case isJson:
      return new Json(cursor.text());
    case isLocation:
      return cursor.location();
    default:
      throw new Refusal("seal.broken");
  }
}

/** Whole already, since it was added up from varints. ECMA-262, 21.4.1.1. */
const isInstant = (milliseconds: number): milliseconds is Instant => Math.abs(milliseconds) <= 8.64e15;

// Hot path: every point that is exported passes here.
import { csvCell, type Id } from "@holdfast/kernel";
import { nowhere, type Points } from "./points.ts";

const day = 86_400_000;
const encoder = new TextEncoder();
/** Longer than any time with any number and an end. */
const mostOfLine = 56;
const powers = [1, 10, 100, 1_000, 10_000] as const;
/** ASCII. */
const [zero, minus, dot] = [0x30, 0x2d, 0x2e];

/** The points of one series as lines of text, made in bytes: a text and an object for each would take ten times as long. */
export interface Lines {
  /** What stands before all of them. */
  readonly head: Uint8Array;
  of(device: Id<"device">, attribute: string, points: Points): Uint8Array;
}

/** One JSON object a line: `{"device":"dev_…","attribute":"t","time":"2026-01-31T12:00:00.000Z","value":21.5}`. */
export const ndjson: Lines = {
  head: new Uint8Array(),
  of: (device, attribute, points) => {
    const before = encoder.encode(`{"device":"${device}","attribute":${JSON.stringify(attribute)},"time":"`);
    const between = encoder.encode(`","value":`);
    return written(points, {
      before,
      between,
      end: "}\n",
      text: (value) => JSON.stringify(value),
      json: (text) => text,
    });
  },
};

/** RFC 4180: `device,attribute,time,value`. */
export const csv: Lines = {
  head: encoder.encode("device,attribute,time,value\r\n"),
  of: (device, attribute, points) => {
    const before = encoder.encode(`${device},${csvCell(attribute)},`);
    const between = encoder.encode(",");
    return written(points, { before, between, end: "\r\n", text: csvCell, json: csvCell });
  },
};

export const linesAs = { csv, ndjson } as const;
export type LineFormat = keyof typeof linesAs;

type Form = {
  readonly before: Uint8Array;
  readonly between: Uint8Array;
  readonly end: string;
  readonly text: (value: string) => string;
  /** Of a document, or a location as one. */
  readonly json: (text: string) => string;
};

function written(points: Points, { before, between, end, text, json }: Form): Uint8Array {
  const { times } = points;
  const fixed = before.length + between.length + mostOfLine;
  const [first, second] = [end.charCodeAt(0), end.charCodeAt(1)];
  const to = new Bytes(times.length * fixed, before, between);
  for (let at = 0; at < times.length; at++) {
    to.begin(times[at] ?? 0); // at is below length
    switch (points.type) {
      case "number":
        to.number(points.values[at] ?? 0);
        break;
      case "boolean":
        to.ascii(points.values[at] === 1 ? "true" : "false");
        break;
      case "text":
        to.text(text(points.values[at] ?? ""), (times.length - at) * fixed);
        break;
      case "json":
        to.text(json(points.values[at] ?? "null"), (times.length - at) * fixed);
        break;
      case "location":
        to.text(json(JSON.stringify(points.values[at] ?? nowhere)), (times.length - at) * fixed);
        break;
    }
    to.byte(first);
    to.byte(second);
  }
  return to.done();
}

function isExact(size: number, decimals: number): boolean {
  const power = powers[decimals] ?? 1;
  return Math.round(size * power) / power === size;
}

class Bytes {
  readonly #before: Uint8Array;
  readonly #between: Uint8Array;
  #buffer: Buffer;
  #at = 0;
  /** Where the line before begins: the next one is a copy of it up to its value, with another time of the day. */
  #line = 0;
  /** Where in a line the time of the day stands, and where the value. */
  #clock = 0;
  #value = 0;
  #day = Number.NaN;
  /** Of the last number: the next mostly has as many. */
  #decimals = 0;

  constructor(size: number, before: Uint8Array, between: Uint8Array) {
    this.#buffer = Buffer.allocUnsafe(size);
    this.#before = before;
    this.#between = between;
  }

  /** A line up to its value. */
  begin(time: number): void {
    const start = this.#at;
    const begin = Math.floor(time / day) * day;
    if (begin === this.#day) this.#buffer.copyWithin(start, this.#line, this.#line + this.#value);
    else this.#beginDay(begin);
    this.#line = start;
    const rest = (time - begin) | 0;
    const seconds = (rest / 1_000) | 0;
    const minutes = (seconds / 60) | 0;
    const hours = (minutes / 60) | 0;
    this.#at = start + this.#clock;
    this.#digits(hours, 2);
    this.#at += 1;
    this.#digits(minutes - hours * 60, 2);
    this.#at += 1;
    this.#digits(seconds - minutes * 60, 2);
    this.#at += 1;
    this.#digits(rest - seconds * 1_000, 3);
    this.#at = start + this.#value;
  }

  #beginDay(begin: number): void {
    const start = this.#at;
    this.#day = begin;
    this.bytes(this.#before);
    const date = new Date(begin).toISOString();
    this.ascii(date);
    this.bytes(this.#between);
    this.#clock = this.#before.length + date.length - "00:00:00.000Z".length;
    this.#value = this.#at - start;
  }

  done(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  byte(byte: number): void {
    this.#buffer[this.#at++] = byte;
  }

  bytes(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  ascii(text: string): void {
    this.#at += this.#buffer.write(text, this.#at, "latin1");
  }

  /** Of any length: `rest` is what has to fit behind it. */
  text(text: string, rest: number): void {
    const needed = this.#at + text.length * 3 + rest;
    if (needed > this.#buffer.length) {
      const wider = Buffer.allocUnsafe(needed * 2);
      this.#buffer.copy(wider, 0, 0, this.#at);
      this.#buffer = wider;
    }
    this.#at += this.#buffer.write(text, this.#at, "utf8");
  }

  /** As JSON writes it: decimals of few digits by hand, which most are. */
  number(value: number): void {
    const size = Math.abs(value);
    const decimals = size < 1e9 ? this.#decimalsOf(size) : powers.length;
    const power = powers[decimals];
    if (power === undefined) return this.ascii(String(value));
    this.#decimals = decimals;
    const units = Math.round(size * power);
    const whole = Math.floor(units / power);
    if (value < 0) this.byte(minus);
    this.#whole(whole);
    if (decimals === 0) return;
    this.byte(dot);
    this.#digits(units - whole * power, decimals);
  }

  /** With how many it is exact, at least; as many as there are powers for none of them. */
  #decimalsOf(size: number): number {
    const last = this.#decimals;
    if (isExact(size, last) && (last === 0 || !isExact(size, last - 1))) return last;
    for (let decimals = 0; decimals < powers.length; decimals++) if (isExact(size, decimals)) return decimals;
    return powers.length;
  }

  #whole(number: number): void {
    let length = 1;
    for (let power = 10; power <= number; power *= 10) length += 1;
    this.#digits(number, length);
  }

  /** With zeros in front, so many digits, of a whole number below 2^31: as such it is divided four times as fast. */
  #digits(number: number, length: number): void {
    const buffer = this.#buffer;
    let rest = number | 0;
    for (let at = this.#at + length - 1; at >= this.#at; at--) {
      const tenth = (rest / 10) | 0;
      buffer[at] = zero + (rest - tenth * 10);
      rest = tenth;
    }
    this.#at += length;
  }
}

// Hot path: one call per message. Where flat.ts does not know the form, JSON.parse does the work; what follows only looks.
import { instantOf, parseInstant, Refusal, type Instant } from "@holdfast/kernel";
import { EpochSeconds, parseCbor } from "./cbor.ts";
import { FlatReader } from "./flat.ts";
import { parseLines, type Precision } from "./lines.ts";
import { mostLines, mostReadings, refusalAt, valueOf, type Reading } from "./reading.ts";
import { resolveSenml, senmlLabel } from "./senml.ts";
import { deepestJson, type Value } from "./value.ts";

/**
 * Whose forms a body is in. The two foreign ones are for firmware that moves here by changing host and credentials:
 * - `holdfast`: `{"temperature": 21.5}`; or `{"time": T, "values": {"temperature": 21.5}}`, `time` optional; or an array of those.
 *   An object that has `time` or `values` is the long form: `values` must then be an object, and nothing else may stand beside.
 *   Attributes of those two names are therefore sent in the long form only.
 * - `losant`: `{"data": {…}, "time": T}`, `time` optional, or an array of those. `flowVersion` and `meta` are passed over.
 * - `thingsboard`: `{"ts": T, "values": {…}}` when both are there, else `{"temperature": 21.5}`; or an array of those.
 *
 * T is RFC 3339 text or a number of milliseconds since the epoch, never seconds; what is finer than a millisecond is cut off.
 * In CBOR also tags 0 and 1 (RFC 8949, 3.4.1 and 3.4.2).
 */
export type Dialect = "holdfast" | "losant" | "thingsboard";

export type BodyKind = {
  /** Default: `application/json`. */
  readonly contentType?: string | undefined;
  /** How it was compressed, as it was said: `gzip` or `zstd`. */
  readonly encoding?: string | undefined;
  readonly dialect?: Dialect | undefined;
  /** Of line protocol: what its times count. Default: nanoseconds. */
  readonly precision?: Precision | undefined;
};

type Format = "json" | "ndjson" | "cbor" | "senml+json" | "senml+cbor" | "lines";

/** What InfluxDB's line protocol is called here: it has no name that is registered. */
export const lineProtocol = "application/x-influxdb-line-protocol";

const formats = new Map<string, Format>([
  ["application/json", "json"],
  ["text/json", "json"],
  ["application/x-ndjson", "ndjson"],
  ["application/ndjson", "ndjson"],
  ["application/jsonl", "ndjson"],
  ["application/cbor", "cbor"],
  ["application/senml+json", "senml+json"],
  ["application/senml+cbor", "senml+cbor"],
  [lineProtocol, "lines"],
]);

function formatOf(contentType: string | undefined): Format {
  if (contentType === undefined || contentType === "") return "json";
  const format = formats.get(contentType) ?? formats.get((contentType.split(";", 1)[0] ?? "").trim().toLowerCase());
  if (!format) throw new Refusal("request.mediaType");
  return format;
}

const plain: BodyKind = {};

/**
 * The readings of one message, 1 to 1,000 (5,000 where each is a line), each with at least one value. All or nothing: the first fault refuses the whole body.
 * `now` is what SenML's relative times start from; device times are not judged here, see `checkTimes`.
 */
export function parseBody(body: Uint8Array, now: Instant, kind: BodyKind = plain): Reading[] {
  switch (formatOf(kind.contentType)) {
    case "json":
      return flatReadings(body, kind) ?? readingsOf(parseJson(body), kind.dialect ?? "holdfast");
    case "ndjson":
      return lineReadings(body, kind);
    case "lines":
      return parseLines(utf8Text(body), kind.precision ?? "ns");
    case "cbor":
      return readingsOf(parseCbor(body), kind.dialect ?? "holdfast");
    case "senml+json":
      return resolveSenml(parseJson(body), now);
    case "senml+cbor":
      return resolveSenml(parseCbor(body, senmlLabel), now);
  }
}

const flat = new FlatReader();

/** The short form of plain numbers, which most messages are; `undefined` is not one of those, whatever else it may be. */
function flatReadings(body: Uint8Array, { dialect }: BodyKind): Reading[] | undefined {
  if (dialect === "losant") return undefined;
  const values = flat.read(body);
  if (!values) return undefined;
  // They may make it the long form.
  for (const [name] of values) if (name === "values" || name === "time") return undefined;
  return [{ time: undefined, values }];
}

/** A reading in each line; an empty line is none. */
function lineReadings(body: Uint8Array, kind: BodyKind): Reading[] {
  const readings: Reading[] = [];
  for (let from = 0; from < body.length;) {
    const found = body.indexOf(newline, from);
    let to = found === -1 ? body.length : found;
    const next = to + 1;
    if (to > from && body[to - 1] === carriageReturn) to -= 1;
    const line = body.subarray(from, to);
    from = next;
    if (line.length === 0) continue;
    if (readings.length === mostLines) throw new Refusal("telemetry.tooMany");
    const [plainOne] = flatReadings(line, kind) ?? [];
    readings.push(
      plainOne ?? readingOf(parseJson(line, undefined, readings.length), kind.dialect ?? "holdfast", readings.length),
    );
  }
  if (readings.length > 0) return readings;
  throw malformed("There is no line.");
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function utf8Text(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw malformed("The body is not UTF-8.");
  }
}

/** `above`: how many arrays and objects may stand above the values. @throws Refusal `telemetry.malformed`, `telemetry.tooDeep` */
export function parseJson(body: Uint8Array, above = 3, index?: number): unknown {
  if (body.length > 4_096) checkDepth(body, above);
  const text = utf8Text(body);
  try {
    return JSON.parse(text);
  } catch {
    // The cause quotes the body, so it stays out of the refusal: payloads do not go into logs.
    throw malformed(index === undefined ? "The body is not JSON." : `Reading ${index + 1} is not JSON.`);
  }
}

/**
 * JSON.parse does not recurse, but a mebibyte of brackets costs it 80 ms; this costs less than 2. A reading has three levels above its values.
 * Outside ASCII no byte equals one of these, so bytes will do. Below 4 KiB even nothing but brackets is parsed in no time.
 */
function checkDepth(body: Uint8Array, above: number): void {
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === quote) {
      for (at++; at < body.length && body[at] !== quote; at++) if (body[at] === backslash) at++;
    } else if (byte === openingBracket || byte === openingBrace) {
      if (++depth > above + deepestJson) throw new Refusal("telemetry.tooDeep");
    } else if (byte === closingBracket || byte === closingBrace) {
      depth--;
    }
  }
}

const [quote, backslash, openingBracket, closingBracket, openingBrace, closingBrace] = Buffer.from('"\\[]{}');
const newline = 0x0a;
const carriageReturn = 0x0d;

const malformed = (detail: string): Refusal => new Refusal("telemetry.malformed", { detail });

function readingsOf(parsed: unknown, dialect: Dialect): Reading[] {
  if (!Array.isArray(parsed)) return [readingOf(parsed, dialect, undefined)];
  if (parsed.length > mostReadings) throw new Refusal("telemetry.tooMany");
  if (parsed.length === 0) throw malformed("The array is empty.");
  return parsed.map((one: unknown, index) => readingOf(one, dialect, index));
}

function readingOf(parsed: unknown, dialect: Dialect, index: number | undefined): Reading {
  if (!isObject(parsed)) {
    if (Array.isArray(parsed))
      throw new Refusal("telemetry.tooDeep", { detail: "An array inside an array is not read." });
    throw malformed(index === undefined ? "The body is no object." : `Reading ${index + 1} is no object.`);
  }
  switch (dialect) {
    case "holdfast":
      if (parsed["values"] !== undefined || parsed["time"] !== undefined) return longForm(parsed, holdfast, index);
      return { time: undefined, values: valuesOf(parsed, index) };
    case "losant":
      return longForm(parsed, losant, index);
    case "thingsboard":
      if (parsed["values"] !== undefined && parsed["ts"] !== undefined) return longForm(parsed, thingsboard, index);
      return { time: undefined, values: valuesOf(parsed, index) };
  }
}

type LongForm = { readonly time: string; readonly values: string; readonly passedOver: readonly string[] };
const holdfast: LongForm = { time: "time", values: "values", passedOver: [] };
const losant: LongForm = { time: "time", values: "data", passedOver: ["flowVersion", "meta"] };
const thingsboard: LongForm = { time: "ts", values: "values", passedOver: [] };

function longForm(parsed: JsonObject, form: LongForm, index: number | undefined): Reading {
  let time: Instant | undefined;
  let values: Reading["values"] | undefined;
  for (const field in parsed) {
    const value = parsed[field];
    if (field === form.values) {
      if (!isObject(value))
        throw refusalAt("telemetry.malformed", { attribute: field, reading: index }, "has to be an object.");
      values = valuesOf(value, index);
    } else if (field === form.time) {
      time = parseTime(value, field, index);
    } else if (!form.passedOver.includes(field)) {
      const message = `cannot stand beside "${form.time}" or "${form.values}". Put every attribute into "${form.values}".`;
      throw refusalAt("telemetry.malformed", { attribute: field, reading: index }, message);
    }
  }
  if (values) return { time, values };
  throw refusalAt("telemetry.malformed", { attribute: form.values, reading: index }, "is missing.");
}

function parseTime(value: unknown, field: string, index: number | undefined): Instant {
  const place = { attribute: field, reading: index };
  // Losant's clients may also write {"$date": "2026-01-01T00:00:00Z"}
  const plainValue = isObject(value) && value["$date"] !== undefined ? value["$date"] : value;
  if (typeof plainValue === "number" || plainValue instanceof EpochSeconds) {
    const milliseconds = typeof plainValue === "number" ? plainValue : plainValue.seconds * 1_000;
    const instant = instantOf(Math.floor(milliseconds));
    if (instant !== undefined) return instant;
    throw refusalAt("telemetry.absurdTime", place, "no date is that far away. Send milliseconds since 1970.");
  }
  const instant = typeof plainValue === "string" ? parseInstant(plainValue) : undefined;
  if (instant !== undefined) return instant;
  throw refusalAt("telemetry.malformed", place, "neither RFC 3339 (2026-01-01T00:00:00Z) nor milliseconds since 1970.");
}

function valuesOf(parsed: JsonObject, index: number | undefined): Reading["values"] {
  // Duplicates were settled by JSON.parse: the last wins (ECMA-262, 25.5.1). for…in, because Object.entries takes three times as long,
  // and what was parsed inherits nothing enumerable: `__proto__` is an own property like any other.
  const values: [string, Value][] = [];
  for (const name in parsed) {
    values.push([name, valueOf(name, parsed[name], index)]);
  }
  if (values.length > 0) return values;
  throw malformed(index === undefined ? "There is no value." : `Reading ${index + 1} has no value.`);
}

type JsonObject = { readonly [field: string]: unknown };
const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Uint8Array) &&
  !(value instanceof EpochSeconds);

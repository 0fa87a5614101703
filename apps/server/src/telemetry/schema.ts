// Hot path: every value of every message is compared with its series here.
import { scrub } from "@holdfast/crypto";
import { Refusal, type Fault } from "@holdfast/kernel";
import type { Bounds, Schema } from "../authority/index.ts";
import { mostTextBytes, refusalAt, type Reading } from "./reading.ts";
import type { DeviceSeries } from "./series.ts";
import { asJson, Json, typeOf, type Value, type ValueType } from "./value.ts";

/** Undeclared attributes that one device may have. */
const mostUndeclared = 64;

/** What a kept value may be found to be, where its product says that such values are marked. */
export type Mark = "telemetry.outOfRange" | "telemetry.notListed" | "telemetry.undeclared";
/** By the index of the reading, and by attribute. */
export type Marks = Map<number, Map<string, Mark>>;

/**
 * A value must have the type of its series, or, where it begins one, the type that its product declares; what is not declared is
 * welcome up to a limit, unless the product is strict. A series that is older than the declaration goes on as what it is: asking
 * for both types at once would leave the device nothing that it can send. What an attribute of JSON takes becomes JSON, in place. Answers
 * what is to be marked. @throws Refusal `telemetry.wrongType`, `telemetry.undeclared`, `telemetry.tooManyAttributes`,
 * `telemetry.outOfRange`, `telemetry.notListed`,
 * which name the attribute
 */
export function checkSchema(state: DeviceSeries, readings: Reading[], schema: Schema | undefined): Marks | undefined {
  let fresh: Map<string, ValueType> | undefined;
  let marks: Marks | undefined;
  let index = -1;
  for (const { values } of readings) {
    index += 1;
    for (const [name, value] of values) {
      const type = typeOf(value);
      const declared = schema?.types.get(name);
      if (schema?.strict && declared === undefined) marks = markUndeclared(schema, marks, index, name);
      const kept = state.byName.get(name)?.type;
      const wanted = kept ?? declared ?? fresh?.get(name);
      if (wanted !== type) {
        if (wanted === undefined) checkFirst(name, value);
        else if (wanted === "json") takeAsJson(readings, index, name);
        else throw wrongType(name, wanted, value, declared);
      }
      if (kept === undefined) (fresh ??= new Map()).set(name, wanted ?? type);
    }
  }
  if (schema?.bounds) marks = checkBounds(readings, schema, schema.bounds, marks);
  if (fresh) checkUndeclared(state, fresh, schema);
  return marks;
}

/** The first value decides what an attribute is: JSON that is nearly a location would make JSON of it, which nobody meant. */
function checkFirst(name: string, value: Value): void {
  if (value instanceof Json && value.almost !== undefined)
    throw refusalAt("telemetry.wrongType", { attribute: name }, `looks like a location, and ${value.almost}.`);
}

function markUndeclared(schema: Schema, marks: Marks | undefined, index: number, name: string): Marks {
  if (!schema.marks) throw named("telemetry.undeclared", name, "not declared");
  return marked(marks, index, name, "telemetry.undeclared");
}

function checkUndeclared(state: DeviceSeries, fresh: ReadonlyMap<string, ValueType>, schema: Schema | undefined): void {
  const undeclared = [...fresh.keys()].filter((name) => !schema?.types.has(name));
  const [first] = undeclared;
  if (first === undefined) return;
  let count = undeclared.length;
  for (const name of state.byName.keys()) if (!schema?.types.has(name)) count += 1;
  if (count > mostUndeclared) throw named("telemetry.tooManyAttributes", first, "one too many");
}

function takeAsJson(readings: Reading[], index: number, name: string): void {
  const reading = readings[index];
  if (!reading) return;
  const values = reading.values.map(([other, value]) => [other, other === name ? asJson(value) : value] as const);
  for (const [, value] of values)
    if (value instanceof Json && Buffer.byteLength(value.text) > mostTextBytes)
      throw refusalAt("telemetry.textTooLong", { attribute: name }, "as JSON longer than 4,096 bytes.");
  readings[index] = { ...reading, values };
}

function checkBounds(
  readings: readonly Reading[],
  schema: Schema,
  bounds: ReadonlyMap<string, Bounds>,
  before: Marks | undefined,
): Marks | undefined {
  let marks = before;
  for (const [index, { values }] of readings.entries()) {
    for (const [name, value] of values) {
      const mark = violationOf(bounds.get(name), value);
      if (mark === undefined) continue;
      if (!schema.marks) throw named(mark, name, messages[mark]);
      marks = marked(marks, index, name, mark);
    }
  }
  return marks;
}

const messages = { "telemetry.outOfRange": "out of its range", "telemetry.notListed": "not listed" } as const;

/** What is wrong with a value, whatever becomes of it. */
export function violationOf(
  bounds: Bounds | undefined,
  value: Value,
): "telemetry.outOfRange" | "telemetry.notListed" | undefined {
  if (!bounds || (typeof value !== "number" && typeof value !== "string")) return undefined;
  const { min = value, max = value, values } = bounds;
  if (value < min || value > max) return "telemetry.outOfRange";
  return values && !values.has(value) ? "telemetry.notListed" : undefined;
}

function marked(marks: Marks = new Map(), index: number, name: string, mark: Mark): Marks {
  const there = marks.get(index);
  if (there) there.set(name, mark);
  else marks.set(index, new Map([[name, mark]]));
  return marks;
}

/** Fit to be shown: a hostile name cannot break a line or flood a log. */
const shown = (name: string): string => JSON.stringify(scrub(name).slice(0, 128)).slice(1, -1);

function wrongType(name: string, expected: ValueType, value: Value, declared: ValueType | undefined): Refusal {
  const type = typeOf(value);
  const almost = expected === "location" && value instanceof Json ? value.almost : undefined;
  const why =
    declared === undefined || declared === expected
      ? ""
      : `. This device has measured it as ${nouns[expected]} before its product declared ${nouns[declared]}: declare and send the ${declared} under another name`;
  const message = `is ${nouns[expected]}, and ${almost ?? `this is ${nouns[type]}`}${why}`;
  return new Refusal("telemetry.wrongType", {
    detail: `"${shown(name)}" ${message}.`,
    faults: [{ path: shown(name), message } satisfies Fault],
  });
}

const nouns = {
  number: "a number",
  boolean: "a boolean",
  text: "a text",
  location: "a location",
  json: "JSON",
} as const;

const named = (code: Mark | "telemetry.tooManyAttributes", name: string, message: string): Refusal =>
  new Refusal(code, { detail: `It is "${shown(name)}".`, faults: [{ path: shown(name), message }] });

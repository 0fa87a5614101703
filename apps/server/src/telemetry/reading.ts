import { scrub } from "@holdfast/crypto";
import { isRefusal, Refusal, rfc3339, type Instant } from "@holdfast/kernel";
import { isAttributeName } from "@holdfast/protocol";
import { deepestJson, Json, objectOf, type Value } from "./value.ts";

/** What a device says about one moment: one value each for some attributes. `time` is undefined when the platform is to give it. */
export type Reading = {
  readonly time: Instant | undefined;
  /** At least one. Names may be anything that `isAttributeName` takes, `__proto__` included: never use them as keys of a plain object. */
  readonly values: readonly (readonly [name: string, value: Value])[];
};

export const mostReadings = 1_000;
/** Where each stands in a line of its own, as InfluxDB's clients send them. */
export const mostLines = 5_000;
export const mostTextBytes = 4_096;

/** Where in a body something is: the attribute, and in an array the reading, counted from 0. */
export type Place = { readonly attribute: string; readonly reading?: number | undefined };

/** A refusal that names the attribute, made fit to be shown: a hostile name cannot break a line or flood a log. */
export function refusalAt(
  code:
    | "telemetry.malformed"
    | "telemetry.tooDeep"
    | "telemetry.wrongType"
    | "telemetry.textTooLong"
    | "telemetry.attributeName"
    | "telemetry.absurdTime",
  { attribute, reading }: Place,
  message: string,
): Refusal {
  const shown = JSON.stringify(scrub(attribute).slice(0, 128)).slice(1, -1);
  const where = reading === undefined ? `"${shown}"` : `"${shown}" of reading ${reading + 1}`;
  return new Refusal(code, { detail: `${where}: ${message}`, faults: [{ path: shown, message }] });
}

/** A value as we keep it, or a refusal that names the attribute. `null` is none: absent is absent. */
export function valueOf(name: string, value: unknown, reading?: number): Value {
  if (!isAttributeName(name)) {
    throw refusalAt("telemetry.attributeName", { attribute: name, reading }, "not a usable attribute name.");
  }
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "boolean") return value;
  if (typeof value === "string") return textOf(name, value, reading);
  if (typeof value === "object" && value !== null) return shaped(name, value, reading);
  const why =
    typeof value === "number" ? "not a finite number." : "neither a number, a boolean, a text, a location nor JSON.";
  throw refusalAt("telemetry.wrongType", { attribute: name, reading }, why);
}

function textOf(name: string, text: string, reading: number | undefined): string {
  checkLength(name, text, reading);
  if (text.isWellFormed()) return text;
  throw refusalAt("telemetry.wrongType", { attribute: name, reading }, "half of a surrogate pair is not text.");
}

function checkLength(name: string, text: string, reading: number | undefined): void {
  // three bytes are the most that one UTF-16 unit becomes
  if (text.length * 3 <= mostTextBytes || Buffer.byteLength(text) <= mostTextBytes) return;
  throw refusalAt("telemetry.textTooLong", { attribute: name, reading }, "longer than 4,096 bytes.");
}

function shaped(name: string, value: object, reading: number | undefined): Value {
  const place = { attribute: name, reading };
  try {
    const found = objectOf(value);
    if (found === undefined) throw refusalAt("telemetry.wrongType", place, "holds what JSON cannot say.");
    if (found instanceof Json) checkLength(name, found.text, reading);
    return found;
  } catch (error) {
    if (!isRefusal(error, "telemetry.tooDeep")) throw error;
    throw refusalAt("telemetry.tooDeep", place, `more than ${deepestJson} objects and arrays in each other.`);
  }
}

const minute = 60_000;
const day = 24 * 60 * minute;

/**
 * How far a device's own clock may be from ours, in milliseconds. What it kept while it had no connection may be old; a clock that is a year off is
 * one that was never set, and what it says would be looked for in vain.
 */
export type TimeLimits = { readonly past: number; readonly future: number };
const defaultTimeLimits: TimeLimits = { past: 360 * day, future: 10 * minute };

/** Refuses all readings of a message when the time of one is absurd. Readings without a time always pass. */
export function checkTimes(readings: readonly Reading[], now: Instant, limits: TimeLimits = defaultTimeLimits): void {
  for (let index = 0; index < readings.length; index++) {
    const time = readings[index]?.time;
    if (time === undefined || (time >= now - limits.past && time <= now + limits.future)) continue;
    throw absurd(time, now, limits, readings.length === 1 ? undefined : index);
  }
}

function absurd(time: Instant, now: Instant, limits: TimeLimits, reading: number | undefined): Refusal {
  const side = time < now ? "before" : "after";
  const would = (scaled: number) => scaled >= now - limits.past && scaled <= now + limits.future;
  const hint = would(time * 1_000)
    ? " It looks like seconds; send milliseconds."
    : would(time / 1_000) || would(time / 1_000_000)
      ? " It is finer than milliseconds; send milliseconds."
      : "";
  const message = `${rfc3339(time)} is too far ${side} the platform's ${rfc3339(now)}.${hint}`;
  return refusalAt("telemetry.absurdTime", { attribute: "time", reading }, message);
}

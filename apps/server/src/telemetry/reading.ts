import { scrub } from "@holdfast/crypto";
import { Refusal, rfc3339, type Instant } from "@holdfast/kernel";
import { isAttributeName } from "@holdfast/protocol";

/** What can be measured: a finite double, yes or no, or a text of at most 4,096 bytes. */
export type Value = number | boolean | string;

/** What a device says about one moment: one value each for some attributes. `time` is undefined when the platform is to give it. */
export type Reading = {
  readonly time: Instant | undefined;
  /** At least one. Names may be anything that `isAttributeName` takes, `__proto__` included: never use them as keys of a plain object. */
  readonly values: readonly (readonly [name: string, value: Value])[];
};

/** What people may declare an attribute to be. The same three words everywhere: products, chunks, queries. */
export type ValueType = "number" | "boolean" | "text";

export const mostReadings = 1_000;
export const mostTextBytes = 4_096;

export function typeOf(value: Value): ValueType {
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "boolean" : "text";
}

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

/** A value as we keep it, or a refusal that names the attribute. Anything but the three kinds is refused, `null` included: absent is absent. */
export function checkPoint(name: string, value: unknown, reading?: number): asserts value is Value {
  if (!isAttributeName(name)) {
    throw refusalAt("telemetry.attributeName", { attribute: name, reading }, "not a usable attribute name.");
  }
  switch (typeof value) {
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw refusalAt("telemetry.wrongType", { attribute: name, reading }, "not a finite number.");
    case "string":
      // three bytes are the most that one UTF-16 unit becomes
      if (value.length * 3 > mostTextBytes && Buffer.byteLength(value) > mostTextBytes) {
        throw refusalAt("telemetry.textTooLong", { attribute: name, reading }, "longer than 4,096 bytes.");
      }
      if (value.isWellFormed()) return;
      throw refusalAt("telemetry.wrongType", { attribute: name, reading }, "half of a surrogate pair is not text.");
    default:
      if (value !== null && typeof value === "object" && !(value instanceof Uint8Array)) {
        throw refusalAt("telemetry.tooDeep", { attribute: name, reading }, "objects and arrays are not read here.");
      }
      throw refusalAt("telemetry.wrongType", { attribute: name, reading }, "neither a number, a boolean nor a text.");
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

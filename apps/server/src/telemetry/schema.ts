// Hot path: every value of every message is compared with its series here.
import { scrub } from "@holdfast/crypto";
import { Refusal, type Fault } from "@holdfast/kernel";
import type { Schema } from "../authority/index.ts";
import { typeOf, type Reading, type ValueType } from "./reading.ts";
import type { DeviceSeries } from "./series.ts";

/** Undeclared attributes that one device may have. */
const mostUndeclared = 64;

/**
 * A value must have the type of its series, or, where it begins one, the type that its product declares; what is not declared is
 * welcome up to a limit, unless the product is strict. A series that is older than the declaration goes on as what it is: asking
 * for both types at once would leave the device nothing that it can send. @throws Refusal `telemetry.wrongType`, `telemetry.undeclared`, `telemetry.tooManyAttributes`,
 * which name the attribute
 */
export function checkTypes(state: DeviceSeries, readings: readonly Reading[], schema: Schema | undefined): void {
  let fresh: Map<string, ValueType> | undefined;
  for (const { values } of readings) {
    for (const [name, value] of values) {
      const type = typeOf(value);
      const declared = schema?.types.get(name);
      if (schema?.strict && declared === undefined) throw named("telemetry.undeclared", name, "not declared");
      const kept = state.byName.get(name)?.type;
      const wanted = kept ?? declared ?? fresh?.get(name);
      if (wanted !== undefined && wanted !== type) throw wrongType(name, wanted, type, declared);
      if (kept === undefined) (fresh ??= new Map()).set(name, type);
    }
  }
  if (!fresh) return;
  const undeclared = [...fresh.keys()].filter((name) => !schema?.types.has(name));
  const [first] = undeclared;
  if (first === undefined) return;
  let count = undeclared.length;
  for (const name of state.byName.keys()) if (!schema?.types.has(name)) count += 1;
  if (count > mostUndeclared) throw named("telemetry.tooManyAttributes", first, "one too many");
}

/** Fit to be shown: a hostile name cannot break a line or flood a log. */
const shown = (name: string): string => JSON.stringify(scrub(name).slice(0, 128)).slice(1, -1);

function wrongType(name: string, expected: ValueType, type: ValueType, declared: ValueType | undefined): Refusal {
  const why =
    declared === undefined || declared === expected
      ? ""
      : `. This device has measured it as a ${expected} before its product declared a ${declared}: declare and send the ${declared} under another name`;
  const message = `is a ${expected}, and this is a ${type}${why}`;
  return new Refusal("telemetry.wrongType", {
    detail: `"${shown(name)}" ${message}.`,
    faults: [{ path: shown(name), message } satisfies Fault],
  });
}

const named = (code: "telemetry.undeclared" | "telemetry.tooManyAttributes", name: string, message: string): Refusal =>
  new Refusal(code, { detail: `It is "${shown(name)}".`, faults: [{ path: shown(name), message }] });

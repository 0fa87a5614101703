// Hot path: every value of every message is compared with its series here.
import { Refusal, type Fault } from "@holdfast/kernel";
import type { Schema } from "../authority/index.ts";
import { typeOf, type Reading, type ValueType } from "./reading.ts";
import type { DeviceSeries } from "./series.ts";

/** Undeclared attributes that one device may have. */
const mostUndeclared = 64;

/**
 * A value must have the type that its product declares and that its series has; what is not declared is welcome up to a limit,
 * unless the product is strict. @throws Refusal `telemetry.wrongType`, `telemetry.undeclared`, `telemetry.tooManyAttributes`,
 * which name the attribute
 */
export function checkTypes(state: DeviceSeries, readings: readonly Reading[], schema: Schema | undefined): void {
  let fresh: Map<string, ValueType> | undefined;
  for (const { values } of readings) {
    for (const [name, value] of values) {
      const type = typeOf(value);
      const declared = schema?.types.get(name);
      if (declared !== undefined && declared !== type) throw wrongType(name, declared, type);
      if (schema?.strict && declared === undefined) throw named("telemetry.undeclared", name, "not declared");
      const kept = state.byName.get(name)?.type ?? fresh?.get(name);
      if (kept !== undefined && kept !== type) throw wrongType(name, kept, type);
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
const shown = (name: string): string => JSON.stringify(name.slice(0, 128)).slice(1, -1);

function wrongType(name: string, expected: ValueType, type: ValueType): Refusal {
  const message = `is a ${expected}, and this is a ${type}`;
  return new Refusal("telemetry.wrongType", {
    detail: `"${shown(name)}" ${message}.`,
    faults: [{ path: shown(name), message } satisfies Fault],
  });
}

const named = (code: "telemetry.undeclared" | "telemetry.tooManyAttributes", name: string, message: string): Refusal =>
  new Refusal(code, { detail: `It is "${shown(name)}".`, faults: [{ path: shown(name), message }] });

import { Refusal } from "@holdfast/kernel";
import type { Schema } from "../authority/index.ts";
import { violationOf } from "./schema.ts";
import { Json, objectOf, typeOf, type Value } from "./value.ts";

/**
 * Why a value that is kept beside telemetry, under the name of an attribute, is not what the product lets it be; `undefined` where it is. A product
 * that marks what it would else refuse marks measurements alone.
 */
export function misfitOf(schema: Schema | undefined, name: string, plain: unknown): string | undefined {
  const declared = schema?.types.get(name);
  if (declared === undefined) return schema?.strict ? "is not declared by the product" : undefined;
  const value = valueOf(plain);
  if (value === undefined) return "is no value of JSON, or too deep";
  const type = typeOf(value);
  if (declared !== "json" && type !== declared) {
    const almost = declared === "location" && value instanceof Json ? value.almost : undefined;
    return almost ?? `is declared as ${declared}, and this is ${type}`;
  }
  const violation = violationOf(schema?.bounds?.get(name), value);
  if (violation === undefined) return undefined;
  return violation === "telemetry.outOfRange" ? "is out of its range" : "is not among the values it may have";
}

function valueOf(plain: unknown): Value | undefined {
  if (typeof plain === "number" || typeof plain === "boolean" || typeof plain === "string") return plain;
  if (typeof plain !== "object" || plain === null) return undefined;
  try {
    return objectOf(plain);
  } catch (error) {
    if (error instanceof Refusal) return undefined; // too deep
    throw error;
  }
}

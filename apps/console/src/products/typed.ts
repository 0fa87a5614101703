import { duration, type AttributeType } from "@holdfast/protocol";
import { words } from "../words/index.ts";

const own = words.products.errors;

export type Attribute = {
  readonly type: AttributeType;
  readonly unit?: string | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly values?: readonly (number | string)[] | undefined;
};

/** An attribute as it is typed: numbers as somebody writes them, values one a line. */
export type Typed = {
  readonly name: string;
  readonly type: AttributeType;
  readonly unit: string;
  readonly min: string;
  readonly max: string;
  readonly values: string;
};

export const nothing: Typed = { name: "", type: "number", unit: "", min: "", max: "", values: "" };

export const typedOf = (name: string, { type, unit = "", min, max, values = [] }: Attribute): Typed => ({
  name,
  type,
  unit,
  min: min === undefined ? "" : String(min),
  max: max === undefined ? "" : String(max),
  values: values.join("\n"),
});

/** What belongs to another type is left out, whatever was typed before the type changed. */
export function attributeOf({ type, unit, min, max, values }: Typed): {
  type: AttributeType;
  unit?: string;
  min?: number;
  max?: number;
  values?: (number | string)[];
} {
  const all = linesIn(values);
  const isNumber = type === "number";
  return {
    type,
    ...(unit.trim() !== "" && { unit: unit.trim() }),
    ...(isNumber && min.trim() !== "" && { min: numberIn(min) }),
    ...(isNumber && max.trim() !== "" && { max: numberIn(max) }),
    ...(mayList(type) && all.length > 0 && { values: isNumber ? all.map(numberIn) : all }),
  };
}

export const mayList = (type: AttributeType): boolean => type === "number" || type === "text";

/** What is wrong with what was typed, by its field. */
export function faultsIn(typed: Typed): { readonly [Field in keyof Typed]?: string } {
  const { min, max, values } = attributeOf(typed);
  const isWrong = (number: number | undefined) => number !== undefined && !Number.isFinite(number);
  return {
    ...(isWrong(min) && { min: own.number }),
    ...(isWrong(max) && { max: own.number }),
    ...(min !== undefined && max !== undefined && max < min && { max: own.order }),
    ...(values && new Set(values).size < values.length && { values: own.twice }),
    ...(values?.some((value) => typeof value === "number" && !Number.isFinite(value)) && { values: own.values }),
  };
}

export const wrongTime = (text: string): string | undefined =>
  duration.safeParse(text).success ? undefined : own.times;

const numberIn = (text: string): number => Number(text.trim().replace(/^$/, "NaN").replace(",", "."));
const linesIn = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

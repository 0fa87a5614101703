import { Refusal } from "@holdfast/kernel";
import type { AttributeType } from "@holdfast/protocol";

/** What can be measured: a finite double, yes or no, a text of at most 4,096 bytes, a place, or a document of JSON. */
export type Value = number | boolean | string | Location | Json;

/** What people may declare an attribute to be. The same words everywhere: products, chunks, queries. */
export type ValueType = AttributeType;

/** WGS 84, in degrees; altitude and accuracy in metres. Kept bit for bit. */
export type Location = {
  readonly latitude: number;
  readonly longitude: number;
  readonly altitude?: number;
  readonly accuracy?: number;
};

/** A document of JSON as its text, of at most 4,096 bytes. A class, so that no object is mistaken for one. */
export class Json {
  readonly text: string;
  /** Why it is no location, where it has the fields of one. */
  readonly almost: string | undefined;

  constructor(text: string, almost?: string) {
    this.text = text;
    this.almost = almost;
  }
}

export function typeOf(value: Value): ValueType {
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "string") return "text";
  return value instanceof Json ? "json" : "location";
}

/** As an answer shows it. */
export const plainOf = (value: Value): number | boolean | string | object =>
  value instanceof Json ? (JSON.parse(value.text) as object) : value; // `jsonOf` wrote it

/** Any value, where an attribute is of JSON. */
export const asJson = (value: Value): Json =>
  value instanceof Json ? value : new Json(JSON.stringify(value satisfies number | boolean | string | Location));

/** How deep objects and arrays may lie in each other. */
export const deepestJson = 16;

/**
 * An object or an array that came for a value: a location where it has its fields and no others, else JSON. `undefined` for what JSON
 * cannot say. @throws Refusal `telemetry.tooDeep`, without a detail
 */
export function objectOf(value: object): Location | Json | undefined {
  const almost = Array.isArray(value) ? undefined : notLocation(value);
  if (almost === isLocation) return locationOf(value as Location); // `notLocation` looked at each field
  return isJson(value, 1) ? new Json(JSON.stringify(value), almost) : undefined;
}

/** The fields in their order, and no others. */
const locationOf = ({ latitude, longitude, altitude, accuracy }: Location): Location => ({
  latitude,
  longitude,
  ...(altitude !== undefined && { altitude }),
  ...(accuracy !== undefined && { accuracy }),
});

const isLocation = Symbol("location");
const bounds = new Map([
  ["latitude", [-90, 90]],
  ["longitude", [-180, 180]],
  ["altitude", [-Number.MAX_VALUE, Number.MAX_VALUE]],
  ["accuracy", [0, Number.MAX_VALUE]],
]);

/** `undefined`: it does not even look like one. */
function notLocation(value: object): typeof isLocation | string | undefined {
  if (!Object.hasOwn(value, "latitude") || !Object.hasOwn(value, "longitude")) return undefined;
  let wrong: string | undefined;
  for (const [name, field] of Object.entries(value)) {
    const [least, greatest] = bounds.get(name) ?? [];
    if (least === undefined || greatest === undefined) return undefined;
    if (typeof field === "number" && field >= least && field <= greatest) continue;
    wrong ??= name.startsWith("a") ? `${name} is not in metres` : `${name} is not from ${least} to ${greatest} degrees`;
  }
  return wrong ?? isLocation;
}

/** CBOR says more than JSON can: byte strings, times, infinities. */
function isJson(value: unknown, depth: number): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value !== "object") return false;
  if (depth > deepestJson) throw new Refusal("telemetry.tooDeep");
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value).every((item) => isJson(item, depth + 1));
}

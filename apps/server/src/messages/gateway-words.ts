import { Refusal } from "@holdfast/kernel";
import type { GatewaySaying } from "@holdfast/protocol";
import { parseJson } from "../telemetry/index.ts";
import type { SaidOfChild } from "./beside.ts";

/** What a gateway says of one child, by the name that it has for it. */
export type Part = {
  readonly name: string;
  readonly said: { readonly what: "came" } | { readonly what: "left" } | { readonly what: "telemetry" } | SaidOfChild;
  /** What of the message is about this child. */
  readonly bytes: Uint8Array;
};

/** Of so many children at once. */
const most = 1_000;
/** Levels of arrays and objects above the values of a child's readings. */
const above = 4;

const malformed = (detail: string): Refusal => new Refusal("gateway.malformed", { detail });

type JsonObject = { readonly [name: string]: unknown };
const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** ECMA-262, 25.5.3, of which TypeScript does not know yet. */
const { rawJSON } = JSON as typeof JSON & { rawJSON: (this: void, text: string) => object }; // V8 has it

/** JSON reads 1e999 as infinite and would write it as null: it is written as it came, and judged as if the child had sent it. */
const asItCame = (_name: string, value: unknown): unknown =>
  value === Infinity || value === -Infinity ? rawJSON(value > 0 ? "1e999" : "-1e999") : value;

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value, asItCame));

/** ThingsBoard's gateway messages. @throws Refusal `gateway.malformed`, `telemetry.malformed`, `telemetry.tooDeep`, `telemetry.tooMany` */
export function parseSaid(what: GatewaySaying, bytes: Uint8Array): readonly Part[] {
  const sent = parseJson(bytes, above);
  if (!isObject(sent)) throw malformed("The message is no object.");
  switch (what) {
    case "connect":
      return [{ name: nameIn(sent), said: { what: "came" }, bytes }];
    case "disconnect":
      return [{ name: nameIn(sent), said: { what: "left" }, bytes }];
    case "telemetry":
      return eachOf(sent).map(([name, value]) => ({ name, said: { what }, bytes: bytesOf(value) }));
    case "attributes":
      return eachOf(sent).map(([name, patch]) => ({ name, said: { what, patch }, bytes: bytesOf(patch) }));
    case "attributes/request":
      return [{ name: nameIn(sent), said: requestIn(sent), bytes }];
    case "rpc":
      if (sent["data"] === undefined) throw malformed('"data" is missing.');
      return [{ name: nameIn(sent), said: { what: "reply", number: numberIn(sent) }, bytes: bytesOf(sent["data"]) }];
  }
}

function eachOf(sent: JsonObject): readonly (readonly [string, unknown])[] {
  const all = Object.entries(sent);
  if (all.length === 0) throw malformed("No child is named.");
  if (all.length > most) throw malformed("More than 1,000 children are named.");
  return all;
}

function nameIn({ device }: JsonObject): string {
  if (typeof device === "string" && device !== "") return device;
  throw malformed('"device" has to be the name of a child.');
}

function numberIn({ id }: JsonObject): number {
  if (typeof id === "number" && Number.isSafeInteger(id) && id >= 0 && id < 2 ** 31) return id;
  throw malformed('"id" has to be a whole number below 2^31.');
}

/** `{"client": true, "key": "a"}`, or `"keys"`, as it was; `{"client": ["a"], "shared": ["b"]}`, as it is documented since. */
function requestIn(sent: JsonObject): SaidOfChild {
  const { client, shared, key, keys } = sent;
  const asked = { what: "request", name: nameIn(sent), number: numberIn(sent) } as const;
  if (typeof client !== "boolean") return { ...asked, form: "sides", client: namesIn(client), shared: namesIn(shared) };
  const side = client ? "client" : "shared";
  const names = typeof key === "string" ? [key] : namesIn(keys);
  const none: readonly string[] = [];
  return {
    ...asked,
    form: typeof key === "string" ? "value" : "values",
    client: side === "client" ? names : none,
    shared: side === "shared" ? names : none,
  };
}

function namesIn(names: unknown): readonly string[] {
  if (names === undefined) return [];
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw malformed("Names of attributes have to be an array of texts.");
}

// Hot path: what a frame carries becomes what every other listener brings.
import { Refusal } from "@holdfast/kernel";
import { EpochSeconds, parseCbor, type BodyKind } from "../telemetry/index.ts";

export type Body = { readonly bytes: Uint8Array; readonly kind: BodyKind };

const json: BodyKind = {};
const cbor: BodyKind = { contentType: "application/cbor" };
const utf8 = new TextDecoder("utf-8", { fatal: true });
const malformed = (detail: string): Refusal => new Refusal("telemetry.malformed", { detail });

/**
 * The payload of a frame as a body that readers of MQTT and HTTP know: CBOR stays what it is, but where numbers stand for names, which nobody
 * else could read. @throws Refusal `telemetry.malformed`
 */
export function bodyOf(payload: Uint8Array, isText: boolean, attributes: readonly string[]): Body {
  if (isText) return { bytes: Buffer.from(jsonOfLine(textIn(payload))), kind: json };
  if (attributes.length === 0) return { bytes: payload, kind: cbor };
  // A Buffer would write itself into JSON where a byte string is.
  const bytes = new Uint8Array(payload.buffer, payload.byteOffset, payload.length);
  const named = parseCbor(bytes, (number) => {
    const name = attributes[number];
    if (name === undefined)
      throw malformed(`${number} stands for no attribute: its secret was made with ${attributes.length}.`);
    return name;
  });
  return { bytes: Buffer.from(JSON.stringify(named, plainly)), kind: json };
}

/** What CBOR has and JSON has not is refused, as it is where names are written out: JSON would leave it out, or write `null` for it. */
function plainly(name: string, value: unknown): unknown {
  if (value instanceof EpochSeconds && name === "time") return Math.floor(value.seconds * 1_000);
  const isKnown =
    value === null || typeof value === "object" || typeof value === "string" || typeof value === "boolean";
  if ((isKnown || Number.isFinite(value)) && !(value instanceof Uint8Array) && !(value instanceof EpochSeconds))
    return value;
  throw malformed("A value is neither a finite number, nor text, nor true or false, nor of these.");
}

function textIn(payload: Uint8Array): string {
  try {
    return utf8.decode(payload);
  } catch (cause) {
    if (cause instanceof TypeError) throw malformed("The line is not UTF-8.");
    throw cause;
  }
}

const pair = /([^\s="]+)=(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|"(?:[^"\\\n\r]|\\.)*")(?: |$)/y;
const at = /^@(\d{1,16}) /;

/**
 * `temperature=21.5 humidity=48 door="open" on=true`: pairs with one space between; numbers, texts, true and false as JSON writes them. `@1700000000000` in
 * front is the time, in milliseconds since 1970. @throws Refusal `telemetry.malformed`
 */
export function jsonOfLine(given: string): string {
  const line = given.replace(/\r?\n$/, "");
  const time = at.exec(line);
  pair.lastIndex = time?.[0].length ?? 0;
  const pairs: string[] = [];
  let isPlain = time === null;
  for (let end = pair.lastIndex; end < line.length || pairs.length === 0; end = pair.lastIndex) {
    const found = pair.exec(line);
    if (!found || (pair.lastIndex === line.length && line.endsWith(" ")))
      throw malformed('The line is not "name=value name=value", with one space between.');
    const [, name = "", value = ""] = found;
    if (name === "time" || name === "values") isPlain = false;
    pairs.push(`${JSON.stringify(name)}:${value}`);
  }
  const values = `{${pairs.join(",")}}`;
  if (isPlain) return values;
  return time ? `{"time":${Number(time[1])},"values":${values}}` : `{"values":${values}}`;
}

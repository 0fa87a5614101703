import { Buffer } from "node:buffer";
import { packet, reason } from "./codes.ts";
import type { Cursor } from "./cursor.ts";
import { ProtocolError } from "./protocol-error.ts";

/** The properties of MQTT 5 (section 2.2.2.2). What is absent was not sent. */
export type Properties = {
  payloadFormatIndicator?: number;
  /** Seconds. */
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  subscriptionIdentifiers?: number[];
  /** Seconds; 0xFFFFFFFF never ends. */
  sessionExpiryInterval?: number;
  assignedClientIdentifier?: string;
  /** Seconds. */
  serverKeepAlive?: number;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
  requestProblemInformation?: number;
  /** Seconds. */
  willDelayInterval?: number;
  requestResponseInformation?: number;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQoS?: number;
  retainAvailable?: number;
  userProperties?: [name: string, value: string][];
  /** Bytes. */
  maximumPacketSize?: number;
  wildcardSubscriptionAvailable?: number;
  subscriptionIdentifiersAvailable?: number;
  sharedSubscriptionAvailable?: number;
};

type Form = "byte" | "flag" | "uint16" | "uint32" | "variable" | "text" | "binary" | "pair";
type Definition = { id: number; name: keyof Properties; form: Form; in: readonly number[]; notZero?: true };

/** A will's properties stand in a CONNECT, but are a list of their own. */
export const willProperties = 0;
const { connect, connack, publish, puback, pubrec, pubrel, pubcomp, subscribe, suback } = packet;
const { unsubscribe, unsuback, disconnect, auth } = packet;
const acknowledging = [puback, pubrec, pubrel, pubcomp, suback, unsuback];
const everywhere = [
  connect,
  connack,
  publish,
  subscribe,
  unsubscribe,
  disconnect,
  auth,
  willProperties,
  ...acknowledging,
];

/** Table 2-4. */
const definitions: readonly Definition[] = [
  { id: 0x01, name: "payloadFormatIndicator", form: "flag", in: [publish, willProperties] },
  { id: 0x02, name: "messageExpiryInterval", form: "uint32", in: [publish, willProperties] },
  { id: 0x03, name: "contentType", form: "text", in: [publish, willProperties] },
  { id: 0x08, name: "responseTopic", form: "text", in: [publish, willProperties] },
  { id: 0x09, name: "correlationData", form: "binary", in: [publish, willProperties] },
  { id: 0x0b, name: "subscriptionIdentifiers", form: "variable", in: [publish, subscribe], notZero: true },
  { id: 0x11, name: "sessionExpiryInterval", form: "uint32", in: [connect, connack, disconnect] },
  { id: 0x12, name: "assignedClientIdentifier", form: "text", in: [connack] },
  { id: 0x13, name: "serverKeepAlive", form: "uint16", in: [connack] },
  { id: 0x15, name: "authenticationMethod", form: "text", in: [connect, connack, auth] },
  { id: 0x16, name: "authenticationData", form: "binary", in: [connect, connack, auth] },
  { id: 0x17, name: "requestProblemInformation", form: "flag", in: [connect] },
  { id: 0x18, name: "willDelayInterval", form: "uint32", in: [willProperties] },
  { id: 0x19, name: "requestResponseInformation", form: "flag", in: [connect] },
  { id: 0x1a, name: "responseInformation", form: "text", in: [connack] },
  { id: 0x1c, name: "serverReference", form: "text", in: [connack, disconnect] },
  { id: 0x1f, name: "reasonString", form: "text", in: [connack, disconnect, auth, ...acknowledging] },
  { id: 0x21, name: "receiveMaximum", form: "uint16", in: [connect, connack], notZero: true },
  { id: 0x22, name: "topicAliasMaximum", form: "uint16", in: [connect, connack] },
  { id: 0x23, name: "topicAlias", form: "uint16", in: [publish] },
  { id: 0x24, name: "maximumQoS", form: "flag", in: [connack] },
  { id: 0x25, name: "retainAvailable", form: "flag", in: [connack] },
  { id: 0x26, name: "userProperties", form: "pair", in: everywhere },
  { id: 0x27, name: "maximumPacketSize", form: "uint32", in: [connect, connack], notZero: true },
  { id: 0x28, name: "wildcardSubscriptionAvailable", form: "flag", in: [connack] },
  { id: 0x29, name: "subscriptionIdentifiersAvailable", form: "flag", in: [connack] },
  { id: 0x2a, name: "sharedSubscriptionAvailable", form: "flag", in: [connack] },
];

const byId: (Definition | undefined)[] = [];
for (const definition of definitions) byId[definition.id] = definition;

const tooMany = () => new ProtocolError(reason.quotaExceeded, "There are more properties than this server takes.");
const broken = (sentence: string) => new ProtocolError(reason.protocolError, sentence);

function definitionOf(cursor: Cursor, holder: number): Definition {
  const definition = byId[cursor.variable()];
  if (!definition) throw new ProtocolError(reason.malformedPacket, "A property is unknown.");
  if (!definition.in.includes(holder)) throw broken(`The property ${definition.name} does not belong here.`);
  return definition;
}

function readValue(cursor: Cursor, definition: Definition): number | string | Uint8Array | [string, string] {
  const value = readForm(cursor, definition.form);
  if (definition.form === "flag" && Number(value) > 1)
    throw broken(`The property ${definition.name} is neither 0 nor 1.`);
  if (definition.notZero && value === 0) throw broken(`The property ${definition.name} is zero.`);
  return value;
}

function readForm(cursor: Cursor, form: Form): number | string | Uint8Array | [string, string] {
  switch (form) {
    case "byte":
    case "flag":
      return cursor.byte();
    case "uint16":
      return cursor.uint16();
    case "uint32":
      return cursor.uint32();
    case "variable":
      return cursor.variable();
    case "text":
      return cursor.text();
    case "binary":
      return cursor.binary();
    case "pair":
      return [cursor.text(), cursor.text()];
  }
}

// More than anybody needs, and little enough that reading and rewriting them does not hold anybody else up.
const mostUserProperties = 1_000;
const mostBytes = 128 << 10;

/**
 * Reads a property length and the properties behind it. `holder` is the packet's type, or `willProperties`.
 * Throws `ProtocolError` for a property that is unknown, misplaced, twice, or out of range, and for more than 1,000 user properties or
 * `most` bytes of all.
 */
export function readProperties(cursor: Cursor, holder: number, most: number = mostBytes): Properties {
  const length = cursor.variable();
  if (length > most) throw tooMany();
  const list = cursor.part(length);
  const properties: Record<string, unknown> = {}; // the table gives each name the type that Properties says
  while (list.left > 0) {
    const definition = definitionOf(list, holder);
    const value = readValue(list, definition);
    const { name } = definition;
    if (definition.form === "pair" || (name === "subscriptionIdentifiers" && holder === publish)) {
      const values = properties[name];
      if (Array.isArray(values)) {
        if (values.push(value) > mostUserProperties) throw tooMany();
      } else properties[name] = [value];
    } else if (name in properties) {
      throw broken(`The property ${name} stands twice.`);
    } else {
      properties[name] = name === "subscriptionIdentifiers" ? [value] : value;
    }
  }
  return properties;
}

/** Reads one property and says which it was; the cursor then stands behind it. Used to forward a list while leaving some out. */
export function skipProperty(cursor: Cursor, holder: number): keyof Properties {
  const definition = definitionOf(cursor, holder);
  if (definition.form === "text" || definition.form === "binary") cursor.part(cursor.uint16());
  else if (definition.form === "pair") {
    cursor.part(cursor.uint16());
    cursor.part(cursor.uint16());
  } else readForm(cursor, definition.form);
  return definition.name;
}

/** A variable byte integer (section 1.5.5). */
export function variable(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = value >>> 7;
    bytes.push(rest > 0 ? (value & 0x7f) | 0x80 : value & 0x7f);
    value = rest;
  } while (value > 0);
  return bytes;
}

const uint16 = (value: number): number[] => [value >>> 8, value & 0xff];
const uint32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];

function prefixed(value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  if (bytes.length > 0xffff) throw new RangeError("An MQTT string or binary field holds at most 65,535 bytes.");
  return Buffer.concat([Buffer.from(uint16(bytes.length)), bytes]);
}

function writeForm(form: Form, value: unknown): Uint8Array {
  switch (form) {
    case "byte":
    case "flag":
      return Buffer.from([Number(value)]);
    case "uint16":
      return Buffer.from(uint16(Number(value)));
    case "uint32":
      return Buffer.from(uint32(Number(value)));
    case "variable":
      return Buffer.from(variable(Number(value)));
    case "text":
    case "binary":
      return prefixed(value as string | Uint8Array); // the table gives these forms to text and bytes only
    case "pair": {
      const [name, text] = value as [string, string]; // only userProperties have this form
      return Buffer.concat([prefixed(name), prefixed(text)]);
    }
  }
}

/** The properties without their length. */
export function writeProperties(properties: Properties): Buffer {
  const parts: Uint8Array[] = [];
  for (const definition of definitions) {
    const value = properties[definition.name];
    if (value === undefined) continue;
    const many = definition.form === "pair" || definition.name === "subscriptionIdentifiers";
    const values: readonly unknown[] = many && Array.isArray(value) ? value : [value];
    if (definition.form === "variable") {
      // A client may have many thousands of identifiers that all go with one message: no buffer for each.
      const bytes: number[] = [];
      for (const one of values) bytes.push(definition.id, ...variable(Number(one)));
      parts.push(Buffer.from(bytes));
      continue;
    }
    for (const one of values) parts.push(Buffer.from([definition.id]), writeForm(definition.form, one));
  }
  return Buffer.concat(parts);
}

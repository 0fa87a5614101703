import { Buffer } from "node:buffer";
import { packet, sentenceOf } from "./codes.ts";
import { variable, writeProperties, type Properties } from "./properties.ts";
import type { ProtocolVersion } from "./policy.ts";
import { sayable } from "./sayable.ts";

function framed(first: number, ...parts: readonly (Uint8Array | readonly number[])[]): Buffer {
  const rest = Buffer.concat(parts.map((part) => (part instanceof Uint8Array ? part : Buffer.from(part))));
  return Buffer.concat([Buffer.from([first, ...variable(rest.length)]), rest]);
}

function list(properties: Properties): Buffer {
  const bytes = writeProperties(properties);
  return Buffer.concat([Buffer.from(variable(bytes.length)), bytes]);
}

/**
 * A packet of MQTT 5, without its reason string where the client would not take it at that size ([MQTT-3.2.2-19], [MQTT-3.14.2-3] and
 * their like), or `undefined` where it would not take it at all ([MQTT-3.1.2-24]).
 */
export function fitting(
  maximum: number,
  properties: Properties,
  make: (properties: Properties) => Buffer,
): Buffer | undefined {
  const whole = make(properties);
  if (whole.length <= maximum) return whole;
  const { reasonString: _told, userProperties: _carried, ...rest } = properties;
  const without = make(rest);
  return without.length <= maximum ? without : undefined;
}

/** What a CONNACK or DISCONNECT says beside its code. */
export function saying(
  code: number,
  reasonString: string | undefined = sentenceOf(code),
  serverReference?: string,
): Properties {
  const properties: Properties = {};
  if (serverReference !== undefined) properties.serverReference = serverReference;
  if (reasonString !== undefined) properties.reasonString = reasonString;
  return properties;
}

/** `code` is a reason code in MQTT 5, a return code in 3.1.1. */
export function connack(
  version: ProtocolVersion,
  sessionPresent: boolean,
  code: number,
  properties: Properties,
): Buffer {
  const head = [sessionPresent ? 1 : 0, code];
  return version === 5 ? framed(packet.connack << 4, head, list(properties)) : framed(packet.connack << 4, head);
}

export function suback(version: ProtocolVersion, id: number, codes: readonly number[], properties: Properties): Buffer {
  return codesFor(packet.suback, version, id, codes, properties);
}

/** In 3.1.1 an UNSUBACK has no codes. */
export function unsuback(
  version: ProtocolVersion,
  id: number,
  codes: readonly number[],
  properties: Properties,
): Buffer {
  return codesFor(packet.unsuback, version, id, version === 5 ? codes : [], properties);
}

function codesFor(
  type: number,
  version: ProtocolVersion,
  id: number,
  codes: readonly number[],
  properties: Properties,
): Buffer {
  const head = [id >>> 8, id & 0xff];
  return version === 5 ? framed(type << 4, head, list(properties), codes) : framed(type << 4, head, codes);
}

/** A PUBACK, PUBREC, PUBREL or PUBCOMP with a reason, by its first byte; the plain ones are written in place. */
export function acknowledgement(first: number, id: number, code: number, properties: Properties): Buffer {
  const head = [id >>> 8, id & 0xff, code];
  return Object.keys(properties).length === 0 ? framed(first, head) : framed(first, head, list(properties));
}

export const auth = (code: number, properties: Properties): Buffer =>
  framed(packet.auth << 4, [code], list(properties));

/** MQTT 5 only: a server of 3.1.1 has no DISCONNECT. */
export function disconnect(code: number, properties: Properties): Buffer {
  const said = [sayable("disconnect", code)];
  return Object.keys(properties).length === 0
    ? framed(packet.disconnect << 4, said)
    : framed(packet.disconnect << 4, said, list(properties));
}

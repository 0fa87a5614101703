import { packet, reason } from "./codes.ts";
import type { Cursor } from "./cursor.ts";
import type { ProtocolVersion, QoS } from "./policy.ts";
import { readProperties, willProperties, type Properties } from "./properties.ts";
import { ProtocolError } from "./protocol-error.ts";
import { isTopic, parseFilter, type Filter } from "./topics.ts";

export type WillAsked = { topic: string; payload: Uint8Array; qos: QoS; retain: boolean; properties: Properties };

export type Connect = {
  version: ProtocolVersion;
  clientId: string;
  clean: boolean;
  /** Seconds. */
  keepAlive: number;
  will: WillAsked | undefined;
  username: string | undefined;
  password: Uint8Array | undefined;
  properties: Properties;
};

export type SubscribeAsked = {
  filter: Filter;
  qos: QoS;
  noLocal: boolean;
  retainAsPublished: boolean;
  /** 0 always, 1 if the subscription is new, 2 never. */
  retainHandling: number;
};

const malformed = (sentence: string) => new ProtocolError(reason.malformedPacket, sentence);
const broken = (sentence: string) => new ProtocolError(reason.protocolError, sentence);

const tooMany = () => new ProtocolError(reason.quotaExceeded, "One packet names more filters than this server takes.");

/** A protocol we do not speak. `level` chooses the form of the answer. */
export class UnsupportedVersion extends ProtocolError {
  readonly level: number;
  constructor(level: number) {
    super(reason.unsupportedProtocolVersion, "This server speaks MQTT 3.1.1 and 5.");
    this.level = level;
  }
}

const qosOf = (bits: number): QoS | undefined => (bits === 0 || bits === 1 || bits === 2 ? bits : undefined);

/** The body of a CONNECT (section 3.1). */
export function readConnect(cursor: Cursor): Connect {
  const name = cursor.text();
  if (name !== "MQTT" && name !== "MQIsdp") throw malformed("The protocol name is not MQTT."); // [MQTT-3.1.2-1]
  const level = cursor.byte();
  if (name !== "MQTT" || (level !== 4 && level !== 5)) throw new UnsupportedVersion(level); // [MQTT-3.1.2-2]
  const version = level;

  const flags = cursor.byte();
  if (flags & 0x01) throw malformed("The reserved flag of CONNECT is set."); // [MQTT-3.1.2-3]
  const hasWill = (flags & 0x04) !== 0;
  const willQos = qosOf((flags >> 3) & 3);
  const willRetain = (flags & 0x20) !== 0;
  const hasPassword = (flags & 0x40) !== 0;
  const hasUsername = (flags & 0x80) !== 0;
  if (willQos === undefined) throw malformed("The will has QoS 3."); // [MQTT-3.1.2-12]
  if (!hasWill && (willQos !== 0 || willRetain)) throw malformed("There is no will, but flags for it."); // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
  // 3.1.1: [MQTT-3.1.2-22]
  if (version === 4 && hasPassword && !hasUsername) throw malformed("There is a password without a user name.");

  const keepAlive = cursor.uint16();
  const properties = version === 5 ? readProperties(cursor, packet.connect) : {};
  if (properties.authenticationData && properties.authenticationMethod === undefined) {
    throw broken("There is authentication data without a method.");
  }
  const clientId = cursor.text();
  const will = hasWill ? readWill(cursor, version, willQos, willRetain) : undefined;
  const username = hasUsername ? cursor.text() : undefined;
  const password = hasPassword ? cursor.binary() : undefined;
  cursor.finish();
  return { version, clientId, clean: (flags & 0x02) !== 0, keepAlive, will, username, password, properties };
}

function readWill(cursor: Cursor, version: ProtocolVersion, qos: QoS, retain: boolean): WillAsked {
  const properties = version === 5 ? readProperties(cursor, willProperties) : {};
  const topic = cursor.text();
  if (!isTopic(topic)) throw new ProtocolError(reason.topicNameInvalid, "The will's topic is empty or has wildcards.");
  checkResponseTopic(properties.responseTopic);
  return { topic, payload: cursor.binary(), qos, retain, properties };
}

/** [MQTT-3.3.2-14] */
export function checkResponseTopic(topic: string | undefined): void {
  if (topic !== undefined && !isTopic(topic)) throw broken("The response topic is empty or has wildcards.");
}

export type Subscribe = { id: number; properties: Properties; asked: SubscribeAsked[] };

/** Throws `ProtocolError` (0x97) for more than `most` filters, before they cost anything. */
export function readSubscribe(cursor: Cursor, version: ProtocolVersion, most: number): Subscribe {
  const id = cursor.packetId();
  const properties = version === 5 ? readProperties(cursor, packet.subscribe) : {};
  const asked: SubscribeAsked[] = [];
  do {
    if (asked.length === most) throw tooMany();
    const filter = readFilter(cursor);
    const options = cursor.byte();
    const qos = qosOf(options & 3);
    const retainHandling = (options >> 4) & 3;
    // [MQTT-3.8.3-5], 3.1.1: [MQTT-3-8.3-4]
    if ((options & (version === 5 ? 0xc0 : 0xfc)) !== 0) throw malformed("Reserved bits of a subscription are set.");
    if (qos === undefined) throw malformed("A subscription asks for QoS 3.");
    if (retainHandling === 3) throw broken("A subscription asks for retain handling 3.");
    const noLocal = (options & 4) !== 0;
    // [MQTT-3.8.3-4]
    if (noLocal && filter.share !== undefined) throw broken("A shared subscription cannot be no-local.");
    asked.push({ filter, qos, noLocal, retainAsPublished: (options & 8) !== 0, retainHandling });
  } while (cursor.left > 0); // at least one: [MQTT-3.8.3-2]
  return { id, properties, asked };
}

export type Unsubscribe = { id: number; filters: Filter[] };

/** Throws `ProtocolError` (0x97) for more than `most` filters. */
export function readUnsubscribe(cursor: Cursor, version: ProtocolVersion, most: number): Unsubscribe {
  const id = cursor.packetId();
  if (version === 5) readProperties(cursor, packet.unsubscribe);
  const filters: Filter[] = [];
  do {
    if (filters.length === most) throw tooMany();
    filters.push(readFilter(cursor));
  } while (cursor.left > 0); // at least one: [MQTT-3.10.3-2]
  return { id, filters };
}

function readFilter(cursor: Cursor): Filter {
  if (cursor.left === 0) throw broken("There is no topic filter.");
  const filter = parseFilter(cursor.text());
  if (!filter) throw new ProtocolError(reason.topicFilterInvalid, "This is not a topic filter.");
  return filter;
}

/** The codes a client may put into its PUBACK and PUBREC (tables 3-4, 3-5), and into its PUBREL and PUBCOMP (3-6, 3-7). */
const receiving = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
const releasing = new Set([0x00, 0x92]);

/** A PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function readAcknowledgement(
  cursor: Cursor,
  version: ProtocolVersion,
  type: number,
): { id: number; code: number } {
  const id = cursor.packetId();
  let code = 0;
  if (version === 5 && cursor.left > 0) {
    code = cursor.byte();
    const codes = type === packet.puback || type === packet.pubrec ? receiving : releasing;
    if (!codes.has(code)) throw malformed("The reason code does not belong into this packet.");
    if (cursor.left > 0) readProperties(cursor, type);
  }
  cursor.finish();
  return { id, code };
}

/** The codes a client may put into its DISCONNECT (table 3-13). */
const disconnectCodes = new Set([0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]);

export function readDisconnect(cursor: Cursor, version: ProtocolVersion): { code: number; properties: Properties } {
  let code = 0;
  let properties: Properties = {};
  if (version === 5 && cursor.left > 0) {
    code = cursor.byte();
    if (!disconnectCodes.has(code)) throw malformed("The reason code does not belong into a client's DISCONNECT.");
    if (cursor.left > 0) properties = readProperties(cursor, packet.disconnect);
    // [MQTT-3.14.2-2] is the server's; a client sends no server reference.
    if (properties.serverReference !== undefined) throw broken("A client sent a server reference.");
  }
  cursor.finish();
  return { code, properties };
}

/** A client's AUTH. `method` is always there ([MQTT-4.12.0-5]). */
export type Auth = { code: number; method: string; data: Uint8Array | undefined };

export function readAuth(cursor: Cursor): Auth {
  // Left out it is a success (3.15.2.1), which only a server can tell.
  const code = cursor.left === 0 ? reason.success : cursor.byte();
  // [MQTT-3.15.2-1]
  if (code !== reason.success && code !== reason.continueAuthentication && code !== reason.reAuthenticate) {
    throw malformed("The reason code does not belong into an AUTH.");
  }
  if (code === reason.success) throw broken("A client cannot tell that an authentication succeeded.");
  const { authenticationMethod, authenticationData } = readProperties(cursor, packet.auth);
  if (authenticationMethod === undefined) throw broken("There is no authentication method.");
  cursor.finish();
  return { code, method: authenticationMethod, data: authenticationData };
}

// Hot path: one object per message, no copy of its bytes until somebody keeps them.
import { Buffer } from "node:buffer";
import { apart } from "./apart.ts";
import { packet } from "./codes.ts";
import { Cursor } from "./cursor.ts";
import type { Delivery } from "./delivery.ts";
import type { Message, ProtocolVersion, QoS } from "./policy.ts";
import { readProperties, skipProperty, writeProperties, type Properties } from "./properties.ts";
import type { Retained } from "./retained.ts";

/** Who is told when a publication has been settled. */
export interface Source {
  settled(): void;
}

/** A client, whichever its session. */
export type Publisher = { readonly principal: string; readonly clientId: string };

/** A PUBLISH on its way: the frame it came in, and where things lie in it. */
export class Publication {
  /** The topic in its space. */
  readonly topic: string;
  /** The topic as the frame has it: what the publisher wrote, also where a topic alias stood for it. */
  readonly written: string;
  /** The topic as its publisher named it: of a will, too, whose frame is ours. */
  named: string;
  readonly version: ProtocolVersion;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly duplicate: boolean;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The same moment by `Time.elapsed`. */
  readonly since: number;

  /** The chunk, and within it the frame: header, topic, properties without their length, payload. */
  bytes: Buffer;
  start: number;
  propertiesStart: number;
  propertiesEnd: number;
  end: number;
  /** In MQTT 5 the frame of another subscriber may be these bytes: no alias stands in for its topic. */
  readonly aliased: boolean;
  readonly packetId: number;
  /** Seconds; -1 is never. */
  expiry = -1;
  /** The response topic in the space, and as the frame has it. */
  responseTopic: string | undefined = undefined;
  responseWritten: string | undefined = undefined;

  /** Told when this is settled; then let go, so that a retained message does not keep the connection it came from. */
  source: Source | null;
  /** The next of the same connection that awaits its acknowledgement. */
  next: Publication | null = null;
  /** Of messages that are retained, in the order in which they were accepted, and where there is a journal of those owed to kept sessions; else 0. */
  number = 0;
  /** Where it will be retained once it is kept. */
  expectedBy: Retained | null = null;
  /** Whose message it is, where it is retained and that is known; for who wants none of its own ([MQTT-3.8.3-3]). */
  publishedBy: Publisher | undefined = undefined;
  /** Sessions that are owed it: see `Backlog`. */
  holders = 0;
  /** Went to listeners and subscriptions of QoS 0 before it was kept. */
  isLive = false;
  /** Who gets it once it is kept. */
  owed: Delivery[] | null = null;
  /** Of a message of QoS 2 that its client has sent before: only answered. */
  isRepeat = false;
  /** Not for those who are away; see `Message.present`. */
  present: Message["present"] = undefined;
  /** Refused before it was taken. */
  isRefused = false;
  /** Nobody is to get it any more, nor is it written down: see `Broker.discard`. */
  isDiscarded = false;
  /** -1 until settled. */
  code = -1;
  /**
   * What the broker must find again after a restart, where it has a journal: who is owed the message, or that it is retained. Whoever takes
   * the publication keeps this in the same step as the message, in order with `Journal.append`, and settles it after. A message of QoS 0 has
   * one only where it is retained, or a kept session's will; nothing waits for it to be settled.
   */
  record: Uint8Array | undefined = undefined;
  /** Told to a publisher of MQTT 5 with a code from 0x80; may also be set before `Policy.accept` refuses. */
  reasonString: string | undefined = undefined;
  /** As read from the frame. */
  parsed: Properties | undefined = undefined;
  /** It was detached: what it holds, it may hold for long. */
  #isKept = false;
  /** The last frame made for a subscriber that could not get the bytes as they came. */
  #frame: Buffer | null = null;
  #frameVersion = 0;
  #frameQos = 0;
  #frameTopic = "";
  #frameResponse: string | undefined = undefined;
  #frameExpiry = -1;

  constructor(
    topic: string,
    written: string,
    version: ProtocolVersion,
    first: number,
    bytes: Buffer,
    start: number,
    propertiesStart: number,
    propertiesEnd: number,
    end: number,
    aliased: boolean,
    packetId: number,
    receivedAt: number,
    since: number,
    source: Source | null,
  ) {
    this.topic = topic;
    this.written = written;
    this.named = written;
    this.version = version;
    this.qos = ((first >> 1) & 3) as QoS; // 3 was refused when it was read
    this.retain = (first & 1) === 1;
    this.duplicate = (first & 8) === 8;
    this.bytes = bytes;
    this.start = start;
    this.propertiesStart = propertiesStart;
    this.propertiesEnd = propertiesEnd;
    this.end = end;
    this.aliased = aliased;
    this.packetId = packetId;
    this.receivedAt = receivedAt;
    this.since = since;
    this.source = source;
  }

  /** A view into the bytes as they came. */
  get payload(): Buffer {
    return this.bytes.subarray(this.propertiesEnd, this.end);
  }

  /** Bytes of the frame. */
  get size(): number {
    return this.end - this.start;
  }

  /** As received, but with the response topic of the space, and without topic alias. */
  get properties(): Properties {
    const { topicAlias: _resolved, ...properties } = this.parsed ?? this.#parse();
    if (this.responseTopic !== undefined) properties.responseTopic = this.responseTopic;
    return properties;
  }

  #parse(): Properties {
    const length = this.propertiesEnd - this.propertiesStart;
    if (length === 0) return {};
    // With their length, which stands before them in as many bytes as it needs.
    const cursor = new Cursor(this.bytes, this.propertiesStart - variableSize(length), this.propertiesEnd);
    return (this.parsed = readProperties(cursor, packet.publish, Infinity)); // they were read before
  }

  /**
   * Says once whether the message was kept: 0 and it is acknowledged and goes to those who are owed it; a code from 0x80 and the
   * publisher is told (see `Policy.accept`). A second call changes nothing.
   */
  settle(code: number, reasonString?: string): void {
    if (this.code !== -1) return;
    this.code = code;
    this.reasonString = reasonString;
    this.source?.settled();
  }

  /** What was needed until it was acknowledged is not needed any more. */
  release(): void {
    this.source = null;
    this.parsed = undefined;
    this.record = undefined;
  }

  /** Copies the frame out of the chunk it came in, so that keeping 100 bytes does not keep 64 KiB. */
  detach(): void {
    if (!this.#isKept) this.#frame = null; // it may lie in the pool, see `apart`
    this.#isKept = true;
    const { start } = this;
    const length = this.end - start;
    if (this.bytes.buffer.byteLength <= length + 8192) return;
    this.bytes = apart(this.bytes, start, this.end);
    this.start = 0;
    this.propertiesStart -= start;
    this.propertiesEnd -= start;
    this.end = length;
  }

  /** Seconds left of the message's life at that moment (by `Time.elapsed`); -1 when it has no end, 0 or less when it is over. */
  secondsLeft(elapsed: number): number {
    return this.expiry === -1 ? -1 : Math.max(0, this.expiry - Math.floor((elapsed - this.since) / 1000));
  }

  /** Whether the bytes as they came are what this subscriber should get, but for the first byte and the packet id. */
  fits(version: ProtocolVersion, qos: number, topic: string): boolean {
    return version === this.version && qos === this.qos && !this.aliased && topic === this.written;
  }

  /**
   * A frame for subscribers that cannot get the bytes as they came: first byte without flags but QoS, packet id zero (at
   * `packetIdAt`). The last one made is remembered, because the next subscriber often needs the same.
   */
  frameFor(
    version: ProtocolVersion,
    qos: number,
    topic: string,
    responseTopic: string | undefined,
    secondsLeft: number,
  ): Buffer {
    if (
      this.#frame &&
      this.#frameVersion === version &&
      this.#frameQos === qos &&
      this.#frameTopic === topic &&
      this.#frameResponse === responseTopic &&
      this.#frameExpiry === secondsLeft
    ) {
      return this.#frame;
    }
    const frame = this.makeFrame(version, qos, topic, responseTopic, secondsLeft, undefined);
    this.#frame = this.#isKept ? apart(frame, 0, frame.length) : frame;
    this.#frameVersion = version;
    this.#frameQos = qos;
    this.#frameTopic = topic;
    this.#frameResponse = responseTopic;
    this.#frameExpiry = secondsLeft;
    return this.#frame;
  }

  makeFrame(
    version: ProtocolVersion,
    qos: number,
    topic: string,
    responseTopic: string | undefined,
    secondsLeft: number,
    identifiers: readonly number[] | undefined,
  ): Buffer {
    const properties = version === 5 ? this.#propertiesFor(responseTopic, secondsLeft, identifiers) : undefined;
    return publishFrame(topic, qos, properties, this.bytes, this.propertiesEnd, this.end);
  }

  #propertiesFor(
    responseTopic: string | undefined,
    secondsLeft: number,
    identifiers: readonly number[] | undefined,
  ): Buffer {
    const own: Properties = {};
    if (identifiers) own.subscriptionIdentifiers = [...identifiers];
    if (secondsLeft >= 0) own.messageExpiryInterval = secondsLeft;
    if (responseTopic !== undefined) own.responseTopic = responseTopic;
    const parts: Uint8Array[] = [writeProperties(own)];
    const cursor = new Cursor(this.bytes, this.propertiesStart, this.propertiesEnd);
    while (cursor.left > 0) {
      const from = cursor.at;
      const name = skipProperty(cursor, packet.publish);
      if (name === "topicAlias" || name === "messageExpiryInterval" || name === "responseTopic") continue;
      parts.push(this.bytes.subarray(from, cursor.at));
    }
    return Buffer.concat(parts);
  }
}

/** Bytes of a variable byte integer. */
export const variableSize = (value: number): number =>
  value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4;

/** Writes a variable byte integer and returns the place behind it. */
export function writeVariable(bytes: Buffer, at: number, value: number): number {
  while (value > 127) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  bytes[at++] = value;
  return at;
}

/** Where the packet id of a QoS 1 or 2 frame stands: behind header, length and topic. */
export function packetIdAt(bytes: Buffer, start: number): number {
  let at = start + 1;
  while (bytes[at]! >= 0x80) at++; // a frame's length was checked when it was read
  at++;
  return at + 2 + bytes.readUInt16BE(at);
}

/** `properties` without their length; `undefined` writes MQTT 3.1.1. The payload is `bytes` from `from` to `to`. */
function publishFrame(
  topic: string,
  qos: number,
  properties: Uint8Array | undefined,
  bytes: Buffer,
  from: number,
  to: number,
): Buffer {
  const topicLength = Buffer.byteLength(topic);
  const propertiesSize = properties ? variableSize(properties.length) + properties.length : 0;
  const rest = 2 + topicLength + (qos > 0 ? 2 : 0) + propertiesSize + (to - from);
  const frame = Buffer.allocUnsafe(1 + variableSize(rest) + rest);
  frame[0] = 0x30 | (qos << 1);
  let at = writeVariable(frame, 1, rest);
  at = frame.writeUInt16BE(topicLength, at);
  at += frame.write(topic, at);
  if (qos > 0) at = frame.writeUInt16BE(0, at);
  if (properties) {
    at = writeVariable(frame, at, properties.length);
    frame.set(properties, at);
    at += properties.length;
  }
  bytes.copy(frame, at, from, to);
  return frame;
}

/** A publication that did not come from a connection, or a will: framed as MQTT 5, so that nothing is lost. */
export function publicationOf(
  message: Message,
  needs: {
    topic: string;
    responseTopic?: string | undefined;
    receivedAt: number;
    since: number;
    source: Source | null;
  },
): Publication {
  const written = message.properties ?? {};
  const responseTopic = needs.responseTopic ?? written.responseTopic;
  const properties = writeProperties(responseTopic === undefined ? written : { ...written, responseTopic });
  const payload = Buffer.from(message.payload.buffer, message.payload.byteOffset, message.payload.byteLength);
  const frame = publishFrame(needs.topic, message.qos, properties, payload, 0, payload.length);
  const end = frame.length;
  const propertiesEnd = end - payload.length;
  const first = 0x30 | (message.qos << 1) | (message.retain ? 1 : 0);
  const { receivedAt, since, source, topic } = needs;
  const publication = new Publication(
    topic,
    topic,
    5,
    first,
    frame,
    0,
    propertiesEnd - properties.length,
    propertiesEnd,
    end,
    false,
    0,
    receivedAt,
    since,
    source,
  );
  publication.expiry = written.messageExpiryInterval ?? -1;
  publication.responseTopic = responseTopic;
  publication.responseWritten = responseTopic;
  publication.present = message.present;
  return publication;
}

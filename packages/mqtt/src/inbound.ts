// Hot path: from a PUBLISH to its subscribers and its acknowledgement.
import { isUtf8, type Buffer } from "node:buffer";
import { firstByte, packet, reason, sentenceOf } from "./codes.ts";
import type { Connection } from "./connection.ts";
import { Cursor } from "./cursor.ts";
import { decide, deliverKept, deliverLive, expect, retainable, takeBack } from "./delivering.ts";
import { Hearing } from "./hearing.ts";
import { checkResponseTopic } from "./packets.ts";
import { readProperties, type Properties } from "./properties.ts";
import { ProtocolError } from "./protocol-error.ts";
import { Publication, type Source } from "./publication.ts";
import { acknowledge, sendRelease } from "./sending.ts";
import type { Session } from "./session.ts";
import { isTooLong } from "./topics.ts";
import { Turn } from "./turn.ts";
import { acknowledgement, fitting } from "./writer.ts";

/** The codes that a PUBACK or PUBREC may carry (tables 3-4 and 3-5); whatever else the policy says becomes 0x80. */
const receiving = new Set<number>([0x10, 0x80, 0x83, 0x87, 0x90, 0x97, 0x99]);

const malformed = (sentence: string) => new ProtocolError(reason.malformedPacket, sentence);
const broken = (sentence: string) => new ProtocolError(reason.protocolError, sentence);

/** What one connection publishes. Lives on after the connection until everything that was taken is settled. */
export class Inbound implements Source {
  readonly #connection: Connection;
  readonly #session: Session;
  readonly #hearing: Hearing;
  readonly #turn: Turn;

  // Publications of QoS 1 and 2 that await their PUBACK or PUBREC, in the order in which they came ([MQTT-4.6.0-2], [MQTT-4.6.0-3]).
  #first: Publication | null = null;
  #latest: Publication | null = null;
  #count = 0;
  #bytes = 0;
  /** How many of them are of QoS 1. */
  #countOfOnes = 0;
  /** Of the messages of QoS 2 that came on this connection, those whose PUBCOMP has not gone out. */
  #uncompleted: Set<number> | undefined;
  /** PUBRELs that are being written down: the same again changes nothing. */
  #releasing: Set<number> | undefined;
  #isSettling = false;

  constructor(connection: Connection, session: Session) {
    this.#connection = connection;
    this.#session = session;
    this.#hearing = new Hearing(session);
    this.#turn = new Turn(connection);
  }

  /** Nothing more is read now. */
  get isHeld(): boolean {
    return this.isFull || this.#turn.isOver;
  }

  /** So many await their acknowledgement that nothing more is read until half of them have it. */
  get isFull(): boolean {
    const { unacknowledged, unacknowledgedBytes } = this.#connection.core.limits;
    // A client of MQTT 5 was told how many it may have; one that sends more is cut off, not slowed.
    const isMany = this.#connection.protocolVersion === 4 && this.#count >= unacknowledged;
    return isMany || this.#bytes >= unacknowledgedBytes;
  }

  read(first: number, bytes: Buffer, start: number, body: number, stop: number): void {
    const connection = this.#connection;
    const session = this.#session;
    const version = connection.protocolVersion;
    const qos = (first >> 1) & 3;
    if (qos > connection.core.limits.maximumQoS) refuseQos(qos);
    if (qos === 0 && first & 8) throw malformed("DUP is set on a message of QoS 0."); // [MQTT-3.3.1-2]
    const topicStart = body + 2;
    if (topicStart > stop) throw malformed("The packet ends within its topic.");
    const topicEnd = topicStart + ((bytes[body]! << 8) | bytes[body + 1]!); // body + 2 <= stop
    let at = topicEnd + (qos > 0 ? 2 : 0);
    if (at > stop) throw malformed("The packet ends within its topic.");
    let packetId = 0;
    if (qos > 0) {
      packetId = (bytes[topicEnd]! << 8) | bytes[topicEnd + 1]!; // topicEnd + 2 <= stop
      if (packetId === 0) throw broken("A packet identifier is zero."); // [MQTT-2.2.1-3]
    }
    let propertiesEnd = at;
    let properties: Properties | undefined;
    if (version === 5) {
      if (at === stop) throw malformed("There are no properties.");
      if (bytes[at] === 0) propertiesEnd = ++at;
      else {
        const cursor = new Cursor(bytes, at, stop);
        cursor.variable();
        const listStart = cursor.at;
        cursor.at = at;
        properties = readProperties(cursor, packet.publish);
        at = listStart;
        propertiesEnd = cursor.at;
      }
    }
    const alias = properties?.topicAlias;
    if (alias === undefined && topicStart === topicEnd && version === 5)
      throw broken("There is neither topic nor alias.");
    const hearing = this.#hearing;
    const { space } = session;
    const before = space.lookedUp;
    const heard =
      alias === undefined
        ? hearing.topic(bytes, topicStart, topicEnd)
        : hearing.byAlias(alias, bytes, topicStart, topicEnd);
    if (qos > 0 && version === 5) this.#checkQuota(qos, packetId);

    const route = hearing.routeOf(heard);
    if (space.lookedUp !== before) this.#turn.spend(space.lookedUp - before, 0);
    const publication = new Publication(
      route.topic,
      heard.written,
      version,
      first,
      bytes,
      start,
      at,
      propertiesEnd,
      stop,
      alias !== undefined,
      packetId,
      connection.receivedAt,
      connection.heardAt,
      qos > 0 ? this : null,
    );
    const { policy, statistics, retainAvailable } = connection.core;
    statistics.messagesIn++;
    connection.counters.messagesIn++;
    if (first & 1 && !retainAvailable && version === 5) {
      throw new ProtocolError(
        reason.retainNotSupported,
        "This server keeps no retained messages. Publish without the retain flag.",
      ); // [MQTT-3.2.2-14]
    }
    if (qos === 2 && this.#isRepeat(publication)) return;
    let code = properties === undefined ? 0 : considerProperties(session, publication, properties);
    if (code === 0) code = hearing.verdictOf(heard);
    if (code === 0) code = retainable(space, publication);
    const full = code === 0 && qos > 0 ? decide(route, publication, session) : 0;
    if (full !== 0) code = full;
    if (code !== 0) {
      const said = policy.refused?.(session.context, "publish", heard.written, code, stop - propertiesEnd);
      publication.reasonString ??= said;
    } else {
      if (qos > 0 || publication.retain) expect(space, publication, session, null);
      code = connection.core.accept(session, publication);
    }
    // Who cannot be told why is hung up on, and sends it again: a queue has room again by itself, what is retained may never have.
    if (full !== 0 && qos > 0 && version === 4) code = reason.serverBusy;
    if (code >= 0x80) {
      if (qos === 0) takeBack(publication);
      statistics.publishesRefused++;
      publication.code = code;
      publication.isRefused = true;
    } else if (qos < 2) {
      publication.isLive = true;
      deliverLive(route, publication, session);
    }
    if (route.size > 1) this.#turn.spend(route.size, publication.owed?.length ?? 0);
    if (qos === 2) session.receipts.await(publication);
    if (qos > 0) this.#await(publication);
    else if (code === reason.serverBusy || code === reason.serverUnavailable) this.#turnOut(publication);
  }

  /** So many filters came in one packet: each is judged, and written down, and counts as a message does. */
  filtersCame(count: number): void {
    this.#connection.pace?.spend(count - 1); // the packet itself was counted
    this.#turn.spend(0, count);
  }

  bytesCame(count: number): void {
    this.#turn.read(count);
  }

  /** An acknowledgement names nothing that we know of, and is answered: it counts as a message does. */
  strangeCame(): void {
    this.#connection.pace?.spend(1);
    this.#turn.spend(0, 1);
  }

  /** The client's side of [MQTT-3.3.4-7]. */
  #checkQuota(qos: number, packetId: number): void {
    if (qos === 2 && this.#uncompleted?.has(packetId)) return;
    if (this.#countOfOnes + (this.#uncompleted?.size ?? 0) < this.#connection.core.limits.unacknowledged) return;
    throw new ProtocolError(
      reason.receiveMaximumExceeded,
      "More messages are unacknowledged than allowed. The CONNACK said how many may be (Receive Maximum).",
    );
  }

  /** Whether this message of QoS 2 is known by its id: then it is not taken again, only answered ([MQTT-4.3.3-10]). */
  #isRepeat(publication: Publication): boolean {
    const { receipts } = this.#session;
    const { packetId } = publication;
    (this.#uncompleted ??= new Set()).add(packetId);
    const isKnown = receipts.has(packetId);
    if (isKnown) {
      publication.isRepeat = true;
      receipts.repeat(publication);
      this.#await(publication);
    }
    return isKnown;
  }

  #await(publication: Publication): void {
    // Nothing before it, and settled already.
    if (this.#first === null && publication.code !== -1) return this.#finish(publication);
    if (this.#latest === null) this.#first = publication;
    else this.#latest.next = publication;
    this.#latest = publication;
    this.#count++;
    if (publication.qos === 1) this.#countOfOnes++;
    this.#bytes += publication.size;
    if (this.isFull) this.#connection.pause();
  }

  /** Something was settled: what is settled at the head of the line is finished, in order. */
  settled(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    const connection = this.#connection;
    try {
      for (let head = this.#first; head !== null && head.code !== -1; head = this.#first) {
        this.#first = head.next;
        if (this.#first === null) this.#latest = null;
        head.next = null;
        this.#count--;
        if (head.qos === 1) this.#countOfOnes--;
        this.#bytes -= head.size;
        this.#finish(head);
      }
    } catch (fault) {
      connection.core.fault(fault);
      connection.end({ how: "fault", code: reason.unspecified });
    } finally {
      this.#isSettling = false;
    }
    const { unacknowledged, unacknowledgedBytes } = connection.core.limits;
    if (this.#count * 2 <= unacknowledged && this.#bytes * 2 <= unacknowledgedBytes) connection.resume();
  }

  #finish(publication: Publication): void {
    const { code, qos } = publication;
    const connection = this.#connection;
    publication.release();
    if (!publication.isRepeat) {
      if (code !== 0) {
        takeBack(publication);
        if (!publication.isRefused) connection.core.statistics.publishesNotKept++;
      } else if (connection.isOpen) deliverKept(this.#session.space, publication, this.#session);
      else connection.core.deliverLate(this.#session.space.key, publication, this.#session);
      if (qos === 2) this.#session.receipts.settled(publication);
    }
    if (code !== 0) this.#uncompleted?.delete(publication.packetId);
    if (connection.isOpen) this.#answer(publication);
  }

  #answer(publication: Publication): void {
    const { code, packetId, qos } = publication;
    const connection = this.#connection;
    const first = qos === 1 ? firstByte.puback : firstByte.pubrec;
    if (code === reason.serverUnavailable || code === reason.serverBusy) return this.#turnOut(publication);
    // A client of 3.1.1 cannot be told no, and without an acknowledgement would send it again for ever.
    if (code === 0 || connection.protocolVersion === 4) return acknowledge(connection, first, packetId);
    const { reasonString = sentenceOf(code) } = publication;
    const said = receiving.has(code) ? code : reason.unspecified;
    const answer = fitting(connection.maximumPacket, connection.told(reasonString), (fit) =>
      acknowledgement(first, packetId, said, fit),
    );
    if (answer) connection.write(answer);
  }

  /** PUBREL: the client may use the id for another message once it has its PUBCOMP ([MQTT-4.3.3-11]). */
  released(packetId: number): void {
    const { receipts } = this.#session;
    if (!receipts.has(packetId)) {
      this.strangeCame();
      return this.#complete(packetId, reason.packetIdNotFound);
    }
    if (!receipts.isKept(packetId)) throw broken("A PUBREL came before its PUBREC.");
    const releasing = (this.#releasing ??= new Set());
    if (releasing.has(packetId)) return;
    releasing.add(packetId);
    receipts.release(packetId);
    this.#session.keepAndTell([{ kind: "freed", session: this.#session.number, packetId }], (code) => {
      releasing.delete(packetId);
      receipts.released(packetId, code);
      if (code === 0) this.#complete(packetId, reason.success);
      else this.#connection.end({ how: "policy", code: reason.serverBusy });
    });
  }

  #complete(packetId: number, code: number): void {
    this.#uncompleted?.delete(packetId);
    sendRelease(this.#connection, firstByte.pubcomp, packetId, code);
  }

  /** Without an acknowledgement, so that the client sends it again. */
  #turnOut({ reasonString }: Publication): void {
    this.#connection.end({ how: "policy", code: reason.serverBusy, reasonString });
  }
}

function refuseQos(qos: number): never {
  if (qos === 3) throw malformed("There is no QoS 3."); // [MQTT-3.3.1-4]
  throw new ProtocolError(
    reason.qosNotSupported,
    "The QoS is higher than this server takes. Its CONNACK said which is the highest.",
  ); // [MQTT-3.2.2-11]
}

function considerProperties(session: Session, publication: Publication, properties: Properties): number {
  const { responseTopic, messageExpiryInterval } = properties;
  if (properties.subscriptionIdentifiers) throw broken("A client sent a subscription identifier."); // [MQTT-3.3.4-6]
  if (messageExpiryInterval !== undefined) publication.expiry = messageExpiryInterval;
  publication.parsed = properties;
  // Only where the publisher declares text (MQTT 5, section 3.3.2.3.2).
  if (properties.payloadFormatIndicator === 1 && !isUtf8(publication.payload)) return reason.payloadFormatInvalid;
  if (responseTopic === undefined) return 0;
  checkResponseTopic(responseTopic);
  const mapped = session.mounts.inward(responseTopic);
  if (!mapped) return reason.notAuthorized;
  if (isTooLong(mapped.topic, session.core.limits)) return reason.topicNameInvalid;
  publication.responseWritten = responseTopic;
  publication.responseTopic = mapped.topic;
  return 0;
}

// Hot path: one connection. Packets are read in place from the chunks they come in; output is collected and flushed once per turn.
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { packet, reason } from "./codes.ts";
import type { Core } from "./core.ts";
import { Cursor } from "./cursor.ts";
import { deliverDurable, deliverLive } from "./delivery.ts";
import { admit, askedBy, refusalOf, turnAway, type Opening } from "./opening.ts";
import { Output } from "./output.ts";
import {
  readConnect,
  readDisconnect,
  readPuback,
  UnsupportedVersion,
  checkResponseTopic,
  type Connect,
} from "./packets.ts";
import type { Counters, Opened, ProtocolVersion, TurnedAway, Transport, Welcome } from "./policy.ts";
import { readProperties, type Properties } from "./properties.ts";
import { ProtocolError } from "./protocol-error.ts";
import { packetIdAt, Publication, type Source } from "./publication.ts";
import type { Delivery, Ended, Line, Session } from "./session.ts";
import type { Route } from "./space.ts";
import { subscribe, unsubscribe } from "./subscribing.ts";
import type { Target } from "./subscription.ts";
import { isTopicName } from "./text.ts";
import { after } from "./time.ts";
import { levelsOf } from "./topics.ts";
import { disconnect, fitting, puback } from "./writer.ts";

/** A topic as this client names it, with what was found out about it. */
type Heard = {
  readonly bytes: Buffer;
  readonly written: string;
  route: Route;
  /** What the gate said, good as long as `stamp` is the session's. */
  verdict: number;
  stamp: number;
};

/** The codes that a PUBACK may carry (table 3-4); what the policy says otherwise becomes 0x80. */
const pubackCodes = new Set<number>([0x10, 0x80, 0x83, 0x87, 0x90, 0x97, 0x99]);

const largestPacket = 268_435_460;

export class Connection implements Line, Source, Opened {
  readonly core: Core;
  readonly transport: Transport;
  readonly output: Output;
  readonly counters: Counters = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 };
  protocolVersion: ProtocolVersion = 4;
  resumed = false;
  /** Undefined until the CONNECT was answered with success. */
  session: Session | undefined = undefined;
  /** Largest packet the client takes. */
  maximumPacket = largestPacket;
  /** Whether reason strings may be sent with more than CONNACK and DISCONNECT ([MQTT-3.1.2-29]). */
  tellsProblems = true;
  /** Whether the CONNECT's session expiry was 0: then a DISCONNECT cannot raise it. */
  cannotExtend = false;

  readonly #socket: Duplex;
  #phase: "silent" | "asking" | "open" | "closed" = "silent";
  #dirty = false;
  #cancelTimer: (() => void) | undefined;
  #cancelExpiry: (() => void) | undefined;
  #patience = 0;
  #heardAt = 0;
  #receivedAt = 0;
  #ended: Ended | undefined;
  #keepsWill = true;

  // Input that cannot be read yet.
  #isPaused = false;
  #rest: Buffer | undefined;
  #partial: Buffer | undefined;
  #partialLength = 0;

  #last: Heard | undefined;
  #aliases: Map<number, Heard> | undefined;

  // Publications of QoS 1 that await their acknowledgement, in the order in which they came ([MQTT-4.6.0-2]).
  #first: Publication | null = null;
  #latest: Publication | null = null;
  #unacknowledged = 0;
  #unacknowledgedBytes = 0;
  #isSettling = false;

  constructor(core: Core, socket: Duplex, transport: Transport, gone: (connection: Connection) => void) {
    this.core = core;
    this.transport = transport;
    this.#socket = socket;
    this.output = new Output(socket, core.blocks, () => this.#drained());
    this.#cancelTimer = core.time.setTimer(core.limits.connectDeadline, () => {
      this.end({ how: "keepAlive", code: reason.keepAliveTimeout });
    });
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("end", () => this.#lost());
    socket.on("error", () => this.#lost());
    socket.on("close", () => {
      this.#lost();
      gone(this);
    });
  }

  get context(): unknown {
    return this.session?.context;
  }

  get clientId(): string {
    return this.session?.clientId ?? "";
  }

  get principal(): string {
    return this.session?.principal ?? "";
  }

  get isOpen(): boolean {
    return this.#phase === "open";
  }

  get hasRoom(): boolean {
    return this.output.waiting <= this.core.limits.waiting;
  }

  // Reading

  #receive(chunk: Buffer): void {
    if (this.#phase === "closed") return;
    this.core.statistics.bytesIn += chunk.length;
    this.counters.bytesIn += chunk.length;
    this.#heardAt = this.core.time.elapsed();
    this.#receivedAt = this.core.time.now();
    this.#read(chunk);
  }

  #read(chunk: Buffer): void {
    try {
      if (this.#isPaused) this.#rest = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
      else this.#parse(chunk, this.#partial ? this.#complete(chunk) : 0);
    } catch (fault) {
      if (fault instanceof ProtocolError) this.#violated(fault);
      else {
        this.core.fault(fault);
        this.end({ how: "fault", code: reason.unspecified });
      }
    }
  }

  /** Reads whole packets; what is left of the last one waits for more. */
  #parse(bytes: Buffer, from: number): void {
    const end = bytes.length;
    let at = from;
    while (at < end) {
      if (this.#phase === "closed") return;
      if (this.#isPaused) {
        this.#rest = bytes.subarray(at);
        return;
      }
      const { session } = this;
      // One comparison, unless something was revoked: then nothing more is read.
      if (session !== undefined && session.gate.epoch !== session.gate.cell.epoch && !this.core.renew(session)) return;
      let body = at + 1;
      let length = 0;
      let shift = 0;
      for (;;) {
        if (body >= end) return this.#keepPartial(bytes, at);
        const byte = bytes[body++]!; // body < end
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
          if (byte === 0 && shift > 0)
            throw new ProtocolError(reason.malformedPacket, "The packet's length is written in too many bytes.");
          break;
        }
        shift += 7;
        if (shift > 21)
          throw new ProtocolError(reason.malformedPacket, "The packet's length has more than four bytes.");
      }
      const first = bytes[at]!; // at < end
      const stop = body + length;
      if (stop > end) {
        this.#checkHeader(first, stop - at);
        return this.#keepPartial(bytes, at);
      }
      if (stop - at > this.core.limits.packet) this.#checkHeader(first, stop - at);
      if (first >> 4 === packet.publish && session !== undefined) this.#publish(session, first, bytes, at, body, stop);
      else this.#other(first, bytes, body, stop);
      at = stop;
    }
  }

  /** What can be said against a packet before all of it is there. */
  #checkHeader(first: number, size: number): void {
    if (this.#phase === "silent" && first !== packet.connect << 4) this.#other(first, Buffer.alloc(0), 0, 0);
    if (size > this.core.limits.packet)
      throw new ProtocolError(reason.packetTooLarge, "The packet is larger than this server takes.");
  }

  #keepPartial(bytes: Buffer, at: number): void {
    const length = bytes.length - at;
    const kept = Buffer.allocUnsafe(Math.max(length, 256));
    bytes.copy(kept, 0, at);
    this.#partial = kept;
    this.#partialLength = length;
    if (this.#phase === "silent") this.#checkHeader(bytes[at]!, 0); // at < bytes.length
  }

  /** Completes the packet that began in an earlier chunk and reads it. Returns where the next one begins in this chunk. */
  #complete(chunk: Buffer): number {
    let used = 0;
    for (;;) {
      const kept = this.#partial;
      if (!kept) return used;
      const total = totalSize(kept, this.#partialLength);
      // Without a whole length one byte more; with it as much as is missing.
      const missing = total === 0 ? 1 : total - this.#partialLength;
      const take = Math.min(missing, chunk.length - used);
      if (take === 0 && missing > 0) return used;
      const needed = this.#partialLength + take;
      let target = kept;
      if (needed > kept.length) {
        // Grows with what has come, not with what was announced.
        target = Buffer.allocUnsafe(Math.min(Math.max(total, needed), Math.max(needed, 2 * kept.length)));
        kept.copy(target, 0, 0, this.#partialLength);
        this.#partial = target;
      }
      chunk.copy(target, this.#partialLength, used, used + take);
      used += take;
      this.#partialLength = needed;
      const known = totalSize(target, needed);
      if (known === 0 && needed < 5) continue;
      if (known !== 0) this.#checkHeader(target[0]!, known); // needed >= 2
      if (known !== 0 && needed < known) continue;
      this.#partial = undefined;
      this.#partialLength = 0;
      this.#parse(target.subarray(0, needed), 0);
      return used;
    }
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#isPaused || this.#phase === "closed") return;
    this.#isPaused = false;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest) this.#read(rest);
    // Reading the rest may have paused it again, or closed it.
    if (!this.#isPaused) this.#socket.resume();
  }

  #violated(error: ProtocolError): void {
    this.core.statistics.disconnectedProtocol++;
    const { session } = this;
    if (error instanceof UnsupportedVersion) {
      this.protocolVersion = error.level >= 5 ? 5 : 4;
      turnAway(this, error.code, undefined);
    }
    if (!session && this.protocolVersion === 5 && !(error instanceof UnsupportedVersion))
      turnAway(this, error.code, error.message);
    this.end({ how: "protocol", code: error.code, reasonString: error.message });
  }

  #other(first: number, bytes: Buffer, body: number, stop: number): void {
    const type = first >> 4;
    const flags = first & 0x0f;
    const { session } = this;
    if (!session) {
      // [MQTT-3.1.0-1]
      if (type !== packet.connect) throw new ProtocolError(reason.protocolError, "The first packet is not a CONNECT.");
      if (flags !== 0) throw new ProtocolError(reason.malformedPacket, "Reserved flags are set.");
      this.#connect(new Cursor(bytes, body, stop));
      return;
    }
    // [MQTT-2.1.3-1], 3.1.1: [MQTT-2.2.2-2]
    if (flags !== (type === packet.subscribe || type === packet.unsubscribe || type === packet.pubrel ? 2 : 0)) {
      throw new ProtocolError(reason.malformedPacket, "Reserved flags are set.");
    }
    const cursor = new Cursor(bytes, body, stop);
    switch (type) {
      case packet.puback:
        session.acknowledged(readPuback(cursor, this.protocolVersion).id);
        return;
      case packet.subscribe:
        subscribe(this, session, cursor);
        return;
      case packet.unsubscribe:
        unsubscribe(this, session, cursor);
        return;
      case packet.pingreq: {
        cursor.finish();
        const at = this.output.reserve(2);
        const block = this.output.block!; // reserve made it
        block[at] = packet.pingresp << 4;
        block[at + 1] = 0;
        this.wrote();
        return;
      }
      case packet.disconnect:
        this.#leave(session, cursor);
        return;
      case packet.connect: // [MQTT-3.1.0-2]
        throw new ProtocolError(reason.protocolError, "A second CONNECT.");
      case 0:
        throw new ProtocolError(reason.malformedPacket, "There is no packet of type 0.");
      default:
        throw new ProtocolError(reason.protocolError, "The packet does not belong here.");
    }
  }

  // CONNECT

  #connect(cursor: Cursor): void {
    // The version is behind the protocol name; faults found later are answered in its form.
    if (cursor.left > 6 && cursor.bytes[cursor.at + 6] === 5) this.protocolVersion = 5;
    const connect = readConnect(cursor);
    this.protocolVersion = connect.version;
    this.#phase = "asking";
    this.#pause();
    this.#ask(connect).catch((fault: unknown) => {
      this.core.fault(fault);
      this.end({ how: "fault", code: reason.unspecified });
    });
  }

  async #ask(connect: Connect): Promise<void> {
    const { core } = this;
    let answer: Welcome | TurnedAway = { turnedAway: refusalOf(this, connect) };
    if (answer.turnedAway === 0) {
      try {
        answer = await core.policy.connect(askedBy(this, connect));
      } catch (fault) {
        core.fault(fault);
        answer = { turnedAway: reason.serverUnavailable };
      }
    }
    if (this.#phase !== "asking") return; // it left, or took too long
    const opening: Opening | number = "turnedAway" in answer ? answer.turnedAway : admit(this, connect, answer);
    if (typeof opening === "number") {
      core.statistics.connectionsTurnedAway++;
      turnAway(this, opening, "turnedAway" in answer ? answer.reasonString : undefined);
      this.end({ how: "policy", code: opening });
      return;
    }
    this.#begin(opening, "turnedAway" in answer ? undefined : answer.expiresAt);
  }

  #begin(opening: Opening, expiresAt: number | undefined): void {
    const { core } = this;
    const { session } = opening;
    this.#phase = "open";
    this.session = session;
    this.resumed = opening.resumed;
    this.#last = undefined;
    session.attach(this, opening.window);
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    // [MQTT-3.1.2-22], 3.1.1: [MQTT-3.1.2-24]: one and a half keep-alives of silence, then we hang up.
    this.#patience = opening.keepAlive * 1500;
    this.#heardAt = core.time.elapsed();
    if (this.#patience > 0) this.#watch(this.#patience);
    if (expiresAt !== undefined) {
      const expire = () => this.end({ how: "expired", code: reason.maximumConnectTime });
      this.#cancelExpiry = after(core.time, expiresAt - core.time.now(), expire);
    }
    this.write(opening.connack);
    core.opened(this);
    session.pump();
    this.#resume();
  }

  /** Looks when the time is up, not at every packet, whether there was one. */
  #watch(rest: number): void {
    this.#cancelTimer = this.core.time.setTimer(rest, () => {
      const left = this.#heardAt + this.#patience - this.core.time.elapsed();
      // What is paused by us is not silent by its own fault.
      if (left >= 1) return this.#watch(left);
      if (this.#isPaused) return this.#watch(this.#patience);
      this.core.statistics.disconnectedKeepAlive++;
      this.end({ how: "keepAlive", code: reason.keepAliveTimeout });
    });
  }

  #leave(session: Session, cursor: Cursor): void {
    const { code, properties } = readDisconnect(cursor, this.protocolVersion);
    const expiry = properties.sessionExpiryInterval;
    if (expiry !== undefined) {
      if (this.cannotExtend && expiry !== 0) {
        throw new ProtocolError(
          reason.protocolError,
          "A session that was to end with its connection cannot be kept now.",
        );
      }
      session.expirySeconds = Math.min(expiry, this.core.limits.sessionExpirySeconds);
    }
    // [MQTT-3.14.4-3], 3.1.1: [MQTT-3.14.4-3]; any other code than 0 leaves the will in place.
    this.#keepsWill = code !== reason.success;
    this.#close({ how: "client", code });
  }

  // PUBLISH

  #publish(session: Session, first: number, bytes: Buffer, start: number, body: number, stop: number): void {
    const qos = (first >> 1) & 3;
    if (qos > 1) this.#refuseQos(qos);
    if (first & 8 && qos === 0) throw new ProtocolError(reason.malformedPacket, "DUP is set on a message of QoS 0."); // [MQTT-3.3.1-2]
    if (body + 2 > stop) throw new ProtocolError(reason.malformedPacket, "The packet ends within its topic.");
    const topicStart = body + 2;
    const topicEnd = topicStart + ((bytes[body]! << 8) | bytes[body + 1]!); // body + 2 <= stop
    let at = topicEnd + (qos === 1 ? 2 : 0);
    if (at > stop) throw new ProtocolError(reason.malformedPacket, "The packet ends within its topic.");
    let packetId = 0;
    if (qos === 1) {
      packetId = (bytes[topicEnd]! << 8) | bytes[topicEnd + 1]!; // topicEnd + 2 <= stop
      if (packetId === 0) throw new ProtocolError(reason.protocolError, "A packet identifier is zero."); // [MQTT-2.2.1-3]
    }
    let propertiesEnd = at;
    let properties: Properties | undefined;
    if (this.protocolVersion === 5) {
      if (at >= stop) throw new ProtocolError(reason.malformedPacket, "There are no properties.");
      if (bytes[at] === 0) propertiesEnd = ++at;
      else {
        const cursor = new Cursor(bytes, at, stop);
        properties = readProperties(cursor, packet.publish);
        propertiesEnd = cursor.at;
        const length = new Cursor(bytes, at, stop);
        length.variable();
        at = length.at;
      }
    }
    const alias = properties?.topicAlias;
    const heard =
      alias === undefined
        ? this.#hear(session, bytes, topicStart, topicEnd)
        : this.#byAlias(session, alias, bytes, topicStart, topicEnd);

    if (qos === 1 && this.#unacknowledged >= this.core.limits.unacknowledged && this.protocolVersion === 5) {
      // [MQTT-3.3.4-7] is the client's to keep; we announced the Receive Maximum.
      throw new ProtocolError(
        reason.receiveMaximumExceeded,
        "More messages are unacknowledged than the receive maximum allows.",
      );
    }

    let { route } = heard;
    if (route.generation !== session.space.generation) heard.route = route = session.space.route(route.topic);
    const publication = new Publication(
      route.topic,
      heard.written,
      this.protocolVersion,
      first,
      bytes,
      start,
      at,
      propertiesEnd,
      stop,
      alias !== undefined,
      packetId,
      this.#receivedAt,
      this.#heardAt,
      this,
    );
    this.core.statistics.messagesIn++;
    this.counters.messagesIn++;
    let code = properties === undefined ? 0 : this.#considerProperties(session, publication, properties);
    if (code === 0) code = this.#mayPublish(session, heard, publication.retain);
    if (code !== 0) this.core.policy.refused?.(session.context, "publish", heard.written, code);
    else code = this.core.policy.accept(session.context, publication);

    if (code >= 0x80) {
      this.core.statistics.publishesRefused++;
      publication.code = code;
      publication.isRefused = true;
    } else deliverLive(route, publication, session);
    if (qos === 1) this.#await(publication, route);
  }

  #refuseQos(qos: number): never {
    if (qos === 3) throw new ProtocolError(reason.malformedPacket, "There is no QoS 3."); // [MQTT-3.3.1-4]
    throw new ProtocolError(reason.qosNotSupported, "This server takes QoS 0 and 1.");
  }

  /** The topic as written, resolved. The same as that of the last message needs a comparison only. */
  #hear(session: Session, bytes: Buffer, start: number, end: number): Heard {
    const last = this.#last;
    if (last !== undefined && last.bytes.length === end - start) {
      const known = last.bytes;
      let i = end - start - 1;
      // From the end, where topics differ first.
      while (i >= 0 && known[i] === bytes[start + i]) i--;
      if (i < 0) return last;
    }
    return (this.#last = this.#meet(session, bytes, start, end));
  }

  #meet(session: Session, bytes: Buffer, start: number, end: number): Heard {
    if (start === end && this.protocolVersion === 5)
      throw new ProtocolError(reason.protocolError, "There is neither topic nor alias.");
    if (!isTopicName(bytes, start, end)) throw new ProtocolError(reason.topicNameInvalid, "This is not a topic name.");
    const written = bytes.toString("utf8", start, end);
    const mapped = session.mounts.inward(written);
    const topic = mapped?.topic ?? written;
    const { topicBytes, topicLevels } = this.core.limits;
    const tooLong = end - start > topicBytes || Buffer.byteLength(topic) > topicBytes || levelsOf(topic) > topicLevels;
    const own = Buffer.from(bytes.subarray(start, end));
    // What no gate will change is said by a stamp that never grows old.
    const fixed = tooLong ? reason.topicNameInvalid : mapped === undefined ? reason.notAuthorized : 0;
    // A refused topic gets the route of nobody: it is not looked up, and not remembered in the space.
    const route = session.space.route(fixed === 0 ? topic : "");
    return { bytes: own, written, route, verdict: fixed, stamp: fixed === 0 ? 0 : Infinity };
  }

  #byAlias(session: Session, alias: number, bytes: Buffer, start: number, end: number): Heard {
    // [MQTT-3.3.2-8], [MQTT-3.3.2-9]
    if (alias === 0 || alias > this.core.limits.topicAliases) {
      throw new ProtocolError(reason.topicAliasInvalid, "The topic alias is zero, or greater than the maximum.");
    }
    this.#aliases ??= new Map();
    if (start === end) {
      const known = this.#aliases.get(alias);
      if (!known) throw new ProtocolError(reason.protocolError, "The topic alias is not known.");
      return known;
    }
    const heard = this.#hear(session, bytes, start, end);
    this.#aliases.set(alias, heard);
    return heard;
  }

  #mayPublish(session: Session, heard: Heard, retain: boolean): number {
    if (retain && !this.core.retainAvailable && this.protocolVersion === 5) {
      throw new ProtocolError(reason.retainNotSupported, "This server keeps no retained messages.");
    }
    if (heard.stamp === Infinity) return heard.verdict;
    if (heard.stamp !== session.stamp) {
      heard.verdict = session.gate.publish(heard.route.topic);
      heard.stamp = session.stamp;
    }
    return heard.verdict;
  }

  #considerProperties(session: Session, publication: Publication, properties: Properties): number {
    const { responseTopic, messageExpiryInterval } = properties;
    if (properties.subscriptionIdentifiers) {
      throw new ProtocolError(reason.protocolError, "A client sent a subscription identifier."); // [MQTT-3.3.4-6]
    }
    if (messageExpiryInterval !== undefined) publication.expiry = messageExpiryInterval;
    if (responseTopic === undefined) return 0;
    checkResponseTopic(responseTopic);
    const mapped = session.mounts.inward(responseTopic);
    if (!mapped) return reason.notAuthorized;
    publication.responseWritten = responseTopic;
    publication.responseTopic = mapped.topic;
    return 0;
  }

  // Acknowledging

  #await(publication: Publication, route: Route): void {
    publication.route = route;
    // Nothing before it, and settled already.
    if (this.#first === null && publication.code !== -1) return this.#finish(publication);
    if (this.#latest === null) this.#first = publication;
    else this.#latest.next = publication;
    this.#latest = publication;
    this.#unacknowledged++;
    this.#unacknowledgedBytes += publication.size;
    const { unacknowledged, unacknowledgedBytes } = this.core.limits;
    const many = this.protocolVersion === 4 && this.#unacknowledged >= unacknowledged;
    if (many || this.#unacknowledgedBytes >= unacknowledgedBytes) {
      this.core.statistics.pauses++;
      this.#pause();
    }
  }

  /** Somebody settled a publication of ours: whatever is settled at the head of the line is finished, in order. */
  settled(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    try {
      for (let head = this.#first; head !== null && head.code !== -1; head = this.#first) {
        this.#first = head.next;
        if (this.#first === null) this.#latest = null;
        head.next = null;
        this.#unacknowledged--;
        this.#unacknowledgedBytes -= head.size;
        this.#finish(head);
      }
    } catch (fault) {
      this.core.fault(fault);
      this.end({ how: "fault", code: reason.unspecified });
    } finally {
      this.#isSettling = false;
    }
    const { unacknowledged, unacknowledgedBytes } = this.core.limits;
    if (!this.#isPaused || this.#phase !== "open") return;
    if (this.#unacknowledged * 2 <= unacknowledged && this.#unacknowledgedBytes * 2 <= unacknowledgedBytes)
      this.#resume();
  }

  #finish(publication: Publication): void {
    const { code, route } = publication;
    const { session } = this;
    if (!session || !route) return; // a publication that waits has both
    if (code === 0) {
      if (this.#phase !== "open") this.core.deliverLate(session.space.key, publication, session);
      else {
        const current = route.generation === session.space.generation ? route : session.space.route(route.topic);
        deliverDurable(current, publication, session);
      }
    } else if (!publication.isRefused) this.core.statistics.publishesNotKept++;
    if (this.#phase !== "open") return;
    if (code === reason.serverUnavailable || code === reason.serverBusy) {
      // Without an acknowledgement, so that the client sends it again.
      this.end({ how: "policy", code: reason.serverBusy, reasonString: publication.reasonString });
      return;
    }
    if (code !== 0 && this.protocolVersion === 5) {
      const properties: Properties =
        this.tellsProblems && publication.reasonString !== undefined ? { reasonString: publication.reasonString } : {};
      const { packetId } = publication;
      const said = pubackCodes.has(code) ? code : reason.unspecified;
      const answer = fitting(this.maximumPacket, properties, (fit) => puback(packetId, said, fit));
      if (answer) this.write(answer);
      return;
    }
    const at = this.output.reserve(4);
    const block = this.output.block!; // reserve made it
    block[at] = packet.puback << 4;
    block[at + 1] = 2;
    block[at + 2] = publication.packetId >> 8;
    block[at + 3] = publication.packetId & 0xff;
    this.wrote();
  }

  // Writing

  sendLive(publication: Publication, target: Target): void {
    const retain = target.retainAsPublished && publication.retain;
    this.#send(publication, target.seen, 0, 0, retain, false, target.identifiers);
  }

  send(delivery: Delivery, duplicate: boolean): boolean {
    const { publication, topic, qos, packetId, retain, identifiers } = delivery;
    return this.#send(publication, topic, qos, packetId, retain, duplicate, identifiers);
  }

  #send(
    publication: Publication,
    topic: string,
    qos: 0 | 1,
    packetId: number,
    retain: boolean,
    duplicate: boolean,
    identifiers: readonly number[] | undefined,
  ): boolean {
    const { output, core, protocolVersion } = this;
    const { limits, statistics } = core;
    if (this.#phase !== "open") return false;
    if (qos === 0 && output.waiting > limits.waiting) {
      statistics.droppedSlow++;
      return false;
    }
    let left = publication.expiry;
    if (left !== -1) {
      left = publication.secondsLeft(core.time.elapsed());
      if (left === 0 && !duplicate) {
        statistics.droppedExpired++; // [MQTT-3.3.2-5]
        return false;
      }
    }
    let response = publication.responseTopic;
    if (response !== undefined && this.session) response = this.session.mounts.outward(response);
    let bytes: Buffer;
    let start = 0;
    let end: number;
    if (
      identifiers === undefined &&
      publication.fits(protocolVersion, qos, topic) &&
      left === publication.expiry &&
      response === publication.responseWritten
    ) {
      ({ bytes, start, end } = publication);
    } else {
      bytes =
        identifiers === undefined
          ? publication.frameFor(protocolVersion, qos, topic, response, left)
          : publication.makeFrame(protocolVersion, qos, topic, response, left, identifiers);
      end = bytes.length;
    }
    if (end - start > this.maximumPacket) {
      statistics.droppedTooLarge++; // [MQTT-3.1.2-25]
      return false;
    }
    const at = output.append(bytes, start, end);
    const block = output.block!; // append made it
    block[at] = 0x30 | (duplicate ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
    if (qos === 1) {
      const idAt = packetIdAt(block, at);
      block[idAt] = packetId >> 8;
      block[idAt + 1] = packetId & 0xff;
    }
    statistics.messagesOut++;
    this.counters.messagesOut++;
    this.wrote();
    return true;
  }

  /** A whole packet. */
  write(bytes: Buffer): void {
    this.output.append(bytes, 0, bytes.length);
    this.wrote();
  }

  /** Something was put into the output: it leaves at the end of the turn. */
  wrote(): void {
    if (!this.#dirty) {
      this.#dirty = true;
      this.core.markDirty(this);
    }
    if (this.output.waiting > this.core.limits.waitingHard && this.#phase === "open") {
      this.core.statistics.disconnectedSlow++;
      this.end({ how: "slow", code: reason.quotaExceeded, atOnce: true });
    }
  }

  flush(): void {
    this.#dirty = false;
    const before = this.output.written;
    this.output.flush();
    const count = this.output.written - before;
    this.counters.bytesOut += count;
    this.core.statistics.bytesOut += count;
  }

  #drained(): void {
    const { session } = this;
    if (this.#phase !== "open" || !session?.isWaiting || this.output.waiting * 2 > this.core.limits.waiting) return;
    this.core.safely(() => session.pump());
  }

  // Ending

  /** Ends the connection from our side; a client of MQTT 5 is told why. */
  end(ended: Ended): void {
    if (this.#phase === "closed") return;
    if (ended.atOnce) this.output.discard();
    if (this.session && this.protocolVersion === 5) {
      const { code, reasonString } = ended;
      const properties: Properties = reasonString === undefined ? {} : { reasonString };
      const packetBytes = fitting(this.maximumPacket, properties, (fit) => disconnect(code, fit));
      if (packetBytes) this.output.append(packetBytes, 0, packetBytes.length);
    }
    this.#close(ended);
  }

  /** The whole broker stops. A server that shuts down may keep the will for its next start (3.1.2.5); there is none in memory. */
  shutDown(): void {
    this.#keepsWill = false;
    this.end({ how: "shutdown", code: reason.serverShuttingDown });
  }

  #close(ended: Ended): void {
    if (this.#phase === "closed") return;
    this.#ended = ended;
    this.#phase = "closed";
    this.#cancelTimer?.();
    this.#cancelExpiry?.();
    this.#rest = undefined;
    this.#partial = undefined;
    // What waits in front of a slow or revoked client's socket is not worth waiting for, and must not be delivered.
    const isStuck = ended.atOnce === true && this.#socket.writableLength > 0;
    this.flush();
    if (isStuck || ended.how === "network") this.#socket.destroy();
    else this.#hangUp();
    this.core.safely(() => this.#partFromSession(ended));
  }

  #hangUp(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    // Discards what still comes; a paused socket would never see its end.
    socket.resume();
    socket.end();
    const cancel = this.core.time.setTimer(this.core.limits.closeDeadline, () => socket.destroy());
    socket.once("close", cancel);
  }

  #lost(): void {
    this.#close(this.#ended ?? { how: "network", code: 0 });
  }

  #partFromSession(ended: Ended): void {
    const { session } = this;
    if (!session) return;
    if (session.line === this) {
      session.detach();
      if (!this.#keepsWill) session.will = undefined;
      if (!session.hasEnded) this.core.left(session);
    }
    const sessionKept = !session.hasEnded && session.expirySeconds > 0;
    this.core.closed(this, ended, sessionKept);
  }
}

/** The size of the packet that begins these bytes; 0 as long as its length is not whole, or is too long to be one. */
function totalSize(bytes: Buffer, length: number): number {
  let size = 0;
  for (let i = 1; i < length && i < 5; i++) {
    const byte = bytes[i]!; // i < length <= bytes.length
    size |= (byte & 0x7f) << (7 * (i - 1));
    if (byte < 0x80) return size + i + 1;
  }
  return 0;
}

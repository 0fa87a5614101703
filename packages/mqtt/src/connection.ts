// Hot path: one connection, from its CONNECT to its end. What it reads goes to inbound.ts, what it is sent comes from sending.ts.
import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { Aliases } from "./aliases.ts";
import { authenticate, type Authentication } from "./authenticating.ts";
import { firstByte, packet, reason, tooSlow } from "./codes.ts";
import type { Core } from "./core.ts";
import { Cursor } from "./cursor.ts";
import { Deadlines } from "./deadlines.ts";
import type { Delivery } from "./delivery.ts";
import { dispatch } from "./dispatch.ts";
import { refuseEarly, refuseLarge } from "./early.ts";
import { Frames, type FrameHandler } from "./frames.ts";
import { Inbound } from "./inbound.ts";
import { leave, violated } from "./leaving.ts";
import { admit, judge, keepFirst, refuse, type Opening } from "./opening.ts";
import { Output } from "./output.ts";
import { Unread } from "./outflow.ts";
import { Pace } from "./pace.ts";
import { readConnect, type Connect } from "./packets.ts";
import type { Counters, Opened, ProtocolVersion, Transport, TurnedAway, Welcome } from "./policy.ts";
import type { Properties } from "./properties.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Publication } from "./publication.ts";
import { sendPublish, sendRelease } from "./sending.ts";
import type { Ended, Line, Session } from "./session.ts";
import type { Target } from "./subscription.ts";
import { disconnect, fitting, saying } from "./writer.ts";

const largestPacket = 268_435_460;

export class Connection implements Line, Opened, FrameHandler {
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
  /** Where the client takes topic aliases. */
  aliases: Aliases | undefined = undefined;
  /** Where the CONNECT named a method. */
  authentication: Authentication | undefined = undefined;
  /** When something last came, by both clocks. */
  heardAt = 0;
  receivedAt = 0;

  unread: Unread | undefined = undefined;

  readonly deadlines: Deadlines;
  /** The same from the moment it is this connection's. */
  #admitted: Session | undefined;
  readonly #socket: Duplex;
  readonly #frames: Frames;
  #inbound: Inbound | undefined;
  /** Where there is a limit. */
  pace: Pace | undefined;
  /** Asking: the policy looks at the CONNECT. Proving: it has questions to the client, too. Refused: it has not heard so yet. */
  #phase: "silent" | "asking" | "proving" | "refused" | "open" | "closed" = "silent";
  #isDirty = false;
  #keepsWill = true;

  constructor(core: Core, socket: Duplex, transport: Transport, gone: (connection: Connection) => void) {
    this.core = core;
    this.transport = transport;
    this.#socket = socket;
    this.#frames = new Frames(this, Math.min(core.limits.packet, core.limits.packetOfStranger));
    this.output = new Output(socket, core.blocks, () => this.#drained());
    this.deadlines = new Deadlines(this);
    const lost = () => this.#close({ how: "network", code: 0 });
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("end", lost);
    socket.on("error", lost);
    socket.on("close", () => {
      lost();
      this.unread?.drained();
      this.deadlines.stop();
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

  get hasClosed(): boolean {
    return this.#phase === "closed";
  }

  get isPaused(): boolean {
    return this.#frames.isPaused;
  }

  get hasRoom(): boolean {
    return (
      this.#phase === "open" && this.output.hasRoom(this.unread?.isRationed === true ? 0 : this.core.limits.waiting)
    );
  }

  // Reading

  #receive(chunk: Buffer): void {
    if (this.#phase === "closed" || this.#phase === "refused") return;
    this.core.statistics.bytesIn += chunk.length;
    this.counters.bytesIn += chunk.length;
    this.heardAt = this.core.time.elapsed();
    this.receivedAt = this.core.time.now();
    this.#guarded(() => this.#frames.read(chunk));
    if (this.#inbound) this.#inbound.bytesCame(chunk.length);
    else this.hasSent(this.counters.bytesIn);
  }

  /** So much by now, whatever of that its stream keeps back. */
  hasSent(bytes: number): void {
    if (!this.#inbound && !this.hasClosed) this.core.strangers.sent(this, bytes);
  }

  #guarded(read: () => void): void {
    try {
      read();
    } catch (fault) {
      if (fault instanceof ProtocolError) violated(this, fault);
      else this.failed(fault);
    }
  }

  /** One comparison, unless something was revoked: then nothing more is read. */
  mayRead(): boolean {
    if (this.#phase === "closed") return false;
    const { session } = this;
    return session === undefined || session.gate.epoch === session.gate.cell.epoch || this.core.renew(session);
  }

  announced(first: number, size: number): void {
    if (!this.session) refuseEarly(first, this.#phase === "proving");
    refuseLarge(size, this.session !== undefined, this.core.limits);
  }

  frame(first: number, bytes: Buffer, start: number, body: number, stop: number): void {
    const { session } = this;
    const type = first >> 4;
    if (type < packet.puback || type > packet.pubcomp) this.pace?.spend(1);
    if (type === packet.publish && this.#inbound) return this.#inbound.read(first, bytes, start, body, stop);
    if (!session || !this.#inbound) {
      refuseEarly(first, this.#phase === "proving");
      const early = new Cursor(bytes, body, stop);
      if (type === packet.connect) return this.#connect(early);
      return type === packet.auth ? authenticate(this, early) : this.#leave(early);
    }
    const cursor = new Cursor(bytes, body, stop);
    if (first === packet.disconnect << 4) this.#leave(cursor);
    else dispatch(this, session, this.#inbound, first, cursor);
  }

  /** Reads nothing more from the socket until `resume`. */
  pause(): void {
    if (this.#frames.isPaused) return;
    if (this.#phase === "open") this.core.statistics.pauses++;
    this.#frames.pause();
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#frames.isPaused || this.#phase !== "open") return;
    // Whoever paused us for another reason resumes us when that has passed.
    if (this.pace?.isHolding || this.#inbound?.isHeld) return;
    this.#guarded(() => this.#frames.resume());
    // What had been read before may have paused us again.
    if (!this.#frames.isPaused) this.#socket.resume();
  }

  // CONNECT and DISCONNECT

  #connect(cursor: Cursor): void {
    // The level stands behind the name: what is wrong further on is answered in the form of its version.
    if (cursor.left > 6 && cursor.bytes[cursor.at + 6] === 5) this.protocolVersion = 5;
    const connect = readConnect(cursor);
    const { maximumPacketSize, requestProblemInformation, authenticationMethod } = connect.properties;
    this.maximumPacket = maximumPacketSize ?? this.maximumPacket;
    this.tellsProblems = requestProblemInformation !== 0;
    this.deadlines.connectHasCome();
    this.transport.connecting?.();
    this.#phase = authenticationMethod === undefined ? "asking" : "proving";
    const answer = judge(this, connect);
    if (!(answer instanceof Promise)) return this.#answer(connect, answer);
    if (this.#phase === "asking") this.pause();
    answer.then((late) => this.#answer(connect, late)).catch((fault: unknown) => this.failed(fault));
  }

  /** Something threw that should not have. */
  failed(fault: unknown): void {
    this.core.fault(fault);
    this.end({ how: "fault", code: reason.unspecified });
  }

  #answer(connect: Connect, answer: Welcome | TurnedAway): void {
    if (this.hasClosed) return; // it left meanwhile
    if ("turnedAway" in answer) return this.#turnAway(answer);
    const opening = admit(this, connect, answer);
    if ("turnedAway" in opening) return this.#turnAway(opening);
    // The session has its connection from here on, so that another may take it over; its client hears of it once it is kept.
    this.#admitted = opening.session;
    opening.session.attach(this, opening.window);
    keepFirst(this, opening, (refusal) => {
      if (refusal) this.#turnAway(refusal);
      else this.#guarded(() => this.#begin(opening, answer.expiresAt));
    });
  }

  #turnAway(answer: TurnedAway): void {
    if (!refuse(this, answer)) return;
    this.#phase = "refused";
    this.core.strangers.forget(this);
    this.#frames.pause();
    this.#frames.drop();
    // What it says does not matter any more, but that it leaves does.
    this.#socket.resume();
  }

  #begin({ session, resumed, keepAlive, connack }: Opening, expiresAt: number | undefined): void {
    const { core } = this;
    this.#phase = "open";
    this.core.strangers.forget(this);
    this.session = session;
    this.#inbound = new Inbound(this, session);
    this.unread = new Unread(this.output, this.#socket, session.space.outflow, () => this.#tooSlow());
    if (core.limits.messagesPerSecond !== Infinity) this.pace = new Pace(this);
    this.resumed = resumed;
    this.transport.answered?.(0);
    this.heardAt = core.time.elapsed();
    this.deadlines.watchSilence(keepAlive);
    this.deadlines.expireAt(expiresAt);
    this.write(connack);
    core.opened(this);
    session.outgoing.pump();
    core.recollection.goOn(session);
    this.resume();
  }

  #leave(cursor: Cursor): void {
    const code = leave(this, cursor);
    this.#keepsWill = code !== reason.success; // [MQTT-3.14.4-3]
    this.#close({ how: "client", code });
  }

  // Writing

  sendLive(publication: Publication, { retainAsPublished, seen, identifiers }: Target): void {
    sendPublish(this, publication, seen, 0, 0, retainAsPublished && publication.retain, false, identifiers);
  }

  send(delivery: Delivery, isDuplicate: boolean): boolean {
    const { publication, topic, qos, packetId, retain, identifiers } = delivery;
    return sendPublish(this, publication, topic, qos, packetId, retain, isDuplicate, identifiers);
  }

  release(packetId: number, code: number): void {
    sendRelease(this, firstByte.pubrel, packetId, code);
  }

  /** A reason string, where the client wants any ([MQTT-3.1.2-29]). */
  told(reasonString: string | undefined): Properties {
    return this.tellsProblems && reasonString !== undefined ? { reasonString } : {};
  }

  /** A whole packet. */
  write(bytes: Buffer): void {
    this.output.append(bytes, 0, bytes.length);
    this.wrote();
  }

  /** Something was put into the output: it leaves at the end of the turn. */
  wrote(): void {
    if (!this.#isDirty) {
      this.#isDirty = true;
      this.core.markDirty(this);
    }
    if (this.output.waiting > this.core.limits.waitingHard) this.#tooSlow();
  }

  #tooSlow(): void {
    if (this.#phase !== "open") return;
    this.core.statistics.disconnectedSlow++;
    this.end({ how: "slow", code: reason.quotaExceeded, reasonString: tooSlow, atOnce: true });
  }

  flush(): void {
    this.#isDirty = false;
    const before = this.output.written;
    this.output.flush();
    const count = this.output.written - before;
    this.counters.bytesOut += count;
    this.core.statistics.bytesOut += count;
    if (this.output.waiting === 0) this.#drained();
    else this.unread?.flushed();
  }

  #drained(): void {
    this.unread?.drained();
    const { session } = this;
    if (this.#phase !== "open" || !session || this.output.waiting * 2 > this.core.limits.waiting) return;
    if (this.output.hadNoRoom() && session.outgoing.isWaiting) this.core.safely(() => session.outgoing.pump());
    this.core.recollection.goOn(session);
  }

  // Ending

  /** Ends the connection from our side; a client of MQTT 5 is told why. */
  end(ended: Ended): void {
    if (this.#phase === "closed") return;
    const { code, reasonString, serverReference } = ended;
    if (ended.atOnce) this.output.discard();
    if (this.session && this.protocolVersion === 5) {
      const properties = saying(code, reasonString, serverReference);
      const last = fitting(this.maximumPacket, properties, (fit) => disconnect(code, fit));
      if (last) this.output.append(last, 0, last.length);
    }
    this.#close(ended);
  }

  /** The whole broker stops. A server that shuts down may keep the will for its next start (3.1.2.5). */
  shutDown(): void {
    this.end({ how: "shutdown", code: reason.serverShuttingDown });
  }

  #close(ended: Ended): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.core.strangers.forget(this);
    this.deadlines.stop();
    this.authentication?.stop();
    this.pace?.stop();
    this.#frames.drop();
    // What waits in front of a slow or revoked client's socket must not be delivered, nor waited for.
    const isStuck = ended.atOnce === true && this.#socket.writableLength > 0;
    this.flush();
    if (isStuck || ended.how === "network") this.#socket.destroy();
    else this.deadlines.hangUp(this.#socket);
    this.unread?.drained();
    this.core.safely(() => this.#part(ended));
  }

  #part(ended: Ended): void {
    const session = this.#admitted;
    if (!session) return;
    if (session.line === this) {
      session.detach();
      // Whose CONNECT was not answered has no will yet.
      if (!this.#keepsWill || !this.session) session.will = undefined;
      if (!session.hasEnded) this.core.left(session);
    }
    if (this.session) this.core.closed(this, ended, !session.hasEnded && session.expirySeconds > 0);
  }
}

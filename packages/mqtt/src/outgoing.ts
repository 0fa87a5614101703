// Hot path: what one client is owed at QoS 1 and 2, between connections too.
import { deliveryCost } from "./backlog.ts";
import { reason } from "./codes.ts";
import { Delivery, stage } from "./delivery.ts";
import { ofMessage } from "./keeping.ts";
import type { QoS } from "./policy.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Publication } from "./publication.ts";
import { Queue } from "./queue.ts";
import type { Line, Session } from "./session.ts";
import { UnderWay } from "./under-way.ts";

const broken = (sentence: string) => new ProtocolError(reason.protocolError, sentence);

export class Outgoing {
  /** How many messages of QoS 1 and 2 the client takes at once. */
  window = 0;
  readonly #session: Session;
  readonly #queue: Queue;
  /** By packet id, from the moment it was decided until it is over. */
  readonly #owed = new Map<number, Delivery>();
  /** Sent on an earlier connection, and not again yet, in the order of sending. */
  #toRepeat: Delivery[] = [];
  readonly #underWay: UnderWay;
  #bytes = 0;
  /** Of all that are owed, those that were sent. */
  #inFlight = 0;
  #inFlightBytes = 0;
  #lastId = 0;
  #lastOrder = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#underWay = new UnderWay(session);
    this.#queue = new Queue(session.core.limits, session.core.statistics);
  }

  get isWaiting(): boolean {
    return this.#queue.count > 0 || this.#toRepeat.length > 0;
  }

  /** Decided or queued, and not sent yet. */
  get waiting(): number {
    return this.#owed.size - this.#inFlight;
  }

  /** Bytes of their frames. */
  get waitingBytes(): number {
    return this.#bytes - this.#inFlightBytes - this.waiting * deliveryCost;
  }

  /** Sent and not over: a message of QoS 2 until its PUBCOMP. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether this would still fit, with all that were decided but not kept yet. */
  hasRoomFor(publication: Publication): boolean {
    const { sessionMessages, sessionBytes, sessionBytesFree } = this.#session.core.limits;
    const { line, space } = this.#session;
    const size = publication.size + deliveryCost;
    const isOver = space.backlog.excess + space.backlog.costOf(publication) > 0;
    if (isOver && this.#bytes + size > sessionBytesFree) return false;
    if (line !== null && !this.isWaiting && this.waiting === 0 && this.#hasWindow(line)) return true;
    return this.waiting < sessionMessages && this.#bytes - this.#inFlightBytes + size <= sessionBytes;
  }

  /** Decides that the client is owed this, under a packet id of its own; `undefined` where all ids are taken. */
  owe(
    publication: Publication,
    topic: string,
    qos: QoS,
    retain: boolean,
    identifiers: readonly number[] | undefined,
  ): Delivery | undefined {
    const delivery = new Delivery(this.#session, publication, topic, qos, retain, identifiers);
    if (qos === 0) return delivery;
    if (this.#owed.size === 0xffff) {
      this.#session.drop("queueFull");
      return undefined;
    }
    let id = this.#lastId;
    do id = id === 0xffff ? 1 : id + 1;
    while (this.#owed.has(id));
    this.#lastId = id;
    delivery.packetId = id;
    this.#add(delivery);
    return delivery;
  }

  /** The message was not kept: nobody is owed it, and its id is free. */
  takeBack(delivery: Delivery): void {
    if (delivery.qos === 0 || this.#owed.get(delivery.packetId) !== delivery) return;
    this.#remove(delivery);
  }

  #add(delivery: Delivery): void {
    this.#owed.set(delivery.packetId, delivery);
    this.#bytes += delivery.size;
    this.#session.space.backlog.hold(delivery.publication);
  }

  #remove(delivery: Delivery): void {
    delivery.stage = stage.over;
    this.#owed.delete(delivery.packetId);
    this.#bytes -= delivery.size;
    this.#session.space.backlog.release(delivery.publication);
  }

  /** The message is kept: it is sent now, or waits until the client has room or comes back. */
  hand(delivery: Delivery): void {
    const session = this.#session;
    if (session.hasEnded || !session.isCurrent()) return;
    const { line, core } = session;
    if (!delivery.isAllowed()) {
      core.statistics.withheld++;
      this.#end(delivery);
    } else if (delivery.qos === 0) line?.send(delivery, false);
    else if (!this.#isBorne(delivery)) return;
    else if (line !== null && this.#queue.count === 0 && this.#hasWindow(line)) this.#sendFirst(line, delivery);
    else this.#enqueue(delivery);
  }

  /**
   * Whether the space bears that the session has this one, too. Where all sessions have too much, whoever gets one more gives up its oldest
   * for it; what would not be enough stays, and this one is given up.
   */
  #isBorne(delivery: Delivery): boolean {
    const { space } = this.#session;
    const count = this.#queue.oldestFor(space.backlog, this.#bytes - this.#session.core.limits.sessionBytesFree);
    if (count === 0) return true;
    this.#session.drop("spaceFull", Math.max(1, count));
    for (let i = 0; i < count; i++) this.#end(this.#queue.shift()!); // there are so many
    if (count < 0) this.#end(delivery);
    return count > 0;
  }

  #enqueue(delivery: Delivery): void {
    const { limits } = this.#session.core;
    delivery.publication.detach();
    delivery.stage = stage.waiting;
    this.#dropOld();
    if (limits.sessionMessages === 0 || delivery.size > limits.sessionBytes) {
      this.#session.drop("queueFull");
      this.#end(delivery);
      return;
    }
    while (this.#queue.isFullFor(delivery)) {
      const oldest = this.#queue.shift();
      if (!oldest) break;
      this.#session.drop("queueFull");
      this.#end(oldest);
    }
    this.#queue.push(delivery);
  }

  #dropOld(): void {
    if (this.#session.core.limits.sessionMessageSeconds === Infinity) return;
    for (let oldest = this.#queue.first; oldest?.isOld; oldest = this.#queue.first) {
      this.#queue.shift();
      this.#session.drop("old");
      this.#end(oldest);
    }
  }

  #hasWindow(line: Line): boolean {
    return (
      this.#toRepeat.length === 0 &&
      this.#underWay.count < this.window &&
      this.#inFlightBytes <= this.#session.core.limits.sessionBytes &&
      line.hasRoom
    );
  }

  #sendFirst(line: Line, delivery: Delivery): void {
    // Before it is sent: sending may end the connection, and what is in flight then is sent again.
    delivery.stage = stage.sent;
    delivery.order = ++this.#lastOrder;
    delivery.isUnderWay = true;
    this.#underWay.begin();
    this.#inFlight++;
    this.#inFlightBytes += delivery.size;
    if (!line.send(delivery, false)) this.#end(delivery);
    // A few may hold on to the chunks they came in; many, of one session or of all, would pin 64 KiB each.
    else if (this.#inFlight > 64 || this.#session.space.backlog.publications > 2_048) delivery.publication.detach();
  }

  /** Nothing more is owed of this: its id is free. */
  #end(delivery: Delivery): void {
    const before = delivery.stage;
    if (delivery.qos === 0 || before === stage.over) return;
    this.#remove(delivery);
    if (delivery.isKept) this.#session.space.keeping?.over(delivery);
    if (before < stage.sent) return;
    this.#inFlight--;
    this.#inFlightBytes -= delivery.size;
    if (delivery.isUnderWay) this.#underWay.end();
    else if (this.#toRepeat.length > 0) this.#toRepeat = this.#toRepeat.filter((other) => other !== delivery);
  }

  #sent(packetId: number): Delivery | undefined {
    const delivery = this.#owed.get(packetId);
    this.#underWay.answered();
    return delivery !== undefined && delivery.stage >= stage.sent ? delivery : undefined;
  }

  /** PUBACK, with whatever code. An id that is not in flight is ignored. */
  acknowledged(packetId: number): void {
    const delivery = this.#sent(packetId);
    if (!delivery) return;
    if (delivery.qos !== 1) throw broken("A PUBACK names a message of QoS 2.");
    this.#end(delivery);
    delivery.publication.present?.acknowledged(this.#session.principal);
    this.pump();
  }

  /** PUBREC: the client has it, or with a code from 0x80 will not have it. `false` for an id that is not in flight. */
  received(packetId: number, code: number): boolean {
    const delivery = this.#sent(packetId);
    if (!delivery) {
      this.#session.line?.release(packetId, reason.packetIdNotFound);
      return false;
    }
    if (delivery.qos !== 2) throw broken("A PUBREC names a message of QoS 1.");
    if (code >= 0x80) {
      this.#end(delivery);
      this.pump();
    } else {
      this.#release(delivery);
      delivery.publication.present?.acknowledged(this.#session.principal);
    }
    return true;
  }

  /** [MQTT-4.3.3-4] to [MQTT-4.3.3-6]: from here on PUBREL is sent, once that is kept, and never the PUBLISH again. */
  #release(delivery: Delivery): void {
    delivery.stage = stage.released;
    if (!delivery.isUnderWay) this.#toRepeat = this.#toRepeat.filter((other) => other !== delivery);
    const session = this.#session;
    const isKnown = delivery.isReleaseKept || !delivery.isKept;
    if (delivery.isReleaseComing) return; // PUBREC came again, or came on a connection before this one
    delivery.isReleaseComing = true;
    session.keepAndTell(isKnown ? [] : [{ kind: "released", ...ofMessage(delivery) }], (code) => {
      delivery.isReleaseComing = false;
      if (delivery.stage !== stage.released) return;
      if (code === 0) {
        delivery.isReleaseKept = true;
        session.line?.release(delivery.packetId, reason.success);
      } else session.line?.end({ how: "policy", code: reason.serverBusy });
    });
  }

  /** PUBCOMP, with whatever code. */
  completed(packetId: number): void {
    const delivery = this.#sent(packetId);
    if (!delivery) return;
    if (delivery.stage !== stage.released) throw broken("A PUBCOMP names a message that was not released.");
    this.#end(delivery);
    this.pump();
  }

  /** Sends what waits, as far as the client has room. */
  pump(): void {
    const session = this.#session;
    for (;;) {
      const { line } = session;
      if (line === null || !line.hasRoom || !session.isCurrent()) return;
      const again = this.#toRepeat[0];
      if (again) {
        if (again.stage === stage.sent && this.#underWay.count >= this.window) return;
        this.#toRepeat.shift();
        this.#repeat(line, again);
        continue;
      }
      this.#dropOld();
      if (this.#queue.count === 0 || !this.#hasWindow(line)) return;
      const next = this.#queue.shift();
      if (!next) return;
      if (next.isAllowed()) this.#sendFirst(line, next);
      else {
        session.core.statistics.withheld++;
        this.#end(next);
      }
    }
  }

  #repeat(line: Line, delivery: Delivery): void {
    if (delivery.stage === stage.released) return this.#release(delivery);
    if (delivery.isAllowed()) {
      delivery.isUnderWay = true;
      this.#underWay.begin();
      if (line.send(delivery, true)) return;
    } else this.#session.core.statistics.withheld++;
    if (delivery.qos === 1) this.#end(delivery);
    // It may have arrived, and its id would then pass for one that is known: released, both ends forget it.
    else this.#release(delivery);
  }

  /** The connection is gone: what was sent on it will be sent again ([MQTT-4.4.0-1]), in its order ([MQTT-4.6.0-1]). */
  detach(): void {
    this.#underWay.clear();
    this.#toRepeat = [...this.#owed.values()].filter((delivery) => delivery.stage >= stage.sent);
    this.#toRepeat.sort((a, b) => a.order - b.order);
    for (const delivery of this.#toRepeat) {
      delivery.isUnderWay = false;
      delivery.publication.detach();
    }
  }

  /** What was owed before a restart, in its order. What may have been sent is sent again. */
  restore(delivery: Delivery, packetId: number, at: number): void {
    delivery.packetId = packetId;
    delivery.stamp = 0; // nobody has asked the gate yet
    this.#lastId = packetId;
    this.#add(delivery);
    if (at < stage.sent) {
      if (this.#isBorne(delivery)) this.#enqueue(delivery);
      return;
    }
    delivery.stage = at;
    delivery.isReleaseKept = at === stage.released;
    delivery.order = ++this.#lastOrder;
    this.#inFlight++;
    this.#inFlightBytes += delivery.size;
    this.#toRepeat.push(delivery);
  }

  /**
   * Gives up those of what is owed. One that was sent keeps its id until its client answers, who may have it; it is not sent again, and
   * of QoS 2 only the end of its exchange is remembered. Answers how many they were.
   */
  discard(isGone: (publication: Publication) => boolean): number {
    const wanted = [...this.#owed.values()].filter(({ publication }) => isGone(publication));
    if (wanted.length === 0) return 0;
    const isUnsent = wanted.some((delivery) => delivery.stage === stage.waiting);
    if (isUnsent)
      for (const delivery of this.#queue.without(({ publication }) => isGone(publication))) this.#end(delivery);
    for (const delivery of wanted) {
      delivery.publication.isDiscarded = true;
      const isToBeRepeated = delivery.stage === stage.sent && !delivery.isUnderWay;
      if (isToBeRepeated && delivery.qos === 1) this.#end(delivery);
    }
    this.#session.core.statistics.discarded += wanted.length;
    return wanted.length;
  }

  /** Out of the log: from now on what is owed is in memory alone. */
  letGo(): void {
    for (const delivery of this.#owed.values()) this.#session.space.keeping?.forget(delivery);
  }

  /** Everything the client was owed is given up. */
  clear(): void {
    this.letGo();
    this.#queue.clear();
    for (const delivery of this.#owed.values()) this.#remove(delivery);
    this.#toRepeat = [];
    this.#inFlight = 0;
    this.#inFlightBytes = 0;
    this.#underWay.clear();
  }
}

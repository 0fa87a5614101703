// Hot path: what one client is owed, between connections too.
import type { Core } from "./core.ts";
import type { Mounts, Via } from "./mounts.ts";
import type { Closing, Gate, Message } from "./policy.ts";
import type { Publication } from "./publication.ts";
import type { Outbox } from "./session-store.ts";
import type { Space } from "./space.ts";
import type { Subscription, Target } from "./subscription.ts";

/** Why a connection is ended from our side. Of a revoked one nothing more goes out but the reason. */
export type Ended = Pick<Closing, "how" | "code"> & {
  readonly reasonString?: string | undefined;
  readonly serverReference?: string | undefined;
  readonly atOnce?: boolean;
};

/** A connection, as its session sees it. */
export interface Line {
  readonly isOpen: boolean;
  /** Few enough bytes are waiting for another message of QoS 1. */
  readonly hasRoom: boolean;
  /** Writes a PUBLISH, or says `false` where it was dropped: too large, expired, or too slow for QoS 0. */
  send(delivery: Delivery, duplicate: boolean): boolean;
  /** The same at QoS 0, for a subscription, as the message comes. */
  sendLive(publication: Publication, target: Target): void;
  end(closing: Ended): void;
}

/** A message for one session, under the name the session knows. Of QoS 1, or waiting to be sent. */
export class Delivery {
  readonly publication: Publication;
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly identifiers: readonly number[] | undefined;
  packetId = 0;
  /** Counted against the receive maximum of the present connection. */
  isUnderWay = false;

  constructor(
    publication: Publication,
    topic: string,
    qos: 0 | 1,
    retain: boolean,
    identifiers: readonly number[] | undefined,
  ) {
    this.publication = publication;
    this.topic = topic;
    this.qos = qos;
    this.retain = retain;
    this.identifiers = identifiers;
  }

  get size(): number {
    return this.publication.size;
  }
}

export type Will = {
  readonly message: Message;
  readonly written: string;
  readonly via: Via;
  readonly delaySeconds: number;
};

/** Never ends (MQTT 5, section 3.1.2.11.2). */
export const forever = 0xffffffff;

export class Session {
  readonly core: Core;
  readonly space: Space;
  readonly principal: string;
  readonly clientId: string;
  readonly subscriptions = new Map<string, Subscription>();
  readonly outbox: Outbox;

  // As the last welcome said.
  context: unknown;
  gate: Gate;
  mounts: Mounts;
  application: string;
  /** Grows with every new gate: verdicts that carry an older one are asked again. */
  stamp = 1;

  line: Line | null = null;
  /** How many messages of QoS 1 the client takes at once. */
  window = 0;
  expirySeconds = 0;
  hasEnded = false;
  will: Will | undefined = undefined;
  cancelWill: (() => void) | undefined = undefined;
  cancelExpiry: (() => void) | undefined = undefined;

  /** Sent and not acknowledged, in the order of sending; over connections. */
  readonly #inFlight = new Map<number, Delivery>();
  /** In flight on an earlier connection, and not sent again yet. */
  #toRepeat: Delivery[] = [];
  #underWay = 0;
  #inFlightBytes = 0;
  #lastId = 0;

  constructor(
    core: Core,
    space: Space,
    principal: string,
    clientId: string,
    outbox: Outbox,
    welcome: Pick<Session, "context" | "gate" | "mounts" | "application">,
  ) {
    this.core = core;
    this.space = space;
    this.principal = principal;
    this.clientId = clientId;
    this.outbox = outbox;
    this.context = welcome.context;
    this.gate = welcome.gate;
    this.mounts = welcome.mounts;
    this.application = welcome.application;
  }

  /** Everything the policy says anew replaces what it said before. */
  welcomed({ context, gate, mounts, application }: Pick<Session, "context" | "gate" | "mounts" | "application">): void {
    this.context = context;
    this.gate = gate;
    this.rename(mounts, application);
    this.stamp++;
  }

  /** Whether the session may go on under its gate; a gate out of date is renewed, or the session ended, before this returns. */
  isCurrent(): boolean {
    const { gate } = this;
    return gate.epoch === gate.cell.epoch ? !this.hasEnded : this.core.renew(this);
  }

  /** Filters are read again where names mean something else now. */
  rename(mounts: Mounts, application: string): void {
    const moved = !this.mounts.equals(mounts) || this.application !== application;
    this.mounts = mounts;
    this.application = application;
    if (!moved) return;
    const { space } = this;
    space.generation++; // topics of this session that were looked up under the old names are looked up again
    for (const old of this.subscriptions.values()) {
      space.unsubscribe(old);
      const asIs = old.group === undefined ? old.written : old.written.slice(`$share/${old.group.share}/`.length);
      const mapped = mounts.inward(asIs);
      if (!mapped) {
        this.subscriptions.delete(old.written);
        continue;
      }
      const group = old.group && space.group(application, old.group.share, mapped.topic);
      const again = { ...old, filter: mapped.topic, via: mapped.via, group };
      this.subscriptions.set(old.written, again);
      space.subscribe(again);
    }
  }

  /** A message of QoS 1: sent now, or kept until the client has room or comes back. */
  deliver(publication: Publication, topic: string, retain: boolean, identifiers: readonly number[] | undefined): void {
    const { line } = this;
    if (line === null && this.expirySeconds === 0) return;
    const delivery = new Delivery(publication, topic, 1, retain, identifiers);
    if (line !== null && this.outbox.count === 0 && this.#hasWindow(line)) {
      this.#sendFirst(line, delivery);
      return;
    }
    publication.detach();
    const given = this.outbox.push(delivery);
    if (given > 0) this.core.statistics.droppedQueueFull += given;
  }

  #hasWindow(line: Line): boolean {
    const { limits } = this.core;
    return (
      this.#toRepeat.length === 0 &&
      this.#inFlight.size < this.window &&
      this.#inFlightBytes <= limits.sessionBytes &&
      line.hasRoom
    );
  }

  #sendFirst(line: Line, delivery: Delivery): void {
    let id = this.#lastId;
    do id = id === 0xffff ? 1 : id + 1;
    while (this.#inFlight.has(id)); // the window is far smaller than 65,535
    delivery.packetId = id;
    if (!line.send(delivery, false)) return;
    this.#lastId = id;
    delivery.isUnderWay = true;
    this.#underWay++;
    this.#inFlight.set(id, delivery);
    this.#inFlightBytes += delivery.size;
    // A few may hold on to the chunks they came in; many would pin 64 KiB each.
    if (this.#inFlight.size > 64) delivery.publication.detach();
  }

  /** The client has acknowledged (with whatever code). An id that is not in flight is ignored. */
  acknowledged(packetId: number): void {
    const delivery = this.#inFlight.get(packetId);
    if (!delivery) return;
    this.#inFlight.delete(packetId);
    this.#inFlightBytes -= delivery.size;
    if (delivery.isUnderWay) this.#underWay--;
    else this.#toRepeat = this.#toRepeat.filter((other) => other !== delivery);
    this.pump();
  }

  get isWaiting(): boolean {
    return this.outbox.count > 0 || this.#toRepeat.length > 0;
  }

  /** Sends what waits, as far as the client has room. */
  pump(): void {
    for (;;) {
      const { line } = this;
      if (line === null || !line.hasRoom || !line.isOpen || !this.isCurrent()) return;
      const again = this.#toRepeat[0];
      if (again) {
        if (this.#underWay >= this.window) return;
        this.#toRepeat.shift();
        this.#repeat(line, again);
        continue;
      }
      if (this.outbox.count === 0 || !this.#hasWindow(line)) return;
      const next = this.outbox.shift();
      if (!next) return;
      if (this.gate.receive(next.publication.topic)) this.#sendFirst(line, next);
      else this.core.statistics.withheld++;
    }
  }

  #repeat(line: Line, delivery: Delivery): void {
    const allowed = this.gate.receive(delivery.publication.topic);
    if (!allowed) this.core.statistics.withheld++;
    if (allowed && line.send(delivery, true)) {
      delivery.isUnderWay = true;
      this.#underWay++;
      return;
    }
    this.#inFlight.delete(delivery.packetId);
    this.#inFlightBytes -= delivery.size;
  }

  /** A connection takes the session up: what was in flight will be sent again ([MQTT-4.4.0-1]). */
  attach(line: Line, window: number): void {
    this.line = line;
    this.window = window;
  }

  /** The connection is gone. */
  detach(): void {
    this.line = null;
    this.#underWay = 0;
    this.#toRepeat = [...this.#inFlight.values()];
    for (const delivery of this.#toRepeat) {
      delivery.isUnderWay = false;
      delivery.publication.detach();
    }
  }

  /** Everything the client was owed is given up. */
  clear(): void {
    this.outbox.clear();
    this.#inFlight.clear();
    this.#toRepeat = [];
    this.#inFlightBytes = 0;
  }
}

import { outward, type Via } from "./mounts.ts";
import type { QoS } from "./policy.ts";
import type { Publication } from "./publication.ts";
import type { Session } from "./session.ts";

/** What a session subscribed to. */
export type Subscription = {
  readonly kind: "subscription";
  readonly session: Session;
  /** As the client wrote it. */
  readonly written: string;
  /** As the space knows it. */
  readonly filter: string;
  readonly via: Via;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0 is none. */
  readonly identifier: number;
  readonly group: Group | undefined;
};

/** What does not depend on what names mean. */
export type Options = Pick<Subscription, "written" | "qos" | "noLocal" | "retainAsPublished" | "identifier">;

/** A shared subscription (MQTT 5, section 4.8.2): each message goes to one member. */
export class Group {
  readonly kind = "group";
  readonly application: string;
  readonly share: string;
  readonly filter: string;
  readonly members: Subscription[] = [];
  next = 0;

  constructor(application: string, share: string, filter: string) {
    this.application = application;
    this.share = share;
    this.filter = filter;
  }
}

/** A message as listeners get it. */
export type Arrival = Pick<
  Publication,
  "topic" | "payload" | "qos" | "retain" | "duplicate" | "properties" | "receivedAt" | "size" | "detach"
>;

/** Somebody inside the program who listens. */
export interface Listener {
  /** Called in the turn of the live delivery. The payload is a view: `detach()` the arrival before keeping it. */
  receive(arrival: Arrival): void;
}

export type Listening = { readonly kind: "listening"; readonly listener: Listener };

export type Entry = Subscription | Group | Listening;

/** How one session gets the messages of one topic, all its subscriptions of one name merged: it gets each message once. */
export class Target {
  readonly session: Session;
  /** In the space. */
  readonly topic: string;
  /** As the client knows it. */
  readonly seen: string;
  /** The highest granted ([MQTT-3.3.5-1]). */
  readonly qos: QoS;
  readonly identifiers: readonly number[] | undefined;
  readonly retainAsPublished: boolean;
  readonly noLocal: boolean;
  /** What it gets of its own messages where `noLocal`; `undefined` is nothing. */
  readonly own: Target | undefined;
  /** The gate's verdict, good as long as `stamp` is the session's. */
  allowed = false;
  stamp = 0;

  constructor(topic: string, parts: readonly Subscription[]) {
    const first = parts[0]!; // made for at least one subscription, see `targetsOf`
    this.session = first.session;
    this.topic = topic;
    this.seen = outward(topic, first.via);
    const identifiers: number[] = [];
    let qos: QoS = 0;
    let retainAsPublished = false;
    let noLocal = false;
    for (const part of parts) {
      if (part.qos > qos) qos = part.qos;
      if (part.identifier !== 0) identifiers.push(part.identifier);
      retainAsPublished ||= part.retainAsPublished;
      noLocal ||= part.noLocal;
    }
    this.qos = qos;
    this.identifiers = identifiers.length > 0 ? identifiers : undefined;
    this.retainAsPublished = retainAsPublished;
    this.noLocal = noLocal;
    const others = this.noLocal ? parts.filter((part) => !part.noLocal) : [];
    this.own = others.length > 0 ? new Target(topic, others) : undefined;
  }

  /** Whether the session may have it now. Ends the session where its gate says so. */
  mayHave(): boolean {
    const { session } = this;
    if (!session.isCurrent()) return false;
    if (this.stamp !== session.stamp) {
      this.allowed = session.gate.receive(this.topic);
      this.stamp = session.stamp;
    }
    return this.allowed;
  }

  /** The same of a delivery at hand. */
  isAllowed(): boolean {
    if (this.mayHave()) return true;
    if (!this.session.hasEnded) this.session.core.statistics.withheld++;
    return false;
  }
}

/** The subscriptions of one session by one name that match a topic. */
export type Merged = { readonly via: Via; readonly parts: Subscription[]; readonly next: Merged | null };

let mergings = 0;

/**
 * One target for each session and name: a client that asked for `me/x` and for `devices/7/x` gets both, each under its name. There may
 * be hundreds of thousands of filters that match, so that what was found of a session is written on itself: no map is asked for each.
 */
export function targetsOf(topic: string, entries: readonly Entry[], others: Exclude<Entry, Subscription>[]): Target[] {
  const merging = ++mergings;
  const all: Merged[] = [];
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!; // i < length
    if (entry.kind !== "subscription") {
      others.push(entry);
      continue;
    }
    const { session, via } = entry;
    const known = session.merging === merging ? session.merged : null;
    let merged = known;
    while (merged !== null && merged.via !== via) merged = merged.next;
    if (merged === null) {
      merged = { via, parts: [], next: known };
      session.merging = merging;
      session.merged = merged;
      all.push(merged);
    }
    merged.parts.push(entry);
  }
  for (const { parts } of all) parts[0]!.session.merged = null; // made for at least one subscription
  return all.map(({ parts }) => new Target(topic, parts));
}

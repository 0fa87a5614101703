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

type Part = Pick<Subscription, "session" | "via" | "qos" | "identifier" | "retainAsPublished" | "noLocal">;

/** How one session gets the messages of one topic, all its subscriptions of one name merged: it gets each message once. */
export class Target {
  readonly session: Session;
  /** In the space. */
  readonly topic: string;
  readonly via: Via;
  /** As the client knows it. */
  readonly seen: string;
  /** The highest granted ([MQTT-3.3.5-1]). */
  qos: QoS;
  identifiers: number[] | undefined;
  retainAsPublished: boolean;
  noLocal: boolean;
  /** What it gets of its own messages where `noLocal`; `undefined` is nothing. */
  own: Target | undefined = undefined;
  /** Of the same session, by another name. */
  readonly next: Target | null;
  /** The gate's verdict, good as long as `stamp` is the session's. */
  allowed = false;
  stamp = 0;

  constructor(topic: string, first: Part, next: Target | null = null) {
    this.session = first.session;
    this.topic = topic;
    this.via = first.via;
    this.seen = outward(topic, first.via);
    this.qos = first.qos;
    this.identifiers = first.identifier === 0 ? undefined : [first.identifier];
    this.retainAsPublished = first.retainAsPublished;
    this.noLocal = first.noLocal;
    this.next = next;
  }

  /** Another subscription by the same name. */
  add(part: Part): void {
    if (part.noLocal && !this.noLocal) {
      const { topic, session, via, qos, retainAsPublished, identifiers } = this;
      this.own = new Target(topic, { session, via, qos, retainAsPublished, noLocal: false, identifier: 0 });
      this.own.identifiers = identifiers?.slice();
      this.noLocal = true;
    } else if (this.noLocal && !part.noLocal) {
      if (this.own) this.own.add(part);
      else this.own = new Target(this.topic, part);
    }
    if (part.qos > this.qos) this.qos = part.qos;
    if (part.identifier !== 0) (this.identifiers ??= []).push(part.identifier);
    if (part.retainAsPublished) this.retainAsPublished = true;
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

let mergings = 0;

/**
 * One target for each session and name: a client that asked for `me/x` and for `devices/7/x` gets both, each under its name. There may
 * be hundreds of thousands of filters that match, so that what was found of a session is written on itself: no map is asked for each, and
 * nothing is made.
 */
export function targetsOf(topic: string, entries: readonly Entry[], others: Exclude<Entry, Subscription>[]): Target[] {
  const merging = ++mergings;
  const all: Target[] = [];
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!; // i < length
    if (entry.kind !== "subscription") {
      others.push(entry);
      continue;
    }
    const { session, via } = entry;
    const known = session.merging === merging ? session.merged : null;
    let target = known;
    while (target !== null && target.via !== via) target = target.next;
    if (target !== null) {
      target.add(entry);
      continue;
    }
    target = new Target(topic, entry, known);
    session.merging = merging;
    session.merged = target;
    all.push(target);
  }
  for (let i = 0; i < all.length; i++) all[i]!.session.merged = null; // i < length
  return all;
}

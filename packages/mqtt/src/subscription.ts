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
    this.qos = parts.reduce<QoS>((highest, { qos }) => (qos > highest ? qos : highest), 0);
    const identifiers = parts.map((part) => part.identifier).filter((identifier) => identifier !== 0);
    this.identifiers = identifiers.length > 0 ? identifiers : undefined;
    this.retainAsPublished = parts.some((part) => part.retainAsPublished);
    this.noLocal = parts.some((part) => part.noLocal);
    const others = this.noLocal ? parts.filter((part) => !part.noLocal) : [];
    this.own = others.length > 0 ? new Target(topic, others) : undefined;
  }

  /** Whether the session may have it now. Ends the session where its gate says so. */
  isAllowed(): boolean {
    const { session } = this;
    if (!session.isCurrent()) return false;
    if (this.stamp !== session.stamp) {
      this.allowed = session.gate.receive(this.topic);
      this.stamp = session.stamp;
    }
    if (!this.allowed) session.core.statistics.withheld++;
    return this.allowed;
  }
}

/** One target for each session and name: a client that asked for `me/x` and for `devices/7/x` gets both, each under its name. */
export function targetsOf(topic: string, subscriptions: readonly Subscription[]): Target[] {
  const bySession = new Map<Session, Map<Via, Subscription[]>>();
  for (const subscription of subscriptions) {
    const { session, via } = subscription;
    let byName = bySession.get(session);
    if (!byName) bySession.set(session, (byName = new Map()));
    const parts = byName.get(via);
    if (parts) parts.push(subscription);
    else byName.set(via, [subscription]);
  }
  return [...bySession.values()].flatMap((byName) => [...byName.values()].map((parts) => new Target(topic, parts)));
}

import { deliveryCost } from "./backlog.ts";
import type { QoS } from "./policy.ts";
import type { Publication } from "./publication.ts";
import type { Session } from "./session.ts";

/** How far a message is on its way to one client; numbers, because they are compared for every message. */
export const stage = {
  /** Owed, but the message is not kept yet. */
  decided: 0,
  waiting: 1,
  /** On this connection, or on an earlier one: then it is sent again. */
  sent: 2,
  /** The client has it (PUBREC), and is told to forget its id (PUBREL) until it says that it has (PUBCOMP). */
  released: 3,
  over: 4,
} as const;

/** A message for one session, under the name the session knows. */
export class Delivery {
  readonly session: Session;
  readonly publication: Publication;
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly identifiers: readonly number[] | undefined;
  packetId = 0;
  stage: number = stage.decided;
  /** Counted against the receive maximum of the present connection. */
  isUnderWay = false;
  /** That it is released is being kept, or is kept, and PUBREL may be said. */
  isReleaseComing = false;
  isReleaseKept = false;
  /** Its place in the order of sending. */
  order = 0;
  /** The session's, when its gate last allowed this. */
  stamp: number;
  /** To which connection alone it goes, where its message is for whoever is there. */
  readonly #line: Session["line"];

  constructor(
    session: Session,
    publication: Publication,
    topic: string,
    qos: QoS,
    retain: boolean,
    identifiers: readonly number[] | undefined,
  ) {
    this.session = session;
    this.publication = publication;
    this.topic = topic;
    this.qos = qos;
    this.retain = retain;
    this.identifiers = identifiers;
    this.stamp = session.stamp;
    this.#line = publication.present ? session.line : null;
  }

  /** What it counts against the limits of its session. */
  get size(): number {
    return this.publication.size + deliveryCost;
  }

  /** It has waited longer than a session lets it. */
  get isOld(): boolean {
    const { limits, time } = this.session.core;
    return time.elapsed() - this.publication.since > limits.sessionMessageSeconds * 1000;
  }

  /** It is in the log that the session is owed it, or will be when the message is. */
  get isKept(): boolean {
    return this.qos > 0 && this.publication.number > 0 && this.session.isKept;
  }

  /** Asks the gate again if it is another than before; an ended session was told apart before. */
  isAllowed(): boolean {
    const { session, publication } = this;
    if (publication.isDiscarded || (publication.present && this.#line !== session.line)) return false;
    if (this.stamp === session.stamp) return true;
    if (!session.gate.receive(publication.topic)) return false;
    this.stamp = session.stamp;
    return true;
  }
}

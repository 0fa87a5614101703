import type { ProtocolVersion, QoS } from "./policy.ts";
import type { Session } from "./session.ts";
import { nothingDropped, type Dropped } from "./statistics.ts";

/** How a session is doing, connected or kept for its client. Times in milliseconds since the epoch. */
export type Standing = {
  readonly clientId: string;
  /** `undefined` while its client is away. */
  readonly connection:
    | { readonly since: number; readonly protocolVersion: ProtocolVersion; readonly transport: string }
    | undefined;
  /** While its client is away. */
  readonly leftAt: number | undefined;
  /** From when its client leaves; 0 ends with the connection, 0xffffffff never. */
  readonly expirySeconds: number;
  /** Filters as the client wrote them. */
  readonly subscriptions: readonly { readonly filter: string; readonly qos: QoS }[];
  /** Of QoS 1 and 2, not sent yet. */
  readonly waiting: { readonly messages: number; readonly bytes: number };
  /** Sent and not acknowledged. */
  readonly underWay: number;
  /** Since it began, or since the process did. */
  readonly dropped: Readonly<Dropped>;
};

export function standingOf(session: Session): Standing {
  const {
    clientId,
    line,
    cameAt,
    leftAt,
    expirySeconds,
    subscriptions,
    outgoing,
    dropped = nothingDropped(),
  } = session;
  return {
    clientId,
    connection: line
      ? { since: cameAt, protocolVersion: line.protocolVersion, transport: line.transport.name }
      : undefined,
    leftAt,
    expirySeconds,
    subscriptions: [...subscriptions.values()].map(({ written, qos }) => ({ filter: written, qos })),
    waiting: { messages: outgoing.waiting, bytes: outgoing.waitingBytes },
    underWay: outgoing.inFlight,
    dropped: { ...dropped },
  };
}

import { authenticate } from "./authenticating.ts";
import { packet, reason } from "./codes.ts";
import type { Connection } from "./connection.ts";
import type { Cursor } from "./cursor.ts";
import type { Inbound } from "./inbound.ts";
import { readAcknowledgement } from "./packets.ts";
import { ProtocolError } from "./protocol-error.ts";
import { sendPong } from "./sending.ts";
import type { Session } from "./session.ts";
import { subscribe, unsubscribe } from "./subscribing.ts";

/** Whatever a client sends when it is connected, but PUBLISH and DISCONNECT. */
export function dispatch(
  connection: Connection,
  session: Session,
  inbound: Inbound,
  first: number,
  cursor: Cursor,
): void {
  const type = first >> 4;
  // [MQTT-2.1.3-1], 3.1.1: [MQTT-2.2.2-2]
  const flags = type === packet.subscribe || type === packet.unsubscribe || type === packet.pubrel ? 2 : 0;
  if ((first & 0x0f) !== flags) throw new ProtocolError(reason.malformedPacket, "Reserved flags are set.");
  switch (type) {
    case packet.puback:
    case packet.pubrec:
    case packet.pubrel:
    case packet.pubcomp:
      return acknowledged(connection, session, inbound, type, cursor);
    case packet.subscribe:
      return inbound.filtersCame(subscribe(connection, session, cursor));
    case packet.unsubscribe:
      return inbound.filtersCame(unsubscribe(connection, session, cursor));
    case packet.pingreq:
      cursor.finish();
      return sendPong(connection);
    case packet.auth:
      return authenticate(connection, cursor);
    default: // a second CONNECT too: [MQTT-3.1.0-2]
      throw new ProtocolError(reason.protocolError, "The packet does not belong here.");
  }
}

function acknowledged(
  { core, protocolVersion }: Connection,
  session: Session,
  inbound: Inbound,
  type: number,
  cursor: Cursor,
): void {
  const { outgoing } = session;
  const { id, code } = readAcknowledgement(cursor, protocolVersion, type);
  if (type === packet.pubrel) return inbound.released(id);
  if (type === packet.puback) outgoing.acknowledged(id);
  else if (type === packet.pubcomp) outgoing.completed(id);
  else if (!outgoing.received(id, code)) inbound.strangeCame();
  core.recollection.goOn(session);
}

import { reason } from "./codes.ts";
import type { Connection } from "./connection.ts";
import type { Cursor } from "./cursor.ts";
import { turnAway } from "./opening.ts";
import { readDisconnect, UnsupportedVersion } from "./packets.ts";
import { ProtocolError } from "./protocol-error.ts";

/** A client's DISCONNECT, which may say how long its session is to stay. Answers its code. */
export function leave({ session, protocolVersion, cannotExtend, core }: Connection, cursor: Cursor): number {
  const { code, properties } = readDisconnect(cursor, protocolVersion);
  const expiry = properties.sessionExpiryInterval;
  if (session && expiry !== undefined) {
    if (cannotExtend && expiry !== 0) {
      throw new ProtocolError(reason.protocolError, "A session that ends with its connection cannot be kept now.");
    }
    session.expirySeconds = Math.min(expiry, core.limits.sessionExpirySeconds);
  }
  return code;
}

/** Its client broke the rules: it is told, and that is the end. */
export function violated(connection: Connection, error: ProtocolError): void {
  const { code, message } = error;
  connection.core.statistics.disconnectedProtocol++;
  const isOther = error instanceof UnsupportedVersion;
  // In the form of the nearest version: [MQTT-3.1.2-2]
  if (isOther) connection.protocolVersion = error.level >= 5 ? 5 : 4;
  if (isOther || (!connection.session && connection.protocolVersion === 5))
    turnAway(connection, { turnedAway: code, reasonString: message });
  connection.end({ how: "protocol", code, reasonString: message });
}

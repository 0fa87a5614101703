import { reason } from "./codes.ts";
import type { Connection } from "./connection.ts";
import type { Cursor } from "./cursor.ts";
import { readDisconnect } from "./packets.ts";
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

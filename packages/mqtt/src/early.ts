import { packet, reason } from "./codes.ts";
import type { Limits } from "./limits.ts";
import { ProtocolError } from "./protocol-error.ts";

/** Throws `ProtocolError` unless a packet with this first byte may come before the CONNACK. */
export function refuseEarly(first: number, isProving: boolean): void {
  const type = first >> 4;
  const flags = first & 0x0f;
  if (isProving) {
    // [MQTT-3.1.2-30]
    if (type !== packet.auth && type !== packet.disconnect)
      throw new ProtocolError(reason.protocolError, "Only AUTH and DISCONNECT may come before the CONNACK.");
  } else if (type !== packet.connect) {
    // [MQTT-3.1.0-1]
    throw new ProtocolError(reason.protocolError, "The first packet is not a CONNECT.");
  }
  if (flags !== 0) throw new ProtocolError(reason.malformedPacket, "Reserved flags are set.");
}

/** The same where it is larger than we take of somebody we know, or of anybody. */
export function refuseLarge(size: number, isKnown: boolean, { packet: most, packetOfStranger }: Limits): void {
  if (!isKnown && size > packetOfStranger) {
    throw new ProtocolError(reason.packetTooLarge, "The packet is larger than this server takes before its CONNACK.");
  }
  if (size > most) {
    throw new ProtocolError(reason.packetTooLarge, "The packet is larger than the CONNACK said it may be."); // [MQTT-3.2.2-15]
  }
}

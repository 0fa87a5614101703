// Hot path: one PUBLISH to one client, as the bytes it came in where that is possible.
import type { Buffer } from "node:buffer";
import { packet } from "./codes.ts";
import type { Connection } from "./connection.ts";
import type { QoS } from "./policy.ts";
import { packetIdAt, type Publication } from "./publication.ts";
import { acknowledgement } from "./writer.ts";

/** Puts a PUBLISH into the connection's output. `false` where it is dropped, which is counted. */
export function sendPublish(
  connection: Connection,
  publication: Publication,
  topic: string,
  qos: QoS,
  packetId: number,
  retain: boolean,
  isDuplicate: boolean,
  identifiers: readonly number[] | undefined,
): boolean {
  const { output, core, protocolVersion } = connection;
  const { limits, statistics } = core;
  if (!connection.isOpen) return false;
  if (qos === 0 && (output.waiting > limits.waiting || connection.unread?.isRationed === true)) {
    connection.session?.drop("slow");
    return false;
  }
  let left = publication.expiry;
  if (left !== -1) {
    left = publication.secondsLeft(core.time.elapsed());
    if (left === 0 && !isDuplicate) {
      connection.session?.drop("expired"); // [MQTT-3.3.2-5]
      return false;
    }
  }
  let response = publication.responseTopic;
  if (response !== undefined && connection.session) response = connection.session.mounts.outward(response);
  let bytes: Buffer;
  let start = 0;
  let end: number;
  if (
    identifiers === undefined &&
    publication.fits(protocolVersion, qos, topic) &&
    left === publication.expiry &&
    response === publication.responseWritten
  ) {
    ({ bytes, start, end } = publication);
  } else {
    bytes =
      identifiers === undefined
        ? publication.frameFor(protocolVersion, qos, topic, response, left)
        : publication.makeFrame(protocolVersion, qos, topic, response, left, identifiers);
    end = bytes.length;
  }
  if (end - start > connection.maximumPacket) {
    connection.session?.drop("tooLarge"); // [MQTT-3.1.2-24], [MQTT-3.1.2-25]
    return false;
  }
  const { aliases } = connection;
  const at =
    aliases === undefined
      ? output.append(bytes, start, end)
      : aliases.append(output, bytes, start, end, topic, connection.maximumPacket);
  const block = output.block!; // append made it
  block[at] = 0x30 | (isDuplicate ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  if (qos > 0) {
    const idAt = packetIdAt(block, at);
    block[idAt] = packetId >> 8;
    block[idAt + 1] = packetId & 0xff;
  }
  statistics.messagesOut++;
  connection.counters.messagesOut++;
  connection.wrote();
  return true;
}

/** The plain one: success, in either version. `first` is PUBACK's or its like. */
export function acknowledge(connection: Connection, first: number, packetId: number): void {
  const { output } = connection;
  const at = output.reserve(4);
  const block = output.block!; // reserve made it
  block[at] = first;
  block[at + 1] = 2;
  block[at + 2] = packetId >> 8;
  block[at + 3] = packetId & 0xff;
  connection.wrote();
}

/** PUBREL or PUBCOMP, with its reason where the version has any. */
export function sendRelease(connection: Connection, first: number, packetId: number, code: number): void {
  if (!connection.isOpen) return;
  if (code === 0 || connection.protocolVersion === 4) acknowledge(connection, first, packetId);
  else connection.write(acknowledgement(first, packetId, code, {}));
}

export function sendPong(connection: Connection): void {
  const { output } = connection;
  const at = output.reserve(2);
  const block = output.block!; // reserve made it
  block[at] = packet.pingresp << 4;
  block[at + 1] = 0;
  connection.wrote();
}

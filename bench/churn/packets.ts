import { frame, text, uint16, type Login } from "../mqtt/frames.ts";

// MQTT 3.1.1 and 5, as much of it as a client needs who comes and goes.

export type Version = 4 | 5;
export type QoS = 0 | 1 | 2;

export type Will = { readonly topic: string; readonly qos: QoS; readonly retain: boolean; readonly delay: number };

export type Coming = {
  readonly version: Version;
  readonly clientId: string;
  readonly isClean: boolean;
  /** Seconds; 3.1.1 has none and keeps a session that is not clean. */
  readonly expiry: number;
  readonly will: Will | undefined;
  readonly login: Login | undefined;
};

const uint32 = (value: number) => [...uint16(value >>> 16), ...uint16(value & 0xffff)];
/** In version 5, and shorter than 128 bytes. */
const properties = (version: Version, ...bytes: readonly number[]) => (version === 5 ? [bytes.length, ...bytes] : []);

export function connect({ version, clientId, isClean, expiry, will, login }: Coming): Buffer {
  const flags = (isClean ? 2 : 0) | (will ? 4 | (will.qos << 3) | (will.retain ? 0x20 : 0) : 0) | (login ? 0xc0 : 0);
  return frame(0x10, [
    ...text("MQTT"),
    version,
    flags,
    ...uint16(30), // keep-alive
    // Session expiry; 8 topic aliases.
    ...properties(version, 0x11, ...uint32(expiry), 0x22, 0, 8),
    ...text(clientId),
    ...(will ? [...properties(version, 0x18, ...uint32(will.delay)), ...text(will.topic), ...text("gone")] : []),
    ...(login ? [...text(login.user), ...text(login.password)] : []),
  ]);
}

export const subscribe = (version: Version, id: number, filters: readonly string[], qos: QoS): Buffer =>
  frame(0x82, [...uint16(id), ...properties(version), ...filters.flatMap((filter) => [...text(filter), qos])]);

export const unsubscribe = (version: Version, id: number, filters: readonly string[]): Buffer =>
  frame(0xa2, [...uint16(id), ...properties(version), ...filters.flatMap(text)]);

export type Message = {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
};

/** In version 5 `alias`, which is not 0, is told with the topic. */
export const publish = (
  version: Version,
  id: number,
  alias: number,
  { topic, payload, qos, retain }: Message,
): Buffer =>
  frame(0x30 | (qos << 1) | (retain ? 1 : 0), [
    ...text(topic),
    ...(qos > 0 ? uint16(id) : []),
    ...properties(version, ...(alias > 0 ? [0x23, ...uint16(alias)] : [])),
    ...payload,
  ]);

/** PUBACK, PUBREC, PUBREL, PUBCOMP. */
export const answer = (first: number, id: number): Buffer => frame(first, uint16(id));

export const disconnect = Buffer.from([0xe0, 0]);
/** Goodbye, and publish my will; of version 5. */
export const disconnectWithWill = Buffer.from([0xe0, 1, 4]);
/** A PUBLISH of QoS 3, which there is not. */
export const nonsense = Buffer.from([0x36, 4, 0, 0, 0, 1]);

/** What came, cut into packets: the first byte, and what follows the length. */
export class Packets {
  #rest: Buffer = Buffer.alloc(0);

  *of(chunk: Buffer): Generator<{ first: number; body: Buffer }> {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (;;) {
      let [length, at, shift] = [0, 1, 0];
      let byte: number | undefined;
      do {
        byte = this.#rest[at++];
        if (byte === undefined) return;
        length |= (byte & 0x7f) << shift;
        shift += 7;
      } while (byte > 127);
      if (this.#rest.length < at + length) return;
      const first = this.#rest[0] ?? 0;
      const body = this.#rest.subarray(at, at + length);
      this.#rest = this.#rest.subarray(at + length);
      yield { first, body };
    }
  }
}

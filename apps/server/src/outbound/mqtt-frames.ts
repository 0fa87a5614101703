/** The packets of MQTT 5 that a client needs which only publishes. `@holdfast/mqtt` has the other half: what a broker writes and reads. */
export const packet = { connack: 2, puback: 4, disconnect: 14 } as const; // the upper four bits of the first byte

type Connecting = { readonly username: string; readonly password: string; readonly keepAlive: number };

/** A clean session under a client id that the broker gives ([MQTT-3.1.3-6]). `keepAlive` is in seconds. */
export function connectFrame({ username, password, keepAlive }: Connecting): Uint8Array {
  const flags = 0xc2; // user name, password, clean start
  const head = [...text("MQTT"), 5, flags, keepAlive >> 8, keepAlive & 0xff];
  return framed(0x10, [...head, ...noProperties, ...text(""), ...text(username), ...text(password)]);
}

/** With QoS 1. */
export function publishFrame(topic: string, id: number, payload: string): Uint8Array {
  const head = [...text(topic), id >> 8, id & 0xff, ...noProperties];
  return framed(0x32, head, Buffer.from(payload));
}

export const disconnectFrame: Uint8Array = Uint8Array.of(0xe0, 0);

const noProperties = [0];

function text(value: string): readonly number[] {
  const bytes = Buffer.from(value);
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
}

function framed(first: number, head: readonly number[], payload: Uint8Array = new Uint8Array()): Uint8Array {
  const length: number[] = [];
  for (let left = head.length + payload.length; ; left >>>= 7) {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    if (left <= 0x7f) break;
  }
  return Buffer.concat([Uint8Array.of(first, ...length, ...head), payload]);
}

/** Cuts what comes into packets, and tells the type of each and what stands behind its length. */
export class Packets {
  readonly #heard: (type: number, body: Uint8Array) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(heard: (type: number, body: Uint8Array) => void) {
    this.#heard = heard;
  }

  take(bytes: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      let at = 1;
      let length = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = this.#rest[at++];
        if (byte === undefined) return;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      const end = at + length;
      if (this.#rest.length < end) return;
      const type = (this.#rest[0] ?? 0) >> 4;
      const body = this.#rest.subarray(at, end);
      this.#rest = this.#rest.subarray(end);
      this.#heard(type, body);
    }
  }
}

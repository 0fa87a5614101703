/** As much of MQTT 3.1.1 and 5 as clients need whose sessions outlive their connections. Written from the standard, so that it shares no mistake with the broker. */
type Connecting = {
  /** The client id. */
  readonly device: string;
  readonly key: { readonly id: string; readonly secret: string };
  readonly version: 4 | 5;
};

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
};

function frame(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

const topic = text("me/telemetry");
const twoBytes = (id: number): Buffer => Buffer.from([id >> 8, id & 0xff]);

export const packet = {
  /** Its session outlives the connection (3.1.2.4): what was outstanding is sent again with the same packet ids. */
  connect({ device, key, version }: Connecting): Buffer {
    const flags = 0xc0; // username and password, not clean
    const header = Buffer.concat([text("MQTT"), Buffer.from([version, flags, 0, 60])]);
    // MQTT 5: a session expiry of 600 seconds (property 0x11), or the session would end with the connection.
    const properties = version === 5 ? Buffer.from([5, 0x11, 0, 0, 2, 0x58]) : Buffer.alloc(0);
    return frame(0x10, Buffer.concat([header, properties, text(device), text(key.id), text(key.secret)]));
  },

  publish(version: 4 | 5, id: number, payload: Buffer, isDuplicate: boolean, qos: 1 | 2 = 1): Buffer {
    const properties = Buffer.alloc(version === 5 ? 1 : 0);
    const head = Buffer.concat([topic, twoBytes(id), properties]);
    return frame(0x30 | (isDuplicate ? 8 : 0) | (qos << 1), Buffer.concat([head, payload]));
  },

  subscribe(version: 4 | 5, id: number, filter: string, qos: 0 | 1 | 2): Buffer {
    const properties = Buffer.alloc(version === 5 ? 1 : 0);
    return frame(0x82, Buffer.concat([twoBytes(id), properties, text(filter), Buffer.from([qos])]));
  },

  /** The four that carry a packet identifier and nothing else, which in MQTT 5 says that all is well. */
  puback: (id: number): Buffer => frame(0x40, twoBytes(id)),
  pubrec: (id: number): Buffer => frame(0x50, twoBytes(id)),
  pubrel: (id: number): Buffer => frame(0x62, twoBytes(id)),
  pubcomp: (id: number): Buffer => frame(0x70, twoBytes(id)),
};

/** Cuts a stream into packets: type (the upper four bits), what stands behind the length, and the flags (the lower four). */
export class Reader {
  readonly #heard: (type: number, body: Buffer, flags: number) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(heard: (type: number, body: Buffer, flags: number) => void) {
    this.#heard = heard;
  }

  read(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      let at = 1;
      let length = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = this.#rest[at++];
        if (byte === undefined) return;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      if (this.#rest.length < at + length) return;
      const first = this.#rest[0] ?? 0;
      const body = this.#rest.subarray(at, at + length);
      this.#rest = this.#rest.subarray(at + length);
      this.#heard(first >> 4, body, first & 0x0f);
    }
  }
}

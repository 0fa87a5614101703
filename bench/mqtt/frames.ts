// MQTT 3.1.1, as little of it as a load needs.

export const uint16 = (value: number) => [value >> 8, value & 0xff];
export const text = (value: string) => [...uint16(Buffer.byteLength(value)), ...Buffer.from(value)];

export function frame(first: number, body: readonly number[]): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push(rest > 127 ? (rest & 0x7f) | 0x80 : rest);
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.from([first, ...length, ...body]);
}

export type Login = { readonly user: string; readonly password: string };

/** With a clean session and no keep-alive. */
export function connectFrame(clientId: string, login?: Login): Buffer {
  const flags = login ? 0xc2 : 2;
  const proof = login ? [...text(login.user), ...text(login.password)] : [];
  return frame(0x10, [...text("MQTT"), 4, flags, 0, 0, ...text(clientId), ...proof]);
}

export const subscribeFrame = (filter: string): Buffer => frame(0x82, [0, 1, ...text(filter), 0]);

export const disconnectFrame = frame(0xe0, []);

/** 100 bytes, as everywhere in docs/benchmarks.md where nothing else is said. */
const plainPayload = Buffer.alloc(100, 0x61);

export const publishFrame = (topic: string, payload: Uint8Array = plainPayload): Buffer =>
  frame(0x30, [...text(topic), ...payload]);

export const publishFrame1 = (topic: string, packetId: number, payload: Uint8Array = plainPayload): Buffer =>
  frame(0x32, [...text(topic), ...uint16(packetId), ...payload]);

// Hot path: with the chunks that it is a part of.
import type { ByteReader, ByteWriter } from "./bytes.ts";

/** Of each value, 0 or 1, one bit, from the low end of each byte. */
export function writeBits(to: ByteWriter, values: Uint8Array): void {
  for (let from = 0; from < values.length; from += 8) {
    let byte = 0;
    for (let at = 0; at < 8; at++) byte |= (values[from + at] ?? 0) << at;
    to.byte(byte);
  }
}

export function readBits(reader: ByteReader, count: number): Uint8Array {
  const values = new Uint8Array(count);
  const bytes = reader.take(Math.ceil(count / 8));
  for (let at = 0; at < count; at++) values[at] = ((bytes[at >> 3] ?? 0) >> (at & 7)) & 1;
  return values;
}

/** A string as it stands in a packet. */
export const text = (value: string): number[] => prefixed(Buffer.from(value));

/** Bytes with their length in front. */
export const prefixed = (bytes: Iterable<number>): number[] => {
  const all = [...bytes];
  return [all.length >> 8, all.length & 0xff, ...all];
};

/** A packet of fewer than 128 bytes. */
export const framed = (first: number, ...body: readonly number[]): number[] => [first, body.length, ...body];

/** A CONNECT without properties and keep-alive, with these flags and what follows. */
export const connectBytes = (version: 4 | 5, flags: number, ...payload: readonly number[]): number[] =>
  framed(0x10, ...text("MQTT"), version, flags, 0, 0, ...(version === 5 ? [0] : []), ...payload);

/** The length of no properties, where the version has properties. */
export const noProperties = (version: 4 | 5): number[] => (version === 5 ? [0] : []);

/** What is no string: cut off, a surrogate, overlong, beyond Unicode, or with U+0000. */
export const noStrings: readonly (readonly number[])[] = [
  [0xc3, 0x28],
  [0x61, 0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xc0, 0xaf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff],
  [0x61, 0x00],
];

import { createCipheriv, type Cipheriv } from "node:crypto";

const blockLength = 16;
const zero = new Uint8Array(blockLength);

/** AES-128 of whole blocks, one by one. The one cipher may be asked again and again: a block does not hang on those before. */
const blocksOf = (key: Uint8Array): Cipheriv => createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);

/** RFC 4493, 2.3: twice the text in GF(2^128). */
function doubled(text: Uint8Array): Uint8Array {
  const carries = ((text[0] ?? 0) & 0x80) !== 0;
  return Uint8Array.from(text, (byte, at) => {
    const next = text[at + 1] ?? 0;
    const shifted = ((byte << 1) | (next >> 7)) & 0xff;
    return at === blockLength - 1 && carries ? shifted ^ 0x87 : shifted;
  });
}

/** AES-CMAC with a 128-bit key (NIST SP 800-38B, RFC 4493), made ready for many texts. */
export class Cmac {
  readonly #cipher: Cipheriv;
  /** What is added to a last block that is whole, and to one that is filled up. */
  readonly #whole: Uint8Array;
  readonly #filled: Uint8Array;

  constructor(key: Uint8Array) {
    this.#cipher = blocksOf(key);
    this.#whole = doubled(this.#cipher.update(zero));
    this.#filled = doubled(this.#whole);
  }

  /** All 16 bytes. */
  of(text: Uint8Array): Uint8Array {
    const last = Math.max(0, Math.ceil(text.length / blockLength) - 1) * blockLength;
    const isWhole = text.length - last === blockLength;
    const more = isWhole ? this.#whole : this.#filled;
    let state: Uint8Array = zero;
    for (let from = 0; from <= last; from += blockLength) {
      const block = new Uint8Array(blockLength);
      for (let at = 0; at < blockLength; at++) {
        const place = from + at;
        const byte = place < text.length ? (text[place] ?? 0) : place === text.length ? 0x80 : 0;
        block[at] = byte ^ (state[at] ?? 0) ^ (from === last ? (more[at] ?? 0) : 0);
      }
      state = this.#cipher.update(block);
    }
    return state;
  }
}

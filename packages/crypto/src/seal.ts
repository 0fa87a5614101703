import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import { isRefusal, Refusal, type Random } from "@holdfast/kernel";
import { utf8 } from "./bytes.ts";

/** 32 bytes, or the same as a `KeyObject`, which a caller who seals often makes once. */
export type SealKey = Uint8Array | KeyObject;

const version = 1;
const nonceLength = 12;
const tagLength = 16;
const headLength = 1 + nonceLength;
/** How many bytes a sealed text is longer than its plain one. */
export const sealOverhead = headLength + tagLength;

/**
 * AES-256-GCM (NIST SP 800-38D) as `version | nonce, 12 | ciphertext | tag, 16`. The nonce is random, so one key seals at
 * most 2^32 texts (SP 800-38D, 8.3): derive a key per purpose, and seal batches, which is also seventy times cheaper a message.
 */
export function seal(key: SealKey, associated: Uint8Array, plain: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const nonce = random.bytes(nonceLength);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagLength });
  cipher.setAAD(associated);
  const sealed = new Uint8Array(sealOverhead + plain.length);
  sealed[0] = version;
  sealed.set(nonce, 1);
  sealed.set(cipher.update(plain), headLength);
  cipher.final(); // GCM is a stream: nothing is left over, but the tag exists only now
  sealed.set(cipher.getAuthTag(), headLength + plain.length);
  return sealed;
}

/** @throws Refusal `seal.broken` when anything differs from what was sealed: bytes, key or associated data. */
export function open(key: SealKey, associated: Uint8Array, sealed: Uint8Array): Uint8Array<ArrayBuffer> {
  if (sealed.length < sealOverhead || sealed[0] !== version) throw new Refusal("seal.broken");
  const tagAt = sealed.length - tagLength;
  const options = { authTagLength: tagLength };
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(1, headLength), options);
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(tagAt));
  const plain = decipher.update(sealed.subarray(headLength, tagAt));
  try {
    decipher.final();
  } catch (cause) {
    throw new Refusal("seal.broken", { cause });
  }
  return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
}

/** Nothing where somebody altered it: one row that does not open is no reason to read none. */
export function unlessBroken<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isRefusal(error, "seal.broken")) return undefined;
    throw error;
  }
}

/** What a sealed text belongs to. Opening it as anything else fails. */
export type Belongs = {
  /** The organisation's id, or `instance` for what belongs to none. */
  readonly org: string;
  /** Which column or record format. */
  readonly kind: string;
  readonly row: string;
  /** Of the row, where an older text must not come back in place of a newer one; else 0. */
  readonly version: number;
};

/**
 * The bytes that bind a sealed text to its place: each text as its length in UTF-8 (4 bytes, big-endian) and itself, then the
 * version in 8 bytes. Lengths first, because `ab|c` and `a|bc` must not be the same place.
 */
export function associated({ org, kind, row, version }: Belongs): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(version) || version < 0) throw new RangeError("a version is a whole number from zero");
  const bytes = new Uint8Array(20 + Buffer.byteLength(org) + Buffer.byteLength(kind) + Buffer.byteLength(row));
  const numbers = new DataView(bytes.buffer);
  let at = 0;
  for (const text of [org, kind, row]) {
    // UTF-8 has no lone surrogates: they would all become U+FFFD, and two places the same.
    if (!text.isWellFormed()) throw new RangeError("a place is named by well-formed text");
    const length = writeText(bytes, at + 4, text);
    numbers.setUint32(at, length);
    at += 4 + length;
  }
  numbers.setUint32(at, Math.floor(version / 2 ** 32));
  numbers.setUint32(at + 4, version % 2 ** 32);
  return bytes;
}

/** Answers how many bytes it takes. Most are ASCII, and a loop over so few costs a quarter of asking an encoder. */
function writeText(bytes: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) {
      const encoded = utf8(text);
      bytes.set(encoded, at);
      return encoded.length;
    }
    bytes[at + index] = code;
  }
  return text.length;
}

import { createHmac, hkdfSync } from "node:crypto";
import { utf8 } from "./bytes.ts";

const keyLength = 32;
const salt = utf8("holdfast"); // RFC 5869, 3.1: a salt need not be secret; a fixed one parts us from other programs
const indexLength = 16;

/** HKDF-SHA-256, RFC 5869. `length` in bytes, at most 8,160. */
export function hkdf(key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync("sha256", key, salt, info, length));
}

/** The 32-byte key for one purpose. Different purposes give independent keys; nothing leads back to `key`. Costs 4 µs: keep it. */
export function derive(key: Uint8Array, purpose: string): Uint8Array<ArrayBuffer> {
  if (purpose === "" || !purpose.isWellFormed()) throw new RangeError("a purpose is named by well-formed text");
  return hkdf(key, salt, utf8(`holdfast/v1/${purpose}`), keyLength);
}

/**
 * Finds the row of a sealed value without opening all: HMAC-SHA-256 (RFC 2104), the first 16 bytes. Whoever holds the key can
 * try guesses, whoever holds only the rows cannot. The caller normalises: two spellings of an address are two values here.
 */
export function blindIndex(key: Uint8Array, value: string): Uint8Array<ArrayBuffer> {
  const digest = createHmac("sha256", key).update(value, "utf8").digest();
  return new Uint8Array(digest).slice(0, indexLength);
}

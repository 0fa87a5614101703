import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import { Refusal } from "@holdfast/kernel";
import { concat } from "./bytes.ts";

/** Plain bytes of every chunk but the last, which has 0 to that many. */
export const streamChunk = 64 * 1024;
const tagLength = 16;
const sealedChunk = streamChunk + tagLength;

/**
 * A stream of any length, sealed in chunks that are checked one by one: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: "Online
 * Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015) in the form that age gives it (age-encryption.org/v1, "Payload"), with
 * AES-256-GCM. The nonce of a chunk is its number, 11 bytes, big-endian, and one byte that is 1 for the last and 0 before. So no chunk can be
 * changed, moved, left out or taken from another stream, and no stream be cut or continued. A key seals one stream: derive it with a random salt.
 */
export class StreamSealer {
  readonly #key: KeyObject;
  #number = 0;
  readonly #pieces = new Pieces(streamChunk);

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** What is ready of it. A chunk leaves when it is known that it is not the last. */
  update(plain: Uint8Array): readonly Uint8Array[] {
    return this.#pieces.take(plain).map((piece) => this.#seal(piece, false));
  }

  final(): Uint8Array {
    return this.#seal(this.#pieces.rest(), true);
  }

  #seal(plain: Uint8Array, isLast: boolean): Uint8Array {
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonceOf(this.#number, isLast), {
      authTagLength: tagLength,
    });
    this.#number += 1;
    const body = cipher.update(plain);
    cipher.final(); // GCM is a stream: nothing is left over, but the tag exists only now
    return concat(body, cipher.getAuthTag());
  }
}

/** Opens what `StreamSealer` sealed, in pieces of any size. Nothing leaves it that was not checked. */
export class StreamOpener {
  readonly #key: KeyObject;
  #number = 0;
  readonly #pieces = new Pieces(sealedChunk);

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** How many chunks were opened: where something is wrong, for people. */
  get opened(): number {
    return this.#number;
  }

  /** @throws Refusal `seal.broken` */
  update(sealed: Uint8Array): readonly Uint8Array[] {
    return this.#pieces.take(sealed).map((piece) => this.#open(piece, false));
  }

  /** At the end of the bytes: what they end with has to be the last chunk. @throws Refusal `seal.broken` where the stream was cut */
  final(): Uint8Array {
    return this.#open(this.#pieces.rest(), true);
  }

  #open(sealed: Uint8Array, isLast: boolean): Uint8Array {
    if (sealed.length < tagLength) throw new Refusal("seal.broken");
    const nonce = nonceOf(this.#number, isLast);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: tagLength });
    const tagAt = sealed.length - tagLength;
    decipher.setAuthTag(sealed.subarray(tagAt));
    const plain = decipher.update(sealed.subarray(0, tagAt));
    try {
      decipher.final();
    } catch (cause) {
      throw new Refusal("seal.broken", { cause });
    }
    this.#number += 1;
    return plain;
  }
}

/** Bytes as they come, in pieces of one size. What may be the last piece stays. */
class Pieces {
  readonly #size: number;
  #waiting: Uint8Array[] = [];
  #length = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Those that more bytes follow. */
  take(bytes: Uint8Array): readonly Uint8Array[] {
    if (bytes.length === 0) return [];
    this.#waiting.push(bytes);
    this.#length += bytes.length;
    if (this.#length <= this.#size) return [];
    const all = concat(...this.#waiting);
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (; all.length - at > this.#size; at += this.#size) pieces.push(all.subarray(at, at + this.#size));
    const rest = all.slice(at);
    this.#waiting = [rest];
    this.#length = rest.length;
    return pieces;
  }

  rest(): Uint8Array {
    return concat(...this.#waiting.splice(0));
  }
}

function nonceOf(number: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setBigUint64(3, BigInt(number)); // of the 11 bytes the last eight are enough for 10^24 bytes
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

// Hot path: every frame of a direct socket passes here once.
import { createDecipheriv, type CipherCCMTypes } from "node:crypto";
import { utf8 } from "./bytes.ts";
import { Cmac } from "./cmac.ts";

/**
 * What a device sends by datagram, or over TCP without TLS, and what it is answered. Byte by byte in docs/sockets.md, with vectors in
 * /vectors/socket.json. AES-128-CCM with 8 bytes of tag (NIST SP 800-38C, RFC 3610; AES-CCM-16-64-128 of RFC 9053), AES-CMAC (RFC 4493) for keys
 * and answers: a device needs the AES block that its radio has, and nothing else.
 */
export type Frame = {
  readonly mode: "sealed" | "signed";
  readonly isText: boolean;
  readonly wantsAnswer: boolean;
  /** 48 bits: which secret this is sealed with. */
  readonly address: number;
  readonly boot: number;
  readonly counter: number;
  /** Bytes before the payload. */
  readonly headLength: number;
};

/** What becomes of a frame: it is kept; it never will be; it may be later. */
export const outcomes = ["kept", "refused", "later"] as const;
export type Outcome = (typeof outcomes)[number];

/** A datagram that no network takes apart: what IPv6 carries at least (RFC 8200, 5), less the heads of IPv6 and UDP. */
export const longestFrame = 1_232;
export const tagLength = 8;
export const secretLength = 16;
export const addressLength = 6;
/** Boot numbers and counters are below this. */
export const countersEnd = 2 ** 28;
const shortest = 1 + addressLength + 1 + 1 + 1 + tagLength;

const binary = 0x90; // 1 001 ....: never the first byte of a text, and version 1
const modes = ["sealed", "signed"] as const;
const answerMode = 2;
const algorithm: CipherCCMTypes = "aes-128-ccm";
const nonceLength = 13; // so that two bytes count the payload: L = 2 in RFC 3610
const label = utf8("holdfast socket");

/** What a key is for: no two of them are alike. */
export const purposes = { sealed: 0, signed: 1, answer: 2 } as const;

/**
 * The key of one boot of a device. NIST SP 800-108r1, 4.1: counter mode, the counter in 8 bits, the length in 16, AES-CMAC as its
 * function. A device that lost its counter and counts its boots never uses a nonce twice under one key.
 */
export function bootKey(secret: Uint8Array, purpose: keyof typeof purposes, address: number, boot: number): Uint8Array {
  const input = new Uint8Array(1 + label.length + 1 + 1 + addressLength + 4 + 2);
  const view = new DataView(input.buffer);
  view.setUint8(0, 1);
  input.set(label, 1);
  const context = 1 + label.length + 1;
  view.setUint8(context, purposes[purpose]);
  input.set(bytesOfAddress(address), context + 1);
  view.setUint32(context + 1 + addressLength, boot);
  view.setUint16(input.length - 2, secretLength * 8);
  return new Cmac(secret).of(input);
}

/** The address as it travels. */
export function bytesOfAddress(address: number): Uint8Array {
  const bytes = new Uint8Array(addressLength);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(address / 2 ** 32));
  view.setUint32(2, address % 2 ** 32);
  return bytes;
}

/** 48 bits are beyond what bit operations know. */
export function addressIn(bytes: Uint8Array, at = 0): number {
  let address = 0;
  for (let place = at; place < at + addressLength; place++) address = address * 256 + (bytes[place] ?? 0);
  return address;
}

/** The counter in the last four of 13 bytes, and nothing before, because the boot is in the key. */
function setCounter(nonce: Uint8Array, counter: number): void {
  for (let at = 1; at <= 4; at++) nonce[nonceLength - at] = (counter >>> (8 * (at - 1))) & 0xff;
}

/** A number below 2^28: groups of 7 bits, the lowest first, the high bit on all but the last; in as few bytes as it needs. */
function numberAt(bytes: Uint8Array, from: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let at = from; at < from + 4; at++) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    value |= (byte & 0x7f) << (7 * (at - from));
    if (byte < 0x80) return byte === 0 && at > from ? undefined : { value, next: at + 1 };
  }
  return undefined;
}

/** What stands before the payload, which nobody has vouched for yet; `undefined` where it is no frame. */
export function readFrame(bytes: Uint8Array): Frame | undefined {
  const kind = bytes[0] ?? 0;
  const mode = modes[(kind >> 2) & 3];
  if (bytes.length < shortest || bytes.length > longestFrame || (kind & 0xf0) !== binary || !mode) return undefined;
  const boot = numberAt(bytes, 1 + addressLength);
  const counter = boot && numberAt(bytes, boot.next);
  if (!counter || bytes.length <= counter.next + tagLength) return undefined;
  return {
    mode,
    isText: (kind & 2) !== 0,
    wantsAnswer: (kind & 1) !== 0,
    address: addressIn(bytes, 1),
    boot: boot.value,
    counter: counter.value,
    headLength: counter.next,
  };
}

/** The platform's end of one boot of one device. */
export class BootKeys {
  readonly #secret: Uint8Array;
  readonly #address: number;
  readonly #boot: number;
  readonly #keys: { -readonly [Mode in Frame["mode"]]?: Uint8Array } = {};
  readonly #nonce = new Uint8Array(nonceLength);
  #answers: Cmac | undefined;

  constructor(secret: Uint8Array, address: number, boot: number) {
    this.#secret = secret;
    this.#address = address;
    this.#boot = boot;
  }

  /** The payload of a frame of this address and boot; `undefined` where somebody made it who has not got the secret. */
  open({ mode, counter, headLength }: Frame, bytes: Uint8Array): Uint8Array | undefined {
    const key = (this.#keys[mode] ??= bootKey(this.#secret, mode, this.#address, this.#boot));
    setCounter(this.#nonce, counter);
    const end = bytes.length - tagLength;
    const read = mode === "sealed" ? headLength : end; // up to here it is readable, and only vouched for
    const cipher = createDecipheriv(algorithm, key, this.#nonce, { authTagLength: tagLength });
    cipher.setAuthTag(bytes.subarray(end));
    cipher.setAAD(bytes.subarray(0, read), { plaintextLength: end - read });
    try {
      const opened = cipher.update(bytes.subarray(read, end));
      cipher.final();
      return mode === "sealed" ? opened : new Uint8Array(bytes.subarray(headLength, end));
    } catch {
      return undefined; // Node says so with an error of no class; there is nothing else that it could say here
    }
  }

  /** What the device is told, 10 to 13 bytes: which counter, and what became of it. */
  answer(counter: number, outcome: Outcome): Uint8Array {
    const head = answerHead(counter, outcome);
    const answer = new Uint8Array(head.length + tagLength);
    answer.set(head);
    answer.set(this.#tagOf(head).subarray(0, tagLength), head.length);
    return answer;
  }

  #tagOf(head: Uint8Array): Uint8Array {
    this.#answers ??= new Cmac(bootKey(this.#secret, "answer", this.#address, this.#boot));
    return this.#answers.of(head);
  }
}

function answerHead(counter: number, outcome: Outcome): Uint8Array {
  const head = [binary | (answerMode << 2) | outcomes.indexOf(outcome)];
  let rest = counter;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  head.push(rest);
  return Uint8Array.from(head);
}

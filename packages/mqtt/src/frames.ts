// Hot path: chunks in, whole packets out, in place wherever a packet is whole within its chunk.
import { Buffer } from "node:buffer";
import { reason } from "./codes.ts";
import { ProtocolError } from "./protocol-error.ts";

export interface FrameHandler {
  /** Asked before every packet. `false` drops it and everything behind it. */
  mayRead(): boolean;
  /** A whole packet: its header begins at `start`, its body goes from `body` to `stop`. */
  frame(first: number, bytes: Buffer, start: number, body: number, stop: number): void;
  /** Throws where a packet is wrong by its first byte already; `size` is 0 as long as it is unknown. */
  announced(first: number, size: number): void;
}

const malformed = (sentence: string) => new ProtocolError(reason.malformedPacket, sentence);

export class Frames {
  readonly #handler: FrameHandler;
  /** A packet that is larger is announced before it is read. */
  readonly #largest: number;
  #isPaused = false;
  /** What came behind the packet that paused us. */
  #rest: Buffer | undefined;
  /** The beginning of a packet that has not come whole. */
  #partial: Buffer | undefined;
  #partialLength = 0;

  constructor(handler: FrameHandler, largest: number) {
    this.#handler = handler;
    this.#largest = largest;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Hands on every whole packet. Throws `ProtocolError`, or whatever the handler throws. */
  read(chunk: Buffer): void {
    if (this.#isPaused) this.#rest = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    else this.#parse(chunk, this.#partial ? this.#complete(chunk) : 0);
  }

  /** Nothing is handed on until `resume`. Whoever pauses also stops the stream, so that what waits is a chunk or two. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest) this.read(rest);
  }

  drop(): void {
    this.#rest = undefined;
    this.#partial = undefined;
  }

  #parse(bytes: Buffer, from: number): void {
    const end = bytes.length;
    let start = from;
    while (start < end) {
      if (this.#isPaused) {
        this.#rest = bytes.subarray(start);
        return;
      }
      if (!this.#handler.mayRead()) return;
      let body = start + 1;
      let length = 0;
      let shift = 0;
      for (;;) {
        if (body >= end) return this.#keep(bytes, start, 0);
        const byte = bytes[body++]!; // body < end
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
          if (byte === 0 && shift > 0) throw malformed("The packet's length is written in more bytes than it needs."); // [MQTT-1.5.5-1]
          break;
        }
        shift += 7;
        if (shift > 21) throw malformed("The packet's length has more than four bytes.");
      }
      const first = bytes[start]!; // start < end
      const stop = body + length;
      if (stop > end) return this.#keep(bytes, start, stop - start);
      if (stop - start > this.#largest) this.#handler.announced(first, stop - start);
      this.#handler.frame(first, bytes, start, body, stop);
      start = stop;
    }
  }

  #keep(bytes: Buffer, start: number, size: number): void {
    this.#handler.announced(bytes[start]!, size); // start < bytes.length
    const length = bytes.length - start;
    const kept = Buffer.allocUnsafe(Math.max(length, 256));
    bytes.copy(kept, 0, start);
    this.#partial = kept;
    this.#partialLength = length;
  }

  /** Completes the packet that began in an earlier chunk and hands it on. Returns where the next one begins in this chunk. */
  #complete(chunk: Buffer): number {
    let used = 0;
    for (;;) {
      const kept = this.#partial;
      if (!kept) return used;
      const total = sizeOf(kept, this.#partialLength);
      // As long as the length is not whole, byte by byte.
      const missing = total === 0 ? 1 : total - this.#partialLength;
      const take = Math.min(missing, chunk.length - used);
      if (take === 0) return used;
      const length = this.#partialLength + take;
      const target = this.#withRoom(kept, length, total);
      chunk.copy(target, this.#partialLength, used, used + take);
      used += take;
      this.#partialLength = length;
      const known = sizeOf(target, length);
      if (known === 0 ? length < 5 : length < known) {
        if (known !== 0 && total === 0) this.#handler.announced(target[0]!, known); // length >= 2
        continue;
      }
      this.#partial = undefined;
      this.#parse(target.subarray(0, length), 0);
      return used;
    }
  }

  /** Grows with what has come, not with what was announced. */
  #withRoom(kept: Buffer, length: number, total: number): Buffer {
    if (length <= kept.length) return kept;
    const target = Buffer.allocUnsafe(Math.max(length, Math.min(total, 2 * kept.length)));
    kept.copy(target, 0, 0, this.#partialLength);
    this.#partial = target;
    return target;
  }
}

/** The size of the packet that begins these bytes; 0 as long as its length is not whole, or is too long to be one. */
function sizeOf(bytes: Buffer, length: number): number {
  let size = 0;
  for (let i = 1; i < length && i < 5; i++) {
    const byte = bytes[i]!; // i < length <= bytes.length
    size |= (byte & 0x7f) << (7 * (i - 1));
    if (byte < 0x80) return size + i + 1;
  }
  return 0;
}

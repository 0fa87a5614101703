import type { Buffer } from "node:buffer";
import { apart } from "./apart.ts";
import { reason } from "./codes.ts";
import { ProtocolError } from "./protocol-error.ts";
import { isText } from "./text.ts";

const malformed = (sentence: string) => new ProtocolError(reason.malformedPacket, sentence);

/** Reads one packet that is not a PUBLISH, value by value. Never reads past `end`; throws `ProtocolError` instead. */
export class Cursor {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  #take(count: number): number {
    const from = this.at;
    if (count > this.end - from) throw malformed("The packet ends within a field.");
    this.at = from + count;
    return from;
  }

  byte(): number {
    return this.bytes.readUInt8(this.#take(1));
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.#take(2));
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.#take(4));
  }

  /** A variable byte integer in at most four bytes, and in no more than it needs ([MQTT-1.5.5-1]). */
  variable(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw malformed("A length is written in more bytes than it needs.");
        return value;
      }
    }
    throw malformed("A length has more than four bytes.");
  }

  text(): string {
    const length = this.uint16();
    const from = this.#take(length);
    if (!isText(this.bytes, from, this.at)) throw malformed("A string is not well-formed UTF-8, or holds U+0000.");
    return this.bytes.toString("utf8", from, this.at);
  }

  /** A copy: a will is there for as long as its connection. */
  binary(): Buffer {
    const length = this.uint16();
    const from = this.#take(length);
    return apart(this.bytes, from, this.at);
  }

  /** A cursor over the next `count` bytes; this one goes on behind them. */
  part(count: number): Cursor {
    const from = this.#take(count);
    return new Cursor(this.bytes, from, this.at);
  }

  packetId(): number {
    const id = this.uint16();
    // [MQTT-2.2.1-3], 3.1.1: [MQTT-2.3.1-1]
    if (id === 0) throw new ProtocolError(reason.protocolError, "A packet identifier is zero.");
    return id;
  }

  finish(): void {
    if (this.at !== this.end) throw malformed("The packet goes on behind its last field.");
  }
}

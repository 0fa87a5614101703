// Hot path: what the stored formats of telemetry are made of. All of them count in little-endian varints of 7 bits a byte, below 2^53.
import { Refusal } from "@holdfast/kernel";
import type { Location } from "./value.ts";

/** Bytes that grow at their end. Kept and used again: `reset` forgets what was written, not the memory. */
export class ByteWriter {
  buffer: Buffer<ArrayBuffer>;
  view: DataView;
  at = 0;

  constructor(capacity = 4_096) {
    this.buffer = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  reset(): void {
    this.at = 0;
  }

  /** Makes room for so many more bytes. The methods below do it themselves; who writes into `buffer` calls this first. */
  room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }

  byte(value: number): void {
    this.room(1);
    this.buffer[this.at++] = value;
  }

  varint(value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw new RangeError("a varint is between 0 and 2^53");
    this.room(8);
    let rest = value;
    // beyond 32 bits there are no bit operations on numbers
    while (rest > 0x7fff_ffff) {
      this.buffer[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.buffer[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  /** n ≥ 0 as 2n, n < 0 as -2n - 1, so that small numbers of either sign are short. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  double(value: number): void {
    this.room(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  bytes(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Byte length, then UTF-8. */
  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.room(length);
    this.at += this.buffer.write(text, this.at, "utf8");
  }

  /** 1 byte: 1 with an altitude, 2 with an accuracy; then latitude, longitude, and these where they are, 8 bytes each. */
  location({ latitude, longitude, altitude, accuracy }: Location): void {
    this.byte((altitude === undefined ? 0 : 1) + (accuracy === undefined ? 0 : 2));
    this.double(latitude);
    this.double(longitude);
    if (altitude !== undefined) this.double(altitude);
    if (accuracy !== undefined) this.double(accuracy);
  }

  /** What was written, as a copy that is the caller's. */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer.subarray(0, this.at));
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads forward through bytes that may be anything; refuses `seal.broken` where they cannot be ours. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly end: number;
  at = 0;

  /** `end` may lie before the end of `bytes`: what follows is padding, which is never given out. */
  constructor(bytes: Uint8Array, end: number = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at === this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw new Refusal("seal.broken");
    return this.bytes[this.at++] ?? 0; // it is there: at is below end
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++, scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80 && value <= Number.MAX_SAFE_INTEGER) return value;
      if (byte < 0x80) break;
    }
    throw new Refusal("seal.broken");
  }

  /** A varint that cannot rightly be larger than this: a count, a length. */
  varintUpTo(most: number): number {
    const value = this.varint();
    if (value <= most) return value;
    throw new Refusal("seal.broken");
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  take(count: number): Uint8Array {
    const start = this.at;
    if (count > this.end - start) throw new Refusal("seal.broken");
    return this.bytes.subarray(start, (this.at += count));
  }

  /** A finite float64: no other is ever stored. */
  double(): number {
    const start = this.at;
    this.take(8);
    const value = this.view.getFloat64(start, true);
    if (Number.isFinite(value)) return value;
    throw new Refusal("seal.broken");
  }

  location(): Location {
    const more = this.byte();
    if (more > 3) throw new Refusal("seal.broken");
    const [latitude, longitude] = [this.double(), this.double()];
    const altitude = (more & 1) === 1 ? { altitude: this.double() } : undefined;
    const accuracy = (more & 2) === 2 ? { accuracy: this.double() } : undefined;
    return { latitude, longitude, ...altitude, ...accuracy };
  }

  text(): string {
    const bytes = this.take(this.varint());
    try {
      return utf8.decode(bytes);
    } catch {
      throw new Refusal("seal.broken");
    }
  }
}

// Hot path: one call per message that comes as CBOR. Our own because a reading needs a tenth of CBOR: `cbor2` takes 2 to 4 µs for a
// small message and 340 ms for a hostile mebibyte, this a tenth. The tests hold it against `cbor2`.
import { Refusal } from "@holdfast/kernel";
import { mostReadings, refusalAt } from "./reading.ts";
import { deepestJson } from "./value.ts";

/** RFC 8949, 3.4.2: a time as tag 1 gives it. A class, so that it is not mistaken for a number of milliseconds. */
export class EpochSeconds {
  readonly seconds: number;
  constructor(seconds: number) {
    this.seconds = seconds;
  }
}

/** An array, a reading and its values, and what one of these may hold. This is also what bounds the recursion. */
const deepest = 3 + deepestJson;

const malformed = (detail: string): Refusal => new Refusal("telemetry.malformed", { detail });
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * One CBOR item (RFC 8949) as what JSON.parse would give: objects with own properties only, arrays, numbers, texts, booleans, null; byte strings
 * as `Uint8Array`, tag 1 as `EpochSeconds`. Integers beyond 2^53 become the nearest double, as in JSON; of equal keys the last wins.
 * `label` names integer keys; without it they are refused. Bignums and all tags but 0, 1, 4 and 55799 are refused, with the attribute named.
 */
export function parseCbor(body: Uint8Array, label?: (key: number) => string): unknown {
  const reader = new CborReader(body, label);
  const item = reader.item(0);
  if (!reader.isAtEnd) throw malformed("Something follows the CBOR item.");
  return item;
}

const breakCode = Symbol("break");

class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #label: ((key: number) => string) | undefined;
  #at = 0;
  /** The last key read: what a refusal names. */
  #key = "";

  constructor(bytes: Uint8Array, label: ((key: number) => string) | undefined) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#label = label;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  item(depth: number): unknown {
    const item = this.#item(depth);
    if (item === breakCode) throw malformed("A CBOR break stands where none can.");
    return item;
  }

  #item(depth: number): unknown {
    const initial = this.#byte();
    const more = initial & 0x1f;
    switch (initial >> 5) {
      case 0:
        return this.#argument(more);
      case 1:
        return more === 27 ? Number(-1n - this.#wide()) : -1 - this.#argument(more);
      case 2:
        return this.#string(more, 2);
      case 3:
        return this.#text(more);
      case 4:
        return this.#array(more, depth + 1);
      case 5:
        return this.#map(more, depth + 1);
      case 6:
        return this.#tagged(this.#argument(more), depth);
      default:
        return this.#simple(more);
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw malformed("The CBOR item ends early.");
    return byte;
  }

  /** Section 3: the integer behind the initial byte. 64 bits are rounded to a double. */
  #argument(more: number): number {
    if (more < 24) return more;
    if (more === 27) return Number(this.#wide());
    const at = this.#at;
    const size = more === 24 ? 1 : more === 25 ? 2 : more === 26 ? 4 : 0;
    if (size === 0) throw malformed("CBOR that RFC 8949 does not define.");
    this.#need(size);
    this.#at += size;
    switch (size) {
      case 1:
        return this.#view.getUint8(at);
      case 2:
        return this.#view.getUint16(at);
      default:
        return this.#view.getUint32(at);
    }
  }

  /** One of 64 bits, not rounded yet: -1 - n is another double when n was one before. */
  #wide(): bigint {
    this.#need(8);
    this.#at += 8;
    return this.#view.getBigUint64(this.#at - 8);
  }

  #need(count: number): void {
    if (count > this.#bytes.length - this.#at) throw malformed("The CBOR item ends early.");
  }

  #string(more: number, major: number): Uint8Array {
    if (more !== 31) {
      const length = this.#argument(more);
      this.#need(length);
      return this.#bytes.subarray(this.#at, (this.#at += length));
    }
    const parts: Uint8Array[] = [];
    for (let initial = this.#byte(); initial !== 0xff; initial = this.#byte()) {
      if (initial >> 5 !== major || (initial & 0x1f) === 31)
        throw malformed("A CBOR string has a part of another type.");
      parts.push(this.#string(initial & 0x1f, major));
    }
    // A Buffer would write itself into JSON where a byte string is.
    const whole = Buffer.concat(parts);
    return new Uint8Array(whole.buffer, whole.byteOffset, whole.length);
  }

  #text(more: number): string {
    const bytes = this.#string(more, 3);
    let ascii = "";
    // names are short and ASCII: cheaper than a call into the decoder
    if (bytes.length <= 16) {
      for (let at = 0; at < bytes.length; at++) {
        const byte = bytes[at] ?? 0;
        if (byte > 0x7f) return decode(bytes);
        ascii += String.fromCharCode(byte);
      }
      return ascii;
    }
    return decode(bytes);
  }

  #notTooDeep(depth: number): void {
    if (depth <= deepest) return;
    const message = `more than ${deepestJson} objects and arrays in each other.`;
    throw refusalAt("telemetry.tooDeep", { attribute: this.#key }, message);
  }

  #array(more: number, depth: number): unknown[] {
    this.#notTooDeep(depth);
    const length = more === 31 ? Infinity : this.#argument(more);
    const items: unknown[] = [];
    while (items.length < length) {
      const item = this.#item(depth);
      if (item === breakCode && length === Infinity) break;
      if (item === breakCode) throw malformed("A CBOR break stands where none can.");
      if (items.push(item) > mostReadings && depth === 1) throw new Refusal("telemetry.tooMany");
    }
    return items;
  }

  #map(more: number, depth: number): object {
    this.#notTooDeep(depth);
    const length = more === 31 ? Infinity : this.#argument(more);
    const map: { [key: string]: unknown } = {};
    for (let count = 0; count < length; count++) {
      const item = this.#item(depth);
      if (item === breakCode && length === Infinity) break;
      const key = this.#keyOf(item);
      this.#key = key;
      const value = this.item(depth);
      if (key === "__proto__") define(map, key, value);
      else map[key] = value;
    }
    this.#key = "";
    return map;
  }

  #keyOf(item: unknown): string {
    if (typeof item === "string") return item;
    if (typeof item === "number" && this.#label) return this.#label(item);
    throw malformed("A CBOR map has a key that is not a text.");
  }

  #tagged(tag: number, depth: number): unknown {
    // tags on tags would recurse without an array or map that counts: none that we read has a tag inside, but 55799
    if ((this.#bytes[this.#at] ?? 0) >> 5 === 6 && tag !== 55_799) throw this.#unread(tag);
    if (tag === 55_799) {
      if (depth > 0 || this.#at > 3) throw this.#unread(tag);
      return this.item(depth); // section 3.4.6: says only that this is CBOR
    }
    if (tag === 4) return this.#decimal();
    if (tag !== 0 && tag !== 1) throw this.#unread(tag);
    const content = this.item(depth);
    if (tag === 0 && typeof content === "string") return content;
    if (tag === 1 && typeof content === "number") return new EpochSeconds(content);
    throw malformed("A CBOR time is a text (tag 0) or a number (tag 1).");
  }

  /** Section 3.4.4: [exponent, mantissa], written out so that the result is the double that the same digits in JSON would be. */
  #decimal(): number {
    if (this.#byte() !== 0x82) throw malformed("A CBOR decimal fraction is an array of two integers.");
    const exponent = this.#integer();
    const mantissa = this.#integer();
    return Number(`${mantissa}e${exponent}`);
  }

  #integer(): bigint {
    const initial = this.#byte();
    const more = initial & 0x1f;
    const argument = () => (more === 27 ? this.#wide() : BigInt(this.#argument(more)));
    if (initial >> 5 === 0) return argument();
    if (initial >> 5 === 1) return -1n - argument();
    throw malformed("A CBOR decimal fraction is an array of two integers.");
  }

  #unread(tag: number): Refusal {
    const message = tag === 2 || tag === 3 ? "integers this large are not kept." : `CBOR tag ${tag} is not read here.`;
    return refusalAt("telemetry.wrongType", { attribute: this.#key }, message);
  }

  /** Section 3.3. Simple values without a meaning in JSON become `undefined`, which no reading takes. */
  #simple(more: number): unknown {
    const at = this.#at;
    switch (more) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 24:
        if (this.#byte() < 32) throw malformed("CBOR that RFC 8949 does not define.");
        return undefined;
      case 25:
        this.#need(2);
        this.#at += 2;
        return this.#view.getFloat16(at);
      case 26:
        this.#need(4);
        this.#at += 4;
        return this.#view.getFloat32(at);
      case 27:
        this.#need(8);
        this.#at += 8;
        return this.#view.getFloat64(at);
      case 28:
      case 29:
      case 30:
        throw malformed("CBOR that RFC 8949 does not define.");
      case 31:
        return breakCode;
      default:
        return undefined;
    }
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed("A text of the body is not UTF-8.");
  }
}

/** Assigning `__proto__` would set the prototype; JSON.parse does not do that either. */
function define(map: object, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

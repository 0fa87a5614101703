// Hot path: every committed point is added to a buffer here.
import { sortPoints } from "./merge.ts";
import { firstAt, firstIndexes, pickPoints, type Points } from "./points.ts";
import { Json, type Location, type Value, type ValueType } from "./value.ts";

/** Bytes that all buffers together take. */
export type Memory = { bytes: number };

const smallest = 8; // points; a device that sends once an hour needs no more
const none = new Float64Array(0);
/** An object with four doubles that are not small whole numbers. */
const bytesOfLocation = 88;
/** A JavaScript string: its head, and two bytes for each unit at most. */
const bytesOfText = (text: string): number => 24 + text.length * 2;

/** Points of one series that are durable in the log and not yet in a chunk, in the order of their commits. */
export class SeriesBuffer {
  readonly #type: ValueType;
  readonly #memory: Memory;
  #times = none;
  #positions = none;
  #numbers = none;
  #booleans = new Uint8Array(0);
  #texts: string[] = [];
  #places: Location[] = [];
  count = 0;
  bytes = 0;

  constructor(type: ValueType, memory: Memory) {
    this.#type = type;
    this.#memory = memory;
  }

  /** Where in the log its oldest point stands; Infinity when it is empty. */
  get oldest(): number {
    return this.count === 0 ? Infinity : (this.#positions[0] ?? 0);
  }

  /** Positions never fall from one call to the next. */
  push(time: number, value: Value, position: number): void {
    if (this.count === this.#times.length) this.#resize(0, Math.max(smallest, this.count * 2));
    const at = this.count++;
    this.#times[at] = time;
    this.#positions[at] = position;
    if (this.#type === "number") this.#numbers[at] = value as number; // intake checked it against the type of the series
    else if (this.#type === "boolean") this.#booleans[at] = value === true ? 1 : 0;
    else this.#pushObject(value);
  }

  /**
   * A copy of the oldest `most` points and of all that were committed together with the last of them; sorted, of equal times the
   * last. `position` is how far into the log they reach; all lie before `past`.
   */
  take(most: number, past = Infinity): { points: Points; taken: number; position: number } {
    let taken = Math.min(this.count, most);
    while (taken > 0 && (this.#positions[taken - 1] ?? 0) >= past) taken--;
    while (taken > 0 && taken < this.count && this.#positions[taken] === this.#positions[taken - 1]) taken++;
    const points = sortPoints(pickPoints(this.#points, firstIndexes(taken)));
    return { points, taken, position: this.#positions[taken - 1] ?? 0 };
  }

  /** A copy of the points in [from, to), sorted, of equal times the last; without those whose position is to be left out. */
  between(from: number, to: number, isLeftOut?: (position: number) => boolean): Points {
    const within: number[] = [];
    for (let at = 0; at < this.count; at++) {
      const time = this.#times[at] ?? 0; // at is below count
      if (time >= from && time < to && !isLeftOut?.(this.#positions[at] ?? 0)) within.push(at);
    }
    return sortPoints(pickPoints(this.#points, Uint32Array.from(within)));
  }

  /** How many points are in [from, to), those with equal times each; without those whose position is to be left out. */
  countBetween(from: number, to: number, isLeftOut?: (position: number) => boolean): number {
    let within = 0;
    for (let at = 0; at < this.count; at++) {
      const time = this.#times[at] ?? 0; // at is below count
      if (time >= from && time < to && !isLeftOut?.(this.#positions[at] ?? 0)) within += 1;
    }
    return within;
  }

  /** The first `taken` points are in a chunk now. */
  drop(taken: number): void {
    for (const text of this.#texts.splice(0, taken)) this.#grew(-bytesOfText(text));
    this.#grew(-bytesOfLocation * this.#places.splice(0, taken).length);
    const left = this.count - taken;
    this.#resize(taken, left === 0 ? 0 : Math.max(smallest, left));
    this.count = left;
  }

  /** Chunks have everything up to this position of the log. */
  dropThrough(position: number): void {
    this.drop(firstAt(this.#positions.subarray(0, this.count), position + 1));
  }

  #pushObject(value: Value): void {
    if (this.#type === "location") {
      this.#places.push(value as Location); // likewise
      this.#grew(bytesOfLocation);
      return;
    }
    const text = value instanceof Json ? value.text : (value as string); // likewise
    this.#texts.push(text);
    this.#grew(bytesOfText(text));
  }

  /** The columns, with whatever room they have behind their last point. */
  get #points(): Points {
    const times = this.#times;
    const type = this.#type;
    switch (type) {
      case "number":
        return { type, times, values: this.#numbers };
      case "boolean":
        return { type, times, values: this.#booleans };
      case "text":
      case "json":
        return { type, times, values: this.#texts };
      case "location":
        return { type, times, values: this.#places };
    }
  }

  /** Room for `size` points, of which those from `first` on are kept. */
  #resize(first: number, size: number): void {
    const before =
      this.#times.byteLength + this.#positions.byteLength + this.#numbers.byteLength + this.#booleans.length;
    const columns = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(size);
      to.set(from.subarray(first, Math.min(this.count, first + size)));
      return to;
    };
    this.#times = columns(this.#times);
    this.#positions = columns(this.#positions);
    if (this.#type === "number") this.#numbers = columns(this.#numbers);
    if (this.#type === "boolean") {
      const to = new Uint8Array(size);
      to.set(this.#booleans.subarray(first, Math.min(this.count, first + size)));
      this.#booleans = to;
    }
    this.#grew(
      this.#times.byteLength + this.#positions.byteLength + this.#numbers.byteLength + this.#booleans.length - before,
    );
  }

  #grew(bytes: number): void {
    this.bytes += bytes;
    this.#memory.bytes += bytes;
  }
}

// Hot path: every committed point is added to a buffer here.
import type { Id } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import { sortPoints } from "./merge.ts";
import type { Points } from "./points.ts";
import type { Value, ValueType } from "./reading.ts";

const smallest = 8; // points; a device that sends once an hour needs no more

/** Points of one series that are durable in the log and not yet in a chunk, in the order of their commits. */
export class SeriesBuffer {
  readonly #type: ValueType;
  #times = new Float64Array(smallest);
  #numbers: Float64Array | undefined;
  #others: (boolean | string)[] | undefined;
  #positions = new Float64Array(smallest);
  count = 0;

  constructor(type: ValueType) {
    this.#type = type;
    if (type === "number") this.#numbers = new Float64Array(smallest);
    else this.#others = [];
  }

  /** Bytes of memory, without what texts refer to. */
  get bytes(): number {
    return this.#times.byteLength * 3;
  }

  /** Where in the log its oldest point stands; Infinity when it is empty. */
  get oldest(): number {
    return this.count === 0 ? Infinity : (this.#positions[0] ?? 0);
  }

  push(time: number, value: Value, position: number): void {
    if (this.count === this.#times.length) this.#grow();
    const at = this.count++;
    this.#times[at] = time;
    this.#positions[at] = position;
    if (this.#numbers) this.#numbers[at] = value as number; // intake checked it against the type of the series
    else if (this.#others) this.#others[at] = value as boolean | string; // as above
  }

  /** A copy, sorted, of equal times the last; and how far into the log it reaches. */
  snapshot(): { points: Points; taken: number; position: number } {
    const { count } = this;
    const times = this.#times.slice(0, count);
    return { points: sortPoints(this.#pointsOf(times)), taken: count, position: this.#positions[count - 1] ?? 0 };
  }

  /** The first `taken` points are in a chunk now. */
  drop(taken: number): void {
    const left = this.count - taken;
    const size = Math.max(smallest, left);
    const keep = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const kept = new Float64Array(size);
      kept.set(from.subarray(taken, this.count));
      return kept;
    };
    this.#times = keep(this.#times);
    this.#positions = keep(this.#positions);
    if (this.#numbers) this.#numbers = keep(this.#numbers);
    if (this.#others) this.#others = this.#others.slice(taken);
    this.count = left;
  }

  #pointsOf(times: Float64Array): Points {
    const count = times.length;
    switch (this.#type) {
      case "number":
        return { type: "number", times, values: this.#numbers?.slice(0, count) ?? new Float64Array(0) };
      case "boolean":
        return { type: "boolean", times, values: Uint8Array.from(this.#others?.slice(0, count) ?? [], Number) };
      case "text":
        return { type: "text", times, values: this.#others?.slice(0, count).map(String) ?? [] };
    }
  }

  #grow(): void {
    const larger = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(from.length * 2);
      to.set(from);
      return to;
    };
    this.#times = larger(this.#times);
    this.#positions = larger(this.#positions);
    if (this.#numbers) this.#numbers = larger(this.#numbers);
  }
}

/** The newest chunk of a series, while it is small enough to be written again together with what follows. */
export type Tail = { readonly first: number; readonly last: number; readonly count: number; readonly position: number };

/** One attribute of one device, in memory. */
export class Series {
  readonly device: DeviceSeries;
  readonly name: string;
  readonly type: ValueType;
  /** Its row, once it has one. */
  id: string | undefined;
  /** How far into the log its chunks reach. */
  position: number;
  tail: Tail | undefined;
  readonly buffer: SeriesBuffer;
  /** A flush of it is under way. */
  flushing = false;
  /** The newest point that is durable. */
  latest: { readonly time: number; readonly value: Value } | undefined;

  constructor(
    device: DeviceSeries,
    name: string,
    type: ValueType,
    row?: { id: string; position: number; tail: Tail | undefined },
  ) {
    this.device = device;
    this.name = name;
    this.type = type;
    this.id = row?.id;
    this.position = row?.position ?? 0;
    this.tail = row?.tail;
    this.buffer = new SeriesBuffer(type);
  }

  add(time: number, value: Value, position: number): void {
    this.buffer.push(time, value, position);
    if (!this.latest || time >= this.latest.time) this.latest = { time, value };
  }
}

/** What one device measures, in memory: loaded once, so that a message is judged without a query. */
export class DeviceSeries {
  readonly device: Id<"device">;
  /** Replaced when the organisation had to be read again. */
  space: Space;
  readonly byName = new Map<string, Series>();
  /** The last time that the platform gave to a reading of this device. */
  lastGiven = 0;

  constructor(space: Space, device: Id<"device">) {
    this.space = space;
    this.device = device;
  }
}

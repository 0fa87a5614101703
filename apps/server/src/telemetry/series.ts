import type { Id } from "@holdfast/kernel";
import type { OrgScope } from "../storage/index.ts";
import { SeriesBuffer, type Memory } from "./buffer.ts";
import type { DoorDemands } from "./door.ts";
import { Periods, type Period } from "./periods.ts";
import type { Value, ValueType } from "./value.ts";

/** The chunk of a series that begins last. While it is small, and on top, it is written again together with what follows. */
export type Tail = {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly position: number;
  /** Of its sealed points. */
  readonly bytes: number;
  /** Under the key of which period it is sealed. */
  readonly period: number;
  /**
   * No newer chunk reaches into it: of equal times its points would win once they are written as the newest. `undefined` for one that was found, which may
   * have become the last because what was behind it is gone, or was joined.
   */
  readonly isOnTop: true | undefined;
};

export type SeriesRow = { readonly id: number; readonly position: number; readonly tail: Tail | undefined };

/** One attribute of one device, in memory. */
export class Series {
  readonly device: DeviceSeries;
  readonly name: string;
  readonly type: ValueType;
  readonly buffer: SeriesBuffer;
  /** Its row, once it has one. */
  id: number | undefined;
  /** How far into the log its chunks reach. */
  position: number;
  tail: Tail | undefined;
  /** Points that were taken and wait for their commit. */
  pending = 0;
  /** The flusher knows that it has points in its buffer. */
  isDirty = false;
  /** A flush ended without an answer: row and tail have to be read again before the next one. */
  isDoubtful = false;
  #newest: { time: number; value: Value } | undefined;
  /** Whether chunks were asked, too, for the newest point. */
  isNewestOfAll: boolean;

  constructor(device: DeviceSeries, name: string, type: ValueType, row?: SeriesRow) {
    this.device = device;
    this.name = name;
    this.type = type;
    this.buffer = new SeriesBuffer(type, device.memory);
    this.id = row?.id;
    this.position = row?.position ?? 0;
    this.tail = row?.tail;
    this.isNewestOfAll = row?.tail === undefined;
  }

  /** A point is durable. */
  add(time: number, value: Value, position: number): void {
    this.pending -= 1;
    if (position < this.device.erasedBefore && this.device.periods.at(position).isErased) return; // it was on its way meanwhile
    this.buffer.push(time, value, position);
    this.noteNewest(time, value);
  }

  noteNewest(time: number, value: Value): void {
    if (!this.#newest) this.#newest = { time, value };
    else if (time >= this.#newest.time) {
      this.#newest.time = time;
      this.#newest.value = value;
    }
  }

  /** The newest point of those that came since it was loaded, and of all once `isNewestOfAll`; none when it is older than is kept. */
  get newest(): { readonly time: number; readonly value: Value } | undefined {
    return this.#newest && this.#newest.time >= this.keptFrom ? this.#newest : undefined;
  }

  set newest(point: { readonly time: number; readonly value: Value } | undefined) {
    this.#newest = point && { ...point };
  }

  /** The time of the oldest point that is kept; what is older is nobody's to read, whether it is gone already or not. */
  get keptFrom(): number {
    return this.device.keptFrom(this.name);
  }

  /** Something of it was erased, maybe its newest point, or its last chunk: that is not to be written again. */
  forgetErased(): void {
    this.#newest = undefined;
    this.isNewestOfAll = false;
    if (this.tail && this.device.periods.isErased(this.tail.period)) this.tail = undefined;
  }

  /** A point that was taken was not kept after all: a series that never had one is forgotten, and with it its type. */
  refuse(): void {
    this.pending -= 1;
    if (this.pending === 0 && this.id === undefined && this.buffer.count === 0) this.device.byName.delete(this.name);
  }

  get isIdle(): boolean {
    return this.pending === 0 && this.buffer.count === 0 && !this.isDirty;
  }
}

/** What one device measures, in memory: loaded once, so that a message is judged without a query. */
export class DeviceSeries {
  readonly device: Id<"device">;
  /** The organisation it was loaded in: it answers nobody else. */
  readonly scope: OrgScope;
  readonly memory: Memory;
  readonly byName = new Map<string, Series>();
  /** Readings without a time are given a later one than this. */
  lastGiven = 0;
  /** The round in which somebody last asked for it. */
  touched = 0;
  /** The time of the oldest reading of an attribute that is kept. */
  keptFrom: (name: string) => number = () => -Infinity;
  /** Once it was found to have a door. */
  demands: DoorDemands | undefined = undefined;

  readonly periods = new Periods();
  /** `periods.erasedBefore`, at hand for every point. */
  erasedBefore = 0;

  constructor(scope: OrgScope, device: Id<"device">, memory: Memory) {
    this.scope = scope;
    this.device = device;
    this.memory = memory;
  }

  /** What is erased is nobody's to read any more, whether it is gone already or not. */
  setPeriods(all: readonly Period[]): void {
    const { erased } = this.periods;
    this.periods.set(all);
    if (this.periods.erased === erased) return;
    this.erasedBefore = this.periods.erasedBefore;
    for (const series of this.byName.values()) series.forgetErased();
  }

  /** The series of an attribute, made at the first value of it. */
  seriesOf(name: string, type: ValueType): Series {
    let series = this.byName.get(name);
    if (!series) this.byName.set(name, (series = new Series(this, name, type)));
    return series;
  }

  get isIdle(): boolean {
    for (const series of this.byName.values()) if (!series.isIdle) return false;
    return true;
  }
}

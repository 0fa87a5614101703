// Hot path: every value that was taken stands here until it is durable.
import type { Id } from "@holdfast/kernel";
import type { OrgScope } from "../storage/index.ts";
import type { Value } from "./value.ts";
import { RecordWriter } from "./record.ts";
import type { Series } from "./series.ts";

/** Whoever waits for a message to be durable. 0 is durable; else an MQTT 5 reason code says why it was not kept. */
export interface Waiting {
  /** Bytes of the broker's that are kept together with the message, or not at all. */
  readonly record?: Uint8Array | undefined;
  /** By which the listener of direct sockets will know that the message was kept: together with it, or not at all. */
  readonly mark?: Uint8Array | undefined;
  settle(code: number, reasonString?: string): void;
}

/** Whoever is told how many points are durable. */
export interface Meter {
  points: number;
}

export const serverUnavailable = 0x88;
export const quotaExceeded = 0x97;

/** What a point takes in memory beside its bytes in the record: three columns. */
const bytesOfPoint = 32;

/** What one organisation has in one commit. The points stand by until it is durable, or is not kept: then it is done with. */
export class OrgBatch {
  readonly scope: OrgScope;
  readonly writer = new RecordWriter(4_096);
  /** What the broker wants kept, in the order in which it was given. */
  readonly records: Uint8Array[] = [];
  readonly marks: Uint8Array[] = [];
  #recordBytes = 0;
  /** How many messages with readings are complete. */
  messages = 0;
  /** Its place in the log, once it is durable. */
  position = 0;
  /** Bytes that wait because of the messages that are complete. */
  cost = 0;
  readonly #series: Series[] = [];
  readonly #times: number[] = [];
  readonly #values: Value[] = [];
  readonly #meters: Meter[] = [];
  readonly #counts: number[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #after: (() => void)[] = [];
  #isDone = false;
  /** Perhaps it was kept: those who wait are told that it was not, and its points stay until it is known. */
  isDoubtful = false;
  /** What it came to in the log, and in the message log. */
  sealedBytes = 0;
  sealedRecordBytes = 0;

  constructor(scope: OrgScope) {
    this.scope = scope;
  }

  get org(): Id<"org"> {
    return this.scope.org;
  }

  get byteLength(): number {
    return this.writer.byteLength + this.#recordBytes;
  }

  get points(): number {
    return this.#series.length;
  }

  /** Whoever gave it will know by what was kept that it was, and not give it again. */
  get isKnownAgain(): boolean {
    return this.marks.length > 0 || this.records.length > 0;
  }

  /** A value of the reading that was begun in `writer`. */
  push(series: Series, time: number, value: Value): void {
    this.writer.value(series.name, value);
    series.pending += 1;
    this.#series.push(series);
    this.#times.push(time);
    this.#values.push(value);
  }

  /** So many of the points are counted there. */
  count(meter: Meter, points: number): void {
    this.#meters.push(meter);
    this.#counts.push(points);
  }

  /** What is to be done once those who wait were told that it is durable. */
  after(then: () => void): void {
    this.#after.push(then);
  }

  /** A message is complete, or a record of the broker's alone. Answers how many more bytes wait now. */
  wait(waiting: Waiting): number {
    this.#waiting.push(waiting);
    const { record, mark } = waiting;
    if (record) {
      this.records.push(record);
      this.#recordBytes += record.length;
    }
    if (mark) {
      this.marks.push(mark);
      this.#recordBytes += mark.length;
    }
    const before = this.cost;
    this.cost = this.byteLength + this.#series.length * bytesOfPoint;
    return this.cost - before;
  }

  /** It is durable: its points go to their buffers. Answers the series that they belong to, many of them again and again. */
  keep(position: number): readonly Series[] {
    this.#isDone = true;
    this.position = position;
    const series = this.#series;
    for (let at = 0; at < series.length; at++) {
      series[at]?.add(this.#times[at] ?? 0, this.#values[at] ?? 0, position); // the three columns are equally long
    }
    for (let at = 0; at < this.#meters.length; at++) this.#meters[at]!.points += this.#counts[at] ?? 0; // equally long, too
    return series;
  }

  /** After `keep`: tells those who wait, and then those who want to know of what is stored. Answers what they threw, which is our fault. */
  settle(): unknown[] {
    const faults = this.#tell(0, undefined);
    for (const then of this.#after) {
      try {
        then();
      } catch (fault) {
        faults.push(fault);
      }
    }
    return faults;
  }

  /** It was not kept; once. */
  refuse(code: number, reason: string): unknown[] {
    if (this.#isDone) return [];
    if (!this.isDoubtful) {
      this.#isDone = true;
      for (const series of this.#series) series.refuse();
    }
    return this.#tell(code, reason);
  }

  /** All who wait, whatever one of them throws. */
  #tell(code: number, reason: string | undefined): unknown[] {
    const faults: unknown[] = [];
    for (const waiting of this.#waiting.splice(0)) {
      try {
        waiting.settle(code, reason);
      } catch (fault) {
        faults.push(fault);
      }
    }
    return faults;
  }
}

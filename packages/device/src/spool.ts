import { DeviceError } from "./failure.ts";
import type { Journal } from "./journal.ts";
import { Ledger } from "./ledger.ts";
import { decode, encode, type Record } from "./records.ts";
import { laneOf, lanes, replies, type Lane } from "./topics.ts";

/** One message that the platform has not acknowledged yet. */
export type Entry = { readonly number: number; readonly topic: string; readonly payload: string };

export type Limits = {
  readonly entries: number;
  readonly bytes: number;
  /** What becomes of one more: it waits for room, is refused as `spool.full`, or takes the place of the oldest measurements. */
  readonly whenFull: "wait" | "refuse" | "dropOldest";
};

type Waiting = {
  readonly topic: string;
  readonly payload: string;
  done(entry: Entry): void;
  failed(error: unknown): void;
};

/** A journal of less is not worth writing anew. */
const small = 64 * 1024;

/** What waits to be sent, in order, within bounds, and written down. Replies to commands are not counted: the platform bounds commands. */
export class Spool {
  readonly ledger: Ledger;
  readonly #journal: Journal;
  readonly #limits: Limits;
  readonly #lanes: { readonly [lane in Lane]: Map<number, Entry> } = {
    reply: new Map(),
    twin: new Map(),
    telemetry: new Map(),
  };
  readonly #waiting: Waiting[] = [];
  readonly #onDropped: (entry: Entry) => void;
  #next = 1;
  #entries = 0;
  #bytes = 0;
  #dropped = 0;
  #sizeWhenTidy = 0;

  constructor(journal: Journal, limits: Limits, onDropped: (entry: Entry) => void) {
    this.#journal = journal;
    this.#limits = limits;
    this.#onDropped = onDropped;
    this.ledger = new Ledger();
    for (const text of journal.read()) {
      const record = decode(text);
      if (record) this.#apply(record);
    }
    this.tidy();
  }

  /** Whether what was begun is known after a restart. */
  get outlives(): boolean {
    return this.#journal.outlives;
  }

  get size(): number {
    return lanes.reduce((sum, lane) => sum + this.#lanes[lane].size, 0);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many were dropped because it was full, since it was opened. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Oldest first. */
  lane(lane: Lane): Iterable<Entry> {
    return this.#lanes[lane].values();
  }

  /** Resolves once it is kept. Whoever waits for room is served in order. */
  keep(topic: string, payload: string, isInFlight: (entry: Entry) => boolean): Promise<Entry> {
    const size = sizeOf({ topic, payload });
    return new Promise((done, failed) => {
      if (size > this.#limits.bytes) throw new DeviceError("spool.tooLarge");
      if (this.#waiting.length === 0 && !this.#fits(size)) this.#makeRoom(size, isInFlight);
      if (this.#waiting.length === 0 && this.#fits(size)) done(this.#add(topic, payload));
      else if (this.#limits.whenFull === "wait") this.#waiting.push({ topic, payload, done, failed });
      else throw new DeviceError("spool.full");
    });
  }

  /** It needs to be sent no more. Where that cannot be written it throws; it is gone all the same, and may be sent again after a restart. */
  remove(entry: Entry): void {
    const record = ["gone", entry.number] as const;
    this.#apply(record);
    try {
      this.#append(record);
      if (this.#journal.size > small + 2 * this.#sizeWhenTidy) this.tidy();
    } finally {
      this.#serve();
    }
  }

  /** Written down before it begins. */
  begin(command: string, expiresIn: number): void {
    this.#write(["begun", command, expiresIn]);
  }

  /** Written down with the reply that is owed, as one. */
  finish(command: string, reply: string): Entry {
    const number = this.#next;
    this.#write(["done", command, number, reply]);
    return { number, topic: replies + command, payload: reply };
  }

  forget(command: string): void {
    this.#write(["over", command]);
  }

  sync(): Promise<void> {
    return this.#journal.sync();
  }

  /** Nothing is kept any more; who waits for room is told. */
  async close(): Promise<void> {
    for (const waiting of this.#waiting.splice(0)) waiting.failed(new DeviceError("device.closed"));
    await this.#journal.sync();
    await this.#journal.close();
  }

  /** Writes the journal anew, without what is over. */
  tidy(): void {
    const records: Record[] = [...this.ledger.records()];
    for (const lane of lanes)
      for (const { number, topic, payload } of this.#lanes[lane].values())
        records.push(["entry", number, topic, payload]);
    this.#journal.rewrite(records.map(encode));
    this.#sizeWhenTidy = this.#journal.size;
  }

  #add(topic: string, payload: string): Entry {
    const entry = { number: this.#next, topic, payload };
    this.#write(["entry", entry.number, topic, payload]);
    return entry;
  }

  #write(record: Record): void {
    this.#append(record);
    this.#apply(record);
  }

  #append(record: Record): void {
    try {
      this.#journal.append(encode(record));
    } catch (cause) {
      throw new DeviceError("spool.unwritable", { cause });
    }
  }

  #apply(record: Record): void {
    switch (record[0]) {
      case "entry":
        return this.#insert({ number: record[1], topic: record[2], payload: record[3] });
      case "gone":
        return this.#delete(record[1]);
      case "begun":
        return this.ledger.begin(record[1], record[2]);
      case "done":
        this.ledger.finish(record[1], record[3]);
        if (record[2] > 0) this.#insert({ number: record[2], topic: replies + record[1], payload: record[3] });
        return;
      case "over":
        return this.ledger.forget(record[1]);
    }
  }

  #insert(entry: Entry): void {
    const lane = laneOf(entry.topic);
    this.#lanes[lane].set(entry.number, entry);
    this.#next = Math.max(this.#next, entry.number + 1);
    if (lane === "reply") return;
    this.#entries += 1;
    this.#bytes += sizeOf(entry);
  }

  #delete(number: number): void {
    for (const lane of lanes) {
      const entry = this.#lanes[lane].get(number);
      if (!entry) continue;
      this.#lanes[lane].delete(number);
      if (lane === "reply") return;
      this.#entries -= 1;
      this.#bytes -= sizeOf(entry);
    }
  }

  #fits(size: number): boolean {
    return this.#entries < this.#limits.entries && this.#bytes + size <= this.#limits.bytes;
  }

  /** What is under way may have arrived, so it is not dropped. */
  #makeRoom(size: number, isInFlight: (entry: Entry) => boolean): void {
    if (this.#limits.whenFull !== "dropOldest") return;
    for (const entry of this.#lanes.telemetry.values()) {
      if (this.#fits(size)) return;
      if (isInFlight(entry)) continue;
      this.remove(entry);
      this.#dropped += 1;
      this.#onDropped(entry);
    }
  }

  #serve(): void {
    for (let first = this.#waiting[0]; first && this.#fits(sizeOf(first)); first = this.#waiting[0]) {
      this.#waiting.shift();
      try {
        first.done(this.#add(first.topic, first.payload));
      } catch (error) {
        first.failed(error);
      }
    }
  }
}

/** About what it takes in memory. */
const sizeOf = ({ topic, payload }: { topic: string; payload: string }): number => topic.length + payload.length + 64;

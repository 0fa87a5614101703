import { DeviceError } from "./failure.ts";
import type { Journal } from "./journal.ts";
import { Ledger } from "./ledger.ts";
import { decode, encode, type Record } from "./records.ts";
import { Room, type Limits } from "./room.ts";
import { at, lanes, placeOf, replies, type Lane, type Speaker } from "./topics.ts";

/** One message that the platform has not acknowledged yet. */
export type Entry = { readonly number: number; readonly topic: string; readonly payload: string };

/** What one speaker has in one lane, oldest first. */
export type Queue = ReadonlyMap<number, Entry>;

type Waiting = {
  readonly topic: string;
  readonly payload: string;
  readonly speaker: Speaker;
  readonly size: number;
  readonly done: (entry: Entry) => void;
  readonly failed: (error: unknown) => void;
};

/** Who is told what happens in a spool that nobody asked for. */
export type Told = {
  /** It was full, and this made room. */
  dropped(entry: Entry): void;
  /** The journal is behind what is known here, or larger than it need be. */
  fault(error: unknown): void;
};

/** A journal of less is not worth writing anew. */
const small = 64 * 1024;

/**
 * What waits to be sent, in order, within bounds, and written down. Replies to commands and answers to tasks are not counted: the platform bounds
 * commands, and a device has few tasks at once.
 */
export class Spool {
  readonly ledger: Ledger;
  readonly #journal: Journal;
  readonly #limits: Limits;
  readonly #room: Room;
  readonly #lanes: { readonly [lane in Lane]: Map<Speaker, Map<number, Entry>> } = {
    reply: new Map(),
    task: new Map(),
    twin: new Map(),
    telemetry: new Map(),
  };
  readonly #entries = new Map<number, Entry>();
  #waiting: Waiting[] = [];
  readonly #told: Told;
  #next = 1;
  #dropped = 0;
  #isClosed = false;
  /** What is over and could not be written yet, in order. */
  #unwritten: Record[] = [];
  /** The journal is written anew when it is larger than this, or less than that waits here. */
  #sizeToTidy: number;
  #bytesToTidy = 0;

  constructor(journal: Journal, limits: Limits, told: Told) {
    this.#journal = journal;
    this.#limits = limits;
    this.#room = new Room(limits);
    this.#told = told;
    this.ledger = new Ledger();
    for (const text of journal.read()) {
      const record = decode(text);
      if (record) this.#apply(record);
    }
    this.#sizeToTidy = small + 2 * this.bytes;
  }

  /** Whether what was begun is known after a restart. */
  get outlives(): boolean {
    return this.#journal.outlives;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#room.bytes;
  }

  /** How many were dropped because it was full, since it was opened. */
  get dropped(): number {
    return this.#dropped;
  }

  queues(lane: Lane): ReadonlyMap<Speaker, Queue> {
    return this.#lanes[lane];
  }

  /** Resolves once it is kept. Whoever waits for room is served in order; a child that has filled its share holds up nobody else. */
  keep(topic: string, payload: string, isInFlight: (entry: Entry) => boolean): Promise<Entry> {
    const { speaker } = placeOf(topic);
    const size = sizeOf({ topic, payload });
    return new Promise((done, failed) => {
      this.#checkOpen();
      if (this.#room.isBeyond(speaker, size)) throw new DeviceError("spool.tooLarge");
      const isBehind = this.#waiting.some((one) => one.speaker === speaker || !this.#room.isOpen(one.size));
      if (!isBehind) this.#makeRoom(speaker, size, isInFlight);
      if (!isBehind && this.#fits(speaker, size)) done(this.#add(topic, payload));
      else if (this.#limits.whenFull === "wait") this.#waiting.push({ topic, payload, speaker, size, done, failed });
      else throw new DeviceError("spool.full");
    });
  }

  /**
   * The same of what is not counted, so there is room. Where the disk has none it is owed all the same, and written once there is; where the process ends
   * before, it was never said.
   */
  owe(topic: string, payload: string): Entry {
    this.#checkOpen();
    const entry = { number: this.#next, topic, payload };
    this.#settle(["entry", entry.number, topic, payload]);
    return entry;
  }

  /** What waits for room, and is wanted no more, is told this. */
  turnAway(speaker: Speaker, error: DeviceError): void {
    const gone = this.#waiting.filter((one) => one.speaker === speaker);
    this.#waiting = this.#waiting.filter((one) => one.speaker !== speaker);
    for (const { failed } of gone) failed(error);
  }

  /** It needs to be sent no more. After the close it is left: the file keeps it, and it may be sent again. */
  remove(entry: Entry): void {
    if (this.#isClosed) return;
    this.#settle(["gone", entry.number]);
    if (this.#journal.size > this.#sizeToTidy || this.bytes < this.#bytesToTidy) this.tidy();
    this.#serve();
  }

  /** Written down before it begins. */
  begin(command: string, expiresIn: number, speaker: Speaker): void {
    this.#write(["begun", command, expiresIn, speaker]);
  }

  /** In whose name it is replied to. Where there is no room for that it is so all the same, and written once there is. */
  note(command: string, expiresIn: number, speaker: Speaker): void {
    this.#checkOpen();
    this.#settle(["begun", command, expiresIn, speaker]);
  }

  /**
   * Written down with the reply that is owed, as one. Where there is no room for it it is owed all the same, and written once there is; where the process
   * ends before, the next one knows that the command was begun, and does not run it.
   */
  finish(command: string, reply: string): Entry {
    this.#checkOpen();
    const number = this.#next;
    this.#settle(["done", command, number, reply]);
    return { number, topic: this.#replyTopic(command), payload: reply };
  }

  forget(command: string): void {
    this.#checkOpen();
    this.#settle(["over", command]);
  }

  /** Rejects as `spool.unsynced`. */
  async sync(): Promise<void> {
    this.#checkOpen();
    await this.#synced();
  }

  /**
   * Nothing is kept any more, and whatever is asked of it throws `device.closed`; who waits for room is told. Rejects as `spool.behind` or
   * `spool.unsynced`, and is closed all the same.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.failed(new DeviceError("device.closed"));
    try {
      try {
        this.#catchUp();
      } finally {
        await this.#synced(); // what was written before
      }
    } finally {
      await this.#journal.close();
    }
  }

  /** Writes the journal anew, without what is over. Where that cannot be, it is tried again once the journal has doubled, or half of what waits is gone. */
  tidy(): void {
    const records: Record[] = [...this.ledger.records()];
    for (const lane of lanes)
      for (const queue of this.#lanes[lane].values())
        for (const { number, topic, payload } of queue.values()) records.push(["entry", number, topic, payload]);
    try {
      this.#journal.rewrite(records.map(encode));
      this.#unwritten = [];
      this.#bytesToTidy = 0;
    } catch (cause) {
      this.#bytesToTidy = this.bytes / 2;
      this.#told.fault(new DeviceError("spool.untidied", { cause }));
    }
    this.#sizeToTidy = small + 2 * this.#journal.size;
  }

  async #synced(): Promise<void> {
    try {
      await this.#journal.sync();
    } catch (cause) {
      throw new DeviceError("spool.unsynced", { cause });
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new DeviceError("device.closed");
  }

  #add(topic: string, payload: string): Entry {
    const entry = { number: this.#next, topic, payload };
    this.#write(["entry", entry.number, topic, payload]);
    return entry;
  }

  /** What begins is written before it does. */
  #write(record: Record): void {
    this.#checkOpen();
    try {
      this.#catchUp();
      this.#journal.append(encode(record));
    } catch (cause) {
      throw new DeviceError("spool.unwritable", { cause });
    }
    this.#apply(record);
  }

  /** What is over is so at once. Where it cannot be written it is before whatever is written next; that is told when it begins, and not of each. */
  #settle(record: Record): void {
    this.#apply(record);
    this.#unwritten.push(record);
    try {
      this.#catchUp();
    } catch (error) {
      if (this.#unwritten.length === 1) this.#told.fault(error);
    }
  }

  /** Throws `spool.behind`. */
  #catchUp(): void {
    let written = 0;
    try {
      for (const record of this.#unwritten) {
        this.#journal.append(encode(record));
        written += 1;
      }
    } catch (cause) {
      throw new DeviceError("spool.behind", { cause });
    } finally {
      this.#unwritten.splice(0, written);
    }
  }

  #apply(record: Record): void {
    switch (record[0]) {
      case "entry":
        return this.#insert({ number: record[1], topic: record[2], payload: record[3] });
      case "gone":
        return this.#delete(record[1]);
      case "begun":
        return this.ledger.begin(record[1], record[2], record[3]);
      case "done":
        this.ledger.finish(record[1], record[3]);
        if (record[2] > 0) this.#insert({ number: record[2], topic: this.#replyTopic(record[1]), payload: record[3] });
        return;
      case "over":
        return this.ledger.forget(record[1]);
    }
  }

  #replyTopic(command: string): string {
    return at(this.ledger.speakerOf(command), replies) + command;
  }

  #insert(entry: Entry): void {
    const { lane, speaker } = placeOf(entry.topic);
    const queue = this.#lanes[lane].get(speaker) ?? new Map<number, Entry>();
    this.#lanes[lane].set(speaker, queue.set(entry.number, entry));
    this.#next = Math.max(this.#next, entry.number + 1);
    this.#entries.set(entry.number, entry);
    if (lane !== "reply") this.#room.take(speaker, sizeOf(entry));
  }

  #delete(number: number): void {
    const entry = this.#entries.get(number);
    if (!entry) return;
    const { lane, speaker } = placeOf(entry.topic);
    this.#entries.delete(number);
    const queue = this.#lanes[lane].get(speaker);
    queue?.delete(number);
    if (queue?.size === 0) this.#lanes[lane].delete(speaker);
    if (lane !== "reply") this.#room.free(speaker, sizeOf(entry));
  }

  #fits(speaker: Speaker, size: number): boolean {
    return this.#room.isOpen(size) && this.#room.isOpenTo(speaker, size);
  }

  /** A child that has filled its share makes room itself. */
  #makeRoom(speaker: Speaker, size: number, isInFlight: (entry: Entry) => boolean): void {
    if (this.#limits.whenFull !== "dropOldest") return;
    while (!this.#fits(speaker, size)) {
      const entry = this.#oldest(this.#room.isOpenTo(speaker, size) ? undefined : speaker, isInFlight);
      if (!entry) return;
      this.remove(entry);
      this.#dropped += 1;
      this.#told.dropped(entry);
    }
  }

  /** The oldest measurement, of one or of all. What is under way may have arrived, so it is not dropped. */
  #oldest(of: Speaker | undefined, isInFlight: (entry: Entry) => boolean): Entry | undefined {
    let oldest: Entry | undefined;
    for (const [speaker, queue] of this.#lanes.telemetry) {
      if (of !== undefined && speaker !== of) continue;
      const first = firstOf(queue, (entry) => !isInFlight(entry));
      if (first && (!oldest || first.number < oldest.number)) oldest = first;
    }
    return oldest;
  }

  #serve(): void {
    /** Whoever waits for his own share, so that what he says stays in order. */
    const full = new Set<Speaker>();
    for (let n = 0; n < this.#waiting.length;) {
      const one = this.#waiting[n]!; // n < length
      if (!this.#room.isOpen(one.size)) return;
      if (full.has(one.speaker) || !this.#room.isOpenTo(one.speaker, one.size)) {
        full.add(one.speaker);
        n += 1;
        continue;
      }
      this.#waiting.splice(n, 1);
      try {
        one.done(this.#add(one.topic, one.payload));
      } catch (error) {
        one.failed(error);
      }
    }
  }
}

/** The first that is fit. Those that are not are few: what is under way. */
export function firstOf(queue: Queue, isFit: (entry: Entry) => boolean): Entry | undefined {
  for (const entry of queue.values()) if (isFit(entry)) return entry;
  return undefined;
}

/** About what it takes in memory. */
const sizeOf = ({ topic, payload }: { topic: string; payload: string }): number => topic.length + payload.length + 64;

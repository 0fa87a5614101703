import { because, Refusal, type Instant, type Random, type Report, type Timers } from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import { SegmentSeal } from "./sealing.ts";

/** Sealed bytes in a segment before the next one begins. What is replayed at a start is a few of these at most. */
const segmentBytes = 32 * 1024 * 1024;
/** Milliseconds after which a segment ends that was written to, however little: its readings are to leave the log, and its key to go. */
const segmentAge = 3_600_000;
/** How many full segments may wait for slow series before those are written, however few their points. */
const mostWaiting = 2;
/** Keys of so many segments back are looked for at a start: a stop between dropping rows and destroying their key leaves one. */
const lookBack = 64;
const retryAfter = 1_000;

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly timers: Timers;
  /** The next segment is ready, or slow series have to be written: whoever commits and flushes is to look. */
  readonly turn: () => void;
  readonly report: Report;
  readonly segmentBytes?: number | undefined;
};

type Segment = {
  readonly number: number;
  /** None when its key is gone. */
  readonly seal: SegmentSeal | undefined;
  bytes: number;
  reached: number;
  at: number;
  /** The hour in which it was closed. */
  closedIn: number;
  /** Something in it does not open. It is kept, for somebody who has the right keyring or wants to know. */
  isDamaged: boolean;
};

/** The parts of the ingest log: each a partition and a key, which go together once everything in it is in chunks. */
export class Segments {
  readonly #needs: Needs;
  readonly #size: number;
  /** Oldest first; the last is the current one, once `begin` made it. */
  #segments: Segment[] = [];
  #current: Segment | undefined;
  #next: Segment | undefined;
  /** The last that there was when this began. */
  #last = 0;
  #isMaking = false;
  #making: Promise<void> = Promise.resolve();
  /** Up to this one they are to go as soon as can be. */
  #forced = 0;
  #hour = 0;
  #isAged = false;
  #isClosed = false;
  readonly #pending = new Set<{ cancel(): void }>();

  private constructor(needs: Needs) {
    this.#needs = needs;
    this.#size = needs.segmentBytes ?? segmentBytes;
  }

  /** Finds what the log holds; `begin` opens a segment to write to, after replay. Answers the log's last position and time. */
  static async open(needs: Needs): Promise<{ segments: Segments; position: number; at: Instant }> {
    const { storage, keys } = needs;
    const segments = new Segments(needs);
    type Mark = { segment: number; pos: number; at: number };
    const [mark] = await storage.maintain.call<Mark>("log_state", []);
    const found = await storage.maintain.call<Mark>("log_segments", []);
    for (const { segment: number, pos: reached, at } of found) {
      if (reached === 0) {
        // Opened, and never written to. Its key goes below.
        await storage.maintain.call("drop_segment", [number, 0, 0]);
        continue;
      }
      const key = await keys.find("segment", String(number));
      const seal = key && new SegmentSeal(number, key, needs.random);
      segments.#segments.push({ number, seal, bytes: 0, reached, at, closedIn: 0, isDamaged: false });
    }
    segments.#last = mark?.segment ?? 0;
    await segments.destroyLeftKeys("last");
    const messages = await storage.maintain.call<Omit<Mark, "segment">>("message_log_orgs", []);
    const marks = [...found, ...messages];
    const position = marks.reduce((most, { pos }) => Math.max(most, pos), mark?.pos ?? 0);
    const at = marks.reduce((most, one) => Math.max(most, one.at), mark?.at ?? 0);
    return { segments, position, at: at as Instant }; // bigint columns of ours
  }

  /** The segments that replay reads, in the order in which they were written. */
  get written(): readonly { readonly number: number; readonly seal: SegmentSeal | undefined }[] {
    return this.#segments.filter((segment) => segment !== this.#current);
  }

  /** Replay found bytes in it that do not open. */
  damaged(number: number): void {
    for (const segment of this.#segments) if (segment.number === number) segment.isDamaged = true;
  }

  /** Opens a segment to write to. From now on those that were passed may go. */
  async begin(): Promise<void> {
    this.#current = await this.#make();
    this.#segments.push(this.#current);
    this.#every(segmentAge, () => this.#age());
  }

  /** What the next commit is sealed with. Between two commits, so that what is in flight is of the segment it began in. */
  current(): SegmentSeal {
    if (!this.#current?.seal) throw new Error("the log was not begun");
    const isDue = this.#isAged || this.#current.bytes >= this.#size;
    if (isDue && this.#next) {
      this.#current.closedIn = this.#hour;
      this.#current = this.#next;
      this.#segments.push(this.#next);
      this.#next = undefined;
      this.#isAged = false;
    } else if (this.#isAged || this.#current.bytes >= this.#size / 2) {
      // A segment that cannot be made, because keyring or database are away, leaves the present one in use.
      this.#prepare();
    }
    if (!this.#current.seal) throw new Error("a segment to write to has a key");
    return this.#current.seal;
  }

  wrote({ bytes, position, at }: { bytes: number; position: number; at: Instant }): void {
    if (!this.#current) return;
    this.#current.bytes += bytes;
    this.#current.reached = position;
    this.#current.at = at;
  }

  /**
   * The log position that every series is to pass now, so that segments can go which are too many, or were closed an hour ago.
   * Whatever is replayed at a start is therefore bounded in size, and readings stay in the log for three hours at most.
   */
  get pressing(): number {
    const closed = this.#segments.slice(0, -1).filter(({ isDamaged }) => !isDamaged);
    const pressed = closed.filter(
      ({ number, closedIn }, index) =>
        index < closed.length - mostWaiting || closedIn < this.#hour || number <= this.#forced,
    );
    return pressed.at(-1)?.reached ?? -1;
  }

  /**
   * What was written so far is to leave the log, and its keys to go, as soon as every series in it is in chunks. Answers whether that is so
   * already; asked again and again, it comes to be. Segments that are damaged stay.
   */
  force(through = this.lastWritten): boolean {
    this.#forced = Math.max(this.#forced, through);
    if (this.#current && this.#current.number <= this.#forced) {
      this.#isAged = this.#current.reached > 0;
      this.#prepare();
    }
    return !this.#segments.some(
      ({ number, reached, isDamaged }) => number <= this.#forced && reached > 0 && !isDamaged,
    );
  }

  /** The newest segment that has anything in it. */
  get lastWritten(): number {
    return this.#segments.findLast(({ reached }) => reached > 0)?.number ?? 0;
  }

  get count(): number {
    return this.#segments.length;
  }

  /** Lets go of every closed segment that all series have passed. The rows go first: a key without rows is nothing lost. */
  async release(oldest: number): Promise<void> {
    if (!this.#current) return; // what replay has not read yet is nobody's buffer's
    for (const segment of this.#segments.slice(0, -1)) {
      if (segment.reached >= oldest) return;
      if (segment.isDamaged) continue;
      const given = [segment.number, segment.reached, segment.at];
      const [went] = await this.#needs.storage.maintain.call<{ done: boolean }>("drop_segment", given);
      if (!went?.done) return; // a backup reads the log at this moment
      await this.#needs.keys.destroySegments([String(segment.number)]);
      this.#segments = this.#segments.filter((one) => one !== segment);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#pending) timer.cancel();
  }

  #age(): void {
    this.#hour += 1;
    this.#isAged = (this.#current?.bytes ?? 0) > 0;
    this.#every(segmentAge, () => this.#age());
    this.#needs.turn();
  }

  /** When the next segment is there, or could not be made just now. */
  async prepared(): Promise<void> {
    await this.#making;
  }

  #prepare(): void {
    if (this.#next || this.#isMaking || this.#isClosed) return;
    this.#isMaking = true;
    this.#making = this.#make().then(
      (segment) => {
        this.#isMaking = false;
        this.#next = segment;
        this.#needs.turn();
      },
      (error: unknown) => {
        const why = error instanceof Refusal ? error.message : "our own fault";
        this.#needs.report(
          `The next segment of the log cannot be opened, the present one goes on: ${why}`,
          because(error),
        );
        this.#every(retryAfter, () => {
          this.#isMaking = false;
          this.#needs.turn();
        });
      },
    );
  }

  /**
   * The partition first: its number is used up by that, so that no key is ever made twice. A number whose key is there already is one
   * of data that were newer than these: an older backup was restored. It is left alone, and the partition goes at the next start.
   */
  async #make(): Promise<Segment> {
    const { storage, keys, random } = this.#needs;
    for (;;) {
      const [row] = await storage.maintain.call<{ number: number }>("open_segment", []);
      if (!row) throw new Error("a segment that was opened has a number");
      const { number } = row;
      if ((await keys.holding("segment", [String(number)])).length > 0) continue;
      const key = await keys.make("segment", String(number));
      return {
        number,
        seal: new SegmentSeal(number, key, random),
        bytes: 0,
        reached: 0,
        at: 0,
        closedIn: 0,
        isDamaged: false,
      };
    }
  }

  /** At a start: keys of segments whose rows are gone, of the last ones, or of all where the keyring is an older copy. */
  async destroyLeftKeys(which: "last" | "all"): Promise<void> {
    const { keys } = this.#needs;
    const there = new Set(this.#segments.map(({ number }) => number));
    const first = which === "last" ? Math.max(1, this.#last - lookBack + 1) : 1;
    for (let from = first; from <= this.#last; from += lookBack) {
      const numbers = Array.from({ length: Math.min(lookBack, this.#last - from + 1) }, (_, at) => from + at);
      const gone = numbers.filter((number) => !there.has(number)).map(String);
      const left = await keys.holding("segment", gone);
      if (left.length > 0) await keys.destroySegments(left);
    }
  }

  #every(milliseconds: number, work: () => void): void {
    const timer = this.#needs.timers.after(milliseconds, () => {
      this.#pending.delete(timer);
      if (!this.#isClosed) work();
    });
    this.#pending.add(timer);
  }
}

import { Refusal, type Instant, type Random } from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import { SegmentSeal } from "./sealing.ts";

type Needs = { readonly storage: Storage; readonly keys: Keyring; readonly random: Random };

type Segment = { readonly seal: SegmentSeal; bytes: number; reached: number };

/** Sealed bytes in a segment before the next one begins. What is replayed at a start is a few of these at most. */
const segmentBytes = 32 * 1024 * 1024;
/** How many numbers before the present one are looked through at a start: each start makes one, and tidies behind those before. */
const lookBack = 256;

/** The parts of the ingest log: each a partition and a key, which go together once everything in it is in chunks. */
export class Segments {
  readonly #needs: Needs;
  readonly #size: number;
  #segments: Segment[] = [];
  #current: Segment | undefined;
  #next: Promise<Segment> | undefined;
  #number: number;

  private constructor(needs: Needs, number: number, size: number) {
    this.#needs = needs;
    this.#number = number;
    this.#size = size;
  }

  /** Finds what the log holds; `begin` opens a segment to write to, after replay. */
  static async open(needs: Needs, size = segmentBytes): Promise<{ segments: Segments; position: number; at: Instant }> {
    const [state] = await needs.storage.maintain.call<{ segment: string; pos: string; at: string }>("log_state", []);
    const segments = new Segments(needs, Number(state?.segment ?? 0), size);
    for (const row of await needs.storage.maintain.call<{ segment: string; pos: string }>("log_segments", [])) {
      const number = Number(row.segment);
      const key = await needs.keys.find("segment", String(number));
      if (!key)
        throw new Refusal("keyring.wrong", {
          detail: `The key of log segment ${number} is missing: readings that were acknowledged are in it.`,
        });
      segments.#segments.push({ seal: new SegmentSeal(number, key, needs.random), bytes: 0, reached: Number(row.pos) });
    }
    return { segments, position: Number(state?.pos ?? 0), at: Number(state?.at ?? 0) as Instant }; // a bigint column of ours
  }

  async begin(): Promise<void> {
    const current = await this.#make();
    this.#segments.push((this.#current = current));
    await this.#tidy(current.seal.number);
  }

  /** The seal of a segment that replay reads. */
  sealOf(number: number): SegmentSeal | undefined {
    return this.#segments.find(({ seal }) => seal.number === number)?.seal;
  }

  /** What the next commit is sealed with. Changes to the next segment when this one is full, which was made ahead. */
  async current(): Promise<SegmentSeal> {
    if (!this.#current) throw new Error("the log was not begun");
    if (this.#current.bytes >= this.#size / 2) this.#next ??= this.#ahead();
    if (this.#current.bytes >= this.#size && this.#next) {
      // A segment that cannot be made, because the keyring is away, leaves the present one in use.
      const next = await this.#next.catch(() => undefined);
      this.#next = undefined;
      if (next) this.#segments.push((this.#current = next));
    }
    return this.#current.seal;
  }

  wrote(bytes: number, position: number): void {
    if (!this.#current) return;
    this.#current.bytes += bytes;
    this.#current.reached = position;
  }

  /** The log position that everything must pass so that the oldest closed segment can go; `undefined` while few wait. */
  pressing(most: number): number | undefined {
    return this.#segments.length - 1 > most ? this.#segments[0]?.reached : undefined;
  }

  get waiting(): number {
    return this.#segments.length;
  }

  /** Lets go of every closed segment that all series have passed. The rows go first: a key without rows is nothing lost. */
  async release(oldest: number, at: Instant): Promise<void> {
    // While the log is read again, what of it is still to come is in no buffer, and `oldest` does not know of it.
    if (!this.#current) return;
    // Nor does it know of what is written from here on, and a segment may be closed while another one goes.
    for (const segment of this.#segments.slice(0, this.#segments.indexOf(this.#current))) {
      if (segment.reached >= oldest) return;
      await this.#drop([segment.seal.number], segment.reached, at);
      this.#segments = this.#segments.filter((one) => one !== segment);
    }
  }

  /** What a stop in the midst has left: keys of segments that are gone, and segments that nothing was written to. */
  async #tidy(current: number): Promise<void> {
    const known = new Set(this.#segments.map(({ seal }) => seal.number));
    const before = Array.from({ length: Math.min(lookBack, current - 1) }, (_, at) => current - 1 - at);
    const names = before.filter((number) => !known.has(number)).map(String);
    const left = (await this.#needs.keys.holding("segment", names)).map(Number);
    if (left.length > 0) await this.#drop(left, 0, 0);
  }

  async #drop(numbers: readonly number[], reached: number, at: number): Promise<void> {
    for (const number of numbers) await this.#needs.storage.maintain.call("drop_segment", [number, reached, at]);
    await this.#needs.keys.destroySegments(numbers.map(String));
  }

  #ahead(): Promise<Segment> {
    const next = this.#make();
    next.catch(() => undefined); // whoever takes it sees the failure
    return next;
  }

  async #make(): Promise<Segment> {
    let number = (this.#number += 1);
    // One that an earlier start opened and nothing was written to: the log does not know of it, the keyring does.
    while (await this.#needs.keys.find("segment", String(number))) number = this.#number += 1;
    const key = await this.#needs.keys.make("segment", String(number));
    await this.#needs.storage.maintain.call("open_segment", [number]);
    return { seal: new SegmentSeal(number, key, this.#needs.random), bytes: 0, reached: 0 };
  }
}

import type { Journal, SpaceKey } from "./policy.ts";
import type { Publication } from "./publication.ts";

type Waiting = { readonly record: Uint8Array | undefined; done(code: number): void };

/** A log of one space, as a program around the broker keeps it: in order, and no longer than its process lives. */
export class Log implements Journal {
  readonly kept: Uint8Array[];
  /** Keeps at once. */
  isPrompt = true;
  /** So many more are kept; then the process is as good as dead, and nobody hears anything. */
  room = Infinity;
  /** Nothing new is to be kept. */
  isFull = false;
  /** What is given is not kept, messages apart. */
  isFailing = false;
  /** Records that failed so. */
  refused = 0;
  /** Bytes of all records that were given, kept or not. */
  given = 0;
  #waiting: Waiting[] = [];

  constructor(kept: readonly Uint8Array[] = []) {
    this.kept = [...kept];
  }

  get isDead(): boolean {
    return this.room === 0;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  whyFull(): string | undefined {
    return this.isFull ? "The disk is full." : undefined;
  }

  append(_space: SpaceKey, record: Uint8Array, done: (code: number) => void): void {
    this.given += record.length;
    if (this.isFailing) {
      this.refused++;
      done(0x88);
    } else this.#add({ record, done });
  }

  /** The message itself would be kept here too. */
  accept(publication: Publication): void {
    this.#add({ record: publication.record, done: (code) => publication.settle(code) });
  }

  #add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.isPrompt) this.commit();
  }

  /** The next ones become durable, in order; with a code they are not kept. */
  commit(count = Infinity, code = 0): void {
    for (let i = 0; i < count && !this.isDead; i++) {
      const next = this.#waiting.shift();
      if (!next) return;
      if (code === 0 && next.record) {
        this.kept.push(next.record);
        this.room--;
      }
      next.done(code);
    }
  }

  /** What a process finds that starts when this one has died. */
  afterCrash(): Log {
    return new Log(this.kept);
  }
}

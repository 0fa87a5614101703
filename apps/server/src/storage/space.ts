import { statfs } from "node:fs/promises";
import { Refusal, type Report, type Timers } from "@holdfast/kernel";

const everyMs = 1_000;

/** Free bytes for ordinary users on the disk of this folder. */
export async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** One hundredth of the disk, at least 256 MiB and at most 2 GiB: enough to delete, compact and stop in an orderly way. */
export async function defaultReserve(folder: string): Promise<number> {
  const { blocks, bsize } = await statfs(folder);
  return Math.min(2 * 2 ** 30, Math.max(256 * 2 ** 20, Math.floor((blocks * bsize) / 100)));
}

export type SpaceNeeds = {
  readonly freeBytes: () => Promise<number>;
  /** Below so many free bytes nothing new is taken; a quarter more must be free before it is again. */
  readonly reserve: number;
  readonly timers: Timers;
  readonly report: Report;
};

/** Keeps the disk from running full while there is still room to get out of it. Looks once a second. */
export class Space {
  readonly #needs: SpaceNeeds;
  #isFull = false;
  #isClosed = false;
  #isBlind = false;
  #timer: { cancel(): void } | undefined;

  constructor(needs: SpaceNeeds) {
    this.#needs = needs;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** @throws Refusal `storage.full` */
  admit(): void {
    if (this.#isFull) throw new Refusal("storage.full", { retryAfterSeconds: 30 });
  }

  /** PostgreSQL met the end of the disk before we did; the next look tells whether it still is so. */
  noteFull(): void {
    this.#set(true);
  }

  /** Looks now, and from now on every second. */
  async watch(): Promise<void> {
    await this.#look();
    if (!this.#isClosed) this.#timer = this.#needs.timers.after(everyMs, () => void this.watch());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { freeBytes, reserve } = this.#needs;
    try {
      const free = await freeBytes();
      if (free < reserve) this.#set(true);
      else if (free >= reserve * 1.25) this.#set(false);
      this.#isBlind = false;
    } catch (error) {
      // The folder cannot be looked at: PostgreSQL's own errors remain, and the last answer stands.
      if (this.#isBlind) return;
      this.#isBlind = true;
      this.#needs.report("The free space of the disk is not known.", { level: "warning", cause: error });
    }
  }

  #set(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    if (!isFull) return this.#needs.report("The disk has room again: everything is taken as before.");
    const message = "The disk is almost full: nothing new is taken until there is room again.";
    this.#needs.report(message, { level: "warning", code: "storage.full" });
  }
}

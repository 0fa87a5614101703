import type { Speaker } from "./topics.ts";

export type Limits = {
  readonly entries: number;
  readonly bytes: number;
  /** How much of both one child may fill, so that one that is refused or talks without end leaves room for the others: 0.1 is a tenth. */
  readonly share: number;
  /** What becomes of one more: it waits for room, is refused as `spool.full`, or takes the place of the oldest measurements. */
  readonly whenFull: "wait" | "refuse" | "dropOldest";
};

type Taken = { entries: number; bytes: number };

/** How much room there is in a spool: for all, and for each child. */
export class Room {
  readonly #limits: Limits;
  readonly #all: Taken = { entries: 0, bytes: 0 };
  readonly #of = new Map<Speaker, Taken>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#all.bytes;
  }

  /** It would not fit where there were nothing else. */
  isBeyond(speaker: Speaker, size: number): boolean {
    return size > Math.min(this.#limits.bytes, this.#mostOf(speaker).bytes);
  }

  /** Whether there is room for it, whoever says it. */
  isOpen(size: number): boolean {
    return hasRoom(this.#all, this.#limits, size);
  }

  /** Whether the speaker has not filled its share. */
  isOpenTo(speaker: Speaker, size: number): boolean {
    const taken = this.#of.get(speaker);
    return !taken || hasRoom(taken, this.#mostOf(speaker), size);
  }

  take(speaker: Speaker, size: number): void {
    const taken = this.#of.get(speaker) ?? { entries: 0, bytes: 0 };
    this.#of.set(speaker, taken);
    for (const one of [this.#all, taken]) {
      one.entries += 1;
      one.bytes += size;
    }
  }

  free(speaker: Speaker, size: number): void {
    const taken = this.#of.get(speaker);
    if (!taken) return;
    for (const one of [this.#all, taken]) {
      one.entries -= 1;
      one.bytes -= size;
    }
    if (taken.entries === 0) this.#of.delete(speaker);
  }

  #mostOf(speaker: Speaker): Taken {
    const { entries, bytes, share } = this.#limits;
    if (!speaker.startsWith("children/")) return { entries, bytes };
    return { entries: Math.max(1, Math.floor(entries * share)), bytes: Math.floor(bytes * share) };
  }
}

const hasRoom = (taken: Taken, most: Taken, size: number): boolean =>
  taken.entries < most.entries && taken.bytes + size <= most.bytes;

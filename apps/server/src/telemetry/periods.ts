import type { Id } from "@holdfast/kernel";

/** From a position of the log on, a device was a customer's, or nobody's. Readings of it are sealed under a key of their own. */
export type Period = {
  readonly number: number;
  readonly from: number;
  readonly user: Id<"user"> | undefined;
  readonly isErased: boolean;
};

const first: Period = { number: 0, from: 0, user: undefined, isErased: false };

/** The key of the first period is the device's own: there were no others once. */
export const keyNameOf = (device: Id<"device">, number: number): string =>
  number === 0 ? device : `${device}/${number}`;

/** The periods of one device, as far as memory knows. */
export class Periods {
  #all: readonly Period[] = [first];

  /** Ascending; without any there is the first. */
  set(all: readonly Period[]): void {
    this.#all = all[0]?.number === 0 ? all : [first, ...all];
  }

  get all(): readonly Period[] {
    return this.#all;
  }

  get current(): Period {
    return this.#all.at(-1) ?? first;
  }

  /** The one that a position of the log lies in. */
  at(position: number): Period {
    return this.#all.findLast(({ from }) => from <= position) ?? first;
  }

  /** Where the one behind it begins. */
  endOf(period: Period): number {
    return this.#all.find(({ number }) => number > period.number)?.from ?? Infinity;
  }

  get hasErased(): boolean {
    return this.#all.some(({ isErased }) => isErased);
  }

  /** What came before belongs to erased periods alone: nothing of it is kept any more. */
  get erasedBefore(): number {
    let before = 0;
    for (const period of this.#all) {
      if (!period.isErased) return before;
      before = this.endOf(period);
    }
    return before;
  }
}

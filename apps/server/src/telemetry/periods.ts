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
  #erased: readonly number[] = [];

  /** Where that alone is known of them. */
  static beginning(all: readonly Pick<Period, "number" | "from">[]): Periods {
    const periods = new Periods();
    periods.set(all.map(({ number, from }) => ({ ...first, number, from })));
    return periods;
  }

  /** Ascending; without any there is the first. */
  set(all: readonly Period[]): void {
    this.#all = all[0]?.number === 0 ? all : [first, ...all];
    const erased = this.#all.filter(({ isErased }) => isErased).map(({ number }) => number);
    if (erased.join() !== this.#erased.join()) this.#erased = erased;
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

  /** The numbers of those of which nothing is to be seen any more; another array once that has changed. */
  get erased(): readonly number[] {
    return this.#erased;
  }

  isErased(number: number): boolean {
    return this.#erased.includes(number);
  }

  /** Whether a position lies in one of these; `undefined` where there are none. */
  get isErasedAt(): ((position: number) => boolean) | undefined {
    return this.#erased.length === 0 ? undefined : (position) => this.at(position).isErased;
  }

  /** Where the last of them ends: nothing behind it is erased. */
  get erasedBefore(): number {
    return this.#all.reduce((past, period) => (period.isErased ? this.endOf(period) : past), 0);
  }
}

import type { Id } from "@holdfast/kernel";

/** From a position of the log on, a device was a customer's, or nobody's. Readings of it are sealed under a key of their own. */
export type Period = {
  readonly number: number;
  readonly from: number;
  /** When it began, in milliseconds; not known of the first, nor of those from before this was written down. */
  readonly since?: number | undefined;
  readonly user: Id<"user"> | undefined;
  readonly isErased: boolean;
};

/** A stretch of time, and of which periods something is shown there; `undefined` is all. */
export type Shown = { readonly from: number; readonly to: number; readonly only: readonly number[] | undefined };
type Stretch = { readonly from: number; readonly to: number; readonly numbers: readonly number[] };

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

  /**
   * What of [from, to) somebody is shown, in the order of time: all, or what of a device came and was measured while it was this customer's. What a
   * device kept to itself while it was another's, and sent later, is none of hers.
   */
  within({ from, to, user }: { from: number; to: number; user: Id<"user"> | undefined }): readonly Shown[] {
    if (user === undefined) return [{ from, to, only: undefined }];
    const stretches = this.#stretchesOf(user);
    const bounds = stretches.flatMap((one) => [one.from, one.to]).filter((at) => at > from && at < to);
    const starts = [...new Set([from, ...bounds])].sort((a, b) => a - b);
    return starts.flatMap((start, at) => {
      const only = stretches.filter((one) => one.from <= start && start < one.to).flatMap(({ numbers }) => numbers);
      return only.length === 0 ? [] : [{ from: start, to: starts[at + 1] ?? to, only }];
    });
  }

  /** The numbers of those that are not to be shown: the erased, and those that are none of these. */
  hidden(only: readonly number[] | undefined): readonly number[] {
    if (!only) return this.#erased;
    return this.#all.filter(({ number, isErased }) => isErased || !only.includes(number)).map(({ number }) => number);
  }

  /** As `isErasedAt`. */
  isHiddenAt(only: readonly number[] | undefined): ((position: number) => boolean) | undefined {
    if (!only) return this.isErasedAt;
    const hidden = this.hidden(only);
    return (position) => hidden.includes(this.at(position).number);
  }

  /** Another one once something of this may not be shown any more. */
  state(only: readonly number[] | undefined): unknown {
    return only ? this.#all : this.#erased;
  }

  /** From when to when it was hers without an end between. Where that is not known, what came meanwhile is hers, whenever it was measured. */
  #stretchesOf(user: Id<"user">): readonly Stretch[] {
    const found: Stretch[] = [];
    for (const [at, { number, since, user: whose }] of this.#all.entries()) {
      if (whose !== user) continue;
      const to = this.#all[at + 1]?.since ?? Infinity;
      const before = found.at(-1);
      if (before && this.#all[at - 1]?.user === user)
        found.splice(-1, 1, { ...before, to, numbers: [...before.numbers, number] });
      else found.push({ from: since ?? -Infinity, to, numbers: [number] });
    }
    return found;
  }

  /** Where the last of them ends: nothing behind it is erased. */
  get erasedBefore(): number {
    return this.#all.reduce((past, period) => (period.isErased ? this.endOf(period) : past), 0);
  }
}

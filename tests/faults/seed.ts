import { systemRandom } from "@holdfast/kernel";

/** Chance that can be repeated: whole numbers from a seed (xorshift32, Marsaglia 2003). */
export class Chance {
  readonly seed: number;
  #state: number;

  constructor(seed = new DataView(systemRandom.bytes(4).buffer).getUint32(0)) {
    this.seed = seed;
    this.#state = seed | 1;
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return least + ((this.#state >>> 0) % (most - least + 1));
  }

  one<T>(of: readonly T[]): T {
    const found = of[this.between(0, of.length - 1)];
    if (found === undefined) throw new Error("nothing to choose from");
    return found;
  }
}

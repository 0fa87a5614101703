import type { Clock } from "@holdfast/kernel";

/** Frames of one network that are nobody's, or whose tag is wrong, until it is beyond its bound. */
const burst = 1_000;
const perSecond = 100;
/** Networks share a place by chance, of which there are so many, however many addresses somebody writes into his datagrams. */
const places = 4_096;

type Needs = {
  readonly clock: Clock;
  /** An IPv4 address, or the /64 of an IPv6 one. */
  readonly networkOf: (address: string) => string;
  /** Nobody is to know who shares a place with whom. */
  readonly seed: number;
};

/** How many frames that nobody vouched for came of each network lately, in memory that does not grow. */
export class Failures {
  readonly #needs: Needs;
  readonly #left = new Float64Array(places).fill(burst);
  readonly #at = new Float64Array(places);
  #last: { readonly address: string; readonly place: number } = { address: "", place: 0 };

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  isBeyond(address: string): boolean {
    return this.#filled(address) < 1;
  }

  /** Counts one. Answers whether it is within the bound. */
  take(address: string): boolean {
    if (this.#filled(address) < 1) return false;
    const { place } = this.#last;
    this.#left[place] = (this.#left[place] ?? 0) - 1;
    return true;
  }

  /** What is left of an address, which is the last that was asked about from now on. */
  #filled(address: string): number {
    if (this.#last.address !== address) this.#last = { address, place: this.#placeOf(address) };
    const { place } = this.#last;
    const now = this.#needs.clock.elapsed();
    const since = (now - (this.#at[place] ?? 0)) / 1_000;
    this.#at[place] = now;
    return (this.#left[place] = Math.min(burst, (this.#left[place] ?? 0) + since * perSecond));
  }

  /** FNV-1a, from a beginning that nobody knows. */
  #placeOf(address: string): number {
    const network = this.#needs.networkOf(address);
    let hash = this.#needs.seed;
    for (let at = 0; at < network.length; at++) hash = Math.imul(hash ^ network.charCodeAt(at), 0x01000193);
    return (hash ^ (hash >>> 15)) & (places - 1);
  }
}

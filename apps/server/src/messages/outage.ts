import type { Id } from "@holdfast/kernel";

/** When so many go at once, it is their network and not each of them. Milliseconds. */
const outageRules = { within: 60_000, least: 5, share: 0.2, many: 100 } as const;

/** Who went without a word lately, in one organisation. Times are elapsed milliseconds. */
export class Outage {
  #gone: { readonly device: Id<"device">; readonly at: number }[] = [];
  #lastAt = Number.NEGATIVE_INFINITY;

  /** One more went; so many are still there. Answers those whose going is that of many, by now. */
  went(device: Id<"device">, at: number, connected: number): readonly Id<"device">[] {
    if (at - this.#lastAt <= outageRules.within) {
      this.#lastAt = at;
      return [device];
    }
    // They are in order, so those that are too old stand first.
    const young = this.#gone.findIndex((one) => at - one.at <= outageRules.within);
    this.#gone = [...(young < 0 ? [] : this.#gone.slice(young)), { device, at }];
    const gone = new Set(this.#gone.map((one) => one.device));
    const enough = Math.max(outageRules.least, outageRules.share * (gone.size + connected));
    if (gone.size < Math.min(enough, outageRules.many)) return [];
    this.#lastAt = at;
    this.#gone = [];
    return [...gone];
  }
}

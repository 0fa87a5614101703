// Hot path: what waits for one session, in order, within its limits.
import type { Backlog } from "./backlog.ts";
import type { Delivery } from "./delivery.ts";
import type { Limits } from "./limits.ts";
import type { Statistics } from "./statistics.ts";

/** For one more; what many wait for frees little, and is given up in one turn. */
const mostGivenUp = 64;

export class Queue {
  readonly #limits: Limits;
  readonly #statistics: Statistics;
  #deliveries: (Delivery | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(limits: Limits, statistics: Statistics) {
    this.#limits = limits;
    this.#statistics = statistics;
  }

  get count(): number {
    return this.#deliveries.length - this.#head;
  }

  get first(): Delivery | undefined {
    return this.at(0);
  }

  at(index: number): Delivery | undefined {
    return this.#deliveries[this.#head + index];
  }

  /** Whether something has to be given up before this one fits. One that is larger than the queue never does. */
  isFullFor({ size }: Delivery): boolean {
    const { sessionMessages, sessionBytes } = this.#limits;
    return this.count >= sessionMessages || this.#bytes + size > sessionBytes;
  }

  push(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    this.#bytes += delivery.size;
    this.#statistics.queued++;
    this.#statistics.queuedBytes += delivery.size;
  }

  shift(): Delivery | undefined {
    const delivery = this.#deliveries[this.#head];
    if (!delivery) return undefined;
    this.#deliveries[this.#head] = undefined;
    this.#head++;
    this.#bytes -= delivery.size;
    this.#statistics.queued--;
    this.#statistics.queuedBytes -= delivery.size;
    if (this.#head > 1024 && this.#head * 2 > this.#deliveries.length) {
      this.#deliveries = this.#deliveries.slice(this.#head);
      this.#head = 0;
    } else if (this.#head === this.#deliveries.length) {
      this.#deliveries.length = 0;
      this.#head = 0;
    }
    return delivery;
  }

  /** How many of the oldest have to go so that the space has less than too much, or the session no more than is free; or -1. */
  oldestFor(backlog: Backlog, sessionExcess: number): number {
    let [needed, beyond] = [backlog.excess, sessionExcess];
    let count = 0;
    for (; needed > 0 && beyond > 0; count++) {
      const next = count < mostGivenUp ? this.at(count) : undefined;
      if (!next) return -1;
      needed -= backlog.freedBy(next.publication);
      beyond -= next.size;
    }
    return count;
  }

  /** Takes out those, wherever they stand. */
  without(isGone: (delivery: Delivery) => boolean): readonly Delivery[] {
    const all: Delivery[] = [];
    for (let next = this.shift(); next; next = this.shift()) all.push(next);
    const gone = new Set(all.filter(isGone));
    for (const delivery of all) if (!gone.has(delivery)) this.push(delivery);
    return [...gone];
  }

  clear(): void {
    while (this.shift()) continue;
  }
}

import type { Clock, Timers } from "@holdfast/kernel";

/** What stands in the wheel, once; `tick` is the wheel's own. */
export interface Dated {
  /** Where it stands; `Infinity` nowhere. */
  tick: number;
}

const milliseconds = 250; // of one tick
const size = 512; // what is due later passes by once each turn of the wheel
/** A timer that is so late tells that the whole process stood still. What came meanwhile waits in sockets and is read first. */
const stoodStill = 1_000;

/**
 * One timer for as many as there are: what is due is found by its time, not looked for. Never early, and late by a tick at most. What was put
 * off meanwhile may stay: whoever is called looks whether it is too late, and puts it in again.
 */
export class Wheel<T extends Dated> {
  readonly #clock: Pick<Clock, "elapsed">;
  readonly #timers: Timers;
  readonly #due: (thing: T) => void;
  readonly #slots: { thing: T; tick: number }[][] = Array.from({ length: size }, () => []);
  /** The last tick that was seen to. */
  #seen: number;
  #timer: { cancel(): void } | undefined;
  #ringsAt = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(needs: { readonly clock: Pick<Clock, "elapsed">; readonly timers: Timers }, due: (thing: T) => void) {
    this.#clock = needs.clock;
    this.#timers = needs.timers;
    this.#due = due;
    this.#seen = Math.floor(needs.clock.elapsed() / milliseconds);
  }

  /** By `at` in elapsed milliseconds; what stands there for earlier stays there. */
  put(thing: T, at: number): void {
    if (at === Number.POSITIVE_INFINITY || this.#isClosed) return;
    const tick = Math.max(Math.ceil(at / milliseconds), this.#seen + 1);
    if (thing.tick <= tick) return;
    thing.tick = tick;
    this.#slots[tick % size]?.push({ thing, tick });
    if (tick < this.#ringsAt) this.#ringAt(tick);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #ringAt(tick: number): void {
    this.#timer?.cancel();
    this.#ringsAt = tick;
    const from = this.#clock.elapsed();
    const wait = Math.max(0, tick * milliseconds - from);
    this.#timer = this.#timers.after(wait, () => {
      if (this.#clock.elapsed() - from - wait > stoodStill) {
        this.#timer = this.#timers.after(stoodStill, () => this.#turn());
      } else this.#turn();
    });
  }

  #turn(): void {
    const now = Math.floor(this.#clock.elapsed() / milliseconds);
    const from = Math.max(this.#seen + 1, now - size + 1);
    this.#seen = Math.max(this.#seen, now);
    this.#ringsAt = Number.POSITIVE_INFINITY;
    const due: T[] = [];
    for (let tick = from; tick <= now; tick++) this.#take(tick % size, now, due);
    for (const thing of due) this.#due(thing);
    for (let tick = this.#seen + 1; tick <= this.#seen + size; tick++) {
      if (tick >= this.#ringsAt) return;
      if (this.#slots[tick % size]?.length) return this.#ringAt(tick);
    }
  }

  #take(slot: number, now: number, due: T[]): void {
    const stays: { thing: T; tick: number }[] = [];
    for (const one of this.#slots[slot] ?? []) {
      if (one.thing.tick !== one.tick) continue; // it was put in for earlier, and had its turn
      if (one.tick > now) stays.push(one);
      else {
        one.thing.tick = Number.POSITIVE_INFINITY;
        due.push(one.thing);
      }
    }
    this.#slots[slot] = stays;
  }
}

import type { Clock, Random, Timers } from "@holdfast/kernel";
import type { Emitter } from "./emitter.ts";
import type { Identity } from "./identity.ts";
import { fraction } from "./patience.ts";
import type { Roots } from "./roots.ts";

type Needs = {
  readonly emitter: Emitter;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: Identity | undefined;
  readonly roots: Roots | undefined;
  /** Connects anew, with what is new. */
  again(): void;
};

const hour = 3_600_000;
const day = 24 * hour;

/** What a device does once in a while beside its work, while it is connected: its next certificate, and the roots that the platform names. */
export class Upkeep {
  readonly #needs: Needs;
  #askedAt: number | undefined;
  #next: { cancel(): void } | undefined;
  #isLooking = false;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  online(): void {
    const { identity, roots } = this.#needs;
    if (!identity && !roots) return;
    this.#next?.cancel();
    void this.#look();
  }

  offline(): void {
    this.#next?.cancel();
    this.#next = undefined;
  }

  /** Between half an hour and an hour and a half, so that those that came together do not ask together. */
  async #look(): Promise<void> {
    const { timers, random, emitter } = this.#needs;
    this.#next = timers.after(hour * (0.5 + fraction(random)), () => void this.#look());
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const isRenewed = await this.#tried(async () => (await this.#needs.identity?.renewIfDue()) ?? false);
      const isRooted = await this.#tried(() => this.#askRoots());
      if ((isRenewed || isRooted) && this.#next) this.#needs.again();
    } catch (error) {
      emitter.emit("fault", error);
    } finally {
      this.#isLooking = false;
    }
  }

  async #askRoots(): Promise<boolean> {
    const { roots, clock } = this.#needs;
    const now = clock.elapsed();
    if (!roots || (this.#askedAt !== undefined && now - this.#askedAt < day)) return false;
    const isNew = await roots.ask();
    this.#askedAt = now;
    return isNew;
  }

  /** What did not succeed is tried again an hour later. */
  async #tried(what: () => Promise<boolean>): Promise<boolean> {
    try {
      return await what();
    } catch (error) {
      this.#needs.emitter.emit("fault", error);
      return false;
    }
  }
}

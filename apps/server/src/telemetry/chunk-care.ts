import { isRefusal, type Clock, type Random, type Report } from "@holdfast/kernel";
import type { Spaces } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { ColdMove } from "./cold-move.ts";
import { Expiry } from "./expiry.ts";
import type { ObjectStore } from "./folder-store.ts";
import type { Telemetry } from "./telemetry.ts";
import { Tidying } from "./tidying.ts";

/** Rounds of joining without a pause; what is more waits for the next time. */
const mostRounds = 16;
/** Milliseconds between two looks for what is too old. */
const lookEvery = 60_000;

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly telemetry: Telemetry;
  readonly random: Random;
  readonly clock: Clock;
  readonly report: Report;
  /** Where what is older than so many milliseconds is moved, if anywhere. */
  readonly moving?: { readonly store: ObjectStore; readonly after: number } | undefined;
};

/** What is done behind the flusher's back with chunks that were written: one thing at a time, each bounded, and each goes on after a stop where it was. */
export class ChunkCare {
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #tidying: Tidying;
  readonly #expiry: Expiry;
  readonly #cold: ColdMove | undefined;
  #looked = -Infinity;

  constructor(needs: Needs) {
    const { telemetry } = needs;
    this.#clock = needs.clock;
    this.#telemetry = telemetry;
    this.#tidying = new Tidying(needs);
    const { keys, moving } = needs;
    this.#cold = moving && new ColdMove({ ...needs, ...moving, instance: keys.instance });
    this.#expiry = new Expiry({ ...needs, retentions: telemetry.retentions, monthGone: () => telemetry.monthGone() });
  }

  /** Called every few seconds. */
  async round(): Promise<void> {
    await this.#tidy();
    const now = this.#clock.now();
    if (now - this.#looked < lookEvery) return;
    this.#looked = now;
    await this.#telemetry.erasures.finish();
    await this.#expiry.round();
    await this.#cold?.round();
  }

  async #tidy(): Promise<void> {
    try {
      for (let rounds = 0; rounds < mostRounds && (await this.#tidying.round());) rounds += 1;
    } catch (error) {
      // Everybody is told of that, and what comes next makes room.
      if (!isRefusal(error, "storage.full")) throw error;
    }
  }

  /** Whether what is old stays in the database because the object store does not take it. */
  get isMoveHeldUp(): boolean {
    return this.#cold?.isHeldUp ?? false;
  }

  get statistics() {
    return { ...this.#tidying.statistics, expired: this.#expiry.statistics, cold: this.#cold?.statistics };
  }

  /** What runs ends after the transaction in hand. */
  stop(): void {
    this.#tidying.stop();
    this.#expiry.stop();
    this.#cold?.stop();
  }
}

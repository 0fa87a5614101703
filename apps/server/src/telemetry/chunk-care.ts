import type { Clock, Random, Report } from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import { Tidying } from "./tidying.ts";

/** Rounds of work without a pause; what is more waits for the next time. */
const mostRounds = 16;

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly clock: Clock;
  readonly report: Report;
};

/** What is done behind the flusher's back with chunks that were written: one thing at a time, each bounded, and each goes on after a stop where it was. */
export class ChunkCare {
  readonly #tidying: Tidying;

  constructor(needs: Needs) {
    this.#tidying = new Tidying(needs);
  }

  /** Called every few seconds. */
  async round(): Promise<void> {
    for (let rounds = 0; rounds < mostRounds && (await this.#tidying.round());) rounds += 1;
  }

  get statistics() {
    return this.#tidying.statistics;
  }

  /** What runs ends after the transaction in hand. */
  stop(): void {
    this.#tidying.stop();
  }
}

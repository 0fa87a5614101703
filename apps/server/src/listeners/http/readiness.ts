import { Refusal, type Timers } from "@holdfast/kernel";

type Needs = {
  /** What is known already. */
  readonly unready: () => Refusal | undefined;
  /** Asks the database. Rejects, or takes long, when it does not answer. */
  readonly probe: () => Promise<unknown>;
  readonly timers: Timers;
};

const patience = 2_000; // milliseconds; who asks is a program with a deadline of its own

/** Whether readings can be taken and kept. However many ask at once, the database is asked once. */
export class Readiness {
  readonly #needs: Needs;
  #asking: Promise<void> | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal why not */
  async check(): Promise<void> {
    const refusal = this.#needs.unready();
    if (refusal) throw refusal;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const late = this.#needs.timers.after(patience, () => reject(unavailable()));
    try {
      await Promise.race([this.#needs.probe(), promise]);
    } finally {
      late.cancel();
    }
  }
}

const unavailable = (): Refusal => new Refusal("storage.unavailable", { retryAfterSeconds: 2 });

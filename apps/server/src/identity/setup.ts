import { digestSecret, isSecret, newSecret } from "@holdfast/crypto";
import type { Clock, Random, Timers } from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import { peopleIn, setupIn } from "./postgres.ts";

/** How long a setup link can be used, and how long before its end there is a new one, in milliseconds. */
const lifetime = 15 * 60_000;
const margin = 60_000;
const retry = 1_000;

type Needs = { storage: Storage; keys: Keyring; clock: Clock; random: Random; timers: Timers };

/** Offers the one-time setup link for as long as nobody has an account. */
export class SetupOffer {
  readonly #needs: Needs;
  #tell: (secret: string | undefined) => void = () => {};
  #timer = { cancel() {} };

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Tells the secret, each newer one before the last ends, and `undefined` when there is none to be had any more. */
  async watch(tell: (secret: string | undefined) => void): Promise<void> {
    this.#tell = tell;
    await this.#offer();
  }

  /** Somebody set the platform up. */
  taken(): void {
    this.stop();
    this.#tell(undefined);
  }

  stop(): void {
    this.#timer.cancel();
  }

  async #offer(): Promise<void> {
    const secret = await this.#renew();
    this.#tell(secret);
    if (secret !== undefined) this.#again(lifetime - margin);
  }

  #again(milliseconds: number): void {
    this.#timer = this.#needs.timers.after(milliseconds, () => {
      this.#offer().catch(() => this.#again(retry)); // the database is away: asked again until it is back
    });
  }

  /**
   * A new secret; the one before is worth nothing from now on. `undefined` once there is an organisation. A person without
   * one is what a set-up left that was killed half-way: she begins again.
   */
  async #renew(): Promise<string | undefined> {
    const orgs = await this.#needs.storage.directory.call("all_orgs", []);
    if (orgs.length > 0) return undefined;
    const secret = newSecret(this.#needs.random, "setupLink");
    await this.#needs.storage.instance.change(async (unit) => {
      await peopleIn(unit, this.#needs).removeAll();
      await setupIn(unit).offer(digestSecret(secret), unit.at + lifetime);
    });
    return secret;
  }
}

export const isSetupSecret = (text: string): boolean => isSecret(text, "setupLink");

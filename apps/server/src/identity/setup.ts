import { digestSecret, isSecret, newSecret } from "@holdfast/crypto";
import type { Clock, Random } from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import { peopleIn, setupIn } from "./postgres.ts";

/** How long a setup link can be used, in milliseconds. */
export const setupLifetime = 15 * 60_000;

type Needs = { storage: Storage; keys: Keyring; clock: Clock; random: Random };

/** Offers the one-time setup link for as long as nobody has an account. */
export class SetupOffer {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async isOpen(): Promise<boolean> {
    const orgs = await this.#needs.storage.directory.call("all_orgs", []);
    return orgs.length === 0;
  }

  /**
   * A new secret; the one before is worth nothing from now on. `undefined` once there is an organisation. A person without
   * one is what a set-up left that was killed half-way: she begins again.
   */
  async renew(): Promise<string | undefined> {
    if (!(await this.isOpen())) return undefined;
    const secret = newSecret(this.#needs.random, "setupLink");
    await this.#needs.storage.instance.change(async (unit) => {
      await peopleIn(unit, this.#needs).removeAll();
      await setupIn(unit).offer(digestSecret(secret), unit.at + setupLifetime);
    });
    return secret;
  }
}

export const isSetupSecret = (text: string): boolean => isSecret(text, "setupLink");

import { Refusal, type Id } from "@holdfast/kernel";
import { asPlatform, type Space } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { trustedIn } from "./postgres.ts";

/** What devices say of the roots that they trust. */
export class Trusting {
  readonly #storage: Storage;

  constructor({ storage }: { readonly storage: Storage }) {
    this.#storage = storage;
  }

  /** In place of what it said before; durable when this settles. @throws Refusal `device.retired` */
  async say(space: Space, device: Id<"device">, digests: readonly string[]): Promise<void> {
    this.#storage.admit();
    await this.#storage.tally(asPlatform(space.scope), async (unit) => {
      const placement = space.device(device);
      if (!placement || placement.state === "retired") throw new Refusal("device.retired");
      await trustedIn(unit).save(device, digests);
    });
  }
}

import { Refusal, type Clock } from "@holdfast/kernel";
import { asPlatform, type Space } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import type { Device } from "./device.ts";
import { Directory } from "./directory.ts";
import { devicesIn } from "./postgres.ts";

/** Devices of one organisation that are held with their names: some 100 MB. */
const most = 100_000;
const rowsAtOnce = 1_000;
/** Milliseconds without a search after which names leave the memory. */
const idleAfter = 600_000;

type Held = { readonly directory: Directory; readonly read: Promise<void>; usedAt: number };

/** The directories of organisations in which somebody searches: read at the first need, kept true after each commit, forgotten when idle. */
export class Directories {
  readonly #needs: { storage: Storage; clock: Clock };
  readonly #held = new Map<Space, Held>();

  constructor(needs: { storage: Storage; clock: Clock }) {
    this.#needs = needs;
  }

  /** @throws Refusal `list.tooLong`, `storage.unavailable` */
  async of(space: Space): Promise<Directory> {
    if (space.devices.size > most) {
      this.#held.delete(space);
      throw new Refusal("list.tooLong", { detail: `The limit is ${most.toLocaleString("en")} devices.` });
    }
    const held = this.#held.get(space) ?? this.#begin(space);
    held.usedAt = this.#needs.clock.elapsed();
    await held.read;
    return held.directory;
  }

  /** After a commit. A directory that is being read at this moment takes it too: what is older will not replace it. */
  put(space: Space, device: Device): void {
    this.#held.get(space)?.directory.put(device);
  }

  /** Called now and then. */
  forgetIdle(): void {
    const before = this.#needs.clock.elapsed() - idleAfter;
    for (const [space, { usedAt }] of this.#held) if (space.closed || usedAt < before) this.#held.delete(space);
  }

  #begin(space: Space): Held {
    const directory = new Directory();
    const read = this.#read(space, directory).catch((error: unknown) => {
      this.#held.delete(space);
      throw error;
    });
    const held: Held = { directory, read, usedAt: 0 };
    this.#held.set(space, held);
    return held;
  }

  /** In pieces, so that others have their turn in between. */
  async #read(space: Space, directory: Directory): Promise<void> {
    await this.#needs.storage.read(asPlatform(space.scope), async (unit) => {
      let last: Device | undefined;
      do {
        const some = await devicesIn(unit).from(last?.id, rowsAtOnce);
        for (const device of some) directory.put(device);
        last = some.length < rowsAtOnce ? undefined : some.at(-1);
      } while (last);
    });
  }
}

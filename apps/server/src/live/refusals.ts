import type { Clock, Id, Instant, Timers } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import type { DeviceRefusal, Told } from "./refusal.ts";

const second = 1_000; // milliseconds
/** Refusals that are told at once in one second, of one device and of one organisation. */
const mostOfDevice = 10;
const mostOfSpace = 100;
/** Devices of one organisation whose refusals are counted in one second. Of those beyond nothing is told. */
const mostDevices = 10_000;

/** Whoever shows them: asked first, because most organisations have nobody who watches. */
export interface Onlooker {
  wants(space: Space): boolean;
  refused(refused: Told): void;
}

/** Of one device in one second: how many were told, and what was not. */
type Share = {
  told: number;
  omitted: number;
  last: { readonly refused: DeviceRefusal; readonly at: Instant } | undefined;
};
type Second = { told: number; readonly shares: Map<Id<"device">, Share> };

/**
 * Refusals for the live view. However many there are, a device shows ten in a second and the last of it, with the number of those between,
 * and an organisation a hundred and so many last ones: a flood neither fills a stream nor hides that it goes on.
 */
export class LiveRefusals {
  readonly #needs: { clock: Clock; timers: Timers };
  readonly #seconds = new Map<Space, Second>();
  #onlooker: Onlooker = { wants: () => false, refused() {} };
  #omitted = 0;

  constructor(needs: { clock: Clock; timers: Timers }) {
    this.#needs = needs;
  }

  /** Of those who watched, how many refusals were kept from them because there were too many. */
  get omitted(): number {
    return this.#omitted;
  }

  showTo(onlooker: Onlooker): void {
    this.#onlooker = onlooker;
  }

  /** Whether it is worth finding out what `tell` wants to know. */
  isWatched(space: Space): boolean {
    return this.#onlooker.wants(space);
  }

  /** Returns at once, and costs next to nothing where nobody watches. */
  tell(refused: DeviceRefusal): void {
    const { space, device } = refused;
    if (!this.isWatched(space)) return;
    const now = this.#secondOf(space);
    let share = now.shares.get(device);
    if (!share && now.shares.size >= mostDevices) return void (this.#omitted += 1);
    if (!share) now.shares.set(device, (share = { told: 0, omitted: 0, last: undefined }));
    const at = this.#needs.clock.now();
    if (share.told < mostOfDevice && now.told < mostOfSpace) {
      now.told += 1;
      this.#show(share, refused, at);
    } else {
      share.omitted += 1;
      share.last = { refused, at };
    }
  }

  #show(share: Share, refused: DeviceRefusal, at: Instant): void {
    const { omitted } = share;
    this.#omitted += omitted;
    share.told += 1;
    share.omitted = 0;
    share.last = undefined;
    this.#onlooker.refused({ ...refused, at, omitted });
  }

  #secondOf(space: Space): Second {
    const there = this.#seconds.get(space);
    if (there) return there;
    const fresh: Second = { told: 0, shares: new Map() };
    this.#seconds.set(space, fresh);
    this.#needs.timers.after(second, () => this.#turn(space, fresh.shares));
    return fresh;
  }

  /** The second is over: the last of each device that had too many is told. Of those for whom there is no room, in the next one. */
  #turn(space: Space, shares: ReadonlyMap<Id<"device">, Share>): void {
    this.#seconds.delete(space);
    if (!this.isWatched(space)) return;
    const late = [...shares].filter(([, share]) => share.last !== undefined);
    for (const [, share] of late.slice(0, mostOfSpace)) {
      if (!share.last) continue;
      share.omitted -= 1; // the last one is told
      this.#show(share, share.last.refused, share.last.at);
    }
    const rest = late.slice(mostOfSpace);
    if (rest.length === 0) return;
    const next = this.#secondOf(space);
    for (const [device, share] of rest) next.shares.set(device, { ...share, told: 0 });
  }
}

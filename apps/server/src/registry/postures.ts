import type { Clock, Id } from "@holdfast/kernel";
import { deviceFindings, type DeviceFinding } from "@holdfast/protocol";
import {
  asPlatform,
  knowDeviceKeys,
  upkeepIn,
  withinReach,
  type Reach,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import { listeningIn } from "../twins/index.ts";
import type { Storage } from "../storage/index.ts";
import { findingsOf, type Limits } from "./posture.ts";
import type { Presence } from "../messages/index.ts";
import type { Presences } from "./presence.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly presences: Presences;
  readonly clock: Clock;
};

/** How a device is, and what is weak about it, at this moment. */
export type Look = (device: Id<"device">) => {
  readonly presence: Presence;
  readonly findings: readonly DeviceFinding[];
};

/** How many devices there are, how many of them have no finding, and how many each. */
export type Posture = {
  readonly total: number;
  readonly well: number;
  readonly by: Readonly<Record<DeviceFinding, number>>;
};

/** What is weak about devices, gathered from where it is known. */
export class Postures {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * How these devices are, or any. What they report of themselves, and what the organisation calls old, is as of now; all else is looked at
   * when it is asked.
   * @throws Refusal `storage.unavailable`
   */
  async in(space: Space, devices?: readonly Id<"device">[]): Promise<Look> {
    const { storage, presences, clock } = this.#needs;
    const presenceOf = await presences.in(space);
    await knowDeviceKeys(storage, space);
    const { listening, limits } = await storage.read(asPlatform(space.scope), async (unit) => ({
      listening: await listeningIn(unit, devices),
      limits: limitsIn(space, await upkeepIn(unit).own()),
    }));
    return (device) => {
      const presence = presenceOf(device);
      const placement = space.device(device);
      if (!placement) return { presence, findings: [] };
      const now = clock.now();
      const keys = space.credentials.ofDevices.of(space, device, now);
      const doors = space.doorsOf(placement);
      const facts = { state: placement.state, doors, presence, keys, listens: listening.has(device) };
      return { presence, findings: findingsOf(facts, limits, now) };
    };
  }

  /** Of the devices that the caller may read. */
  async count(reach: Reach<"device.read">): Promise<Posture> {
    const space = await this.#needs.spaces.of(reach.scope.org);
    const look = await this.in(space);
    const isWithin = withinReach(reach);
    const by = Object.fromEntries(deviceFindings.map((finding) => [finding, 0])) as Record<DeviceFinding, number>; // of all
    let [total, well] = [0, 0];
    for (const [id, placement] of space.devices) {
      if (placement.state === "retired" || !isWithin(id, placement)) continue;
      const { findings } = look(id);
      total += 1;
      if (findings.length === 0) well += 1;
      for (const one of findings) by[one] += 1;
    }
    return { total, well, by };
  }
}

/** What the organisation does not let in any more is as old as what it calls old. */
const limitsIn = ({ demands }: Space, { oldAfterDays, endingWithinDays }: Limits): Limits => ({
  oldAfterDays: Math.min(oldAfterDays, demands.devices?.greatestAgeDays ?? oldAfterDays),
  endingWithinDays,
});

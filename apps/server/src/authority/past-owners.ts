import type { Id } from "@holdfast/kernel";
import type { Placement } from "./placement.ts";

/** Which application users' devices were once: they go on reading what was measured then, and nothing else. */
export class PastOwners {
  readonly #byDevice = new Map<Id<"device">, Set<Id<"user">>>();

  constructor(known: ReadonlyMap<Id<"device">, Iterable<Id<"user">>> = new Map()) {
    for (const [device, users] of known) this.#byDevice.set(device, new Set(users));
  }

  /** A device is placed otherwise than before. */
  turn(device: Id<"device">, before: Placement | undefined, after: Placement): void {
    if (!before?.user || before.user === after.user) return;
    const known = this.#byDevice.get(device);
    if (known) known.add(before.user);
    else this.#byDevice.set(device, new Set([before.user]));
  }

  /** As it was placed for her, or `undefined` where it is hers now, or never was. */
  placement(device: Id<"device">, now: Placement, user: Id<"user">): Placement | undefined {
    const wasHers = now.user !== user && this.#byDevice.get(device)?.has(user) === true;
    return wasHers ? { ...now, user } : undefined;
  }
}

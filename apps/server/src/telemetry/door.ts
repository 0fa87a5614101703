// Hot path: asked for each message of a device that has a door, or whose product has one.
import { scrub } from "@holdfast/crypto";
import { Refusal, type Id } from "@holdfast/kernel";
import type { Allowance, Level, Space } from "../authority/index.ts";
import type { Reading } from "./reading.ts";
import type { DeviceSeries } from "./series.ts";

/** @throws Refusal `door.tooLarge` */
function checkSize({ of, door: { size } }: Level, body: Uint8Array): void {
  if (size === undefined || body.length <= size) return;
  const detail = `The door of ${of} takes ${size} bytes at most, and this has ${body.length}.`;
  throw new Refusal("door.tooLarge", { detail });
}

/** @throws Refusal `door.attribute`, which names it */
function checkWritable({ of, writable }: Level, readings: readonly Reading[]): void {
  if (!writable) return;
  for (const { values } of readings) {
    for (const [name] of values) {
      if (writable.has(name)) continue;
      const shown = JSON.stringify(scrub(name).slice(0, 128)).slice(1, -1); // a hostile name cannot break a line
      const faults = [{ path: shown, message: `not let in by the door of ${of}` }];
      throw new Refusal("door.attribute", { detail: `It is "${shown}".`, faults });
    }
  }
}

/** What the doors of one device demand of each message, read from them when one of them is another. */
export class DoorDemands {
  readonly #device: Id<"device">;
  #doors: readonly Level[] = [];
  #largest = Infinity;
  #writable: readonly Level[] = [];
  #allowances: readonly Allowance[] = [];

  constructor(device: Id<"device">) {
    this.#device = device;
  }

  /** Before it is read. Of what the doors allow it is one; each of them counts for itself. @throws Refusal `door.tooLarge`, `rate.exceeded` */
  admit(space: Space, doors: readonly Level[], body: Uint8Array, elapsed: number): void {
    const known = this.#doors;
    if (known.length !== doors.length || known[0] !== doors[0] || known[1] !== doors[1]) this.#read(doors);
    if (body.length > this.#largest) for (const door of doors) checkSize(door, body);
    if (this.#allowances.length > 0)
      space.drawn.draw(this.#allowances, elapsed, "It is the rate of the device's door, or of its product's.");
  }

  /** Once it was inflated. @throws Refusal `door.tooLarge` */
  checkSize(body: Uint8Array): void {
    if (body.length > this.#largest) for (const door of this.#doors) checkSize(door, body);
  }

  /** @throws Refusal `door.attribute`, which names it */
  check(readings: readonly Reading[]): void {
    for (const door of this.#writable) checkWritable(door, readings);
  }

  #read(doors: readonly Level[]): void {
    this.#doors = doors;
    this.#largest = Math.min(...doors.map(({ door: { size } }) => size ?? Infinity));
    // What a product and its device both say is asked once.
    const alike = ({ door: { writable } }: Level) => JSON.stringify(writable?.toSorted());
    this.#writable = doors.filter(
      (one, at) => one.writable && !doors.slice(0, at).some((other) => alike(other) === alike(one)),
    );
    this.#allowances = doors.flatMap(({ of, door: { rate } }) =>
      rate
        ? [{ of: `${this.#device} ${of}`, rate: { perMinute: rate.perMinute, burst: rate.burst ?? rate.perMinute } }]
        : [],
    );
  }
}

/**
 * Whether the device is one that may speak, and whether its door takes so much and so often. Answers what the door demands of what is in it.
 * @throws Refusal `device.unknown`, `device.suspended`, `device.retired`, `door.tooLarge`, `rate.exceeded`
 */
export function meet(
  state: Pick<DeviceSeries, "demands">,
  space: Space,
  device: Id<"device">,
  sent: Uint8Array,
  elapsed: number,
): DoorDemands | undefined {
  const placement = space.device(device);
  if (!placement) throw new Refusal("device.unknown");
  if (placement.state !== "active")
    throw new Refusal(placement.state === "retired" ? "device.retired" : "device.suspended");
  const doors = space.doorsOf(placement);
  const demands = doors.length > 0 ? (state.demands ??= new DoorDemands(device)) : undefined;
  demands?.admit(space, doors, sent, elapsed);
  return demands;
}

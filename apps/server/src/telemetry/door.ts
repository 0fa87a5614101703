// Hot path: asked for each message of a device that has a door, or whose product has one.
import { scrub } from "@holdfast/crypto";
import { Refusal, type Id } from "@holdfast/kernel";
import type { Allowance, Level, Space } from "../authority/index.ts";
import type { Reading } from "./reading.ts";

/** @throws Refusal `door.tooLarge` */
export function checkSize({ of, door: { size } }: Level, body: Uint8Array): void {
  if (size === undefined || body.length <= size) return;
  const detail = `The door of ${of} takes ${size} bytes at most, and this has ${body.length}.`;
  throw new Refusal("door.tooLarge", { detail });
}

/** @throws Refusal `door.attribute`, which names it */
export function checkWritable({ of, writable }: Level, readings: readonly Reading[]): void {
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

/** How often the doors of one device let a message in. */
export class DoorRates {
  readonly #device: Id<"device">;
  #doors: readonly Level[] = [];
  #allowances: readonly Allowance[] = [];

  constructor(device: Id<"device">) {
    this.#device = device;
  }

  /** One message of what these doors allow; each of them counts for itself. @throws Refusal `rate.exceeded` */
  draw(space: Space, doors: readonly Level[], elapsed: number): void {
    const known = this.#doors;
    if (known.length !== doors.length || known[0] !== doors[0] || known[1] !== doors[1]) this.#read(doors);
    if (this.#allowances.length > 0)
      space.drawn.draw(this.#allowances, elapsed, "It is the rate of the device's door, or of its product's.");
  }

  #read(doors: readonly Level[]): void {
    this.#doors = doors;
    this.#allowances = doors.flatMap(({ of, door: { rate } }) =>
      rate
        ? [{ of: `${this.#device} ${of}`, rate: { perMinute: rate.perMinute, burst: rate.burst ?? rate.perMinute } }]
        : [],
    );
  }
}

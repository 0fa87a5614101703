import { createSecretKey, type KeyObject } from "node:crypto";
import { associated, derive, open, seal } from "@holdfast/crypto";
import type { Id, Random } from "@holdfast/kernel";
import type { Keyring, Unit } from "../storage/index.ts";
import { periodsIn } from "./period-rows.ts";
import { keyNameOf } from "./periods.ts";
import { withoutKey } from "./sealing.ts";

/** Which text: all of it is bound into the seal. */
type Place = { readonly kind: string; readonly row: string; readonly version: number };

/** What is kept of a device beside what it measured is sealed under the same keys: of the device, and of the time that it is somebody's. */
export class DeviceSeals {
  readonly #needs: { readonly keys: Keyring; readonly random: Random };

  constructor(needs: { readonly keys: Keyring; readonly random: Random }) {
    this.#needs = needs;
  }

  /** As of now: what was sealed while it was somebody else's does not open. @throws Refusal `device.erased`, `keyring.incomplete` */
  async of(unit: Unit, device: Id<"device">): Promise<DeviceSeal> {
    const [seal] = await this.ofMany(unit, [device]);
    if (!seal) throw new Error("a device has a seal");
    return seal;
  }

  /** In their order. */
  async ofMany(unit: Unit, devices: readonly Id<"device">[]): Promise<readonly DeviceSeal[]> {
    const { keys, random } = this.#needs;
    const { org } = unit.scope;
    const periods = await periodsIn(unit).of(devices);
    const seals: DeviceSeal[] = [];
    for (const device of devices) {
      const number = periods.get(device)?.at(-1)?.number ?? 0;
      const name = keyNameOf(device, number);
      const key = keys.cached("device", name) ?? (await keys.find("device", name));
      if (!key) throw await withoutKey(keys, device, number);
      seals.push(new DeviceSeal(org, number, createSecretKey(derive(key, "beside")), random));
    }
    return seals;
  }
}

export class DeviceSeal {
  /** Of its owner. */
  readonly period: number;
  readonly #org: Id<"org">;
  readonly #key: KeyObject;
  readonly #random: Random;

  constructor(org: Id<"org">, period: number, key: KeyObject, random: Random) {
    this.#org = org;
    this.period = period;
    this.#key = key;
    this.#random = random;
  }

  seal(place: Place, value: unknown): Uint8Array {
    const plain = new TextEncoder().encode(JSON.stringify(value));
    return seal(this.#key, associated({ org: this.#org, ...place }), plain, this.#random);
  }

  /** @throws Refusal `seal.broken` */
  open(place: Place, sealed: Uint8Array): unknown {
    return JSON.parse(new TextDecoder().decode(open(this.#key, associated({ org: this.#org, ...place }), sealed)));
  }
}

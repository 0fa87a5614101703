import { newId, Refusal, uuidOf, type Clock, type Id, type Random } from "@holdfast/kernel";
import {
  parties,
  type Minting,
  type MintedKey,
  type Permit,
  type Reach,
  type Revocation,
  type Spaces,
} from "../authority/index.ts";
import { pageOf, type Keyring, type Page, type Storage, type Unit } from "../storage/index.ts";
import { change, resume, retire, suspend, type Active, type Device, type DeviceChange } from "./device.ts";
import { devicesIn, placementOf, productsIn, type DeviceFilter } from "./postgres.ts";
import { refuseIfChanged, type Versions } from "./version.ts";

type Needs = {
  storage: Storage;
  keys: Keyring;
  spaces: Spaces;
  minting: Minting;
  revocation: Revocation;
  clock: Clock;
  random: Random;
};

export type NewDevice = {
  readonly name: string;
  readonly product: Id<"product"> | undefined;
  readonly alias: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
};

/** Which devices there are, and what state each is in. The only code that changes it. */
export class Registry {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** The key that will seal its readings is durable before the device is: what it sends can always be read back. */
  async create(permit: Permit<"device.create">, wanted: NewDevice): Promise<{ device: Active; key: MintedKey }> {
    const { storage, keys, minting, clock, random } = this.#needs;
    storage.admit();
    const id = newId("device", random);
    await keys.make("device", id);
    return storage.change(permit, async (unit) => {
      const device: Active = {
        state: "active",
        id,
        application: permit.on,
        createdAt: clock.now(),
        version: 1,
        ...wanted,
      };
      await this.#refuseUnknownProduct(unit, wanted.product);
      await this.#save(unit, device);
      const key = await minting.deviceKeyIn(unit, permit, id, { application: permit.on });
      unit.audit({ what: "device.created", about: id, facts: { name: device.name, application: permit.on } });
      return { device, key };
    });
  }

  async read(permit: Permit<"device.read">): Promise<Device> {
    const device = await this.#needs.storage.read(permit, (unit) => devicesIn(unit).find(permit.on));
    if (!device) throw new Refusal("device.unknown");
    return device;
  }

  async list(
    reach: Reach<"device.read">,
    asked: DeviceFilter & { limit: number; cursor?: string | undefined },
  ): Promise<Page<Device>> {
    return pageOf(
      asked,
      (after, most) => this.#needs.storage.read(reach, (unit) => devicesIn(unit).list(reach, asked, after, most)),
      {
        at: ({ createdAt }) => createdAt,
        id: ({ id }) => uuidOf(id),
      },
    );
  }

  /** Moving to another application needs leave to make devices there: `into`. */
  async update(
    permit: Permit<"device.update">,
    wanted: DeviceChange,
    into: Permit<"device.create"> | undefined,
    versions?: Versions,
  ): Promise<Device> {
    const { storage, revocation } = this.#needs;
    return storage.change(permit, async (unit) => {
      const before = await devicesIn(unit).take(permit.on);
      if (!before) throw new Refusal("device.unknown");
      refuseIfChanged(before, versions);
      const device = change(before, { ...wanted, application: into?.on });
      await this.#refuseUnknownProduct(unit, device.product);
      if (device.application !== before.application) await revocation.carryOver(unit, device.id, before.application);
      if (before.product && device.product !== before.product)
        await revocation.carryOver(unit, device.id, before.product);
      await this.#save(unit, device);
      unit.audit({ what: "device.updated", about: device.id, facts: { fields: Object.keys(wanted) } });
      return device;
    });
  }

  async suspend(permit: Permit<"device.suspend">, versions?: Versions): Promise<Device> {
    return this.#turn(permit, versions, "device.suspended", (device) => suspend(device, this.#needs.clock.now()));
  }

  async resume(permit: Permit<"device.resume">, versions?: Versions): Promise<Device> {
    return this.#turn(permit, versions, "device.resumed", resume);
  }

  async retire(permit: Permit<"device.retire">, versions?: Versions): Promise<Device> {
    return this.#turn(
      permit,
      versions,
      "device.retired",
      (device) => retire(device, this.#needs.clock.now()),
      (unit) => this.#needs.revocation.in(unit, permit.on, parties),
    );
  }

  async #turn(
    permit: Permit<"device.suspend"> | Permit<"device.resume"> | Permit<"device.retire">,
    versions: Versions,
    what: string,
    turn: (device: Device) => Device,
    also?: (unit: Unit) => Promise<void>,
  ): Promise<Device> {
    return this.#needs.storage.change(permit, async (unit) => {
      const before = await devicesIn(unit).take(permit.on);
      if (!before) throw new Refusal("device.unknown");
      refuseIfChanged(before, versions);
      const device = turn(before);
      await this.#save(unit, device);
      await also?.(unit);
      unit.audit({ what, about: device.id });
      return device;
    });
  }

  async #refuseUnknownProduct(unit: Unit, product: Id<"product"> | undefined): Promise<void> {
    if (product && !(await productsIn(unit).find(product))) throw new Refusal("product.unknown");
  }

  async #save(unit: Unit, device: Device): Promise<void> {
    try {
      await devicesIn(unit).save(device);
    } catch (cause) {
      // 23505, unique_violation: the alias is the only thing of a device that must be its own.
      if (cause instanceof Error && "code" in cause && cause.code === "23505")
        throw new Refusal("device.aliasTaken", { cause });
      throw cause;
    }
    unit.afterCommit(() =>
      this.#needs.spaces.apply(unit.scope.org, (space) => space.place(device.id, placementOf(device))),
    );
  }
}

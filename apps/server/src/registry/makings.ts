import { newId, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import {
  askAlso,
  refusedBy,
  type Brought,
  type Held,
  type MintedKey,
  type Minting,
  type Permit,
  type Revocation,
  type Rulings,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import type { Keyring, Storage, Unit } from "../storage/index.ts";
import { isTaggedAlike, type Active, type Device } from "./device.ts";
import { asMaking, askToTag, productNamed, refuseEnded, untagged, type Making } from "./making.ts";
import { devicesIn, placementOf } from "./postgres.ts";
import { noteGateway } from "./rulings.ts";
import { refuseUnfit } from "./tying.ts";

interface Quotas {
  /** Once it is known how many devices there may be. */
  ready(space: Space): Promise<{
    /** @throws Refusal `quota.exceeded` when there are as many */
    admitDevice(): void;
  }>;
}

export type NeedsToMake = {
  storage: Storage;
  keys: Keyring;
  spaces: Spaces;
  minting: Minting;
  revocation: Revocation;
  rulings: Rulings;
  accounts: Quotas;
  clock: Clock;
  random: Random;
};

export type NewDevice = {
  readonly name: string;
  readonly product: Id<"product"> | undefined;
  readonly alias: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly reportingInterval?: string | undefined;
};

type Mint<T> = (unit: Unit, device: Id<"device">) => Promise<T>;
type Ready = { readonly device: Device; readonly key: MintedKey };

/** How devices come to be, each with what it comes by. */
export class Makings {
  readonly #needs: NeedsToMake;
  readonly #save: (unit: Unit, device: Device) => Promise<void>;

  constructor(needs: NeedsToMake, save: (unit: Unit, device: Device) => Promise<void>) {
    this.#needs = needs;
    this.#save = save;
  }

  /** @throws Refusal `permit.missing` when it is to have tags and the caller may not tag devices there, `quota.exceeded` */
  async create(
    permit: Permit<"device.create">,
    wanted: NewDevice,
    held: Held & { readonly brought?: Brought | undefined } = {},
    gateway?: Permit<"device.bind">,
  ): Promise<Ready> {
    const id = newId("device", this.#needs.random);
    const mint = this.#keyed(permit, held);
    const { device, made: key } = await this.#within(permit, (unit) =>
      this.#make(unit, permit, id, wanted, mint, gateway),
    );
    return { device, key };
  }

  /** Where the device brings a key of its own: what it comes by is made within the same unit. @throws Refusal */
  async enrol<T>(
    permit: Permit<"device.enrol">,
    wanted: NewDevice,
    mint: Mint<T>,
  ): Promise<{ device: Active; made: T }> {
    const id = newId("device", this.#needs.random);
    return this.#within(permit, (unit) => this.#make(unit, permit, id, wanted, mint));
  }

  /**
   * One whose id was decided before. Where it is there already, since what came behind was cut off, it is not made again: it gets another key, and
   * the one that may have been told to nobody is good for nothing. @throws Refusal `device.unknown` where it has ended or went elsewhere
   */
  async arrive(permit: Permit<"device.create">, id: Id<"device">, wanted: NewDevice): Promise<Ready> {
    const mint = this.#keyed(permit);
    return this.#within(permit, async (unit) => {
      const there = await devicesIn(unit).take(id);
      if (!there) {
        const { device, made: key } = await this.#make(unit, permit, id, wanted, mint);
        return { device, key };
      }
      if (there.state === "retired" || there.application !== permit.on) throw new Refusal("device.unknown");
      await this.#needs.revocation.in(unit, id, ["devices"]);
      unit.audit({ what: "device.keysEnded", about: id });
      return { device: there, key: await mint(unit, id) };
    });
  }

  /** Whether another device may be made there, of this product. @throws Refusal `quota.exceeded`, `product.unknown` */
  async admit(permit: Permit<"device.create">, product: Id<"product"> | undefined): Promise<void> {
    const { spaces, accounts } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    (await accounts.ready(space)).admitDevice();
    if (product && !space.hasProduct(product))
      throw refusedBy(permit, "device.create", product, new Refusal("product.unknown"));
  }

  #keyed(permit: Permit<"device.create">, held?: Held & { readonly brought?: Brought | undefined }): Mint<MintedKey> {
    return (unit, id) => this.#needs.minting.deviceKeyIn(unit, permit, id, { application: permit.on }, held);
  }

  /** @throws Refusal `quota.exceeded` */
  async #within<T>(permit: Making, work: (unit: Unit) => Promise<T>): Promise<T> {
    const { storage, spaces, accounts } = this.#needs;
    storage.admit();
    const account = await accounts.ready(await spaces.of(permit.scope.org));
    account.admitDevice();
    return storage.change(permit, async (unit) => {
      account.admitDevice(); // others may have been made while this waited its turn
      return work(unit);
    });
  }

  async #make<T>(
    unit: Unit,
    permit: Making,
    id: Id<"device">,
    wanted: NewDevice,
    mint: Mint<T>,
    gateway?: Permit<"device.bind">,
  ): Promise<{ device: Active; made: T }> {
    const device: Active = {
      state: "active",
      id,
      application: permit.on,
      createdAt: this.#needs.clock.now(),
      turn: 0,
      placed: 0,
      version: 1,
      ...wanted,
      gateway: gateway?.on,
    };
    if (!isTaggedAlike(device, untagged)) askToTag(permit, { ...device, ...untagged });
    if (gateway) {
      askAlso(permit, "device.bind", { id, placement: placementOf(device) });
      await refuseUnfit(unit, device, gateway);
    }
    await refuseEnded(unit, permit);
    // It has measured nothing yet, so any product will do.
    await productNamed(unit, asMaking(permit), "device.create", wanted.product);
    await this.#save(unit, device);
    if (gateway) await noteGateway(this.#needs.rulings, unit, device);
    const made = await mint(unit, id);
    const { name, application, product, tags } = device;
    const facts = { name, application, product, tags, ...(gateway && { gateway: gateway.on }) };
    unit.audit({ what: "device.created", about: id, facts });
    await this.#makeKey(id);
    return { device, made };
  }

  /**
   * The key that will seal its readings is durable before the device is: what it sends can always be read back. It is made last, so that whoever is
   * refused leaves none behind; a unit that begins again finds the one of its first attempt.
   */
  async #makeKey(id: Id<"device">): Promise<void> {
    const { keys } = this.#needs;
    if ((await keys.find("device", id)) === undefined) await keys.make("device", id);
  }
}

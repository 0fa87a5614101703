import { newId, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import type { AttributeType } from "@holdfast/protocol";
import {
  askAlso,
  parties,
  refusedBy,
  type Brought,
  type Held,
  type Journal,
  type Kind,
  type Minting,
  type MintedKey,
  type Permit,
  type Revocation,
  type Rulings,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import { forgetListsFor, usersIn } from "../application-users/index.ts";
import type { Keyring, Storage, Unit } from "../storage/index.ts";
import {
  bind,
  change,
  isTaggedAlike,
  relocation,
  resume,
  retire,
  suspend,
  tie,
  type Active,
  type Device,
  type DeviceChange,
} from "./device.ts";
import type { Directories } from "./directories.ts";
import { asMaking, askToTag, productNamed, refuseEnded, untagged, type Making } from "./making.ts";
import { Placements } from "./placements.ts";
import { devicesIn, placementOf } from "./postgres.ts";
import { refuseOtherTypes } from "./product.ts";
import { rebound, refuseUnfit } from "./tying.ts";
import { Suspensions } from "./suspensions.ts";
import { noteGateway, noteUser, registryRulings } from "./rulings.ts";
import { refuseIfChanged, type Versions } from "./version.ts";

interface Measured {
  /** As what a device has measured each attribute so far. */
  typesOf(permit: Permit<"device.update">): Promise<ReadonlyMap<string, AttributeType>>;
  readonly erasures: {
    /** Whose a device is decides under which key its readings are sealed. */
    turn(unit: Unit, device: Id<"device">, user: Id<"user"> | undefined): Promise<void>;
  };
}

interface Quotas {
  /** Once it is known how many devices there may be. */
  ready(space: Space): Promise<{
    /** @throws Refusal `quota.exceeded` when there are as many */
    admitDevice(): void;
  }>;
}

type Needs = {
  storage: Storage;
  keys: Keyring;
  spaces: Spaces;
  minting: Minting;
  revocation: Revocation;
  journal: Journal;
  rulings: Rulings;
  telemetry: Measured;
  accounts: Quotas;
  directories: Directories;
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

/** Which devices there are, and what state each is in. The only code that changes it. */
export class Registry {
  readonly #needs: Needs;

  readonly #suspensions: Suspensions;

  readonly #placements: Placements;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#suspensions = new Suspensions(needs);
    this.#placements = new Placements(needs);
  }

  /**
   * The key that will seal its readings is durable before the device is: what it sends can always be read back.
   * @throws Refusal `permit.missing` when it is to have tags and the caller may not tag devices there, `quota.exceeded`
   */
  async create(
    permit: Permit<"device.create">,
    wanted: NewDevice,
    held: Held & { readonly brought?: Brought | undefined } = {},
    gateway?: Permit<"device.bind">,
  ): Promise<{ device: Active; key: MintedKey }> {
    const { minting } = this.#needs;
    const mint = (unit: Unit, id: Id<"device">) =>
      minting.deviceKeyIn(unit, permit, id, { application: permit.on }, held);
    const { device, made: key } = await this.#make(permit, wanted, mint, gateway);
    return { device, key };
  }

  /**
   * Where the device brings a key of its own: what it comes by is made within the same unit. @throws Refusal
   */
  async enrol<T>(
    permit: Permit<"device.enrol">,
    wanted: NewDevice,
    mint: (unit: Unit, device: Id<"device">) => Promise<T>,
  ): Promise<{ device: Active; made: T }> {
    return this.#make(permit, wanted, mint);
  }

  async #make<T>(
    permit: Making,
    wanted: NewDevice,
    mint: (unit: Unit, device: Id<"device">) => Promise<T>,
    gateway?: Permit<"device.bind">,
  ): Promise<{ device: Active; made: T }> {
    const { storage, spaces, keys, accounts, clock, random } = this.#needs;
    storage.admit();
    const account = await accounts.ready(await spaces.of(permit.scope.org));
    account.admitDevice();
    const id = newId("device", random);
    await keys.make("device", id);
    return storage.change(permit, async (unit) => {
      account.admitDevice(); // others may have been made while this waited its turn
      const device: Active = {
        state: "active",
        id,
        application: permit.on,
        createdAt: clock.now(),
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
      return { device, made };
    });
  }

  async read(permit: Permit<"device.read">): Promise<Device> {
    const device = await this.#needs.storage.read(permit, (unit) => devicesIn(unit).find(permit.on));
    if (!device) throw refusedBy(permit, "device.read", permit.on, new Refusal("device.unknown"));
    return device;
  }

  /**
   * Moving to another application needs leave to make devices there: `into`. Tags decide which grants reach a device, so that
   * changing them needs leave of its own. @throws Refusal `permit.missing`
   */
  async update(
    permit: Permit<"device.update">,
    wanted: DeviceChange,
    into: Permit<"device.create"> | undefined,
    versions?: Versions,
  ): Promise<Device> {
    const { storage, telemetry } = this.#needs;
    // Asked before, because it may read. What begins in between goes on as what it is: telemetry goes by the series.
    const types = wanted.product ? await telemetry.typesOf(permit) : new Map<string, AttributeType>();
    return storage.change(permit, async (unit) => {
      const before = await devicesIn(unit).take(permit.on);
      if (!before) throw refusedBy(permit, "device.update", permit.on, new Refusal("device.unknown"));
      into?.askAgain(); // the unit has asked for its own permit only
      refuseIfChanged(before, versions);
      const changed = change(before, { ...wanted, application: into?.on });
      if (!isTaggedAlike(changed, before)) askToTag(permit, before);
      if (into) await refuseEnded(unit, into);
      const product = await productNamed(unit, permit, "device.update", changed.product);
      if (product && product.id !== before.product) refuseOtherTypes(product, types);
      const device = await this.#placements.move(unit, before, changed);
      await this.#save(unit, device);
      if (device.user !== before.user) await noteUser(this.#needs.rulings, unit, device);
      if (device.gateway !== before.gateway) await noteGateway(this.#needs.rulings, unit, device);
      await forgetListsFor(this.#needs, unit, before, device);
      const facts = { fields: Object.keys(wanted), ...relocation(before, device) };
      unit.audit({ what: "device.updated", about: device.id, facts });
      return device;
    });
  }

  async suspend(permit: Permit<"device.suspend">, versions?: Versions): Promise<Device> {
    return this.#turn(permit, "device.suspend", versions, "device.suspended", async (unit, device) => {
      if (device.state === "suspended") return device;
      return suspend(device, unit.at, await this.#suspensions.note(unit, device.id, "suspended"));
    });
  }

  async resume(permit: Permit<"device.resume">, versions?: Versions): Promise<Device> {
    return this.#turn(permit, "device.resume", versions, "device.resumed", async (unit, device) =>
      resume(device, await this.#suspensions.note(unit, device.id, "resumed")),
    );
  }

  async retire(permit: Permit<"device.retire">, versions?: Versions): Promise<Device> {
    const end = async ({ at }: Unit, device: Device) => retire(device, at);
    return this.#turn(permit, "device.retire", versions, "device.retired", end);
  }

  /** Whoever it belonged to reads it no more, at once. @throws Refusal `user.unknown` where there is no such user of its application */
  async bind(permit: Permit<"device.bind">, user: Id<"user"> | undefined, versions?: Versions): Promise<Device> {
    return this.#turn(permit, "device.bind", versions, "device.bound", async (unit, device) => {
      const found = user && (await usersIn(unit).find(user, device.application));
      if (user && !found) throw refusedBy(permit, "device.bind", user, new Refusal("user.unknown"));
      const bound = bind(device, user);
      await noteUser(this.#needs.rulings, unit, bound);
      return bound;
    });
  }

  /**
   * Which device speaks for it from now on: whoever spoke for it does so no more, at once. @throws Refusal `gateway.unfit`
   */
  async tie(
    permit: Permit<"device.bind">,
    gateway: Permit<"device.bind"> | undefined,
    versions?: Versions,
  ): Promise<Device> {
    return this.#turn(permit, "device.bind", versions, "device.tied", async (unit, device) => {
      if (gateway) await refuseUnfit(unit, device, gateway);
      const tied = tie(device, gateway?.on);
      await noteGateway(this.#needs.rulings, unit, tied);
      return tied;
    });
  }

  /** Within a unit that knows that it may be: as when somebody binds it. @throws Refusal `device.unknown`, `device.retired` */
  async ownIn(unit: Unit, id: Id<"device">, user: Id<"user"> | undefined): Promise<void> {
    const before = await devicesIn(unit).take(id);
    if (!before) throw new Refusal("device.unknown");
    const device = bind(before, user);
    await this.#save(unit, device);
    await noteUser(this.#needs.rulings, unit, device);
    await forgetListsFor(this.#needs, unit, before, device);
    unit.audit({ what: "device.bound", about: id, facts: { from: before.user ?? null, user: user ?? null } });
  }

  /** Whether another device may be made there, of this product. @throws Refusal `quota.exceeded`, `product.unknown` */
  async admit(permit: Permit<"device.create">, product: Id<"product"> | undefined): Promise<void> {
    const { spaces, accounts } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    (await accounts.ready(space)).admitDevice();
    if (product && !space.hasProduct(product))
      throw refusedBy(permit, "device.create", product, new Refusal("product.unknown"));
  }

  /** Within a unit that knows that it may be. Answers what it was before. @throws Refusal `device.unknown`, `device.retired` */
  async retireIn(unit: Unit, id: Id<"device">): Promise<Device> {
    const before = await devicesIn(unit).take(id);
    if (!before) throw new Refusal("device.unknown");
    const device = retire(before, unit.at);
    await this.#save(unit, device);
    await this.#endAll(unit, id);
    await forgetListsFor(this.#needs, unit, before, device);
    unit.audit({ what: "device.retired", about: id });
    return before;
  }

  async nameIn(unit: Unit, id: Id<"device">): Promise<string> {
    const device = await devicesIn(unit).find(id);
    if (!device) throw new Refusal("device.unknown");
    return device.name;
  }

  /** Within the unit that removes the user. */
  async unbindIn(unit: Unit, user: Id<"user">): Promise<void> {
    for (const device of await devicesIn(unit).takeOf(user)) {
      const unbound = bind(device, undefined);
      await this.#save(unit, unbound);
      await noteUser(this.#needs.rulings, unit, unbound);
      unit.audit({ what: "device.bound", about: device.id, facts: { from: user, user: null } });
    }
  }

  /**
   * At start, after the revocations: what was suspended since an older backup was made stays so, what ended in the place where a device
   * had been put has ended for it, and the journal learns what it missed. Answers how many devices the database was wrong about.
   */
  async reconcile(orgs: readonly Id<"org">[]): Promise<{ suspended: number; moved: number }> {
    const suspended = await this.#suspensions.reconcile(orgs, (unit, device) => this.#save(unit, device));
    return { suspended, moved: await this.#placements.reconcile(orgs) };
  }

  /** The kinds of rulings that are about things of the registry. */
  get ruled(): readonly Kind[] {
    const { spaces, rulings } = this.#needs;
    return registryRulings(spaces, rulings, (unit, device) => this.#save(unit, device));
  }

  async #turn<A extends "device.suspend" | "device.resume" | "device.retire" | "device.bind">(
    permit: Permit<A>,
    action: A,
    versions: Versions,
    what: string,
    turn: (unit: Unit, device: Device) => Promise<Device>,
  ): Promise<Device> {
    return this.#needs.storage.change(permit, async (unit) => {
      const before = await devicesIn(unit).take(permit.on);
      if (!before) throw refusedBy(permit, action, permit.on, new Refusal("device.unknown"));
      refuseIfChanged(before, versions);
      const device = await turn(unit, before);
      await this.#save(unit, device);
      if (device.state === "retired") await this.#endAll(unit, device.id);
      await forgetListsFor(this.#needs, unit, before, device);
      unit.audit({ what, about: device.id, ...rebound(before, device) });
      return device;
    });
  }

  /** Of a device that was saved as retired: whoever is cut off by it was retired, and not only revoked. */
  async #endAll(unit: Unit, id: Id<"device">): Promise<void> {
    await this.#needs.revocation.in(unit, id, parties);
    await this.#needs.rulings.forget(unit, id);
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
    const { spaces, directories, telemetry } = this.#needs;
    await telemetry.erasures.turn(unit, device.id, device.user);
    unit.afterCommit(() =>
      spaces.apply(unit.scope.org, (space) => {
        directories.put(space, device);
        space.place(device.id, placementOf(device));
      }),
    );
  }
}

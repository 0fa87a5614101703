import { Refusal, type Id } from "@holdfast/kernel";
import type { AttributeType } from "@holdfast/protocol";
import { parties, refusedBy, type Journal, type Kind, type Permit } from "../authority/index.ts";
import { forgetListsFor, usersIn } from "../application-users/index.ts";
import type { Unit } from "../storage/index.ts";
import {
  bind,
  change,
  isTaggedAlike,
  refuseUnfindable,
  relocation,
  resume,
  retire,
  suspend,
  tie,
  type Device,
  type DeviceChange,
} from "./device.ts";
import type { Directories } from "./directories.ts";
import { askToTag, productNamed, refuseEnded } from "./making.ts";
import { Makings, type NeedsToMake } from "./makings.ts";
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

type Needs = NeedsToMake & {
  journal: Journal;
  telemetry: Measured;
  directories: Directories;
  board: {
    /** Within the unit: what it had leased in its groups is anybody's again. */
    takeFrom(unit: Unit, device: Id<"device">): Promise<void>;
  };
  commands: {
    /** Within the unit that retires it: what it was asked and has not done it is asked no more. */
    endIn(unit: Unit, device: Id<"device">): Promise<void>;
  };
};

/** Which devices there are, and what state each is in. The only code that changes it. */
export class Registry {
  readonly #needs: Needs;

  readonly #suspensions: Suspensions;

  readonly #placements: Placements;

  readonly makings: Makings;

  #whenBound: (unit: Unit, device: Device) => Promise<void> = async () => {};

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#suspensions = new Suspensions(needs);
    this.#placements = new Placements(needs);
    this.makings = new Makings(needs, (unit, device) => this.#save(unit, device));
  }

  /** Called within the unit in which its organisation, and no code, makes a device somebody's or nobody's. */
  whenBound(work: (unit: Unit, device: Device) => Promise<void>): void {
    this.#whenBound = work;
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
      refuseUnfindable(changed, before);
      if (into) await refuseEnded(unit, into);
      const product = await productNamed(unit, permit, "device.update", changed.product);
      if (product && product.id !== before.product) refuseOtherTypes(product, types);
      const device = await this.#placements.move(unit, before, changed);
      await this.#save(unit, device);
      if (device.user !== before.user) await this.#bound(unit, device);
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
      await this.#bound(unit, bound);
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
      await this.#bound(unit, unbound);
      await this.letGoIn(unit, device.id, user);
      unit.audit({ what: "device.bound", about: device.id, facts: { from: user, user: null } });
    }
  }

  /** Within the unit in which somebody gives a gateway up: as nobody's it would speak for what has become other customers', and she may still have it. */
  async letGoIn(unit: Unit, gateway: Id<"device">, by: Id<"user">): Promise<void> {
    const space = await this.#needs.spaces.of(unit.scope.org);
    for (const id of space.children.of(gateway)) {
      if (!space.device(id)?.user) continue;
      const child = await devicesIn(unit).take(id);
      if (child?.gateway !== gateway || !child.user || child.user === by) continue;
      const free = tie(child, undefined);
      await this.#save(unit, free);
      await noteGateway(this.#needs.rulings, unit, free);
      unit.audit({ what: "device.tied", about: id, facts: { from: gateway, gateway: null } });
    }
  }

  async #bound(unit: Unit, device: Device): Promise<void> {
    await noteUser(this.#needs.rulings, unit, device);
    await this.#whenBound(unit, device);
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
    await this.#needs.commands.endIn(unit, id);
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
    const { spaces, directories, telemetry, board } = this.#needs;
    await telemetry.erasures.turn(unit, device.id, device.user);
    const before = spaces.at(unit.scope.org)?.device(device.id);
    if (before?.state === "active" && (device.state !== "active" || device.application !== before.application))
      await board.takeFrom(unit, device.id);
    unit.afterCommit(() =>
      spaces.apply(unit.scope.org, (space) => {
        directories.put(space, device);
        space.place(device.id, placementOf(device));
      }),
    );
  }
}

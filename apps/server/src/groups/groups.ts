import { newId, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import { refusedBy, type Permit, type Rights, type Rulings, type Spaces } from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { admit, expel, knownOf, type Group } from "./group.ts";
import { groupsIn } from "./postgres.ts";
import { noteMembers } from "./ruling.ts";

const mostGroups = 200;

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly rulings: Rulings;
  readonly board: {
    /** Within the unit: what it had leased is anybody's again. */
    takeFrom(unit: Unit, device: Id<"device">, group: Id<"group">): Promise<void>;
  };
  readonly clock: Clock;
  readonly random: Random;
};

/** Which devices talk to each other. */
export class Groups {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `group.tooMany`, `group.nameTaken` */
  async create(permit: Permit<"group.manage">, name: string): Promise<Group> {
    const { storage, clock, random } = this.#needs;
    storage.admit();
    return storage.change(permit, async (unit) => {
      const others = await groupsIn(unit).of(permit.on);
      if (others.length >= mostGroups) throw new Refusal("group.tooMany");
      if (others.some((other) => other.name === name)) throw new Refusal("group.nameTaken");
      const id = newId("group", random);
      const group: Group = {
        id,
        application: permit.on,
        name,
        members: new Map(),
        createdAt: clock.now(),
        version: 1,
      };
      await this.#save(unit, group);
      unit.audit({ what: "group.created", about: id, facts: { name, application: permit.on } });
      return group;
    });
  }

  async list(permit: Permit<"group.read">): Promise<readonly Group[]> {
    return this.#needs.storage.read(permit, (unit) => groupsIn(unit).of(permit.on));
  }

  async read(permit: Permit<"group.read">, id: Id<"group">): Promise<Group> {
    const group = await this.#needs.storage.read(permit, (unit) => groupsIn(unit).find(id));
    return fitting(permit, "group.read", id, group);
  }

  /** With these rights from now on. @throws Refusal `group.unknown`, `device.unknown`, `group.unfit`, `group.tooMany` */
  async admit(permit: Permit<"group.manage">, id: Id<"group">, device: Id<"device">, rights: Rights): Promise<Group> {
    const space = await this.#needs.spaces.of(permit.scope.org);
    return this.#change(permit, id, async (unit, group) => {
      const placement = space.device(device);
      if (!placement) throw refusedBy(permit, "group.manage", device, new Refusal("device.unknown"));
      if (placement.application !== group.application || placement.state === "retired")
        throw new Refusal("group.unfit");
      const after = admit(group, device, rights);
      const { read, write } = rights;
      // Whoever may not lease may not answer either.
      if (!read) await this.#needs.board.takeFrom(unit, device, id);
      unit.audit({ what: "group.memberAdmitted", about: id, facts: { device, read, write } });
      return after;
    });
  }

  /** It hears and says nothing more, and holds no task. @throws Refusal `group.unknown`, `device.unknown` */
  async expel(permit: Permit<"group.manage">, id: Id<"group">, device: Id<"device">): Promise<Group> {
    return this.#change(permit, id, async (unit, group) => {
      const after = expel(group, device);
      await this.#needs.board.takeFrom(unit, device, id);
      unit.audit({ what: "group.memberExpelled", about: id, facts: { device } });
      return after;
    });
  }

  /** With its tasks. */
  async delete(permit: Permit<"group.manage">, id: Id<"group">): Promise<void> {
    const { storage, spaces, rulings } = this.#needs;
    await storage.change(permit, async (unit) => {
      const group = fitting(permit, "group.manage", id, await groupsIn(unit).take(id));
      await groupsIn(unit).remove(id);
      // An older backup that has it brings an empty one.
      await noteMembers(rulings, unit, { ...group, members: new Map() });
      unit.audit({ what: "group.deleted", about: id, facts: { name: group.name } });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.groups.remove(id)));
    });
  }

  async #change(
    permit: Permit<"group.manage">,
    id: Id<"group">,
    change: (unit: Unit, group: Group) => Promise<Group>,
  ): Promise<Group> {
    return this.#needs.storage.change(permit, async (unit) => {
      const group = await change(unit, fitting(permit, "group.manage", id, await groupsIn(unit).take(id)));
      await this.#save(unit, group);
      return group;
    });
  }

  async #save(unit: Unit, group: Group): Promise<void> {
    const { spaces, rulings } = this.#needs;
    await groupsIn(unit).save(group);
    await noteMembers(rulings, unit, group);
    unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.groups.set(group.id, knownOf(group))));
  }
}

/** One of the application that leave was given for. */
function fitting<A extends "group.read" | "group.manage" | "group.task">(
  permit: Permit<A>,
  action: A,
  id: Id<"group">,
  group: Group | undefined,
): Group {
  if (group?.application === permit.on) return group;
  throw refusedBy(permit, action, id, new Refusal("group.unknown"));
}

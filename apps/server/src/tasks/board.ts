import {
  because,
  idFrom,
  newId,
  Refusal,
  type Clock,
  type Id,
  type Instant,
  type Random,
  type Report,
} from "@holdfast/kernel";
import type { TaskState } from "@holdfast/protocol";
import { asPlatform, inTurn, refusedBy, type Permit, type Space, type Spaces } from "../authority/index.ts";
import { groupsIn } from "../groups/index.ts";
import {
  AlteredRows,
  soundPageOf,
  type Allowed,
  type Page,
  type Sound,
  type Storage,
  type Unit,
} from "../storage/index.ts";
import { tasksIn } from "./postgres.ts";
import * as nouns from "./task.ts";
import type { Lease, Leased, Outcome, Task, Waiting } from "./task.ts";

const second = 1_000; // milliseconds
const day = 86_400 * second;
/** Of one group, open. */
const mostOpen = 10_000;
const mostBytes = 16_384;
const keptFor = 7 * day;
const dueAtOnce = 500;
/** What a device had leased that went and did not come back by then is anybody's. */
const handOver = 10 * second;

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  /** Members of the group who listen are told that something waits. */
  readonly tell: (space: Space, group: Id<"group">) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
};

export type Asked = {
  readonly name: string;
  readonly body?: unknown;
  /** Milliseconds. */ readonly expiresIn?: number | undefined;
};

type Coming = {
  readonly space: Space;
  readonly device: Id<"device">;
  readonly isConnected: boolean;
  readonly hasTurned: boolean;
};

type Puts = { begun: number; over: number };

/** Whoever asks as a device of a group. */
type Member = { readonly space: Space; readonly device: Id<"device">; readonly group: Id<"group"> };

/** Tasks that wait for any member of a group: each is had by one at a time, and passes on when that one is not there any more. */
export class Board {
  readonly #needs: Needs;
  /** Who went, until that is written down. */
  readonly #gone = new Map<Id<"device">, { readonly space: Space }>();
  /** Of each group in which tasks are being put, how many were begun and are over. */
  readonly #puts = new Map<Id<"group">, Puts>();
  readonly #altered: AlteredRows;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#altered = new AlteredRows(needs.report);
  }

  /** @throws Refusal `group.unknown`, `task.tooLarge`, `task.tooMany` */
  async put(permit: Permit<"group.task">, group: Id<"group">, asked: Asked): Promise<Task> {
    const { storage, random } = this.#needs;
    storage.admit();
    refuseTooLarge(asked.body);
    const id = newId("task", random);
    return this.#putting(group, (puts) =>
      storage.change(permit, async (unit) => {
        await this.#fitting(unit, permit, "group.task", group);
        const task = await this.#put(unit, puts, { id, group, by: whoIn(unit.actor) }, asked);
        unit.audit({ what: "task.put", about: group, facts: { task: id, name: task.name } });
        return task;
      }),
    );
  }

  /** @throws Refusal `task.unknown`, `task.over` */
  async cancel(permit: Permit<"group.task">, group: Id<"group">, id: Id<"task">): Promise<Task> {
    return this.#needs.storage.change(permit, async (unit) => {
      await this.#fitting(unit, permit, "group.task", group);
      const before = await tasksIn(unit).take(group, id);
      if (!before) throw new Refusal("task.unknown");
      const task = nouns.cancel(before, unit.at);
      await tasksIn(unit).save(task);
      unit.audit({ what: "task.cancelled", about: group, facts: { task: id, name: task.name } });
      return task;
    });
  }

  async read(permit: Permit<"group.read">, group: Id<"group">, id: Id<"task">): Promise<Task> {
    return this.#needs.storage.read(permit, async (unit) => {
      await this.#fitting(unit, permit, "group.read", group);
      const task = await tasksIn(unit).find(group, id);
      if (!task) throw new Refusal("task.unknown");
      return nouns.asOf(task, unit.at);
    });
  }

  async list(
    permit: Permit<"group.read">,
    group: Id<"group">,
    { state, ...asked }: { state?: TaskState | undefined; limit: number; cursor?: string | undefined },
  ): Promise<Page<Task> & Sound<Task, Id<"task">>> {
    const page = await soundPageOf(asked, (after, most) =>
      this.#needs.storage.read(permit, async (unit) => {
        await this.#fitting(unit, permit, "group.read", group);
        return tasksIn(unit).list(group, state, after, most);
      }),
    );
    this.#altered.tell(permit.scope.org, page.altered);
    return page;
  }

  /** By a member. The same under a key that it has used before is that task. @throws Refusal `group.unknown`, `task.tooLarge`, `task.tooMany`, `idempotency.reused` */
  async putBy(member: Member, asked: Asked, key?: string): Promise<Task> {
    const { space, device, group } = member;
    // The key need not be kept: the id follows from it, for nobody without the organisation's own.
    const keyed = key === undefined ? undefined : space.scope.index("task", `${group} ${device} ${key}`);
    const id = keyed ? idFrom("task", keyed.subarray(0, 16)) : newId("task", this.#needs.random);
    refuseTooLarge(asked.body);
    return this.#putting(group, (puts) =>
      this.#as(member, "write", async (unit) => {
        const before = keyed && (await tasksIn(unit).find(group, id));
        return before ? sameAs(before, asked) : this.#put(unit, puts, { id, group, by: device }, asked);
      }),
    );
  }

  /** So many of those that nobody has, the oldest first. @param length milliseconds @throws Refusal `group.unknown` */
  async lease(member: Member, most: number, length: number): Promise<readonly Leased[]> {
    return this.#as(member, "read", async (unit) => {
      const rows = tasksIn(unit);
      const leased: Leased[] = [];
      for (const task of await rows.takeFree(member.group, most)) {
        const taken = nouns.lease(task, member.device, unit.at, length);
        await rows.save(taken);
        leased.push(taken);
      }
      return leased;
    });
  }

  /** @param length milliseconds, from now on @throws Refusal `group.unknown`, `task.unknown`, `task.leaseOver` */
  async renew(member: Member, id: Id<"task">, lease: number, length: number): Promise<Leased> {
    return this.#turn(member, id, lease, (task, by, now) => nouns.renew(task, by, now, length));
  }

  /** Durable when this settles. @throws Refusal `group.unknown`, `task.unknown`, `task.leaseOver` */
  async answer(member: Member, id: Id<"task">, lease: number, outcome: Outcome): Promise<Task> {
    refuseTooLarge(outcome);
    return this.#turn(member, id, lease, (task, by, now) => nouns.answer(task, by, outcome, now));
  }

  /** Others may have it. @throws Refusal `group.unknown`, `task.unknown`, `task.leaseOver` */
  async release(member: Member, id: Id<"task">, lease: number): Promise<Task> {
    return this.#turn(member, id, lease, (task, by, now) => nouns.release(task, by, now));
  }

  /** Within the unit in which it is put out of a group, or of all: what it had leased there is anybody's at once. */
  async takeFrom(unit: Unit, device: Id<"device">, group?: Id<"group">): Promise<void> {
    const rows = tasksIn(unit);
    const held = await rows.takeHeld(device, group);
    for (const task of held) await rows.save(nouns.takeBack(task));
    for (const one of new Set(held.map((task) => task.group))) this.#tellAfter(unit, one);
    if (group) return;
    // What it leases in this very moment passes on as that of one that went.
    unit.afterCommit(() => {
      const space = this.#needs.spaces.at(unit.scope.org);
      if (space && space.groups.namesOf(device).size > 0) this.#gone.set(device, { space });
    });
  }

  /** A device came, or went. Whoever comes back before anybody had to know keeps what it has; that one is silent ends nothing. */
  heardOf({ space, device, isConnected, hasTurned }: Coming): void {
    if (!hasTurned) return;
    if (isConnected) this.#gone.delete(device);
    else if (space.groups.namesOf(device).size > 0) this.#gone.set(device, { space });
  }

  /** Each second: who went soon has nothing any more, what is over passes on, and what ended long ago goes. */
  async round(): Promise<void> {
    const { storage, spaces, clock, report } = this.#needs;
    const all = [...this.#gone]; // whoever goes meanwhile is for the next round
    for (const [device, gone] of all) {
      const isBack = () => this.#gone.get(device) !== gone;
      try {
        await this.#depart(gone.space, device, isBack);
        if (!isBack()) this.#gone.delete(device);
      } catch (error) {
        if (!(error instanceof Refusal)) report("That a device left its tasks was not written down.", because(error));
      }
    }
    const now = clock.now();
    const due = await storage.maintain.call<{ org: string }>("orgs_with_tasks_due", [now, now - keptFor]);
    await inTurn(spaces, due, ({ scope }) => storage.tally(asPlatform(scope), (unit) => this.#tidy(unit, now)));
  }

  async #tidy(unit: Unit, now: Instant): Promise<void> {
    const rows = tasksIn(unit);
    for (const task of await rows.takeDue(dueAtOnce)) {
      const after = nouns.asOf(task, unit.at);
      await rows.save(after);
      if (after.state === "waiting") this.#tellAfter(unit, after.group);
    }
    await rows.removeEndedBefore(now - keptFor);
  }

  async #depart(space: Space, device: Id<"device">, isBack: () => boolean): Promise<void> {
    if (space.closed || isBack()) return;
    await this.#needs.storage.tally(asPlatform(space.scope), async (unit) => {
      const rows = tasksIn(unit);
      const held = await rows.takeHeld(device);
      // Asked with the rows locked: whoever comes back from here on renews after this.
      if (!isBack()) for (const task of held) await rows.save(nouns.depart(task, unit.at, handOver));
    });
  }

  async #turn<T extends Task>(
    member: Member,
    id: Id<"task">,
    lease: number,
    turn: (task: Task, by: Lease, now: Instant) => T,
  ): Promise<T> {
    return this.#as(member, "read", async (unit) => {
      const before = await tasksIn(unit).take(member.group, id);
      if (!before) throw new Refusal("task.unknown");
      const after = turn(before, { holder: member.device, lease }, unit.at);
      await tasksIn(unit).save(after);
      if (after.state === "waiting") this.#tellAfter(unit, member.group);
      return after;
    });
  }

  /** As a member that is one until this is committed: whoever expels it waits, and then finds what it leased. */
  async #as<T>(
    { space, device, group: id }: Member,
    way: "read" | "write",
    work: (unit: Unit) => Promise<T>,
  ): Promise<T> {
    const { storage } = this.#needs;
    storage.admit();
    let done: { readonly it: T } | undefined;
    await storage.tally(asPlatform(space.scope), async (unit) => {
      const group = await groupsIn(unit).hold(id);
      const placement = space.device(device);
      const isMember = placement?.state === "active" && placement.application === group?.application;
      if (!isMember || !group?.members.get(device)?.[way]) throw new Refusal("group.unknown");
      done = { it: await work(unit) };
    });
    if (!done) throw new TypeError("a unit that committed did its work");
    return done.it;
  }

  async #fitting<A extends "group.read" | "group.task">(
    unit: Unit,
    permit: Permit<A>,
    action: A,
    id: Id<"group">,
  ): Promise<void> {
    const group = await groupsIn(unit).find(id);
    if (group?.application !== permit.on) throw refusedBy(permit, action, id, new Refusal("group.unknown"));
  }

  async #putting<T>(group: Id<"group">, work: (puts: Puts) => Promise<T>): Promise<T> {
    const puts = this.#puts.get(group) ?? { begun: 0, over: 0 };
    this.#puts.set(group, puts);
    puts.begun += 1;
    try {
      return await work(puts);
    } finally {
      puts.over += 1;
      if (puts.over === puts.begun) this.#puts.delete(group);
    }
  }

  async #put(unit: Unit, puts: Puts, place: Pick<Task, "id" | "group" | "by">, asked: Asked): Promise<Task> {
    const { name, body, expiresIn = day } = asked;
    const rows = tasksIn(unit);
    // Those that were not over when it was counted may not be among what is found, this one included.
    const { over } = puts;
    if ((await rows.countOpen(place.group)) + puts.begun - over > mostOpen) throw new Refusal("task.tooMany");
    const expiresAt = (unit.at + expiresIn) as Instant; // milliseconds both
    const task: Waiting = {
      ...place,
      state: "waiting",
      name,
      body,
      createdAt: unit.at,
      expiresAt,
      lease: 0,
      version: 1,
    };
    if (!(await rows.add(task))) {
      // Under the same key, and committed since this looked for it.
      const other = await rows.find(place.group, place.id);
      if (!other) throw new TypeError("a task that is in the way is there");
      return sameAs(other, asked);
    }
    this.#tellAfter(unit, place.group);
    return task;
  }

  #tellAfter(unit: Unit, group: Id<"group">): void {
    unit.afterCommit(() => {
      const space = this.#needs.spaces.at(unit.scope.org);
      if (space) this.#needs.tell(space, group);
    });
  }
}

/** @throws Refusal `idempotency.reused` */
function sameAs(task: Task, { name, body, expiresIn = day }: Asked): Task {
  const isOfThat = task.name === name && task.expiresAt - task.createdAt === expiresIn;
  if (isOfThat && JSON.stringify(task.body) === JSON.stringify(body)) return task;
  throw new Refusal("idempotency.reused");
}

/** @throws Refusal `task.tooLarge` */
function refuseTooLarge(body: unknown): void {
  if (Buffer.byteLength(JSON.stringify(body ?? null)) > mostBytes) throw new Refusal("task.tooLarge");
}

const whoIn = (actor: Allowed["actor"]): string =>
  actor.kind === "platform" ? "platform" : (actor.person ?? actor.id);

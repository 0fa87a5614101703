import { newId, Refusal, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { CommandState } from "@holdfast/protocol";
import {
  asPlatform,
  inPersonLately,
  inTurn,
  refusedBy,
  type Caller,
  type Permit,
  type Placement,
  type Reach,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import {
  AlteredRows,
  soundPageOf,
  type Allowed,
  type Listed,
  type Page,
  type Sound,
  type Unit,
} from "../storage/index.ts";
import { answer, approve, asOf, cancel, type Command, type Reply } from "./command.ts";
import { Courier, type CourierNeeds } from "./courier.ts";
import { endExpired, endOpen } from "./ends.ts";
import { refuseTooLarge, type Envelope } from "./envelope.ts";
import { rangeOf } from "./foreign.ts";
import { batchesIn, careIn, commandsIn, saveCommands, type Batch } from "./postgres.ts";

type Needs = CourierNeeds & { readonly spaces: Spaces; readonly random: Random };

export type Asked = {
  readonly name: string;
  readonly body?: unknown;
  /** Milliseconds. */
  readonly expiresIn?: number | undefined;
};

export type BatchState = {
  readonly batch: Batch;
  readonly counts: Readonly<Record<CommandState, number>>;
};

type CommandPage = Page<Command> & Sound<Command, Id<"command">>;

export type Listing = {
  readonly state?: CommandState | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
};

const hour = 3_600_000;
/** Open commands of one device, and devices of one batch. */
const [mostOpen, mostDevices] = [100, 10_000];
/** How long one that is over is kept. */
const keptFor = 30 * 24 * hour;

/** Commands to devices: sent, approved, cancelled, answered; each is durable before anybody is told of it. */
export class Commands {
  readonly #needs: Needs;
  readonly #courier: Courier;
  readonly #altered: AlteredRows;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#altered = new AlteredRows(needs.report);
    this.#courier = new Courier(needs);
  }

  /** @throws Refusal `device.retired`, `command.tooLarge`, `command.tooMany` */
  async send(permit: Permit<"command.send">, asked: Asked): Promise<Command> {
    const { storage, spaces, seals, random } = this.#needs;
    storage.admit();
    refuseTooLarge(asked.body);
    const device = permit.on;
    const space = await spaces.of(permit.scope.org);
    const id = newId("command", random);
    return storage.change(permit, async (unit) => {
      const placement = space.device(device);
      if (!placement || placement.state === "retired") throw new Refusal("device.retired");
      const rows = commandsIn(unit, device, await seals.of(unit, device));
      if ((await rows.countOpen()) >= mostOpen) throw new Refusal("command.tooMany");
      const command = begun(
        unit,
        { id, device, state: stateOf(space, placement, asked.name), batch: undefined },
        asked,
      );
      await rows.save(command);
      const { name, state } = command;
      unit.audit({ what: "command.sent", about: device, facts: { command: id, name, state } });
      if (state === "waiting") unit.afterCommit(() => this.#courier.woken(space, device));
      return command;
    });
  }

  async read(permit: Permit<"command.read">, id: Id<"command">): Promise<Command> {
    const { storage, seals } = this.#needs;
    const found = await storage.read(permit, async (unit) => {
      const command = await commandsIn(unit, permit.on, await seals.of(unit, permit.on)).find(id);
      return command && asOf(command, unit.at);
    });
    if (!found) throw refusedBy(permit, "command.read", id, new Refusal("command.unknown"));
    return found;
  }

  async list(permit: Permit<"command.read">, { state, ...asked }: Listing): Promise<CommandPage> {
    const { storage, seals } = this.#needs;
    const page = await soundPageOf(asked, (after, most) =>
      storage.read(permit, async (unit) =>
        commandsIn(unit, permit.on, await seals.of(unit, permit.on)).list(state, after, most),
      ),
    );
    this.#altered.tell(permit.scope.org, page.altered);
    return page;
  }

  /** @throws Refusal `command.over` */
  async cancel(permit: Permit<"command.send">, id: Id<"command">): Promise<Command> {
    return this.#turn(permit, id, "command.cancelled", (command, unit) => cancel(command, unit.at));
  }

  /** Somebody in person, who has proved lately who she is. @throws Refusal `permit.missing`, `confirmation.required`, `command.over` */
  async approve(permit: Permit<"command.send">, id: Id<"command">): Promise<Command> {
    const person = inPersonLately(permit, "command.send");
    const approved = await this.#turn(permit, id, "command.approved", (command) => approve(command, person));
    this.#courier.woken(await this.#needs.spaces.of(permit.scope.org), permit.on);
    return approved;
  }

  /**
   * To each device that is wanted and that the caller may send it to: one batch, and a command for each.
   * @throws Refusal `device.unknown`, `command.tooMany`, `command.tooLarge`
   */
  async sendToMany(
    reach: Reach<"command.send">,
    caller: Caller,
    isWanted: (placement: Placement) => boolean,
    asked: Asked,
  ): Promise<BatchState> {
    const { storage, seals, random } = this.#needs;
    storage.admit();
    refuseTooLarge(asked.body);
    const { space } = caller;
    const isMeant = (id: Id<"device">, placement: Placement): boolean =>
      placement.state !== "retired" && isWanted(placement) && caller.mayDevice("command.send", id);
    const wanted = [...space.devices].filter(([id, placement]) => isMeant(id, placement));
    if (wanted.length === 0) throw new Refusal("device.unknown");
    if (wanted.length > mostDevices) throw new Refusal("command.tooMany");
    const id = newId("commandBatch", random);
    return storage.change(reach, async (unit) => {
      // They may have been retired, or have become others, while this waited for its turn.
      const there = wanted.flatMap(([device]) => {
        const placement = space.device(device);
        return placement && isMeant(device, placement) ? [{ device, placement }] : [];
      });
      const devices = there.map(({ device }) => device);
      const all = await seals.ofMany(unit, devices);
      const periods = all.map(({ period }) => period);
      const full = await careIn(unit).fullOf(devices, periods, mostOpen);
      if (full) throw new Refusal("command.tooMany", { detail: `It is ${full}.` });
      const commands = there.flatMap(({ device, placement }, at) => {
        const [state, seal] = [stateOf(space, placement, asked.name), all[at]];
        const place = { id: newId("command", random), device, state, batch: id };
        return seal ? [{ command: begun(unit, place, asked), seal }] : [];
      });
      const [first] = commands;
      if (!first) throw new Refusal("device.unknown");
      const { name, by, createdAt, expiresAt } = first.command;
      const batch: Batch = { id, name, by, createdAt, expiresAt };
      await batchesIn(unit).add(batch);
      await saveCommands(unit, commands);
      unit.audit({ what: "command.batchSent", about: id, facts: { name, devices: commands.length } });
      const waiting = commands.filter(({ command }) => command.state === "waiting");
      unit.afterCommit(() => {
        for (const { command } of waiting) this.#courier.woken(space, command.device);
      });
      const counts = { ...none, proposed: commands.length - waiting.length, waiting: waiting.length };
      return { batch, counts };
    });
  }

  /** @throws Refusal `command.unknown`, also where none of its devices is within reach */
  async batch(reach: Reach<"command.read">, id: Id<"commandBatch">): Promise<BatchState> {
    return this.#needs.storage.read(reach, (unit) => this.#batch(unit, reach, id));
  }

  async #batch(unit: Unit, reach: Reach<"command.read">, id: Id<"commandBatch">): Promise<BatchState> {
    const batch = await batchesIn(unit).find(id);
    const counts = batch && (await batchesIn(unit).counts(id, reach));
    if (!batch || !counts || totalOf(counts) === 0) throw new Refusal("command.unknown");
    return { batch, counts };
  }

  async ofBatch(reach: Reach<"command.read">, id: Id<"commandBatch">, asked: Listing): Promise<CommandPage> {
    const { storage, seals } = this.#needs;
    const page = await soundPageOf(asked, (after, most) =>
      storage.read(reach, async (unit) => {
        await this.#batch(unit, reach, id);
        const rows = await batchesIn(unit).list(id, reach, { state: asked.state, after, most });
        const all = await seals.ofMany(
          unit,
          rows.map(({ device }) => device),
        );
        const found: Listed<Command, Id<"command">>[] = [];
        for (const [at, { device, command }] of rows.entries()) {
          const seal = all[at];
          // Of a device that has become somebody else's nothing is shown but that it was among them.
          const one = seal && (await commandsIn(unit, device, seal).listedOne(command));
          if (one) found.push(one);
        }
        return found;
      }),
    );
    this.#altered.tell(reach.scope.org, page.altered);
    return page;
  }

  /** A device listens, or listens again. */
  async arrived(space: Space, device: Id<"device">): Promise<void> {
    this.#courier.arrived(space, device);
  }

  /** For a device without MQTT. */
  async fetch(permit: Permit<"telemetry.write">, space: Space, patience: number): Promise<readonly Envelope[]> {
    const found = await this.#courier.fetch(space, permit.on, patience);
    permit.askAgain(); // it may have waited
    return found;
  }

  /** @throws Refusal `command.unknown`, `command.notSent` */
  async acknowledge(space: Space, device: Id<"device">, id: Id<"command">): Promise<void> {
    await this.#courier.acknowledged(space, device, id);
  }

  /** What the device says became of it is durable when this settles. @throws Refusal `command.unknown`, `command.notSent`, `command.answered` */
  async reply(space: Space, device: Id<"device">, id: Id<"command">, reply: Reply): Promise<void> {
    await this.#courier.change(space, device, id, (command, unit) => answer(asOf(command, unit.at), reply, unit.at));
  }

  /** By the number under which other firmware knows it. @throws Refusal as `reply` does */
  async replyBy(space: Space, device: Id<"device">, number: number, reply: Reply): Promise<void> {
    const { storage, seals } = this.#needs;
    const found = await storage.read(asPlatform(space.scope), async (unit) =>
      commandsIn(unit, device, await seals.of(unit, device)).within(rangeOf(number)),
    );
    if (!found) throw new Refusal("command.unknown");
    await this.reply(space, device, found.id, reply);
  }

  /** Each second: what has expired is written down, what was over long ago goes, and what could not be brought is tried again. */
  async round(): Promise<void> {
    const { storage, clock, spaces } = this.#needs;
    this.#courier.round();
    const now = clock.now();
    const due = await storage.maintain.call<{ org: string }>("orgs_with_commands_due", [now, now - keptFor]);
    await inTurn(spaces, due, ({ scope }) => storage.tally(asPlatform(scope), (unit) => this.#tidy(unit, now)));
  }

  async #tidy(unit: Unit, now: Instant): Promise<void> {
    await endExpired(this.#needs.seals, unit);
    await careIn(unit).removeEndedBefore(now - keptFor);
  }

  /** Within the unit that retires the device. */
  endIn(unit: Unit, device: Id<"device">): Promise<void> {
    return endOpen(this.#needs.seals, unit, device);
  }

  async #turn(
    permit: Permit<"command.send">,
    id: Id<"command">,
    what: string,
    turn: (command: Command, unit: Unit) => Command,
  ): Promise<Command> {
    const { storage, seals } = this.#needs;
    return storage.change(permit, async (unit) => {
      const rows = commandsIn(unit, permit.on, await seals.of(unit, permit.on));
      const before = await rows.take(id);
      if (!before) throw refusedBy(permit, "command.send", id, new Refusal("command.unknown"));
      const after = turn(asOf(before, unit.at), unit);
      await rows.save(after);
      unit.audit({ what, about: permit.on, facts: { command: id, name: after.name, from: before.state } });
      return after;
    });
  }
}

const none = {
  proposed: 0,
  waiting: 0,
  sent: 0,
  acknowledged: 0,
  answered: 0,
  failed: 0,
  expired: 0,
  cancelled: 0,
} as const satisfies Record<CommandState, number>;

export const totalOf = (counts: BatchState["counts"]): number =>
  Object.values(counts).reduce((sum, one) => sum + one, 0);

/** What a door calls dangerous waits for a person. */
const stateOf = (space: Space, placement: Placement, name: string): "proposed" | "waiting" =>
  space.doorsOf(placement).some(({ door }) => door.dangerous?.includes(name)) ? "proposed" : "waiting";

function begun(
  unit: Pick<Unit, "at" | "actor">,
  place: Pick<Command, "id" | "device" | "batch"> & { readonly state: "proposed" | "waiting" },
  { name, body, expiresIn = hour }: Asked,
): Command {
  const expiresAt = (unit.at + expiresIn) as Instant; // a sum of milliseconds
  return { ...place, name, body, by: whoIn(unit.actor), createdAt: unit.at, expiresAt, version: 1 };
}

const whoIn = (actor: Allowed["actor"]): string =>
  actor.kind === "platform" ? "platform" : (actor.person ?? actor.id);

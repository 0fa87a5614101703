import { because, Refusal, type Clock, type Id, type Report, type Timers } from "@holdfast/kernel";
import type { Properties } from "@holdfast/mqtt";
import { childRpcTopic, commandTopic } from "@holdfast/protocol";
import { asPlatform, type Space } from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import type { DeviceSeals } from "../telemetry/index.ts";
import { acknowledge, isDeliverable, send, type Command, type Sent } from "./command.ts";
import { bytesOf, envelopeOf, propertiesOf, type Envelope } from "./envelope.ts";
import { foreignMessages, foreignTopics } from "./foreign.ts";
import { commandsIn } from "./postgres.ts";

/** Whoever gets messages to devices that are connected. */
interface ToDevice {
  reaches(space: Space, device: Id<"device">, topic: string): boolean;
  nameAt(space: Space, device: Id<"device">, topic: string): string | undefined;
  send(
    space: Space,
    device: Id<"device">,
    message: { topic: string; payload: Uint8Array; properties: Properties },
    told: { acknowledged(): void; lost(): void },
  ): void;
}

export type CourierNeeds = {
  readonly storage: Storage;
  readonly seals: DeviceSeals;
  readonly toDevice: ToDevice;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly report: Report;
  /** Whoever waits for a command is let go. */
  readonly signal: AbortSignal;
};

/** A device gets so many at once. */
const mostAtOnce = 100;
/** Devices that are looked after at the same time, and requests of one device that may wait. */
const [atOnce, mostWaiting] = [8, 4];

type Left = { readonly command: Sent; readonly again: boolean };
type Which = "waiting" | "unacknowledged";

/** Brings commands to devices. That one has left is written down before it does, so that `again: false` is never said twice of it. */
export class Courier {
  readonly #needs: CourierNeeds;
  /** Devices that something is to be brought to, and which of their commands. */
  readonly #due = new Map<Id<"device">, { readonly space: Space; readonly which: Which }>();
  /** Where it failed; tried again by the round. */
  readonly #failed = new Map<Id<"device">, { readonly space: Space; readonly which: Which }>();
  readonly #underWay = new Set<Id<"device">>();
  readonly #waiting = new Map<Id<"device">, Set<() => void>>();

  constructor(needs: CourierNeeds) {
    this.#needs = needs;
    needs.signal.addEventListener("abort", () => this.#wakeAll(), { once: true });
  }

  /** It waits for the device from now on. */
  woken(space: Space, device: Id<"device">): void {
    for (const wake of this.#waiting.get(device) ?? []) wake();
    this.#put(space, device, "waiting");
  }

  /** The device listens: what it has not acknowledged it gets, or gets again. */
  arrived(space: Space, device: Id<"device">): void {
    this.#put(space, device, "unacknowledged");
  }

  /** What could not be brought is tried again. */
  round(): void {
    const failed = [...this.#failed];
    this.#failed.clear();
    for (const [device, { space, which }] of failed) this.#put(space, device, which);
  }

  /** For a device that asks over HTTP: what it has not acknowledged, or the next that comes within so many milliseconds. */
  async fetch(space: Space, device: Id<"device">, patience: number): Promise<readonly Envelope[]> {
    const { clock, timers, signal } = this.#needs;
    const wakers = this.#waiting.get(device) ?? new Set();
    if (wakers.size >= mostWaiting) throw new Refusal("rate.exceeded", { retryAfterSeconds: 30 });
    this.#waiting.set(device, wakers);
    let woken = Promise.withResolvers<void>();
    const wake = () => woken.resolve();
    let isOver = patience <= 0;
    const timer = timers.after(patience, () => {
      isOver = true;
      wake();
    });
    wakers.add(wake);
    try {
      for (;;) {
        woken = Promise.withResolvers<void>(); // before it looks: what comes meanwhile wakes it
        const found = await this.#leave(space, device, () => true);
        if (found.length > 0) return found.map(({ command, again }) => envelopeOf(command, again, clock.now()));
        if (isOver || signal.aborted) return [];
        await woken.promise;
      }
    } finally {
      timer.cancel();
      wakers.delete(wake);
      if (wakers.size === 0) this.#waiting.delete(device);
    }
  }

  /** @throws Refusal `command.unknown`, `command.notSent` */
  async acknowledged(space: Space, device: Id<"device">, id: Id<"command">): Promise<void> {
    await this.change(space, device, id, (command, unit) => acknowledge(command, unit.at));
  }

  /** One command of a device becomes another, by what the device says. @throws Refusal `command.unknown` */
  async change(
    space: Space,
    device: Id<"device">,
    id: Id<"command">,
    become: (command: Command, unit: Unit) => Command,
  ): Promise<void> {
    await this.#needs.storage.tally(asPlatform(space.scope), async (unit) => {
      const rows = commandsIn(unit, device, await this.#needs.seals.of(unit, device));
      const before = await rows.take(id);
      if (!before) throw new Refusal("command.unknown");
      const after = become(before, unit);
      if (after !== before) await rows.save(after);
    });
  }

  #put(space: Space, device: Id<"device">, which: Which): void {
    const isAll = which === "unacknowledged" || this.#due.get(device)?.which === "unacknowledged";
    this.#due.set(device, { space, which: isAll ? "unacknowledged" : "waiting" });
    this.#go();
  }

  #go(): void {
    for (const [device, { space, which }] of this.#due) {
      if (this.#underWay.size >= atOnce) return;
      if (this.#underWay.has(device)) continue;
      this.#due.delete(device);
      this.#underWay.add(device);
      void this.#bring(space, device, which).finally(() => {
        this.#underWay.delete(device);
        this.#go();
      });
    }
  }

  /** Never rejects. */
  async #bring(space: Space, device: Id<"device">, which: Which): Promise<void> {
    const { toDevice, clock, report } = this.#needs;
    try {
      const child = toDevice.nameAt(space, device, childRpcTopic(device));
      const left = await this.#leave(
        space,
        device,
        (command) =>
          (which === "unacknowledged" || command.state === "waiting") &&
          (child !== undefined || topicsOf(command).some((topic) => toDevice.reaches(space, device, topic))),
      );
      for (const { command, again } of left) {
        const now = clock.now();
        const properties = propertiesOf(command, now);
        const payload = bytesOf(envelopeOf(command, again, now));
        const told = {
          acknowledged: () => void this.#note(space, device, command.id),
          lost: () => void this.#failed.set(device, { space, which: "unacknowledged" }),
        };
        toDevice.send(space, device, { topic: commandTopic(device, command.name), payload, properties }, told);
        const { messageExpiryInterval } = properties;
        for (const message of foreignMessages(command, child))
          toDevice.send(space, device, { ...message, properties: { messageExpiryInterval } }, told);
      }
    } catch (error) {
      if (!space.closed) this.#failed.set(device, { space, which });
      if (!(error instanceof Refusal)) report("Commands were not brought by our own fault.", because(error));
    }
  }

  /** Never rejects: an acknowledgement that is not written down is one that did not come. */
  async #note(space: Space, device: Id<"device">, id: Id<"command">): Promise<void> {
    try {
      await this.acknowledged(space, device, id);
    } catch (error) {
      if (!(error instanceof Refusal))
        this.#needs.report("A command's state was not kept by our own fault.", because(error));
    }
  }

  /** Writes down that they leave. */
  async #leave(space: Space, device: Id<"device">, isWanted: (command: Command) => boolean): Promise<readonly Left[]> {
    const { storage, seals } = this.#needs;
    const platform = asPlatform(space.scope);
    const find = async (unit: Unit) => commandsIn(unit, device, await seals.of(unit, device)).deliverable(mostAtOnce);
    const found = (await storage.read(platform, find)).filter(isWanted);
    if (found.length === 0 || space.device(device)?.state !== "active") return [];
    let left: Left[] = [];
    await storage.tally(platform, async (unit) => {
      left = [];
      const rows = commandsIn(unit, device, await seals.of(unit, device));
      for (const { id } of found) {
        const command = await rows.take(id);
        if (!command || !isDeliverable(command) || command.expiresAt <= unit.at) continue;
        const again = command.state === "sent";
        const sent = send(command, unit.at);
        if (!again) await rows.save(sent);
        left.push({ command: sent, again });
      }
    });
    return left;
  }

  #wakeAll(): void {
    for (const wakers of this.#waiting.values()) for (const wake of wakers) wake();
  }
}

/** Where the device may listen for it. */
const topicsOf = (command: Command): readonly string[] => [
  commandTopic(command.device, command.name),
  ...foreignTopics(command),
];

import { isRefusal, Refusal, type Id, type Report } from "@holdfast/kernel";
import {
  attributesResponseTopic,
  childAttributesResponseTopic,
  childAttributesTopic,
  desiredTopic,
  reportedTopic,
  sharedAttributesTopic,
  type ChildAsked,
} from "@holdfast/protocol";
import { asPlatform, readableAttributes, type Permit, type Space, type Spaces } from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { misfitOf, type DeviceSeals } from "../telemetry/index.ts";
import { only, type Document } from "./document.ts";
import {
  attributesMessageOf,
  attributesMessageOfChild,
  sharedMessageOf,
  sharedMessageOfChild,
  type AttributesAsked,
} from "./foreign.ts";
import { twinsIn } from "./postgres.ts";
import { isOfPorts } from "./ports.ts";
import { Reports } from "./reports.ts";
import { change, messageOf, shownOf, type Change, type Side, type Twin } from "./twin.ts";

/** Whoever gets messages to devices that are connected. */
interface ToDevice {
  reaches(space: Space, device: Id<"device">, topic: string): boolean;
  nameAt(space: Space, device: Id<"device">, topic: string): string | undefined;
  send(
    space: Space,
    device: Id<"device">,
    message: { readonly topic: string; readonly payload: Uint8Array },
    told: { lost(): void },
  ): void;
}

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly seals: DeviceSeals;
  readonly toDevice: ToDevice;
  /** The device could not be told, and is to be told later. */
  readonly missed: (space: Space, device: Id<"device">) => void;
  readonly report: Report;
};

/** What is wanted of devices, and what they say of themselves. */
export class Twins {
  readonly #needs: Needs;
  readonly #reports: Reports;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#reports = new Reports(needs.storage, (unit, space, device, patches) =>
      this.#take(unit, space, device, patches),
    );
  }

  async read(permit: Permit<"twin.read">): Promise<Twin> {
    const twin = await this.#needs.storage.read(permit, (unit) => this.#find(unit, permit.on));
    return shownOf(twin, readableAttributes(permit));
  }

  async changes(permit: Permit<"twin.read">): Promise<readonly Change[]> {
    const isShown = readableAttributes(permit);
    const all = await this.#needs.storage.read(permit, async (unit) =>
      twinsIn(unit, permit.on, await this.#needs.seals.of(unit, permit.on)).changes(),
    );
    return isShown ? all.map((one) => ({ ...one, patch: only(one.patch, isShown) })) : all;
  }

  /** @throws Refusal `request.conflict`, `twin.unfit`, `twin.tooLarge`, `device.retired` */
  async update(permit: Permit<"twin.update">, patch: Document, versions: readonly number[] | undefined): Promise<Twin> {
    const { storage, spaces } = this.#needs;
    storage.admit();
    const device = permit.on;
    const space = await spaces.of(permit.scope.org);
    return storage.change(permit, async (unit) => {
      const placement = space.device(device);
      if (placement?.state === "retired") throw new Refusal("device.retired");
      const rows = twinsIn(unit, device, await this.#needs.seals.of(unit, device));
      const before = await rows.take();
      if (versions && !versions.includes(before.desired.version)) throw new Refusal("request.conflict");
      const after = change(before, "desired", patch, unit.at, misfitIn(space, device, "desired"));
      await rows.save(after);
      const { version } = after.desired;
      await rows.note({ side: "desired", version, at: unit.at, by: whoIn(unit), patch });
      unit.audit({ what: "twin.updated", about: device, facts: { version, fields: Object.keys(patch).slice(0, 32) } });
      unit.afterCommit(() => this.#send(space, device, after));
      return after;
    });
  }

  /** What a device says of itself is durable when this settles. @throws Refusal */
  async report(space: Space, device: Id<"device">, patch: Document): Promise<Twin> {
    this.#needs.storage.admit();
    return this.#reports.add(space, device, patch);
  }

  /** The same in other words than ours; whoever listens over MQTT hears it in ours. @throws Refusal */
  async reportForeign(space: Space, device: Id<"device">, patch: Document): Promise<void> {
    await this.report(space, device, patch);
    const payload = new TextEncoder().encode(JSON.stringify(patch));
    this.#needs.toDevice.send(space, device, { topic: reportedTopic(device), payload }, { lost() {} });
  }

  /** Answers a device that asks in other words than ours. */
  async answer(space: Space, device: Id<"device">, number: number, asked: AttributesAsked): Promise<void> {
    const { storage, toDevice } = this.#needs;
    const twin = await storage.read(asPlatform(space.scope), (unit) => this.#find(unit, device));
    const message = { topic: attributesResponseTopic(device, number), payload: attributesMessageOf(twin, asked) };
    toDevice.send(space, device, message, { lost() {} });
  }

  /** The same of a gateway that asks about a child. */
  async answerAboutChild(space: Space, device: Id<"device">, asked: ChildAsked): Promise<void> {
    const { storage, toDevice } = this.#needs;
    const twin = await storage.read(asPlatform(space.scope), (unit) => this.#find(unit, device));
    const payload = attributesMessageOfChild(twin, asked);
    toDevice.send(space, device, { topic: childAttributesResponseTopic(device), payload }, { lost() {} });
  }

  async ofDevice(permit: Permit<"telemetry.write">): Promise<Twin> {
    return this.#needs.storage.read(permit, (unit) => this.#find(unit, permit.on));
  }

  /** A device listens from now on: it hears what it has still to take over, where anything was ever wanted of it. */
  async arrived(space: Space, device: Id<"device">): Promise<void> {
    const { storage, toDevice, report } = this.#needs;
    const topics = [desiredTopic(device), sharedAttributesTopic(device)];
    const isThere = topics.some((topic) => toDevice.reaches(space, device, topic));
    if (!isThere && toDevice.nameAt(space, device, childAttributesTopic(device)) === undefined) return;
    try {
      const twin = await storage.read(asPlatform(space.scope), (unit) => this.#find(unit, device));
      if (twin.desired.version > 0) this.#send(space, device, twin);
    } catch (error) {
      // It keeps the device from nothing else, and does not get better by being read again.
      if (!isRefusal(error, "seal.broken")) throw error;
      const what = "A twin was altered in the database: its device is not told what is wanted of it.";
      report(what, { level: "error", code: "seal.broken", org: space.org, device });
    }
  }

  #send(space: Space, device: Id<"device">, twin: Twin): void {
    const { toDevice, missed } = this.#needs;
    const told = { lost: () => missed(space, device) };
    toDevice.send(space, device, { topic: desiredTopic(device), payload: messageOf(twin) }, told);
    const own = sharedAttributesTopic(device);
    const payload = toDevice.reaches(space, device, own) ? sharedMessageOf(twin) : undefined;
    if (payload) toDevice.send(space, device, { topic: own, payload }, told);
    const topic = childAttributesTopic(device);
    const name = toDevice.nameAt(space, device, topic);
    const toGateway = name === undefined ? undefined : sharedMessageOfChild(twin, name);
    if (toGateway) toDevice.send(space, device, { topic, payload: toGateway }, told);
  }

  async #find(unit: Unit, device: Id<"device">): Promise<Twin> {
    return twinsIn(unit, device, await this.#needs.seals.of(unit, device)).find();
  }

  /** One after the other; one that is refused changes nothing. */
  async #take(
    unit: Unit,
    space: Space,
    device: Id<"device">,
    patches: readonly Document[],
  ): Promise<readonly (Twin | Refusal)[]> {
    const rows = twinsIn(unit, device, await this.#needs.seals.of(unit, device));
    const misfit = misfitIn(space, device, "reported");
    let twin = await rows.take();
    const answers: (Twin | Refusal)[] = [];
    for (const patch of patches) {
      try {
        const after = change(twin, "reported", patch, unit.at, misfit);
        await rows.note({ side: "reported", version: after.reported.version, at: unit.at, by: device, patch });
        twin = after;
        answers.push(twin);
      } catch (error) {
        if (!(error instanceof Refusal) || !error.code.startsWith("twin.")) throw error;
        answers.push(error);
      }
    }
    if (answers.some((answer) => !(answer instanceof Refusal))) await rows.save(twin);
    return answers;
  }
}

/** Named for the log of changes: the person, where there is one. */
const whoIn = ({ actor }: Unit): string => (actor.kind === "platform" ? "platform" : (actor.person ?? actor.id));

/** A field under the name of an attribute is what the product says; what the device says of itself its door has to let in as well. */
function misfitIn(
  space: Space,
  device: Id<"device">,
  side: Side,
): (name: string, value: unknown) => string | undefined {
  const placement = space.device(device);
  const schema = placement?.product && space.product(placement.product);
  const doors = placement && side === "reported" ? space.doorsOf(placement) : [];
  return (name, value) => {
    const shut = doors.find(({ writable }) => writable && !writable.has(name));
    if (shut) return `is not let in by the door of ${shut.of}`;
    // What it says of its ports is not for its product to leave out.
    const isSaid = side === "reported" && !schema?.types.has(name) && isOfPorts(name, value);
    return isSaid ? undefined : misfitOf(schema, name, value);
  };
}

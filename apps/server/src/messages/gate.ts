import type { Gate } from "@holdfast/mqtt";
import type { Id } from "@holdfast/kernel";
import { parseTopic } from "@holdfast/protocol";
import type { Caller } from "../authority/index.ts";

// MQTT 5, table 2-6.
const notAuthorized = 0x87;
const topicNameInvalid = 0x90;

/**
 * A caller's authority over topics, as long as nothing changes in its space: the broker compares the two epochs before each byte
 * it reads and each message it delivers, and keeps the answers in between. A use is noted when it is asked, so once an hour for what goes on.
 */
export class MessageGate implements Gate {
  readonly cell: { readonly epoch: number };
  readonly epoch: number;
  readonly expiresAt: number | undefined;
  readonly #caller: Caller;

  constructor(caller: Caller, expiresAt = caller.expiresAt) {
    this.#caller = caller;
    this.cell = caller.space.cell;
    this.epoch = this.cell.epoch;
    this.expiresAt = expiresAt;
  }

  publish(topic: string): number {
    const parsed = parseTopic(topic);
    if (!parsed) return topicNameInvalid;
    if (!this.#caller.mayDevice("telemetry.write", parsed.device))
      return this.#refuse("telemetry.write", parsed.device);
    this.#caller.noteUse("telemetry.write", parsed.device);
    return 0;
  }

  /** A device is held by its mounts. A program may ask for any filter: what it gets is decided at each delivery. */
  subscribe(filter: string): number {
    const caller = this.#caller;
    const exact = parseTopic(filter);
    if (caller.space.lists.deniesFilter(filter, caller.now())) return notAuthorized;
    if (caller.credential.device) return 0;
    if (exact) return this.#mayHear(exact.device) ? 0 : this.#refuse("telemetry.read", exact.device);
    const may = caller.mayAnywhere("telemetry.read");
    if (may) caller.noteUse("telemetry.read");
    else caller.noteRefused("telemetry.read");
    return may ? 0 : notAuthorized;
  }

  receive(topic: string): boolean {
    const parsed = parseTopic(topic);
    return parsed !== undefined && this.#mayHear(parsed.device);
  }

  /** A message goes out as it came: to nobody from whom the device's door hides any of its attributes. */
  #mayHear(device: Id<"device">): boolean {
    const may = this.#caller.mayDevice("telemetry.read", device) && this.#caller.attributesOf(device) === undefined;
    if (may) this.#caller.noteUse("telemetry.read", device);
    return may;
  }

  /** What was asked for by name: that something is not delivered to whoever asked for all is no refusal. */
  #refuse(action: "telemetry.write" | "telemetry.read", device: Id<"device">): number {
    const target = this.#caller.target("device", device);
    const decision = target && this.#caller.decide(action, target);
    // Granted, and the door hides attributes.
    if (decision)
      this.#caller.noteRefused(action, device, decision.allowed ? { ...decision, clause: "attributes" } : decision);
    return notAuthorized;
  }
}

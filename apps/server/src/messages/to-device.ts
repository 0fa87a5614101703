import type { Broker, Properties } from "@holdfast/mqtt";
import type { Id } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import { Introductions } from "./introductions.ts";
import type { MessageLog } from "./log.ts";

type Message = { readonly topic: string; readonly payload: Uint8Array; readonly properties?: Properties };

/** What became of it, as far as anybody waits for that. */
type Told = {
  /** The device has it, or its gateway (PUBACK). */
  acknowledged?(): void;
  /** It could not be kept, and went to nobody. */
  lost?(): void;
};

/**
 * Messages of the platform's own to devices that are connected, and to programs that listen. Nothing of them waits for a device that is away: what
 * it has to know is given again when it comes.
 */
export class ToDevice {
  #parts: { readonly broker: Broker; readonly log: MessageLog } | undefined;

  /** Of gateways that name their children before they hear of them. */
  readonly introductions = new Introductions();

  /** From now on there is somebody to be reached. */
  serve(parts: { readonly broker: Broker; readonly log: MessageLog }): void {
    this.#parts = parts;
  }

  reaches(space: Space, device: Id<"device">, topic: string): boolean {
    const { broker } = this.#parts ?? {};
    const gateway = space.device(device)?.gateway;
    if (!broker) return false;
    return broker.reaches(space, topic, device) || (gateway !== undefined && broker.reaches(space, topic, gateway));
  }

  /** By which name the device's gateway knows it, where that has named it and listens to such a topic. */
  nameAt(space: Space, device: Id<"device">, topic: string): string | undefined {
    const gateway = space.device(device)?.gateway;
    const name = gateway && this.introductions.nameOf(gateway, device);
    if (!gateway || name === undefined) return undefined;
    return this.#parts?.broker.reaches(space, topic, gateway) ? name : undefined;
  }

  /** To whoever is there and listens, and may hear it. */
  tell(space: Space, message: Message): void {
    if (!this.#parts || space.closed || !this.#parts.broker.isOwed(space, message.topic)) return;
    const { broker, log } = this.#parts;
    const publication = broker.offer(space, { ...message, qos: 1, retain: false, present: { acknowledged() {} } });
    if (publication.code > 0) return;
    if (publication.record) log.append(space, publication.record, (code) => publication.settle(code));
    else publication.settle(0);
  }

  /** At QoS 1, or less where that is what was subscribed to. */
  send(space: Space, device: Id<"device">, message: Message, told: Told = {}): void {
    // Nobody is there, or everybody comes anew: then it is given again.
    if (!this.#parts || space.closed || !this.#parts.broker.isOwed(space, message.topic)) return;
    const { broker, log } = this.#parts;
    const acknowledged = (principal: string) => {
      if (principal === device || principal === space.device(device)?.gateway) told.acknowledged?.();
    };
    const publication = broker.offer(space, { ...message, qos: 1, retain: false, present: { acknowledged } });
    if (publication.code > 0) return told.lost?.(); // somebody who listens has no room, and the platform is set so
    const settle = (code: number) => {
      publication.settle(code);
      if (code !== 0) told.lost?.();
    };
    if (publication.record) log.append(space, publication.record, settle);
    else settle(0);
  }
}

import type { Broker, Properties } from "@holdfast/mqtt";
import type { Id } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import { Introductions } from "./introductions.ts";

type Message = { readonly topic: string; readonly payload: Uint8Array; readonly properties?: Properties };

/** What became of it, as far as anybody waits for that. */
type Told = {
  /** The device has it, or its gateway (PUBACK). */
  acknowledged?(): void;
  /** It went to nobody. */
  lost?(): void;
};

/**
 * Messages of the platform's own to devices that are connected, and to programs that listen. Nothing of them waits for a device that is away: what
 * it has to know is given again when it comes, so nothing of them is kept either.
 */
export class ToDevice {
  #broker: Broker | undefined;

  /** Of gateways that name their children before they hear of them. */
  readonly introductions = new Introductions();

  /** From now on there is somebody to be reached. */
  serve({ broker }: { readonly broker: Broker }): void {
    this.#broker = broker;
  }

  /** Whether it listens there, or the gateway that it is bound to, and may hear it. */
  reaches(space: Space, device: Id<"device">, topic: string): boolean {
    const broker = this.#broker;
    const gateway = space.device(device)?.gateway; // whether that speaks for it now its gate is asked, which remembers that it was
    if (!broker) return false;
    return broker.reaches(space, topic, device) || (gateway !== undefined && broker.reaches(space, topic, gateway));
  }

  /** By which name the device's gateway knows it, where that has named it and listens to such a topic. */
  nameAt(space: Space, device: Id<"device">, topic: string): string | undefined {
    const gateway = space.gatewayOf(device);
    const name = gateway && this.introductions.nameOf(gateway, device);
    if (!gateway || name === undefined) return undefined;
    return this.#broker?.reaches(space, topic, gateway) ? name : undefined;
  }

  /** To whoever is there and listens, and may hear it. */
  tell(space: Space, message: Message): void {
    if (space.closed || !this.#broker?.isOwed(space, message.topic)) return;
    const present = { acknowledged() {} };
    const publication = this.#broker.offer(space, { ...message, qos: 1, retain: false, present });
    if (publication.code <= 0) publication.settle(0);
  }

  /** At QoS 1, or less where that is what was subscribed to. */
  send(space: Space, device: Id<"device">, message: Message, told: Told = {}): void {
    // Nobody is there, or everybody comes anew: then it is given again.
    if (space.closed || !this.#broker?.isOwed(space, message.topic)) return;
    const acknowledged = (principal: string) => {
      if (principal === device || principal === space.gatewayOf(device)) told.acknowledged?.();
    };
    const publication = this.#broker.offer(space, { ...message, qos: 1, retain: false, present: { acknowledged } });
    if (publication.code > 0) return told.lost?.(); // somebody who listens has no room, and the platform is set so
    publication.settle(0);
  }
}

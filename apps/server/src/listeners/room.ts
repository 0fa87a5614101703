import { Crowd } from "./crowd.ts";
import { networkOf } from "./guard.ts";

type Waiting = { readonly id: string; readonly network: string };

const ofNetwork = 100;
const most = 10_000;

/**
 * Room for what strangers may ask for, each of it a row. Whoever asks for very much pushes out what he asked for himself, the oldest first; and
 * where all is full, the network that has most gives way. So nobody fills it for others.
 */
export class Room {
  readonly #crowd = new Crowd<Waiting>();

  /** Something more. Answers what has to go for it; that may be over by then. */
  take(address: string, id: string): string | undefined {
    const network = networkOf(address);
    this.#crowd.add(network, { id, network });
    const beyond = this.#beyond(network);
    if (beyond) this.#crowd.remove(beyond.network, beyond);
    return beyond?.id;
  }

  #beyond(network: string): Waiting | undefined {
    if (this.#crowd.of(network) > ofNetwork) return this.#crowd.oldestOf(network);
    return this.#crowd.size > most ? this.#crowd.oldestOfMost : undefined;
  }
}

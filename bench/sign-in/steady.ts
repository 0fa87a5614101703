import type { Client } from "../mqtt/client.ts";
import { publishFrame1 } from "../mqtt/frames.ts";

/** Bytes of a PUBACK of MQTT 3.1.1. */
const acknowledgement = 4;

type Sender = { readonly client: Client; readonly due: number[]; bytes: number; packetId: number };

/** Readings at a rate that does not wait for answers: who is slow is found out, and not only asked less. */
export class Steady {
  readonly #senders: Sender[];
  readonly #payload: Buffer;
  #latencies: number[] = [];

  constructor(clients: readonly Client[], payload: Buffer) {
    this.#payload = payload;
    this.#senders = clients.map((client) => {
      const sender: Sender = { client, due: [], bytes: 0, packetId: 0 };
      client.heard = (count) => this.#heard(sender, count);
      return sender;
    });
  }

  /** So many a second until `isOver`; answers the milliseconds from when each was due to its acknowledgement. */
  async run(rate: number, isOver: () => boolean): Promise<Float64Array> {
    this.#latencies = [];
    const began = performance.now();
    let sent = 0;
    while (!isOver()) {
      const due = ((performance.now() - began) / 1_000) * rate;
      for (; sent < due; sent++) this.#send(began + (sent / rate) * 1_000, sent);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    while (this.#senders.some(({ due }) => due.length > 0)) await new Promise((resolve) => setTimeout(resolve, 1));
    return Float64Array.from(this.#latencies);
  }

  #send(at: number, serial: number): void {
    const sender = this.#senders[serial % this.#senders.length]!; // there are some
    sender.packetId = (sender.packetId % 65_535) + 1;
    sender.due.push(at);
    sender.client.socket.write(publishFrame1("me/telemetry", sender.packetId, this.#payload));
  }

  #heard(sender: Sender, count: number): void {
    sender.bytes += count;
    for (const now = performance.now(); sender.bytes >= acknowledgement; sender.bytes -= acknowledgement) {
      const due = sender.due.shift();
      if (due !== undefined) this.#latencies.push(now - due);
    }
  }
}

import type { Duplex } from "node:stream";
import { connectFrame, disconnectFrame, packet, Packets, publishFrame } from "./mqtt-frames.ts";

type Waiting = { readonly resolve: (code: number) => void; readonly reject: (error: Error) => void };

/** One connection of a device that publishes with QoS 1 and subscribes to nothing. */
export class MqttClient {
  readonly #socket: Duplex;
  /** By packet id; what CONNECT waits for stands under 0, which is no packet's. */
  readonly #waiting = new Map<number, Waiting>();
  /** Settles when the connection is over, however that came. */
  readonly closed: Promise<void>;
  #last = 0;

  private constructor(socket: Duplex) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    const packets = new Packets((type, body) => this.#hear(type, body));
    socket.on("data", (bytes: Buffer) => packets.take(bytes));
    socket.on("error", (error: Error) => this.#fail(error));
    socket.on("close", () => {
      this.#fail(new Error("the connection is over"));
      resolve();
    });
  }

  /** Over a connection that stands. Answers the client and the reason code of the CONNACK (MQTT 5, 3.2.2.2). */
  static async open(
    socket: Duplex,
    key: { readonly username: string; readonly password: string; readonly keepAlive: number },
  ): Promise<{ client: MqttClient; code: number }> {
    const client = new MqttClient(socket);
    const code = await client.#ask(0, connectFrame(key));
    return { client, code };
  }

  /** Answers the reason code of the PUBACK: below 0x80 the message is kept. */
  publish(topic: string, payload: string): Promise<number> {
    this.#last = (this.#last % 0xffff) + 1;
    return this.#ask(this.#last, publishFrame(topic, this.#last, payload));
  }

  /** Says goodbye, and waits for no answer any more. */
  end(): void {
    if (!this.#socket.writableEnded) this.#socket.end(disconnectFrame);
    this.#fail(new Error("the connection is over"));
  }

  #ask(id: number, frame: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed || this.#socket.writableEnded) return reject(new Error("the connection is over"));
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(frame);
    });
  }

  #hear(type: number, body: Uint8Array): void {
    switch (type) {
      case packet.connack:
        return this.#answer(0, body[1] ?? 0);
      case packet.puback:
        // Without a code it is a success (3.4.2.1).
        return this.#answer(((body[0] ?? 0) << 8) | (body[1] ?? 0), body[2] ?? 0);
      case packet.disconnect:
        this.end();
    }
  }

  #answer(id: number, code: number): void {
    this.#waiting.get(id)?.resolve(code);
    this.#waiting.delete(id);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as dial, type Socket } from "node:net";
import mqttPacket from "mqtt-packet";

/** As mqtt-packet reads it; which fields there are depends on `cmd`. */
export type Received = {
  cmd: string;
  topic: string;
  payload: Buffer;
  qos: number;
  dup: boolean;
  retain: boolean;
  messageId: number;
  reasonCode?: number;
  returnCode?: number;
  sessionPresent?: boolean;
  granted: number[];
  properties?: Record<string, unknown>;
};

export type PeerOptions = { version?: 4 | 5 };

/** A client that says exactly what a test wants, by the packets of mqtt-packet or by bytes. */
export class Peer {
  readonly version: 4 | 5;
  connack: Received | undefined;
  /** Gets the bytes too, as they come. */
  tap: ((chunk: Buffer) => void) | undefined;
  readonly #socket: Socket;
  readonly #received: Received[] = [];
  #waiting: (() => void) | undefined;
  #isClosed = false;

  constructor(socket: Socket, version: 4 | 5) {
    this.version = version;
    this.#socket = socket;
    const parser = mqttPacket.parser({ protocolVersion: version });
    parser.on("packet", (packet: unknown) => {
      this.#received.push(packet as Received); // Received lists the fields of all packets
      this.#waiting?.();
    });
    socket.on("data", (chunk: Buffer) => {
      this.tap?.(chunk);
      parser.parse(chunk);
    });
    socket.on("error", () => this.#close());
    socket.on("close", () => this.#close());
  }

  static async dial(port: number, options: PeerOptions = {}): Promise<Peer> {
    const socket = dial({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new Peer(socket, options.version ?? 4);
  }

  #close(): void {
    this.#isClosed = true;
    this.#waiting?.();
  }

  raw(...bytes: number[] | [Uint8Array]): void {
    this.#socket.write(bytes[0] instanceof Uint8Array ? bytes[0] : Buffer.from(bytes as number[])); // the other form
  }

  send(packet: Record<string, unknown>): void {
    // mqtt-packet's types want one type for each packet; tests also say what those forbid.
    this.raw(mqttPacket.generate(packet as unknown as mqttPacket.Packet, { protocolVersion: this.version }));
  }

  connect(options: Record<string, unknown>): void {
    const common = { cmd: "connect", protocolId: "MQTT", protocolVersion: this.version, clean: true, keepalive: 0 };
    this.send({ ...common, ...options });
  }

  subscribe(messageId: number, topic: string, qos: number, options: Record<string, unknown> = {}): void {
    const { properties, ...subscription } = options;
    this.send({ cmd: "subscribe", messageId, properties, subscriptions: [{ topic, qos, ...subscription }] });
  }

  publish(topic: string, payload: string | Uint8Array, options: Record<string, unknown> = {}): void {
    this.send({ cmd: "publish", topic, payload, qos: 0, dup: false, retain: false, ...options });
  }

  /** Waits until a packet or the end has come; fails when neither has after a minute. */
  #something(wanted: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`There came no ${wanted}.`)), 60_000);
      this.#waiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How many packets wait to be taken. */
  get arrived(): number {
    return this.#received.length;
  }

  /** The next packet, which must be of this kind. */
  async take(kind: string): Promise<Received> {
    const packet = await this.next(kind);
    if (packet.cmd !== kind) throw new Error(`Expected ${kind}, got ${JSON.stringify(packet)}.`);
    return packet;
  }

  async next(wanted = "packet"): Promise<Received> {
    for (;;) {
      const packet = this.#received.shift();
      if (packet) return packet;
      if (this.#isClosed) throw new Error(`The connection was closed, and no ${wanted} came.`);
      await this.#something(wanted);
    }
  }

  /** Asks for a PINGRESP, which comes after everything sent before: resolves to what came before it. */
  async quiet(): Promise<Received[]> {
    this.raw(0xc0, 0);
    const before: Received[] = [];
    for (;;) {
      const index = this.#received.findIndex(({ cmd }) => cmd === "pingresp");
      if (index >= 0) {
        before.push(...this.#received.splice(0, index));
        this.#received.shift();
        return before;
      }
      if (this.#isClosed) throw new Error("The connection was closed.");
      await this.#something("pingresp");
    }
  }

  /** Waits for the broker to hang up, and resolves to what it said last. */
  async closed(): Promise<Received[]> {
    while (!this.#isClosed) await this.#something("end of the connection");
    return this.#received;
  }

  /** Reads nothing until `listen`. */
  deafen(): void {
    this.#socket.pause();
  }

  listen(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

import { connect as dial, type Socket } from "node:net";

const uint16 = (value: number) => [value >> 8, value & 0xff];
const text = (value: string) => [...uint16(Buffer.byteLength(value)), ...Buffer.from(value)];

function frame(first: number, body: readonly number[]): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push(rest > 127 ? (rest & 0x7f) | 0x80 : rest);
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.from([first, ...length, ...body]);
}

const connectFrame = (clientId: string) => frame(0x10, [...text("MQTT"), 4, 2, 0, 0, ...text(clientId)]);
const subscribeFrame = (filter: string, qos: number) => frame(0x82, [0, 1, ...text(filter), qos]);

/** The payload has 100 bytes, as everywhere in docs/benchmarks.md. */
export const publishFrame = (topic: string, qos: number): Buffer =>
  frame(0x30 | (qos << 1), [...text(topic), ...(qos > 0 ? [0, 1] : []), ...Buffer.alloc(100, 0x61)]);

/** MQTT 3.1.1 with as little work as possible, so that the broker is what is measured. */
export class Client {
  readonly socket: Socket;
  received = 0;
  #heard: (count: number) => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.received += chunk.length;
      this.#heard(chunk.length);
    });
  }

  static async connect(port: number, clientId: string): Promise<Client> {
    const socket = dial({ port, host: "127.0.0.1", noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const client = new Client(socket);
    socket.write(connectFrame(clientId));
    await client.reach(4);
    return client;
  }

  async subscribe(filter: string, qos: number): Promise<void> {
    const before = this.received;
    this.socket.write(subscribeFrame(filter, qos));
    await this.reach(before + 5);
  }

  async reach(bytes: number): Promise<void> {
    while (this.received < bytes) {
      await new Promise<void>((resolve) => this.socket.once("data", () => resolve()));
    }
  }

  /** Called with every number of bytes that come. */
  heard(call: (count: number) => void): void {
    this.#heard = call;
  }

  close(): void {
    this.socket.destroy();
  }
}

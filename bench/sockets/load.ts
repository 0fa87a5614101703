import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { SocketSecret } from "@holdfast/crypto";
import { frameOf } from "@holdfast/crypto/testing";
import { numbered } from "./devices.ts";

/** `boot`: each load is another start of its devices, which counts from 0 again. */
type Shape = { readonly boot: number; readonly window: number; readonly answered: number; readonly frames: number };

/** Devices that each send a window of frames, and the next when an answer comes. */
export class Load {
  readonly #devices: readonly Sending[];
  readonly #shape: Shape;
  #counter = 0;

  private constructor(devices: readonly Sending[], shape: Shape) {
    this.#devices = devices;
    this.#shape = shape;
    this.prepare();
  }

  static async open(port: number, secrets: readonly SocketSecret[], shape: Shape): Promise<Load> {
    const devices = secrets.map(async (secret) => {
      const socket = createSocket("udp4");
      socket.connect(port, "127.0.0.1");
      await once(socket, "connect");
      return new Sending(secret, socket, shape);
    });
    return new Load(await Promise.all(devices), shape);
  }

  /** The frames of the next round, sealed before anything is measured. */
  prepare(): void {
    for (const device of this.#devices) device.prepare(this.#counter);
    this.#counter += this.#shape.frames;
  }

  /** Answers how many were sent, all of which were kept. */
  async round(): Promise<number> {
    // What the system threw away is sent again, as a device would.
    const again = setInterval(() => this.#devices.forEach((device) => device.again()), 100);
    await Promise.all(this.#devices.map((device) => device.run()));
    clearInterval(again);
    return this.#devices.length * this.#shape.frames;
  }

  close(): void {
    for (const device of this.#devices) device.close();
  }
}

class Sending {
  readonly #secret: SocketSecret;
  readonly #socket: Socket;
  readonly #shape: Shape;
  #frames: Uint8Array[] = [];
  #sent = 0;
  #done = 0;
  #heardAt = 0;
  #finished: () => void = () => undefined;

  constructor(secret: SocketSecret, socket: Socket, shape: Shape) {
    this.#secret = secret;
    this.#socket = socket;
    this.#shape = shape;
    socket.on("message", () => this.#heard());
  }

  prepare(counter: number): void {
    const { boot, frames, answered } = this.#shape;
    this.#frames = Array.from({ length: frames }, (_, at) => {
      const wantsAnswer = (at + 1) % answered === 0;
      return frameOf({ ...this.#secret, boot, counter: counter + at, wantsAnswer, payload: numbered });
    });
  }

  async run(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#finished = resolve;
    this.#sent = this.#done = 0;
    this.#send();
    await promise;
  }

  again(): void {
    if (this.#done === this.#frames.length || performance.now() - this.#heardAt < 300) return;
    for (const frame of this.#frames.slice(this.#done, this.#sent)) this.#socket.send(frame);
    this.#heardAt = performance.now();
  }

  close(): void {
    this.#socket.close();
  }

  #heard(): void {
    this.#done += this.#shape.answered;
    this.#send();
    if (this.#done >= this.#frames.length) this.#finished();
  }

  #send(): void {
    this.#heardAt = performance.now();
    const end = Math.min(this.#frames.length, this.#done + this.#shape.window);
    for (const frame of this.#frames.slice(this.#sent, end)) this.#socket.send(frame);
    this.#sent = end;
  }
}

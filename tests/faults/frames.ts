import { createSocket } from "node:dgram";
import type { Chance } from "./seed.ts";
import { SocketDevice } from "../sockets.fixture.ts";

/** Frames of one device that are unanswered at once: fewer than a window remembers. */
const window = 8;
const again = 60; // milliseconds until a device sends again what was not answered

/**
 * A device that numbers its readings, sends again what was not answered, and, as whoever listens on the way would, what was. Its readings carry no
 * time, so that whatever is kept twice is there twice.
 */
export class FrameSource {
  readonly id: string;
  readonly #device: SocketDevice;
  readonly #chance: Chance;
  readonly #told: () => void;
  readonly #socket = createSocket("udp4");
  readonly #unanswered = new Map<number, Uint8Array>();
  readonly #recorded: Uint8Array[] = [];
  readonly #timer: NodeJS.Timeout;
  #port: number | undefined;
  #mayGoOn = true;
  #idle: (() => void) | undefined;
  sent = 0;
  repeated = 0;
  readonly acknowledged = new Set<number>();

  constructor(id: string, secret: string, chance: Chance, told: () => void) {
    this.id = id;
    this.#device = new SocketDevice(secret);
    this.#chance = chance;
    this.#told = told;
    this.#socket.on("message", (answer) => this.#heard(new Uint8Array(answer)));
    this.#timer = setInterval(() => this.#again(), again);
  }

  /** Where the platform is from now on. */
  turnTo(port: number): void {
    this.#port = port;
    this.#fill();
  }

  /** Sends nothing new, and answers when all that was sent is acknowledged. */
  async drain(): Promise<void> {
    this.#mayGoOn = false;
    if (this.#unanswered.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  /** Everything that it ever sent, once more. */
  repeatAll(): void {
    for (const frame of this.#recorded) this.#send(frame);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  #heard(answer: Uint8Array): void {
    for (const counter of this.#unanswered.keys()) {
      if (this.#device.heard(answer, counter) !== "kept") continue;
      this.#unanswered.delete(counter);
      this.acknowledged.add(counter);
      this.#told();
      this.#fill();
      if (this.#unanswered.size === 0) this.#idle?.();
      return;
    }
  }

  #again(): void {
    for (const frame of this.#unanswered.values()) {
      this.repeated += 1;
      this.#send(frame);
    }
    for (let at = 0; at < 3 && this.#recorded.length > 0; at += 1) this.#send(this.#chance.one(this.#recorded));
  }

  #fill(): void {
    while (this.#mayGoOn && this.#port !== undefined && this.#unanswered.size < window) {
      // The lowest that is unanswered is never so far behind that it would be past.
      const lowest = this.#unanswered.keys().next().value ?? this.#device.counter;
      if (this.#device.counter - lowest >= window) return;
      const { counter } = this.#device;
      const frame = this.#device.frame(`n=${counter}`);
      this.sent += 1;
      this.#unanswered.set(counter, frame);
      this.#recorded.push(frame);
      this.#send(frame);
    }
  }

  #send(frame: Uint8Array): void {
    if (this.#port !== undefined) this.#socket.send(frame, this.#port, "127.0.0.1", () => undefined);
  }
}

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { parseSocketSecret, type Outcome, type SocketSecret } from "@holdfast/crypto";
import { answerIn, frameOf, type Sent } from "@holdfast/crypto/testing";

type Way = Partial<Pick<Sent, "mode" | "isText" | "wantsAnswer" | "boot" | "counter">>;

/** A device that speaks frames: its secret, and where it is in counting. */
export class SocketDevice {
  readonly secret: SocketSecret;
  boot = 1;
  counter = 0;

  constructor(text: string) {
    const secret = parseSocketSecret(text);
    if (!secret) throw new Error("this is no secret of a socket");
    this.secret = secret;
  }

  get address(): string {
    return this.secret.address.toString(16).padStart(12, "0");
  }

  /** The next frame, or the one that is asked for. */
  frame(payload: string | Uint8Array, way: Way = {}): Uint8Array {
    const isText = typeof payload === "string";
    const { boot, counter } = this;
    if (way.counter === undefined && way.boot === undefined) this.counter += 1;
    const bytes = isText ? new TextEncoder().encode(payload) : payload;
    return frameOf({ ...this.secret, boot, counter, isText, ...way, payload: bytes });
  }

  /** What an answer says, by the counter that it is of. */
  heard(answer: Uint8Array, counter: number, boot = this.boot): Outcome | undefined {
    return answerIn({ ...this.secret, boot, counter }, answer);
  }
}

/** A UDP socket of a client, and the answers that came. */
export class Datagrams {
  readonly answers: Uint8Array[] = [];
  readonly #socket: Socket;
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
    this.#socket = createSocket("udp4");
    this.#socket.on("message", (answer) => this.answers.push(new Uint8Array(answer)));
  }

  send(frame: Uint8Array): void {
    this.#socket.send(frame, this.#port, "127.0.0.1");
  }

  /** The next one that comes. */
  async next(): Promise<Uint8Array> {
    const before = this.answers.length;
    await Promise.race([
      once(this.#socket, "message"),
      new Promise((_, reject) => setTimeout(() => reject(new Error("nobody answered")), 10_000).unref()),
    ]);
    return this.answers[before] ?? new Uint8Array();
  }

  /** Sends it, and hears what became of it. */
  async ask(frame: Uint8Array): Promise<Uint8Array> {
    const answer = this.next();
    this.send(frame);
    return answer;
  }

  close(): void {
    this.#socket.close();
  }
}

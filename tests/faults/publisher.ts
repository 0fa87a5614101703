// Hot path: 64 of these share one process, and keep the server busy.
import { connect, type TLSSocket } from "node:tls";
import { packet, Reader } from "./mqtt-frames.ts";

/** Whose clock dates the messages of a publisher: the device's, the platform's, or now one and now the other. */
export type Dating = "own" | "given" | "both";

export type Publishing = {
  readonly device: string;
  readonly key: { readonly id: string; readonly secret: string };
  readonly version: 4 | 5;
  readonly dating: Dating;
  /** Milliseconds since 1970: message n of its own time is of `epoch + n`. */
  readonly epoch: number;
};

/** What a publisher knows in the end: numbers from `from` to `to` were acknowledged, both included. */
export type Acknowledged = { readonly from: number; readonly to: number };

export type Told = {
  /** The highest number sent. */
  readonly sent: number;
  readonly acknowledged: readonly Acknowledged[];
  /** How often each CONNACK code came. */
  readonly connacks: Readonly<Record<number, number>>;
  /** Publications that were sent again, with DUP. */
  readonly resent: number;
  /** How often a connection ended with publications outstanding. */
  readonly cutOff: number;
  /** How often each code from 0x80 came in a PUBACK of MQTT 5: such a message counts as not acknowledged, and is not sent again. */
  readonly refused: Readonly<Record<number, number>>;
  /** How often each code came in a DISCONNECT, which only MQTT 5 sends from the server. */
  readonly farewells: Readonly<Record<number, number>>;
};

export const isOwnTime = (dating: Dating, n: number): boolean => dating === "own" || (dating === "both" && n % 2 === 1);

const window = 32;

type Needs = {
  readonly publishing: Publishing;
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  /** Milliseconds between two attempts to connect. */
  readonly pause: () => number;
  /** Milliseconds from an acknowledgement to what is sent next: 0 keeps the server as busy as can be. */
  readonly rest: number;
  readonly acknowledged: () => void;
};

/** A device that sends numbered readings, 32 of them outstanding, and repeats with DUP what was not acknowledged when it comes back. */
export class Publisher {
  /** Settles at the first acknowledgement. */
  readonly begun: Promise<void>;
  readonly #needs: Needs;
  readonly #outstanding = new Map<number, { readonly n: number; readonly body: Buffer }>();
  readonly #isAcknowledged: boolean[] = [];
  readonly #connacks: Record<number, number> = {};
  readonly #refused: Record<number, number> = {};
  readonly #farewells: Record<number, number> = {};
  #sent = 0;
  #resent = 0;
  #cutOff = 0;
  #packetId = 0;
  #socket: TLSSocket | undefined;
  #resting: NodeJS.Timeout | undefined;
  #mayGoOn = true;
  #isOver = false;
  #begin: () => void;
  #idle: (() => void) | undefined;
  #lost: (() => void) | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
    ({ promise: this.begun, resolve: this.#begin } = Promise.withResolvers<void>());
    this.#connect();
  }

  /** Sends nothing new any more, and answers when everything sent was acknowledged. */
  async drain(): Promise<void> {
    this.#mayGoOn = false;
    if (this.#outstanding.size === 0) return;
    await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  /** Answers when a connection ends with publications outstanding. */
  lost(): Promise<void> {
    return new Promise((resolve) => (this.#lost = resolve));
  }

  close(): void {
    this.#isOver = true;
    this.#socket?.destroy();
  }

  tell(): Told {
    const acknowledged: { from: number; to: number }[] = [];
    for (let n = 1; n <= this.#sent; n++) {
      if (!this.#isAcknowledged[n]) continue;
      const last = acknowledged.at(-1);
      if (last?.to === n - 1) last.to = n;
      else acknowledged.push({ from: n, to: n });
    }
    const [connacks, refused, farewells] = [this.#connacks, this.#refused, this.#farewells];
    return { sent: this.#sent, acknowledged, connacks, refused, farewells, resent: this.#resent, cutOff: this.#cutOff };
  }

  #connect(): void {
    const { host, port, ca, publishing, pause } = this.#needs;
    const socket = connect({ host, port, ca, servername: "localhost", ALPNProtocols: ["mqtt"] });
    this.#socket = socket;
    const reader = new Reader((type, body) => this.#hear(type, body));
    socket.setNoDelay(true);
    socket.once("secureConnect", () => socket.write(packet.connect(publishing)));
    socket.on("data", (bytes: Buffer) => reader.read(bytes));
    socket.on("error", () => undefined); // "close" follows
    socket.once("close", () => {
      if (this.#outstanding.size > 0) {
        this.#cutOff += 1;
        this.#lost?.();
      }
      if (!this.#isOver) setTimeout(() => !this.#isOver && this.#connect(), pause());
    });
  }

  #hear(type: number, body: Buffer): void {
    if (type === 4) this.#acknowledged(body.readUInt16BE(0), body[2] ?? 0);
    else if (type === 2) this.#welcomed(body[1] ?? 0);
    else if (type === 14) this.#farewells[body[0] ?? 0] = (this.#farewells[body[0] ?? 0] ?? 0) + 1;
  }

  #welcomed(code: number): void {
    this.#connacks[code] = (this.#connacks[code] ?? 0) + 1;
    if (code !== 0) {
      this.#socket?.destroy();
      return;
    }
    const socket = this.#socket;
    socket?.cork();
    // In the order in which they were sent first ([MQTT-4.6.0-1]): a Map keeps it.
    for (const [id, { body }] of this.#outstanding) {
      this.#resent += 1;
      socket?.write(this.#frame(id, body, true));
    }
    this.#fill();
    socket?.uncork();
  }

  #acknowledged(id: number, code: number): void {
    const found = this.#outstanding.get(id);
    if (!found) return;
    this.#outstanding.delete(id);
    if (code < 0x80) {
      this.#isAcknowledged[found.n] = true;
      this.#begin();
      this.#needs.acknowledged();
    } else this.#refused[code] = (this.#refused[code] ?? 0) + 1;
    if (this.#mayGoOn) this.#goOn();
    else if (this.#outstanding.size === 0) this.#idle?.();
  }

  #goOn(): void {
    const { rest } = this.#needs;
    if (rest === 0) return this.#fill();
    this.#resting ??= setTimeout(() => {
      this.#resting = undefined;
      if (!this.#isOver) this.#fill();
    }, rest);
  }

  #fill(): void {
    while (this.#mayGoOn && this.#outstanding.size < window) {
      const n = (this.#sent += 1);
      const { dating, epoch } = this.#needs.publishing;
      const text = isOwnTime(dating, n) ? `{"time":${epoch + n},"values":{"own":${n}}}` : `{"given":${n}}`;
      const id = this.#freeId();
      const body = Buffer.from(text);
      this.#outstanding.set(id, { n, body });
      this.#socket?.write(this.#frame(id, body, false));
    }
  }

  #freeId(): number {
    do this.#packetId = (this.#packetId % 0xffff) + 1;
    while (this.#outstanding.has(this.#packetId));
    return this.#packetId;
  }

  #frame(id: number, body: Buffer, isDuplicate: boolean): Buffer {
    return packet.publish(this.#needs.publishing.version, id, body, isDuplicate);
  }
}

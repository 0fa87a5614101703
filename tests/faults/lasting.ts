import assert from "node:assert/strict";
import { connect, type TLSSocket } from "node:tls";
import { packet, Reader } from "./mqtt-frames.ts";

/** How to reach a platform, and as whom. */
export type Coming = {
  readonly port: number;
  readonly ca: string;
  readonly clientId: string;
  readonly key: { readonly id: string; readonly secret: string };
  readonly version: 4 | 5;
};

const pause = 60; // milliseconds between two attempts to connect

/** A client whose session outlives its connections, as both sides have promised each other; what it keeps is kept in its subclasses. */
abstract class Lasting {
  readonly coming: Coming;
  #socket: TLSSocket | undefined;
  #wanted = false;
  /** The platform has said once that it keeps the session. */
  #isKept = false;
  #welcomed: (() => void) | undefined;

  constructor(coming: Coming) {
    this.coming = coming;
  }

  /** Connects, again and again until it is let in, and whenever the connection breaks. Answers when it was let in first. */
  async come(): Promise<void> {
    this.#wanted = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#welcomed = resolve;
    this.#connect();
    await promise;
  }

  /** Goes without a word, and stays away. */
  leave(): void {
    this.#wanted = false;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  protected abstract begin(): void;
  protected abstract hear(type: number, body: Buffer, flags: number): void;

  protected send(bytes: Buffer): void {
    this.#socket?.write(bytes);
  }

  #connect(): void {
    const { port, ca, clientId, key, version } = this.coming;
    const socket = connect({ host: "127.0.0.1", port, ca, servername: "localhost", ALPNProtocols: ["mqtt"] });
    this.#socket = socket;
    const reader = new Reader((type, body, flags) => {
      if (this.#socket !== socket) return;
      if (type !== 2) return this.hear(type, body, flags);
      if (body[1] !== 0) return void socket.destroy();
      const isThere = body[0] === 1;
      assert.ok(isThere || !this.#isKept, `${clientId}: the session that was kept is gone`);
      this.#isKept = true;
      this.begin();
      this.#welcomed?.();
    });
    socket.setNoDelay(true);
    socket.once("secureConnect", () => socket.write(packet.connect({ device: clientId, key, version })));
    socket.on("data", (bytes: Buffer) => reader.read(bytes));
    socket.on("error", () => undefined); // "close" follows
    socket.once("close", () => {
      if (this.#wanted && this.#socket === socket) setTimeout(() => this.#wanted && this.#connect(), pause);
    });
  }
}

const window = 8;

type Outgoing = { readonly n: number; readonly body: Buffer; isReceived: boolean };

/** Publishes numbered messages, a few at a time, and sends again what was not acknowledged when it comes back. */
export class Source extends Lasting {
  readonly qos: 1 | 2;
  readonly #outstanding = new Map<number, Outgoing>();
  /** Every number up to this was sent. */
  sent = 0;
  acknowledged = 0;
  repeated = 0;
  #packetId = 0;
  #mayGoOn = true;
  #idle: (() => void) | undefined;
  readonly #told: () => void;

  constructor(coming: Coming, qos: 1 | 2, told: () => void) {
    super(coming);
    this.qos = qos;
    this.#told = told;
  }

  /** Sends nothing new, and answers when all that was sent is acknowledged. */
  async drain(): Promise<void> {
    this.#mayGoOn = false;
    if (this.#outstanding.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  /** In the order in which they were sent first ([MQTT-4.6.0-1]). */
  protected begin(): void {
    const { version } = this.coming;
    for (const [id, { body, isReceived }] of this.#outstanding) {
      this.repeated += 1;
      this.send(isReceived ? packet.pubrel(id) : packet.publish(version, id, body, true, this.qos));
    }
    this.#fill();
  }

  protected hear(type: number, body: Buffer): void {
    if (type < 4 || type > 7) return;
    const id = body.readUInt16BE(0);
    const found = this.#outstanding.get(id);
    const code = body[2] ?? 0;
    assert.ok(code < 0x80 || (type === 7 && code === 0x92), `${this.coming.clientId}: refused with ${code}`);
    if (!found) return;
    if (type === 5) {
      found.isReceived = true;
      this.send(packet.pubrel(id));
    } else if (type === (this.qos === 1 ? 4 : 7)) {
      this.#outstanding.delete(id);
      this.acknowledged += 1;
      this.#told();
      this.#fill();
      if (this.#outstanding.size === 0) this.#idle?.();
    }
  }

  #fill(): void {
    while (this.#mayGoOn && this.#outstanding.size < window) {
      const n = (this.sent += 1);
      do this.#packetId = (this.#packetId % 0xffff) + 1;
      while (this.#outstanding.has(this.#packetId));
      const body = Buffer.from(`{"n":${n}}`);
      this.#outstanding.set(this.#packetId, { n, body, isReceived: false });
      this.send(packet.publish(this.coming.version, this.#packetId, body, false, this.qos));
    }
  }
}

/** Subscribes once, for good, and counts by device and number what it was given, as an application behind it would be. */
export class Drain extends Lasting {
  readonly qos: 1 | 2;
  /** How often each message was handed over: `device/n`. */
  readonly given = new Map<string, number>();
  /** Of QoS 2: handed over, and not released yet ([MQTT-4.3.3-2]). Kept over connections, as the standard wants. */
  readonly #unreleased = new Set<number>();
  /** So many answers stay unsaid until the next connection. */
  readonly #holds: number;
  #held = 0;
  #isSubscribed: (() => void) | undefined;
  unanswered = 0;
  duplicates = 0;

  constructor(coming: Coming, qos: 1 | 2, holds: number) {
    super(coming);
    this.qos = qos;
    this.#holds = holds;
  }

  async subscribe(filter: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#isSubscribed = resolve;
    await this.come();
    this.send(packet.subscribe(this.coming.version, 1, filter, this.qos));
    await promise;
  }

  get count(): number {
    return this.given.size;
  }

  protected begin(): void {
    this.#held = 0;
  }

  protected hear(type: number, body: Buffer, flags: number): void {
    if (type === 9) {
      assert.equal(body.at(-1), this.qos, `${this.coming.clientId}: not granted`);
      this.#isSubscribed?.();
    } else if (type === 3) this.#receive(body, flags);
    else if (type === 6) this.#release(body.readUInt16BE(0));
  }

  #receive(body: Buffer, flags: number): void {
    const length = body.readUInt16BE(0);
    const topic = body.toString("utf8", 2, 2 + length);
    const id = body.readUInt16BE(2 + length);
    if (flags & 8) this.duplicates += 1;
    const qos = (flags >> 1) & 3; // that of its publisher, if that is less
    const isNew = qos === 1 || !this.#unreleased.has(id);
    if (isNew) {
      const n = /\{"n":(\d+)\}$/.exec(body.toString("latin1", 4 + length))?.[1];
      const key = `${topic.split("/")[1]}/${n}`;
      this.given.set(key, (this.given.get(key) ?? 0) + 1);
    }
    if (qos === 2) this.#unreleased.add(id);
    this.#answer(qos === 1 ? packet.puback(id) : packet.pubrec(id));
  }

  #release(id: number): void {
    this.#unreleased.delete(id);
    this.#answer(packet.pubcomp(id));
  }

  /** One in two stays unsaid until there are enough of those: each a message that has to come again, or a PUBREL. */
  #answer(bytes: Buffer): void {
    if (this.#held < this.#holds && (this.unanswered + this.given.size) % 2 === 0) {
      this.#held += 1;
      this.unanswered += 1;
      return;
    }
    this.send(bytes);
  }
}

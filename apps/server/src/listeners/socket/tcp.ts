import net, { type Socket } from "node:net";
import { longestFrame } from "@holdfast/crypto";
import type { Timers } from "@holdfast/kernel";
import type { Sender, Sockets } from "../../sockets/index.ts";
import type { Arrivals } from "../arrivals.ts";
import { listen } from "../listen.ts";

/** Before each frame: its length, big-endian. */
const prefix = 2;
/** Milliseconds until the first frame is whole, and any that was begun; and between two frames. */
const patience = 10_000;
const silence = 600_000;
/** Bytes of answers that a client may leave unread. */
const mostUnread = 16 * 1024;

type Needs = {
  readonly sockets: Pick<Sockets, "receive">;
  readonly arrivals: Arrivals;
  readonly timers: Timers;
  readonly host: string;
  readonly port: number;
};

/** Frames over TCP without TLS, each behind its length. Gives each to the platform, and decides nothing. */
export class TcpListener {
  readonly #needs: Needs;
  readonly #server: net.Server;
  readonly #connections = new Set<Connection>();
  #closing: Promise<void> | undefined;

  private constructor(needs: Needs) {
    this.#needs = needs;
    this.#server = net.createServer({ noDelay: true, keepAlive: true }, (socket) =>
      needs.arrivals.receive(socket, () => this.#enter(socket)),
    );
  }

  static async open(needs: Needs): Promise<TcpListener> {
    const listener = new TcpListener(needs);
    await listen(listener.#server, { what: "TCP", host: needs.host, port: needs.port });
    return listener;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("a port has a number");
    return address.port;
  }

  /** Hangs up on everybody. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections) connection.end();
    });
    return this.#closing;
  }

  #enter(socket: Socket): void {
    const connection = new Connection(this.#needs, socket);
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
  }
}

class Connection implements Sender {
  readonly address: string;
  readonly #needs: Needs;
  readonly #socket: Socket;
  /** The length and the frame that have come so far. */
  readonly #bytes = Buffer.allocUnsafe(prefix + longestFrame);
  #filled = 0;
  #isNew = true;
  #deadline: { cancel(): void };

  constructor(needs: Needs, socket: Socket) {
    this.#needs = needs;
    this.#socket = socket;
    this.address = socket.remoteAddress ?? "";
    this.#deadline = needs.timers.after(patience, () => this.end());
    socket.on("data", (data: Buffer) => this.#read(data));
    socket.once("end", () => this.end());
    socket.on("error", () => this.end());
    socket.once("close", () => this.#deadline.cancel());
  }

  answer(bytes: Uint8Array): void {
    const { arrivals } = this.#needs;
    arrivals.settle(this.#socket);
    arrivals.judge(this.#socket, "welcome");
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength > mostUnread) return this.end();
    const framed = Buffer.allocUnsafe(prefix + bytes.length);
    framed.writeUInt16BE(bytes.length);
    framed.set(bytes, prefix);
    this.#socket.write(framed);
  }

  turnAway(): void {
    this.#needs.arrivals.judge(this.#socket, "refused");
    this.end();
  }

  end(): void {
    this.#deadline.cancel();
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    let at = 0;
    const had = this.#filled;
    let frames = 0;
    while (at < data.length && !this.#socket.destroyed) {
      const wanted = this.#filled < prefix ? prefix : prefix + this.#bytes.readUInt16BE(0);
      const more = Math.min(wanted - this.#filled, data.length - at);
      data.copy(this.#bytes, this.#filled, at, at + more);
      at += more;
      this.#filled += more;
      if (this.#filled < prefix) continue;
      const whole = prefix + this.#bytes.readUInt16BE(0);
      if (whole > this.#bytes.length) return this.turnAway();
      if (this.#filled < whole) continue;
      const frame = this.#bytes.subarray(prefix, this.#filled);
      this.#filled = 0;
      frames += 1;
      this.#needs.sockets.receive(frame, this);
    }
    // A frame that drips in gets no more time with each byte, nor the first with its first.
    if (this.#socket.destroyed || (frames === 0 && (had > 0 || this.#isNew))) return;
    this.#isNew = false;
    this.#deadline.cancel();
    this.#deadline = this.#needs.timers.after(this.#filled > 0 ? patience : silence, () => this.end());
  }
}

// Hot path: one datagram in, at most one out, which is never longer.
import { createSocket, type Socket } from "node:dgram";
import dns from "node:dns";
import { isIP, isIPv6 } from "node:net";
import { because, type Report } from "@holdfast/kernel";
import type { Sender, Sockets } from "../../sockets/index.ts";
import { unlistened } from "../listen.ts";

/** Bytes of answers that the system did not take yet: what comes beyond is not answered, and asks again. */
const mostUnsent = 1024 * 1024;
/** Bytes that the system keeps of what we have not read: a burst of a few thousand frames. Linux grants what it is set to grant. */
const mostUnread = 4 * 1024 * 1024;

type Needs = {
  readonly sockets: Pick<Sockets, "receive">;
  readonly host: string;
  readonly port: number;
  readonly report: Report;
};

/** Frames as datagrams. Gives each to the platform, and decides nothing. */
export class UdpListener {
  readonly #needs: Needs;
  readonly #socket: Socket;
  #closing: Promise<void> | undefined;

  private constructor(needs: Needs) {
    const { host, report, sockets } = needs;
    this.#needs = needs;
    this.#socket = createSocket({ type: isIPv6(host) ? "udp6" : "udp4", lookup, recvBufferSize: mostUnread });
    this.#socket.on("message", (bytes, { address, port }) => {
      sockets.receive(bytes, new DatagramSender(this.#socket, address, port, bytes.length));
    });
    this.#socket.on("error", (error) => report("The UDP port met a fault, and goes on.", because(error)));
  }

  /** @throws Refusal `port.taken`, or `config.malformed` for an address or port that this process cannot have */
  static async open(needs: Needs): Promise<UdpListener> {
    const listener = new UdpListener(needs);
    const { host, port } = needs;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const failed = (cause: NodeJS.ErrnoException) => reject(unlistened(cause, `UDP wants ${host}:${port}.`));
    listener.#socket.once("error", failed);
    listener.#socket.bind(port, host, resolve);
    await promise;
    listener.#socket.off("error", failed);
    return listener;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => this.#socket.close(resolve));
    return this.#closing;
  }
}

/** Whoever sent a datagram; nobody knows whether the address is his. */
class DatagramSender implements Sender {
  readonly #socket: Socket;
  readonly address: string;
  readonly #port: number;
  readonly #length: number;

  constructor(socket: Socket, address: string, port: number, length: number) {
    this.#socket = socket;
    this.address = address;
    this.#port = port;
    this.#length = length;
  }

  answer(bytes: Uint8Array): void {
    // Whoever writes another's address into a datagram makes us send him no more than he could himself (RFC 9000, 8).
    if (bytes.length > this.#length) throw new Error("an answer is no longer than what it answers");
    if (this.#socket.getSendQueueSize() > mostUnsent) return;
    try {
      // That it could not be sent, to a network that is not there say, nobody is told: whoever sent the frame asks again.
      this.#socket.send(bytes, this.#port, this.address);
    } catch (error) {
      if (!isClosed(error)) throw error; // its commit outlasted the port
    }
  }

  turnAway(): void {}
}

const isClosed = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_SOCKET_DGRAM_NOT_RUNNING";

/** Of an address there is nothing to be looked up, and no turn to be waited for. */
function lookup(
  name: string,
  options: dns.LookupOneOptions,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  const family = isIP(name);
  if (family === 0) dns.lookup(name, options, done);
  else done(null, name, family);
}

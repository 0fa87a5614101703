import { connect as dial, type OnReadOpts, type Socket } from "node:net";
import { connect as dialTls, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { connectFrame, subscribeFrame, type Login } from "./frames.ts";

/** How clients come in. */
export type Door = { readonly port: number; readonly tls?: SecureContext };

export type Coming = {
  readonly login?: Login;
  /** Of an earlier connection with TLS, to be resumed. */
  readonly session?: Buffer | undefined;
  readonly keepSession?: (session: Buffer) => void;
};

/** TLS 1.3 for many connections; `groups` is what is offered for the key exchange. */
export const secureContext = (ca: string, groups = "X25519"): SecureContext =>
  createSecureContext({ ca, ecdhCurve: groups, minVersion: "TLSv1.3" });

/** What comes is counted and not looked at, so all may read into the same bytes. */
const bin = Buffer.alloc(65_536);

/** MQTT 3.1.1 with as little work as possible, so that the broker is what is measured. */
export class Client {
  readonly socket: Socket;
  received = 0;
  /** Called with every number of bytes that come. */
  heard: (count: number) => void = () => {};
  #waiting: { until: number; resolve: () => void } | undefined;

  private constructor({ port, tls }: Door, { session, keepSession }: Coming) {
    const onread: OnReadOpts = {
      buffer: bin,
      callback: (count) => {
        this.received += count;
        this.heard(count);
        if (this.#waiting && this.received >= this.#waiting.until) {
          this.#waiting.resolve();
          this.#waiting = undefined;
        }
        return true;
      },
    };
    const to = { host: "127.0.0.1", port, noDelay: true, onread };
    this.socket = tls ? dialTls({ ...to, secureContext: tls, servername: "localhost", session }) : dial(to);
    if (keepSession) this.socket.on("session", keepSession);
  }

  /** Resolves when the broker has taken it in. */
  static async connect(door: Door, clientId: string, coming: Coming = {}): Promise<Client> {
    const client = new Client(door, coming);
    const { socket } = client;
    await new Promise<void>((resolve, reject) => {
      socket.once(door.tls ? "secureConnect" : "connect", resolve);
      socket.once("error", reject);
    });
    socket.on("error", (error) => socket.destroy(error));
    socket.write(connectFrame(clientId, coming.login));
    await client.reach(4);
    return client;
  }

  async subscribe(filter: string): Promise<void> {
    const before = this.received;
    this.socket.write(subscribeFrame(filter));
    await this.reach(before + 5);
  }

  /** Rejects when the other side hangs up before. */
  async reach(until: number): Promise<void> {
    if (this.received >= until) return;
    await new Promise<void>((resolve, reject) => {
      const gone = () => reject(new Error("The broker hung up."));
      this.socket.once("close", gone);
      this.#waiting = {
        until,
        resolve: () => {
          this.socket.off("close", gone);
          resolve();
        },
      };
    });
  }

  /** Of a connection with TLS. */
  get tls(): TLSSocket {
    return this.socket as TLSSocket; // it was dialled with TLS
  }

  close(): void {
    this.socket.destroy();
  }
}

/** So many clients, some at a time. */
export async function connectMany(
  count: number,
  connect: (at: number) => Promise<Client>,
  atOnce = 16,
): Promise<Client[]> {
  const clients: Client[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) clients[at] = await connect(at);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work));
  return clients;
}

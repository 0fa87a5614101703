import { X509Certificate } from "node:crypto";
import net, { type Socket } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import type { Stranger, Strangers } from "../live/index.ts";
import type { Certificates } from "../tls/index.ts";
import type { Arrivals } from "./arrivals.ts";
import { beneath, watchHandshakes } from "./handshakes.ts";
import { listen } from "./listen.ts";
import { comesFromWhere } from "./proxies.ts";

/** What every port needs. */
export type PortNeeds = {
  readonly certificates: Certificates;
  readonly arrivals: Arrivals;
  readonly strangers: Strangers;
  readonly host: string;
  readonly port: number;
};

export type Manner = {
  readonly name: "HTTPS" | "MQTT";
  readonly transport: Stranger["transport"];
  /** RFC 7301: what a client may ask for. Who asks for nothing is accepted. */
  readonly protocols: readonly string[];
  /** Clients may show a certificate. Whose it is, and whether it is good for anything, is for whoever takes the connection to say. */
  readonly asksForCertificate?: boolean;
};

/** What both ends agreed on. Of a socket that HTTP/2 lends out, too, which only looks like one of TLS. */
export function tlsOf(socket: object): string | undefined {
  const spoken = "getProtocol" in socket && typeof socket.getProtocol === "function" ? socket.getProtocol() : undefined;
  return typeof spoken === "string" ? spoken : undefined;
}

/** The certificate that a client showed in the handshake (DER): whose key it is, and no more. */
export function certificateOf(socket: object): Uint8Array | undefined {
  const ask = "getPeerX509Certificate" in socket ? socket.getPeerX509Certificate : undefined;
  const shown: unknown = typeof ask === "function" ? ask.call(socket) : undefined;
  return shown instanceof X509Certificate ? shown.raw : undefined;
}

/**
 * A TCP port that speaks TLS and nothing else: who may come at all, from where a client comes that a proxy passes on, the handshake; and
 * then the connection is handed over.
 */
export class Port {
  readonly #needs: PortNeeds;
  readonly #name: Manner["name"];
  readonly #tcp: net.Server;
  /** Listens to nothing: it is given the connections that were let in. */
  readonly #tls: tls.Server;
  readonly #sockets = new Set<Socket>();

  constructor(needs: PortNeeds, manner: Manner, accept: (socket: TLSSocket) => void) {
    this.#needs = needs;
    this.#name = manner.name;
    const { certificates, strangers } = needs;
    const options = {
      ...certificates.serverOptions(manner.protocols),
      ...(manner.asksForCertificate && { requestCert: true, rejectUnauthorized: false }),
    };
    this.#tls = tls.createServer(options, (secure) => {
      const socket = beneath(secure);
      if (socket) comesFromWhere(secure, socket);
      accept(secure);
    });
    watchHandshakes(this.#tls, manner.transport, strangers);
    certificates.attach(this.#tls, options);
    this.#tcp = net.createServer({ noDelay: true, keepAlive: true }, (socket) => this.#arrive(socket));
  }

  open(): Promise<void> {
    const { host, port } = this.#needs;
    return listen(this.#tcp, { what: this.#name, host, port });
  }

  get number(): number {
    const address = this.#tcp.address();
    if (address === null || typeof address === "string") throw new Error("a port has a number");
    return address.port;
  }

  /** Takes nobody else in. Ends when everybody is gone. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
    await closed;
    this.#tls.close();
  }

  /** Hangs up on everybody. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #arrive(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#needs.arrivals.receive(socket, () => this.#tls.emit("connection", socket));
  }
}

import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { credentialIn } from "@holdfast/crypto";
import { Port, type PortNeeds } from "../port.ts";
import { Deadlines, untilNext } from "./deadlines.ts";
import type { Live } from "./live.ts";
import { serve, type ServingNeeds } from "./serve.ts";
import { pathOf } from "./target.ts";

/** Takes a connection over that becomes a WebSocket. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export type HttpNeeds = ServingNeeds &
  PortNeeds & {
    readonly live: Live;
    /** A port of its own for clients that show a certificate (RFC 8705): browsers that are asked for one ask the person. */
    readonly clientCertificatePort: number | undefined;
    /** Takes a connection over whose client asks for MQTT. */
    readonly mqtt: (socket: TLSSocket) => void;
    /** By path. Every other request to upgrade is answered as if it had not asked for it (RFC 9110, 7.8). */
    readonly upgrades: Readonly<Record<string, Upgrade>>;
  };

const farewell = 2_000; // milliseconds that open connections have to end when the platform stops

/** What a server with `allowHTTP1` has besides, and Node's types do not say. */
type Server = Http2SecureServer & {
  closeIdleConnections?: () => void;
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
};

/**
 * HTTPS: HTTP/2 and 1.1 on one port, and MQTT for clients that ask for it (RFC 7301), so that one port that every network lets through serves
 * all. Knows the connections, and ends them.
 */
export class HttpListener {
  readonly #needs: HttpNeeds;
  readonly #port: Port;
  readonly #certificatePort: Port | undefined;
  /** Listens to nothing: it is given the connections that speak HTTP. */
  readonly #server: Server;
  #connections = 0;
  readonly #answers = new Map<number, number>();
  #isClosing = false;

  private constructor(needs: HttpNeeds) {
    this.#needs = needs;
    const options = {
      allowHTTP1: true,
      http1Options: {
        keepAliveTimeout: untilNext, // only so that clients of HTTP/1.1 are told; `Deadlines` sees to it
        requireHostHeader: false, // Node's refusal has none of our words; `serve` says it
      },
      // One connection's share: a hundred requests at once, as nginx allows, and no server push, which nobody speaks any more.
      settings: { maxConcurrentStreams: 100, enablePush: false },
    };
    const server: Server = createSecureServer(options);
    server.emit("listening"); // from then on Node knows which of its connections are idle
    // As an option it would be overwritten (Node 26: http2/core, Http2SecureServer).
    server.shouldUpgradeCallback = (request) => this.#isOurs(request);
    this.#server = server;
    const manner = { name: "HTTPS", transport: "http", protocols: ["h2", "http/1.1", "mqtt"] } as const;
    this.#port = new Port(needs, manner, (socket) => this.#accept(socket));
    const { clientCertificatePort } = needs;
    if (clientCertificatePort !== undefined) {
      const asking = { ...manner, protocols: ["h2", "http/1.1"], asksForCertificate: true };
      this.#certificatePort = new Port({ ...needs, port: clientCertificatePort }, asking, (socket) =>
        this.#accept(socket),
      );
    }
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on("error", () => socket.destroy());
      const { upgrades } = this.#needs;
      upgrades[pathOf(request.url)]?.(request, socket, head);
    });
    new Deadlines(needs).watch(server);
    server.on("request", (_request, response) => {
      response.once("close", () => {
        this.#answers.set(response.statusCode, (this.#answers.get(response.statusCode) ?? 0) + 1);
        if (this.#isClosing) this.#server.closeIdleConnections?.();
      });
    });
  }

  static async open(needs: HttpNeeds): Promise<HttpListener> {
    const listener = new HttpListener(needs);
    await serve(listener.#server, needs);
    await listener.#port.open();
    await listener.#certificatePort?.open();
    return listener;
  }

  get port(): number {
    return this.#port.number;
  }

  get ports(): { readonly https: number; readonly clientCertificate: number | undefined } {
    return { https: this.port, clientCertificate: this.#certificatePort?.number };
  }

  /** Connections of HTTP that are open, and how many answers each status had so far. */
  get statistics(): { readonly connections: number; readonly answers: ReadonlyMap<number, number> } {
    return { connections: this.#connections, answers: this.#answers };
  }

  /** Takes nobody else in. Event streams get a last event, requests under way two seconds; then whoever is left is hung up on. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#needs.live.close();
    const gone = Promise.all([this.#port.close(), this.#certificatePort?.close()]);
    this.#server.close();
    const force = setTimeout(() => {
      this.#port.cut();
      this.#certificatePort?.cut();
    }, farewell);
    await gone;
    clearTimeout(force);
  }

  #accept(socket: TLSSocket): void {
    if (socket.alpnProtocol === "mqtt") return this.#needs.mqtt(socket);
    socket.setKeepAlive(true, 60_000); // milliseconds; finds those who vanished without a word
    this.#connections += 1;
    socket.once("close", () => (this.#connections -= 1));
    this.#server.emit("secureConnection", socket);
  }

  #isOurs({ method, url, headers }: IncomingMessage): boolean {
    const isWebSocket =
      method === "GET" && // RFC 6455, 4.1; another method is refused as it is everywhere
      headers.upgrade?.toLowerCase() === "websocket" &&
      Object.hasOwn(this.#needs.upgrades, pathOf(url));
    // One that shows a credential goes the way of all requests, where it is refused and its owner told.
    return isWebSocket && !this.#isClosing && !credentialIn(url ?? "");
  }
}

import type { IncomingMessage } from "node:http";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Duplex } from "node:stream";
import type { Broker } from "@holdfast/mqtt";
import type { Random } from "@holdfast/kernel";
import { createWebSocketStream, type WebSocketServer } from "ws";
import type { Strangers } from "../../live/index.ts";
import type { Certificates } from "../../tls/index.ts";
import { watchHandshakes } from "../handshakes.ts";
import { listen } from "../listen.ts";
import { refuseHandshake, webSocketServer } from "../web-sockets.ts";

type Needs = {
  readonly certificates: Certificates;
  readonly random: Random;
  readonly broker: Pick<Broker, "accept" | "close">;
  readonly strangers: Strangers;
  readonly host: string;
  readonly port: number;
  readonly maximumPacket: number;
};

/** MQTT over TLS, and over WebSockets that the HTTPS listener hands over. Gives each connection to the broker and decides nothing. */
export class MqttListener {
  readonly #needs: Needs;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly #webSockets: WebSocketServer;
  #closing: Promise<void> | undefined;

  private constructor(needs: Needs) {
    this.#needs = needs;
    const tls = { ...needs.certificates.serverOptions(["mqtt"]), noDelay: true, keepAlive: true };
    this.#server = createServer(tls, (socket) => this.#accept(socket));
    watchHandshakes(this.#server, "mqtt", needs.strangers);
    needs.certificates.attach(this.#server, tls);
    this.#server.on("connection", (socket: Duplex) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#webSockets = webSocketServer(needs.random, {
      maxPayload: needs.maximumPacket + 16, // a fixed header is five bytes at most
      handleProtocols: (offered) => (offered.has("mqtt") ? "mqtt" : "mqttv3.1"),
    });
  }

  static async open(needs: Needs): Promise<MqttListener> {
    const listener = new MqttListener(needs);
    await listen(listener.#server, { what: "MQTT", host: needs.host, port: needs.port });
    return listener;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("an MQTT listener has a port");
    return address.port;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!offersMqtt(request)) {
      const fault = { path: "Sec-WebSocket-Protocol", message: 'offer "mqtt" ([MQTT-6.0.0-3])' };
      return refuseHandshake(this.#needs.random, socket, fault);
    }
    const remoteAddress = request.socket.remoteAddress ?? "";
    this.#webSockets.handleUpgrade(request, socket, head, (connection) => {
      const stream = createWebSocketStream(connection);
      // [MQTT-6.0.0-1]: only binary frames.
      connection.on("message", (_data, isBinary) => isBinary || connection.terminate());
      this.#needs.broker.accept(stream, { remoteAddress, secure: true, name: "wss" });
    });
  }

  /** Tells every client (MQTT 5: 0x8B) and ends the connections within the broker's deadline. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#needs.broker.close();
    for (const connection of this.#webSockets.clients) connection.terminate();
    this.#webSockets.close();
    // What is left has not got beyond its handshake.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: TLSSocket): void {
    this.#needs.broker.accept(socket, { remoteAddress: socket.remoteAddress ?? "", secure: true, name: "mqtts" });
  }
}

/** [MQTT-6.0.0-3]: a client offers "mqtt"; those of before the standard offer "mqttv3.1". */
const offersMqtt = ({ headers }: IncomingMessage): boolean =>
  (headers["sec-websocket-protocol"] ?? "").split(",").some((name) => /^mqtt(v3\.1)?$/.test(name.trim()));

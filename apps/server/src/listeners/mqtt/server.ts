import type { IncomingMessage } from "node:http";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Duplex } from "node:stream";
import type { Broker } from "@holdfast/mqtt";
import { Refusal } from "@holdfast/kernel";
import { createWebSocketStream, WebSocketServer } from "ws";
import type { Certificates } from "../../tls/index.ts";

type Needs = {
  readonly certificates: Certificates;
  readonly broker: Pick<Broker, "accept">;
  readonly host: string;
  readonly port: number;
  readonly maximumPacket: number;
};

/** MQTT over TLS, and over WebSockets that the HTTPS listener hands over. Gives each connection to the broker and decides nothing. */
export class MqttListener {
  readonly #needs: Needs;
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();
  readonly #webSockets: WebSocketServer;

  private constructor(needs: Needs) {
    this.#needs = needs;
    const tls = { ...needs.certificates.serverOptions(["mqtt"]), noDelay: true };
    this.#server = createServer(tls, (socket) => this.#accept(socket));
    needs.certificates.attach(this.#server, tls);
    // [MQTT-6.0.0-3]: the server names the subprotocol "mqtt"; a client that offers none of ours is turned away.
    this.#webSockets = new WebSocketServer({
      noServer: true,
      maxPayload: needs.maximumPacket + 16,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has("mqtt") ? "mqtt" : offered.has("mqttv3.1") ? "mqttv3.1" : false),
    });
  }

  static async open(needs: Needs): Promise<MqttListener> {
    const listener = new MqttListener(needs);
    await new Promise<void>((resolve, reject) => {
      listener.#server.once("error", (cause: NodeJS.ErrnoException) => {
        const taken = cause.code === "EADDRINUSE";
        reject(taken ? new Refusal("port.taken", { cause, detail: `MQTT wants ${needs.host}:${needs.port}.` }) : cause);
      });
      listener.#server.listen(needs.port, needs.host, resolve);
    });
    return listener;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("an MQTT listener has a port");
    return address.port;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const address = request.socket.remoteAddress ?? "";
    this.#webSockets.handleUpgrade(request, socket, head, (connection) => {
      const stream = createWebSocketStream(connection);
      this.#needs.broker.accept(stream, { remoteAddress: address, secure: true, name: "wss" });
    });
  }

  async close(): Promise<void> {
    this.#webSockets.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    for (const connection of this.#webSockets.clients) connection.terminate();
    await closed;
  }

  #accept(socket: TLSSocket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#needs.broker.accept(socket, { remoteAddress: socket.remoteAddress ?? "", secure: true, name: "mqtts" });
  }
}

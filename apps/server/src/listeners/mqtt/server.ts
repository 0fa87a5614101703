import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Duplex } from "node:stream";
import type { Broker, Transport } from "@holdfast/mqtt";
import type { Random } from "@holdfast/kernel";
import { createWebSocketStream, type WebSocketServer } from "ws";
import { groupOf } from "../group.ts";
import { Port, tlsOf, type PortNeeds } from "../port.ts";
import { refuseHandshake, webSocketServer } from "../web-sockets.ts";

type Needs = PortNeeds & {
  readonly random: Random;
  readonly broker: Pick<Broker, "accept" | "close">;
  readonly maximumPacket: number;
};

/** MQTT over TLS on a port of its own, and whatever of it the HTTPS listener hands over: by ALPN, or over WebSockets. Gives each connection to the broker and decides nothing. */
export class MqttListener {
  readonly #needs: Needs;
  readonly #port: Port;
  readonly #webSockets: WebSocketServer;
  #closing: Promise<void> | undefined;

  private constructor(needs: Needs) {
    this.#needs = needs;
    const manner = { name: "MQTT", transport: "mqtt", protocols: ["mqtt"], asksForCertificate: true } as const;
    this.#port = new Port(needs, manner, (socket) => this.accept(socket));
    this.#webSockets = webSocketServer(needs.random, {
      maxPayload: needs.maximumPacket + 16, // a fixed header is five bytes at most
      handleProtocols: (offered) => (offered.has("mqtt") ? "mqtt" : "mqttv3.1"),
    });
  }

  static async open(needs: Needs): Promise<MqttListener> {
    const listener = new MqttListener(needs);
    await listener.#port.open();
    return listener;
  }

  get port(): number {
    return this.#port.number;
  }

  accept(socket: TLSSocket): void {
    this.#needs.broker.accept(socket, {
      ...this.#wayOf(socket, "mqtts"),
      certificate: socket.getPeerX509Certificate()?.raw,
    });
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!offersMqtt(request)) {
      const fault = { path: "Sec-WebSocket-Protocol", message: 'offer "mqtt" ([MQTT-6.0.0-3])' };
      return refuseHandshake(this.#needs.random, socket, fault);
    }
    const way = this.#wayOf(request.socket, "wss");
    this.#webSockets.handleUpgrade(request, socket, head, (connection) => {
      const stream = createWebSocketStream(connection);
      // [MQTT-6.0.0-1]: only binary frames.
      connection.on("message", (_data, isBinary) => isBinary || connection.terminate());
      let sent = 0;
      // `ws` keeps a message until it is whole.
      const count = ({ length }: Buffer) => tell((sent += length));
      const answered = (code: number) => {
        if (code === 0) socket.off("data", count);
        way.answered?.(code);
      };
      const tell = this.#needs.broker.accept(stream, { ...way, answered, origin: request.headers.origin });
      socket.on("data", count);
    });
  }

  /** Tells every client (MQTT 5: 0x8B) and ends the connections within the broker's deadline. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = this.#port.close();
    await this.#needs.broker.close();
    for (const connection of this.#webSockets.clients) connection.terminate();
    this.#webSockets.close();
    // What is left has not got beyond its handshake.
    this.#port.cut();
    await closed;
  }

  #wayOf(socket: Socket, name: "mqtts" | "wss"): Transport {
    const { remoteAddress = "" } = socket;
    const connecting = () => this.#needs.arrivals.settle(socket);
    const answered = (code: number) => {
      if (!isOurs(code)) this.#needs.arrivals.judge(socket, code === 0 ? "welcome" : "refused");
    };
    const tls = tlsOf(socket);
    const group = groupOf(socket);
    return { remoteAddress, secure: true, tls, group, name, connecting, answered, exportKey: exporterOf(socket) };
  }
}

/** Unavailable, busy (MQTT 5, table 2-6): the client can do nothing about it. */
const isOurs = (code: number): boolean => code === 0x88 || code === 0x89;

/** Of TLS 1.3 alone: before that, what is exported binds to the connection only with extensions that a client may leave out. */
function exporterOf(socket: Socket): Transport["exportKey"] {
  if (!(socket instanceof TLSSocket) || tlsOf(socket) !== "TLSv1.3") return undefined;
  return (label, bytes) => socket.exportKeyingMaterial(bytes, label, Buffer.alloc(0));
}

/** [MQTT-6.0.0-3]: a client offers "mqtt"; those of before the standard offer "mqttv3.1". */
const offersMqtt = ({ headers }: IncomingMessage): boolean =>
  (headers["sec-websocket-protocol"] ?? "").split(",").some((name) => /^mqtt(v3\.1)?$/.test(name.trim()));

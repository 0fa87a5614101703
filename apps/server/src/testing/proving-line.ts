import assert from "node:assert/strict";
import { sign, type KeyObject } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { proofMessage } from "@holdfast/crypto";
import mqttPacket from "mqtt-packet";

type Key = { readonly id: string; readonly secret: string };
type Packet = { cmd: string; reasonCode?: number; properties?: Record<string, unknown> };

export const signed = (message: Uint8Array, key: KeyObject): Buffer =>
  key.asymmetricKeyType === "ed25519"
    ? sign(null, message, key)
    : sign("sha256", message, { key, dsaEncoding: "ieee-p1363" });

/** A client of MQTT 5 that proves a key (docs/proof.md), packet by packet, so that a test says exactly what it wants. */
export class ProvingLine implements Disposable {
  readonly tls: tls.TLSSocket;
  readonly #stream: Duplex;
  readonly #came: Packet[] = [];
  #more = Promise.withResolvers<void>();

  constructor(socket: tls.TLSSocket, stream: Duplex = socket) {
    this.tls = socket;
    this.#stream = stream;
    const parser = mqttPacket.parser({ protocolVersion: 5 });
    const news = () => {
      this.#more.resolve();
      this.#more = Promise.withResolvers();
    };
    parser.on("packet", (packet: unknown) => {
      this.#came.push(packet as Packet); // with the fields of its kind
      news();
    });
    stream.on("data", (chunk: Buffer) => parser.parse(chunk));
    stream.on("error", () => {}); // a reset is as good as an end
    stream.on("close", news);
  }

  static async dial(at: { port: number; ca: string }, options: tls.ConnectionOptions = {}): Promise<ProvingLine> {
    const socket = tls.connect({ host: "127.0.0.1", servername: "localhost", ...at, ...options });
    await once(socket, "secureConnect");
    return new ProvingLine(socket);
  }

  send(packet: Record<string, unknown>): void {
    // mqtt-packet's types want one type for each packet.
    this.#stream.write(mqttPacket.generate(packet as unknown as mqttPacket.Packet, { protocolVersion: 5 }));
  }

  connect(
    { username, password }: { username: string; password: string },
    properties: object = { authenticationMethod: "holdfast-proof" },
  ): void {
    const fixed = { cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clean: true, keepalive: 0, clientId: "" };
    this.send({ ...fixed, username, password: Buffer.from(password), properties });
  }

  auth(authenticationData: Uint8Array | undefined, reasonCode = 0x18): void {
    const data = authenticationData && { authenticationData: Buffer.from(authenticationData) };
    this.send({ cmd: "auth", reasonCode, properties: { authenticationMethod: "holdfast-proof", ...data } });
  }

  async next(): Promise<Packet> {
    for (;;) {
      const packet = this.#came.shift();
      if (packet) return packet;
      if (this.#stream.closed) return { cmd: "closed" };
      await this.#more.promise;
    }
  }

  async nonce(): Promise<Buffer> {
    const { cmd, reasonCode, properties } = await this.next();
    assert.deepEqual([cmd, reasonCode, properties?.["authenticationMethod"]], ["auth", 0x18, "holdfast-proof"]);
    const nonce = properties?.["authenticationData"];
    assert.ok(nonce instanceof Buffer && nonce.length === 32);
    return nonce;
  }

  exporter(): Buffer {
    return this.tls.exportKeyingMaterial(32, "EXPERIMENTAL-Holdfast-Proof-1", Buffer.alloc(0));
  }

  proof(id: string, nonce: Uint8Array, key: KeyObject): Buffer {
    return signed(proofMessage({ id, nonce, exporter: this.exporter() }), key);
  }

  /** Comes in, and answers with the CONNACK. */
  async enter({ id, secret }: Key, privateKey: KeyObject): Promise<Packet> {
    this.connect({ username: id, password: secret });
    this.auth(this.proof(id, await this.nonce(), privateKey));
    return this.next();
  }

  async publish(): Promise<Packet> {
    this.send({
      cmd: "publish",
      topic: "me/telemetry",
      payload: '{"t": 1}',
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    });
    return this.next();
  }

  [Symbol.dispose](): void {
    this.tls.destroy();
  }
}

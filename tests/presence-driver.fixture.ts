import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import mqttPacket from "mqtt-packet";
import type { Act, Order } from "./presence-model.fixture.ts";

// A program that is many devices for presence-fleet.long.test.ts, each over a socket of its own. It does what it is told when it is told to, and says what it
// did, and when.
const say = (device: number, what: Act["what"]): void => void process.stdout.write(`${device} ${Date.now()} ${what}\n`);

class Client {
  readonly #at: number;
  readonly #place: Order["place"];
  readonly #who: Order["devices"][number];
  #socket: TLSSocket | undefined;
  #timers: NodeJS.Timeout[] = [];
  #isTalking = true;
  #isDeaf = false;
  #owed: number[] = [];
  /** One after the other: who is told to leave while he still comes leaves then. */
  #work = Promise.resolve();
  #comesAgain = false;

  constructor(place: Order["place"], who: Order["devices"][number]) {
    this.#at = who.at;
    this.#place = place;
    this.#who = who;
  }

  tell(step: Order["steps"][number]["do"]): void {
    this.#work = this.#work.then(() => this.#do(step));
  }

  async #do(step: Order["steps"][number]["do"]): Promise<void> {
    switch (step) {
      case "come":
        this.#comesAgain = false;
        while (!(await this.#come())) await wait(300);
        // However late it is: what follows is told apart.
        await wait(1_200);
        return;
      case "stay":
        this.#comesAgain = true;
        await this.#come(); // that it failed is seen by its end
        return;
      case "bye":
        this.#rest();
        this.#socket?.end(mqttPacket.generate({ cmd: "disconnect" }));
        return say(this.#at, "bye");
      case "cut":
        this.#rest();
        this.#socket?.destroy();
        return say(this.#at, "cut");
      case "freeze":
        return this.#rest();
      case "quiet":
        this.#isTalking = false;
        return;
      case "talk":
        this.#isTalking = true;
        return;
      case "deaf":
        this.#isDeaf = true;
        return;
      case "hear":
        this.#isDeaf = false;
        for (const messageId of this.#owed.splice(0)) this.#send({ cmd: "puback", messageId });
        return say(this.#at, "acknowledged");
    }
  }

  #rest(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  #send(packet: mqttPacket.Packet): void {
    if (this.#socket?.writable) this.#socket.write(mqttPacket.generate(packet));
  }

  async #come(): Promise<boolean> {
    this.#rest();
    this.#socket?.destroy();
    this.#owed = [];
    const { port, ca } = this.#place;
    const { key, secret, keepAlive: keepalive, interval } = this.#who;
    const socket = connect({ host: "127.0.0.1", servername: "localhost", port, ca });
    this.#socket = socket;
    const { promise: answered, resolve } = Promise.withResolvers<boolean>();
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    parser.on("packet", (packet: mqttPacket.Packet) => {
      if (packet.cmd === "connack") {
        say(this.#at, "came");
        resolve(true);
      }
      if (packet.cmd !== "publish" || packet.messageId === undefined) return;
      say(this.#at, "got");
      if (this.#isDeaf) this.#owed.push(packet.messageId);
      else {
        this.#send({ cmd: "puback", messageId: packet.messageId });
        say(this.#at, "acknowledged");
      }
    });
    socket.on("data", (bytes: Buffer) => parser.parse(bytes));
    socket.on("error", () => undefined); // an end like any other
    socket.on("close", () => {
      resolve(false);
      if (this.#socket !== socket) return;
      this.#rest();
      if (this.#comesAgain) setTimeout(() => this.tell("stay"), 500 + 30 * (this.#at % 100));
    });
    socket.on("secureConnect", () => {
      const protocol = { protocolId: "MQTT", protocolVersion: 4, clean: true } as const;
      const login = { clientId: key, username: key, password: Buffer.from(secret) };
      socket.write(mqttPacket.generate({ cmd: "connect", ...protocol, keepalive, ...login }));
      if (this.#who.listens)
        this.#send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "me/commands/+", qos: 1 }] });
    });
    if (!(await answered)) return false;
    const every = (seconds: number, work: () => void): void =>
      void this.#timers.push(setInterval(work, seconds * 1_000));
    every(keepalive * 0.4, () => {
      this.#send({ cmd: "pingreq" });
      say(this.#at, "packet");
    });
    if (interval === undefined) return true;
    every(interval * 0.5, () => {
      if (!this.#isTalking) return;
      this.#send({ cmd: "publish", topic: "me/telemetry", payload: '{"t":1}', qos: 0, dup: false, retain: false });
      say(this.#at, "read");
    });
    return true;
  }
}

const clients = new Map<number, Client>();
for await (const line of createInterface({ input: process.stdin })) {
  const { place, devices, steps } = JSON.parse(line) as Order; // the test's own words
  for (const device of devices) clients.set(device.at, new Client(place, device));
  for (const { device, at, do: step } of steps)
    setTimeout(() => clients.get(device)?.tell(step), Math.max(0, at - Date.now()));
}

import { once } from "node:events";
import { Agent, request } from "node:https";
import net from "node:net";
import tls, { type TLSSocket } from "node:tls";
import type { Timers } from "@holdfast/kernel";
import { MqttClient } from "./mqtt-client.ts";

/** A device's key, as it shows it. */
export type Key = { readonly id: string; readonly secret: string };

/** The listener understood, and does not let this credential in. */
export class TurnedAway extends Error {
  override readonly name = "TurnedAway";
  /** The credential is good for nothing any more: trying again is of no use. */
  readonly isForGood: boolean;

  constructor(isForGood: boolean) {
    super("the platform let a device of its own not in");
    this.isForGood = isForGood;
  }
}

type Needs = {
  /** Where the listeners listen, and a name that is in their certificate. */
  readonly host: string;
  readonly name: string;
  readonly ports: () => { readonly https: number; readonly mqtts: number };
  /** What to trust, as any device would; without it what the system trusts. */
  readonly ca: () => string | undefined;
  /** What has to be said before TLS, where this machine's own address is declared as a proxy's. */
  readonly first?: Uint8Array | undefined;
  readonly timers: Timers;
};

const keepAlive = 60; // seconds
const patience = 10_000; // milliseconds for a connection to stand, and for an answer
const linger = 1_000; // milliseconds for the listener to hang up after a goodbye
const badUserNameOrPassword = 0x86; // MQTT 5, table 2-6

/**
 * The platform's own front door from outside. Nobody tells it an address: it reaches the listeners of this process and nothing else,
 * by TLS that is verified, and sends nothing before it has seen that it speaks to its own machine.
 */
export class OwnListeners {
  readonly #needs: Needs;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#agent.createConnection = () => this.#dial(this.#needs.ports().https);
  }

  /** @throws TurnedAway, or whatever keeps a connection from standing */
  async connect({ id, secret }: Key): Promise<MqttClient> {
    const socket = this.#dial(this.#needs.ports().mqtts);
    const { timers } = this.#needs;
    const late = timers.after(patience, () => socket.destroy(new Error("it took too long")));
    socket.once("finish", () => {
      const gone = timers.after(linger, () => socket.destroy());
      socket.once("close", () => gone.cancel());
    });
    try {
      await once(socket, "secureConnect");
      refuseElsewhere(socket);
      const { client, code } = await MqttClient.open(socket, { username: id, password: secret, keepAlive });
      if (code !== 0) throw new TurnedAway(code === badUserNameOrPassword);
      return client;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      late.cancel();
    }
  }

  /** Delivers readings over HTTPS; answered once they are durable. @throws TurnedAway, or whatever keeps an answer from coming */
  async deliver({ id, secret }: Key, body: string): Promise<void> {
    const call = request({
      host: this.#needs.host,
      port: this.#needs.ports().https,
      agent: this.#agent,
      method: "POST",
      path: "/v1/me/telemetry",
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    });
    const late = this.#needs.timers.after(patience, () => call.destroy(new Error("it took too long")));
    try {
      const answer = Promise.withResolvers<number>();
      answer.promise.catch(() => {}); // it is awaited once the connection stands, and that may fail by itself
      call.on("error", answer.reject);
      call.on("response", (response) => {
        response.resume().on("end", () => answer.resolve(response.statusCode ?? 0));
      });
      const [socket] = (await once(call, "socket")) as [TLSSocket]; // an agent for https gives no other
      if (!socket.authorized) await once(socket, "secureConnect");
      refuseElsewhere(socket);
      call.setHeader("x-auth-token", `${id}.${secret}`);
      call.end(body);
      const status = await answer.promise;
      if (status === 401 || status === 403) throw new TurnedAway(status === 401);
    } catch (error) {
      call.destroy();
      throw error;
    } finally {
      late.cancel();
    }
  }

  /** Lets go of connections that are kept for the next delivery. */
  close(): void {
    this.#agent.destroy();
  }

  #dial(port: number): TLSSocket {
    const { host, name, ca, first } = this.#needs;
    const socket = net.connect({ host, port });
    if (first) socket.write(first);
    return tls.connect({ socket, servername: name, ca: ca() });
  }
}

/** Who speaks to an address of its own machine has the same at both ends. @throws Error */
function refuseElsewhere({ localAddress, remoteAddress }: TLSSocket): void {
  if (localAddress === undefined || localAddress !== remoteAddress) throw new Error("that is not this machine");
}

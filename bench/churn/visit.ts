import { connect as dial, type Socket } from "node:net";
import { connect as dialTls } from "node:tls";
import { setTimeout as wait } from "node:timers/promises";
import type { Door } from "../mqtt/client.ts";
import type { Login } from "../mqtt/frames.ts";
import type { Chance } from "./chance.ts";
import * as say from "./packets.ts";

/** Where clients come and go, and what they can say there. */
export type Scene = {
  readonly door: Door;
  login(chance: Chance): Login | undefined;
  /** Everybody whom `login` may be; who is nobody in particular has a session of his own. */
  readonly logins: readonly (Login | undefined)[];
  topic(chance: Chance, serial: number): string;
  /** For what is retained: one of so many, or what nobody clears would pile up. */
  lastingTopic(chance: Chance): string;
  filter(chance: Chance, serial: number): string;
  payload(chance: Chance): Uint8Array;
};

/** Clients that come again and again, and find their session or take it over. */
const regulars = 5;
/** Milliseconds. */
const longestStay = 1_000;
const patience = 10_000;

/** One client from its coming to its going, either of which may be rude. `serial` is another one in each visit. */
export async function visit(scene: Scene, chance: Chance, serial: number): Promise<void> {
  const client = new Guest(scene.door);
  const stay = () => wait(chance.below(longestStay) / 4);
  try {
    await client.arrived;
    const coming = comingOf(scene, chance, serial);
    const connect = say.connect(coming);
    const manner = chance.next();
    if (manner < 0.03) return await stay(); // it says nothing
    if (manner < 0.06) {
      client.send(connect.subarray(0, 1 + chance.below(connect.length - 1)));
      return await stay();
    }
    client.send(connect);
    await client.welcome;
    client.isAttentive = chance.in(0.8);
    await talk(client, scene, chance, coming.version, serial, stay);
    leave(client, chance, coming.version);
    // Whoever said something impossible is hung up on.
    await Promise.race([client.gone, wait(patience, undefined, { ref: false })]);
  } finally {
    client.socket.destroy();
  }
}

/** Ends the sessions of those who come again and again: of 3.1.1 they have no end. */
export async function endRegulars(scene: Scene): Promise<void> {
  const each = scene.logins.flatMap((login) => Array.from({ length: regulars }, (_, at) => ({ login, at })));
  await Promise.all(
    each.map(async ({ login, at }) => {
      const client = new Guest(scene.door);
      await client.arrived;
      const coming = {
        version: 4,
        clientId: `regular-${at}`,
        isClean: true,
        expiry: 0,
        will: undefined,
        login,
      } as const;
      client.send(say.connect(coming));
      await client.welcome;
      client.socket.end(say.disconnect);
      await client.gone;
    }),
  );
}

function comingOf(scene: Scene, chance: Chance, serial: number): say.Coming {
  const isRegular = chance.in(0.3);
  const version = chance.of(4, 5);
  const retain = chance.in(0.2);
  const will = {
    topic: retain ? scene.lastingTopic(chance) : scene.topic(chance, serial),
    qos: chance.of(0, 1, 2),
    retain,
    delay: chance.below(3),
  } as const;
  return {
    version,
    clientId: isRegular ? `regular-${chance.below(regulars)}` : `visit-${serial}`,
    // Of 3.1.1 a kept session is there for good: only those keep one who come again.
    isClean: isRegular ? chance.in(0.4) : version === 4 || chance.in(0.5),
    expiry: chance.below(4),
    will: chance.in(0.4) ? will : undefined,
    login: scene.login(chance),
  };
}

async function talk(
  client: Guest,
  scene: Scene,
  chance: Chance,
  version: say.Version,
  serial: number,
  stay: () => Promise<void>,
): Promise<void> {
  let id = 0;
  const filters = Array.from({ length: chance.below(4) }, () => scene.filter(chance, serial));
  if (filters.length > 0) client.send(say.subscribe(version, ++id, filters, chance.of(0, 1, 2)));
  await stay();
  for (let messages = chance.below(6); messages > 0 && !client.isGone; messages--) {
    const [qos, retain] = [chance.of<say.QoS>(0, 1, 2), chance.in(0.3)];
    const topic = retain ? scene.lastingTopic(chance) : scene.topic(chance, serial);
    const payload = retain && chance.in(0.5) ? new Uint8Array() : scene.payload(chance); // half of them clear it
    const alias = version === 5 && chance.in(0.3) ? 1 + chance.below(8) : 0;
    client.send(say.publish(version, ++id, alias, { topic, payload, qos, retain }));
    if (chance.in(0.3)) await stay();
  }
  if (filters.length > 0 && chance.in(0.3)) client.send(say.unsubscribe(version, ++id, filters));
  await stay();
}

function leave(client: Guest, chance: Chance, version: say.Version): void {
  const manner = chance.next();
  if (manner < 0.3) client.socket.end(say.disconnect);
  else if (manner < 0.4) client.socket.end(version === 5 ? say.disconnectWithWill : say.disconnect);
  else if (manner < 0.5) client.send(say.nonsense);
  else if (manner < 0.65) {
    client.send(Buffer.from([0x32, 100, 0, 9]));
    setImmediate(() => client.socket.destroy());
  } else client.socket.destroy();
}

class Guest {
  readonly socket: Socket;
  readonly arrived: Promise<void>;
  /** Ends with CONNACK, or with the connection. */
  readonly welcome: Promise<void>;
  readonly gone: Promise<void>;
  /** Whether it acknowledges what it gets. */
  isAttentive = true;
  isGone = false;

  constructor({ port, tls }: Door) {
    const to = { host: "127.0.0.1", port, noDelay: true };
    this.socket = tls ? dialTls({ ...to, secureContext: tls, servername: "localhost" }) : dial(to);
    const [arrived, welcome, gone] = [0, 0, 0].map(() => Promise.withResolvers<void>());
    this.arrived = arrived!.promise;
    this.welcome = welcome!.promise;
    this.gone = gone!.promise;
    this.socket.once(tls ? "secureConnect" : "connect", () => arrived!.resolve());
    const packets = new say.Packets();
    this.socket.on("data", (chunk: Buffer) => {
      for (const { first, body } of packets.of(chunk)) {
        if (first === 0x20) welcome!.resolve();
        else if (this.isAttentive) this.#acknowledge(first, body);
      }
    });
    this.socket.on("error", () => {}); // an end like any other
    this.socket.on("close", () => {
      this.isGone = true;
      for (const each of [arrived, welcome, gone]) each!.resolve();
    });
  }

  send(bytes: Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  #acknowledge(first: number, body: Buffer): void {
    switch (first >> 4) {
      case 3: {
        const qos = (first >> 1) & 3;
        const id = qos > 0 ? body.readUInt16BE(2 + body.readUInt16BE(0)) : 0;
        if (qos > 0) this.send(say.answer(qos === 1 ? 0x40 : 0x50, id));
        return;
      }
      case 5:
        return this.send(say.answer(0x62, body.readUInt16BE(0)));
      case 6:
        return this.send(say.answer(0x70, body.readUInt16BE(0)));
    }
  }
}

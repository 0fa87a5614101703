import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { House, until } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import { MovedTime } from "./moved-time.fixture.ts";
import type { Peer, Received } from "./peer.fixture.ts";
import {
  forever,
  PlainBroker,
  type Arrival,
  type Given,
  type Session,
  type Subscription,
} from "./plain-broker.fixture.ts";

// Lives of a few clients at the broker, made up at random and compared with `PlainBroker` after each step.

const clients = ["a", "b", "c"] as const;
const who = fc.constantFrom(...clients);
const topic = fc.constantFrom("t", "t/x", "t/y", "$t/x");
// At most one shared group for each topic: who got which of two that are the same could not be told.
const filter = fc.constantFrom(
  "#",
  "t",
  "t/#",
  "t/+",
  "+/x",
  "w/+",
  "$t/#",
  "$share/g/t/+",
  "$share/g/t/+",
  "$share/g/w/#",
);
const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2);
const step = <Name extends string, Fields extends object>(
  name: Name,
  fields: { [K in keyof Fields]: fc.Arbitrary<Fields[K]> },
) => fc.record({ do: fc.constant(name), ...fields }) as fc.Arbitrary<{ do: Name } & Fields>; // as it says

const steps = {
  connect: step("connect", {
    who,
    version: fc.constantFrom<4 | 5>(4, 5),
    clean: fc.constantFrom(false, false, true),
    /** Of MQTT 5. */
    expirySeconds: fc.constantFrom(0, 10, forever, forever),
    window: fc.constantFrom(1, 2, 0xffff, 0xffff),
    aliases: fc.constantFrom(0, 1, 10),
    will: fc.option(fc.record({ qos, retain: fc.boolean(), delaySeconds: fc.constantFrom(0, 3, 20) }), {
      nil: undefined,
    }),
  }),
  leave: step("leave", {
    who,
    keepsWill: fc.boolean(),
    expirySeconds: fc.constantFrom<number | undefined>(undefined, 0, 5),
  }),
  lose: step("lose", { who }),
  subscribe: step("subscribe", {
    who,
    asked: fc.uniqueArray(
      fc.record({ filter, qos, noLocal: fc.boolean(), retainAsPublished: fc.boolean(), retainHandling: fc.nat(2) }),
      { minLength: 1, maxLength: 3, selector: (one) => one.filter },
    ),
    identifier: fc.nat(3),
  }),
  unsubscribe: step("unsubscribe", { who, which: fc.nat() }),
  publish: step("publish", {
    who: fc.constantFrom(...clients, undefined),
    topic,
    qos,
    retain: fc.boolean(),
    isEmpty: fc.boolean(),
    /** Of MQTT 5, in seconds. */
    expiry: fc.constantFrom<number | undefined>(undefined, undefined, 4, 30),
    /** At QoS 2: before the PUBREC has come. */
    isRepeated: fc.boolean(),
  }),
  answer: step("answer", { who, count: fc.integer({ min: 1, max: 6 }) }),
  move: step("move", {
    milliseconds: fc.constantFrom(500, 1_000, 1_000, 4_000, 10_000, 31_000),
    /** What may be written late is not kept. */
    fails: fc.constantFrom(false, false, true),
  }),
  restart: step("restart", { how: fc.constantFrom<"crash" | "stop">("crash", "stop") }),
};

type StepOf<Name extends keyof typeof steps> = (typeof steps)[Name] extends fc.Arbitrary<infer One> ? One : never;
export type Step = { [Name in keyof typeof steps]: StepOf<Name> }[keyof typeof steps];

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: steps.connect, weight: 6 },
  { arbitrary: steps.leave, weight: 1 },
  { arbitrary: steps.lose, weight: 2 },
  { arbitrary: steps.subscribe, weight: 5 },
  { arbitrary: steps.unsubscribe, weight: 1 },
  { arbitrary: steps.publish, weight: 9 },
  { arbitrary: steps.answer, weight: 5 },
  { arbitrary: steps.move, weight: 2 },
  { arbitrary: steps.restart, weight: 1 },
);

/** Everybody is there at first, and some have asked for something. */
export const lives: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(steps.connect, { minLength: 3, maxLength: 3 }),
    fc.array(steps.subscribe, { minLength: 3, maxLength: 3 }),
    fc.array(anyStep, { maxLength: 60, size: "max" }),
  )
  .map(([connects, subscribes, others]) => [
    ...connects.map((one, i) => ({ ...one, who: clients[i] ?? one.who })),
    ...subscribes.map((one, i) => ({ ...one, who: clients[i] ?? one.who })),
    ...others,
  ]);

/** A client that answers when it is told to, or never. */
class Guest {
  readonly name: (typeof clients)[number];
  peer: Peer | undefined;
  readonly answers: { readonly what: "puback" | "pubrec" | "pubcomp"; readonly id: number }[] = [];
  readonly #topics = new Map<number, string>();

  constructor(name: (typeof clients)[number]) {
    this.name = name;
  }

  came(peer: Peer): void {
    this.peer = peer;
  }

  gone(): void {
    this.peer = undefined;
    this.answers.length = 0;
    this.#topics.clear();
  }

  /** A PUBLISH as it was meant. */
  understood({ topic: told, payload, qos, retain, dup, messageId, properties = {} }: Received): Arrival {
    const { topicAlias, subscriptionIdentifier = [], messageExpiryInterval } = properties;
    if (topicAlias !== undefined && told !== "") this.#topics.set(Number(topicAlias), told);
    const topic = told === "" ? this.#topics.get(Number(topicAlias)) : told;
    assert.ok(topic !== undefined, "an alias that was told");
    const identifiers = [subscriptionIdentifier]
      .flat()
      .map(Number)
      .toSorted((a, b) => a - b);
    const expiry = messageExpiryInterval === undefined ? undefined : Number(messageExpiryInterval);
    const known = { topic, payload: String(payload), retain, dup, id: qos === 0 ? 0 : messageId, identifiers, expiry };
    return { ...known, qos: qos as 0 | 1 | 2 }; // mqtt-packet refuses 3
  }
}

/** The broker, its clients, and what ought to be. */
class World {
  #house: House;
  #log: Log;
  readonly #plain: PlainBroker;
  readonly #guests = clients.map((name) => new Guest(name));
  #count = 0;
  readonly #emptied = new Set<string>();

  private constructor(house: House, log: Log) {
    this.#house = house;
    this.#log = log;
    this.#plain = new PlainBroker(house.time.now());
  }

  static async open(): Promise<World> {
    const log = new Log();
    return new World(await House.open({ log }), log);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#house[Symbol.asyncDispose]();
  }

  async step(step: Step): Promise<void> {
    await this.#do(step);
    await this.#compare();
  }

  async #do(step: Step): Promise<void> {
    if (step.do === "move") {
      this.#log.isFailing = step.fails;
      this.#move(step.milliseconds);
      this.#log.isFailing = false;
      return;
    }
    if (step.do === "restart") return this.#restart(step.how);
    if (step.do === "publish" && step.who === undefined) return this.#publishFromWithin(step);
    const guest = this.#guests.find(({ name }) => name === step.who);
    assert.ok(guest);
    if (step.do === "connect") return this.#connect(guest, step);
    const session = this.#plain.of(guest.name);
    const { peer } = guest;
    if (!peer || !session) return;
    switch (step.do) {
      case "leave":
        return this.#leave(guest, peer, session, step);
      case "lose":
        peer.destroy();
        return this.#gone(guest, () => this.#plain.lose(session));
      case "subscribe":
        return this.#subscribe(peer, session, step);
      case "unsubscribe":
        return this.#unsubscribe(peer, session, step.which);
      case "publish":
        return this.#publish(peer, session, step);
      case "answer":
        for (const { what, id } of guest.answers.splice(0, step.count)) {
          this.#plain.answered(session, what, id);
          peer.send({ cmd: what, messageId: id });
        }
    }
  }

  /** Does what ends a connection, and waits until the broker has seen it. */
  async #gone(guest: Guest, act: () => void): Promise<void> {
    const { closes } = this.#house.policy;
    const { length } = closes;
    guest.gone();
    act();
    await until(() => closes.length > length);
  }

  async #connect(guest: Guest, step: StepOf<"connect">): Promise<void> {
    const { version, clean, aliases, will } = step;
    const isFive = version === 5;
    const expirySeconds = isFive ? step.expirySeconds : clean ? 0 : forever;
    const window = isFive ? step.window : 0xffff;
    const given: Given | undefined = will && {
      topic: `w/${guest.name}`,
      payload: `will ${++this.#count}`,
      qos: will.qos,
      retain: will.retain,
      expiry: undefined,
    };
    const delaySeconds = isFive ? (will?.delaySeconds ?? 0) : 0;
    guest.gone(); // whoever was here is thrown out
    const peer = await this.#house.visit({ version });
    peer.connect({
      clientId: guest.name,
      clean,
      ...(given && {
        will: {
          topic: given.topic,
          payload: given.payload,
          qos: given.qos,
          retain: given.retain,
          ...(isFive && { properties: { willDelayInterval: delaySeconds } }),
        },
      }),
      ...(isFive && {
        properties: { sessionExpiryInterval: expirySeconds, receiveMaximum: window, topicAliasMaximum: aliases },
      }),
    });
    const answer = await peer.take("connack");
    assert.equal(answer.reasonCode ?? answer.returnCode, 0);
    const asked = { client: guest.name, version, expirySeconds, window, clean };
    const isPresent = this.#plain.connect({ ...asked, will: given && { given, delaySeconds } });
    assert.equal(answer.sessionPresent, isPresent, `session present of ${guest.name}`);
    guest.came(peer);
  }

  async #leave(guest: Guest, peer: Peer, session: Session, step: StepOf<"leave">): Promise<void> {
    const isFive = peer.version === 5;
    const keepsWill = isFive && step.keepsWill;
    // What ends with its connection cannot be kept after all.
    const expirySeconds = isFive && session.expirySeconds > 0 ? step.expirySeconds : undefined;
    const properties = expirySeconds === undefined ? {} : { sessionExpiryInterval: expirySeconds };
    peer.send({ cmd: "disconnect", reasonCode: keepsWill ? 4 : 0, properties });
    await this.#gone(guest, () => this.#plain.leave(session, keepsWill, expirySeconds));
    // That a session was given up is in the log within a second.
    if (expirySeconds === 0) this.#move(1_000);
  }

  async #subscribe(peer: Peer, session: Session, { asked, identifier: wanted }: StepOf<"subscribe">): Promise<void> {
    const isFive = peer.version === 5;
    const identifier = isFive ? wanted : 0;
    const subscriptions = asked.map((one): Subscription => {
      // A shared subscription cannot be no-local; and what comes by it must not look like what is retained.
      const isPlain = isFive && !one.filter.startsWith("$share/");
      const [noLocal, retainAsPublished] = [isPlain && one.noLocal, isPlain && one.retainAsPublished];
      return { ...one, noLocal, retainAsPublished, retainHandling: isFive ? one.retainHandling : 0, identifier };
    });
    peer.send({
      cmd: "subscribe",
      messageId: 1,
      subscriptions: subscriptions.map(({ filter, qos, noLocal: nl, retainAsPublished: rap, retainHandling: rh }) => ({
        topic: filter,
        qos,
        ...(isFive && { nl, rap, rh }),
      })),
      properties: identifier === 0 ? {} : { subscriptionIdentifier: identifier },
    });
    this.#plain.subscribe(session, subscriptions);
  }

  #unsubscribe(peer: Peer, session: Session, which: number): void {
    const { filter } = session.subscriptions[which % session.subscriptions.length] ?? { filter: "none" };
    peer.send({ cmd: "unsubscribe", messageId: 1, unsubscriptions: [filter] });
    this.#plain.unsubscribe(session, filter);
  }

  #given({ topic, qos, retain, isEmpty }: StepOf<"publish">, expiry: number | undefined): Given {
    // Two that are empty look the same: of each topic one is, where no shared group may get it, and it is not over before others.
    const hasNothing = retain && isEmpty && !topic.startsWith("t/") && !this.#emptied.has(topic);
    if (hasNothing) this.#emptied.add(topic);
    const payload = hasNothing ? "" : `${++this.#count}`;
    return { topic, payload, qos, retain, expiry: hasNothing ? undefined : expiry };
  }

  async #publish(peer: Peer, session: Session, step: StepOf<"publish">): Promise<void> {
    const { qos } = step;
    const given = this.#given(step, peer.version === 5 ? step.expiry : undefined);
    const { topic, payload, retain, expiry } = given;
    const properties = expiry === undefined ? {} : { messageExpiryInterval: expiry };
    const messageId = 7;
    peer.publish(topic, payload, { qos, retain, messageId, properties });
    if (qos === 2 && step.isRepeated) peer.publish(topic, payload, { qos, retain, messageId, properties, dup: true });
    if (qos === 2) peer.send({ cmd: "pubrel", messageId });
    this.#plain.publish(given, session);
  }

  #publishFromWithin(step: StepOf<"publish">): void {
    const given = this.#given(step, step.expiry);
    const properties = given.expiry === undefined ? {} : { messageExpiryInterval: given.expiry };
    this.#house.broker.publish("space", { ...given, payload: Buffer.from(given.payload), properties });
    this.#plain.publish(given, undefined);
  }

  #move(milliseconds: number): void {
    this.#house.time.move(milliseconds);
    this.#plain.move(milliseconds);
  }

  async #restart(how: "crash" | "stop"): Promise<void> {
    // What could not be kept the first time is within a second.
    if (this.#log.refused > 0) {
      this.#move(1_000);
      await this.#compare();
    }
    if (how === "crash") this.#log.room = 0;
    for (const guest of this.#guests) guest.gone();
    const time = new MovedTime(this.#house.time.now());
    await this.#house[Symbol.asyncDispose]();
    this.#log = this.#log.afterCrash();
    this.#house = await House.open({ log: this.#log, time });
    time.move(0);
    this.#plain.restart(how);
  }

  /** What everybody has heard by now is what they should have heard. */
  async #compare(): Promise<void> {
    // Twice: what a client says may be heard by one who was asked before it.
    const heard = new Map<Guest, Received[]>();
    for (let i = 0; i < 2; i++) {
      for (const guest of this.#guests) {
        if (guest.peer) heard.set(guest, [...(heard.get(guest) ?? []), ...(await guest.peer.quiet())]);
      }
    }
    const present = [...heard].map(([guest, packets]) => {
      const session = this.#plain.of(guest.name);
      assert.ok(session);
      for (const packet of packets) this.#hear(guest, session, packet);
      return session;
    });
    for (const session of present) this.#plain.settled(session);
  }

  #hear(guest: Guest, session: Session, packet: Received): void {
    const { cmd, messageId: id, qos } = packet;
    if (cmd === "publish") {
      this.#plain.heard(session, guest.understood(packet));
      if (qos > 0) guest.answers.push({ what: qos === 1 ? "puback" : "pubrec", id });
    } else if (cmd === "pubrel") {
      this.#plain.released(session, id);
      guest.answers.push({ what: "pubcomp", id });
    } else if (cmd === "suback" || cmd === "unsuback") assert.equal(id, 1);
    else
      assert.deepEqual([["puback", "pubrec", "pubcomp"].includes(cmd), id, packet.reasonCode ?? 0], [true, 7, 0], cmd);
  }

  /** Everybody comes back and takes what it is owed: nothing is missing, and nothing is left. */
  async end(): Promise<void> {
    for (const { name } of this.#guests) {
      const will = undefined;
      const options = { version: 5, clean: false, expirySeconds: forever, window: 0xffff, aliases: 0, will } as const;
      await this.step({ do: "connect", who: name, ...options });
    }
    for (let isQuiet = false; !isQuiet;) {
      isQuiet = this.#guests.every(({ answers }) => answers.length === 0);
      for (const who of clients) await this.step({ do: "answer", who, count: Infinity });
    }
    assert.deepEqual(
      this.#plain.sessions.flatMap(({ owed }) => owed),
      [],
    );
    assert.equal(this.#house.broker.statistics.queued, 0);
  }
}

/** Throws where broker and model part. */
export async function live(life: readonly Step[]): Promise<void> {
  await using world = await World.open();
  for (const step of life) await world.step(step);
  await world.end();
}

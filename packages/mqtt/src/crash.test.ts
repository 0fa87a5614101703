import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { House, until } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import type { Peer, Received } from "./peer.fixture.ts";

/** A client that does what the standard says, over connections and over restarts of the broker. What it answers may wait. */
abstract class Client {
  readonly #name: string;
  readonly #version: 4 | 5;
  peer: Peer | undefined;
  readonly answers: (() => void)[] = [];

  constructor(name: string, version: 4 | 5) {
    this.#name = name;
    this.#version = version;
  }

  abstract hear(packet: Received): void;
  protected abstract cameBack(peer: Peer): void;

  async connect(house: House, log: Log): Promise<void> {
    if (this.peer) return;
    const peer = await house.visit({ version: this.#version });
    const properties = this.#version === 5 ? { properties: { sessionExpiryInterval: 1000 } } : {};
    peer.connect({ clientId: this.#name, clean: false, ...properties });
    // The answer waits for the log.
    await until(() => (log.commit(), peer.arrived > 0 || peer.isClosed || log.isDead));
    if (peer.arrived === 0) return peer.destroy();
    const answer = await peer.take("connack");
    if ((answer.reasonCode ?? answer.returnCode) !== 0) return peer.destroy();
    this.peer = peer;
    this.cameBack(peer);
  }

  /** Everything that has come so far. */
  async listen(): Promise<void> {
    const { peer } = this;
    if (!peer) return;
    const packets = await peer.quiet().catch(() => undefined);
    if (packets === undefined) return this.lose();
    for (const packet of packets) this.hear(packet);
  }

  answer(count: number): void {
    for (const answer of this.answers.splice(0, count)) answer();
  }

  lose(): void {
    this.peer?.destroy();
    this.peer = undefined;
    this.answers.length = 0;
  }
}

type Outgoing = { readonly payload: string; readonly qos: 1 | 2; isReceived: boolean };

class Sender extends Client {
  readonly outgoing = new Map<number, Outgoing>();
  readonly acknowledged = new Set<string>();
  #count = 0;

  publish(qos: 1 | 2, isLarge: boolean): void {
    const payload = `${qos}:${++this.#count}:${"x".repeat(isLarge ? 30_000 : 0)}`;
    let id = 1;
    while (this.outgoing.has(id)) id++;
    this.outgoing.set(id, { payload, qos, isReceived: false });
    if (this.peer) this.#send(this.peer, id, false);
  }

  #send(peer: Peer, messageId: number, dup: boolean): void {
    const one = this.outgoing.get(messageId);
    if (one?.isReceived) peer.send({ cmd: "pubrel", messageId });
    else if (one) peer.publish("a", one.payload, { qos: one.qos, messageId, dup });
  }

  protected cameBack(peer: Peer): void {
    for (const messageId of this.outgoing.keys()) this.#send(peer, messageId, true);
  }

  hear({ cmd, messageId, reasonCode = 0 }: Received): void {
    const one = this.outgoing.get(messageId);
    assert.ok(one, `${cmd} of what was not sent`);
    assert.ok(reasonCode < 0x80 || (cmd === "pubcomp" && reasonCode === 0x92));
    if (cmd !== "pubcomp") this.acknowledged.add(one.payload);
    if (cmd !== "pubrec") this.outgoing.delete(messageId);
    else {
      one.isReceived = true;
      this.answers.push(() => this.peer?.send({ cmd: "pubrel", messageId }));
    }
  }
}

class Receiver extends Client {
  readonly got: string[] = [];
  readonly #ids = new Set<number>();

  protected cameBack(): void {}

  hear({ cmd, messageId, qos, payload }: Received): void {
    if (cmd === "pubrel") {
      this.#ids.delete(messageId);
      this.answers.push(() => this.peer?.send({ cmd: "pubcomp", messageId }));
      return;
    }
    assert.equal(cmd, "publish");
    if (!this.#ids.has(messageId)) this.got.push(String(payload));
    if (qos === 2) this.#ids.add(messageId);
    this.answers.push(() => this.peer?.send({ cmd: qos === 2 ? "pubrec" : "puback", messageId }));
  }
}

type Step =
  | { readonly do: "publish"; readonly qos: 1 | 2; readonly isLarge: boolean }
  | { readonly do: "commit" | "fail" | "snapshot"; readonly count: number }
  | { readonly do: "answer" | "lose" | "connect"; readonly who: "sender" | "receiver" };

/** One process, its log, and its two clients; until the log is dead. */
class Life {
  readonly #house: House;
  readonly #log: Log;
  readonly #clients: { readonly sender: Sender; readonly receiver: Receiver };
  #snapshot: Iterator<Uint8Array> | undefined;
  #before = 0;

  constructor(house: House, log: Log, clients: { sender: Sender; receiver: Receiver }) {
    this.#house = house;
    this.#log = log;
    this.#clients = clients;
  }

  async step(step: Step): Promise<void> {
    const { sender, receiver } = this.#clients;
    switch (step.do) {
      case "publish":
        sender.publish(step.qos, step.isLarge);
        break;
      case "commit":
        this.#log.commit(step.count);
        break;
      case "fail":
        this.#log.commit(step.count, 0x88);
        this.#snapshot = undefined;
        break;
      case "answer":
        this.#clients[step.who].answer(2);
        break;
      case "lose":
        await this.#lose(this.#clients[step.who]);
        break;
      case "connect":
        await this.#clients[step.who].connect(this.#house, this.#log);
        break;
      case "snapshot":
        for (let i = 0; i < step.count; i++) this.#takeSnapshot();
    }
    await sender.listen();
    await receiver.listen();
  }

  async #lose(client: Client): Promise<void> {
    if (!client.peer) return;
    const { connectionsOpen } = this.#house.broker.statistics;
    client.lose();
    await until(() => this.#house.broker.statistics.connectionsOpen < connectionsOpen);
  }

  /** One record at a time; when all are kept, what was there before the first is not needed any more. */
  #takeSnapshot(): void {
    if (!this.#snapshot) {
      this.#snapshot = this.#house.broker.snapshot("space")[Symbol.iterator]();
      this.#before = this.#log.kept.length;
    }
    const next = this.#snapshot.next();
    if (!next.done) return this.#log.append("space", next.value, () => {});
    this.#snapshot = undefined;
    this.#log.commit();
    if (!this.#log.isDead) this.#log.kept.splice(0, this.#before);
  }
}

const who = fc.constantFrom("sender" as const, "receiver" as const);
const publish: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("publish"),
  qos: fc.constantFrom(1 as const, 2 as const),
  isLarge: fc.boolean(),
});
const one = <K extends "commit" | "fail" | "snapshot">(name: K): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant(name), count: fc.integer({ min: 1, max: 4 }) });
const of = <K extends "answer" | "lose" | "connect">(name: K): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant(name), who });
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: publish, weight: 5 },
  { arbitrary: one("commit"), weight: 5 },
  { arbitrary: one("fail"), weight: 1 },
  { arbitrary: of("answer"), weight: 5 },
  { arbitrary: of("lose"), weight: 1 },
  { arbitrary: of("connect"), weight: 3 },
  { arbitrary: one("snapshot"), weight: 3 },
);
const life = fc.record({ steps: fc.array(step, { maxLength: 40, size: "max" }), room: fc.nat({ max: 40 }) });

test("[MQTT-4.1.0-1] [MQTT-4.3.2-4] [MQTT-4.3.3-10] [MQTT-4.4.0-1] whenever the process dies, nothing acknowledged is lost, and no message of QoS 2 is taken or delivered twice", async () => {
  const lives = fc.array(life, { minLength: 1, maxLength: 3 });
  const version = fc.constantFrom<4 | 5>(4, 5);
  await fc.assert(
    fc.asyncProperty(lives, version, version, async (all, from, to) => {
      const clients = { sender: new Sender("sender", from), receiver: new Receiver("receiver", to) };
      const { sender, receiver } = clients;
      let log = new Log();
      {
        await using house = await House.open({ log });
        await receiver.connect(house, log);
        receiver.peer?.subscribe(1, "a", 2);
        await receiver.peer?.take("suback");
        await sender.connect(house, log);
        receiver.lose();
        sender.lose();
      }
      for (const { steps, room } of all) {
        log = log.afterCrash();
        await using house = await House.open({ log });
        log.isPrompt = false;
        const now = new Life(house, log, clients);
        for (const who of ["sender", "receiver"] as const) await now.step({ do: "connect", who });
        log.room = room;
        for (const step of steps) if (!log.isDead) await now.step(step);
        log.room = 0;
        sender.lose();
        receiver.lose();
      }
      log = log.afterCrash();
      await using house = await House.open({ log });
      for (let isQuiet = false; !isQuiet;) {
        isQuiet = true;
        for (const client of [sender, receiver]) {
          await client.connect(house, log);
          await client.listen();
          if (client.answers.length > 0) isQuiet = false;
          client.answer(Infinity);
          await client.listen();
        }
        if (sender.outgoing.size + receiver.answers.length > 0) isQuiet = false;
      }
      const times = Map.groupBy(receiver.got, (payload) => payload);
      for (const payload of sender.acknowledged) assert.ok(times.has(payload), `${payload.slice(0, 5)} was lost`);
      for (const [payload, { length }] of times) {
        if (payload.startsWith("2")) assert.equal(length, 1, `${payload.slice(0, 5)} came ${length} times`);
      }
      assert.equal(house.broker.statistics.queued, 0);
    }),
    { numRuns: 80 },
  );
});

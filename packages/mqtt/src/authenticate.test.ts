import assert from "node:assert/strict";
import { test } from "node:test";
import { House, TestPolicy, until, type Guest } from "./house.fixture.ts";
import type { Peer, Received } from "./peer.fixture.ts";
import type { Asked, Challenge, Proof, TurnedAway, Welcome } from "./policy.ts";
import { writeProperties, type Properties } from "./properties.ts";

type Step = Challenge<Guest> | Welcome<Guest> | TurnedAway;

const method = "TIMES-TABLE";
const bytes = (text: string) => Buffer.from(text);
const said = (packet: Received) => String(packet.properties?.["authenticationData"]);

/** Asks the client for the squares of two and three, one after the other, and believes whoever knows them. */
class Squares extends TestPolicy {
  readonly asked: { asked: Asked; proof: Proof<Guest> }[] = [];
  more: Partial<Welcome<Guest>> = {};

  authenticate(asked: Asked, proof: Proof<Guest>): Promise<Step> {
    this.asked.push({ asked, proof });
    if (proof.method !== method) return Promise.resolve({ turnedAway: 0x8c });
    return Promise.resolve(this.#ask(2, () => this.#ask(3, () => this.#believe(asked))));
  }

  #ask(number: number, next: () => Step): Challenge<Guest> {
    return {
      challenge: bytes(`square of ${number}`),
      reasonString: "Show that you know it.",
      answered: async (data) =>
        String(data) === String(number * number) ? next() : { turnedAway: 0x87, reasonString: "That is not it." },
    };
  }

  #believe(asked: Asked): Welcome<Guest> {
    const name = asked.username ?? "somebody";
    const context = { name };
    return {
      space: "space",
      principal: name,
      gate: this.gate,
      context,
      authenticationData: bytes("right"),
      ...this.more,
    };
  }
}

const square = () => House.open({ policy: new Squares() });
const hello = (more: Record<string, unknown> = {}) => ({
  clientId: "a",
  properties: { authenticationMethod: method, authenticationData: bytes("hello"), ...more },
});

/** An AUTH of the client, written by hand: mqtt-packet would refuse to write some of what is tried here. */
function auth(peer: Peer, code: number, properties: Properties, flags = 0): void {
  const list = writeProperties(properties);
  peer.raw(Buffer.concat([Buffer.from([0xf0 | flags, list.length + 2, code, list.length]), list]));
}
const answer = (peer: Peer, text: string, code = 0x18, name = method) =>
  auth(peer, code, { authenticationMethod: name, authenticationData: bytes(text) });

async function enter(house: House, more: Record<string, unknown> = {}): Promise<Peer> {
  const peer = await house.visit({ version: 5 });
  peer.connect(hello(more));
  await peer.take("auth");
  answer(peer, "4");
  await peer.take("auth");
  answer(peer, "9");
  peer.connack = await peer.take("connack");
  assert.equal(peer.connack.reasonCode, 0);
  return peer;
}

test("[MQTT-4.12.0-2] [MQTT-4.12.0-3] [MQTT-4.12.0-5] [MQTT-3.15.2-1] a method of the policy's asks as often as it needs, and the CONNACK names it", async () => {
  await using house = await square();
  const peer = await house.visit({ version: 5 });
  peer.connect(hello());
  const first = await peer.take("auth");
  assert.deepEqual(
    [first.reasonCode, first.properties?.["authenticationMethod"], said(first)],
    [0x18, method, "square of 2"],
  );
  answer(peer, "4");
  const second = await peer.take("auth");
  assert.deepEqual(
    [second.reasonCode, second.properties?.["authenticationMethod"], said(second)],
    [0x18, method, "square of 3"],
  );
  assert.equal(house.policy.opens.length, 0);
  answer(peer, "9");
  const connack = await peer.take("connack");
  assert.deepEqual(
    [connack.reasonCode, connack.properties?.["authenticationMethod"], said(connack)],
    [0, method, "right"],
  );
  assert.deepEqual(await peer.quiet(), []);
  const { proof } = (house.policy as Squares).asked[0]!; // it was asked
  assert.deepEqual([proof.method, String(proof.data), proof.again], [method, "hello", undefined]);
});

test("[MQTT-4.12.0-1] a method that the policy does not know, or any where it knows none, is refused with 0x8C", async () => {
  await using knows = await square();
  await using none = await House.open();
  for (const house of [knows, none]) {
    const peer = await house.visit({ version: 5 });
    peer.connect(hello({ authenticationMethod: "SCRAM-SHA-1" }));
    assert.equal((await peer.take("connack")).reasonCode, 0x8c);
    assert.deepEqual(await peer.closed(), []);
  }
});

test("[MQTT-4.12.0-4] a proof that fails ends the connection at whichever step, with a CONNACK that says why", async () => {
  await using house = await square();
  for (const answers of [["5"], ["4", "8"]]) {
    const peer = await house.visit({ version: 5 });
    peer.connect(hello());
    for (const text of answers) {
      await peer.take("auth");
      answer(peer, text);
    }
    const { reasonCode, properties } = await peer.take("connack");
    assert.deepEqual([reasonCode, properties?.["reasonString"]], [0x87, "That is not it."]);
    assert.equal(properties?.["authenticationMethod"], undefined);
    assert.deepEqual(await peer.closed(), []);
  }
  assert.deepEqual([house.policy.opens.length, house.broker.statistics.sessions], [0, 0]);
});

test("[MQTT-4.12.0-5] [MQTT-3.15.2-1] an AUTH of another method, of none, or with a code that is not its own, ends the connection", async () => {
  await using house = await square();
  const wrong: [number, (peer: Peer) => void][] = [
    [0x82, (peer) => answer(peer, "4", 0x18, "OTHER")],
    [0x82, (peer) => auth(peer, 0x18, { authenticationData: bytes("4") })],
    [0x82, (peer) => answer(peer, "4", 0x00)],
    [0x82, (peer) => answer(peer, "4", 0x19)],
    [0x82, (peer) => peer.raw(0xf0, 0)],
    [0x81, (peer) => answer(peer, "4", 0x87)],
  ];
  for (const [code, send] of wrong) {
    const peer = await house.visit({ version: 5 });
    peer.connect(hello());
    await peer.take("auth");
    send(peer);
    assert.equal((await peer.take("connack")).reasonCode, code);
    await peer.closed();
  }
});

test("[MQTT-3.15.1-1] reserved flags of AUTH are malformed, before the CONNACK and behind it", async () => {
  await using house = await square();
  const early = await house.visit({ version: 5 });
  early.connect(hello());
  await early.take("auth");
  auth(early, 0x18, { authenticationMethod: method }, 2);
  assert.equal((await early.take("connack")).reasonCode, 0x81);
  const late = await enter(house);
  auth(late, 0x19, { authenticationMethod: method }, 1);
  assert.equal((await late.closed())[0]?.reasonCode, 0x81);
});

test("[MQTT-3.1.2-30] until the CONNACK nothing is read of such a client but AUTH and DISCONNECT", async () => {
  await using house = await square();
  const { statistics } = house.broker;
  for (const early of [
    [0xc0, 0],
    [0x30, 4, 0, 1, 0x61, 0],
    [0x82, 7, 0, 1, 0, 0, 1, 0x61, 0],
    [0x30, 0xff, 0x7f],
  ]) {
    const peer = await house.visit({ version: 5 });
    peer.connect(hello());
    await peer.take("auth");
    peer.raw(...early);
    assert.equal((await peer.take("connack")).reasonCode, 0x82);
    await peer.closed();
  }
  const peer = await house.visit({ version: 5 });
  peer.connect(hello());
  await peer.take("auth");
  peer.raw(0xe0, 0);
  assert.deepEqual(await peer.closed(), []);
  assert.deepEqual([statistics.messagesIn, statistics.subscriptions, statistics.sessions], [0, 0, 0]);
  assert.equal(statistics.disconnectedProtocol, 4);
});

test("an AUTH that comes while the policy still thinks about the last one is not its turn", async () => {
  const policy = new Squares();
  let think: () => void = () => {};
  const authenticate = policy.authenticate.bind(policy);
  policy.authenticate = async (asked, proof) => {
    await new Promise<void>((resolve) => (think = resolve));
    return authenticate(asked, proof);
  };
  await using house = await House.open({ policy });
  const peer = await house.visit({ version: 5 });
  peer.connect(hello());
  answer(peer, "4");
  assert.equal((await peer.take("connack")).reasonCode, 0x82);
  await peer.closed();
  think();
  await until(() => house.broker.statistics.connectionsOpen === 0);
  assert.equal(house.policy.opens.length, 0);
});

test("[MQTT-4.12.0-6] [MQTT-4.12.0-7] without a method in the CONNECT there is no AUTH, and none in the CONNACK; one that comes is a protocol error", async () => {
  await using house = await square();
  const peer = await house.connect("a", { version: 5 });
  assert.equal(peer.connack?.properties?.["authenticationMethod"], undefined);
  assert.equal((house.policy as Squares).asked.length, 0);
  answer(peer, "4", 0x19);
  assert.equal((await peer.closed())[0]?.reasonCode, 0x82);
});

test("packet type 15 is reserved in 3.1.1: AUTH is malformed", async () => {
  await using house = await square();
  const peer = await house.connect("a");
  peer.raw(0xf0, 0);
  assert.deepEqual(await peer.closed(), []);
  assert.deepEqual([house.policy.closes[0]?.how, house.policy.closes[0]?.code], ["protocol", 0x81]);
});

test("[MQTT-4.12.1-1] a session proves itself again meanwhile it goes on, and what the policy says then replaces what it said before", async () => {
  await using house = await square();
  const policy = house.policy as Squares;
  policy.more = { expiresAt: house.time.now() + 60_000 };
  const peer = await enter(house);
  house.time.move(50_000);
  policy.more = { expiresAt: house.time.now() + 60_000, context: { name: "renewed" }, gate: policy.gate };
  answer(peer, "again", 0x19);
  assert.equal(said(await peer.take("auth")), "square of 2");
  peer.publish("a", "x", { qos: 1, messageId: 1 });
  assert.equal((await peer.take("puback")).reasonCode, 0);
  answer(peer, "4");
  await peer.take("auth");
  assert.equal(policy.opens[0]?.context.name, "somebody");
  answer(peer, "9");
  const done = await peer.take("auth");
  assert.deepEqual([done.reasonCode, done.properties?.["authenticationMethod"], said(done)], [0, method, "right"]);
  assert.equal(policy.opens[0]?.context.name, "renewed");
  assert.deepEqual(
    [policy.asked[1]?.proof.again, String(policy.asked[1]?.proof.data)],
    [{ name: "somebody" }, "again"],
  );
  house.time.move(59_999);
  assert.deepEqual(await peer.quiet(), []);
  house.time.move(1);
  assert.equal((await peer.closed())[0]?.reasonCode, 0xa0);
});

test("[MQTT-4.12.1-2] a session that cannot prove itself again, or proves to be somebody else, ends with a DISCONNECT", async () => {
  await using house = await square();
  const policy = house.policy as Squares;
  const failing = await enter(house);
  answer(failing, "", 0x19);
  await failing.take("auth");
  answer(failing, "5");
  const last = (await failing.closed())[0];
  assert.deepEqual(
    [last?.cmd, last?.reasonCode, last?.properties?.["reasonString"]],
    ["disconnect", 0x87, "That is not it."],
  );

  for (const other of [{ principal: "other" }, { space: "elsewhere" }]) {
    policy.more = {};
    const peer = await enter(house);
    policy.more = other;
    answer(peer, "", 0x19);
    await peer.take("auth");
    answer(peer, "4");
    await peer.take("auth");
    answer(peer, "9");
    assert.equal((await peer.closed())[0]?.reasonCode, 0x87);
  }

  policy.more = {};
  const peer = await enter(house);
  policy.authenticate = async () => ({ turnedAway: 0x86 }); // a CONNACK's code, which a DISCONNECT does not have
  answer(peer, "", 0x19);
  assert.equal((await peer.closed())[0]?.reasonCode, 0x87);
});

test("[MQTT-4.12.1-1] another method than the CONNECT's, a second exchange beside the first, or one that nobody began, is a protocol error", async () => {
  await using house = await square();
  const other = await enter(house);
  answer(other, "", 0x19, "OTHER");
  assert.equal((await other.closed())[0]?.reasonCode, 0x82);
  const twice = await enter(house);
  answer(twice, "", 0x19);
  await twice.take("auth");
  answer(twice, "", 0x19);
  assert.equal((await twice.closed())[0]?.reasonCode, 0x82);
  const unasked = await enter(house);
  answer(unasked, "4");
  assert.equal((await unasked.closed())[0]?.reasonCode, 0x82);
});

test("an exchange has one deadline for all its rounds, and a bound for rounds and bytes", async () => {
  const limits = { authenticationDeadline: 8_000, authenticationRounds: 1, authenticationBytes: 10 };
  await using house = await House.open({ policy: new Squares(), limits: { ...limits, authenticationRounds: 2 } });
  const slow = await house.visit({ version: 5 });
  slow.connect(hello());
  await slow.take("auth");
  house.time.move(5_000);
  answer(slow, "4");
  await slow.take("auth");
  house.time.move(2_999);
  assert.equal(house.broker.statistics.connectionsOpen, 1);
  house.time.move(1);
  assert.equal((await slow.take("connack")).reasonCode, 0x87);
  await slow.closed();

  const again = await enter(house);
  answer(again, "", 0x19);
  await again.take("auth");
  house.time.move(8_000);
  assert.equal((await again.closed())[0]?.reasonCode, 0x87);

  for (const data of ["hello, and much more", "0123456789a"]) {
    const much = await house.visit({ version: 5 });
    much.connect(hello({ authenticationData: bytes(data) }));
    assert.equal((await much.take("connack")).reasonCode, 0x97);
  }
  const later = await house.visit({ version: 5 });
  later.connect(hello());
  await later.take("auth");
  answer(later, "0123456789a");
  assert.equal((await later.take("connack")).reasonCode, 0x97);

  await using short = await House.open({ policy: new Squares(), limits });
  const endless = await short.visit({ version: 5 });
  endless.connect(hello());
  await endless.take("auth");
  answer(endless, "4");
  assert.equal((await endless.take("connack")).reasonCode, 0x97);
});

test("a client that leaves in the middle of its proof leaves nothing behind, no timer either", async () => {
  await using house = await square();
  const peer = await house.visit({ version: 5 });
  peer.connect(hello());
  await peer.take("auth");
  peer.destroy();
  await until(() => house.broker.statistics.connectionsOpen === 0);
  house.time.move(100_000);
  assert.deepEqual([house.policy.closes.length, house.broker.statistics.sessions], [0, 0]);
});

test("who is revoked while it proves itself again stays revoked", async () => {
  await using house = await square();
  const { policy, broker } = house;
  const peer = await enter(house);
  answer(peer, "", 0x19);
  await peer.take("auth");
  policy.renew = () => ({ end: 0x98 });
  policy.cell.epoch++;
  broker.recheck("space");
  assert.equal((await peer.closed())[0]?.reasonCode, 0x98);
  assert.equal(broker.statistics.sessions, 0);
});

test("a policy that fails during the proof turns the client away, or ends its session, and is reported", async () => {
  const house = await square();
  const policy = house.policy as Squares;
  const peer = await enter(house);
  policy.authenticate = async () => {
    throw new Error("out of order");
  };
  answer(peer, "", 0x19);
  assert.equal((await peer.closed())[0]?.reasonCode, 0x80);
  const other = await house.visit({ version: 5 });
  other.connect(hello());
  assert.equal((await other.take("connack")).reasonCode, 0x88);
  assert.equal(house.faults.length, 2);
  house.faults.length = 0;
  await house[Symbol.asyncDispose]();
});

test("[MQTT-3.15.2-2] [MQTT-3.1.2-29] the reason string of an AUTH is left out where the client wants none, or has no room; an AUTH that does not fit ends the connection", async () => {
  await using house = await square();
  const told = await house.visit({ version: 5 });
  told.connect(hello());
  assert.equal((await told.take("auth")).properties?.["reasonString"], "Show that you know it.");
  for (const more of [{ requestProblemInformation: false }, { maximumPacketSize: 50 }]) {
    const peer = await house.visit({ version: 5 });
    peer.connect(hello(more));
    const { properties } = await peer.take("auth");
    assert.deepEqual(
      [properties?.["reasonString"], String(properties?.["authenticationData"])],
      [undefined, "square of 2"],
    );
  }
  const tiny = await house.visit({ version: 5 });
  tiny.connect(hello({ maximumPacketSize: 20 }));
  assert.deepEqual(await tiny.closed(), []);
});

import assert from "node:assert/strict";
import { duplexPair, Duplex } from "node:stream";
import { test } from "node:test";
import mqttPacket from "mqtt-packet";
import { connectBytes, text } from "./bytes.fixture.ts";
import { House, until } from "./house.fixture.ts";
import type { Peer } from "./peer.fixture.ts";

/** A client in this process, whose every piece comes by itself. */
class Pieces extends Duplex {
  override _read(): void {}
  override _write(_bytes: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

test("whoever reads too slowly loses messages of QoS 0, which are counted, and keeps the rest of the order", async () => {
  await using house = await House.open({ limits: { waiting: 50_000, waitingHard: 1 << 24 } });
  const slow = await house.connect("slow");
  slow.subscribe(1, "a", 0);
  await slow.take("suback");
  slow.deafen();
  const writer = await house.connect("writer");
  const { statistics } = house.broker;
  const payload = "x".repeat(1000);
  let sent = 0;
  while (statistics.dropped.slow === 0) {
    for (let i = 0; i < 100; i++) writer.publish("a", `${String(sent++).padStart(9)}${payload}`);
    await writer.quiet();
  }
  slow.listen();
  const got = await slow.quiet();
  assert.equal(got.length + statistics.dropped.slow, sent);
  const numbers = got.map((packet) => Number(packet.payload.toString().slice(0, 9)));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
});

test("messages of QoS 1 wait in the session for whoever reads too slowly, and none is lost", async () => {
  await using house = await House.open({
    limits: { waiting: 50_000, inFlight: 60_000, sessionMessages: 100_000, sessionBytes: 1 << 26 },
  });
  const slow = await house.connect("slow", { version: 5 });
  slow.subscribe(1, "a", 1);
  await slow.take("suback");
  slow.deafen();
  const writer = await house.connect("writer");
  const { statistics } = house.broker;
  const payload = "x".repeat(1000);
  let sent = 0;
  while (statistics.queued < 100) {
    for (let i = 0; i < 100; i++)
      writer.publish("a", `${String(sent++).padStart(9)}${payload}`, { qos: 1, messageId: 1 });
    await writer.quiet();
  }
  slow.listen();
  for (let i = 0; i < sent; i++) {
    const got = await slow.take("publish");
    assert.equal(Number(got.payload.toString().slice(0, 9)), i);
    slow.send({ cmd: "puback", messageId: got.messageId });
  }
  assert.deepEqual(await slow.quiet(), []);
  assert.deepEqual([statistics.queued, statistics.dropped.queueFull, statistics.dropped.slow], [0, 0, 0]);
});

test("one of a hundred readers who reads nothing costs the others no message", async () => {
  await using house = await House.open({ limits: { waiting: 100_000, sessionsPerPrincipal: 101 } });
  const { statistics } = house.broker;
  const readers: Peer[] = [];
  for (let i = 0; i < 100; i++) {
    const reader = await house.connect(`reader-${i}`);
    reader.subscribe(1, "news", 0);
    await reader.take("suback");
    readers.push(reader);
  }
  const [deaf, ...others] = readers;
  deaf?.subscribe(2, "large", 0);
  await deaf?.take("suback");
  deaf?.deafen();
  const source = await house.connect("source");
  const large = Buffer.alloc(500_000);
  while (statistics.dropped.slow === 0) {
    source.publish("large", large);
    await source.quiet();
  }
  const before = statistics.dropped.slow;
  for (let i = 0; i < 100; i++) source.publish("news", String(i));
  await source.quiet();
  for (const reader of others) {
    const got = await reader.quiet();
    assert.deepEqual(
      got.map(({ payload }) => Number(payload)),
      Array.from({ length: 100 }, (_, i) => i),
    );
  }
  assert.equal(statistics.dropped.slow, before + 100);
  assert.equal(statistics.disconnectedSlow, 0);
});

test("whoever asks much and reads nothing is disconnected, and slows nobody", async () => {
  await using house = await House.open({ limits: { waitingHard: 100_000 } });
  const slow = await house.connect("slow");
  slow.deafen();
  const other = await house.connect("other");
  const questions = Buffer.concat(Array.from({ length: 5000 }, () => Buffer.from([0xc0, 0])));
  const { statistics } = house.broker;
  while (statistics.disconnectedSlow === 0) {
    slow.raw(questions);
    await other.quiet();
  }
  assert.equal(house.policy.closes[0]?.how, "slow");
});

test("3.1.1: a socket is paused while too many of its messages await their acknowledgement, and goes on when half of them have it", async () => {
  await using house = await House.open({ limits: { unacknowledged: 10 } });
  house.policy.settles = false;
  const peer = await house.connect("a");
  for (let i = 1; i <= 30; i++) peer.publish("a", String(i), { qos: 1, messageId: i });
  await until(() => house.policy.accepted.length === 10);
  const other = await house.connect("other");
  await other.quiet();
  assert.equal(house.policy.accepted.length, 10);
  for (let i = 0; i < 4; i++) house.policy.accepted[i]?.settle(0);
  await other.quiet();
  assert.equal(house.policy.accepted.length, 10);
  house.policy.accepted[4]?.settle(0);
  await until(() => house.policy.accepted.length === 15);
  await until(() => {
    for (const publication of house.policy.accepted) publication.settle(0);
    return house.policy.accepted.length === 30;
  });
  for (const publication of house.policy.accepted) publication.settle(0);
  for (let i = 1; i <= 30; i++) assert.equal((await peer.take("puback")).messageId, i);
  assert.ok(house.broker.statistics.pauses > 0);
});

test("a client that sends faster than its pace is read no faster, and nothing of it is lost", async () => {
  await using house = await House.open({ limits: { messagesPerSecond: 100, messagesBurst: 20 } });
  const { statistics } = house.broker;
  const fast = await house.connect("fast");
  for (let i = 1; i <= 200; i++) fast.publish("a", String(i), { qos: 1, messageId: i });
  await until(() => statistics.pauses === 1);
  let milliseconds = 0;
  for (let pauses = 1; statistics.messagesIn < 200; milliseconds += 10) {
    assert.ok(statistics.messagesIn <= 21 + milliseconds / 10, `${statistics.messagesIn} after ${milliseconds} ms`);
    house.time.move(10);
    const isReleased = statistics.messagesIn > 0 && milliseconds % 110 === 100;
    if (!isReleased) continue;
    await until(() => statistics.pauses > pauses || statistics.messagesIn === 200);
    ({ pauses } = statistics);
  }
  assert.ok(milliseconds < 2_000, "no slower than its pace either");
  for (let i = 1; i <= 200; i++) assert.equal((await fast.take("puback")).messageId, i);
});

test("settled messages do not make a client that is held up go on before its time", async () => {
  await using house = await House.open({ limits: { messagesPerSecond: 10, messagesBurst: 5, unacknowledged: 4 } });
  const { accepted } = house.policy;
  house.policy.settles = false;
  const peer = await house.connect("a");
  for (let i = 1; i <= 20; i++) peer.publish("a", String(i), { qos: 1, messageId: i });
  await until(() => accepted.length === 4);
  for (const publication of accepted) publication.settle(0);
  await until(() => accepted.length === 6);
  const other = await house.connect("other");
  for (const publication of accepted) publication.settle(0);
  await other.quiet();
  assert.equal(accepted.length, 6);
  house.time.move(200);
  await until(() => accepted.length === 8);
});

test("a chunk of messages with many receivers is read over several turns, and nothing of it is lost", async () => {
  await using house = await House.open({ limits: { receiversPerTurn: 10 } });
  const reader = await house.connect("reader", { version: 5 });
  const groups = ["$share/a/t", "$share/b/t", "$share/c/t", "$share/d/t", "t"];
  reader.send({ cmd: "subscribe", messageId: 1, subscriptions: groups.map((topic) => ({ topic, qos: 0 })) });
  await reader.take("suback");
  const perTurn = [0];
  const { accepted } = house.policy;
  const inTurn = () => accepted.length - perTurn.slice(1).reduce((sum, count) => sum + count, 0);
  const count = () => {
    perTurn.push(inTurn());
    if (accepted.length < 40) setImmediate(count);
  };
  const writer = await house.connect("writer", { version: 5 });
  const one = mqttPacket.generate(
    { cmd: "publish", topic: "t", payload: "x", qos: 0, dup: false, retain: false },
    { protocolVersion: 5 },
  );
  setImmediate(count);
  writer.raw(Buffer.concat(Array.from({ length: 40 }, () => one)));
  for (let i = 0; i < 40 * groups.length; i++) assert.equal((await reader.take("publish")).topic, "t");
  assert.equal(Math.max(...perTurn), 2);
});

test("filters that come in a chunk, and messages whose receivers have to be looked for anew, are read over several turns", async () => {
  await using house = await House.open({ limits: { receiversPerTurn: 100 } });
  const reader = await house.connect("reader", { version: 5 });
  const filters = ["a/b/c", "+/b/c", "a/+/c", "+/+/c", "a/b/+", "+/b/+", "a/+/+", "+/+/+"].flatMap((filter) => [
    filter,
    `${filter}/#`,
  ]);
  reader.send({ cmd: "subscribe", messageId: 1, subscriptions: filters.map((topic) => ({ topic, qos: 0 })) });
  await reader.take("suback");
  const { accepted, gate } = house.policy;
  let asked = 0;
  gate.subscribe = () => {
    asked++;
    return 0;
  };
  const perTurn = [0];
  const count = () => {
    perTurn.push(asked - perTurn.reduce((sum, one) => sum + one, 0));
    if (accepted.length < 40) setImmediate(count);
  };
  const bytes = (packet: mqttPacket.Packet) => mqttPacket.generate(packet, { protocolVersion: 5 });
  const pair = Buffer.concat([
    bytes({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "other", qos: 0 }] }),
    bytes({ cmd: "publish", topic: "a/b/c", payload: "x", qos: 0, dup: false, retain: false }),
  ]);
  const writer = await house.connect("writer", { version: 5 });
  setImmediate(count);
  writer.raw(Buffer.concat(Array.from({ length: 40 }, () => pair)));
  for (let i = 0; i < 40; i++) assert.equal((await reader.take("publish")).topic, "a/b/c");
  await until(() => accepted.length === 40);
  assert.ok(Math.max(...perTurn) <= 3, perTurn.join(" "));
});

test("each filter of a SUBSCRIBE or UNSUBSCRIBE counts against the pace", async () => {
  await using house = await House.open({ limits: { messagesPerSecond: 10, messagesBurst: 10 } });
  const peer = await house.connect("a", { version: 5 });
  const topics = Array.from({ length: 12 }, (_, i) => `${i}`);
  peer.send({ cmd: "subscribe", messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 0 })) });
  peer.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: topics });
  peer.send({ cmd: "pingreq" });
  await peer.take("suback");
  const { statistics } = house.broker;
  await until(() => statistics.pauses === 1);
  house.time.move(299);
  assert.equal(peer.arrived, 0);
  house.time.move(1);
  await peer.take("unsuback");
  assert.equal(statistics.pauses, 2);
  house.time.move(1_200);
  await peer.take("pingresp");
});

test("acknowledgements that name nothing count against the pace, those of messages do not", async () => {
  await using house = await House.open({ limits: { messagesPerSecond: 10, messagesBurst: 10 } });
  for (const [sent, answer] of [
    ["pubrel", "pubcomp"],
    ["pubrec", "pubrel"],
  ] as const) {
    const { pauses } = house.broker.statistics;
    const peer = await house.connect("a", { version: 5 });
    for (let i = 1; i <= 20; i++) peer.send({ cmd: sent, messageId: i });
    await until(() => house.broker.statistics.pauses > pauses);
    for (let i = 1; i <= 11; i++) assert.equal((await peer.take(answer)).messageId, i);
    assert.equal(peer.arrived, 0);
    peer.destroy();
  }
  const reader = await house.connect("reader", { version: 5 });
  reader.subscribe(1, "t", 2);
  await reader.take("suback");
  const message = { topic: "t", payload: Buffer.from("x"), qos: 2, retain: false } as const;
  const { pauses } = house.broker.statistics;
  for (let i = 0; i < 20; i++) {
    house.broker.publish("space", message);
    const { messageId } = await reader.take("publish");
    reader.send({ cmd: "pubrec", messageId });
    await reader.take("pubrel");
    reader.send({ cmd: "pubcomp", messageId });
  }
  assert.equal(house.broker.statistics.pauses, pauses);
});

test("no more of one client is read in a turn of the event loop than so many bytes, whatever they are", async () => {
  await using house = await House.open({ limits: { receiversPerTurn: 1_000 } });
  const { statistics } = house.broker;
  const mine = new Pieces();
  house.broker.accept(mine, { remoteAddress: "", secure: true, name: "pieces" });
  const connect = { cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clientId: "a", clean: true } as const;
  mine.push(mqttPacket.generate(connect));
  await until(() => statistics.sessions === 1);
  const ping = Buffer.from([0xc0, 0]);
  const before = statistics.bytesIn;
  const perTurn: number[] = [];
  let seen = before;
  const count = () => {
    perTurn.push(statistics.bytesIn - seen);
    seen = statistics.bytesIn;
    if (seen < before + 80_000) setImmediate(count);
  };
  setImmediate(count);
  for (let i = 0; i < 80; i++) mine.push(Buffer.alloc(1_000, ping));
  await until(() => seen === before + 80_000);
  assert.ok(Math.max(...perTurn) <= 9_000, perTurn.join(" "));
  mine.destroy();
});

test("who does not let up sending faster than its pace is disconnected with 0x97", async () => {
  const limits = { messagesPerSecond: 10, messagesBurst: 10, messagesEndurance: 5_000 };
  await using house = await House.open({ limits });
  const { statistics } = house.broker;
  const peer = await house.connect("a", { version: 5 });
  for (let i = 0; i < 200; i++) peer.publish("a", "x");
  await until(() => statistics.pauses === 1);
  let milliseconds = 0;
  for (let pauses = 1; house.policy.closes.length === 0; { pauses } = statistics) {
    house.time.move(200);
    milliseconds += 200;
    await until(() => statistics.pauses > pauses || house.policy.closes.length > 0);
  }
  assert.equal((await peer.closed())[0]?.reasonCode, 0x97);
  assert.equal(milliseconds, 5_000);
});

test("who is held up now and then goes on", async () => {
  const limits = { messagesPerSecond: 10, messagesBurst: 10, messagesEndurance: 5_000 };
  await using house = await House.open({ limits });
  const { statistics } = house.broker;
  const peer = await house.connect("a", { version: 5 });
  for (let round = 1; round <= 20; round++) {
    const { pauses } = statistics;
    for (let i = 0; i < 13; i++) peer.publish("a", "x");
    await until(() => statistics.pauses > pauses);
    house.time.move(1_500);
    await until(() => statistics.messagesIn === round * 13);
  }
  assert.deepEqual(await peer.quiet(), []);
});

test("a paused client is not taken for a silent one", async () => {
  await using house = await House.open({ limits: { unacknowledged: 1 } });
  house.policy.settles = false;
  const peer = await house.connect("a", { connect: { keepalive: 10 } });
  peer.publish("a", "x", { qos: 1, messageId: 1 });
  await until(() => house.policy.accepted.length === 1);
  house.time.move(40_000);
  house.policy.accepted[0]?.settle(0);
  await peer.take("puback");
  house.time.move(15_000);
  await peer.closed();
});

test("[MQTT-3.3.4-7] MQTT 5: more unacknowledged messages than the receive maximum end the connection", async () => {
  await using house = await House.open({ limits: { unacknowledged: 3 } });
  house.policy.settles = false;
  const peer = await house.connect("a", { version: 5 });
  for (let i = 1; i <= 3; i++) peer.publish("a", "x", { qos: 1, messageId: i });
  assert.deepEqual(await peer.quiet(), []);
  house.policy.accepted[0]?.settle(0);
  await peer.take("puback");
  for (let i = 4; i <= 5; i++) peer.publish("a", "x", { qos: 1, messageId: i });
  assert.equal((await peer.closed())[0]?.reasonCode, 0x93);
});

test("unacknowledged bytes are bounded too, for either version", async () => {
  await using house = await House.open({ limits: { unacknowledgedBytes: 10_000 } });
  house.policy.settles = false;
  for (const version of [4, 5] as const) {
    const peer = await house.connect("a", { version });
    for (let i = 1; i <= 6; i++) peer.publish("a", "x".repeat(3000), { qos: 1, messageId: i });
    await until(() => house.policy.accepted.length === 4);
    const other = await house.connect("other");
    await other.quiet();
    assert.equal(house.policy.accepted.length, 4);
    for (const publication of house.policy.accepted.splice(0)) publication.settle(0);
    await until(() => house.policy.accepted.length === 2);
    for (const publication of house.policy.accepted.splice(0)) publication.settle(0);
    await peer.quiet();
    peer.destroy();
  }
});

test("retained messages beyond the limits of a space are refused, and counted", async () => {
  await using house = await House.open({ limits: { retainedMessages: 2, retainedBytes: 1000 } });
  const peer = await house.connect("a");
  for (const topic of ["a", "b", "c"]) peer.publish(topic, "x", { retain: true });
  peer.publish("a", "x".repeat(2000), { retain: true });
  peer.publish("a", "y", { retain: true });
  await peer.quiet();
  const { retained, refusedRetained } = house.broker.statistics;
  assert.deepEqual([retained, refusedRetained], [2, 2]);
});

test("a socket that never says goodbye is destroyed when its time is up", async () => {
  await using house = await House.open({ limits: { closeDeadline: 500 } });
  const [theirs, ours] = duplexPair();
  house.broker.accept(ours, { remoteAddress: "", secure: true, name: "pair" });
  theirs.resume();
  theirs.write(
    mqttPacket.generate({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: 5,
      clientId: "a",
      clean: true,
      keepalive: 0,
    }),
  );
  await until(() => house.policy.opens.length === 1);
  const closing = house.broker.close();
  await until(() => ours.writableFinished);
  assert.equal(ours.destroyed, false);
  house.time.move(500);
  assert.equal(ours.destroyed, true);
  await closing;
});

test("what somebody sends while the policy is being asked is not read before it has answered", async () => {
  await using house = await House.open();
  let welcome: () => void = () => {};
  const connect = house.policy.connect.bind(house.policy);
  house.policy.connect = async (asked) => {
    await new Promise<void>((resolve) => (welcome = resolve));
    return connect(asked);
  };
  const peer = await house.visit();
  peer.connect({ clientId: "a" });
  const { statistics } = house.broker;
  await until(() => statistics.bytesIn > 0);
  for (let i = 0; i < 100; i++) peer.publish("a", Buffer.alloc(100_000));
  await new Promise((resolve) => setTimeout(resolve, 20).unref());
  assert.ok(statistics.bytesIn < 1_000_000, `${statistics.bytesIn} bytes were taken`);
  welcome();
  await peer.take("connack");
  await peer.quiet();
  assert.equal(statistics.messagesIn, 100);
});

test("a client that leaves while the policy is being asked leaves nothing behind", async () => {
  await using house = await House.open();
  let welcome: () => void = () => {};
  const connect = house.policy.connect.bind(house.policy);
  house.policy.connect = async (asked) => {
    await new Promise<void>((resolve) => (welcome = resolve));
    return connect(asked);
  };
  const peer = await house.visit();
  peer.connect({ clientId: "a" });
  await until(() => house.broker.statistics.bytesIn > 0);
  peer.destroy();
  await peer.closed();
  welcome();
  await until(() => house.broker.statistics.connectionsOpen === 0);
  assert.equal(house.policy.opens.length, house.policy.closes.length);
  assert.equal(house.broker.statistics.sessions, 0);
});

test("what nobody knows yet may send together is bounded: whoever has sent most is disconnected, the oldest of equals, and nobody who is known", async () => {
  await using house = await House.open({ limits: { strangerBytes: 500_000 } });
  const { statistics } = house.broker;
  const known = await house.connect("known");
  const part = Buffer.concat([Buffer.from([0x30, 0x80, 0x80, 0x20]), Buffer.alloc(400_000)]);
  known.raw(part);
  await until(() => statistics.bytesIn > 400_000);
  assert.equal(statistics.strangerBytes, 0);
  const honest = await house.visit();
  const [begin, rest] = [
    connectBytes(4, 2, ...text("honest")).slice(0, 9),
    connectBytes(4, 2, ...text("honest")).slice(9),
  ];
  honest.raw(...begin);
  const begun = async (bytes: number) => {
    const peer = await house.visit();
    const before = statistics.bytesIn;
    peer.raw(Buffer.concat([Buffer.from([0x10, 0x80, 0x80, 0x0c]), Buffer.alloc(bytes)])); // 196 KiB
    await until(() => statistics.bytesIn >= before + bytes);
    return peer;
  };
  const greedy = [await begun(110_000), await begun(120_000), await begun(120_000), await begun(120_000)];
  assert.equal(statistics.disconnectedStrangers, 0);
  const last = await begun(60_000);
  await greedy[1]?.closed();
  assert.deepEqual(
    [...greedy, last].map(({ isClosed }) => isClosed),
    [false, true, false, false, false],
  );
  assert.equal(statistics.disconnectedStrangers, 1);
  honest.raw(...rest);
  assert.equal((await honest.take("connack")).returnCode, 0);
  known.raw(Buffer.alloc((0x20 << 14) - 400_000));
  await until(() => known.isClosed); // its topic is empty
  assert.equal(statistics.messagesIn + statistics.disconnectedProtocol, 1);
  for (const peer of [...greedy, last]) peer.destroy();
  await until(() => statistics.strangerBytes === 0);
});

test("whoever waits for the answer no is not one of those whose bytes are held", async () => {
  await using house = await House.open();
  const { statistics } = house.broker;
  house.policy.welcome = () => ({ turnedAway: 0x87, after: 1_000 });
  const peer = await house.visit();
  peer.connect({ clientId: "a" });
  await until(() => statistics.refusalsWaiting === 1);
  peer.raw(Buffer.alloc(50_000));
  await until(() => house.broker.statistics.connectionsOpen === 1);
  assert.equal(statistics.strangerBytes, 0);
  house.time.move(1_000);
  assert.equal((await peer.take("connack")).returnCode, 5);
});

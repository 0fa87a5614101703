import assert from "node:assert/strict";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";
import type { Peer, Received } from "./peer.fixture.ts";

const said = (packets: readonly Received[]) =>
  packets.map(({ cmd, messageId, payload, dup }) =>
    cmd === "publish" ? `${dup ? "again " : ""}${payload.toString()}` : `${cmd} ${messageId}`,
  );

for (const version of [4, 5] as const) {
  const keep = version === 5 ? { clean: false, properties: { sessionExpiryInterval: 1000 } } : { clean: false };

  /** A client that is subscribed to everything at QoS 2 and can be met again. */
  const reader = async (house: House): Promise<Peer> => {
    const peer = await house.connect("reader", { version, connect: keep });
    peer.subscribe(1, "#", 2);
    assert.deepEqual((await peer.take("suback")).granted, [2]);
    return peer;
  };
  const lose = async (house: House, peer: Peer) => {
    const { length } = house.policy.closes;
    peer.destroy();
    await until(() => house.policy.closes.length === length + 1);
  };

  test(`[MQTT-4.3.3-8] [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-12] 3.1.1 [MQTT-4.3.3-2] a message of QoS 2 is taken once, however often it is sent before its PUBREL, version ${version}`, async () => {
    await using house = await House.open();
    const watcher = await reader(house);
    const writer = await house.connect("writer", { version });
    for (const dup of [false, true, false]) {
      writer.publish("a", "x", { qos: 2, messageId: 7, dup });
      assert.equal((await writer.take("pubrec")).messageId, 7);
    }
    assert.deepEqual(said(await watcher.quiet()), ["x"]);
    writer.send({ cmd: "pubrel", messageId: 7 });
    assert.equal((await writer.take("pubcomp")).messageId, 7);
    writer.publish("a", "y", { qos: 2, messageId: 7 });
    await writer.take("pubrec");
    assert.deepEqual(said(await watcher.quiet()), ["y"]);
  });

  test(`[MQTT-4.4.0-1] a message that was taken is not taken again on the next connection of its session, version ${version}`, async () => {
    await using house = await House.open();
    const writer = await house.connect("writer", { version, connect: keep });
    writer.publish("a", "x", { qos: 2, messageId: 7 });
    await writer.take("pubrec");
    await lose(house, writer);
    const back = await house.connect("writer", { version, connect: keep });
    back.publish("a", "x", { qos: 2, messageId: 7, dup: true });
    await back.take("pubrec");
    assert.equal(house.policy.accepted.length, 1);
    back.send({ cmd: "pubrel", messageId: 7 });
    await back.take("pubcomp");
    // A clean start forgets what was taken.
    back.publish("a", "x", { qos: 2, messageId: 8 });
    await back.take("pubrec");
    await lose(house, back);
    const fresh = await house.connect("writer", { version });
    fresh.publish("a", "x", { qos: 2, messageId: 8 });
    await fresh.take("pubrec");
    assert.equal(house.policy.accepted.length, 3);
  });

  test(`nobody gets a message of QoS 2 before it is kept, and its PUBREC comes after that, also for its repetition, version ${version}`, async () => {
    await using house = await House.open();
    house.policy.settles = false;
    const heard: string[] = [];
    house.broker.listen("space", "a", { receive: ({ payload }) => heard.push(payload.toString()) });
    const live = await house.connect("live", { version });
    live.subscribe(1, "a", 0);
    await live.take("suback");
    const writer = await house.connect("writer", { version, connect: keep });
    writer.publish("a", "x", { qos: 2, messageId: 7 });
    writer.publish("a", "x", { qos: 2, messageId: 7, dup: true });
    assert.deepEqual(await writer.quiet(), []);
    await lose(house, writer);
    const back = await house.connect("writer", { version, connect: keep });
    back.publish("a", "x", { qos: 2, messageId: 7, dup: true });
    assert.deepEqual([await back.quiet(), await live.quiet(), heard], [[], [], []]);
    house.policy.accepted[0]?.settle(0);
    assert.deepEqual(said(await back.quiet()), ["pubrec 7"]);
    assert.deepEqual([said(await live.quiet()), heard, house.policy.accepted.length], [["x"], ["x"], 1]);
  });

  test(`[MQTT-4.3.3-1] [MQTT-4.3.3-2] [MQTT-4.3.3-3] [MQTT-4.3.3-4] [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-4.4.0-1] 3.1.1 [MQTT-4.3.3-1] to a subscriber of QoS 2 the PUBLISH is repeated until its PUBREC, then the PUBREL until its PUBCOMP, version ${version}`, async () => {
    await using house = await House.open();
    const first = await reader(house);
    const writer = await house.connect("writer", { version });
    for (const messageId of [1, 2, 3]) writer.publish("a", String(messageId), { qos: 2, messageId });
    await writer.quiet();
    const got = await first.quiet();
    assert.deepEqual(
      [said(got), got.map(({ qos }) => qos)],
      [
        ["1", "2", "3"],
        [2, 2, 2],
      ],
    );
    assert.equal(new Set(got.map(({ messageId }) => messageId)).size, 3);
    const [one, two, three] = got.map(({ messageId }) => messageId);
    first.send({ cmd: "pubrec", messageId: one });
    assert.equal((await first.take("pubrel")).messageId, one);
    // A PUBREC that comes again is answered again, and never by the PUBLISH.
    first.send({ cmd: "pubrec", messageId: one });
    assert.deepEqual(said(await first.quiet()), [`pubrel ${one}`]);
    first.send({ cmd: "pubcomp", messageId: one });
    first.send({ cmd: "pubrec", messageId: two });
    await first.take("pubrel");
    await lose(house, first);
    const second = await house.connect("reader", { version, connect: keep });
    // In the order in which they were sent first: [MQTT-4.6.0-1].
    const again = await second.quiet();
    assert.deepEqual(said(again), [`pubrel ${two}`, "again 3"]);
    assert.equal(again[1]?.messageId, three);
    second.send({ cmd: "pubcomp", messageId: two });
    second.send({ cmd: "pubrec", messageId: three });
    await second.take("pubrel");
    second.send({ cmd: "pubcomp", messageId: three });
    assert.deepEqual(await second.quiet(), []);
    await lose(house, second);
    const third = await house.connect("reader", { version, connect: keep });
    assert.deepEqual(await third.quiet(), []);
  });

  test(`[MQTT-3.3.4-1] a message goes out at the lower QoS of its publisher and its subscriber, version ${version}`, async () => {
    await using house = await House.open();
    const watcher = await house.connect("watcher", { version });
    for (const qos of [0, 1, 2]) watcher.subscribe(1, `${qos}`, qos);
    await watcher.quiet();
    for (const from of [4, 5] as const) {
      const writer = await house.connect("writer", { version: from });
      for (const topic of ["0", "1", "2"]) {
        for (const qos of [0, 1, 2]) writer.publish(topic, `${topic}<${qos}`, { qos, messageId: 1 + qos });
        writer.send({ cmd: "pubrel", messageId: 3 });
      }
      await writer.quiet();
      const got = await watcher.quiet();
      assert.deepEqual(
        got.map(({ topic, qos, payload }) => `${topic}<${payload.toString().slice(-1)}=${qos}`),
        ["0<0=0", "0<1=0", "0<2=0", "1<0=0", "1<1=1", "1<2=1", "2<0=0", "2<1=1", "2<2=2"],
      );
    }
  });
}

test("[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] the receive maximum counts messages of QoS 1 and 2 together, those of QoS 2 until PUBCOMP or a refusal", async () => {
  await using house = await House.open();
  const peer = await house.connect("reader", {
    version: 5,
    connect: { clean: false, properties: { receiveMaximum: 2, sessionExpiryInterval: 100 } },
  });
  peer.subscribe(1, "one", 1);
  peer.subscribe(2, "two", 2);
  await peer.quiet();
  const writer = await house.connect("writer");
  for (let i = 1; i <= 6; i++) writer.publish(i % 2 ? "one" : "two", String(i), { qos: 2, messageId: i });
  await writer.quiet();
  const [one, two] = await peer.quiet();
  assert.deepEqual([one?.qos, two?.qos], [1, 2]);
  peer.send({ cmd: "pubrec", messageId: two?.messageId });
  assert.deepEqual(said(await peer.quiet()), [`pubrel ${two?.messageId}`]);
  peer.send({ cmd: "pubcomp", messageId: two?.messageId });
  assert.deepEqual(said(await peer.quiet()), ["3"]);
  peer.send({ cmd: "puback", messageId: one?.messageId });
  const [four] = await peer.quiet();
  assert.equal(four?.payload.toString(), "4");
  peer.send({ cmd: "pubrec", messageId: four?.messageId, reasonCode: 0x97 });
  assert.deepEqual(said(await peer.quiet()), ["5"]);
});

test("[MQTT-3.3.4-7] a client of MQTT 5 that has more unreleased messages of QoS 2 than the receive maximum is disconnected", async () => {
  await using house = await House.open({ limits: { unacknowledged: 3 } });
  const peer = await house.connect("a", { version: 5 });
  for (const messageId of [1, 2, 2, 3]) peer.publish("a", "x", { qos: 2, messageId });
  peer.send({ cmd: "pubrel", messageId: 1 });
  peer.publish("a", "x", { qos: 2, messageId: 1 });
  assert.equal((await peer.quiet()).length, 6);
  peer.publish("a", "x", { qos: 1, messageId: 4 });
  assert.equal((await peer.closed()).at(-1)?.reasonCode, 0x93);
  // 3.1.1 knows no such maximum, and its PUBRELs have to be read.
  const old = await house.connect("a");
  for (let messageId = 1; messageId <= 9; messageId++) old.publish("a", "x", { qos: 2, messageId });
  old.send({ cmd: "pubrel", messageId: 1 });
  assert.equal((await old.quiet()).length, 10);
});

test("[MQTT-4.6.0-3] PUBRECs and PUBACKs keep the order of the messages, whatever order they are settled in", async () => {
  await using house = await House.open();
  house.policy.settles = false;
  const writer = await house.connect("writer", { version: 5 });
  for (const messageId of [1, 2, 3]) writer.publish("a", "x", { qos: messageId % 2 ? 2 : 1, messageId });
  await writer.quiet();
  // Settled as it comes, this one waits for those before it all the same; so does a message that comes again.
  house.policy.settles = true;
  writer.publish("a", "x", { qos: 1, messageId: 4 });
  assert.deepEqual(await writer.quiet(), []);
  for (const publication of [...house.policy.accepted].reverse()) publication.settle(0);
  assert.deepEqual(said(await writer.quiet()), ["pubrec 1", "puback 2", "pubrec 3", "puback 4"]);
  house.policy.settles = false;
  writer.publish("a", "x", { qos: 1, messageId: 5 });
  writer.publish("a", "x", { qos: 2, messageId: 3, dup: true });
  assert.deepEqual(await writer.quiet(), []);
  house.policy.accepted.at(-1)?.settle(0);
  assert.deepEqual(said(await writer.quiet()), ["puback 5", "pubrec 3"]);
});

test("[MQTT-4.6.0-4] PUBRELs go out in the order of the PUBRECs", async () => {
  await using house = await House.open();
  const peer = await house.connect("reader", { version: 5 });
  peer.subscribe(1, "a", 2);
  await peer.take("suback");
  const writer = await house.connect("writer");
  for (const messageId of [1, 2, 3]) writer.publish("a", "x", { qos: 2, messageId });
  await writer.quiet();
  const ids = (await peer.quiet()).map(({ messageId }) => messageId).reverse();
  for (const messageId of ids) peer.send({ cmd: "pubrec", messageId });
  assert.deepEqual(
    said(await peer.quiet()),
    ids.map((id) => `pubrel ${id}`),
  );
});

test("[MQTT-4.3.3-9] a message of QoS 2 that is refused frees its id, and MQTT 5 is told why in the PUBREC; 3.1.1 is not", async () => {
  await using house = await House.open();
  house.policy.accept = (_guest, publication) => {
    publication.reasonString = "Not a reading.";
    return 0x99;
  };
  const five = await house.connect("five", { version: 5 });
  five.publish("a", "x", { qos: 2, messageId: 1 });
  const refused = await five.take("pubrec");
  assert.deepEqual([refused.reasonCode, refused.properties?.["reasonString"]], [0x99, "Not a reading."]);
  five.send({ cmd: "pubrel", messageId: 1 });
  assert.equal((await five.take("pubcomp")).reasonCode, 0x92);
  const four = await house.connect("four");
  four.publish("a", "x", { qos: 2, messageId: 1 });
  four.send({ cmd: "pubrel", messageId: 1 });
  assert.deepEqual(said(await four.quiet()), ["pubrec 1", "pubcomp 1"]);
  house.policy.accept = (_guest, publication) => {
    publication.settle(0x97);
    return 0;
  };
  for (let i = 0; i < 2; i++) {
    five.publish("a", "x", { qos: 2, messageId: 2 });
    assert.equal((await five.take("pubrec")).reasonCode, 0x97);
  }
});

test("what of QoS 2 could not be kept ends its publisher without an answer, and is taken anew when it comes again", async () => {
  await using house = await House.open();
  house.policy.settles = false;
  const connect = { clean: false };
  const writer = await house.connect("writer", { connect });
  writer.publish("a", "x", { qos: 2, messageId: 1 });
  await until(() => house.policy.accepted.length === 1);
  house.policy.accepted[0]?.settle(0x88);
  assert.deepEqual(await writer.closed(), []);
  const back = await house.connect("writer", { connect });
  back.publish("a", "x", { qos: 2, messageId: 1, dup: true });
  await until(() => house.policy.accepted.length === 2);
  house.policy.accepted[1]?.settle(0);
  await back.take("pubrec");
});

test("[MQTT-3.6.2-1] [MQTT-3.7.2-1] [MQTT-3.6.2-2] [MQTT-3.6.2-3] [MQTT-3.7.2-2] [MQTT-3.7.2-3] an id that is not known is answered with 0x92 and no properties in MQTT 5, and plainly in 3.1.1", async () => {
  await using house = await House.open();
  for (const [version, code] of [
    [5, 0x92],
    [4, undefined],
  ] as const) {
    const peer = await house.connect("a", { version });
    peer.send({ cmd: "pubrel", messageId: 9 });
    const complete = await peer.take("pubcomp");
    peer.send({ cmd: "pubrec", messageId: 9 });
    const release = await peer.take("pubrel");
    for (const answer of [complete, release]) {
      assert.deepEqual([answer.messageId, answer.reasonCode, answer.properties], [9, code, undefined]);
    }
    // What acknowledges something we never sent changes nothing.
    peer.send({ cmd: "puback", messageId: 9 });
    peer.send({ cmd: "pubcomp", messageId: 9 });
    assert.deepEqual(await peer.quiet(), []);
  }
});

test("an acknowledgement that does not fit its message is a protocol error", async () => {
  await using house = await House.open();
  const writer = await house.connect("writer");
  for (const [qos, cmd] of [
    [1, "pubrec"],
    [2, "puback"],
    [2, "pubcomp"],
  ] as const) {
    const peer = await house.connect("a", { version: 5 });
    peer.subscribe(1, "a", qos);
    await peer.take("suback");
    writer.publish("a", "x", { qos, messageId: 1 });
    const { messageId } = await peer.take("publish");
    peer.send({ cmd, messageId });
    assert.equal((await peer.closed()).at(-1)?.reasonCode, 0x82);
    writer.send({ cmd: "pubrel", messageId: 1 });
    await writer.quiet();
  }
  house.policy.settles = false;
  const early = await house.connect("a", { version: 5 });
  early.publish("a", "x", { qos: 2, messageId: 1 });
  early.send({ cmd: "pubrel", messageId: 1 });
  assert.equal((await early.closed()).at(-1)?.reasonCode, 0x82);
});

test("a message of QoS 2 that may have arrived and may not be sent again is released, so that its id is free at both ends", async () => {
  await using house = await House.open();
  const connect = { clean: false, properties: { sessionExpiryInterval: 100 } };
  const peer = await house.connect("reader", { version: 5, connect });
  peer.subscribe(1, "a", 2);
  await peer.take("suback");
  const writer = await house.connect("writer");
  writer.publish("a", "x", { qos: 2, messageId: 1 });
  const { messageId } = await peer.take("publish");
  peer.destroy();
  await until(() => house.policy.closes.length === 1);
  house.policy.gate.receive = () => false;
  const back = await house.connect("reader", { version: 5, connect });
  assert.deepEqual(said(await back.quiet()), [`pubrel ${messageId}`]);
  back.send({ cmd: "pubcomp", messageId, reasonCode: 0x92 });
  assert.deepEqual(await back.quiet(), []);
  assert.equal(house.broker.statistics.withheld, 1);
});

test("[MQTT-4.8.2-4] [MQTT-4.8.2-5] [MQTT-4.8.2-6] a shared message of QoS 2 is completed with the member who was chosen, and goes to nobody else", async () => {
  await using house = await House.open();
  const connect = { clean: false, properties: { sessionExpiryInterval: 100 } };
  const join = async (name: string) => {
    const peer = await house.connect(name, { version: 5, connect });
    peer.subscribe(1, "$share/crew/a", 2);
    await peer.take("suback");
    return peer;
  };
  const one = await join("one");
  const writer = await house.connect("writer");
  for (const messageId of [1, 2]) writer.publish("a", String(messageId), { qos: 2, messageId });
  const [first] = [await one.take("publish"), await one.take("publish")];
  one.destroy();
  await until(() => house.policy.closes.length === 1);
  const two = await join("two");
  const back = await house.connect("one", { version: 5, connect });
  assert.deepEqual(said(await back.quiet()), ["again 1", "again 2"]);
  back.send({ cmd: "pubrec", messageId: first?.messageId, reasonCode: 0x80 });
  await back.quiet();
  back.destroy();
  await until(() => house.policy.closes.length === 2);
  house.time.move(100_000);
  assert.deepEqual(await two.quiet(), []);
});

test("wills and retained messages of QoS 2 are delivered at QoS 2", async () => {
  await using house = await House.open();
  const watcher = await house.connect("watcher");
  watcher.subscribe(1, "will", 2);
  await watcher.take("suback");
  const mortal = await house.connect("mortal", {
    connect: { will: { topic: "will", payload: "died", qos: 2, retain: true } },
  });
  mortal.destroy();
  const got = await watcher.take("publish");
  assert.deepEqual([got.payload.toString(), got.qos, got.retain], ["died", 2, false]);
  const late = await house.connect("late");
  late.subscribe(1, "will", 2);
  await late.take("suback");
  const kept = await late.take("publish");
  assert.deepEqual([kept.payload.toString(), kept.qos, kept.retain], ["died", 2, true]);
});

test("[MQTT-3.5.2-1] [MQTT-3.5.2-2] a PUBREC carries codes that it may carry, and a reason string where the client wants any and has room", async () => {
  await using house = await House.open();
  house.policy.accept = (_guest, publication) => {
    publication.reasonString = "x".repeat(100);
    return Number(publication.topic);
  };
  const peer = await house.connect("a", { version: 5 });
  for (const [code, said] of [
    [0x87, 0x87],
    [0x97, 0x97],
    [0x9c, 0x80],
    [0x92, 0x80],
  ]) {
    peer.publish(String(code), "x", { qos: 2, messageId: 1 });
    const { reasonCode, properties } = await peer.take("pubrec");
    assert.deepEqual([reasonCode, properties?.["reasonString"]], [said, "x".repeat(100)]);
  }
  for (const properties of [{ requestProblemInformation: false }, { maximumPacketSize: 50 }]) {
    const other = await house.connect("b", { version: 5, connect: { properties } });
    other.publish(String(0x99), "x", { qos: 2, messageId: 1 });
    const answer = await other.take("pubrec");
    assert.deepEqual([answer.reasonCode, answer.properties], [0x99, undefined]);
  }
});

test("[MQTT-4.3.3-7] [MQTT-4.3.3-13] what was sent at QoS 2 is brought to its end though its time is over, in and out", async () => {
  await using house = await House.open();
  const connect = { clean: false, properties: { sessionExpiryInterval: 1000 } };
  const reader = await house.connect("reader", { version: 5, connect });
  reader.subscribe(1, "a", 2);
  await reader.take("suback");
  const writer = await house.connect("writer", { version: 5 });
  for (const messageId of [1, 2]) {
    writer.publish("a", "x", { qos: 2, messageId, properties: { messageExpiryInterval: 10 } });
    await writer.take("pubrec");
  }
  const [one, two] = [await reader.take("publish"), await reader.take("publish")];
  house.time.move(20_000);
  writer.send({ cmd: "pubrel", messageId: 1 });
  assert.equal((await writer.take("pubcomp")).reasonCode, 0);
  reader.send({ cmd: "pubrec", messageId: one.messageId });
  await reader.take("pubrel");
  reader.destroy();
  await until(() => house.policy.closes.length === 1);
  const back = await house.connect("reader", { version: 5, connect });
  assert.deepEqual(said(await back.quiet()), [`pubrel ${one.messageId}`, "again x"]);
  back.send({ cmd: "pubrec", messageId: two.messageId });
  await back.take("pubrel");
});

test("a message of QoS 2 that breaks the rules, or whose policy fails, leaves its id and the room it was to take to the next one", async () => {
  await using house = await House.open({ limits: { sessionMessages: 1, whenFull: "refusePublisher" } });
  const connect = { clean: false, properties: { sessionExpiryInterval: 100 } };
  const sleeper = await house.connect("sleeper", { version: 5, connect });
  sleeper.subscribe(1, "a", 2);
  await sleeper.take("suback");
  sleeper.destroy();
  await until(() => house.policy.closes.length === 1);
  const broken = await house.connect("writer", { version: 5, connect });
  broken.publish("a", "x", { qos: 2, messageId: 1, properties: { subscriptionIdentifier: 1 } });
  assert.equal((await broken.closed()).at(-1)?.reasonCode, 0x82);
  const { policy } = house;
  const accept = policy.accept.bind(policy);
  policy.accept = () => {
    throw new Error("The policy fails.");
  };
  const unlucky = await house.connect("writer", { version: 5, connect });
  unlucky.publish("a", "x", { qos: 2, messageId: 1 });
  assert.equal((await unlucky.closed()).at(-1)?.reasonCode, 0x80);
  assert.equal(house.faults.splice(0).length, 1);
  policy.accept = accept;
  const writer = await house.connect("writer", { version: 5, connect });
  writer.publish("a", "y", { qos: 2, messageId: 1 });
  assert.equal((await writer.take("pubrec")).reasonCode, 0);
  assert.deepEqual(said(await (await house.connect("sleeper", { version: 5, connect })).quiet()), ["y"]);
});

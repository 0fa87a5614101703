import assert from "node:assert/strict";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";
import type { Peer, Received } from "./peer.fixture.ts";

const payloads = (packets: readonly Received[]) => packets.map(({ payload }) => payload.toString());

test("[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] 3.1.1 [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.9.3-1] a SUBACK answers each filter in order, with the QoS asked for", async () => {
  await using house = await House.open();
  house.policy.gate.subscribe = (filter) => (filter === "secret" ? 0x87 : 0);
  for (const [version, refused] of [
    [4, 0x80],
    [5, 0x87],
  ] as const) {
    const peer = await house.connect("a", { version });
    const filters = [
      ["a", 0],
      ["secret", 1],
      ["b", 1],
      ["c", 2],
    ] as const;
    peer.send({ cmd: "subscribe", messageId: 77, subscriptions: filters.map(([topic, qos]) => ({ topic, qos })) });
    const answer = await peer.take("suback");
    assert.deepEqual([answer.messageId, answer.granted], [77, [0, refused, 1, 2]]);
  }
  assert.deepEqual(house.policy.refusals[0], { what: "subscribe", topic: "secret", code: 0x87 });
});

test("[MQTT-3.8.3-1] [MQTT-3.8.3-2] [MQTT-3.8.3-5] [MQTT-4.7.1-1] 3.1.1 [MQTT-3.8.3-3] [MQTT-3-8.3-4] a SUBSCRIBE without filters, with reserved options or with what is no filter ends the connection", async () => {
  await using house = await House.open();
  const cases = [
    [0x82, []],
    [0x81, [0, 1, 0x61, 0x40]],
    [0x81, [0, 1, 0x61, 3]],
    [0x82, [0, 1, 0x61, 0x30]],
    [0x8f, [0, 2, 0x23, 0x61, 0]],
    [0x8f, [0, 0, 0]],
    [0x81, [0, 1, 0xff, 0]],
    [0x81, [0, 9, 0x61, 0]],
    [0x81, [0, 1, 0x61]],
  ] as const;
  for (const [code, filter] of cases) {
    const five = await house.connect("five", { version: 5 });
    five.raw(0x82, 3 + filter.length, 0, 1, 0, ...filter);
    assert.equal((await five.closed())[0]?.reasonCode, code);
    const four = await house.connect("four");
    four.raw(0x82, 2 + filter.length, 0, 1, ...filter);
    assert.deepEqual(await four.closed(), []);
  }
});

test("3.1.1 [MQTT-3-8.3-4] options of MQTT 5 are reserved bits in 3.1.1", async () => {
  await using house = await House.open();
  const peer = await house.connect("four");
  peer.raw(0x82, 6, 0, 1, 0, 1, 0x61, 4);
  assert.deepEqual(await peer.closed(), []);
});

test("[MQTT-3.8.4-3] the same filter again replaces the subscription", async () => {
  await using house = await House.open();
  const peer = await house.connect("a", { version: 5 });
  peer.subscribe(1, "a", 1);
  peer.subscribe(2, "a", 0);
  peer.publish("a", "x", { qos: 1, messageId: 1 });
  const got = (await peer.quiet()).filter(({ cmd }) => cmd === "publish");
  assert.deepEqual(
    got.map(({ qos }) => qos),
    [0],
  );
  assert.equal(house.broker.statistics.subscriptions, 1);
});

test("[MQTT-3.3.4-2] [MQTT-3.3.4-3] [MQTT-3.3.4-4] overlapping subscriptions deliver once, at the highest QoS, with every identifier", async () => {
  await using house = await House.open();
  const peer = await house.connect("a", { version: 5 });
  peer.subscribe(1, "a/#", 0, { properties: { subscriptionIdentifier: 10 } });
  peer.subscribe(2, "a/b", 1, { properties: { subscriptionIdentifier: 20 } });
  peer.subscribe(3, "+/b", 0);
  await peer.quiet();
  peer.publish("a/b", "x", { qos: 1, messageId: 1 });
  const got = (await peer.quiet()).filter(({ cmd }) => cmd === "publish");
  assert.equal(got.length, 1);
  assert.equal(got[0]?.qos, 1);
  assert.deepEqual(new Set(got[0]?.properties?.["subscriptionIdentifier"] as number[]), new Set([10, 20])); // numbers
  peer.publish("a/c", "x");
  assert.equal((await peer.take("publish")).properties?.["subscriptionIdentifier"], 10);
});

test("[MQTT-3.8.3-3] no-local keeps a client's own messages from it, and nobody else's", async () => {
  await using house = await House.open();
  const other = await house.connect("b", { version: 5 });
  const peer = await house.connect("a", { version: 5 });
  peer.subscribe(1, "a", 1, { nl: true });
  peer.subscribe(2, "#", 0, { nl: true });
  peer.subscribe(3, "+/open", 0);
  await peer.quiet();
  for (const topic of ["a", "b", "x/open"]) {
    peer.publish(topic, "own", { qos: 1, messageId: 1 });
    other.publish(topic, "others", { qos: 1, messageId: 1 });
  }
  await other.quiet();
  const got = (await peer.quiet())
    .filter(({ cmd }) => cmd === "publish")
    .map(({ topic, payload }) => `${topic} ${payload.toString()}`);
  assert.deepEqual(got.sort(), ["a others", "b others", "x/open others", "x/open own"]);
});

test("[MQTT-3.8.3-3] of a client's own messages its other filters decide, in whatever order they are met: their QoS, their identifiers", async () => {
  await using house = await House.open();
  const other = await house.connect("b", { version: 5 });
  const filters = ["#", "a/#", "a/b", "+/b"];
  const options = [
    { qos: 1, nl: true },
    { qos: 0, nl: false },
    { qos: 1, nl: false },
    { qos: 0, nl: true },
  ];
  const isOther = (own: number) => (at: number) => at !== own;
  for (const first of [0, 1, 2, 3])
    for (const second of [0, 1, 2, 3].filter(isOther(first))) {
      const rest = [0, 1, 2, 3].filter(isOther(first)).filter(isOther(second));
      for (const order of [rest, rest.toReversed()].map((two) => [first, second, ...two])) {
        const peer = await house.connect("a", { version: 5 });
        for (const [at, which] of order.entries()) {
          const { qos, nl } = options[which] ?? assert.fail();
          peer.subscribe(at + 1, filters[at] ?? "", qos, { nl, properties: { subscriptionIdentifier: which + 1 } });
        }
        await peer.quiet();
        other.publish("a/b", "theirs", { qos: 1, messageId: 1 });
        await other.take("puback");
        peer.publish("a/b", "own", { qos: 1, messageId: 1 });
        const got = (await peer.quiet()).filter(({ cmd }) => cmd === "publish");
        assert.deepEqual(
          got.map(({ payload, qos, properties }) => [
            payload.toString(),
            qos,
            new Set(properties?.["subscriptionIdentifier"] as number[]), // numbers
          ]),
          [
            ["theirs", 1, new Set([1, 2, 3, 4])],
            ["own", 1, new Set([2, 3])],
          ],
          order.join(),
        );
        peer.destroy();
      }
    }
});

test("[MQTT-3.8.3-3] no-local keeps what a client retained itself from it, its will too, and from no other client", async () => {
  await using house = await House.open();
  const will = { topic: "will", payload: "x", qos: 1, retain: true };
  const mine = await house.connect("mine", { version: 5, connect: { will } });
  const theirs = await house.connect("theirs", { version: 5 });
  const stranger = await house.connect("mine", { version: 5, connect: { username: "stranger" } });
  const retained = { retain: true, qos: 1, messageId: 1 };
  for (const [peer, topic] of [
    [mine, "mine"],
    [theirs, "theirs"],
    [stranger, "stranger"],
  ] as const) {
    peer.publish(topic, "x", retained);
    await peer.take("puback");
  }
  mine.publish("live", "x", { retain: true });
  house.broker.publish("space", { topic: "nobody", payload: Buffer.from("x"), qos: 0, retain: true });
  mine.send({ cmd: "disconnect", reasonCode: 4 });
  await mine.closed();
  const back = await house.connect("mine", { version: 5 });
  back.subscribe(1, "#", 0, { nl: true });
  await back.take("suback");
  const topics = (await back.quiet()).map(({ topic }) => topic);
  assert.deepEqual(topics.toSorted(), ["nobody", "stranger", "theirs"]);
  back.subscribe(2, "#", 0);
  await back.take("suback");
  assert.equal((await back.quiet()).length, 6);
});

test("[MQTT-3.3.1-12] [MQTT-3.3.1-13] 3.1.1 [MQTT-3.3.1-9] the retain flag is cleared for a live message, unless the subscription keeps it as published", async () => {
  await using house = await House.open();
  const plain = await house.connect("plain", { version: 5 });
  const asPublished = await house.connect("as", { version: 5 });
  const old = await house.connect("old", { version: 4 });
  plain.subscribe(1, "a", 1);
  old.subscribe(1, "a", 1);
  asPublished.subscribe(1, "a", 1, { rap: true });
  for (const peer of [plain, asPublished, old]) await peer.take("suback");
  const writer = await house.connect("w");
  for (const retain of [true, false]) writer.publish("a", "x", { qos: 1, messageId: 1, retain });
  await writer.quiet();
  for (const [peer, flags] of [
    [plain, [false, false]],
    [asPublished, [true, false]],
    [old, [false, false]],
  ] as const) {
    assert.deepEqual(
      (await peer.quiet()).map(({ retain }) => retain),
      flags,
    );
  }
});

test("[MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-8] the last retained message of a topic reaches new subscribers; an empty one clears it", async () => {
  await using house = await House.open();
  const writer = await house.connect("w", { version: 5 });
  writer.publish("a/1", "old", { retain: true });
  writer.publish("a/1", "new", { retain: true, qos: 1, messageId: 1, properties: { contentType: "t" } });
  writer.publish("a/2", "gone", { retain: true });
  writer.publish("a/2", "", { retain: true });
  writer.publish("a/3", "never");
  writer.publish("$a/1", "system", { retain: true });
  await writer.quiet();
  for (const version of [4, 5] as const) {
    const reader = await house.connect("r", { version });
    for (const filter of ["a/+", "#", "a/1", "+/1"]) {
      reader.subscribe(1, filter, 1);
      await reader.take("suback");
      const got = await reader.take("publish");
      assert.deepEqual([got.topic, got.payload.toString(), got.retain, got.qos], ["a/1", "new", true, 1]);
      if (version === 5) assert.equal(got.properties?.["contentType"], "t");
    }
    assert.deepEqual(await reader.quiet(), []);
  }
  assert.equal(house.broker.statistics.retained, 2);
});

test("[MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] retain handling decides when retained messages are sent", async () => {
  await using house = await House.open();
  const writer = await house.connect("w");
  writer.publish("a", "x", { retain: true });
  await writer.quiet();
  const reader = await house.connect("r", { version: 5 });
  const count = async (rh: number, topic: string) => {
    reader.subscribe(1, topic, 0, { rh });
    return (await reader.quiet()).filter(({ cmd }) => cmd === "publish").length;
  };
  assert.deepEqual([await count(0, "a"), await count(0, "a")], [1, 1]);
  assert.deepEqual([await count(1, "+"), await count(1, "+")], [1, 0]);
  assert.equal(await count(2, "#"), 0);
});

test("retained messages lose their time like others, and then are gone", async () => {
  await using house = await House.open();
  const writer = await house.connect("w", { version: 5 });
  writer.publish("a", "x", { retain: true, properties: { messageExpiryInterval: 10 } });
  await writer.quiet();
  house.time.move(4_000);
  const reader = await house.connect("r", { version: 5 });
  reader.subscribe(1, "a", 0);
  await reader.take("suback");
  assert.equal((await reader.take("publish")).properties?.["messageExpiryInterval"], 6);
  house.time.move(6_000);
  reader.subscribe(1, "a", 0);
  assert.deepEqual(
    (await reader.quiet()).map(({ cmd }) => cmd),
    ["suback"],
  );
  assert.equal(house.broker.statistics.retained, 0);
});

test("[MQTT-3.2.2-13] [MQTT-3.2.2-14] retained messages can be switched off: MQTT 5 is told, 3.1.1 is delivered live only", async () => {
  await using house = await House.open({ retainAvailable: false });
  const four = await house.connect("four");
  four.subscribe(1, "a", 0);
  four.publish("a", "x", { retain: true });
  await four.take("suback");
  await four.take("publish");
  four.subscribe(2, "a", 0);
  assert.deepEqual(
    (await four.quiet()).map(({ cmd }) => cmd),
    ["suback"],
  );
  const five = await house.connect("five", { version: 5 });
  five.publish("a", "x", { retain: true });
  assert.equal((await five.closed())[0]?.reasonCode, 0x9a);
  const will = await house.visit({ version: 5 });
  will.connect({ clientId: "w", will: { topic: "a", payload: "x", qos: 0, retain: true } });
  assert.equal((await will.take("connack")).reasonCode, 0x9a);
});

test("[MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] 3.1.1 [MQTT-3.10.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-6] an UNSUBACK answers each filter, and nothing more arrives", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    const peer = await house.connect("a", { version });
    peer.subscribe(1, "a/+", 1);
    peer.subscribe(2, "a/b", 0);
    peer.send({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["a/+", "a/x"] });
    peer.publish("a/b", "x");
    peer.publish("a/c", "x");
    await peer.take("suback");
    await peer.take("suback");
    const answer = await peer.take("unsuback");
    assert.equal(answer.messageId, 3);
    if (version === 5) assert.deepEqual(answer.granted, [0, 0x11]);
    assert.deepEqual(
      (await peer.quiet()).map(({ topic }) => topic),
      ["a/b"],
    );
  }
});

test("[MQTT-3.10.3-2] an UNSUBSCRIBE without filters is a protocol error", async () => {
  await using house = await House.open();
  const peer = await house.connect("a", { version: 5 });
  peer.raw(0xa2, 3, 0, 1, 0);
  assert.equal((await peer.closed())[0]?.reasonCode, 0x82);
});

test("[MQTT-4.8.2-3] each message goes to one member of a shared subscription, in turn, at its QoS", async () => {
  await using house = await House.open();
  const members = [];
  for (const [name, qos] of [
    ["a", 0],
    ["b", 1],
    ["c", 1],
  ] as const) {
    const member = await house.connect(name, { version: name === "c" ? 4 : 5 });
    member.subscribe(1, "$share/crew/jobs/+", qos);
    await member.take("suback");
    members.push(member);
  }
  const alone = await house.connect("alone");
  alone.subscribe(1, "jobs/#", 0);
  await alone.take("suback");
  const writer = await house.connect("w");
  for (let i = 0; i < 9; i++) writer.publish(`jobs/${i % 2}`, String(i), { qos: 1, messageId: 1 });
  await writer.quiet();
  const got = [];
  for (const member of members) got.push(await member.quiet());
  assert.deepEqual(
    got.map((list) => list.length),
    [3, 3, 3],
  );
  assert.deepEqual(got.flatMap(payloads).sort(), ["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
  assert.deepEqual(
    got.map((list) => new Set(list.map(({ qos }) => qos)).size),
    [1, 1, 1],
  );
  assert.equal((await alone.quiet()).length, 9);
});

test("a shared group belongs to its application; each of two applications gets every message", async () => {
  await using house = await House.open();
  house.policy.welcome = (asked) => ({ application: asked.username ?? "" });
  const readers = [];
  for (const username of ["one", "two"]) {
    const reader = await house.connect("r", { version: 5, connect: { username } });
    reader.subscribe(1, "$share/crew/a", 0);
    await reader.take("suback");
    readers.push(reader);
  }
  const writer = await house.connect("w");
  for (let i = 0; i < 4; i++) writer.publish("a", String(i));
  await writer.quiet();
  for (const reader of readers) assert.equal((await reader.quiet()).length, 4);
});

test("a member who may not receive a topic is passed over, and a member who left is forgotten", async () => {
  await using house = await House.open();
  house.policy.welcome = (asked) => {
    const { gate } = house.policy;
    return {
      gate: {
        cell: gate.cell,
        epoch: gate.epoch,
        publish: () => 0,
        subscribe: () => 0,
        receive: () => asked.username !== "deaf",
      },
    };
  };
  const members: Peer[] = [];
  for (const username of ["deaf", "first", "second"]) {
    const member = await house.connect("m", { version: 5, connect: { username } });
    member.subscribe(1, "$share/crew/a", 0);
    await member.take("suback");
    members.push(member);
  }
  const writer = await house.connect("w");
  const say = async () => {
    for (let i = 0; i < 4; i++) writer.publish("a", String(i));
    await writer.quiet();
    const counts = [];
    for (const member of members) counts.push((await member.quiet()).length);
    return counts;
  };
  assert.deepEqual(await say(), [0, 2, 2]);
  members[1]?.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["$share/crew/a"] });
  await members[1]?.take("unsuback");
  assert.deepEqual(await say(), [0, 0, 4]);
});

test("[MQTT-3.8.3-4] a shared subscription cannot be no-local", async () => {
  await using house = await House.open();
  const peer = await house.connect("a", { version: 5 });
  peer.subscribe(1, "$share/crew/a", 0, { nl: true });
  assert.equal((await peer.closed())[0]?.reasonCode, 0x82);
});

test("a shared subscription gets no retained messages", async () => {
  await using house = await House.open();
  const peer = await house.connect("a", { version: 5 });
  peer.publish("a", "x", { retain: true });
  peer.subscribe(1, "$share/crew/a", 0);
  assert.deepEqual(
    (await peer.quiet()).map(({ cmd }) => cmd),
    ["suback"],
  );
});

test("subscriptions beyond the limit of a session are refused by themselves", async () => {
  await using house = await House.open({ limits: { subscriptionsPerSession: 2 } });
  const peer = await house.connect("a", { version: 5 });
  peer.send({
    cmd: "subscribe",
    messageId: 1,
    subscriptions: ["a", "b", "c", "a"].map((topic) => ({ topic, qos: 0 })),
  });
  assert.deepEqual((await peer.take("suback")).granted, [0, 0, 0x97, 0]);
  peer.subscribe(2, "a", 1);
  assert.deepEqual((await peer.take("suback")).granted, [1]);
});

test("sessions share what their space may have beyond the free subscriptions of each, and give back what they end", async () => {
  const limits = { subscriptionsFree: 2, subscriptionsShared: 3 };
  await using house = await House.open({ limits });
  const ask = async (peer: Peer, ...topics: string[]) => {
    peer.send({ cmd: "subscribe", messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 0 })) });
    return (await peer.take("suback")).granted;
  };
  const greedy = await house.connect("greedy", { version: 5 });
  assert.deepEqual(await ask(greedy, "a", "b", "c", "d", "e", "f", "a"), [0, 0, 0, 0, 0, 0x97, 0]);
  const modest = await house.connect("modest", { version: 5 });
  assert.deepEqual(await ask(modest, "a", "b", "c"), [0, 0, 0x97]);
  house.policy.welcome = () => ({ space: "another" });
  const elsewhere = await house.connect("elsewhere", { version: 5 });
  assert.deepEqual(await ask(elsewhere, "a", "b", "c"), [0, 0, 0]);
  greedy.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["a"] });
  await greedy.take("unsuback");
  assert.deepEqual(await ask(modest, "c", "d"), [0, 0x97]);
  greedy.send({ cmd: "disconnect", reasonCode: 0 });
  await greedy.closed();
  assert.deepEqual(await ask(modest, "d", "e", "f"), [0, 0, 0x97]);
});

test("a filter of too many levels or bytes is refused by itself, also where its mount makes it too long", async () => {
  await using house = await House.open({ limits: { topicLevels: 4, topicBytes: 20 } });
  house.policy.welcome = () => ({ mounts: [{ prefix: "me/", target: "devices/7/" }] });
  const peer = await house.connect("a", { version: 5 });
  const filters = ["+/+/+/+/+", "x".repeat(21), "me/+/+/+", "$share/g/+/+/+/+/#", "+/+/+/+"];
  const subscriptions = filters.map((topic) => ({ topic, qos: 0 }));
  peer.send({ cmd: "subscribe", messageId: 1, subscriptions });
  assert.deepEqual((await peer.take("suback")).granted, [0x8f, 0x8f, 0x8f, 0x8f, 0]);
  assert.deepEqual(await peer.quiet(), []);
  assert.equal(house.broker.statistics.subscriptions, 1);
});

test("retained messages arrive no faster than they are read, and all of them", async () => {
  await using house = await House.open({ limits: { waiting: 50_000, sessionMessages: 300, inFlight: 10 } });
  const source = await house.connect("source");
  for (let i = 0; i < 2_000; i++)
    source.publish(`kept/${i}`, "x".repeat(1_000), { retain: true, qos: 1, messageId: i + 1 });
  await until(() => house.broker.statistics.retained === 2_000);
  for (const qos of [0, 1]) {
    const peer = await house.connect(`reader-${qos}`);
    peer.subscribe(1, "kept/#", qos);
    await peer.take("suback");
    const topics = new Set<string>();
    while (topics.size < 2_000) {
      const { topic, retain, messageId } = await peer.take("publish");
      assert.equal(retain, true);
      topics.add(topic);
      if (qos === 1) peer.send({ cmd: "puback", messageId });
    }
    assert.deepEqual(await peer.quiet(), []);
  }
  const { slow, queueFull } = house.broker.statistics.dropped;
  assert.deepEqual([slow, queueFull], [0, 0]);
});

test("a filter that is taken back gets no more of what is retained", async () => {
  await using house = await House.open();
  const source = await house.connect("source");
  for (let i = 0; i < 1_000; i++) source.publish(`kept/${i}`, "x", { retain: true });
  await source.quiet();
  const peer = await house.connect("reader", { version: 5 });
  peer.subscribe(1, "kept/#", 0);
  peer.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["kept/#"] });
  const got: string[] = [];
  for (let packet = await peer.next(); packet.cmd !== "unsuback"; packet = await peer.next()) got.push(packet.cmd);
  assert.ok(got.length < 1_000, `${got.length} came`);
  assert.deepEqual(await peer.quiet(), []);
});

test("more filters in a packet, or more user properties in number or bytes, than the limit end the connection", async () => {
  await using house = await House.open({ limits: { filtersPerPacket: 3 } });
  const filters = ["a", "b", "c", "d"];
  const many = { userProperties: { name: Array.from({ length: 1001 }, () => "") } };
  const long = { userProperties: { name: Array.from({ length: 3 }, () => "x".repeat(60_000)) } };
  const packets = [
    { cmd: "subscribe", messageId: 1, subscriptions: filters.map((topic) => ({ topic, qos: 0 })) },
    { cmd: "unsubscribe", messageId: 1, unsubscriptions: filters },
    { cmd: "publish", topic: "a", payload: "x", qos: 0, dup: false, retain: false, properties: many },
    { cmd: "publish", topic: "a", payload: "x", qos: 0, dup: false, retain: false, properties: long },
    { cmd: "disconnect", reasonCode: 0, properties: long },
  ];
  for (const packet of packets) {
    const peer = await house.connect("a", { version: 5 });
    peer.send(packet);
    assert.equal((await peer.closed())[0]?.reasonCode, 0x97);
  }
  const stranger = await house.visit({ version: 5 });
  stranger.connect({ clientId: "a", properties: long });
  assert.equal((await stranger.take("connack")).reasonCode, 0x97);
  assert.equal(house.broker.statistics.subscriptions, 0);
});

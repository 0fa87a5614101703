import assert from "node:assert/strict";
import { test } from "node:test";
import { queryObjects } from "node:v8";
import { House } from "./house.fixture.ts";

for (const version of [4, 5] as const) {
  test(`[MQTT-3.3.4-1] [MQTT-3.8.4-8] 3.1.1 [MQTT-3.3.4-1] [MQTT-3.8.4-6] QoS is the lower of publisher's and subscriber's, version ${version}`, async () => {
    await using house = await House.open();
    const reader = await house.connect("reader", { version });
    reader.subscribe(1, "low", 0);
    reader.subscribe(2, "high", 1);
    await reader.take("suback");
    await reader.take("suback");
    const writer = await house.connect("writer", { version });
    for (const topic of ["low", "high"]) {
      writer.publish(topic, "0", { qos: 0 });
      writer.publish(topic, "1", { qos: 1, messageId: 5 });
      assert.equal((await writer.take("puback")).messageId, 5);
    }
    const got = (await reader.quiet()).map(({ topic, payload, qos }) => `${topic} ${payload.toString()} at ${qos}`);
    assert.deepEqual(got, ["low 0 at 0", "low 1 at 0", "high 0 at 0", "high 1 at 1"]);
  });
}

for (const [from, to] of [
  [4, 5],
  [5, 4],
  [4, 4],
  [5, 5],
] as const) {
  test(`a message goes from version ${from} to version ${to} at either QoS`, async () => {
    await using house = await House.open();
    const reader = await house.connect("reader", { version: to });
    reader.subscribe(1, "a/+", 1);
    await reader.take("suback");
    const writer = await house.connect("writer", { version: from });
    const properties = { contentType: "text/plain", correlationData: Buffer.from("c"), userProperties: { k: "v" } };
    for (const qos of [0, 1]) {
      writer.publish("a/ä€😀", "päyload", { qos, messageId: 9, ...(from === 5 ? { properties } : {}) });
      const got = await reader.take("publish");
      assert.deepEqual(
        [got.topic, got.payload.toString(), got.qos, got.retain, got.dup],
        ["a/ä€😀", "päyload", qos, false, false],
      );
      if (from === 5 && to === 5) {
        const { contentType, correlationData, userProperties } = got.properties ?? {};
        assert.deepEqual(
          [contentType, String(correlationData), { ...(userProperties as object) }],
          ["text/plain", "c", { k: "v" }],
        );
      } else assert.equal(Object.keys(got.properties ?? {}).length, 0);
    }
  });
}

test("[MQTT-3.3.1-2] [MQTT-3.3.1-4] 3.1.1 [MQTT-3.3.1-2] [MQTT-3.3.1-4] DUP at QoS 0, and QoS 3, are malformed", async () => {
  await using house = await House.open();
  for (const first of [0x38, 0x36, 0x3e]) {
    const five = await house.connect("five", { version: 5 });
    five.raw(first, 5, 0, 1, 0x61, 0, 1);
    assert.equal((await five.closed())[0]?.reasonCode, 0x81);
    const four = await house.connect("four");
    four.raw(first, 5, 0, 1, 0x61, 0, 1);
    assert.deepEqual(await four.closed(), []);
  }
});

test("[MQTT-3.2.2-9] [MQTT-3.2.2-10] [MQTT-3.2.2-11] where the maximum is QoS 1, MQTT 5 is told, a SUBSCRIBE is granted 1, and a publish of QoS 2 ends the connection", async () => {
  await using house = await House.open({ limits: { maximumQoS: 1 } });
  const five = await house.connect("five", { version: 5 });
  assert.equal(five.connack?.properties?.["maximumQoS"], 1);
  five.subscribe(1, "b", 2);
  assert.deepEqual((await five.take("suback")).granted, [1]);
  five.publish("a", "x", { qos: 2, messageId: 1 });
  assert.equal((await five.closed())[0]?.reasonCode, 0x9b);
  const four = await house.connect("four");
  four.subscribe(1, "b", 2);
  assert.deepEqual((await four.take("suback")).granted, [1]);
  four.publish("a", "x", { qos: 2, messageId: 1 });
  assert.deepEqual(await four.closed(), []);
});

test("[MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.0-1] [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-1.5.4-1] [MQTT-1.5.4-2] 3.1.1 [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.3-1] [MQTT-4.7.3-2] a topic with wildcards, without characters, or not UTF-8 ends the connection", async () => {
  await using house = await House.open();
  const topics = [
    [0x2b],
    [0x61, 0x2f, 0x23],
    [],
    [0x61, 0],
    [0xc3, 0x28],
    [0xed, 0xa0, 0x80],
    [0xff],
    [0xc0, 0xaf],
    [0xf4, 0x90, 0x80, 0x80],
  ];
  for (const topic of topics) {
    const four = await house.connect("four");
    four.raw(0x30, 2 + topic.length, 0, topic.length, ...topic);
    assert.deepEqual(await four.closed(), []);
    const five = await house.connect("five", { version: 5 });
    five.raw(0x30, 3 + topic.length, 0, topic.length, ...topic, 0);
    const [last] = await five.closed();
    assert.equal(last?.reasonCode, topic.length === 0 ? 0x82 : 0x90);
  }
});

test("[MQTT-1.5.4-3] 3.1.1 [MQTT-1.5.3-3] a byte order mark in a topic is a character like any other", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    const peer = await house.connect("a", { version });
    peer.subscribe(1, "\ufeffa", 0);
    await peer.take("suback");
    peer.publish("a", "plain");
    peer.publish("\ufeffa", "marked");
    const got = await peer.take("publish");
    assert.deepEqual([got.topic, got.payload.toString()], ["\ufeffa", "marked"]);
  }
});

test("[MQTT-2.2.1-3] a packet identifier of zero ends the connection", async () => {
  await using house = await House.open();
  const packets = [
    [0x32, 6, 0, 1, 0x61, 0, 0, 0],
    [0x82, 7, 0, 0, 0, 0, 1, 0x61, 0],
    [0xa2, 6, 0, 0, 0, 0, 1, 0x61],
    [0x40, 2, 0, 0],
  ];
  for (const bytes of packets) {
    const peer = await house.connect("a", { version: 5 });
    peer.raw(...bytes);
    assert.equal((await peer.closed())[0]?.reasonCode, 0x82);
  }
});

test("[MQTT-3.3.2-8] [MQTT-3.3.2-9] [MQTT-3.3.2-12] topic aliases stand for topics of this connection, up to the maximum", async () => {
  await using house = await House.open({ limits: { topicAliases: 2 } });
  const reader = await house.connect("reader", { version: 5 });
  reader.subscribe(1, "#", 0);
  await reader.take("suback");
  const writer = await house.connect("writer", { version: 5 });
  const say = (topic: string, topicAlias: number, payload: string) =>
    writer.publish(topic, payload, { properties: { topicAlias } });
  say("one", 1, "a");
  say("two", 2, "b");
  say("", 1, "c");
  say("three", 1, "d");
  say("", 1, "e");
  say("", 2, "f");
  await writer.quiet();
  const got = await reader.quiet();
  assert.deepEqual(
    got.map(({ topic, payload }) => `${topic} ${payload.toString()}`),
    ["one a", "two b", "one c", "three d", "three e", "two f"],
  );
  assert.ok(got.every(({ properties }) => properties?.["topicAlias"] === undefined));
  say("three", 3, "too many");
  assert.equal((await writer.closed())[0]?.reasonCode, 0x94);
  const zero = await house.connect("zero", { version: 5 });
  zero.raw(0x30, 8, 0, 1, 0x61, 3, 0x23, 0, 0, 0x78);
  assert.equal((await zero.closed())[0]?.reasonCode, 0x94);
  const unknown = await house.connect("unknown", { version: 5 });
  unknown.raw(0x30, 6, 0, 0, 3, 0x23, 0, 1);
  assert.equal((await unknown.closed())[0]?.reasonCode, 0x82);
});

test("[MQTT-3.3.4-6] [MQTT-3.3.2-14] a client's subscription identifier, and a response topic with wildcards, are protocol errors", async () => {
  await using house = await House.open();
  for (const property of [
    [0x0b, 5],
    [0x08, 0, 1, 0x23],
    [0x08, 0, 0],
  ]) {
    const peer = await house.connect("a", { version: 5 });
    peer.raw(0x30, 4 + property.length, 0, 1, 0x61, property.length, ...property);
    assert.equal((await peer.closed())[0]?.reasonCode, 0x82);
  }
});

test("unknown, misplaced, repeated and out-of-range properties end the connection", async () => {
  await using house = await House.open();
  const cases = [
    [0x81, 0x7e, 0],
    [0x82, 0x11, 0, 0, 0, 1],
    [0x82, 0x23, 0, 1, 0x23, 0, 1],
    [0x82, 0x01, 2],
    [0x81, 0x02, 0, 0],
    [0x81, 0x03, 0, 2, 0xc3, 0x28],
  ] as const;
  for (const [code, ...property] of cases) {
    const peer = await house.connect("a", { version: 5 });
    peer.raw(0x30, 4 + property.length, 0, 1, 0x61, property.length, ...property);
    assert.equal((await peer.closed())[0]?.reasonCode, code);
  }
});

test("a payload that is declared to be text and is not is refused with 0x99", async () => {
  await using house = await House.open();
  const peer = await house.connect("a", { version: 5 });
  peer.subscribe(1, "a", 1);
  await peer.take("suback");
  peer.publish("a", Buffer.from([0xff]), { qos: 1, messageId: 1, properties: { payloadFormatIndicator: true } });
  assert.equal((await peer.take("puback")).reasonCode, 0x99);
  peer.publish("a", "ä", { qos: 1, messageId: 2, properties: { payloadFormatIndicator: true } });
  const got = [await peer.take("publish"), await peer.take("puback")];
  assert.equal(got[0]?.properties?.["payloadFormatIndicator"], true);
});

test("[MQTT-3.3.2-5] [MQTT-3.3.2-6] a message that waits loses its time, and is dropped when it is over", async () => {
  await using house = await House.open();
  const keep = { clean: false, properties: { sessionExpiryInterval: 1000 } };
  const sleeper = await house.connect("sleeper", { version: 5, connect: keep });
  sleeper.subscribe(1, "a", 1);
  await sleeper.take("suback");
  sleeper.send({ cmd: "disconnect" });
  await sleeper.closed();
  const writer = await house.connect("writer", { version: 5 });
  for (const [messageId, messageExpiryInterval] of [
    [1, 10],
    [2, 100],
  ] as const) {
    writer.publish("a", "x", { qos: 1, messageId, properties: { messageExpiryInterval } });
    await writer.take("puback");
  }
  house.time.move(30_000);
  const back = await house.connect("sleeper", { version: 5, connect: keep });
  const got = await back.quiet();
  assert.deepEqual(
    got.map(({ properties }) => properties?.["messageExpiryInterval"]),
    [70],
  );
  assert.equal(house.broker.statistics.dropped.expired, 1);
});

test("[MQTT-3.1.2-24] [MQTT-3.1.2-25] a message larger than the client takes is as good as delivered", async () => {
  await using house = await House.open();
  const reader = await house.connect("reader", { version: 5, connect: { properties: { maximumPacketSize: 60 } } });
  reader.subscribe(1, "a", 1);
  await reader.take("suback");
  const writer = await house.connect("writer", { version: 5 });
  for (const size of [100, 10]) {
    writer.publish("a", "x".repeat(size), { qos: 1, messageId: 1 });
    await writer.take("puback");
  }
  const got = await reader.take("publish");
  assert.equal(got.payload.length, 10);
  assert.equal(house.broker.statistics.dropped.tooLarge, 1);
});

test("[MQTT-3.2.2-15] a packet larger than the limit is refused before it has come", async () => {
  await using house = await House.open({ limits: { packet: 200 } });
  const five = await house.connect("five", { version: 5 });
  five.raw(0x30, 0xff, 0x01);
  assert.equal((await five.closed())[0]?.reasonCode, 0x95);
  const four = await house.connect("four");
  four.publish("a", "x".repeat(300));
  assert.deepEqual(await four.closed(), []);
  const exact = await house.connect("exact");
  exact.publish("a", "x".repeat(194));
  assert.deepEqual(await exact.quiet(), []);
});

test("large packets pass in pieces, up to the limit", async () => {
  await using house = await House.open();
  const reader = await house.connect("reader");
  reader.subscribe(1, "a", 1);
  await reader.take("suback");
  const writer = await house.connect("writer", { version: 5 });
  const payload = Buffer.alloc((1 << 20) - 20, "holdfast");
  for (const qos of [0, 1]) {
    writer.publish("a", payload, { qos, messageId: 1 });
    assert.ok((await reader.take("publish")).payload.equals(payload));
  }
});

test("a topic of too many levels is refused, and the connection goes on", async () => {
  await using house = await House.open({ limits: { topicLevels: 3, topicBytes: 20 } });
  const five = await house.connect("five", { version: 5 });
  for (const topic of ["a/b/c/d", "x".repeat(21)]) {
    five.publish(topic, "x", { qos: 1, messageId: 1 });
    assert.equal((await five.take("puback")).reasonCode, 0x90);
    five.subscribe(2, topic, 1);
    assert.deepEqual((await five.take("suback")).granted, [0x8f]);
  }
  five.publish("a/b/c", "x", { qos: 1, messageId: 1 });
  assert.equal((await five.take("puback")).reasonCode, 0);
});

test("a topic that is refused because it is too long is not remembered, whatever alias it has, and stays refused", async () => {
  await using house = await House.open();
  const held = () => {
    queryObjects(Object, { format: "count" }); // it collects garbage first
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = held();
  const peers = [];
  for (let at = 0; at < 20; at++) {
    const peer = await house.connect(`peer-${at}`, { version: 5 });
    for (let i = 1; i <= 32; i++) {
      peer.publish(`${i}/${"x".repeat(60_000)}`, "x", { properties: { topicAlias: i } });
      peer.publish(`${"y".repeat(60_000)}${i}`, "x");
    }
    await peer.quiet();
    peers.push(peer);
  }
  house.policy.refusals.length = 0; // they name them
  const more = held() - before;
  assert.ok(more < 40 << 20, `${more >> 20} MiB more`); // whole they are 75, as bytes and as strings
  const [first] = peers;
  for (let i = 1; i <= 32; i++) first?.publish("", "x", { qos: 1, messageId: i, properties: { topicAlias: i } });
  const codes = (await first?.quiet())?.map(({ reasonCode }) => reasonCode);
  assert.deepEqual(
    codes,
    Array.from({ length: 32 }, () => 0x90),
  );
  assert.ok(house.policy.refusals.every(({ topic }) => topic.length <= 4_097));
});

test("[MQTT-1.5.5-1] a length in more bytes than it needs, or in more than four, is malformed", async () => {
  await using house = await House.open();
  const cases = [
    [0xc0, 0x80, 0x00],
    [0xc0, 0xff, 0xff, 0xff, 0xff],
    [0x30, 6, 0, 1, 0x61, 0x80, 0x00, 0x78],
    [0x82, 9, 0, 1, 0x80, 0x00, 0, 2, 0x61, 0x61, 0],
  ];
  for (const bytes of cases) {
    const peer = await house.connect("a", { version: 5 });
    peer.raw(...bytes);
    assert.equal((await peer.closed())[0]?.reasonCode, 0x81);
  }
});

test("a client that takes turns with many topics is heard on each of them", async () => {
  await using house = await House.open();
  const reader = await house.connect("reader");
  reader.subscribe(1, "t/+", 0);
  await reader.take("suback");
  const writer = await house.connect("writer");
  const topics = Array.from({ length: 60 }, (_, i) => `t/${i % 40}`);
  for (const topic of topics) writer.publish(topic, "x");
  await writer.quiet();
  assert.deepEqual(
    (await reader.quiet()).map(({ topic }) => topic),
    topics,
  );
});

test("[MQTT-3.12.4-1] 3.1.1 [MQTT-3.12.4-1] a PINGREQ is answered", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    const peer = await house.connect("a", { version });
    peer.raw(0xc0, 0);
    await peer.take("pingresp");
  }
});

test("[MQTT-2.1.3-1] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] 3.1.1 [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] [MQTT-3.6.1-1] reserved flags of any packet end the connection", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    const none = version === 5 ? [0] : [];
    for (const [first, ...body] of [
      [0xc1],
      [0x80, 0, 1, ...none, 0, 1, 0x61, 0],
      [0x83, 0, 1, ...none, 0, 1, 0x61, 0],
      [0xa0, 0, 1, ...none, 0, 1, 0x61],
      [0xa6, 0, 1, ...none, 0, 1, 0x61],
      [0x41, 0, 1],
      [0xe1],
      [0x51, 0, 1],
      [0x60, 0, 1],
      [0x66, 0, 1],
      [0x72, 0, 1],
    ] as const) {
      const peer = await house.connect("a", { version });
      peer.raw(first, body.length, ...body);
      const said = (await peer.closed()).map(({ reasonCode }) => reasonCode);
      assert.deepEqual(said, version === 5 ? [0x81] : []);
    }
  }
});

test("packets that only a server sends, or that belong to what is not served, are protocol errors", async () => {
  await using house = await House.open();
  for (const bytes of [
    [0x20, 2, 0, 0],
    [0x90, 3, 0, 1, 0],
    [0xb0, 2, 0, 1],
    [0xd0, 0],
    [0xf0, 0],
  ]) {
    const peer = await house.connect("a", { version: 5 });
    peer.raw(...bytes);
    assert.equal((await peer.closed())[0]?.reasonCode, 0x82);
  }
});

test("[MQTT-4.6.0-6] messages of one topic arrive in the order in which they were published, however many share a chunk", async () => {
  await using house = await House.open();
  const reader = await house.connect("reader", { version: 5 });
  reader.subscribe(1, "n", 1);
  await reader.take("suback");
  const writer = await house.connect("writer");
  for (let i = 0; i < 500; i++) writer.publish("n", String(i), { qos: 1, messageId: i + 1 });
  for (let i = 0; i < 500; i++) assert.equal((await writer.take("puback")).messageId, i + 1);
  for (let i = 0; i < 500; i++) {
    const got = await reader.take("publish");
    assert.equal(String(got.payload), String(i));
    reader.send({ cmd: "puback", messageId: got.messageId });
  }
});

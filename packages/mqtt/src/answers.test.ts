import assert from "node:assert/strict";
import { test } from "node:test";
import { House } from "./house.fixture.ts";
import { firstByte } from "./codes.ts";
import { acknowledgement, auth, connack, disconnect, fitting } from "./writer.ts";

const long = "x".repeat(100);

test("[MQTT-3.2.2-8] a code that a CONNACK cannot carry becomes an unspecified error", async () => {
  await using house = await House.open();
  for (const [code, said] of [
    [0x8a, 0x8a],
    [0x95, 0x95],
    [0x9f, 0x9f],
    [0x00, 0x80],
    [0x18, 0x80],
    [0x8e, 0x80],
    [0x8f, 0x80],
    [0x98, 0x80],
  ] as const) {
    house.policy.welcome = () => ({ turnedAway: code });
    const peer = await house.visit({ version: 5 });
    peer.connect({ clientId: "a" });
    assert.equal((await peer.take("connack")).reasonCode, said);
    assert.deepEqual(await peer.closed(), []);
  }
});

test("[MQTT-3.9.3-2] 3.1.1 [MQTT-3.9.3-2] a code that a SUBACK cannot carry becomes an unspecified error, in 3.1.1 every refusal is 0x80", async () => {
  await using house = await House.open();
  const codes = [0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2, 0x03, 0x80, 0x90, 0x99];
  house.policy.gate.subscribe = (filter) => Number(filter);
  for (const version of [4, 5] as const) {
    const peer = await house.connect("a", { version });
    const subscriptions = codes.map((code) => ({ topic: String(code), qos: 1 }));
    peer.send({ cmd: "subscribe", messageId: 1, subscriptions });
    const { granted } = await peer.take("suback");
    assert.deepEqual(granted, version === 4 ? codes.map(() => 0x80) : [...codes.slice(0, 8), 0x80, 0x80, 0x80, 0x80]);
  }
});

test("[MQTT-3.14.2-1] a code that a DISCONNECT cannot carry becomes an unspecified error", async () => {
  await using house = await House.open();
  for (const [code, said] of [
    [0x98, 0x98],
    [0x87, 0x87],
    [0xa0, 0xa0],
    [0x86, 0x80],
    [0x10, 0x80],
    [0x04, 0x80],
  ] as const) {
    const peer = await house.connect("a", { version: 5 });
    house.broker.disconnect("space", "somebody", code);
    assert.equal((await peer.closed())[0]?.reasonCode, said);
  }
});

test("[MQTT-3.2.2-19] a CONNACK that refuses has no reason string where the client has no room for it", async () => {
  await using house = await House.open();
  house.policy.welcome = () => ({ turnedAway: 0x87, reasonString: long });
  for (const [maximumPacketSize, told] of [
    [108, long],
    [107, undefined],
    [5, undefined],
  ] as const) {
    const peer = await house.visit({ version: 5 });
    peer.connect({ clientId: "a", properties: { maximumPacketSize } });
    const answer = await peer.take("connack");
    assert.deepEqual([answer.reasonCode, answer.properties?.["reasonString"]], [0x87, told], `${maximumPacketSize}`);
  }
  const tiny = await house.visit({ version: 5 });
  tiny.connect({ clientId: "a", properties: { maximumPacketSize: 4 } });
  assert.deepEqual(await tiny.closed(), []);
});

test("[MQTT-3.14.2-3] a DISCONNECT has no reason string where the client has no room for it", async () => {
  await using house = await House.open();
  for (const [maximumPacketSize, told] of [
    [107, long],
    [106, undefined],
  ] as const) {
    const peer = await house.connect("a", { version: 5, connect: { properties: { maximumPacketSize } } });
    house.broker.disconnect("space", "somebody", 0x98, long);
    const [last] = await peer.closed();
    assert.deepEqual([last?.reasonCode, last?.properties?.["reasonString"]], [0x98, told]);
  }
});

test("[MQTT-3.2.2-20] [MQTT-3.4.2-3] [MQTT-3.5.2-3] [MQTT-3.14.2-4] [MQTT-3.15.2-3] user properties are left out of an answer that would not fit with them", () => {
  const properties = { reasonString: "r", userProperties: [["name", long] as [string, string]] };
  for (const make of [
    (fit: object) => connack(5, false, 0x87, fit),
    (fit: object) => acknowledgement(firstByte.puback, 1, 0x87, fit),
    (fit: object) => acknowledgement(firstByte.pubrec, 1, 0x87, fit),
    (fit: object) => disconnect(0x87, fit),
    (fit: object) => auth(0x18, fit),
  ]) {
    const whole = make(properties);
    assert.deepEqual(fitting(whole.length, properties, make), whole);
    assert.deepEqual(fitting(whole.length - 1, properties, make), make({}));
    assert.equal(fitting(make({}).length - 1, properties, make), undefined);
  }
});

test("[MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-3.11.2-1] [MQTT-3.11.2-2] SUBACK and UNSUBACK are their codes alone, which fit into what the client takes", async () => {
  await using house = await House.open();
  house.policy.gate.subscribe = () => 0x87;
  const properties = { maximumPacketSize: 100 };
  const peer = await house.connect("a", { version: 5, connect: { properties } });
  const filters = Array.from({ length: 95 }, (_, i) => `${i}`);
  const subscribe = (topics: readonly string[]) =>
    peer.send({ cmd: "subscribe", messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 0 })) });
  subscribe(filters);
  const suback = await peer.take("suback");
  assert.deepEqual([suback.granted.length, suback.properties], [95, undefined]);
  peer.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: filters });
  const unsuback = await peer.take("unsuback");
  assert.deepEqual([unsuback.granted.length, unsuback.properties], [95, undefined]);
  // One code more, and the answer does not fit: nothing that the client cannot take is sent in its place.
  subscribe([...filters, "more"]);
  assert.deepEqual(
    (await peer.closed()).map(({ cmd, reasonCode }) => [cmd, reasonCode]),
    [["disconnect", 0x95]],
  );
});

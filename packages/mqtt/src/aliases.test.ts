import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { House, until } from "./house.fixture.ts";
import type { Received } from "./peer.fixture.ts";

const aliasOf = (packet: Received) => Number(packet.properties?.["topicAlias"] ?? 0);
const shapes = (packets: readonly Received[]) => packets.map((packet) => [packet.topic, aliasOf(packet)]);

/** What a client makes of them: [MQTT-3.3.2-10], and an error where the broker breaks a rule. */
function resolve(packets: readonly Received[], most: number): string[] {
  const known = new Map<number, string>();
  return packets.map((packet) => {
    const alias = aliasOf(packet);
    assert.ok(alias <= most, `alias ${alias} of ${most}`);
    if (packet.topic !== "" && alias > 0) known.set(alias, packet.topic);
    const topic = packet.topic === "" ? known.get(alias) : packet.topic;
    return `${topic} ${packet.qos} ${String(packet.payload)} ${String(packet.properties?.["contentType"])}`;
  });
}

async function taker(house: House, most: number, more: Record<string, unknown> = {}) {
  const properties = { topicAliasMaximum: most, ...more };
  const peer = await house.connect(`takes-${most}`, { version: 5, connect: { properties } });
  peer.subscribe(1, "#", 1);
  await peer.take("suback");
  return peer;
}

test("[MQTT-3.1.2-26] [MQTT-3.3.2-8] [MQTT-3.3.2-11] a topic that comes again is told once more with a number, then the number stands for it", async () => {
  await using house = await House.open();
  const peer = await taker(house, 2);
  const source = await house.connect("source");
  for (const topic of [
    "long/topic/a",
    "a/b",
    "long/topic/a",
    "long/topic/a",
    "long/topic/b",
    "long/topic/b",
    "long/topic/b",
  ]) {
    source.publish(topic, "x");
  }
  await source.quiet();
  assert.deepEqual(shapes(await peer.quiet()), [
    ["long/topic/a", 0],
    ["a/b", 0],
    ["long/topic/a", 1],
    ["", 1],
    ["long/topic/b", 0],
    ["long/topic/b", 2],
    ["", 2],
  ]);
});

test("[MQTT-3.1.2-27] a client that asks for no topic aliases gets none, nor does 3.1.1", async () => {
  await using house = await House.open();
  const five = await taker(house, 0);
  const four = await house.connect("old");
  four.subscribe(1, "#", 1);
  await four.take("suback");
  for (let i = 0; i < 3; i++) four.publish("long/topic/a", "x");
  for (const peer of [four, five]) {
    assert.deepEqual(
      shapes(await peer.quiet()),
      Array.from({ length: 3 }, () => ["long/topic/a", 0]),
    );
  }
});

test("[MQTT-3.3.2-7] a number stands for nothing on the next connection, also for what is sent again", async () => {
  await using house = await House.open();
  const properties = { topicAliasMaximum: 5, sessionExpiryInterval: 1000 };
  const first = await house.connect("a", { version: 5, connect: { clean: false, properties } });
  first.subscribe(1, "#", 1);
  await first.take("suback");
  const source = await house.connect("source");
  for (let i = 1; i <= 3; i++) source.publish("long/topic/a", String(i), { qos: 1, messageId: i });
  await source.quiet();
  assert.deepEqual(shapes(await first.quiet()).at(-1), ["", 1]);
  first.destroy();
  await until(() => house.policy.closes.length === 1);
  const second = await house.connect("a", { version: 5, connect: { clean: false, properties } });
  assert.deepEqual(shapes(await second.quiet()), [
    ["long/topic/a", 0],
    ["long/topic/a", 1],
    ["", 1],
  ]);
});

test("whatever is published in whatever order, a client with few numbers understands the same as one with none", async () => {
  const message = fc.record({
    topic: fc.constantFrom(
      "a",
      "abc",
      ...Array.from({ length: 8 }, (_, i) => `some/topic/of/length/${"x".repeat(i * 20)}`),
    ),
    qos: fc.constantFrom(0, 1),
    size: fc.constantFrom(0, 1, 100, 117, 20_000),
    contentType: fc.constantFrom(undefined, "t", "y".repeat(110), "z".repeat(125)),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 60, size: "max" }),
      fc.constantFrom(1, 3, 5, 65_535),
      async (messages, most) => {
        await using house = await House.open({ limits: { topicAliasesToClient: 4 } });
        const few = await taker(house, most);
        const none = await taker(house, 0);
        const source = await house.connect("source", { version: 5 });
        for (const [i, { topic, qos, size, contentType }] of messages.entries()) {
          const properties = contentType === undefined ? {} : { contentType };
          source.publish(topic, "p".repeat(size), { qos, messageId: i + 1, properties });
        }
        await source.quiet();
        assert.deepEqual(resolve(await few.quiet(), Math.min(most, 4)), resolve(await none.quiet(), 0));
      },
    ),
    { numRuns: 60 },
  );
});

test("a topic in use keeps its number; one that is not gives it up to a topic that comes again", async () => {
  await using house = await House.open();
  const peer = await taker(house, 1);
  const source = await house.connect("source");
  const send = async (...topics: string[]) => {
    for (const topic of topics) source.publish(topic, "x");
    await source.quiet();
    return shapes(await peer.quiet());
  };
  await send("in/use", "in/use");
  assert.deepEqual(await send("other", "in/use", "other", "in/use"), [
    ["other", 0],
    ["", 1],
    ["other", 0],
    ["", 1],
  ]);
  assert.deepEqual(await send("other", "other", "other", "other"), [
    ["other", 0],
    ["other", 0],
    ["other", 1],
    ["", 1],
  ]);
});

test("[MQTT-3.1.2-24] telling a number never makes a packet larger than the client takes", async () => {
  await using house = await House.open();
  const properties = { topicAliasMaximum: 5, maximumPacketSize: 100 };
  const peer = await house.connect("a", { version: 5, connect: { properties } });
  peer.subscribe(1, "#", 0);
  await peer.take("suback");
  const source = await house.connect("source", { version: 5 });
  for (let i = 0; i < 3; i++) source.publish("long/topic", "x".repeat(84));
  source.publish("long/topic", "y");
  source.publish("long/topic", "z");
  await source.quiet();
  assert.deepEqual(shapes(await peer.quiet()), [
    ["long/topic", 0],
    ["long/topic", 0],
    ["long/topic", 0],
    ["long/topic", 1],
    ["", 1],
  ]);
});

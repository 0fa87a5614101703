import assert from "node:assert/strict";
import { test } from "node:test";
import { connectBytes, framed, noProperties, noStrings, prefixed, text } from "./bytes.fixture.ts";
import { House, TestPolicy } from "./house.fixture.ts";
import { connack, suback, unsuback } from "./writer.ts";

const versions = [4, 5] as const;

test("[MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-3.1.3-4] [MQTT-3.1.3-11] [MQTT-3.1.3-12] 3.1.1 [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-3.1.3-4] [MQTT-3.1.3-10] [MQTT-3.1.3-11] what is no string is neither client identifier nor will topic nor user name", async () => {
  await using house = await House.open();
  for (const version of versions) {
    for (const bad of noStrings.map(prefixed)) {
      for (const [flags = 0, ...payload] of [
        [0x02, ...bad],
        [0x06, ...text("a"), ...noProperties(version), ...bad, ...text("payload")],
        [0x82, ...text("a"), ...bad],
      ]) {
        const peer = await house.visit({ version });
        peer.raw(...connectBytes(version, flags, ...payload));
        const said = await peer.closed();
        assert.deepEqual(
          said.map(({ reasonCode }) => reasonCode),
          version === 5 ? [0x81] : [],
        );
      }
    }
  }
  assert.equal(house.policy.opens.length, 0);
});

test("[MQTT-3.8.3-1] [MQTT-3.10.3-1] 3.1.1 [MQTT-3.8.3-1] [MQTT-3.10.3-1] what is no string is no filter to subscribe to, nor to unsubscribe from", async () => {
  await using house = await House.open();
  for (const version of versions) {
    for (const bad of noStrings.map(prefixed)) {
      for (const bytes of [
        framed(0x82, 0, 1, ...noProperties(version), ...bad, 0),
        framed(0xa2, 0, 1, ...noProperties(version), ...bad),
      ]) {
        const peer = await house.connect("a", { version });
        peer.raw(...bytes);
        const said = await peer.closed();
        assert.deepEqual(
          said.map(({ reasonCode }) => reasonCode),
          version === 5 ? [0x81] : [],
        );
      }
    }
  }
});

test("[MQTT-1.5.7-1] [MQTT-3.3.2-13] [MQTT-3.3.2-19] what is no string is neither response topic, content type nor either half of a user property", async () => {
  await using house = await House.open();
  for (const bad of noStrings.map(prefixed)) {
    for (const property of [
      [0x08, ...bad],
      [0x03, ...bad],
      [0x26, ...bad, ...text("v")],
      [0x26, ...text("n"), ...bad],
    ]) {
      const peer = await house.connect("a", { version: 5 });
      peer.raw(...framed(0x30, ...text("a"), property.length, ...property));
      assert.equal((await peer.closed())[0]?.reasonCode, 0x81);
    }
  }
});

test("[MQTT-2.2.2-1] where there are no properties there is their length, in what comes and in what goes", async () => {
  assert.deepEqual([...connack(5, false, 0, {})], [0x20, 3, 0, 0, 0]);
  assert.deepEqual([...suback(5, 1, [0], {})], [0x90, 4, 0, 1, 0, 0]);
  assert.deepEqual([...unsuback(5, 1, [0], {})], [0xb0, 4, 0, 1, 0, 0]);
  await using house = await House.open();
  const reader = await house.connect("reader", { version: 5 });
  const chunks: Buffer[] = [];
  reader.subscribe(1, "a", 0);
  await reader.take("suback");
  reader.tap = (chunk) => chunks.push(chunk);
  for (const version of versions) {
    const writer = await house.connect("writer", { version });
    writer.publish("a", "x");
    await writer.quiet();
  }
  await reader.take("publish");
  await reader.take("publish");
  const frame = framed(0x30, ...text("a"), 0, 0x78);
  assert.deepEqual(Buffer.concat(chunks), Buffer.from([...frame, ...frame]));
  for (const bytes of [framed(0x30, ...text("a")), framed(0x32, ...text("a"), 0, 1), framed(0x82, 0, 1)]) {
    const peer = await house.connect("a", { version: 5 });
    peer.raw(...bytes);
    assert.equal((await peer.closed())[0]?.reasonCode, 0x81);
  }
});

test("[MQTT-4.7.3-3] 3.1.1 [MQTT-4.7.3-3] topics and filters may have 65,535 bytes, and never have more", async () => {
  const policy = new TestPolicy();
  await using house = await House.open({ policy, limits: { topicBytes: 65_535 } });
  const longest = "ä".repeat(32_767) + "x";
  for (const version of versions) {
    const peer = await house.connect("a", { version });
    peer.subscribe(1, longest, 0);
    peer.publish(longest, "x");
    await peer.take("suback");
    assert.equal((await peer.take("publish")).topic, longest);
  }
  // A mount could make it longer than any packet can say.
  policy.welcome = () => ({ mounts: [{ prefix: "me/", target: "devices/1/" }] });
  const mounted = await house.connect("b", { version: 5 });
  const stretched = `me/${"x".repeat(65_532)}`;
  mounted.subscribe(1, stretched, 0);
  assert.deepEqual((await mounted.take("suback")).granted, [0x8f]);
  mounted.publish(stretched, "x", { qos: 1, messageId: 1 });
  assert.equal((await mounted.take("puback")).reasonCode, 0x90);
  const message = { topic: "x".repeat(65_536), payload: Buffer.from("x"), qos: 0, retain: false } as const;
  assert.throws(() => house.broker.publish("space", message), RangeError);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { framed, noProperties, text } from "./bytes.fixture.ts";
import { House } from "./house.fixture.ts";
import type { Received } from "./peer.fixture.ts";

const versions = [4, 5] as const;
const publications = (packets: readonly Received[]) => packets.filter(({ cmd }) => cmd === "publish");

test("3.1.1 [MQTT-2.3.1-1] a packet identifier of zero ends the connection", async () => {
  await using house = await House.open();
  for (const bytes of [
    framed(0x32, ...text("a"), 0, 0, 0x78),
    framed(0x82, 0, 0, ...text("a"), 0),
    framed(0xa2, 0, 0, ...text("a")),
  ]) {
    const peer = await house.connect("a");
    peer.raw(...bytes);
    assert.deepEqual(await peer.closed(), []);
  }
});

test("[MQTT-2.2.1-2] 3.1.1 [MQTT-2.3.1-5] a message of QoS 0 has no packet identifier, on its way in and out", async () => {
  await using house = await House.open();
  for (const from of versions) {
    for (const to of versions) {
      const reader = await house.connect("reader", { version: to });
      reader.subscribe(1, "a", 1);
      await reader.take("suback");
      const writer = await house.connect("writer", { version: from });
      writer.raw(...framed(0x30, ...text("a"), ...noProperties(from), 0, 7, 0x78));
      writer.publish("a", Buffer.from([0, 8]), { qos: 0 });
      await writer.quiet();
      const got = await reader.quiet();
      assert.deepEqual(
        got.map(({ qos, payload }) => [qos, ...payload]),
        [
          [0, 0, 7, 0x78],
          [0, 0, 8],
        ],
      );
    }
  }
});

test("[MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.3-1] 3.1.1 [MQTT-2.3.1-4] what goes out at QoS 1 or 2 has an identifier that is not zero, and nobody's until the end of its exchange", async () => {
  await using house = await House.open();
  const peer = await house.connect("a");
  for (const qos of [1, 2]) {
    peer.subscribe(qos, String(qos), qos);
    await peer.take("suback");
  }
  const publish = (qos: 1 | 2) =>
    house.broker.publish("space", { topic: String(qos), payload: Buffer.from("x"), qos, retain: false });
  const heldQos = [1, 2, 2] as const;
  heldQos.forEach(publish);
  const held: number[] = [];
  for (const _ of heldQos) held.push((await peer.take("publish")).messageId);
  // Between its PUBREC and its PUBCOMP an identifier is as good as taken.
  peer.send({ cmd: "pubrec", messageId: held[2] });
  await peer.take("pubrel");
  const seen = new Set(held);
  // Once around: every identifier but those that are held comes again.
  for (let left = 65_535 - held.length; left > 0;) {
    const count = Math.min(left, 1_000);
    for (let i = 0; i < count; i++) publish(1);
    for (let i = 0; i < count; i++) {
      const { messageId } = await peer.take("publish");
      seen.add(messageId);
      peer.raw(0x40, 2, messageId >> 8, messageId & 0xff);
    }
    left -= count;
  }
  assert.deepEqual([seen.size, seen.has(0)], [65_535, false]);
  const next = new Set(held);
  for (const qos of [1, 2, 1, 2] as const) {
    publish(qos);
    next.add((await peer.take("publish")).messageId);
  }
  assert.deepEqual([next.size, next.has(0)], [held.length + 4, false]);
});

test("[MQTT-2.2.1-5] [MQTT-4.3.2-4] 3.1.1 [MQTT-2.3.1-6] an acknowledgement carries the identifier of its message, and waits until that is kept", async () => {
  await using house = await House.open();
  house.policy.settles = false;
  for (const version of versions) {
    const peer = await house.connect("a", { version });
    for (const messageId of [1, 513, 65_535]) {
      peer.publish("a", "x", { qos: 1, messageId });
      assert.deepEqual(await peer.quiet(), []);
      house.policy.accepted.pop()?.settle(0);
      assert.equal((await peer.take("puback")).messageId, messageId);
    }
  }
});

test("[MQTT-2.2.1-6] 3.1.1 [MQTT-2.3.1-7] SUBACK and UNSUBACK carry the identifier of what they answer", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const peer = await house.connect("a", { version });
    for (const messageId of [1, 513, 65_535]) {
      peer.subscribe(messageId, "a", 0);
      assert.equal((await peer.take("suback")).messageId, messageId);
      peer.send({ cmd: "unsubscribe", messageId, unsubscriptions: ["a"] });
      assert.equal((await peer.take("unsuback")).messageId, messageId);
    }
  }
});

test("[MQTT-4.3.2-5] 3.1.1 [MQTT-4.3.2-2] an identifier that was acknowledged is a new message, whatever its DUP says", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const reader = await house.connect("reader", { version });
    reader.subscribe(1, "a", 1);
    await reader.take("suback");
    const writer = await house.connect("writer", { version });
    for (const dup of [false, true]) {
      writer.publish("a", `${dup}`, { qos: 1, messageId: 7, dup });
      assert.equal((await writer.take("puback")).messageId, 7);
    }
    const got = publications(await reader.quiet()).map(({ payload }) => payload.toString());
    assert.deepEqual(got, ["false", "true"]);
  }
});

test("[MQTT-3.3.1-3] [MQTT-4.3.1-1] [MQTT-4.3.2-2] 3.1.1 [MQTT-3.3.1-3] [MQTT-4.3.1-1] [MQTT-4.3.2-1] a message that its publisher repeats is none that we repeat: DUP is not passed on, at either QoS", async () => {
  await using house = await House.open();
  for (const from of versions) {
    for (const to of versions) {
      const readers = [];
      for (const qos of [0, 1]) {
        const reader = await house.connect(`reader-${qos}`, { version: to });
        reader.subscribe(1, "a", qos);
        await reader.take("suback");
        readers.push(reader);
      }
      const writer = await house.connect("writer", { version: from });
      writer.publish("a", "x", { qos: 1, messageId: 1, dup: true });
      await writer.take("puback");
      for (const [qos, reader] of readers.entries()) {
        const got = await reader.take("publish");
        assert.deepEqual([got.qos, got.dup], [qos, false]);
      }
    }
  }
});

test("[MQTT-4.4.0-1] 3.1.1 [MQTT-4.4.0-1] what is unacknowledged is not sent again as long as the connection stands, however long that takes", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const peer = await house.connect("a", { version });
    peer.subscribe(1, "a", 1);
    await peer.take("suback");
    house.broker.publish("space", { topic: "a", payload: Buffer.from("x"), qos: 1, retain: false });
    await peer.take("publish");
    house.time.move(1_000_000_000);
    assert.deepEqual(await peer.quiet(), []);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";

const versions = [4, 5] as const;

/** What a new subscription to a topic gets. */
async function found(house: House, version: 4 | 5, filter: string): Promise<unknown[]> {
  const peer = await house.connect("finder", { version });
  peer.subscribe(1, filter, 1);
  const got = (await peer.quiet()).filter(({ cmd }) => cmd === "publish");
  peer.destroy();
  return got.map(({ topic, payload, qos, retain }) => [topic, payload.toString(), qos, retain]);
}

test("[MQTT-3.3.1-5] [MQTT-3.3.1-9] 3.1.1 [MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-8] the last message to be retained takes the place of the one before, of either QoS, and comes with its QoS and the flag", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const writer = await house.connect("writer", { version });
    for (const qos of [1, 0, 1]) {
      writer.publish("a/b", `${qos}`, { qos, messageId: 1, retain: true });
      await writer.quiet();
      for (const filter of ["a/b", "a/+", "#"]) {
        assert.deepEqual(await found(house, version, filter), [["a/b", `${qos}`, qos, true]]);
      }
    }
  }
});

test("[MQTT-3.3.1-8] 3.1.1 [MQTT-3.3.1-12] a message that is not to be retained is not, and leaves what is retained alone", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const writer = await house.connect("writer", { version });
    writer.publish("kept", "first", { retain: true });
    for (const qos of [0, 1]) {
      for (const topic of ["kept", "never"]) {
        writer.publish(topic, "live", { qos, messageId: 1 });
        writer.publish(topic, "", { qos, messageId: 1 });
      }
    }
    await writer.quiet();
    assert.deepEqual(await found(house, version, "#"), [["kept", "first", 0, true]]);
  }
});

test("[MQTT-3.3.1-6] [MQTT-3.3.1-7] 3.1.1 [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] an empty message to be retained is delivered like others, clears what was retained, and is not retained itself", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const reader = await house.connect("reader", { version });
    const writer = await house.connect("writer", { version });
    for (const qos of [0, 1]) {
      writer.publish("a", "x", { retain: true });
      await writer.quiet();
      reader.subscribe(1, "a", 1);
      await reader.quiet();
      writer.publish("a", "", { qos, messageId: 1, retain: true });
      await writer.quiet();
      const got = await reader.quiet();
      assert.deepEqual(
        got.map(({ payload, retain }) => [payload.length, retain]),
        [[0, false]],
      );
      assert.deepEqual(await found(house, version, "a"), []);
      assert.equal(house.broker.statistics.retained, 0);
    }
  }
});

test("3.1.1 [MQTT-3.1.2.7] what is retained does not end with the session that published it", async () => {
  await using house = await House.open();
  const writer = await house.connect("writer");
  writer.publish("a", "x", { retain: true });
  await writer.quiet();
  writer.destroy();
  await until(() => house.policy.closes.length === 1);
  assert.equal(house.broker.statistics.sessions, 0);
  await house.connect("writer");
  assert.deepEqual(await found(house, 4, "a"), [["a", "x", 0, true]]);
});

test("[MQTT-3.8.4-3] [MQTT-3.8.4-4] 3.1.1 [MQTT-3.8.4-3] the same filter again takes the place of the subscription, brings what is retained again, and loses nothing", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const connect = version === 5 ? { properties: { receiveMaximum: 1 } } : {};
    const reader = await house.connect("reader", { version, connect });
    const writer = await house.connect("writer", { version });
    writer.publish("r/1", "retained", { retain: true });
    await writer.quiet();
    reader.subscribe(1, "r/+", 1);
    await reader.quiet();
    // Three of these wait for the window (MQTT 5), or for their acknowledgement, while the subscription is replaced.
    for (let i = 1; i <= 4; i++) writer.publish("r/2", String(i), { qos: 1, messageId: i });
    await writer.quiet();
    const got: string[] = [];
    const collect = async () => {
      for (const one of await reader.quiet()) {
        if (one.cmd !== "publish") continue;
        got.push(one.payload.toString());
        if (one.qos === 1) reader.send({ cmd: "puback", messageId: one.messageId });
      }
    };
    reader.subscribe(2, "r/+", 0);
    writer.publish("r/2", "after", { qos: 1, messageId: 5 });
    await writer.quiet();
    for (let i = 0; i < 6; i++) await collect();
    assert.deepEqual(got.toSorted(), ["1", "2", "3", "4", "after", "retained"]);
    writer.publish("r/2", "once", { qos: 1, messageId: 6 });
    await writer.quiet();
    assert.deepEqual(
      (await reader.quiet()).map(({ payload, qos }) => [payload.toString(), qos]),
      [["once", 0]],
    );
  }
});

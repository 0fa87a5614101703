import assert from "node:assert/strict";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";

const versions = [4, 5] as const;

test("[MQTT-3.10.4-3] 3.1.1 [MQTT-3.10.4-3] what was under way when its filter was taken back is delivered to its end, also over another connection", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const properties = { sessionExpiryInterval: 1000 };
    const connect = { clean: false, ...(version === 5 ? { properties } : {}) };
    const reader = await house.connect("reader", { version, connect });
    reader.subscribe(1, "a", 1);
    await reader.take("suback");
    house.broker.publish("space", { topic: "a", payload: Buffer.from("x"), qos: 1, retain: false });
    const first = await reader.take("publish");
    reader.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["a"] });
    await reader.take("unsuback");
    house.broker.publish("space", { topic: "a", payload: Buffer.from("y"), qos: 1, retain: false });
    const before = house.policy.closes.length;
    reader.destroy();
    await until(() => house.policy.closes.length > before);
    const back = await house.connect("reader", { version, connect });
    const [again, ...others] = await back.quiet();
    assert.deepEqual([again?.messageId, again?.payload.toString(), again?.dup], [first.messageId, "x", true]);
    assert.equal(others.length, 0);
    await (await house.connect("reader", { version })).quiet();
  }
});

test("[MQTT-3.10.4-5] [MQTT-3.11.3-2] 3.1.1 [MQTT-3.10.4-5] an UNSUBSCRIBE that deletes nothing is answered all the same", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const peer = await house.connect("a", { version });
    peer.send({ cmd: "unsubscribe", messageId: 258, unsubscriptions: ["never", "nor/#"] });
    const answer = await peer.take("unsuback");
    assert.equal(answer.messageId, 258);
    if (version === 5) assert.deepEqual(answer.granted, [0x11, 0x11]);
    assert.deepEqual(await peer.quiet(), []);
  }
});

test("[MQTT-3.10.4-1] 3.1.1 [MQTT-3.10.4-1] only the very filter is taken back: none that matches it, or that it matches, or that is written otherwise", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const peer = await house.connect("a", { version });
    for (const filter of ["a/b", "a/+", "$share/crew/a/b"]) peer.subscribe(1, filter, 0);
    peer.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["#", "a/#", "A/b", "a/b/", "+/b"] });
    await peer.quiet();
    assert.equal(house.broker.statistics.subscriptions, 3);
    peer.send({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["a/b"] });
    await peer.take("unsuback");
    assert.equal(house.broker.statistics.subscriptions, 2);
    peer.send({ cmd: "unsubscribe", messageId: 4, unsubscriptions: ["a/+", "$share/crew/a/b"] });
    await peer.take("unsuback");
    peer.publish("a/b", "x");
    assert.deepEqual(await peer.quiet(), []);
  }
});

test("[MQTT-3.8.4-5] [MQTT-3.10.4-6] 3.1.1 [MQTT-3.8.4-4] [MQTT-3.10.4-6] many filters in one packet are as many packets: the last about a filter counts, and there is one answer", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const peer = await house.connect("a", { version });
    const subscriptions = [
      { topic: "a", qos: 1 },
      { topic: "b", qos: 1 },
      { topic: "a", qos: 0 },
    ];
    peer.send({ cmd: "subscribe", messageId: 1, subscriptions });
    assert.deepEqual((await peer.take("suback")).granted, [1, 1, 0]);
    house.broker.publish("space", { topic: "a", payload: Buffer.from("x"), qos: 1, retain: false });
    assert.deepEqual(
      (await peer.quiet()).map(({ qos }) => qos),
      [0],
    );
    peer.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["a", "b", "a"] });
    const answer = await peer.take("unsuback");
    if (version === 5) assert.deepEqual(answer.granted, [0, 0, 0x11]);
    assert.deepEqual(await peer.quiet(), []);
    assert.equal(house.broker.statistics.subscriptions, 0);
  }
});

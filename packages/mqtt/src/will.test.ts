import assert from "node:assert/strict";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";

const will = (options: Record<string, unknown> = {}) => ({
  topic: "wills/a",
  payload: "died",
  qos: 0,
  retain: false,
  ...options,
});

for (const version of [4, 5] as const) {
  test(`[MQTT-3.1.2-7] [MQTT-3.1.2-8] 3.1.1 [MQTT-3.1.2-8] a will is published when the connection breaks, by network, silence or protocol, version ${version}`, async () => {
    await using house = await House.open();
    const watcher = await house.connect("watcher");
    watcher.subscribe(1, "wills/#", 1);
    await watcher.take("suback");
    const endings = [
      (peer: { destroy(): void }) => peer.destroy(),
      () => house.time.move(15_000),
      (peer: { raw(...bytes: number[]): void }) => peer.raw(0, 0),
    ];
    for (const [i, end] of endings.entries()) {
      const peer = await house.connect("mortal", {
        version,
        connect: { keepalive: 10, will: will({ payload: `${i}`, qos: i % 2 }) },
      });
      end(peer);
      const got = await watcher.take("publish");
      assert.deepEqual([got.topic, got.payload.toString(), got.qos, got.retain], ["wills/a", `${i}`, i % 2, false]);
    }
    assert.equal(house.broker.statistics.willsPublished, 3);
  });

  test(`[MQTT-3.1.2-10] [MQTT-3.14.4-3] 3.1.1 [MQTT-3.1.2-10] [MQTT-3.14.4-3] a DISCONNECT takes the will back, version ${version}`, async () => {
    await using house = await House.open();
    const peer = await house.connect("a", { version, connect: { will: will() } });
    peer.send({ cmd: "disconnect" });
    await peer.closed();
    assert.equal(house.broker.statistics.willsPublished, 0);
  });
}

test("a DISCONNECT with 0x04 leaves the will in place", async () => {
  await using house = await House.open();
  const peer = await house.connect("a", { version: 5, connect: { will: will() } });
  peer.send({ cmd: "disconnect", reasonCode: 4 });
  await peer.closed();
  assert.equal(house.broker.statistics.willsPublished, 1);
});

test("[MQTT-3.1.2-14] [MQTT-3.1.2-15] 3.1.1 [MQTT-3.1.2-16] [MQTT-3.1.2-17] a will is retained if it asks for that, and else is not", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    for (const retain of [false, true]) {
      const before = house.broker.statistics.willsPublished;
      const connect = { will: will({ topic: `wills/${version}/${retain}`, retain }) };
      (await house.connect("mortal", { version, connect })).destroy();
      await until(() => house.broker.statistics.willsPublished > before);
    }
    const watcher = await house.connect("watcher", { version });
    watcher.subscribe(1, `wills/${version}/+`, 1);
    await watcher.take("suback");
    const got = await watcher.quiet();
    assert.deepEqual(
      got.map(({ topic, retain }) => [topic, retain]),
      [[`wills/${version}/true`, true]],
    );
  }
});

test("[MQTT-3.1.2-10] 3.1.1 [MQTT-3.1.2-10] [MQTT-3.1.2-12] a will goes out once: a session that comes back without one leaves none behind", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    const kept = version === 5 ? { properties: { sessionExpiryInterval: 100 } } : {};
    const fall = async (options: Record<string, unknown>) => {
      const before = house.policy.closes.length;
      (await house.connect(`mortal-${version}`, { version, connect: { clean: false, ...kept, ...options } })).destroy();
      await until(() => house.policy.closes.length > before);
    };
    const published = house.broker.statistics.willsPublished;
    await fall({ will: will() });
    assert.equal(house.broker.statistics.willsPublished, published + 1);
    await fall({});
    house.time.move(1_000_000);
    assert.equal(house.broker.statistics.willsPublished, published + 1);
  }
});

test("a will comes once, at whatever QoS it was left and is heard, also where it is kept at once", async () => {
  await using house = await House.open();
  const readers = await Promise.all(
    [0, 1, 2].map(async (qos) => {
      const reader = await house.connect(`reader-${qos}`);
      reader.subscribe(1, "w", qos);
      await reader.take("suback");
      return reader;
    }),
  );
  const listened: string[] = [];
  house.broker.listen("space", "w", { receive: ({ payload }) => void listened.push(String(payload)) });
  for (const settles of [true, false]) {
    house.policy.settles = settles;
    for (const qos of [0, 1, 2]) {
      const { length } = house.policy.closes;
      const will = { topic: "w", payload: `${qos}`, qos, retain: false };
      (await house.connect("dies", { connect: { will } })).destroy();
      await until(() => house.policy.closes.length > length);
      house.policy.accepted.pop()?.settle(0);
    }
    for (const reader of readers) {
      const got = (await reader.quiet()).filter(({ cmd }) => cmd === "publish");
      assert.deepEqual(
        got.map(({ payload }) => String(payload)),
        ["0", "1", "2"],
      );
    }
    assert.deepEqual(listened.splice(0), ["0", "1", "2"]);
  }
});

test("a will is retained with its properties", async () => {
  await using house = await House.open();
  const properties = { contentType: "text/plain", userProperties: { a: "b" }, messageExpiryInterval: 5 };
  const peer = await house.connect("a", { version: 5, connect: { will: will({ retain: true, qos: 1, properties }) } });
  peer.destroy();
  await until(() => house.broker.statistics.retained === 1);
  const watcher = await house.connect("watcher", { version: 5 });
  watcher.subscribe(1, "wills/#", 1);
  await watcher.take("suback");
  const got = await watcher.take("publish");
  assert.deepEqual(
    [got.retain, got.properties?.["contentType"], got.properties?.["messageExpiryInterval"]],
    [true, "text/plain", 5],
  );
});

test("[MQTT-3.1.3-9] a delayed will waits, and is not published if the client comes back", async () => {
  await using house = await House.open();
  const connect = {
    clean: false,
    will: will({ properties: { willDelayInterval: 30 } }),
    properties: { sessionExpiryInterval: 100 },
  };
  const fall = async () => {
    const peer = await house.connect("a", { version: 5, connect });
    const before = house.policy.closes.length;
    peer.destroy();
    await until(() => house.policy.closes.length > before);
  };
  await fall();
  house.time.move(29_999);
  assert.equal(house.broker.statistics.willsPublished, 0);
  await fall();
  house.time.move(29_999);
  assert.equal(house.broker.statistics.willsPublished, 0);
  house.time.move(1);
  assert.equal(house.broker.statistics.willsPublished, 1);
});

test("a delayed will is published no later than its session ends", async () => {
  await using house = await House.open();
  const connect = { will: will({ properties: { willDelayInterval: 300 } }), properties: { sessionExpiryInterval: 10 } };
  (await house.connect("a", { version: 5, connect })).destroy();
  await until(() => house.policy.closes.length === 1);
  house.time.move(10_000);
  assert.deepEqual([house.broker.statistics.willsPublished, house.broker.statistics.sessions], [1, 0]);

  (await house.connect("b", { version: 5, connect })).destroy();
  await until(() => house.policy.closes.length === 2);
  await house.connect("b", { version: 5 });
  assert.equal(house.broker.statistics.willsPublished, 2);

  const without = { will: will({ properties: { willDelayInterval: 300 } }) };
  (await house.connect("c", { version: 5, connect: without })).destroy();
  await until(() => house.broker.statistics.willsPublished === 3);
});

test("a client that takes its session over lets the will of the one before go out", async () => {
  await using house = await House.open();
  await house.connect("a", { connect: { will: will() } });
  await house.connect("a");
  assert.equal(house.broker.statistics.willsPublished, 1);
});

test("a will that the gate refuses, or that lies outside the mounts, turns its client away", async () => {
  await using house = await House.open();
  house.policy.gate.publish = (topic) => (topic === "wills/a" ? 0x87 : 0);
  const peer = await house.visit({ version: 5 });
  peer.connect({ clientId: "a", will: will() });
  assert.equal((await peer.take("connack")).reasonCode, 0x87);
  house.policy.welcome = () => ({ mountsOnly: true, mounts: [{ prefix: "me/", target: "devices/1/" }] });
  const other = await house.visit();
  other.connect({ clientId: "b", will: will({ topic: "devices/1/x" }) });
  assert.equal((await other.take("connack")).returnCode, 5);
  const astray = await house.visit({ version: 5 });
  astray.connect({ clientId: "d", will: will({ topic: "me/x", properties: { responseTopic: "devices/2/x" } }) });
  assert.equal((await astray.take("connack")).reasonCode, 0x87);
  const good = await house.connect("c", { connect: { will: will({ topic: "me/x" }) } });
  good.destroy();
  await until(() => house.policy.accepted.length === 1);
  assert.equal(house.policy.accepted[0]?.topic, "devices/1/x");
});

test("a will is asked about again when it goes out", async () => {
  await using house = await House.open();
  const peer = await house.connect("a", { connect: { will: will() } });
  house.policy.renew = () => Object.assign(house.policy.gate, { epoch: 1, publish: () => 0x87 });
  house.policy.cell.epoch++;
  peer.destroy();
  await until(() => house.policy.closes.length === 1);
  assert.equal(house.broker.statistics.willsPublished, 0);
  assert.deepEqual(house.policy.refusals, [{ what: "will", topic: "wills/a", code: 0x87 }]);
});

test("[MQTT-3.2.2-12] where the maximum is QoS 1, a will of QoS 2 turns a client of MQTT 5 away; in 3.1.1, which cannot be told, it goes out at QoS 1", async () => {
  await using house = await House.open({ limits: { maximumQoS: 1 } });
  const five = await house.visit({ version: 5 });
  five.connect({ clientId: "five", will: will({ qos: 2 }) });
  assert.equal((await five.take("connack")).reasonCode, 0x9b);
  (await house.connect("four", { connect: { will: will({ qos: 2 }) } })).destroy();
  await until(() => house.policy.accepted.length === 1);
  assert.equal(house.policy.accepted[0]?.qos, 1);
});

test("a will that is declared to be text and is not, or whose topic has too many levels, is refused with its CONNECT", async () => {
  await using house = await House.open();
  const properties = { payloadFormatIndicator: true };
  const cases = [
    [0x99, 5, will({ payload: Buffer.of(0xff), properties })],
    [0, 5, will({ payload: Buffer.of(0xff) })],
    [0, 5, will({ payload: "text", properties })],
    [0x90, 5, will({ topic: "a/".repeat(128) })],
    [0, 5, will({ topic: `${"a/".repeat(127)}a` })],
    [3, 4, will({ topic: "a/".repeat(128) })],
  ] as const;
  for (const [code, version, asked] of cases) {
    const peer = await house.visit({ version });
    peer.connect({ clientId: "mortal", will: asked });
    const { reasonCode, returnCode } = await peer.take("connack");
    assert.equal(reasonCode ?? returnCode, code);
  }
});

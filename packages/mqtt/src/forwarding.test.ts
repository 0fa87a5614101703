import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "./bytes.fixture.ts";
import { House, until } from "./house.fixture.ts";
import type { Peer, Received } from "./peer.fixture.ts";
import { matches } from "./topics.ts";

const versions = [4, 5] as const;
const pair = (name: string, value: string) => [0x26, ...text(name), ...text(value)];
// In an order that no sorting would give, and a name that comes twice.
const userProperties = [...pair("z", "1"), ...pair("a", "2"), ...pair("z", "3"), ...pair("", "ä")];

/** How often these bytes stand in what came. */
const countOf = (chunks: readonly Buffer[], bytes: readonly number[]) =>
  Buffer.concat(chunks).toString("latin1").split(Buffer.from(bytes).toString("latin1")).length - 1;

function tapped(peer: Peer): Buffer[] {
  const chunks: Buffer[] = [];
  peer.tap = (chunk) => chunks.push(chunk);
  return chunks;
}

test("[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20] what a message says about itself is passed on as it is, user properties in their order", async () => {
  await using house = await House.open();
  const own = [
    [0x08, ...text("answers/here")],
    [0x09, 0, 3, 0, 0xff, 7],
    userProperties,
    [0x03, ...text("text/plain; charset=utf-8")],
  ];
  const properties = [0x01, 1, ...own.flat()];
  // At the publisher's QoS the bytes go out as they came; at another QoS, or with an identifier, the frame is made anew.
  const readers = [];
  for (const [qos, identifier] of [
    [0, undefined],
    [1, undefined],
    [1, 9],
  ] as const) {
    const reader = await house.connect(`${qos} ${identifier}`, { version: 5 });
    reader.subscribe(
      1,
      "a",
      qos,
      identifier === undefined ? {} : { properties: { subscriptionIdentifier: identifier } },
    );
    await reader.take("suback");
    readers.push({ reader, chunks: tapped(reader) });
  }
  const writer = await house.connect("writer", { version: 5 });
  for (const qos of [0, 1]) {
    const body = [...text("a"), ...(qos === 1 ? [0, 1] : []), properties.length, ...properties, 0x78];
    writer.raw(0x30 | (qos << 1), body.length, ...body);
  }
  await writer.quiet();
  for (const { reader, chunks } of readers) {
    for (const _ of [0, 1]) {
      const got = await reader.take("publish");
      assert.equal(got.payload.toString(), "x");
      assert.equal(got.properties?.["payloadFormatIndicator"], true);
      if (reader === readers[2]?.reader) assert.equal(got.properties?.["subscriptionIdentifier"], 9);
    }
    for (const property of own) assert.equal(countOf(chunks, property), 2, String(property));
  }
});

test("[MQTT-3.1.3-10] the user properties of a will keep their order", async () => {
  await using house = await House.open();
  const watcher = await house.connect("watcher", { version: 5 });
  watcher.subscribe(1, "wills", 0);
  await watcher.take("suback");
  const chunks = tapped(watcher);
  const mortal = await house.visit({ version: 5 });
  const payload = [...text("mortal"), userProperties.length, ...userProperties, ...text("wills"), ...text("died")];
  const body = [...text("MQTT"), 5, 0x06, 0, 0, 0, ...payload];
  mortal.raw(0x10, body.length, ...body);
  await mortal.take("connack");
  mortal.destroy();
  await watcher.take("publish");
  assert.equal(countOf(chunks, userProperties), 1);
});

test("[MQTT-3.3.2-3] 3.1.1 [MQTT-3.3.2-3] a message comes under a topic that the subscriber's filter matches, by the names that it uses", async () => {
  await using house = await House.open();
  for (const version of versions) {
    house.policy.welcome = (asked) =>
      asked.clientId === "device" ? { mounts: [{ prefix: "me/", target: "devices/7/" }] } : {};
    for (const filter of ["me/#", "me/+/x", "me/a/x", "devices/+/a/x", "devices/7/#"]) {
      const device = await house.connect("device", { version });
      device.subscribe(1, filter, 0);
      await device.take("suback");
      const writer = await house.connect("writer", { version });
      for (const topic of ["devices/8/a/x", "devices/7/a/x", "me/a/x"]) writer.publish(topic, topic);
      await writer.quiet();
      const got = await device.quiet();
      assert.ok(got.some(({ payload }) => payload.toString() === "devices/7/a/x"));
      for (const { topic } of got) assert.ok(matches(filter, topic), `${filter} ${topic}`);
    }
  }
});

test("a response topic, or a will's topic, that is too long under its name in the space is refused", async () => {
  await using house = await House.open();
  house.policy.welcome = () => ({ mounts: [{ prefix: "me/", target: "devices/7/" }] });
  const reader = await house.connect("reader", { version: 5 });
  reader.subscribe(1, "devices/7/#", 1);
  await reader.take("suback");
  const device = await house.connect("device", { version: 5 });
  const long = `me/${"x".repeat(65_530)}`; // longer than a string of MQTT can be, as devices/7/x…
  for (const qos of [0, 1] as const) {
    device.publish("me/x", "x", { qos, messageId: 1, properties: { responseTopic: long } });
  }
  assert.equal((await device.take("puback")).reasonCode, 0x90);
  assert.deepEqual(await reader.quiet(), []);
  const payload = Buffer.from("died");
  for (const will of [
    { topic: long, payload, qos: 1, retain: false },
    { topic: "me/x", payload, qos: 1, retain: false, properties: { responseTopic: long } },
  ]) {
    const peer = await house.visit({ version: 5 });
    peer.connect({ clientId: "dying", will });
    assert.equal((await peer.take("connack")).reasonCode, 0x90);
  }
});

test("a response topic, or a will's, of more levels than a topic may have is refused", async () => {
  await using house = await House.open({ limits: { topicLevels: 4 } });
  house.policy.welcome = () => ({ mounts: [{ prefix: "me/", target: "devices/7/" }] });
  const device = await house.connect("device", { version: 5 });
  const payload = Buffer.from("died");
  const codes = [];
  for (const responseTopic of ["me/a/b", "me/a/b/c"]) {
    device.publish("me/x", "x", { qos: 1, messageId: 1, properties: { responseTopic } });
    codes.push((await device.take("puback")).reasonCode);
    const peer = await house.visit({ version: 5 });
    const will = { topic: "me/x", payload, qos: 1, retain: false, properties: { responseTopic } };
    peer.connect({ clientId: "dying", will });
    codes.push((await peer.take("connack")).reasonCode);
  }
  assert.deepEqual(codes, [0, 0, 0x90, 0x90]);
});

test("[MQTT-3.3.4-5] whoever asked for one topic under two names gets a copy for each, with the identifiers of that name", async () => {
  await using house = await House.open();
  house.policy.welcome = () => ({ mounts: [{ prefix: "me/", target: "devices/7/" }] });
  const device = await house.connect("device", { version: 5 });
  device.subscribe(1, "me/#", 0, { properties: { subscriptionIdentifier: 1 } });
  device.subscribe(2, "devices/7/x", 0, { properties: { subscriptionIdentifier: 2 } });
  device.subscribe(3, "devices/#", 0);
  await device.quiet();
  device.publish("me/x", "x");
  const got = await device.quiet();
  assert.deepEqual(
    got.map(({ topic, properties }) => `${topic} ${String(properties?.["subscriptionIdentifier"])}`).toSorted(),
    ["devices/7/x 2", "me/x 1"],
  );
});

test("3.1.1 [MQTT-3.3.5-1] overlapping subscriptions deliver at the highest QoS", async () => {
  await using house = await House.open();
  const peer = await house.connect("a");
  for (const [filter, qos] of [
    ["a/#", 0],
    ["a/b", 1],
    ["+/b", 0],
  ] as const) {
    peer.subscribe(1, filter, qos);
  }
  await peer.quiet();
  house.broker.publish("space", { topic: "a/b", payload: Buffer.from("x"), qos: 1, retain: false });
  assert.deepEqual(
    (await peer.quiet()).map(({ qos }) => qos),
    [1],
  );
});

test("[MQTT-4.5.0-1] 3.1.1 [MQTT-4.5.0-1] a message reaches the session of everybody who subscribed, connected or not, and of nobody else", async () => {
  await using house = await House.open();
  const kept = (version: 4 | 5) =>
    version === 5 ? { clean: false, properties: { sessionExpiryInterval: 1000 } } : { clean: false };
  const names = ["exact", "wild", "everything", "other"];
  const filters = ["a/b", "a/+", "#", "a/c"];
  for (const version of versions) {
    const peers: Peer[] = [];
    for (const [i, name] of names.entries()) {
      for (const state of ["here", "away"]) {
        const peer = await house.connect(`${name} ${state}`, { version, connect: kept(version) });
        peer.subscribe(1, filters[i] ?? "", 1);
        await peer.take("suback");
        if (state === "here") peers.push(peer);
        else peer.destroy();
      }
    }
    await until(() => house.policy.closes.length === 4);
    const writer = await house.connect("writer", { version });
    writer.publish("a/b", "x", { qos: 1, messageId: 1 });
    await writer.take("puback");
    for (const name of names) peers.push(await house.connect(`${name} away`, { version, connect: kept(version) }));
    const counts = [];
    for (const peer of peers) counts.push((await peer.quiet()).length);
    assert.deepEqual(counts, [1, 1, 1, 0, 1, 1, 1, 0]);
    for (const peer of peers) peer.send({ cmd: "disconnect" });
    for (const peer of peers) await peer.closed();
    for (const name of names) {
      for (const state of ["here", "away"]) await (await house.connect(`${name} ${state}`, { version })).quiet();
    }
    house.broker.forget("space", "somebody");
    house.policy.closes.length = 0;
  }
});

test("[MQTT-4.6.0-5] [MQTT-4.6.0-6] 3.1.1 [MQTT-4.6.0-5] [MQTT-4.6.0-6] messages of one client and QoS arrive in the order in which it sent them, on every topic, live and from the queue", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const limited = version === 5 ? { properties: { receiveMaximum: 3, sessionExpiryInterval: 100 } } : {};
    const reader = await house.connect("reader", { version, connect: { clean: false, ...limited } });
    reader.subscribe(1, "n/+", 1);
    await reader.take("suback");
    const writer = await house.connect("writer", { version });
    for (let i = 1; i <= 200; i++) writer.publish(`n/${i % 3}`, String(i), { qos: i % 2, messageId: i });
    await writer.quiet();
    const got: Received[] = [];
    while (got.length < 200) {
      const one = await reader.take("publish");
      got.push(one);
      if (one.qos === 1) reader.send({ cmd: "puback", messageId: one.messageId });
    }
    for (const qos of [0, 1]) {
      const numbers = got.filter((one) => one.qos === qos).map(({ payload }) => Number(payload.toString()));
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      );
      assert.equal(numbers.length, 100);
    }
    await (await house.connect("reader", { version })).quiet();
  }
});

test("[MQTT-4.8.2-6] a shared message that its member refuses goes to no other", async () => {
  await using house = await House.open();
  const members: Peer[] = [];
  for (const name of ["a", "b"]) {
    const member = await house.connect(name, { version: 5 });
    member.subscribe(1, "$share/crew/jobs", 1);
    await member.take("suback");
    members.push(member);
  }
  house.broker.publish("space", { topic: "jobs", payload: Buffer.from("x"), qos: 1, retain: false });
  const [chosen, ...others] = (await members[0]?.quiet()) ?? [];
  const [refusing, spared] = chosen ? members : members.toReversed();
  const message = chosen ?? (await refusing?.take("publish"));
  assert.equal(others.length, 0);
  refusing?.send({ cmd: "puback", messageId: message?.messageId, reasonCode: 0x80 });
  assert.deepEqual(await refusing?.quiet(), []);
  refusing?.destroy();
  await until(() => house.policy.closes.length === 1);
  assert.deepEqual(await spared?.quiet(), []);
});

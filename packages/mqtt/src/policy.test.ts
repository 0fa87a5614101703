import assert from "node:assert/strict";
import { test } from "node:test";
import { sentenceOf } from "./codes.ts";
import { House, TestGate, until } from "./house.fixture.ts";
import type { Peer, Received } from "./peer.fixture.ts";

const payloads = (packets: readonly Received[]) =>
  packets.filter(({ cmd }) => cmd === "publish").map(({ payload }) => payload.toString());

const asDevice = (id: string) => ({
  principal: id,
  mountsOnly: true,
  mounts: [
    { prefix: "me/", target: `devices/${id}/` },
    { prefix: "groups/", target: "groups/" },
  ],
  synonyms: [{ topic: "v1/devices/me/telemetry", target: `devices/${id}/telemetry` }],
});

test("one name is said in one place and heard in another, of many, and nobody hears himself by it", async () => {
  await using house = await House.open();
  house.policy.welcome = (asked) =>
    asked.clientId === "gateway"
      ? { mountsOnly: true, synonyms: [{ topic: "gateway/rpc", target: "of/1/said", heard: "of/+/heard" }] }
      : {};
  const watcher = await house.connect("watcher");
  watcher.subscribe(1, "of/#", 0);
  await watcher.take("suback");
  const gateway = await house.connect("gateway");
  gateway.subscribe(1, "gateway/rpc", 1);
  await gateway.take("suback");
  gateway.publish("gateway/rpc", "from it", { qos: 1, messageId: 1 });
  for (const id of [2, 3]) watcher.publish(`of/${id}/heard`, `to ${id}`, { qos: 1, messageId: id });
  assert.deepEqual(
    (await watcher.quiet()).filter(({ cmd }) => cmd === "publish").map(({ topic }) => topic),
    ["of/1/said", "of/2/heard", "of/3/heard"],
  );
  const heard = (await gateway.quiet()).filter(({ cmd }) => cmd === "publish");
  assert.deepEqual(
    heard.map(({ topic, payload }) => [topic, payload.toString()]),
    [
      ["gateway/rpc", "to 2"],
      ["gateway/rpc", "to 3"],
    ],
  );
});

for (const version of [4, 5] as const) {
  test(`a device speaks of itself as me/ and the space knows it by its id, version ${version}`, async () => {
    await using house = await House.open();
    house.policy.welcome = (asked) => (asked.clientId === "device" ? asDevice("7") : {});
    const watcher = await house.connect("watcher", { version });
    watcher.subscribe(1, "devices/+/#", 1);
    await watcher.take("suback");
    const device = await house.connect("device", { version });
    device.subscribe(1, "me/commands/+", 1);
    device.subscribe(2, "$share/crew/me/jobs", 1);
    device.subscribe(3, "v1/devices/me/telemetry", 0);
    await device.quiet();
    for (const topic of ["me/telemetry", "v1/devices/me/telemetry"])
      device.publish(topic, topic, { qos: 1, messageId: 1 });
    const synonym = (await device.quiet()).filter(({ cmd }) => cmd === "publish");
    assert.deepEqual(
      synonym.map(({ topic }) => topic),
      ["v1/devices/me/telemetry", "v1/devices/me/telemetry"],
    );
    assert.deepEqual(
      (await watcher.quiet()).map(({ topic }) => topic),
      ["devices/7/telemetry", "devices/7/telemetry"],
    );
    for (const [topic, qos] of [
      ["devices/7/commands/on", 0],
      ["devices/7/jobs", 1],
      ["devices/8/commands/on", 1],
    ] as const) {
      watcher.publish(topic, "x", { qos, messageId: 9 });
    }
    await watcher.quiet();
    assert.deepEqual(
      (await device.quiet()).map(({ topic, qos }) => [topic, qos]),
      [
        ["me/commands/on", 0],
        ["me/jobs", 1],
      ],
    );
    assert.deepEqual(house.policy.accepted.map(({ topic }) => topic).slice(0, 2), [
      "devices/7/telemetry",
      "devices/7/telemetry",
    ]);
  });

  test(`what a device names outside its mounts is refused by itself, version ${version}`, async () => {
    await using house = await House.open();
    house.policy.welcome = () => asDevice("7");
    const device = await house.connect("device", { version });
    const filters = ["#", "+/x", "me/#", "devices/7/x", "$share/crew/devices/7/x", "$SYS/#"];
    device.send({ cmd: "subscribe", messageId: 1, subscriptions: filters.map((topic) => ({ topic, qos: 0 })) });
    const no = version === 5 ? 0x87 : 0x80;
    assert.deepEqual((await device.take("suback")).granted, [no, no, 0, no, no, no]);
    device.publish("devices/7/telemetry", "x", { qos: 1, messageId: 2 });
    const answer = await device.take("puback");
    if (version === 5) assert.equal(answer.reasonCode, 0x87);
    device.publish("devices/7/telemetry", "x");
    assert.deepEqual(await device.quiet(), []);
    assert.equal(house.policy.accepted.length, 0);
    assert.equal(house.broker.statistics.publishesRefused, 2);
    assert.deepEqual(house.policy.refusals.at(-1), { what: "publish", topic: "devices/7/telemetry", code: 0x87 });
  });
}

test("response topics are mapped on the way in, and back for whoever knows them by another name", async () => {
  await using house = await House.open();
  house.policy.welcome = (asked) => (asked.clientId === "watcher" ? {} : asDevice(asked.clientId));
  const [one, two, watcher] = [
    await house.connect("1", { version: 5 }),
    await house.connect("2", { version: 5 }),
    await house.connect("watcher", { version: 5 }),
  ];
  one.subscribe(1, "groups/g", 0);
  two.subscribe(1, "groups/g", 0);
  watcher.subscribe(1, "groups/g", 0);
  for (const peer of [one, two, watcher]) await peer.take("suback");
  const properties = { responseTopic: "me/replies", correlationData: Buffer.from("x"), contentType: "t" };
  one.publish("groups/g", "who?", { properties });
  for (const [peer, known] of [
    [one, "me/replies"],
    [two, "devices/1/replies"],
    [watcher, "devices/1/replies"],
  ] as const) {
    const got = await peer.take("publish");
    assert.deepEqual(
      [got.properties?.["responseTopic"], String(got.properties?.["correlationData"]), got.properties?.["contentType"]],
      [known, "x", "t"],
    );
  }
  one.publish("groups/g", "who?", { qos: 1, messageId: 3, properties: { responseTopic: "devices/2/replies" } });
  assert.equal((await one.take("puback")).reasonCode, 0x87);
});

test("the gate is asked once for a topic as long as its epoch stands", async () => {
  await using house = await House.open();
  let asked = 0;
  house.policy.gate.publish = () => (asked++, 0);
  let delivered = 0;
  house.policy.gate.receive = () => (delivered++, true);
  const peer = await house.connect("a");
  peer.subscribe(1, "a", 0);
  for (let i = 0; i < 10; i++) peer.publish("a", "x");
  await peer.quiet();
  assert.deepEqual([asked, delivered], [1, 1]);
  house.policy.cell.epoch++;
  house.policy.renew = () => {
    house.policy.gate = new TestGate(house.policy.cell);
    house.policy.gate.publish = () => (asked++, 0x87);
    return house.policy.gate;
  };
  for (let i = 0; i < 10; i++) peer.publish("a", "x");
  await peer.quiet();
  assert.equal(asked, 2);
  assert.equal(house.policy.accepted.length, 10);
});

for (const version of [4, 5] as const) {
  test(`a revoked client is ended before its next byte is read, without will, queue or session, version ${version}`, async () => {
    await using house = await House.open();
    const watcher = await house.connect("watcher", { version: 5, connect: { username: "w" } });
    watcher.subscribe(1, "#", 1);
    await watcher.take("suback");
    const keep = version === 5 ? { properties: { sessionExpiryInterval: 100 } } : {};
    const will = { topic: "will", payload: "x", qos: 1, retain: false };
    const peer = await house.connect("bad", { version, connect: { username: "bad", clean: false, will, ...keep } });
    peer.subscribe(1, "a", 1);
    await peer.take("suback");
    house.policy.cell.epoch++;
    house.policy.renew = (guest) => (guest.name === "bad" ? { end: 0x98 } : new TestGate(house.policy.cell));
    peer.publish("a", "after", { qos: 1, messageId: 1 });
    const last = await peer.closed();
    if (version === 5)
      assert.deepEqual(
        last.map(({ cmd, reasonCode }) => [cmd, reasonCode]),
        [["disconnect", 0x98]],
      );
    else assert.deepEqual(last, []);
    assert.deepEqual(await watcher.quiet(), []);
    assert.equal(house.policy.accepted.length, 0);
    const { statistics } = house.broker;
    assert.deepEqual([statistics.sessions, statistics.subscriptions, statistics.willsPublished], [1, 1, 0]);
    assert.equal(house.policy.closes.find(({ how }) => how === "policy")?.sessionKept, false);
  });
}

test("a revoked client gets nothing more, even from a publisher whose chunk was read before", async () => {
  await using house = await House.open();
  const reader = await house.connect("reader", { version: 5, connect: { username: "bad" } });
  reader.subscribe(1, "a", 0);
  await reader.take("suback");
  const writer = await house.connect("writer", { connect: { username: "good" } });
  house.policy.renew = (guest) => (guest.name === "bad" ? { end: 0x98 } : new TestGate(house.policy.cell));
  let taken = 0;
  house.policy.accept = () => {
    // Revoked by what another part of the program does between two messages of one chunk.
    if (++taken === 3) house.policy.cell.epoch++;
    return 0;
  };
  for (let i = 0; i < 6; i++) writer.publish("a", String(i));
  const got = await reader.closed();
  // Even the first two had not left the process when the third was read.
  assert.deepEqual(
    got.map(({ cmd }) => cmd),
    ["disconnect"],
  );
});

test("whoever was revoked while the policy was being asked is turned away", async () => {
  await using house = await House.open();
  house.policy.welcome = () => {
    const { gate } = house.policy;
    house.policy.cell.epoch++;
    return { gate };
  };
  house.policy.renew = () => ({ end: 0x98 });
  const peer = await house.visit({ version: 5 });
  peer.connect({ clientId: "a" });
  assert.equal((await peer.take("connack")).reasonCode, 0x87);
  assert.deepEqual([house.policy.opens.length, house.broker.statistics.sessions], [0, 0]);
});

test("what is refused with the whole CONNECT, a will or a session too many, the policy is told", async () => {
  await using house = await House.open({ limits: { sessionsPerPrincipal: 1 } });
  house.policy.gate.publish = (topic) => (topic === "mine" ? 0 : 0x87);
  const turnedAway = async (connect: Record<string, unknown>) => {
    const peer = await house.visit({ version: 5 });
    peer.connect(connect);
    return (await peer.take("connack")).reasonCode;
  };
  const will = { topic: "theirs", payload: Buffer.from("gone"), qos: 0, retain: false };
  await house.connect("first");
  assert.deepEqual([await turnedAway({ clientId: "a", will }), await turnedAway({ clientId: "b" })], [0x87, 0x97]);
  assert.deepEqual(house.policy.refusals, [
    { what: "will", topic: "theirs", code: 0x87 },
    { what: "session", topic: "", code: 0x97 },
  ]);
});

test("other names hold from the moment of the gate that brings them, for topics, topic aliases and filters", async () => {
  await using house = await House.open();
  const named = (name: string) => ({
    mountsOnly: true,
    mounts: [{ prefix: "me/", target: "devices/7/" }],
    synonyms: [{ topic: `${name}/state`, target: "devices/7/telemetry" }],
  });
  house.policy.welcome = ({ username }) => (username === "device" ? named("old") : {});
  const watcher = await house.connect("watcher");
  watcher.subscribe(1, "devices/7/telemetry", 0);
  await watcher.take("suback");
  const device = await house.connect("device", { version: 5, connect: { username: "device" } });
  const ear = await house.connect("ear", { connect: { username: "device" } });
  for (const [at, filter] of ["old/state", "me/other"].entries()) {
    ear.subscribe(at + 1, filter, 0);
    await ear.take("suback");
  }
  const say = async (topic: string, properties = {}) => {
    device.publish(topic, "x", { qos: 1, messageId: 1, properties });
    const { reasonCode } = await device.take("puback");
    return reasonCode;
  };
  assert.deepEqual([await say("old/state", { topicAlias: 1 }), await say("new/state")], [0, 0x87]);

  house.policy.renew = ({ name }) => {
    const gate = new TestGate(house.policy.cell);
    return name === "device" ? { gate, naming: named("new") } : gate;
  };
  house.policy.cell.epoch++;
  house.broker.recheck("space");
  assert.deepEqual([await say("", { topicAlias: 1 }), await say("old/state"), await say("new/state")], [0x87, 0x87, 0]);
  assert.deepEqual(
    (await watcher.quiet()).map(({ topic }) => topic),
    ["devices/7/telemetry", "devices/7/telemetry"],
  );
  assert.deepEqual(
    (await ear.quiet()).map(({ topic }) => topic),
    ["old/state"],
  );
  assert.equal(house.broker.statistics.subscriptions, 2, "a filter that names nothing any more matches nothing");

  house.policy.renew = ({ name }) => {
    const gate = new TestGate(house.policy.cell);
    return name === "device" ? { gate, naming: named("old") } : gate;
  };
  house.policy.cell.epoch++;
  house.broker.recheck("space");
  assert.deepEqual([await say("", { topicAlias: 1 }), await say("new/state")], [0, 0x87]);
  assert.deepEqual(
    (await ear.quiet()).map(({ topic }) => topic),
    ["old/state"],
    "the client was told that it is subscribed, and is so again",
  );
  assert.equal(house.broker.statistics.subscriptions, 3);
});

test("recheck ends at once whoever has lost the right, connected or not, and asks once for each session", async () => {
  await using house = await House.open();
  const good = await house.connect("good", { connect: { username: "good" } });
  const bad = await house.connect("bad", { version: 5, connect: { username: "bad" } });
  const asleep = await house.connect("asleep", { connect: { username: "bad", clean: false } });
  asleep.subscribe(1, "a", 1);
  await asleep.take("suback");
  asleep.send({ cmd: "disconnect" });
  await asleep.closed();
  let asked = 0;
  house.policy.renew = (guest) => (
    asked++,
    guest.name === "bad" ? { end: 0x87, reasonString: "Revoked." } : new TestGate(house.policy.cell)
  );
  house.policy.cell.epoch++;
  house.broker.recheck("elsewhere");
  assert.equal(asked, 0);
  house.broker.recheck("space");
  assert.equal(asked, 3);
  const [last] = await bad.closed();
  assert.deepEqual([last?.reasonCode, last?.properties?.["reasonString"]], [0x87, "Revoked."]);
  assert.deepEqual(await good.quiet(), []);
  assert.deepEqual([house.broker.statistics.sessions, house.broker.statistics.subscriptions], [1, 0]);
});

test("a message for a kept session whose principal was revoked is not queued: the session ends", async () => {
  await using house = await House.open();
  const asleep = await house.connect("asleep", { connect: { username: "bad", clean: false } });
  asleep.subscribe(1, "a", 1);
  await asleep.take("suback");
  asleep.send({ cmd: "disconnect" });
  await asleep.closed();
  house.policy.cell.epoch++;
  house.policy.renew = (guest) => (guest.name === "bad" ? { end: 0x98 } : new TestGate(house.policy.cell));
  const writer = await house.connect("writer", { connect: { username: "good" } });
  writer.publish("a", "x", { qos: 1, messageId: 1 });
  await writer.take("puback");
  assert.deepEqual([house.broker.statistics.queued, house.broker.statistics.sessions], [0, 1]);
});

test("queued and retained messages are asked about when they are delivered", async () => {
  await using house = await House.open();
  const connect = { username: "reader", clean: false };
  const reader = await house.connect("reader", { connect });
  reader.subscribe(1, "a/+", 1);
  await reader.take("suback");
  reader.send({ cmd: "disconnect" });
  await reader.closed();
  const writer = await house.connect("writer");
  for (const topic of ["a/1", "a/2"]) writer.publish(topic, topic, { qos: 1, messageId: 1, retain: true });
  await writer.quiet();
  house.policy.gate.receive = (topic) => topic !== "a/1";
  const back = await house.connect("reader", { connect });
  assert.deepEqual(payloads(await back.quiet()), ["a/2"]);
  back.subscribe(1, "#", 0);
  assert.deepEqual(payloads(await back.quiet()), ["a/2"]);
  // Who asks first brings nothing that could be withheld.
  assert.deepEqual(
    ["a/1", "a/2"].map((topic) => house.broker.reaches("space", topic, "reader")),
    [false, true],
  );
  assert.equal(house.broker.statistics.withheld, 2);
});

test("a new gate decides about live messages of a topic that the old one let through", async () => {
  await using house = await House.open();
  const reader = await house.connect("reader");
  reader.subscribe(1, "a", 0);
  reader.subscribe(2, "b", 1);
  await reader.quiet();
  const writer = await house.connect("writer");
  const say = async () => {
    for (const topic of ["a", "b"]) writer.publish(topic, topic, { qos: 1, messageId: 1 });
    await writer.quiet();
    return payloads(await reader.quiet());
  };
  assert.deepEqual(await say(), ["a", "b"]);
  house.policy.renew = () => {
    house.policy.gate = new TestGate(house.policy.cell);
    house.policy.gate.receive = (topic) => topic !== "a";
    return house.policy.gate;
  };
  house.policy.cell.epoch++;
  assert.deepEqual(await say(), ["b"]);
  house.policy.renew = () => (house.policy.gate = new TestGate(house.policy.cell));
  house.policy.cell.epoch++;
  assert.deepEqual(await say(), ["a", "b"]);
});

test("what was not acknowledged is asked about before it is sent again", async () => {
  await using house = await House.open();
  const connect = { clean: false };
  const reader = await house.connect("reader", { connect });
  reader.subscribe(1, "#", 1);
  await reader.take("suback");
  const writer = await house.connect("writer");
  for (const topic of ["a", "b"]) writer.publish(topic, topic, { qos: 1, messageId: 1 });
  assert.deepEqual(payloads([await reader.take("publish"), await reader.take("publish")]), ["a", "b"]);
  reader.destroy();
  await until(() => house.policy.closes.length === 1);
  house.policy.gate.receive = (topic) => topic !== "a";
  const back = await house.connect("reader", { connect });
  assert.deepEqual(payloads(await back.quiet()), ["b"]);
});

test("a delayed will of somebody who is revoked meanwhile is discarded", async () => {
  await using house = await House.open();
  const will = { topic: "w", payload: "x", qos: 0, retain: false, properties: { willDelayInterval: 10 } };
  const properties = { sessionExpiryInterval: 100 };
  (await house.connect("a", { version: 5, connect: { will, properties } })).destroy();
  await until(() => house.policy.closes.length === 1);
  house.policy.cell.epoch++;
  house.policy.renew = () => ({ end: 0x98 });
  house.broker.recheck("space");
  house.time.move(200_000);
  assert.deepEqual([house.broker.statistics.willsPublished, house.broker.statistics.sessions], [0, 0]);
});

test("forget ends everything of a principal, disconnect only its connections", async () => {
  await using house = await House.open();
  const connect = { username: "p", clean: false, will: { topic: "w", payload: "x", qos: 0, retain: false } };
  const open = async () => [
    await house.connect("a", { version: 4, connect }),
    await house.connect("b", { version: 5, connect: { ...connect, properties: { sessionExpiryInterval: 9 } } }),
  ];
  const first = await open();
  assert.equal(house.broker.disconnect("space", "p", 0x89, "Come back later."), 2);
  assert.deepEqual([await first[0]?.closed(), (await first[1]?.closed())?.[0]?.reasonCode], [[], 0x89]);
  assert.deepEqual([house.broker.statistics.sessions, house.broker.statistics.willsPublished], [2, 2]);
  const second = await open();
  assert.equal(house.broker.forget("space", "p"), 2);
  assert.equal((await second[1]?.closed())?.[0]?.reasonCode, 0x98);
  assert.deepEqual([house.broker.statistics.sessions, house.broker.statistics.willsPublished], [0, 2]);
  assert.equal(house.broker.forget("space", "p"), 0);
});

test("[MQTT-4.6.0-2] acknowledgements keep the order of the messages, whatever order they are settled in", async () => {
  await using house = await House.open();
  house.policy.settles = false;
  const reader = await house.connect("reader");
  reader.subscribe(1, "a", 1);
  await reader.take("suback");
  const writer = await house.connect("writer", { version: 5 });
  for (let i = 1; i <= 4; i++) writer.publish("a", String(i), { qos: 1, messageId: i });
  await writer.quiet();
  const [one, two, three, four] = house.policy.accepted;
  three?.settle(0);
  two?.settle(0x97, "Too much.");
  two?.settle(0);
  four?.settle(0x10);
  assert.deepEqual(await writer.quiet(), []);
  assert.deepEqual(await reader.quiet(), []);
  one?.settle(0);
  one?.settle(0x97);
  const answers = await writer.quiet();
  assert.deepEqual(
    answers.map(({ messageId, reasonCode }) => [messageId, reasonCode]),
    [
      [1, 0],
      [2, 0x97],
      [3, 0],
      [4, 0x10],
    ],
  );
  assert.equal(answers[1]?.properties?.["reasonString"], "Too much.");
  assert.deepEqual(payloads(await reader.quiet()), ["1", "3"]);
});

test("a message of QoS 1 goes to QoS 0 at once, to QoS 1 and into what is retained once it is kept", async () => {
  await using house = await House.open();
  house.policy.settles = false;
  const live = await house.connect("live");
  live.subscribe(1, "a", 0);
  const durable = await house.connect("durable");
  durable.subscribe(1, "a", 1);
  await Promise.all([live.take("suback"), durable.take("suback")]);
  const heard: string[] = [];
  const stop = house.broker.listen("space", "a", { receive: (arrival) => heard.push(arrival.payload.toString()) });
  const writer = await house.connect("writer");
  writer.publish("a", "x", { qos: 1, messageId: 1, retain: true });
  writer.publish("a", "y", { qos: 1, messageId: 2, retain: true });
  await writer.quiet();
  assert.deepEqual(
    [payloads(await live.quiet()), payloads(await durable.quiet()), heard],
    [["x", "y"], [], ["x", "y"]],
  );
  assert.equal(house.broker.statistics.retained, 0);
  house.policy.accepted[0]?.settle(0);
  house.policy.accepted[1]?.settle(0x83);
  await writer.quiet();
  assert.deepEqual([payloads(await live.quiet()), payloads(await durable.quiet())], [[], ["x"]]);
  assert.equal(house.broker.statistics.retained, 1);
  assert.equal(house.broker.statistics.publishesNotKept, 1);
  stop();
  writer.publish("a", "z");
  await writer.quiet();
  assert.equal(heard.length, 2);
});

test("a message that was kept reaches its subscribers though its publisher has left", async () => {
  await using house = await House.open();
  house.policy.settles = false;
  const reader = await house.connect("reader");
  reader.subscribe(1, "a", 1);
  await reader.take("suback");
  const writer = await house.connect("writer");
  writer.publish("a", "x", { qos: 1, messageId: 1 });
  await writer.quiet();
  writer.destroy();
  await until(() => house.policy.closes.length === 1);
  house.policy.accepted[0]?.settle(0);
  assert.deepEqual(payloads(await reader.quiet()), ["x"]);
});

test("what could not be kept ends its publisher without an acknowledgement, so that it sends again", async () => {
  await using house = await House.open();
  house.policy.settles = false;
  for (const code of [0x88, 0x89]) {
    const five = await house.connect("five", { version: 5 });
    const four = await house.connect("four");
    for (const peer of [five, four]) {
      peer.publish("a", "1", { qos: 1, messageId: 1 });
      peer.publish("a", "2", { qos: 1, messageId: 2 });
      await peer.quiet();
    }
    for (const publication of house.policy.accepted.splice(0)) publication.settle(code, "The disk is full.");
    const last = await five.closed();
    assert.deepEqual(
      last.map(({ cmd, reasonCode, properties }) => [cmd, reasonCode, properties?.["reasonString"]]),
      [["disconnect", 0x89, "The disk is full."]],
    );
    assert.deepEqual(await four.closed(), []);
  }
});

test("3.1.1 [MQTT-3.3.5-2] a message refused by the policy is delivered to nobody; 3.1.1 gets its plain acknowledgement", async () => {
  await using house = await House.open();
  house.policy.accept = (_guest, publication) => {
    publication.reasonString = "Not a reading.";
    return 0x99;
  };
  for (const version of [4, 5] as const) {
    const peer = await house.connect("a", { version });
    peer.subscribe(1, "a", 0);
    await peer.take("suback");
    peer.publish("a", "x", { qos: 1, messageId: 1 });
    const answer = await peer.take("puback");
    if (version === 5)
      assert.deepEqual([answer.reasonCode, answer.properties?.["reasonString"]], [0x99, "Not a reading."]);
    peer.publish("a", "x");
    assert.deepEqual(await peer.quiet(), []);
  }
  assert.equal(house.broker.statistics.publishesRefused, 4);
});

test("[MQTT-3.4.2-2] [MQTT-3.1.2-29] reason strings are left out where the client wants none, or has no room", async () => {
  await using house = await House.open();
  house.policy.accept = (_guest, publication) => {
    publication.reasonString = "x".repeat(100);
    return 0x99;
  };
  for (const properties of [{ requestProblemInformation: false }, { maximumPacketSize: 50 }]) {
    const peer = await house.connect("a", { version: 5, connect: { properties } });
    peer.publish("a", "x", { qos: 1, messageId: 1 });
    const answer = await peer.take("puback");
    assert.deepEqual([answer.reasonCode, answer.properties], [0x99, undefined]);
  }
});

test("[MQTT-3.4.2-1] a code that a PUBACK cannot carry becomes an unspecified error", async () => {
  await using house = await House.open();
  house.policy.accept = () => 0x9c;
  const peer = await house.connect("a", { version: 5 });
  peer.publish("a", "x", { qos: 1, messageId: 1 });
  assert.equal((await peer.take("puback")).reasonCode, 0x80);
});

test("a message from within goes out when it is settled, or at once", async () => {
  await using house = await House.open();
  const live = await house.connect("live", { version: 5 });
  live.subscribe(1, "a", 0);
  const durable = await house.connect("durable");
  durable.subscribe(1, "a", 1);
  await Promise.all([live.take("suback"), durable.take("suback")]);
  const message = {
    topic: "a",
    payload: Buffer.from("x"),
    qos: 1,
    retain: true,
    properties: { contentType: "t" },
  } as const;
  const counts = async () => [(await live.quiet()).length, (await durable.quiet()).length];
  const refused = house.broker.offer("space", message);
  const offered = house.broker.offer("space", message);
  assert.deepEqual(await counts(), [0, 0]);
  refused.settle(0x97);
  offered.settle(0);
  assert.deepEqual(await counts(), [1, 1]);
  house.broker.publish("space", message);
  const [got] = await live.quiet();
  assert.deepEqual([got?.properties?.["contentType"], got?.payload.toString()], ["t", "x"]);
  assert.equal((await durable.quiet()).length, 1);
  house.broker.publish("space", { ...message, qos: 0 });
  assert.deepEqual(await counts(), [1, 1]);
  house.broker.publish("another", message);
  assert.deepEqual(await counts(), [0, 0]);
  assert.throws(() => house.broker.publish("space", { ...message, topic: "a/#" }), TypeError);
});

test("a message from within can be said to come from a session, for no-local", async () => {
  await using house = await House.open();
  const peer = await house.connect("a", { version: 5 });
  peer.subscribe(1, "a", 0, { nl: true });
  await peer.take("suback");
  const message = { topic: "a", payload: Buffer.from("x"), qos: 0, retain: false } as const;
  house.broker.publish("space", message, { principal: "somebody", clientId: "a" });
  assert.deepEqual(await peer.quiet(), []);
  house.broker.publish("space", message, { principal: "somebody", clientId: "b" });
  assert.equal((await peer.quiet()).length, 1);
});

test("two spaces share nothing: subscriptions, retained messages, groups, listeners", async () => {
  await using house = await House.open();
  const [here, there] = [{ name: "same" }, { name: "same" }];
  house.policy.welcome = (asked) => ({ space: asked.username === "here" ? here : there });
  const one = await house.connect("r", { connect: { username: "here" } });
  const two = await house.connect("r", { connect: { username: "there" } });
  const heard: string[] = [];
  house.broker.listen(there, "#", { receive: ({ topic }) => heard.push(topic) });
  for (const peer of [one, two]) {
    peer.subscribe(1, "#", 1);
    peer.subscribe(2, "$share/crew/#", 1);
    await peer.quiet();
  }
  one.publish("a", "x", { qos: 1, messageId: 1, retain: true });
  assert.equal((await one.quiet()).filter(({ cmd }) => cmd === "publish").length, 2);
  assert.deepEqual([await two.quiet(), heard], [[], []]);
  two.subscribe(3, "a", 1);
  assert.deepEqual(
    (await two.quiet()).map(({ cmd }) => cmd),
    ["suback"],
  );
});

test("3.1.1 [MQTT-4.8.0-2] a policy that throws ends the connection it was asked about, is reported, and nothing else happens", async () => {
  const house = await House.open();
  const other = await house.connect("other");
  house.policy.accept = () => {
    throw new Error("bug");
  };
  const peer = await house.connect("a", { version: 5 });
  peer.publish("a", "x");
  assert.equal((await peer.closed())[0]?.reasonCode, 0x80);
  assert.deepEqual(await other.quiet(), []);
  assert.equal(house.faults.splice(0).length, 1);
  const will = { topic: "w", payload: "x", qos: 0, retain: false };
  (await house.connect("b", { connect: { will } })).destroy();
  await until(() => house.faults.length === 1);
  house.faults.splice(0);
  assert.deepEqual(await other.quiet(), []);
  await house[Symbol.asyncDispose]();
});

test("who is refused is told why, in the policy's words where it has any: a message, a filter, a will and a session too many", async () => {
  await using house = await House.open({ limits: { sessionsPerPrincipal: 1 } });
  const { gate } = house.policy;
  gate.publish = (topic) => (topic === "no" ? 0x87 : 0);
  gate.subscribe = gate.publish;
  const told = async (peer: Peer): Promise<unknown[]> =>
    (await peer.quiet()).map(({ cmd, properties }) => [cmd, properties?.reasonString]);
  const own = sentenceOf(0x87);
  for (const words of [undefined, "Ask the gardener."]) {
    house.policy.words = words;
    const peer = await house.connect("a", { version: 5 });
    peer.publish("no", "x", { qos: 1, messageId: 1 });
    peer.publish("no", "x", { qos: 2, messageId: 2 });
    peer.send({
      cmd: "subscribe",
      messageId: 3,
      subscriptions: ["yes", "no"].map((topic) => ({ topic, qos: 1, nl: false, rap: false, rh: 0 })),
    });
    peer.subscribe(4, "yes", 1);
    assert.deepEqual(await told(peer), [
      ["puback", words ?? own],
      ["pubrec", words ?? own],
      ["suback", words ?? own],
      ["suback", undefined],
    ]);
    for (const [connect, broker] of [
      [{ will: { topic: "no", payload: "x", qos: 0, retain: false } }, own],
      [
        {},
        "As many sessions of this client are connected as it may have. Disconnect one, or come with the client id of one of them.",
      ],
    ] as const) {
      const other = await house.visit({ version: 5 });
      other.connect({ clientId: "b", ...connect });
      assert.equal((await other.take("connack")).properties?.reasonString, words ?? broker);
    }
    peer.send({ cmd: "disconnect" });
    await until(() => house.broker.statistics.sessions === 0);
  }
});

test("[MQTT-3.1.2-29] a SUBACK says no reason to a client that wants none, or that has no room for it", async () => {
  await using house = await House.open();
  house.policy.gate.subscribe = () => 0x87;
  for (const properties of [{ requestProblemInformation: false }, { maximumPacketSize: 30 }]) {
    const peer = await house.connect("a", { version: 5, connect: { properties } });
    peer.subscribe(1, "a", 1);
    const [suback] = await peer.quiet();
    assert.deepEqual([suback?.cmd, suback?.granted, suback?.properties], ["suback", [0x87], undefined]);
    peer.destroy();
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { queryObjects } from "node:v8";
import { House, until } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";

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

/** What is sent to a topic to be retained, with its QoS; in which order it is settled; and what the topic retains then. */
const races: readonly { sent: [string, 0 | 1][]; settled: number[]; stays: [string, 0 | 1] | undefined }[] = [
  {
    sent: [
      ["old", 1],
      ["", 0],
    ],
    settled: [0],
    stays: undefined,
  },
  {
    sent: [
      ["old", 1],
      ["new", 0],
    ],
    settled: [0],
    stays: ["new", 0],
  },
  {
    sent: [
      ["", 1],
      ["new", 0],
    ],
    settled: [0],
    stays: ["new", 0],
  },
  {
    sent: [
      ["old", 1],
      ["", 1],
      ["new", 1],
    ],
    settled: [2, 0, 1],
    stays: ["new", 1],
  },
  {
    sent: [
      ["old", 1],
      ["new", 1],
      ["", 1],
    ],
    settled: [2, 0, 1],
    stays: undefined,
  },
];

/** Each race once; what is kept is so in the order in which it was accepted, as a log does. */
async function afterEachRace(newLog: () => Log | undefined): Promise<void> {
  for (const { sent, settled, stays } of races) {
    const log = newLog();
    await using house = await House.open(log && { log });
    const { accepted } = house.policy;
    house.policy.accept = (_guest, publication) => {
      accepted.push(publication);
      if (publication.record) log?.kept.push(publication.record);
      return 0;
    };
    for (const [index, [payload, qos]] of sent.entries()) {
      const writer = await house.connect(`writer ${index}`); // each is answered on its own
      writer.publish("a", payload, { qos, messageId: 1, retain: true });
      await writer.quiet();
    }
    for (const index of settled) accepted[index]?.settle(0);
    const expected = stays ? [["a", ...stays, true]] : [];
    assert.deepEqual(await found(house, 5, "a"), expected);
    assert.equal(house.broker.statistics.retained, expected.length);
    if (!log) continue;
    await using next = await House.open({ log: log.afterCrash() });
    assert.deepEqual(await found(next, 5, "a"), expected);
  }
}

test("[MQTT-3.3.1-5] [MQTT-3.3.1-6] of several messages to be retained the one that was accepted last counts, though another is settled after it, in memory", () =>
  afterEachRace(() => undefined));

test("[MQTT-3.3.1-5] [MQTT-3.3.1-6] of several messages to be retained the one that was accepted last counts, though another is settled after it, and after a restart", () =>
  afterEachRace(() => new Log()));

test("a message to be retained without room is refused before it is kept: MQTT 5 is told why, 3.1.1 is acknowledged and not heard, and at QoS 0 it is passed over", async () => {
  const log = new Log();
  await using house = await House.open({ log, limits: { retainedMessages: 2, retainedBytes: 1_000 } });
  log.isPrompt = false;
  const reader = await house.connect("reader");
  reader.subscribe(1, "#", 1);
  await reader.quiet();
  const five = await house.connect("five", { version: 5 });
  // Nothing of these is kept yet, and their room is taken.
  five.publish("a", "x", { qos: 1, messageId: 1, retain: true });
  five.publish("b", "x", { qos: 1, messageId: 2, retain: true });
  five.publish("c", "x", { qos: 1, messageId: 3, retain: true });
  five.publish("a", "x".repeat(2_000), { qos: 1, messageId: 4, retain: true });
  await five.quiet();
  assert.equal(log.waiting, 2);
  log.isPrompt = true;
  log.commit();
  const answers = (await five.quiet()).map(({ messageId, reasonCode, properties }) => [
    messageId,
    reasonCode ?? 0,
    properties?.reasonString,
  ]);
  const why =
    "The server retains as much as it may. Clear topics with an empty retained message, or publish without the retain flag.";
  assert.deepEqual(answers, [
    [1, 0, undefined],
    [2, 0, undefined],
    [3, 0x97, why],
    [4, 0x97, why],
  ]);
  const four = await house.connect("four");
  four.publish("c", "x", { retain: true });
  assert.deepEqual(await four.quiet(), []);
  // Hung up on it would come again with the same, for as long as nobody clears anything.
  four.publish("c", "x", { qos: 1, messageId: 7, retain: true });
  assert.deepEqual(
    (await four.quiet()).map(({ cmd, messageId }) => [cmd, messageId]),
    [["puback", 7]],
  );
  assert.deepEqual(
    house.policy.refusals.map(({ topic, code }) => [topic, code]),
    ["c", "a", "c", "c"].map((topic) => [topic, 0x97]),
  );
  // What is there may change, and go; then there is room.
  five.publish("a", "y", { qos: 1, messageId: 1, retain: true });
  five.publish("b", "", { qos: 1, messageId: 2, retain: true });
  five.publish("c", "z", { qos: 1, messageId: 3, retain: true });
  await five.quiet();
  const stays = [
    ["a", "y", 1, true],
    ["c", "z", 1, true],
  ];
  assert.deepEqual(await found(house, 5, "#"), stays);
  const got = (await reader.quiet()).map(({ topic, payload }) => `${topic} ${payload.toString()}`);
  assert.deepEqual(got, ["a x", "b x", "a y", "b ", "c z"]);
  const { refusedRetained, publishesRefused } = house.broker.statistics;
  assert.deepEqual([refusedRetained, publishesRefused], [4, 4]);
  await using next = await House.open({ log: log.afterCrash() });
  assert.deepEqual(await found(next, 5, "#"), stays);
});

test("what was accepted and not kept gives back the room that was held for it, and what the policy refuses holds none", async () => {
  await using house = await House.open({ limits: { retainedMessages: 1 } });
  house.policy.settles = false;
  const writer = await house.connect("writer", { version: 5 });
  const retain = async (topic: string, qos: 0 | 1) => {
    writer.publish(topic, "x", { qos, messageId: 1, retain: true });
    await writer.quiet();
  };
  await retain("a", 1);
  house.policy.accepted[0]?.settle(0x97);
  await writer.take("puback");
  const { accept } = house.policy;
  for (const qos of [0, 1] as const) {
    house.policy.accept = () => 0x87;
    await retain("b", qos);
    house.policy.accept = accept;
  }
  await retain("c", 0);
  assert.deepEqual(await found(house, 5, "#"), [["c", "x", 0, true]]);
  assert.equal(house.broker.statistics.refusedRetained, 0);
});

test("whoever takes nothing and subscribes again and again, to the same or to something else, makes the broker remember no more than it has", async () => {
  await using house = await House.open();
  const writer = await house.connect("writer", { version: 5 });
  for (let i = 0; i < 300; i++) writer.publish(`r/${i}`, "x", { qos: 1, messageId: i + 1, retain: true });
  await writer.quiet();
  const reader = await house.connect("reader", { version: 5, connect: { properties: { receiveMaximum: 1 } } });
  const heap = () => {
    queryObjects(Object, { format: "count" }); // it collects garbage first
    return process.memoryUsage().heapUsed;
  };
  const ask = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      const topics = Array.from({ length: 1_000 }, (_, i) => (i % 2 === 0 ? "r/#" : `none/${round}/${i}`));
      const subscriptions = topics.map((topic) => ({ topic, qos: 1 }));
      reader.send({ cmd: "subscribe", messageId: 1, subscriptions });
      reader.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: topics.slice(1) });
      await reader.quiet();
    }
  };
  await ask(10);
  const before = heap();
  await ask(200);
  assert.ok(heap() - before < 5 << 20, `${(heap() - before) >> 20} MiB more`);
  // And it gets what it asked for last.
  reader.subscribe(3, "r/#", 1);
  const got = new Set<string>();
  while (got.size < 300) {
    const { cmd, topic, messageId } = await reader.next();
    if (cmd !== "publish") continue;
    got.add(topic);
    reader.send({ cmd: "puback", messageId });
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { queryObjects } from "node:v8";
import { Connection } from "./connection.ts";
import { House, until } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import type { Peer } from "./peer.fixture.ts";
import { Publication } from "./publication.ts";
import { Session } from "./session.ts";
import { Space } from "./space.ts";

/** What can be reached from anywhere in this process, and leads to whatever else a client leaves. */
const kinds = [Connection, Session, Publication, Space];
const count = (kind: (typeof kinds)[number]) => queryObjects(kind, { format: "count" }); // it collects all garbage: half a second
const living = () => Object.fromEntries(kinds.map((kind) => [kind.name, count(kind)]));
const nothing = Object.fromEntries(kinds.map((kind) => [kind.name, 0]));

const hour = 3_600_000;

/** How things stand with a broker that nobody visits; the rest of the statistics only grows. */
const standing = ({ broker: { statistics }, time }: House) => ({
  connectionsOpen: statistics.connectionsOpen,
  sessions: statistics.sessions,
  subscriptions: statistics.subscriptions,
  retained: statistics.retained,
  retainedBytes: statistics.retainedBytes,
  queued: statistics.queued,
  queuedBytes: statistics.queuedBytes,
  timers: time.waiting,
});

const ways: Readonly<Record<string, (peer: Peer) => void>> = {
  "with DISCONNECT": (peer) => peer.send({ cmd: "disconnect" }),
  "by the network": (peer) => peer.destroy(),
  "in half a packet": (peer) => {
    peer.raw(0x32, 100, 0);
    peer.destroy();
  },
  "breaking the rules": (peer) => peer.raw(0x36, 4, 0, 0, 0, 1),
};

/** A client that leaves as much behind as it can. */
async function visit(house: House, serial: number, version: 4 | 5, isKept: boolean): Promise<Peer> {
  const properties = {
    // Some are over by themselves, some only when they are forgotten.
    sessionExpiryInterval: isKept ? (serial % 8 === 3 ? 60 : 8_640_000) : 0,
    topicAliasMaximum: 10,
  };
  const will = { topic: `wills/${serial % 3}`, payload: "gone", qos: serial % 3, retain: true };
  const peer = await house.connect(`visitor-${serial}`, {
    version,
    connect: {
      clean: !isKept,
      keepalive: 30,
      will: { ...will, ...(version === 5 && { properties: { willDelayInterval: serial % 2 } }) },
      ...(version === 5 && { properties }),
    },
  });
  peer.subscribe(1, `visits/${serial}/#`, 2);
  peer.subscribe(2, "visits/+/a", 1);
  peer.subscribe(3, "$share/group/visits/#", 1);
  // Of QoS 2 not released; what comes is not acknowledged.
  for (const qos of [0, 1, 2])
    peer.publish(`visits/${serial}/a`, "x".repeat(100), {
      qos,
      messageId: 10 + qos,
      retain: qos === 1,
      ...(version === 5 && { properties: { topicAlias: 1 + qos, messageExpiryInterval: 30 } }),
    });
  await peer.quiet();
  return peer;
}

for (const [how, log] of [
  ["in memory", undefined],
  ["with a journal", new Log()],
] as const) {
  test(`when all clients are gone and their time is over, a broker holds nothing of them, ${how}`, async () => {
    await using house = await House.open(log ? { log } : {});
    const nobody = standing(house);
    // So far away that a timer for it which was not stopped is still there in the end.
    house.policy.welcome = () => ({ expiresAt: house.time.now() + 2_400 * hour });

    let serial = 0;
    for (const go of Object.values(ways)) {
      for (const version of [4, 5] as const) {
        for (const isKept of [true, false]) {
          const peer = await visit(house, ++serial, version, isKept);
          go(peer);
          await peer.closed();
        }
      }
    }
    // Who is taken over, who says nothing, and who does not come to the end of its CONNECT.
    await visit(house, serial, 5, true);
    const silent = [await house.visit(), await house.visit()];
    silent[1]?.raw(0x10, 40, 0, 4);
    await until(() => house.broker.statistics.connectionsOpen === 3);
    assert.ok(house.broker.statistics.sessions > 5 && house.broker.statistics.retained > 3);

    house.time.move(6_000); // the silent ones
    house.time.move(60_000); // keep-alives
    await until(() => house.broker.statistics.connectionsOpen === 0);
    for (let day = 0; day < 2; day++) {
      house.time.move(24 * hour);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Of 3.1.1 a session has no end, and a retained message of a will none in any version: somebody comes to clear them.
    const cleaner = await house.connect("cleaner");
    for (let topic = 0; topic < 3; topic++) cleaner.publish(`wills/${topic}`, "", { retain: true });
    for (let old = 1; old <= serial; old++) cleaner.publish(`visits/${old}/a`, "", { retain: true });
    await cleaner.quiet();
    cleaner.destroy();
    house.broker.forget("space", "somebody");
    await until(() => house.broker.statistics.connectionsOpen === 0);
    house.time.move(hour);

    await until(() => standing(house).timers === nobody.timers);
    assert.deepEqual(standing(house), nobody);
    house.policy.opens.length = 0; // the test's own memory
    house.policy.accepted.length = 0;
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(living(), { ...nothing, Space: log ? 1 : 0 });
    assert.equal([...house.broker.snapshot("space")].length, log ? 1 : 0);
  });
}

test("a space is there until what was to be retained in it is settled, and a clear before that counts", async () => {
  for (const code of [0, 0x97]) {
    await using house = await House.open();
    house.policy.settles = false;
    const writer = await house.connect("writer");
    writer.publish("a", "slow", { qos: 1, messageId: 1, retain: true });
    writer.publish("a", "", { retain: true });
    await writer.quiet();
    writer.destroy();
    await until(() => house.broker.statistics.connectionsOpen === 0);
    assert.equal(count(Space), 1);
    house.policy.accepted.shift()?.settle(code);
    assert.equal(house.broker.statistics.retained, 0);
    house.policy.opens.length = 0; // the test's own memory
    house.policy.accepted.length = 0;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(count(Space), 0);
  }
});

test("retained messages whose life is over give back their room by themselves", async () => {
  await using house = await House.open({ limits: { retainedMessages: 2 } });
  const { statistics } = house.broker;
  const writer = await house.connect("writer", { version: 5 });
  const retain = async (topic: string, messageExpiryInterval?: number) => {
    writer.publish(topic, "x", {
      retain: true,
      ...(messageExpiryInterval && { properties: { messageExpiryInterval } }),
    });
    await writer.quiet();
  };
  await retain("a", 5);
  await retain("b", 15);
  await retain("c");
  assert.deepEqual([statistics.retained, statistics.refusedRetained], [2, 1]);
  house.time.move(10_000);
  assert.equal(statistics.retained, 1);
  await retain("c");
  assert.deepEqual([statistics.retained, statistics.refusedRetained], [2, 1]);
  house.time.move(10_000);
  assert.equal(statistics.retained, 1);
  await retain("c", 5);
  await retain("c");
  house.time.move(10_000);
  assert.equal(statistics.retained, 1);
});

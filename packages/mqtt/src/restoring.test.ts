import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { Broker } from "./broker.ts";
import { House, TestPolicy, until } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import { MovedTime } from "./moved-time.fixture.ts";
import { encode, type Entry } from "./records.ts";

const lasting = { clean: false, properties: { sessionExpiryInterval: 1000 } };
const retained = (count: number): Entry[] =>
  Array.from({ length: count }, (_, i) => ({
    kind: "message",
    message: i + 1,
    receivedAt: 1_700_000_000_000,
    isRetained: true,
    topic: `t/${i}`,
    qos: 1,
    retain: true,
    properties: {},
    payload: Buffer.from("x"),
  }));

/** A broker whose log is full of what is given, and how many turns the event loop had until it was read. */
function restoring(entries: readonly Entry[]) {
  const policy = new TestPolicy();
  const broker = new Broker({
    policy,
    time: new MovedTime(),
    newClientId: () => "assigned",
    reportFault: (fault) => assert.fail(String(fault)),
    journal: new Log(),
  });
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const restored = broker.restore("space", [encode(entries)]).finally(() => (isOver = true));
  return { broker, restored, turns: () => turns };
}

test("a space comes back in many turns, and a will goes out when all are there who hear of it", async () => {
  const { broker, restored, turns } = restoring(retained(10_000));
  assert.deepEqual(await restored, []);
  assert.equal(broker.statistics.retained, 10_000);
  assert.ok(turns() >= 100, `${turns()} turns`);
  await broker.close();

  const log = new Log();
  const time = new MovedTime();
  {
    await using house = await House.open({ log, time, limits: { sessionsPerPrincipal: 1_000 } });
    const readers = Array.from({ length: 300 }, (_, i) => i);
    for (const i of readers) {
      const reader = await house.connect(`reader ${i}`, { version: 5, connect: lasting });
      reader.subscribe(1, "will", 1);
      await reader.take("suback");
    }
    const will = { topic: "will", payload: "died", qos: 1, retain: false };
    await house.connect("zz, the youngest, which is revived first", { version: 5, connect: { ...lasting, will } });
    log.room = 0;
  }
  const house = await House.open({ log: log.afterCrash(), time: new MovedTime(time.now()) });
  house.time.move(0);
  assert.equal(house.broker.statistics.willsPublished, 1);
  assert.equal(house.broker.statistics.queued, 300);
  await house[Symbol.asyncDispose]();
});

test("a space that is unloaded while it is restored is gone, and nothing comes of it", async () => {
  const sessions: Entry[] = Array.from({ length: 2_000 }, (_, i) => ({
    kind: "session",
    session: i + 1,
    principal: "p",
    clientId: `c${i}`,
    keepsake: undefined,
    expirySeconds: 1000,
    will: undefined,
    came: false,
  }));
  for (const [entries, begun] of [
    [retained(2_000), 1],
    [sessions, 1],
    [sessions, 0],
  ] as const) {
    const { broker, restored } = restoring(entries);
    const { statistics } = broker;
    await until(() => statistics.retained + statistics.sessions >= begun);
    broker.unload("space");
    await restored;
    assert.deepEqual([statistics.retained, statistics.sessions], [0, 0]);
    await broker.close();
  }
});

test("what a client takes between two records of a picture is not owed in it, and can be read", async () => {
  const log = new Log();
  const records: Uint8Array[] = [];
  {
    await using house = await House.open({ log });
    const reader = await house.connect("reader", { version: 5, connect: lasting });
    reader.subscribe(1, "large", 1);
    await reader.take("suback");
    const writer = await house.connect("writer");
    writer.publish("large", "x".repeat(70_000), { qos: 1, messageId: 1 });
    const { messageId } = await reader.take("publish");
    const before = log.kept.length;
    const picture = house.broker.snapshot("space")[Symbol.iterator]();
    // The message is more than a record holds, so the record ends before it is said who is owed it.
    records.push(picture.next().value as Uint8Array); // a large message is in it
    reader.send({ cmd: "puback", messageId });
    await reader.quiet();
    for (let next = picture.next(); !next.done; next = picture.next()) records.push(next.value);
    records.push(...log.kept.slice(before));
  }
  const broker = new Broker({
    policy: new TestPolicy(),
    time: new MovedTime(),
    newClientId: () => "assigned",
    reportFault: (fault) => assert.fail(String(fault)),
    journal: new Log(),
  });
  assert.deepEqual(await broker.restore("space", records), []);
  assert.deepEqual([broker.statistics.sessions, broker.statistics.queued], [1, 0]);
  await broker.close();
});

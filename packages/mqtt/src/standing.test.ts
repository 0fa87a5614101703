import assert from "node:assert/strict";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import type { Peer } from "./peer.fixture.ts";

async function leave(house: House, peer: Peer): Promise<void> {
  const before = house.policy.closes.length;
  peer.send({ cmd: "disconnect" });
  await until(() => house.policy.closes.length > before);
}

const none = { slow: 0, queueFull: 0, spaceFull: 0, old: 0, expired: 0, tooLarge: 0 };

test("how a session is doing can be asked: its connection, its filters as they were written, what waits for it and what it lost", async () => {
  await using house = await House.open({ limits: { sessionMessages: 2, inFlight: 1 } });
  house.policy.welcome = () => ({ mounts: [{ prefix: "me/", target: "devices/7/" }] });
  const connect = { clean: false, properties: { sessionExpiryInterval: 100 } };
  const reader = await house.connect("reader", { version: 5, connect });
  reader.subscribe(1, "me/a", 1);
  reader.subscribe(2, "devices/+/b", 0);
  await reader.quiet();
  const came = house.time.now();
  const standing = () => house.broker.sessions("space", "somebody").find(({ clientId }) => clientId === "reader");
  const subscriptions = [
    { filter: "me/a", qos: 1 },
    { filter: "devices/+/b", qos: 0 },
  ];
  const fixed = { clientId: "reader", expirySeconds: 100, subscriptions };
  const connection = { since: came, protocolVersion: 5, transport: "mqtt" };
  assert.deepEqual(standing(), {
    ...fixed,
    connection,
    leftAt: undefined,
    waiting: { messages: 0, bytes: 0 },
    underWay: 0,
    dropped: none,
  });

  const writer = await house.connect("writer");
  for (let id = 1; id <= 2; id++) writer.publish("devices/7/a", "x".repeat(86), { qos: 1, messageId: id });
  await writer.quiet();
  // One is under way, and the client has not acknowledged it; its frame has 101 bytes.
  const { waiting, underWay } = standing() ?? assert.fail();
  assert.deepEqual([waiting, underWay], [{ messages: 1, bytes: 103 }, 1]);

  house.time.move(5_000);
  await leave(house, reader);
  for (let id = 3; id <= 5; id++) writer.publish("devices/7/a", "x".repeat(86), { qos: 1, messageId: id });
  await writer.quiet();
  assert.deepEqual(standing(), {
    ...fixed,
    connection: undefined,
    leftAt: came + 5_000,
    waiting: { messages: 2, bytes: 206 },
    underWay: 1,
    dropped: { ...none, queueFull: 2 },
  });
  assert.deepEqual(house.broker.sessions("space", "nobody"), []);
  assert.deepEqual(house.broker.sessions("elsewhere", "somebody"), []);
});

test("what a client loses is counted for its session by why: too large, over by itself, and how it stands outlives a restart but for that", async () => {
  const log = new Log();
  await using house = await House.open({ log });
  const connect = { clean: false, properties: { sessionExpiryInterval: 100, maximumPacketSize: 200 } };
  const reader = await house.connect("reader", { version: 5, connect });
  reader.subscribe(1, "a", 1);
  await reader.quiet();
  const writer = await house.connect("writer", { version: 5 });
  writer.publish("a", "x".repeat(300), { qos: 1, messageId: 1 });
  writer.publish("a", "x".repeat(300));
  await writer.quiet();
  await leave(house, reader);
  writer.publish("a", "short", { qos: 1, messageId: 2, properties: { messageExpiryInterval: 1 } });
  writer.publish("a", "long", { qos: 1, messageId: 3 });
  await writer.quiet();
  const standing = (where: House) =>
    where.broker.sessions("space", "somebody").find(({ clientId }) => clientId === "reader");
  const away = standing(house) ?? assert.fail();
  assert.deepEqual(away.dropped, { ...none, tooLarge: 2 });
  await using next = await House.open({ log: log.afterCrash() });
  next.time.move(house.time.now() - next.time.now());
  assert.deepEqual(standing(next), { ...away, dropped: none });

  house.time.move(2_000);
  const back = await house.connect("reader", { version: 5, connect });
  assert.deepEqual(
    (await back.quiet()).map(({ payload }) => payload.toString()),
    ["long"],
  );
  assert.deepEqual(standing(house)?.dropped, { ...none, tooLarge: 2, expired: 1 });
  assert.deepEqual(house.broker.statistics.dropped, { ...none, tooLarge: 2, expired: 1 });
});

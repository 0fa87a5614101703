import assert from "node:assert/strict";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";
import type { Peer, Received } from "./peer.fixture.ts";

const payloads = (packets: readonly Received[]) =>
  packets.filter(({ cmd }) => cmd === "publish").map(({ payload }) => payload.toString());
const acknowledge = (peer: Peer, { messageId }: Received) => peer.send({ cmd: "puback", messageId });

async function leave(peer: Peer): Promise<void> {
  peer.send({ cmd: "disconnect" });
  await peer.closed();
}

for (const version of [4, 5] as const) {
  const keep = version === 5 ? { clean: false, properties: { sessionExpiryInterval: 1000 } } : { clean: false };

  test(`[MQTT-3.1.2-5] [MQTT-4.1.0-1] 3.1.1 [MQTT-3.1.2-4] [MQTT-3.1.2-5] [MQTT-4.1.0-1] a kept session keeps subscriptions and messages of QoS 1, version ${version}`, async () => {
    await using house = await House.open();
    const sleeper = await house.connect("sleeper", { version, connect: keep });
    sleeper.subscribe(1, "a", 1);
    sleeper.subscribe(2, "b", 0);
    await sleeper.quiet();
    await leave(sleeper);
    const writer = await house.connect("writer");
    for (const topic of ["a", "b"]) {
      for (const qos of [0, 1]) {
        writer.publish(topic, `${topic}${qos}`, { qos, messageId: 1 });
      }
    }
    await writer.quiet();
    assert.equal(house.broker.statistics.queued, 1);
    const back = await house.connect("sleeper", { version, connect: keep });
    const missed = await back.take("publish");
    assert.deepEqual([missed.payload.toString(), missed.qos, missed.dup], ["a1", 1, false]);
    acknowledge(back, missed);
    writer.publish("b", "live");
    await writer.quiet();
    assert.deepEqual(payloads(await back.quiet()), ["live"]);
  });

  test(`[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.3.2-2] [MQTT-4.3.2-3] [MQTT-4.6.0-1] 3.1.1 [MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.3.2-1] [MQTT-4.6.0-1] what was not acknowledged is sent again with DUP, in order and under its packet id, version ${version}`, async () => {
    await using house = await House.open();
    const sleeper = await house.connect("sleeper", { version, connect: keep });
    sleeper.subscribe(1, "a", 1);
    await sleeper.take("suback");
    const writer = await house.connect("writer");
    for (let i = 0; i < 4; i++) writer.publish("a", String(i), { qos: 1, messageId: 1 });
    const first = [];
    for (let i = 0; i < 4; i++) first.push(await sleeper.take("publish"));
    if (first[1]) acknowledge(sleeper, first[1]);
    await sleeper.quiet();
    sleeper.destroy();
    await until(() => house.policy.closes.length === 1);
    writer.publish("a", "4", { qos: 1, messageId: 1 });
    await writer.quiet();
    const back = await house.connect("sleeper", { version, connect: keep });
    const again = [];
    for (let i = 0; i < 4; i++) again.push(await back.take("publish"));
    assert.deepEqual(payloads(again), ["0", "2", "3", "4"]);
    assert.deepEqual(
      again.map(({ dup }) => dup),
      [true, true, true, false],
    );
    assert.deepEqual(
      again.slice(0, 3).map(({ messageId }) => messageId),
      [first[0], first[2], first[3]].map((one) => one?.messageId),
    );
    assert.equal(new Set(again.map(({ messageId }) => messageId)).size, 4);
    for (const one of again) acknowledge(back, one);
    await leave(back);
    const third = await house.connect("sleeper", { version, connect: keep });
    assert.deepEqual(await third.quiet(), []);
  });

  test(`[MQTT-3.1.2-4] [MQTT-3.1.4-4] 3.1.1 [MQTT-3.1.2-6] [MQTT-3.1.4-3] a clean start forgets what was before, version ${version}`, async () => {
    await using house = await House.open();
    const sleeper = await house.connect("sleeper", { version, connect: keep });
    sleeper.subscribe(1, "a", 1);
    await sleeper.take("suback");
    await leave(sleeper);
    const writer = await house.connect("writer");
    writer.publish("a", "lost", { qos: 1, messageId: 1 });
    await writer.quiet();
    const fresh = await house.connect("sleeper", { version });
    assert.equal(fresh.connack?.sessionPresent, false);
    writer.publish("a", "lost", { qos: 1, messageId: 1 });
    await writer.quiet();
    assert.deepEqual(await fresh.quiet(), []);
    assert.equal(house.broker.statistics.subscriptions, 0);
    assert.equal(house.broker.statistics.queued, 0);
  });
}

test("[MQTT-3.1.2-23] [MQTT-4.1.0-2] a session ends with its connection when its expiry is zero, else when that has passed", async () => {
  await using house = await House.open();
  const zero = await house.connect("zero", { version: 5, connect: { clean: false } });
  await leave(zero);
  assert.equal(house.broker.statistics.sessions, 0);
  const keep = { clean: false, properties: { sessionExpiryInterval: 50 } };
  await leave(await house.connect("fifty", { version: 5, connect: keep }));
  house.time.move(49_999);
  const back = await house.connect("fifty", { version: 5, connect: keep });
  assert.equal(back.connack?.sessionPresent, true);
  house.time.move(100_000);
  assert.deepEqual(await back.quiet(), []);
  await leave(back);
  house.time.move(50_000);
  assert.equal(house.broker.statistics.sessions, 0);
});

test("a session of 3.1.1, or of the longest expiry, does not end by itself", async () => {
  await using house = await House.open();
  await leave(await house.connect("four", { connect: { clean: false } }));
  await leave(
    await house.connect("five", { version: 5, connect: { properties: { sessionExpiryInterval: 0xffffffff } } }),
  );
  house.time.move(500 * 365 * 86_400_000);
  assert.equal(house.broker.statistics.sessions, 2);
});

test("the broker's own limit shortens a session's life, and MQTT 5 is told", async () => {
  await using house = await House.open({ limits: { sessionExpirySeconds: 60 } });
  const five = await house.connect("five", { version: 5, connect: { properties: { sessionExpiryInterval: 3600 } } });
  assert.equal(five.connack?.properties?.["sessionExpiryInterval"], 60);
  const four = await house.connect("four", { connect: { clean: false } });
  await Promise.all([leave(five), leave(four)]);
  house.time.move(60_000);
  assert.equal(house.broker.statistics.sessions, 0);
});

test("a DISCONNECT may change the expiry, but not from zero", async () => {
  await using house = await House.open();
  const longer = await house.connect("longer", { version: 5, connect: { properties: { sessionExpiryInterval: 10 } } });
  longer.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
  await longer.closed();
  assert.equal(house.broker.statistics.sessions, 0);
  const zero = await house.connect("zero", { version: 5 });
  zero.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 10 } });
  assert.equal((await zero.closed())[0]?.reasonCode, 0x82);
});

test("[MQTT-3.3.4-9] [MQTT-3.3.4-10] [MQTT-4.4.0-2] [MQTT-4.9.0-1] [MQTT-4.9.0-2] [MQTT-4.9.0-3] no more messages are under way than the client's receive maximum", async () => {
  await using house = await House.open();
  const reader = await house.connect("reader", { version: 5, connect: { properties: { receiveMaximum: 2 } } });
  reader.subscribe(1, "a", 1);
  await reader.take("suback");
  const writer = await house.connect("writer");
  for (let i = 0; i < 5; i++) writer.publish("a", String(i), { qos: 1, messageId: 1 });
  writer.publish("a", "zero");
  await writer.quiet();
  const got = await reader.quiet();
  // [MQTT-3.3.4-10]: what needs no acknowledgement does not wait.
  assert.deepEqual(payloads(got), ["0", "1", "zero"]);
  if (got[0]) acknowledge(reader, got[0]);
  const [next, ...none] = await reader.quiet();
  assert.deepEqual([next?.payload.toString(), none.length], ["2", 0]);
  // An error acknowledges too.
  reader.send({ cmd: "puback", messageId: got[1]?.messageId, reasonCode: 0x80 });
  if (next) acknowledge(reader, next);
  assert.deepEqual(payloads(await reader.quiet()), ["3", "4"]);
});

test("a smaller receive maximum holds for what is sent again, too", async () => {
  await using house = await House.open();
  const keep = (receiveMaximum: number) => ({
    clean: false,
    properties: { sessionExpiryInterval: 100, receiveMaximum },
  });
  const sleeper = await house.connect("sleeper", { version: 5, connect: keep(10) });
  sleeper.subscribe(1, "a", 1);
  await sleeper.take("suback");
  const writer = await house.connect("writer");
  for (let i = 0; i < 4; i++) writer.publish("a", String(i), { qos: 1, messageId: 1 });
  for (let i = 0; i < 4; i++) await sleeper.take("publish");
  sleeper.destroy();
  await until(() => house.policy.closes.length === 1);
  const back = await house.connect("sleeper", { version: 5, connect: keep(1) });
  for (let i = 0; i < 4; i++) {
    const [one, ...others] = await back.quiet();
    assert.deepEqual([one?.payload.toString(), others.length], [String(i), 0]);
    if (one) acknowledge(back, one);
  }
  assert.deepEqual(await back.quiet(), []);
});

test("a session queue keeps the newest within its limits of messages and bytes, and counts what it gave up", async () => {
  await using house = await House.open({ limits: { sessionMessages: 3, sessionBytes: 3300 } });
  const sleeper = await house.connect("sleeper", { connect: { clean: false } });
  sleeper.subscribe(1, "a", 1);
  await sleeper.take("suback");
  await leave(sleeper);
  const writer = await house.connect("writer");
  for (let i = 0; i < 5; i++) writer.publish("a", String(i), { qos: 1, messageId: 1 });
  await writer.quiet();
  assert.deepEqual([house.broker.statistics.queued, house.broker.statistics.dropped.queueFull], [3, 2]);
  writer.publish("a", "x".repeat(2990), { qos: 1, messageId: 1 });
  writer.publish("a", "y".repeat(100), { qos: 1, messageId: 1 });
  writer.publish("a", "z".repeat(3100), { qos: 1, messageId: 1 });
  await writer.quiet();
  const back = await house.connect("sleeper", { connect: { clean: false } });
  assert.deepEqual(
    payloads(await back.quiet()).map((payload) => payload[0]),
    ["y"],
  );
  assert.equal(house.broker.statistics.queuedBytes, 0);
});

test("a message that waits counts with what it costs beside its bytes", async () => {
  await using house = await House.open({ limits: { sessionBytes: 3_000 } });
  const sleeper = await house.connect("sleeper", { connect: { clean: false } });
  sleeper.subscribe(1, "a", 1);
  await sleeper.take("suback");
  await leave(sleeper);
  for (let i = 0; i < 20; i++)
    house.broker.publish("space", { topic: "a", payload: Buffer.of(i), qos: 1, retain: false });
  assert.equal(house.broker.statistics.queued, 11);
});

test("one session too many of a principal ends the one that was away longest, and its will that waited goes out", async () => {
  await using house = await House.open({ limits: { sessionsPerPrincipal: 3 } });
  const properties = { sessionExpiryInterval: 1_000 };
  const kept = { version: 5, connect: { clean: false, properties } } as const;
  const will = { topic: "gone", payload: "x", qos: 0, retain: false, properties: { willDelayInterval: 900 } };
  const first = await house.connect("first", { version: 5, connect: { clean: false, properties, will } });
  const second = await house.connect("second", kept);
  const stays = await house.connect("stays", kept);
  stays.subscribe(1, "gone", 0);
  await stays.take("suback");
  await leave(second);
  house.time.move(1_000);
  first.send({ cmd: "disconnect", reasonCode: 4 });
  await first.closed();
  house.time.move(1_000);
  const other = await house.connect("second", { connect: { username: "other", clean: false } });
  await leave(other);

  const isThere = async (clientId: string, username?: string) => {
    const peer = await house.connect(clientId, { ...kept, connect: { ...kept.connect, username } });
    return peer.connack?.sessionPresent;
  };
  assert.equal(await isThere("fourth"), false);
  assert.deepEqual([house.broker.statistics.sessionsDisplaced, house.policy.displacements], [1, ["somebody"]]);
  assert.deepEqual(await stays.quiet(), []);
  assert.equal(await isThere("second"), false); // in place of the first
  assert.equal((await stays.take("publish")).topic, "gone");
  assert.equal(await isThere("second", "other"), true);
  assert.equal(house.broker.statistics.sessionsDisplaced, 2);
});

test("where as many sessions of a principal are connected as it may have, one more is refused, and told what to do", async () => {
  await using house = await House.open({ limits: { sessionsPerPrincipal: 1 } });
  house.policy.welcome = () => ({ maximumSessions: 2 });
  await leave(await house.connect("away", { connect: { clean: false } }));
  await house.connect("a");
  const last = await house.connect("b");
  const more = await house.visit({ version: 5 });
  more.connect({ clientId: "c" });
  const { reasonCode, properties } = await more.take("connack");
  assert.equal(reasonCode, 0x97);
  assert.match(String(properties?.["reasonString"]), /Disconnect one, or come with the client id of one of them\.$/);
  await house.connect("c", { connect: { username: "other" } });
  await leave(last);
  await house.connect("c");
  await house.connect("a");
});

test("a principal that may have fewer sessions than before, and has more of them connected, loses none that is away", async () => {
  await using house = await House.open();
  for (const clientId of ["a", "b"]) await house.connect(clientId);
  await leave(await house.connect("away", { connect: { clean: false } }));
  house.policy.welcome = () => ({ maximumSessions: 2 });
  const more = await house.visit({ version: 5 });
  more.connect({ clientId: "c" });
  assert.equal((await more.take("connack")).reasonCode, 0x97);
  const back = await house.connect("away", { connect: { clean: false } });
  assert.equal(back.connack?.sessionPresent, true);
});

test("a shared message waits for a member of a kept session when nobody is connected", async () => {
  await using house = await House.open();
  const sleeper = await house.connect("sleeper", { connect: { clean: false } });
  sleeper.subscribe(1, "$share/crew/a", 1);
  await sleeper.take("suback");
  await leave(sleeper);
  const writer = await house.connect("writer");
  writer.publish("a", "1", { qos: 1, messageId: 1 });
  await writer.quiet();
  const awake = await house.connect("awake");
  awake.subscribe(1, "$share/crew/a", 1);
  await awake.take("suback");
  writer.publish("a", "2", { qos: 1, messageId: 1 });
  await writer.quiet();
  assert.deepEqual(payloads(await awake.quiet()), ["2"]);
  const back = await house.connect("sleeper", { connect: { clean: false } });
  assert.deepEqual(payloads(await back.quiet()), ["1"]);
});

test("a shared message does not go to a session that ends in the same moment, where another waits", async () => {
  await using house = await House.open();
  const kept = (seconds: number) => ({ clean: false, properties: { sessionExpiryInterval: seconds } });
  const will = { topic: "a", payload: "gone", qos: 1 as const, retain: false, properties: { willDelayInterval: 50 } };
  const [teller, ending, staying] = [
    await house.connect("teller", { version: 5, connect: { ...kept(100), will } }),
    await house.connect("ending", { version: 5, connect: kept(50) }),
    await house.connect("staying", { version: 5, connect: kept(100) }),
  ];
  for (const member of [ending, staying]) {
    member.subscribe(1, "$share/crew/a", 1);
    await member.take("suback");
  }
  teller.destroy();
  await until(() => house.policy.closes.length === 1);
  await Promise.all([leave(ending), leave(staying)]);
  house.time.move(50_000);
  const back = await house.connect("staying", { version: 5, connect: kept(100) });
  assert.deepEqual(payloads(await back.quiet()), ["gone"]);
});

test("a session that comes back under other mounts hears what its filters mean now", async () => {
  await using house = await House.open();
  const mounted = (id: string) => ({ principal: "same", mounts: [{ prefix: "me/", target: `devices/${id}/` }] });
  house.policy.welcome = (asked) => (asked.clientId === "sleeper" ? mounted("1") : {});
  const sleeper = await house.connect("sleeper", { connect: { clean: false } });
  sleeper.subscribe(1, "me/x", 1);
  sleeper.subscribe(2, "$share/crew/me/y", 1);
  await sleeper.quiet();
  await leave(sleeper);
  house.policy.welcome = (asked) => (asked.clientId === "sleeper" ? mounted("2") : {});
  const back = await house.connect("sleeper", { connect: { clean: false } });
  const writer = await house.connect("writer");
  for (const id of ["1", "2"]) {
    for (const leaf of ["x", "y"]) writer.publish(`devices/${id}/${leaf}`, `${leaf}${id}`);
  }
  await writer.quiet();
  const got = await back.quiet();
  assert.deepEqual(
    got.map(({ topic, payload }) => `${topic} ${payload.toString()}`),
    ["me/x x2", "me/y y2"],
  );
});

test("what a connection did is counted and told when it closes", async () => {
  await using house = await House.open();
  const peer = await house.connect("a");
  peer.subscribe(1, "a", 0);
  peer.publish("a", "hello");
  await peer.quiet();
  await leave(peer);
  const [session] = house.policy.opens;
  assert.deepEqual(
    { ...session?.counters },
    { bytesIn: 15 + 8 + 10 + 2 + 2, bytesOut: 4 + 5 + 10 + 2, messagesIn: 1, messagesOut: 1 },
  );
  assert.deepEqual(house.policy.closes, [{ how: "client", code: 0, sessionKept: false }]);
});

test("a message that waited longer than a session lets it is dropped, and counted", async () => {
  await using house = await House.open({ limits: { sessionMessageSeconds: 60 } });
  const sleeper = await house.connect("sleeper", { connect: { clean: false } });
  sleeper.subscribe(1, "a", 1);
  await sleeper.take("suback");
  await leave(sleeper);
  const writer = await house.connect("writer");
  for (let i = 0; i < 3; i++) {
    writer.publish("a", String(i), { qos: 1, messageId: 1 });
    await writer.take("puback");
    house.time.move(30_000);
  }
  const back = await house.connect("sleeper", { connect: { clean: false } });
  assert.deepEqual(payloads(await back.quiet()), ["1", "2"]);
  assert.equal(house.broker.statistics.dropped.old, 1);
});

test("where a full session refuses its publishers, they are told 0x97, or hung up on in 3.1.1, and nobody gets the message", async () => {
  await using house = await House.open({
    limits: { sessionMessages: 2, sessionBytes: 3000, whenFull: "refusePublisher" },
  });
  const sleeper = await house.connect("sleeper", { connect: { clean: false } });
  sleeper.subscribe(1, "a", 1);
  await sleeper.take("suback");
  await leave(sleeper);
  const awake = await house.connect("awake");
  awake.subscribe(1, "a", 2);
  await awake.take("suback");
  const five = await house.connect("five", { version: 5 });
  five.publish("a", "x".repeat(4000), { qos: 1, messageId: 1 });
  assert.equal((await five.take("puback")).reasonCode, 0x97);
  for (const code of [0, 0, 0x97]) {
    five.publish("a", String(code), { qos: 2, messageId: 1 });
    assert.equal((await five.take("pubrec")).reasonCode, code);
    five.send({ cmd: "pubrel", messageId: 1 });
    await five.take("pubcomp");
  }
  const four = await house.connect("four");
  four.publish("a", "x", { qos: 1, messageId: 1 });
  assert.deepEqual(await four.closed(), []);
  assert.deepEqual(payloads(await awake.quiet()), ["0", "0"]);
  const { refusedQueueFull, dropped, queued } = house.broker.statistics;
  assert.deepEqual([refusedQueueFull, dropped.queueFull, queued], [3, 0, 2]);
  assert.equal(house.policy.refusals.length, 3);
  assert.deepEqual(payloads(await (await house.connect("sleeper", { connect: { clean: false } })).quiet()), ["0", "0"]);
});

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test, type TestContext } from "node:test";
import { House, until } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import type { Peer } from "./peer.fixture.ts";

const lasting = { clean: false, properties: { sessionExpiryInterval: 1000 } };
const kept = (version: 4 | 5 = 5) => ({ version, connect: version === 5 ? lasting : { clean: false } });

async function lose(house: House, peer: Peer): Promise<void> {
  const { length } = house.policy.closes;
  peer.destroy();
  await until(() => house.policy.closes.length > length);
}

async function onFull(t: TestContext, version: 4 | 5): Promise<void> {
  const log = new Log();
  const house = await House.open({ log });
  t.after(() => house[Symbol.asyncDispose]());
  const here = await house.connect("here", kept(version));
  here.subscribe(1, "a", 1);
  here.publish("twice", "2", { qos: 2, messageId: 9 });
  await here.quiet();
  for (const name of ["away", "given up"]) await lose(house, await house.connect(name, kept(version)));
  house.broker.publish("space", { topic: "a", payload: Buffer.from("1"), qos: 1, retain: false });
  const { messageId } = await here.take("publish");

  log.isFull = true;
  const { given } = log;
  for (const name of ["here", "away", "new"]) {
    const refused = await house.visit({ version });
    refused.connect({ clientId: name, ...kept(version).connect });
    const { reasonCode, returnCode, properties } = await refused.take("connack");
    const told = version === 5 ? [0x97, "The disk is full."] : [3, undefined];
    assert.deepEqual([reasonCode ?? returnCode, properties?.["reasonString"]], told);
  }
  const wanted = ["b", "a"].map((topic) => ({ topic, qos: 0 }));
  here.send({ cmd: "subscribe", messageId: 2, subscriptions: wanted });
  const { granted } = await here.take("suback");
  assert.deepEqual(granted, version === 5 ? [0x97, 0x97] : [0x80, 0x80]);
  house.broker.publish("space", { topic: "a", payload: Buffer.from("2"), qos: 1, retain: true });
  house.time.move(1_000);
  assert.equal(log.given, given);
  const { sessions, subscriptions, retained, publishesNotKept } = house.broker.statistics;
  assert.deepEqual([sessions, subscriptions, retained, publishesNotKept], [3, 1, 0, 1]);

  here.send({ cmd: "pubrel", messageId: 9 });
  await here.take("pubcomp");
  here.send({ cmd: "puback", messageId });
  await house.connect("given up", { version });
  const passing = await house.connect("passing", { version });
  passing.subscribe(1, "a", 1);
  assert.deepEqual((await passing.take("suback")).granted, [1]);
  await lose(house, here);
  house.time.move(1_000);
  log.room = 0;

  const after = log.afterCrash();
  await using again = await House.open({ log: after });
  assert.deepEqual(
    again.policy.revived.map(({ clientId }) => clientId),
    ["away", "here"],
  );
  const back = await again.connect("here", kept(version));
  back.subscribe(2, "b", 1);
  assert.deepEqual(
    (await back.quiet()).map(({ cmd }) => cmd),
    ["suback"],
    "what was acknowledged is not owed again",
  );
  back.publish("twice", "3", { qos: 2, messageId: 9 });
  await back.quiet();
  assert.equal(again.policy.accepted.length, 1, "its id was free");
}

test("with MQTT 5 what would last is refused on a full log and nothing is written of it, what ends is kept, and then all goes on", (t) =>
  onFull(t, 5));

test("with MQTT 3.1.1 what would last is refused on a full log and nothing is written of it, what ends is kept, and then all goes on", (t) =>
  onFull(t, 4));

test("what is retained is looked for, for a session that lasts, when the log has room", async () => {
  const log = new Log();
  await using house = await House.open({ log });
  for (let n = 0; n < 300; n++) {
    house.broker.publish("space", { topic: `t/${n}`, payload: Buffer.from("x"), qos: 1, retain: true });
  }
  const lasts = await house.connect("lasts", kept());
  log.isPrompt = false;
  lasts.subscribe(1, "t/#", 1);
  await until(() => log.waiting === 1);
  log.isFull = true;
  log.commit();
  log.isPrompt = true;
  const { given } = log;
  house.time.move(3_000);
  assert.deepEqual(
    (await lasts.quiet()).map(({ cmd }) => cmd),
    ["suback"],
  );
  assert.equal(log.given, given);
  const passes = await house.connect("passes", { version: 5 });
  passes.subscribe(1, "t/#", 1);
  await passes.take("suback");
  for (let n = 0; n < 300; n++) await passes.take("publish");
  log.isFull = false;
  house.time.move(1_000);
  for (let n = 0; n < 300; n++) await lasts.take("publish");
});

test("what was not kept in time is not said behind what is newer", async () => {
  const log = new Log();
  {
    await using house = await House.open({ log });
    const one = await house.connect("one", kept());
    log.isPrompt = false;
    one.subscribe(1, "a", 1);
    await until(() => log.waiting === 1);
    log.commit(1, 0x88);
    await one.closed();
    const again = await house.visit({ version: 5 });
    again.connect({ clientId: "one", ...lasting });
    await until(() => log.waiting === 2); // that it left, and is back
    log.commit();
    await again.take("connack");
    // That it is not subscribed to stands in a record of somebody else's, which is not kept; what is newer is.
    const other = await house.visit({ version: 5 });
    other.connect({ clientId: "other", ...lasting });
    await until(() => log.waiting === 1);
    again.subscribe(1, "a", 1);
    await until(() => log.waiting === 2);
    log.commit(1, 0x88);
    log.commit();
    await again.take("suback");
    log.isPrompt = true;
    house.time.move(2_000);
  }
  await using next = await House.open({ log: log.afterCrash() });
  assert.equal(next.broker.statistics.subscriptions, 1);
});

test("a SUBSCRIBE that was not kept leaves the one that it would have replaced as it was, in memory and in the log", async () => {
  const log = new Log();
  {
    await using house = await House.open({ log });
    const one = await house.connect("one", kept());
    one.subscribe(1, "a", 1);
    await one.take("suback");
    log.isPrompt = false;
    one.subscribe(2, "a", 0);
    await until(() => log.waiting === 1);
    for (const record of house.broker.snapshot("space")) log.append("space", record, () => {});
    log.commit(1, 0x88);
    log.isPrompt = true;
    log.commit();
    assert.equal((await one.closed()).at(-1)?.reasonCode, 0x89);
    house.broker.publish("space", { topic: "a", payload: Buffer.from("1"), qos: 1, retain: false });
    assert.equal(house.broker.statistics.queued, 1);
    house.time.move(1_000);
  }
  await using next = await House.open({ log: log.afterCrash() });
  next.broker.publish("space", { topic: "a", payload: Buffer.from("2"), qos: 1, retain: false });
  assert.equal(next.broker.statistics.queued, 2);
});

test("while records are not kept, what waits for the next is written again once a second, and not with each that comes", async () => {
  const log = new Log();
  {
    await using house = await House.open({ log });
    const one = await house.connect("one", kept());
    one.subscribe(1, "a", 1);
    await one.take("suback");
    log.isFailing = true;
    const refused = await house.visit({ version: 5 });
    refused.connect({ clientId: "refused", ...lasting });
    await refused.closed();
    for (let n = 0; n < 3_000; n++) {
      house.broker.offer("space", { topic: "a", payload: Buffer.from("x"), qos: 1, retain: false }).settle(0);
    }
    const first = house.broker.offer("space", { topic: "a", payload: Buffer.from("x"), qos: 1, retain: false });
    log.isFailing = false;
    log.append("space", first.record ?? Buffer.of(), (code) => first.settle(code));
    log.isFailing = true;
    for (let taken = 0; taken < 3_001;) {
      const packets = await one.quiet();
      for (const { messageId } of packets) one.send({ cmd: "puback", messageId });
      taken += packets.length;
    }
    await one.quiet();
    const { given } = log;
    for (let n = 0; n < 30; n++) {
      const another = await house.visit({ version: 5 });
      another.connect({ clientId: `c${n}`, ...lasting });
      assert.equal((await another.take("connack")).reasonCode, 0x88);
    }
    assert.ok(log.given - given < 30 * 100, `${log.given - given} bytes`);
    house.time.move(10_000);
    assert.ok(log.given - given < 11 * 12_000, `${log.given - given} bytes after ten seconds`);
    log.isFailing = false;
    house.time.move(1_000);
  }
  await using next = await House.open({ log: log.afterCrash() });
  const back = await next.connect("one", kept());
  assert.deepEqual(await back.quiet(), []);
});

test("[MQTT-3.1.2-23] a kept session that is taken up to end with its connection is over in the log before its client hears of it, also when the log was failing", async (t) => {
  const log = new Log();
  const house = await House.open({ log });
  t.after(() => house[Symbol.asyncDispose]());
  await lose(house, await house.connect("one", kept()));
  log.isFailing = true;
  const failing = await house.visit({ version: 5 });
  failing.connect({ clientId: "other", ...lasting });
  await failing.closed();
  log.isFailing = false;
  log.isPrompt = false;
  const back = await house.visit({ version: 5 });
  back.connect({ clientId: "one", clean: false });
  await until(() => log.waiting === 1);
  assert.equal(back.arrived, 0);
  log.commit();
  assert.equal((await back.take("connack")).sessionPresent, true);
  await using next = await House.open({ log: log.afterCrash() });
  assert.equal(next.broker.statistics.sessions, 0);
});

test("who comes anew is told so when the end of the session before is kept, also where that was under way already", async (t) => {
  const log = new Log();
  const house = await House.open({ log });
  t.after(() => house[Symbol.asyncDispose]());
  const before = await house.connect("one", kept());
  log.isPrompt = false;
  before.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
  await before.closed();
  house.time.move(1_000);
  assert.equal(log.waiting, 1);
  const anew = await house.visit({ version: 5 });
  anew.connect({ clientId: "one", clean: false });
  await until(() => log.waiting === 2);
  assert.equal(anew.arrived, 0);
  log.commit();
  assert.equal((await anew.take("connack")).sessionPresent, false);
  await using next = await House.open({ log: log.afterCrash() });
  assert.equal(next.broker.statistics.sessions, 0);
});

test("a message whose record cannot be made is owed to nobody", async (t) => {
  const log = new Log();
  const limits = { whenFull: "refusePublisher", sessionMessages: 1 } as const;
  await using house = await House.open({ log, limits });
  const one = await house.connect("one", kept());
  one.subscribe(1, "a", 1);
  await one.take("suback");
  await lose(house, one);
  const message = { topic: "a", payload: Buffer.alloc(200_000), qos: 1, retain: false } as const;
  const { allocUnsafe } = Buffer;
  let large = 0;
  // The frame is made, and then there is no memory for its record.
  const scarce = t.mock.method(Buffer, "allocUnsafe", (size: number) => {
    if (size > 100_000 && ++large === 2) throw new RangeError("Array buffer allocation failed");
    return allocUnsafe(size);
  });
  assert.throws(() => house.broker.offer("space", message), RangeError);
  scarce.mock.restore();
  assert.equal(house.broker.offer("space", message).code, -1, "it has the room that the first would have had");
});

test("a PUBREL or PUBREC that comes again while the first is being written down is not written down again, and each exchange ends once", async () => {
  const log = new Log();
  await using house = await House.open({ log });
  const reader = await house.connect("reader", kept());
  reader.subscribe(1, "a", 2);
  await reader.take("suback");
  const writer = await house.connect("writer", kept());
  writer.publish("a", "x", { qos: 2, messageId: 7 });
  await writer.take("pubrec");
  const { messageId } = await reader.take("publish");
  log.isPrompt = false;
  for (let i = 0; i < 100; i++) {
    writer.send({ cmd: "pubrel", messageId: 7 });
    reader.send({ cmd: "pubrec", messageId });
  }
  for (const peer of [writer, reader]) assert.deepEqual(await peer.quiet(), []);
  assert.equal(log.waiting, 2);
  // On another connection it is, so that it hears of it there.
  await lose(house, writer);
  await lose(house, reader);
  const [again, back] = [await house.visit({ version: 5 }), await house.visit({ version: 5 })];
  again.connect({ clientId: "writer", ...lasting });
  back.connect({ clientId: "reader", ...lasting });
  await until(() => log.waiting === 6); // who is gone, and who has come
  log.commit();
  log.isPrompt = true;
  await again.take("connack");
  again.send({ cmd: "pubrel", messageId: 7 });
  assert.equal((await again.take("pubcomp")).messageId, 7);
  await back.take("connack");
  const { cmd, messageId: released } = await back.next();
  assert.deepEqual([cmd, released], ["pubrel", messageId]);
  back.send({ cmd: "pubcomp", messageId });
  assert.deepEqual(await back.quiet(), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { deliveryCost } from "./backlog.ts";
import { House } from "./house.fixture.ts";
import type { Limits } from "./limits.ts";
import type { Peer, Received } from "./peer.fixture.ts";

const kept = { version: 5, connect: { clean: false, properties: { sessionExpiryInterval: 1_000 } } } as const;
const limits: Partial<Limits> = { spaceBytes: 100_000, sessionBytesFree: 10_000 };

/** A session that wants what is said of its own name, and of `all`; connected. */
async function reader(house: House, name: string, options: Record<string, unknown> = {}): Promise<Peer> {
  const { properties } = kept.connect;
  const peer = await house.connect(name, {
    ...kept,
    connect: { ...kept.connect, properties: { ...properties, ...options } },
  });
  for (const [at, topic] of [name, "all"].entries()) peer.subscribe(at + 1, topic, 1);
  await peer.quiet();
  return peer;
}

async function sleeper(house: House, name: string): Promise<void> {
  const peer = await reader(house, name);
  peer.send({ cmd: "disconnect", reasonCode: 0 });
  await peer.closed();
}

async function say(writer: Peer, topic: string, payload: string | Uint8Array): Promise<number | undefined> {
  writer.publish(topic, payload, { qos: 1, messageId: 1 });
  return (await writer.take("puback")).reasonCode;
}

const texts = (packets: readonly Received[]) => packets.map(({ payload }) => payload.toString().trim());

const wide = (text: string, length: number) => text.padEnd(length);

test("sessions share what their space may hold: who gets more gives up its oldest, and who has little loses nothing", async () => {
  await using house = await House.open({ limits });
  const { statistics } = house.broker;
  for (const name of ["greedy", "late", "modest"]) await sleeper(house, name);
  const writer = await house.connect("writer", { version: 5 });
  for (let i = 0; i < 12; i++) await say(writer, "greedy", wide(`${i}`, 10_000));
  const dropped = statistics.dropped.spaceFull;
  assert.ok(dropped === 3 && statistics.heldBytes <= 100_000, `${dropped} dropped`);
  // What it gave up would not be enough.
  await say(writer, "late", wide("small", 5_000));
  await say(writer, "late", wide("large", 50_000));
  assert.equal(statistics.dropped.spaceFull, 4);
  for (let i = 0; i < 8; i++) await say(writer, "modest", wide(`${i}`, 100));
  assert.equal(statistics.dropped.spaceFull, 4);
  assert.deepEqual(house.policy.fullSpaces, ["space"]);

  const heard = [];
  for (const name of ["greedy", "late", "modest"]) {
    const back = await house.connect(name, kept);
    const packets = await back.quiet();
    heard.push(texts(packets));
    for (const { messageId } of packets) back.send({ cmd: "puback", messageId });
    await back.quiet();
  }
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`);
  assert.deepEqual(heard, [numbers(3, 12), ["small"], numbers(0, 8)]);
  assert.deepEqual([statistics.heldBytes, statistics.queued, statistics.dropped.queueFull], [0, 0, 0]);
});

test("two spaces do not share what each may hold", async () => {
  await using house = await House.open({ limits });
  const { statistics } = house.broker;
  house.policy.welcome = ({ username }) => ({ space: username ?? "space" });
  await sleeper(house, "greedy");
  const writer = await house.connect("writer", { version: 5 });
  for (let i = 0; i < 9; i++) await say(writer, "greedy", wide(`${i}`, 10_000));
  const elsewhere = await house.connect("greedy", { ...kept, connect: { ...kept.connect, username: "elsewhere" } });
  elsewhere.subscribe(1, "greedy", 1);
  await elsewhere.take("suback");
  elsewhere.deafen();
  const other = await house.connect("writer", { version: 5, connect: { username: "elsewhere" } });
  for (let i = 0; i < 9; i++) await say(other, "greedy", wide(`${i}`, 10_000));
  assert.ok(statistics.heldBytes > 180_000);
  assert.equal(statistics.dropped.spaceFull, 0);
});

test("a message that many sessions wait for is held once", async () => {
  await using house = await House.open({ limits });
  const { statistics } = house.broker;
  for (let i = 0; i < 30; i++) await sleeper(house, `s${i}`);
  const writer = await house.connect("writer", { version: 5 });
  await say(writer, "all", wide("x", 50_000));
  assert.deepEqual([statistics.queued, statistics.dropped.spaceFull], [30, 0]);
  assert.ok(statistics.queuedBytes > 30 * 50_000);
  const { heldBytes } = statistics;
  assert.ok(heldBytes > 50_000 + 30 * deliveryCost && heldBytes < 52_000 + 30 * deliveryCost, `${heldBytes}`);
  house.broker.forget("space", "somebody");
  assert.equal(statistics.heldBytes, 0);
});

test("what others wait for as well frees little, and is not given up by the hundred for one message", async () => {
  await using house = await House.open({ limits: { ...limits, spaceBytes: 400_000 } });
  const { statistics } = house.broker;
  for (const name of ["one", "two"]) await sleeper(house, name);
  const writer = await house.connect("writer", { version: 5 });
  for (let i = 0; i < 100; i++) await say(writer, "all", "x");
  await sleeper(house, "greedy");
  while (statistics.dropped.spaceFull === 0) await say(writer, "greedy", wide("x", 1_000));
  const { queued } = statistics;
  await say(writer, "one", wide("large", 20_000));
  assert.deepEqual([statistics.queued, statistics.dropped.spaceFull], [queued, 2]);
  await say(writer, "one", wide("fits", 4_000));
  const dropped = statistics.dropped.spaceFull - 2;
  assert.ok(dropped > 5 && dropped < 25, `${dropped} given up`);
  assert.equal(statistics.queued, queued + 1 - dropped);
});

test("what is on its way to clients that acknowledge nothing counts, and what is taken back does not", async () => {
  await using house = await House.open({ limits });
  const { statistics } = house.broker;
  const deaf = await reader(house, "deaf");
  const prompt = await reader(house, "prompt");
  const writer = await house.connect("writer", { version: 5 });
  for (let i = 0; i < 12; i++) await say(writer, "deaf", wide(`${i}`, 10_000));
  assert.deepEqual([statistics.queued, statistics.dropped.spaceFull], [0, 3]);
  assert.equal((await deaf.quiet()).length, 9);
  // Another that has nothing under way is served as ever.
  for (let i = 0; i < 20; i++) {
    await say(writer, "prompt", wide(`${i}`, 5_000));
    const { messageId } = await prompt.take("publish");
    prompt.send({ cmd: "puback", messageId });
    await prompt.quiet();
  }
  assert.equal(statistics.dropped.spaceFull, 3);
  deaf.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
  await deaf.closed();
  assert.equal(statistics.heldBytes, 0);
  house.policy.settles = false;
  writer.publish("prompt", wide("x", 5_000), { qos: 1, messageId: 1 });
  await writer.quiet();
  assert.ok(statistics.heldBytes > 5_000);
  house.policy.accepted.at(-1)?.settle(0x97);
  await writer.take("puback");
  assert.equal(statistics.heldBytes, 0);
});

test("where a full session refuses its publishers, so does a full space, but for sessions that have little", async () => {
  await using house = await House.open({ limits: { ...limits, whenFull: "refusePublisher" } });
  const { statistics } = house.broker;
  for (const name of ["greedy", "modest"]) await sleeper(house, name);
  await reader(house, "here");
  const writer = await house.connect("writer", { version: 5 });
  const codes = [];
  for (let i = 0; i < 12; i++) codes.push(await say(writer, "greedy", wide(`${i}`, 10_000)));
  assert.deepEqual(codes.slice(7), [0, 0, 0x97, 0x97, 0x97]);
  assert.equal(await say(writer, "modest", wide("x", 5_000)), 0);
  assert.equal(await say(writer, "modest", wide("x", 5_000)), 0x97);
  assert.equal(await say(writer, "here", wide("x", 5_000)), 0);
  assert.equal(await say(writer, "here", wide("x", 20_000)), 0x97);
  assert.deepEqual([statistics.refusedQueueFull, statistics.dropped.spaceFull], [5, 0]);
});

test("a will counts as long as it waits, and a large one is refused where the space is full", async () => {
  await using house = await House.open({ limits });
  const { statistics } = house.broker;
  const come = async (clientId: string, length: number) => {
    const peer = await house.visit({ version: 5 });
    peer.connect({ clientId, will: { topic: "will", payload: wide("x", length), qos: 0, retain: false } });
    return { peer, code: (await peer.take("connack")).reasonCode };
  };
  const [first] = [await come("a", 60_000), await come("d", 30_000)];
  const second = await come("b", 20_000);
  assert.deepEqual([first.code, second.code, (await come("c", 5_000)).code], [0, 0x97, 0]);
  assert.deepEqual(house.policy.refusals, [{ what: "will", topic: "will", code: 0x97 }]);
  first.peer.send({ cmd: "disconnect", reasonCode: 0 });
  await first.peer.closed();
  assert.ok(statistics.heldBytes < 40_000);
  assert.equal((await come("b", 20_000)).code, 0);
  house.broker.forget("space", "somebody");
  assert.equal(statistics.heldBytes, 0);
});

test("whoever looks after the broker is told that a space is full, and again only after half of it was free", async () => {
  await using house = await House.open({ limits });
  await sleeper(house, "greedy");
  const writer = await house.connect("writer", { version: 5 });
  for (let i = 0; i < 30; i++) await say(writer, "greedy", wide(`${i}`, 10_000));
  assert.deepEqual(house.policy.fullSpaces, ["space"]);
  const back = await house.connect("greedy", kept);
  for (const { messageId } of await back.quiet()) back.send({ cmd: "puback", messageId });
  await back.quiet();
  back.send({ cmd: "disconnect", reasonCode: 0 });
  await back.closed();
  for (let i = 0; i < 30; i++) await say(writer, "greedy", wide(`${i}`, 10_000));
  assert.deepEqual(house.policy.fullSpaces, ["space", "space"]);
});

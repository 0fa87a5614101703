import assert from "node:assert/strict";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";
import type { Limits } from "./limits.ts";
import type { Peer } from "./peer.fixture.ts";

const limits: Partial<Limits> = {
  unreadBytes: 1 << 20,
  unacknowledged: 60_000,
  inFlight: 60_000,
  sessionMessages: 60_000,
  sessionBytes: 1 << 28,
};
const size = 100_000;
const deafOnes = 8;

async function reader(house: House, name: string, qos: 0 | 1 | 2): Promise<Peer> {
  const peer = await house.connect(name, { version: 5 });
  peer.subscribe(1, "news", qos);
  await peer.take("suback");
  return peer;
}

async function deafReaders(house: House, qos: 0 | 1 | 2): Promise<Peer[]> {
  const peers = await Promise.all(Array.from({ length: deafOnes }, (_, i) => reader(house, `deaf-${i}`, qos)));
  for (const peer of peers) peer.deafen();
  return peers;
}

/** Numbers that messages begin with, so that their order is seen. */
const news = (at: number) => String(at).padEnd(size);
const numberOf = ({ payload }: { payload: Buffer }) => Number(payload.toString());

/** Publishes until the sockets of the deaf ones have been full for long, and takes each from those who read. */
async function publishMuch(house: House, qos: 0 | 1, readers: readonly Peer[]): Promise<number> {
  const writer = await house.connect("writer", { version: 5 });
  const { statistics } = house.broker;
  let sent = 0;
  for (let rest = 20; rest > 0; sent++) {
    if (statistics.unreadBytes > 1 << 20) rest--;
    writer.publish("news", news(sent), { qos, messageId: 1 });
    await writer.quiet();
    for (const peer of readers) {
      const got = await peer.take("publish");
      assert.equal(numberOf(got), sent);
      if (got.qos === 1) peer.send({ cmd: "puback", messageId: got.messageId });
    }
  }
  return sent;
}

/** What one turn adds to it, where each is sent one message in a turn. */
const mostUnread = (1 << 20) + deafOnes * size;

test("what clients do not read is bounded for all of a space: who is behind gets no more at QoS 0, who reads loses nothing, and who reads again is served again", async () => {
  await using house = await House.open({ limits });
  const { statistics } = house.broker;
  const deaf = await deafReaders(house, 0);
  const good = await reader(house, "good", 0);
  const sent = await publishMuch(house, 0, [good]);
  assert.ok(statistics.unreadBytes <= mostUnread, `${statistics.unreadBytes} unread`);
  assert.ok(statistics.dropped.slow >= 19 * deafOnes);
  const [first, ...others] = deaf;
  assert.ok(first);
  first.listen();
  const before = (await first.quiet()).map(numberOf);
  assert.deepEqual(
    before,
    before.map((_, i) => i),
  );
  assert.ok(before.length < sent);
  await publishMuch(house, 0, [good].concat());
  assert.ok((await first.quiet()).length >= 20);
  for (const peer of others) peer.destroy();
  await until(() => statistics.unreadBytes === 0);
  assert.equal(statistics.disconnectedSlow, 0);
});

test("at QoS 1 what is beyond waits in the sessions of those who do not read, and nothing is lost", async () => {
  await using house = await House.open({ limits });
  const { statistics } = house.broker;
  const deaf = await deafReaders(house, 1);
  const good = await reader(house, "good", 1);
  const sent = await publishMuch(house, 1, [good]);
  assert.ok(statistics.unreadBytes <= mostUnread, `${statistics.unreadBytes} unread`);
  assert.ok(statistics.queued >= 19 * deafOnes, `${statistics.queued} queued`);
  for (const peer of deaf) peer.listen();
  for (const peer of deaf) {
    for (let i = 0; i < sent; i++) {
      const got = await peer.take("publish");
      assert.equal(numberOf(got), i);
      peer.send({ cmd: "puback", messageId: got.messageId });
    }
    assert.deepEqual(await peer.quiet(), []);
  }
  const { dropped, unreadBytes, queued } = statistics;
  assert.deepEqual([dropped.slow, dropped.spaceFull, dropped.queueFull, unreadBytes, queued], [0, 0, 0, 0, 0]);
});

test("two spaces do not share what each may leave unread", async () => {
  await using house = await House.open({ limits: { ...limits, waiting: 200_000 } });
  const { statistics } = house.broker;
  house.policy.welcome = ({ clientId }) => ({ space: clientId.startsWith("other") ? "other" : "space" });
  await deafReaders(house, 0);
  await publishMuch(house, 0, []);
  const before = statistics.dropped.slow;
  const late = await reader(house, "other-deaf", 0);
  late.deafen();
  const writer = await house.connect("other-writer", { version: 5 });
  const unread = statistics.unreadBytes;
  while (statistics.unreadBytes < unread + 150_000) {
    writer.publish("news", news(0));
    await writer.quiet();
  }
  assert.equal(statistics.dropped.slow, before);
});

test("where a space has too much unread, whoever takes nothing at all for long is disconnected until it has not", async () => {
  await using house = await House.open({ limits });
  const { statistics } = house.broker;
  await deafReaders(house, 0);
  await publishMuch(house, 0, []);
  house.time.move(10_000);
  assert.equal(statistics.disconnectedSlow, 0);
  house.time.move(10_000);
  assert.ok(statistics.disconnectedSlow > 0 && statistics.disconnectedSlow < deafOnes);
  assert.ok(statistics.unreadBytes <= 1 << 20);
  assert.equal(house.policy.closes[0]?.how, "slow");
  const { disconnectedSlow } = statistics;
  house.time.move(60_000);
  assert.equal(statistics.disconnectedSlow, disconnectedSlow);
});

test("where a space has too much unread, whoever asks on and reads no answer is disconnected sooner", async () => {
  await using house = await House.open({
    limits: { ...limits, unreadBytes: 100_000, waiting: 50_000, packet: 50_000 },
  });
  const { statistics } = house.broker;
  const asking = await Promise.all(Array.from({ length: 4 }, (_, i) => house.connect(`asking-${i}`)));
  for (const peer of asking) peer.deafen();
  const questions = Buffer.concat(Array.from({ length: 5_000 }, () => Buffer.from([0xc0, 0])));
  let most = 0;
  for (const peer of asking) {
    while (!peer.isClosed && statistics.disconnectedSlow === 0) {
      peer.raw(questions);
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, statistics.unreadBytes);
    }
  }
  assert.equal(house.policy.closes[0]?.how, "slow");
  assert.ok(most < 1_000_000, `${most} unread`);
});

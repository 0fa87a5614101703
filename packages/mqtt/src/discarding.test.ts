import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import type { Peer, Received } from "./peer.fixture.ts";

// What somebody wants nobody to get any more: given up, and not written down again.
const kept = (version: 4 | 5) => ({
  version,
  connect: { clean: false, ...(version === 5 && { properties: { sessionExpiryInterval: 1000 } }) },
});
const said = (packets: readonly Received[]) =>
  packets.map(({ cmd, payload, messageId }) => (cmd === "publish" ? payload.toString() : `${cmd} ${messageId}`));
const isErased = (topic: string) => topic.startsWith("pump/");

async function lose(house: House, peer: Peer): Promise<void> {
  const { length } = house.policy.closes;
  peer.destroy();
  await until(() => house.policy.closes.length > length);
}

/** What stands in a picture that is taken now, and the next process, which has nothing but that. */
async function pictureOf(house: House): Promise<{ text: string; next: () => Promise<House> }> {
  const log = new Log([...house.broker.snapshot("space")]);
  const text = Buffer.concat(log.kept).toString("latin1");
  return { text, next: () => House.open({ log }) };
}

for (const version of [4, 5] as const) {
  test(`what waits for a session and what is retained is given up, others' is not, and a picture has nothing of it, version ${version}`, async () => {
    await using house = await House.open({ log: new Log() });
    const sleeper = await house.connect("sleeper", kept(version));
    sleeper.subscribe(1, "#", 2);
    await sleeper.quiet();
    await lose(house, sleeper);
    const writer = await house.connect("writer");
    writer.publish("pump/x", "secret 1", { qos: 1, messageId: 1 });
    writer.publish("fan/x", "other 1", { qos: 1, messageId: 2 });
    writer.publish("pump/x", "secret 2", { qos: 2, messageId: 3, retain: true });
    writer.publish("fan/x", "other 2", { qos: 1, messageId: 4, retain: true });
    await writer.quiet();
    const { queued, retained, heldBytes } = house.broker.statistics;
    assert.deepEqual([queued, retained], [4, 2]);

    assert.equal(await house.broker.discard("space", isErased, house.time.now()), 3);
    const after = house.broker.statistics;
    assert.deepEqual([after.queued, after.retained, after.discarded], [2, 1, 3]);
    assert.ok(after.heldBytes < heldBytes);
    writer.publish("pump/x", "measured since", { qos: 1, messageId: 5 });
    await writer.quiet();
    const { text, next } = await pictureOf(house);
    assert.ok(!text.includes("secret") && text.includes("other 1") && text.includes("measured since"));
    for (const now of [house, await next()]) {
      const back = await now.connect("sleeper", kept(version));
      assert.deepEqual(said(await back.quiet()), ["other 1", "other 2", "measured since"]);
      if (now !== house) await now[Symbol.asyncDispose]();
    }
  });

  test(`what was sent and not acknowledged is not sent again, and its exchange is ended, version ${version}`, async () => {
    await using house = await House.open({ log: new Log() });
    const sleeper = await house.connect("sleeper", kept(version));
    sleeper.subscribe(1, "#", 2);
    const writer = await house.connect("writer");
    await sleeper.quiet();
    for (const qos of [1, 2]) writer.publish("pump/x", `secret ${qos}`, { qos, messageId: qos });
    writer.publish("fan/x", "other", { qos: 1, messageId: 3 });
    const got = await sleeper.quiet();
    assert.deepEqual(said(got), ["secret 1", "secret 2", "other"]);
    const released = got[1]?.messageId;

    // While it is connected, nothing of it changes for the client.
    assert.equal(await house.broker.discard("space", isErased, house.time.now()), 2);
    const { text, next } = await pictureOf(house);
    assert.ok(!text.includes("secret"));
    const later = await next();
    const elsewhere = await later.connect("sleeper", kept(version));
    assert.deepEqual(said(await elsewhere.quiet()), [`pubrel ${released}`, "other"]);
    await later[Symbol.asyncDispose]();

    await lose(house, sleeper);
    const back = await house.connect("sleeper", kept(version));
    assert.deepEqual(said(await back.quiet()), [`pubrel ${released}`, "other"]);
    back.send({ cmd: "pubcomp", messageId: released });
    back.send({ cmd: "puback", messageId: got[2]?.messageId });
    await back.quiet();
    assert.equal(house.broker.statistics.heldBytes, 0);
  });
}

test("a client that is connected acknowledges what it had, and gets the next within its window", async () => {
  await using house = await House.open({ log: new Log() });
  const slow = await house.connect("slow", {
    version: 5,
    connect: { clean: false, properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } },
  });
  slow.subscribe(1, "#", 1);
  const writer = await house.connect("writer");
  await slow.quiet();
  writer.publish("pump/x", "secret 1", { qos: 1, messageId: 1 });
  writer.publish("pump/x", "secret 2", { qos: 1, messageId: 2 });
  writer.publish("fan/x", "other", { qos: 1, messageId: 3 });
  const [first, ...more] = await slow.quiet();
  assert.deepEqual([first?.payload.toString(), more.length], ["secret 1", 0]);
  assert.equal(await house.broker.discard("space", isErased, house.time.now()), 2);
  assert.deepEqual(await slow.quiet(), [], "its window is full until it acknowledges");
  slow.send({ cmd: "puback", messageId: first?.messageId });
  assert.deepEqual(said(await slow.quiet()), ["other"]);
});

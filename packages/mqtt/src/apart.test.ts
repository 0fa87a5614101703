import assert from "node:assert/strict";
import { test } from "node:test";
import { queryObjects } from "node:v8";
import { House } from "./house.fixture.ts";

// Node cuts small buffers out of a pool. Somebody else's turn is played by whoever uses that up.

/** More than a whole pool. */
function others(): void {
  for (let times = 0; times < 5; times++) Buffer.from("y".repeat(Buffer.poolSize / 4));
}

function held(): number {
  queryObjects(Object, { format: "count" }); // it collects garbage first
  return process.memoryUsage().arrayBuffers;
}

const each = 100;
/** A pool has 64 KiB. The clients' own library remembers a few, too. */
const mostEach = 16_384;

test("a connection holds the bytes of its will and of the topics it speaks of, and no pool of other people's", async () => {
  await using house = await House.open();
  others();
  const before = held();
  for (let i = 0; i < each; i++) {
    const will = { topic: `wills/${i}`, payload: "gone", qos: 1, retain: false };
    const peer = await house.connect(`client-${i}`, { version: 4, connect: { will, username: `${i}` } });
    others();
    peer.publish(`topics/${i}`, "x", { qos: 1, messageId: 1 });
    await peer.quiet();
    others();
  }
  const left = (held() - before) / each;
  assert.ok(left < mostEach, `${left.toFixed(0)} bytes of each`);
});

test("what is retained holds its own bytes alone, also when clients of the other version have got it", async () => {
  await using house = await House.open();
  const writer = await house.connect("writer", { version: 4 });
  const reader = await house.connect("reader", { version: 5 });
  reader.subscribe(1, "#", 0);
  await reader.quiet();
  others();
  const before = held();
  for (let i = 0; i < each; i++) {
    writer.publish(`r/${i}`, "x".repeat(100), { qos: 1, messageId: i + 1, retain: true });
    await writer.quiet();
    others();
  }
  assert.equal(house.broker.statistics.retained, each);
  const live = (held() - before) / each;
  assert.ok(live < mostEach, `${live.toFixed(0)} bytes of each`);

  for (let i = 0; i < each; i++) {
    reader.subscribe(i + 2, `r/${i}`, 0);
    await reader.quiet();
    others();
  }
  const found = (held() - before) / each;
  assert.ok(found < mostEach, `${found.toFixed(0)} bytes of each that was found`);
});

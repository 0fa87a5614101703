import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";
import { publicationOf } from "./publication.ts";

const message = { topic: "a/b", payload: Buffer.from("payload"), qos: 1, retain: true } as const;
const needs = { topic: "a/b", receivedAt: 0, since: 0, source: null };

test("a publication that is kept lets go of the chunk it came in", () => {
  const publication = publicationOf({ ...message, properties: { contentType: "t" } }, needs);
  const frame = Buffer.from(publication.bytes);
  const chunk = Buffer.concat([Buffer.alloc(1000), frame, Buffer.alloc(60_000)]);
  publication.bytes = chunk;
  publication.start += 1000;
  publication.propertiesStart += 1000;
  publication.propertiesEnd += 1000;
  publication.end += 1000;
  publication.detach();
  assert.equal(publication.bytes.buffer.byteLength, frame.length);
  assert.deepEqual(publication.bytes, frame);
  assert.equal(publication.payload.toString(), "payload");
  assert.deepEqual(publication.properties, { contentType: "t" });
});

test("what waits in a queue, in flight at a lost connection, or is retained, keeps no chunk", async () => {
  await using house = await House.open();
  const sleeper = await house.connect("sleeper", { connect: { clean: false } });
  sleeper.subscribe(1, "queue", 1);
  await sleeper.take("suback");
  sleeper.send({ cmd: "disconnect" });
  await sleeper.closed();
  const lost = await house.connect("lost", { connect: { clean: false } });
  lost.subscribe(1, "flight", 1);
  await lost.take("suback");
  const writer = await house.connect("writer");
  writer.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "pad", qos: 0 }] });
  // Corked together, so that they share a chunk with much else.
  const padding = "x".repeat(30_000);
  writer.publish("pad", padding);
  writer.publish("queue", "1", { qos: 1, messageId: 1 });
  writer.publish("flight", "2", { qos: 1, messageId: 2 });
  writer.publish("kept", "3", { qos: 0, retain: true });
  writer.publish("pad", padding);
  await writer.quiet();
  await lost.take("publish");
  lost.destroy();
  await until(() => house.policy.closes.length === 2);
  const sizes = house.policy.accepted
    .filter(({ topic }) => topic !== "pad")
    .map(({ topic, bytes }) => [topic, bytes.buffer.byteLength < 10_000]);
  assert.deepEqual(sizes, [
    ["queue", true],
    ["flight", true],
    ["kept", true],
  ]);
});

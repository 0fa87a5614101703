import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as dial } from "node:net";
import { duplexPair, PassThrough, type Duplex } from "node:stream";
import { test } from "node:test";
import { connectBytes, framed, noProperties, text } from "./bytes.fixture.ts";
import { House, until } from "./house.fixture.ts";

/** What the broker answers to these bytes, until it has closed. */
async function answerTo(stream: Duplex, bytes: readonly number[], size: number): Promise<string> {
  const heard: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => heard.push(chunk));
  for (let at = 0; at < bytes.length; at += size) stream.write(Buffer.from(bytes.slice(at, at + size)));
  await once(stream, "end");
  stream.end();
  return Buffer.concat(heard).toString("hex");
}

test("[MQTT-4.2.0-1] 3.1.1 [MQTT-7.1.1-1] the same is said over TCP and over any other stream, whole or byte by byte", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    const none = noProperties(version);
    const bytes = [
      ...connectBytes(version, 2, ...text("a")),
      ...framed(0x82, 0, 1, ...none, ...text("a/+"), 1),
      ...framed(0x30, ...text("a/b"), ...none, 0x78),
      ...framed(0x32, ...text("a/c"), 0, 2, ...none, 0x79),
      ...framed(0xc0),
      ...framed(0xe0),
    ];
    const answers = [];
    for (const size of [bytes.length, 1]) {
      const socket = dial({ port: house.port, host: "127.0.0.1" });
      await once(socket, "connect");
      answers.push(await answerTo(socket, bytes, size));
      const [theirs, ours] = duplexPair();
      house.broker.accept(ours, { remoteAddress: "", secure: false, name: "pair" });
      answers.push(await answerTo(theirs, bytes, size));
    }
    assert.equal(new Set(answers).size, 1, answers.join("\n"));
    assert.ok(answers[0]?.endsWith("d000"));
  }
});

test("what was written to a stream stays as it is, for whoever reads it late or holds on to it", async () => {
  await using house = await House.open();
  const [theirs, ours] = duplexPair();
  // On its way it waits in another place, which says that it has taken what it was given.
  const late = new PassThrough({ highWaterMark: 1 << 20 });
  theirs.pipe(late);
  house.broker.accept(ours, { remoteAddress: "", secure: false, name: "pair" });
  theirs.write(Buffer.from([...connectBytes(4, 2, ...text("late")), ...framed(0x82, 0, 1, ...text("#"), 0)]));
  await until(() => house.broker.statistics.subscriptions === 1);
  const payloads = Array.from({ length: 100 }, (_, i) => String(100 + i));
  for (const payload of payloads) {
    house.broker.publish("space", { topic: "a", payload: Buffer.from(payload), qos: 0, retain: false });
    await new Promise((resolve) => setImmediate(resolve)); // each in a turn of its own
  }
  const answers = 4 + 5;
  await until(() => late.readableLength === answers + payloads.length * 8);
  const chunks: Buffer[] = [];
  late.on("data", (chunk: Buffer) => chunks.push(chunk));
  await until(() => late.readableLength === 0);
  theirs.destroy();
  ours.destroy();
  const bytes = Buffer.concat(chunks).subarray(answers);
  assert.deepEqual(
    payloads.map((_, i) => bytes.subarray(i * 8 + 5, i * 8 + 8).toString()),
    payloads,
  );
});

import assert from "node:assert/strict";
import { duplexPair, type Duplex } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { House, until } from "./house.fixture.ts";

/** A connection in memory. `pieces` are written one by one; what the broker says is parsed by mqtt-packet, which complains. */
async function talk(house: House, version: 4 | 5, pieces: readonly Uint8Array[]): Promise<void> {
  const [theirs, ours] = duplexPair();
  const parser = mqttPacket.parser({ protocolVersion: version });
  let complaint: Error | undefined;
  parser.on("error", (error: Error) => (complaint ??= error));
  theirs.on("data", (chunk: Buffer) => parser.parse(chunk));
  theirs.on("error", () => {});
  house.broker.accept(ours, { remoteAddress: "", secure: false, name: "pair" });
  for (const piece of pieces) {
    if (theirs.writable) theirs.write(piece);
  }
  await turn();
  await turn();
  theirs.destroy();
  ours.destroy();
  await closed(ours);
  if (complaint !== undefined) assert.fail(`The broker's answer cannot be read: ${complaint.message}`);
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function closed(stream: Duplex): Promise<void> {
  while (!stream.closed) await turn();
}

const connectPacket = (version: 4 | 5) =>
  mqttPacket.generate({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: version,
    clientId: "fuzz",
    clean: true,
    keepalive: 10,
    username: "u",
    password: Buffer.from("p"),
    will: { topic: "w", payload: Buffer.from("x"), qos: 1, retain: true },
  });

function packets(version: 4 | 5): Uint8Array[] {
  const properties = {
    userProperties: { a: "b" },
    contentType: "t",
    responseTopic: "r",
    messageExpiryInterval: 9,
    topicAlias: 1,
  };
  const all: mqttPacket.Packet[] = [
    { cmd: "publish", topic: "a/b", payload: Buffer.from("x"), qos: 0, dup: false, retain: true },
    {
      cmd: "publish",
      topic: "a/b",
      payload: Buffer.from("x"),
      qos: 1,
      dup: true,
      retain: false,
      messageId: 7,
      properties,
    },
    {
      cmd: "subscribe",
      messageId: 1,
      subscriptions: [
        { topic: "a/#", qos: 2 },
        { topic: "$share/g/+/b", qos: 0 },
      ],
    },
    { cmd: "unsubscribe", messageId: 2, unsubscriptions: ["a/#"] },
    { cmd: "publish", topic: "a/c", payload: Buffer.from("x"), qos: 2, dup: false, retain: false, messageId: 8 },
    { cmd: "puback", messageId: 1 },
    { cmd: "pubrec", messageId: 1 },
    { cmd: "pubrel", messageId: 8 },
    { cmd: "pubcomp", messageId: 1 },
    { cmd: "pingreq" },
    { cmd: "disconnect", reasonCode: 4 },
  ];
  return all.map((packet) => mqttPacket.generate(packet, { protocolVersion: version }));
}

const version = fc.constantFrom<4 | 5>(4, 5);

/** Cuts the bytes anywhere. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

test("random bytes never crash nor hang the broker", async () => {
  await using house = await House.open();
  const noise = fc.uint8Array({ maxLength: 200, size: "max" });
  await fc.assert(
    fc.asyncProperty(
      version,
      fc.boolean(),
      noise,
      fc.array(fc.nat(), { maxLength: 4 }),
      async (version, connected, bytes, places) => {
        const start = connected ? [connectPacket(version)] : [];
        await talk(house, version, [...start, ...cut(bytes, places)]);
      },
    ),
    { numRuns: 400 },
  );
  await alive(house);
});

test("valid packets, mutated and in pieces, never crash nor hang the broker", async () => {
  await using house = await House.open();
  const change = fc.record({
    packet: fc.nat(),
    at: fc.nat(),
    to: fc.nat({ max: 255 }),
    how: fc.constantFrom("set", "cut", "insert"),
  });
  await fc.assert(
    fc.asyncProperty(
      version,
      fc.array(change, { maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      async (version, changes, places) => {
        const sequence = [connectPacket(version), ...packets(version)].map((packet) => Buffer.from(packet));
        for (const { packet, at, to, how } of changes) {
          const index = packet % sequence.length;
          const bytes = sequence[index] ?? Buffer.alloc(0);
          const place = at % Math.max(1, bytes.length);
          if (how === "set") bytes[place] = to;
          else if (how === "cut") sequence[index] = bytes.subarray(0, place);
          else sequence[index] = Buffer.concat([bytes.subarray(0, place), Buffer.from([to]), bytes.subarray(place)]);
        }
        await talk(house, version, cut(Buffer.concat(sequence), places));
      },
    ),
    { numRuns: 600 },
  );
  await alive(house);
});

/** Nothing is left of all those, and the next one is served. */
async function alive(house: House): Promise<void> {
  await until(() => house.broker.statistics.connectionsOpen === 0);
  const { sessions, subscriptions, queued } = house.broker.statistics;
  assert.deepEqual({ subscriptions, queued }, { subscriptions: 0, queued: 0 });
  assert.ok(sessions <= 50, "kept sessions are those that a mutated CONNECT asked for");
  const peer = await house.connect("sound", { version: 5 });
  peer.subscribe(1, "sound", 1);
  peer.publish("sound", "still here", { qos: 1, messageId: 1 });
  assert.deepEqual((await peer.quiet()).map(({ cmd }) => cmd).sort(), ["puback", "publish", "suback"]);
}

import assert from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { after, test, type TestContext } from "node:test";
import mqttPacket from "mqtt-packet";
import { Peer } from "./peer.fixture.ts";

// Nothing that one client sends may make all others wait. Each thing is tried many times, in turns with a while of nothing, which tells
// what the machine itself does. Noise only ever adds: a stall of ours shows in every attempt, one of the machine's does not.
const rounds = 30;
const attempts = 3;
const mostMilliseconds = 20;
const timesTheFloor = 5;
/** What does not happen each time may be of the machine's caches and clock rate, and has as many times as much. */
const seldom = 3;

const child: ChildProcess = fork(path.join(import.meta.dirname, "stalls.fixture.ts"));
const answer = async (): Promise<Record<string, unknown>> => (await once(child, "message"))[0];
const { port } = (await answer()) as { port: number };
after(() => child.disconnect());

async function longest(): Promise<number> {
  child.send("longest?");
  const said = await answer();
  assert.equal(said["fault"], undefined);
  return Number(said["longest"]);
}

/** What the machine needs now for as many objects, in the mean: it may count in ticks of 4 ms. See the fixture. */
async function walked(): Promise<number> {
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    child.send("walk");
    sum += Number((await answer())["walked"]);
  }
  return sum / rounds;
}

/**
 * Where a hundred thousand objects, or that share of them, are looked at in one turn, and the machine is slow at that alone, it has as many times as
 * long.
 */
const atLeast = (t: TestContext, share: number) => async (): Promise<number> => {
  const floor = share * (await walked());
  t.diagnostic(`the machine itself ${floor.toFixed(1)} ms`);
  return Math.max(mostMilliseconds, timesTheFloor * floor);
};

async function connect(clientId: string): Promise<Peer> {
  const peer = await Peer.dial(port, { version: 5 });
  peer.connect({ clientId, properties: { maximumPacketSize: 5_000_000 } });
  await peer.take("connack");
  return peer;
}

const bytesOf = (packet: Record<string, unknown>) =>
  // mqtt-packet's types want one type for each packet.
  mqttPacket.generate(packet as unknown as mqttPacket.Packet, { protocolVersion: 5 });

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const last = (values: number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? 0;

/** Whether the loop stood still for longer while `act` went on than while nothing did. */
async function standsStill(act: () => Promise<void>, often = mostMilliseconds): Promise<string | undefined> {
  await act(); // whatever is compiled at the first time
  const [during, idle]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await longest();
    await act();
    during.push(await longest());
    await pause(20);
    idle.push(await longest());
  }
  for (const [share, most] of [
    [0.5, often],
    [0.99, seldom * often],
  ] as const) {
    const [ours, theirs] = [last(during, share), last(idle, share)];
    if (ours > theirs + most) return `${ours} ms, and ${theirs} ms when nothing happened, in ${share} of the turns`;
  }
  return undefined;
}

async function neverStandsStill(act: () => Promise<void>, often?: () => Promise<number>): Promise<void> {
  let found: string | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    found = await standsStill(act, await often?.());
    if (found === undefined) return;
  }
  assert.fail(`The loop stood still for ${found}.`);
}

test("a SUBSCRIBE and an UNSUBSCRIBE of a thousand long filters hold nobody up", async () => {
  const peer = await connect("subscriber");
  const filters = Array.from({ length: 1_000 }, (_, i) => `${"+/".repeat(100)}${"level".repeat(100)}/${i}`);
  const subscribe = bytesOf({
    cmd: "subscribe",
    messageId: 1,
    subscriptions: filters.map((topic) => ({ topic, qos: 1 })),
  });
  const unsubscribe = bytesOf({ cmd: "unsubscribe", messageId: 2, unsubscriptions: filters });
  await neverStandsStill(async () => {
    peer.raw(subscribe);
    await peer.take("suback");
    peer.raw(unsubscribe);
    await peer.take("unsuback");
  });
  peer.destroy();
});

test("a mebibyte of user properties, or as many as are taken, holds nobody up", async () => {
  const publish = (userProperties: Record<string, string[]>) =>
    bytesOf({
      cmd: "publish",
      topic: "a",
      payload: "",
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
      properties: { userProperties },
    });
  const many = publish({ n: Array.from({ length: 170_000 }, () => "") });
  const taken = publish({ ["n".repeat(60)]: Array.from({ length: 1_000 }, () => "v".repeat(60)) });
  assert.ok(many.length > 1_000_000 && many.length < 1 << 20);
  const reader = await connect("reader");
  reader.subscribe(1, "a", 0);
  await reader.take("suback");
  await neverStandsStill(async () => {
    const peer = await connect("bomber");
    peer.raw(taken);
    await peer.take("puback");
    await reader.take("publish");
    peer.raw(many);
    assert.equal((await peer.closed())[0]?.reasonCode, 0x97);
  });
  reader.destroy();
});

test("a payload of a mebibyte holds nobody up", async () => {
  const peer = await connect("large");
  peer.subscribe(1, "large", 0);
  await peer.take("suback");
  const publish = bytesOf({
    cmd: "publish",
    topic: "large",
    payload: Buffer.alloc((1 << 20) - 100),
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false,
  });
  await neverStandsStill(async () => {
    peer.raw(publish);
    for (const _ of [1, 2]) assert.match((await peer.next()).cmd, /^pu/);
  });
  peer.destroy();
});

test("a filter that matches a hundred thousand retained messages, or none of them, holds nobody up", async () => {
  const peer = await connect("collector");
  await neverStandsStill(async () => {
    peer.subscribe(1, "+/+/none", 0);
    await peer.take("suback");
    peer.subscribe(2, "kept/#", 0);
    await peer.take("suback");
    for (let i = 0; i < 100_000; i++) assert.equal((await peer.take("publish")).retain, true);
    peer.send({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["kept/#", "+/+/none"] });
    await peer.take("unsuback");
  });
  peer.destroy();
});

test("a topic of 128 levels holds nobody up where ten thousand filters with wildcards at every level match it", async () => {
  const peer = await connect("wild");
  const levels = (i: number) => Array.from({ length: 128 }, (_, level) => (level > 13 || (i >> level) & 1 ? "+" : "a"));
  const filters = Array.from({ length: 10_000 }, (_, i) => levels(i).join("/"));
  for (let i = 0; i < filters.length; i += 1_000) {
    const subscriptions = filters.slice(i, i + 1_000).map((topic) => ({ topic, qos: 0 }));
    peer.send({ cmd: "subscribe", messageId: i + 1, subscriptions });
    await peer.take("suback");
  }
  const other = await connect("other");
  const topic = Array.from({ length: 128 }, () => "a").join("/");
  await neverStandsStill(async () => {
    // Another subscription in the space: what was found out about the topic is forgotten.
    other.subscribe(1, "something/else", 0);
    await other.take("suback");
    other.publish(topic, "x");
    assert.equal((await peer.take("publish")).topic, topic);
  });
  peer.destroy();
  other.destroy();
});

test("fifty thousand filters of five clients that all match, each with an identifier, hold nobody up", async (t) => {
  const levels = (i: number) => Array.from({ length: 14 }, (_, level) => ((i >> level) & 1 ? "+" : "a"));
  const filters = Array.from({ length: 10_000 }, (_, i) => levels(i).join("/"));
  const greedy = await Promise.all(Array.from({ length: 5 }, (_, at) => connect(`greedy-${at}`)));
  for (const peer of greedy) {
    for (let i = 0; i < filters.length; i += 1_000) {
      const subscriptions = filters.slice(i, i + 1_000).map((topic) => ({ topic, qos: 0 }));
      const properties = { subscriptionIdentifier: i / 1_000 + 1 };
      peer.send({ cmd: "subscribe", messageId: i + 1, subscriptions, properties });
      const { granted } = await peer.take("suback");
      assert.ok(granted.every((code) => code === 0));
    }
  }
  const other = await connect("another");
  const topic = Array.from({ length: 14 }, () => "a").join("/");
  await neverStandsStill(
    async () => {
      other.subscribe(1, "something/else", 0);
      await other.take("suback");
      other.publish(topic, "x");
      for (const peer of greedy) assert.equal((await peer.take("publish")).topic, topic);
    },
    atLeast(t, 0.5),
  );
  for (const peer of [...greedy, other]) peer.destroy();
});

test("ten thousand kept sessions with ten filters each that all match one topic hold nobody up", async (t) => {
  const filters = Array.from({ length: 10 }, (_, i) =>
    Array.from({ length: 4 }, (_, level) => ((i >> level) & 1 ? "+" : "z")),
  );
  const subscriptions = filters.map((levels) => ({ topic: levels.join("/"), qos: 1 }));
  const properties = { sessionExpiryInterval: 3_600 };
  const stay = async (at: number) => {
    const peer = await Peer.dial(port, { version: 5 });
    peer.connect({ clientId: `away-${at}`, clean: false, properties });
    peer.send({ cmd: "subscribe", messageId: 1, subscriptions });
    peer.send({ cmd: "disconnect", reasonCode: 0 });
    await peer.closed();
  };
  for (let at = 0; at < 10_000; at += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => stay(at + i)));
  const other = await connect("crier");
  await neverStandsStill(
    async () => {
      other.subscribe(1, "something/else", 0);
      await other.take("suback");
      other.publish("z/z/z/z", "x", { qos: 1, messageId: 1 });
      await other.take("puback");
    },
    atLeast(t, 1),
  );
  other.destroy();
});

test("megabytes of the smallest packets there are hold nobody up", async () => {
  const topics = Array.from({ length: 5_000 }, (_, i) => `t/${i}`);
  const kinds: readonly Record<string, unknown>[][] = [
    [{ cmd: "pingreq" }],
    [{ cmd: "pubrel", messageId: 9 }],
    [{ cmd: "pubrec", messageId: 9 }],
    [{ cmd: "publish", topic: "a", payload: "", qos: 1, messageId: 1, dup: false, retain: false }],
    [{ cmd: "publish", topic: "a", payload: "", qos: 2, messageId: 1, dup: false, retain: false }],
    [{ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "a", qos: 0 }] }],
    [{ cmd: "unsubscribe", messageId: 1, unsubscriptions: ["a"] }],
    topics.map((topic) => ({ cmd: "publish", topic, payload: "", qos: 0, dup: false, retain: false })),
  ];
  for (const kind of kinds) {
    const some = Buffer.concat(kind.map(bytesOf));
    const many = Buffer.concat(Array.from({ length: Math.ceil((2 << 20) / some.length) }, () => some));
    await neverStandsStill(async () => {
      const peer = await connect("small");
      peer.raw(many);
      await pause(150);
      peer.destroy();
    });
  }
});

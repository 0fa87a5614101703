import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "./broker.ts";
import { House, TestPolicy, until } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import { decode, encode } from "./records.ts";
import type { Limits } from "./limits.ts";
import { MovedTime } from "./moved-time.fixture.ts";
import type { Peer, Received } from "./peer.fixture.ts";

const said = (packets: readonly Received[]) =>
  packets.map(({ cmd, payload, dup, messageId }) =>
    cmd === "publish" ? `${dup ? "again " : ""}${payload.toString()}` : `${cmd} ${messageId}`,
  );
const keep = (version: 4 | 5, more: Record<string, unknown> = {}) => ({
  version,
  connect: { clean: false, ...(version === 5 && { properties: { sessionExpiryInterval: 1000, ...more } }) },
});
const willOf = (more: Record<string, unknown> = {}) => ({
  topic: "will",
  payload: "died",
  qos: 1,
  retain: false,
  ...more,
});

/** Processes that follow one another on one log; each dies without a word when the next one starts. */
class Lives implements AsyncDisposable {
  house!: House; // `live` comes first
  log = new Log();

  static async begin(): Promise<Lives> {
    const lives = new Lives();
    await lives.next();
    return lives;
  }

  /** Between two lives nobody was there for so many milliseconds. */
  async next(options: { policy?: TestPolicy; limits?: Partial<Limits>; away?: number } = {}): Promise<House> {
    const { away = 0, ...others } = options;
    this.log.room = 0;
    const before = this.house as House | undefined; // not there the first time
    await before?.[Symbol.asyncDispose]();
    this.log = this.log.afterCrash();
    const time = before ? new MovedTime(before.time.now() + away) : new MovedTime();
    this.house = await House.open({ ...others, log: this.log, time });
    return this.house;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.house[Symbol.asyncDispose]();
  }
}

test("a message for those who are there is not sent again on the next connection of its session, nor after a restart, and goes to none where it waited", async () => {
  for (const version of [4, 5] as const) {
    await using lives = await Lives.begin();
    const come = (house: House) => house.connect("pump", keep(version, { receiveMaximum: 1 }));
    const peer = await come(lives.house);
    peer.subscribe(1, "a", 1);
    await peer.take("suback");
    const publish = (payload: string, more: { present?: { acknowledged(): void } } = {}) =>
      lives.house.broker.publish("space", {
        topic: "a",
        payload: Buffer.from(payload),
        qos: 1,
        retain: false,
        ...more,
      });
    const present = { acknowledged() {} };
    publish("sent to the connection", { present });
    publish("lasts");
    publish("behind it", { present });
    await peer.take("publish"); // and is never acknowledged
    peer.destroy();
    await until(() => lives.house.policy.closes.length === 1);
    const texts = async (again: Peer) => (await again.quiet()).map(({ payload }) => payload.toString());
    assert.deepEqual(await texts(await come(lives.house)), ["lasts"], `MQTT ${version}`);
    assert.deepEqual(await texts(await come(await lives.next())), ["lasts"], `MQTT ${version}, after a restart`);
  }
});

test("the largest properties that are taken are read again, though a response topic is longer in the log", async () => {
  await using lives = await Lives.begin();
  const welcome = () => ({ mounts: [{ prefix: "me/", target: `devices/${"7".repeat(100)}/` }] });
  lives.house.policy.welcome = welcome;
  const peer = await lives.house.connect("pump", { version: 5 });
  // 128 KiB: each pair has five bytes beside its name and value, the response topic three.
  const long = "x".repeat(65_000);
  const userProperties = { a: long, b: long, c: "x".repeat(128 * 1024 - 2 * 65_000 - 3 * 6 - 7) };
  const properties = { userProperties, responseTopic: "me/r" };
  peer.publish("me/x", "kept", { qos: 1, messageId: 1, retain: true, properties });
  assert.equal((await peer.take("puback")).reasonCode, 0);
  const policy = new TestPolicy();
  policy.welcome = welcome;
  const house = await lives.next({ policy });
  assert.equal(house.broker.statistics.retained, 1);
  const reader = await house.connect("reader", { version: 5 });
  reader.subscribe(1, "me/#", 1);
  await reader.take("suback");
  assert.equal((await reader.take("publish")).properties?.["responseTopic"], "me/r");
  assert.ok([...house.broker.snapshot("space")].length > 0);
});

test("a space that is unloaded is gone from memory without a word in its log, and is restored from that under another key", async () => {
  const log = new Log();
  await using house = await House.open({ log });
  house.policy.welcome = () => ({ space: "before", keepsake: "a ring" });
  const options = { clean: false, properties: { sessionExpiryInterval: 1000 }, will: willOf() };
  const sleeper = await house.connect("sleeper", { version: 5, connect: options });
  sleeper.subscribe(1, "a/#", 1);
  await sleeper.quiet();
  sleeper.publish("a/1", "kept", { qos: 1, messageId: 2, retain: true });
  await until(() => log.kept.length >= 3);
  const { length } = log.kept;
  house.broker.unload("before");
  await until(() => sleeper.isClosed);
  house.time.move(2_000); // what would be written late
  assert.equal(log.kept.length, length);
  const { sessions, subscriptions, retained, queued } = house.broker.statistics;
  assert.deepEqual([sessions, subscriptions, retained, queued], [0, 0, 0, 0]);

  const recalled: ReadonlySet<string>[] = [];
  house.policy.recall = async (_space, keepsakes) => void recalled.push(keepsakes);
  await house.broker.restore("after", log.kept);
  assert.deepEqual(recalled, [new Set(["a ring"])]);
  house.policy.welcome = () => ({ space: "after" });
  const back = await house.connect("sleeper", { version: 5, connect: options });
  assert.deepEqual(said(await back.quiet()), ["again kept"]);
  assert.deepEqual(
    [house.broker.statistics.sessions, house.broker.statistics.subscriptions, house.broker.statistics.retained],
    [1, 1, 1],
  );
});

async function lose(house: House, peer: Peer): Promise<void> {
  const { length } = house.policy.closes;
  peer.destroy();
  await until(() => house.policy.closes.length > length);
}

for (const version of [4, 5] as const) {
  test(`[MQTT-4.1.0-1] [MQTT-3.1.2-5] [MQTT-4.4.0-1] [MQTT-4.6.0-1] a kept session is there after a restart, with its subscriptions, what waits for it and what it has not acknowledged, version ${version}`, async () => {
    await using lives = await Lives.begin();
    let { house } = lives;
    const sleeper = await house.connect("sleeper", keep(version));
    sleeper.subscribe(1, "a/#", 2);
    sleeper.subscribe(2, "gone", 1);
    sleeper.send({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["gone"] });
    await sleeper.quiet();
    const writer = await house.connect("writer");
    for (const qos of [0, 1, 2]) writer.publish("a/1", `sent ${qos}`, { qos, messageId: 1 + qos });
    await writer.quiet();
    const got = await sleeper.quiet();
    await lose(house, sleeper);
    writer.publish("a/2", "waits", { qos: 1, messageId: 9 });
    writer.publish("a/2", "not kept");
    await writer.quiet();

    house = await lives.next();
    const back = await house.connect("sleeper", keep(version));
    assert.equal(back.connack?.sessionPresent, true);
    const again = await back.quiet();
    assert.deepEqual(said(again), ["again sent 1", "again sent 2", "waits"]);
    assert.deepEqual(
      again.slice(0, 2).map(({ messageId, qos }) => [messageId, qos]),
      got.slice(1).map(({ messageId, qos }) => [messageId, qos]),
    );
    const other = await house.connect("writer");
    for (const topic of ["gone", "a/3"]) other.publish(topic, "live");
    await other.quiet();
    assert.deepEqual(said(await back.quiet()), ["live"]);
    for (const { messageId, qos } of again) back.send({ cmd: qos === 2 ? "pubrec" : "puback", messageId });
    const [release] = await back.quiet();
    house.time.move(1_000); // what may be lost without harm is kept within a second

    house = await lives.next();
    const third = await house.connect("sleeper", keep(version));
    assert.deepEqual(said(await third.quiet()), [`pubrel ${release?.messageId}`]);
    third.send({ cmd: "pubcomp", messageId: release?.messageId });
    await third.quiet();
    house.time.move(1_000);

    house = await lives.next();
    assert.deepEqual(await (await house.connect("sleeper", keep(version))).quiet(), []);
  });

  test(`[MQTT-4.3.3-10] [MQTT-4.3.3-11] a message of QoS 2 that was taken is known after a restart, until its PUBREL was, version ${version}`, async () => {
    await using lives = await Lives.begin();
    let { house } = lives;
    let writer = await house.connect("writer", keep(version));
    for (const messageId of [1, 2]) writer.publish("nobody", "x", { qos: 2, messageId });
    writer.send({ cmd: "pubrel", messageId: 2 });
    assert.deepEqual(said(await writer.quiet()), ["pubrec 1", "pubrec 2", "pubcomp 2"]);

    house = await lives.next();
    writer = await house.connect("writer", keep(version));
    writer.publish("nobody", "x", { qos: 2, messageId: 1, dup: true });
    await writer.take("pubrec");
    assert.equal(house.policy.accepted.length, 0);
    writer.publish("nobody", "y", { qos: 2, messageId: 2 });
    await writer.take("pubrec");
    assert.equal(house.policy.accepted.length, 1);
  });
}

test("a kept session is answered once what it hears of is kept: CONNACK, SUBACK, UNSUBACK, PUBREC, PUBREL, PUBCOMP", async () => {
  await using lives = await Lives.begin();
  const { house, log } = lives;
  log.isPrompt = false;
  const peer = await house.visit({ version: 5 });
  const waits = async (say: () => void, answer: string) => {
    say();
    await until(() => log.waiting === 1);
    if (peer.connack) assert.deepEqual(await peer.quiet(), []);
    else assert.equal(peer.arrived, 0);
    log.commit();
    const got = await peer.take(answer);
    if (answer === "connack") peer.connack = got;
    return got;
  };
  await waits(() => peer.connect({ clientId: "a", ...keep(5).connect }), "connack");
  await waits(() => peer.subscribe(1, "a", 2), "suback");
  await waits(() => peer.publish("b", "x", { qos: 2, messageId: 1 }), "pubrec");
  await waits(() => peer.send({ cmd: "pubrel", messageId: 1 }), "pubcomp");
  const message = { topic: "a", payload: Buffer.from("x"), qos: 2, retain: false } as const;
  const { messageId } = await waits(() => house.broker.publish("space", message), "publish");
  await waits(() => peer.send({ cmd: "pubrec", messageId }), "pubrel");
  await waits(() => peer.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["a"] }), "unsuback");
});

test("what cannot be kept is not acknowledged: the client is turned away or hung up on, and comes again", async () => {
  await using lives = await Lives.begin();
  const { house, log } = lives;
  log.isPrompt = false;
  const refused = await house.visit({ version: 5 });
  refused.connect({ clientId: "a", ...keep(5).connect });
  await until(() => log.waiting === 1);
  log.commit(1, 0x88);
  assert.equal((await refused.take("connack")).reasonCode, 0x88);
  assert.equal(house.broker.statistics.sessions, 0);
  log.isPrompt = true;
  const attempts: ((peer: Peer) => void)[] = [
    (peer) => peer.subscribe(1, "b", 1),
    (peer) => peer.send({ cmd: "unsubscribe", messageId: 1, unsubscriptions: ["a"] }),
    (peer) => peer.send({ cmd: "pubrel", messageId: 1 }),
  ];
  for (const attempt of attempts) {
    const peer = await house.connect("a", keep(5));
    peer.subscribe(9, "a", 1);
    peer.publish("x", "x", { qos: 2, messageId: 1 });
    await peer.quiet();
    log.isPrompt = false;
    attempt(peer);
    await until(() => log.waiting === 1);
    log.commit(1, 0x88);
    assert.equal((await peer.closed()).at(-1)?.reasonCode, 0x89);
    log.isPrompt = true;
    log.commit();
  }
  assert.ok(house.broker.statistics.recordsNotKept >= 4);
  const last = await house.connect("a", keep(5));
  last.send({ cmd: "pubrel", messageId: 1 });
  assert.equal((await last.take("pubcomp")).reasonCode, 0);
  assert.equal(house.broker.statistics.subscriptions, 1, "the first, which was kept");
});

test("a PUBREL that could not be kept is said on the next connection", async () => {
  await using lives = await Lives.begin();
  const { house, log } = lives;
  const peer = await house.connect("a", keep(5));
  peer.subscribe(1, "a", 2);
  await peer.take("suback");
  house.broker.publish("space", { topic: "a", payload: Buffer.from("x"), qos: 2, retain: false });
  const { messageId } = await peer.take("publish");
  log.isPrompt = false;
  peer.send({ cmd: "pubrec", messageId });
  await until(() => log.waiting === 1);
  log.commit(1, 0x88);
  assert.equal((await peer.closed()).at(-1)?.reasonCode, 0x89);
  log.isPrompt = true;
  log.commit();
  assert.deepEqual(said(await (await house.connect("a", keep(5))).quiet()), [`pubrel ${messageId}`]);
});

test("[MQTT-3.1.2-4] what a clean start, an expiry of zero or the policy has ended does not come back", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  for (const name of ["clean", "zero", "resumed", "revoked"]) {
    const peer = await house.connect(name, keep(5));
    peer.subscribe(1, "a", 1);
    await peer.take("suback");
    if (name === "zero") peer.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    else peer.destroy();
    await until(() => house.broker.statistics.connectionsOpen === 0);
  }
  await house.connect("clean", { version: 5 });
  await house.connect("resumed", { version: 5, connect: { clean: false } });
  assert.equal(house.broker.statistics.subscriptions, 2);
  house.time.move(1_000);
  const policy = new TestPolicy();
  policy.revive = (_space, { clientId }) => {
    assert.equal(clientId, "revoked");
    return { end: 0x98 };
  };
  house = await lives.next({ policy });
  assert.equal(house.broker.statistics.sessions, 0);
  house.time.move(1_000);
  house = await lives.next();
  assert.deepEqual(house.policy.revived, []);
});

test("the end of the session before is kept before a clean start is answered", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  await lose(house, await house.connect("a", keep(5)));
  lives.log.isPrompt = false;
  const fresh = await house.visit({ version: 5 });
  fresh.connect({ clientId: "a" });
  await until(() => lives.log.waiting === 1);
  assert.equal(fresh.arrived, 0);
  lives.log.commit();
  assert.equal((await fresh.take("connack")).sessionPresent, false);
  house = await lives.next();
  assert.equal(house.broker.statistics.sessions, 0);
});

test("a session is revived with the words that its welcome left, and under the names that hold now", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  const mounted = (id: string) => [{ prefix: "me/", target: `devices/${id}/` }];
  house.policy.welcome = () => ({ principal: "pump", keepsake: "key 1", mounts: mounted("1") });
  const pump = await house.connect("c", keep(5));
  pump.subscribe(1, "me/x", 1, { properties: { subscriptionIdentifier: 7 } });
  pump.subscribe(2, "$share/crew/me/y", 1);
  await pump.quiet();
  house.policy.welcome = () => ({});
  const writer = await house.connect("writer");
  await lose(house, pump);
  writer.publish("devices/1/x", "old", { qos: 1, messageId: 1 });
  await writer.quiet();

  const policy = new TestPolicy();
  policy.revive = (space, { principal, clientId, keepsake }) => {
    assert.deepEqual([space, principal, clientId, keepsake], ["space", "pump", "c", "key 1"]);
    return { space, principal, gate: policy.gate, mounts: mounted("2"), context: { name: "revived" } };
  };
  house = await lives.next({ policy });
  for (const topic of ["devices/1/x", "devices/2/x", "devices/2/y"]) {
    house.broker.publish("space", { topic, payload: Buffer.from(topic), qos: 1, retain: false });
  }
  policy.welcome = () => ({ principal: "pump", mounts: mounted("2") });
  const got = await (await house.connect("c", keep(5))).quiet();
  assert.deepEqual(
    got.map(({ topic, payload, properties }) => [topic, String(payload), properties?.["subscriptionIdentifier"]]),
    [
      ["me/x", "old", 7],
      ["me/x", "devices/2/x", 7],
      ["me/y", "devices/2/y", undefined],
    ],
  );
});

test("a filter by a name that means nothing for a while is kept over a restart, and what its client takes back meanwhile is gone", async () => {
  await using lives = await Lives.begin();
  const naming = (...names: string[]) => ({
    mountsOnly: true,
    mounts: names.map((name) => ({ prefix: `${name}/`, target: `devices/${name}/` })),
  });
  const gate = () => lives.house.policy.gate;
  let { house } = lives;
  const begin = async (...names: string[]) => {
    const policy = new TestPolicy();
    policy.welcome = () => ({ principal: "hub", ...naming(...names) });
    policy.revive = (space, { principal }) => ({
      space,
      principal,
      gate: policy.gate,
      context: { name: "hub" },
      ...naming(...names),
    });
    house = await lives.next({ policy });
    return house.connect("hub", keep(5));
  };
  const hub = await begin("a", "b");
  for (const [at, name] of ["a", "b"].entries()) hub.subscribe(at + 1, `${name}/x`, 1);
  await hub.quiet();
  house.policy.renew = () => ({ gate: gate(), naming: naming() });
  house.policy.cell.epoch++;
  house.broker.recheck("space");
  hub.send({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["b/x"] });
  await hub.take("unsuback");
  const same = await begin();
  assert.equal(house.broker.statistics.subscriptions, 0);
  assert.ok([...house.broker.snapshot("space")].length > 0);
  await same.quiet();
  const again = await begin("a", "b");
  for (const name of ["a", "b"])
    house.broker.publish("space", { topic: `devices/${name}/x`, payload: Buffer.from(name), qos: 1, retain: false });
  assert.deepEqual(
    (await again.quiet()).map(({ topic }) => topic),
    ["a/x"],
  );
});

test("what waits after a restart is asked about before it is sent", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  const peer = await house.connect("a", keep(5));
  for (const topic of ["open", "secret"]) peer.subscribe(1, topic, 1);
  await peer.quiet();
  await lose(house, peer);
  for (const topic of ["secret", "open"]) {
    house.broker.publish("space", { topic, payload: Buffer.from(topic), qos: 1, retain: false });
  }
  house = await lives.next();
  house.policy.gate.receive = (topic) => topic !== "secret";
  assert.deepEqual(said(await (await house.connect("a", keep(5))).quiet()), ["open"]);
  assert.equal(house.broker.statistics.withheld, 1);
});

test("[MQTT-3.1.3-9] [MQTT-3.1.2-8] the will of a kept session outlives the process: it goes out after its delay, once, unless the client is back", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  const mortal = (name: string, willDelayInterval: number) =>
    house.connect(name, {
      version: 5,
      connect: { ...keep(5).connect, will: willOf({ payload: name, properties: { willDelayInterval } }) },
    });
  await mortal("at once", 0);
  await mortal("later", 60);
  await mortal("back", 60);
  (await mortal("goodbye", 0)).send({ cmd: "disconnect" });
  const long = await mortal("long gone", 500);
  await lose(house, long);
  await until(() => house.broker.statistics.connectionsOpen === 3);

  house = await lives.next({ away: 100_000 });
  const wills = () => house.policy.accepted.map(({ payload }) => String(payload)).sort();
  assert.deepEqual(wills(), [], "not in the turn of the restart");
  house.time.move(1);
  assert.deepEqual(wills(), ["at once"]);
  await mortal("back", 60);
  house.time.move(60_000);
  assert.deepEqual(wills(), ["at once", "later"]);
  house = await lives.next({ away: 300_000 });
  house.time.move(50_000);
  assert.deepEqual(wills(), ["long gone"]);
});

test("a broker that closes keeps the wills of kept sessions for its next start", async () => {
  const log = new Log();
  {
    await using house = await House.open({ log });
    await house.connect("kept", { version: 5, connect: { ...keep(5).connect, will: willOf() } });
    await house.connect("not kept", { connect: { will: willOf() } });
    await house.broker.close();
    assert.equal(house.broker.statistics.willsPublished, 0);
  }
  await using house = await House.open({ log: log.afterCrash() });
  house.time.move(0);
  assert.equal(house.broker.statistics.willsPublished, 1);
});

test("[MQTT-3.1.2-23] a session's life goes on while the process is down, from when its client left", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  await lose(house, await house.connect("away", keep(5)));
  house.time.move(600_000);
  await house.connect("here", keep(5));
  house = await lives.next({ away: 399_000 });
  assert.equal(house.broker.statistics.sessions, 2);
  house.time.move(1_000);
  assert.equal(house.broker.statistics.sessions, 1);
  // The other has been away since the first restart, not since the last.
  house = await lives.next({ away: 998_000 });
  assert.equal(house.broker.statistics.sessions, 1);
  house.time.move(1_000);
  assert.equal(house.broker.statistics.sessions, 0);
  house = await lives.next();
  assert.equal(house.broker.statistics.sessions, 0, "nobody's time begins anew");
});

test("nothing is written of a session that ends with its connection", async () => {
  await using lives = await Lives.begin();
  const { house, log } = lives;
  const peer = await house.connect("a", { version: 5, connect: { will: willOf() } });
  peer.subscribe(1, "#", 2);
  for (const qos of [1, 2]) peer.publish("a", "x", { qos, messageId: qos });
  peer.send({ cmd: "pubrel", messageId: 2 });
  for (const { cmd, messageId, qos } of await peer.quiet()) {
    if (cmd === "publish") peer.send({ cmd: qos === 2 ? "pubrec" : "puback", messageId });
  }
  await peer.quiet();
  await lose(house, peer);
  house.time.move(10_000);
  assert.equal(log.kept.length, 0);
});

test("[MQTT-3.3.1-5] [MQTT-3.3.1-6] what is retained is retained after a restart, of whatever QoS, and what was cleared is not", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  const writer = await house.connect("writer", { version: 5 });
  for (const [topic, payload, qos] of [
    ["zero", "0", 0],
    ["one", "old", 1],
    ["one", "1", 2],
    ["two", "2", 2],
    ["gone", "x", 1],
    ["gone", "", 0],
    ["short", "x", 1],
    ["long", "x", 1],
  ] as const) {
    const messageExpiryInterval = topic === "short" ? 10 : 100;
    const properties = { contentType: topic, ...(topic.length > 4 && { messageExpiryInterval }) };
    writer.publish(topic, payload, { qos, messageId: 1, retain: true, properties });
    if (qos === 2) writer.send({ cmd: "pubrel", messageId: 1 });
  }
  writer.publish("long", "x", { qos: 1, messageId: 1, retain: true, properties: { messageExpiryInterval: 100 } });
  await writer.quiet();
  house = await lives.next({ away: 20_000 });
  const reader = await house.connect("reader", { version: 5 });
  reader.subscribe(1, "#", 2);
  await reader.take("suback");
  const got = (await reader.quiet()).map(({ topic, payload, qos, retain, properties }) => [
    topic,
    String(payload),
    qos,
    retain,
    properties?.["messageExpiryInterval"],
  ]);
  assert.deepEqual(
    got.toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
    [
      ["long", "x", 1, true, 80],
      ["one", "1", 2, true, undefined],
      ["two", "2", 2, true, undefined],
      ["zero", "0", 0, true, undefined],
    ],
  );
});

test("a retained message that a kept session was sent is sent again after a restart", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  house.broker.publish("space", { topic: "a", payload: Buffer.from("x"), qos: 2, retain: true });
  const peer = await house.connect("a", keep(5));
  peer.subscribe(1, "a", 2);
  await peer.take("suback");
  const { messageId } = await peer.take("publish");
  house = await lives.next();
  const [again] = await (await house.connect("a", keep(5))).quiet();
  assert.deepEqual([again?.messageId, again?.dup, again?.retain], [messageId, true, true]);
});

test("many retained messages for a kept session are sent as they are kept, and those that were are there after a restart", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  const { log } = lives;
  for (let i = 0; i < 600; i++) {
    house.broker.publish("space", { topic: `a/${i}`, payload: Buffer.from("x"), qos: 1, retain: true });
  }
  const connect = keep(5, { receiveMaximum: 50 });
  const peer = await house.connect("a", connect);
  log.isPrompt = false;
  peer.subscribe(1, "a/#", 1);
  await until(() => log.waiting === 1);
  log.commit(1);
  await peer.take("suback");
  await until(() => log.waiting > 0);
  assert.deepEqual(await peer.quiet(), []);
  log.isPrompt = true;
  log.commit();
  const got = new Set<string>();
  while (got.size < 300) {
    const { topic, messageId } = await peer.take("publish");
    got.add(topic);
    peer.send({ cmd: "puback", messageId });
  }
  await peer.quiet();
  house.time.move(1_000);
  house = await lives.next();
  const back = await house.connect("a", connect);
  const next = await back.take("publish");
  assert.deepEqual([got.has(next.topic), next.retain, next.dup], [false, true, true]);
});

test("a message from within is delivered once it is kept, has a record where it must be found again, and is refused where there is no room", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  const message = { topic: "a", payload: Buffer.from("x"), qos: 1, retain: false } as const;
  assert.equal(house.broker.offer("space", message).record, undefined);
  const peer = await house.connect("a", keep(5));
  peer.subscribe(1, "a", 1);
  await peer.take("suback");
  await lose(house, peer);
  const kept = house.broker.offer("space", message);
  const refused = house.broker.offer("space", { ...message, payload: Buffer.from("refused") });
  assert.ok(kept.record && refused.record);
  lives.log.append("space", kept.record, (code) => kept.settle(code));
  refused.settle(0x97);
  house = await lives.next({ limits: { whenFull: "refusePublisher", sessionMessages: 1 } });
  assert.equal(house.broker.offer("space", message).code, 0x97);
  assert.deepEqual(said(await (await house.connect("a", keep(5))).quiet()), ["x"]);
  assert.equal(house.broker.offer("space", message).code, -1);
});

test("a snapshot is the whole state in records of a bounded size, and replaying it behind or in place of what was before is the same", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  const peer = await house.connect("a", {
    version: 5,
    connect: { ...keep(5).connect, will: willOf({ properties: { willDelayInterval: 5 } }) },
  });
  const filters = Array.from({ length: 900 }, (_, i) => ({ topic: `${"f".repeat(300)}/${i}`, qos: 1 }));
  peer.send({ cmd: "subscribe", messageId: 1, subscriptions: filters });
  peer.subscribe(2, "a/#", 2);
  await peer.quiet();
  peer.publish("taken", "x", { qos: 2, messageId: 5 });
  const message = { topic: "a/b", payload: Buffer.alloc(10_000, "x"), qos: 2, retain: false } as const;
  house.broker.publish("space", { ...message, payload: Buffer.from("first") });
  await peer.quiet();
  await lose(house, peer);
  for (let i = 0; i < 30; i++) house.broker.publish("space", { ...message, topic: `a/${i}`, retain: i % 2 === 0 });
  house.broker.publish("space", { ...message, topic: "a/0", payload: Buffer.alloc(0), retain: true });

  const records = [...house.broker.snapshot("space")];
  assert.ok(records.length > 5);
  for (const { length } of records) assert.ok(length < 65_536 + 11_000, `${length}`);
  const before = [...lives.log.kept];
  const seen = async () => {
    const { sessions, subscriptions, retained } = house.broker.statistics;
    const back = await house.connect("a", keep(5));
    const got = (await back.quiet()).map(({ cmd, topic, messageId, dup }) => [cmd, topic, messageId, dup]);
    back.publish("taken", "x", { qos: 2, messageId: 5, dup: true });
    await back.take("pubrec");
    return { sessions, subscriptions, retained, got, taken: house.policy.accepted.length };
  };
  const kept = [before, [...before, ...records], [...before, ...records.slice(0, 3)], records];
  const states = [];
  for (const log of kept) {
    lives.log.kept.splice(0, Infinity, ...log);
    house = await lives.next();
    states.push(await seen());
  }
  assert.equal(states[0]?.got.length, 32);
  for (const state of states.slice(1)) assert.deepEqual(state, states[0]);
});

test("[MQTT-3.8.3-3] whose a retained message is outlives the process, and a snapshot; where the log does not say it, everybody gets it", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  for (const clientId of ["mine", "theirs"]) {
    const peer = await house.connect(clientId, { version: 5 });
    peer.publish(clientId, "x", { qos: 1, messageId: 1, retain: true });
    await peer.take("puback");
  }
  const seen = async () => {
    house = await lives.next();
    const peer = await house.connect("mine", { version: 5 });
    peer.subscribe(1, "#", 0, { nl: true });
    await peer.take("suback");
    return (await peer.quiet()).map(({ topic }) => topic);
  };
  assert.deepEqual(await seen(), ["theirs"]);
  const records = [...house.broker.snapshot("space")];
  lives.log.kept.splice(0, Infinity, ...records);
  assert.deepEqual(await seen(), ["theirs"]);
  // As it was written before there was such an entry.
  const older = records.map((record) => encode([...decode(record)].filter(({ kind }) => kind !== "published")));
  lives.log.kept.splice(0, Infinity, ...older);
  assert.deepEqual((await seen()).toSorted(), ["mine", "theirs"]);
});

test("a session that ended for a newer one of its principal has ended after a restart, too", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  house.policy.welcome = () => ({ maximumSessions: 1 });
  for (const clientId of ["old", "young"]) {
    const peer = await house.connect(clientId, keep(5));
    peer.subscribe(1, "a", 1);
    await peer.take("suback");
    await lose(house, peer);
  }
  house.broker.publish("space", { topic: "a", payload: Buffer.from("x"), qos: 1, retain: false });
  house.time.move(1_000);
  house = await lives.next();
  assert.deepEqual([house.broker.statistics.sessions, house.broker.statistics.queued], [1, 1]);
  const back = await house.connect("old", keep(5));
  assert.equal(back.connack?.sessionPresent, false);
});

test("what is held for sessions counts after a restart, too", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  const will = willOf({ payload: "w".repeat(5_000), properties: { willDelayInterval: 900 } });
  const { connect } = keep(5);
  const peer = await house.connect("a", { version: 5, connect: { ...connect, will } });
  peer.subscribe(1, "a", 1);
  await peer.take("suback");
  house.broker.publish("space", { topic: "a", payload: Buffer.from("sent"), qos: 1, retain: false });
  await peer.take("publish");
  await lose(house, peer);
  house.broker.publish("space", { topic: "a", payload: Buffer.from("waits"), qos: 1, retain: false });
  const { heldBytes } = house.broker.statistics;
  assert.ok(heldBytes > 5_000);
  house = await lives.next();
  assert.equal(house.broker.statistics.heldBytes, heldBytes);
  const back = await house.connect("a", keep(5));
  for (const { messageId } of await back.quiet()) back.send({ cmd: "puback", messageId });
  await back.quiet();
  assert.equal(house.broker.statistics.heldBytes, 0);
});

test("what is found after a start is bounded as well: the newest that waited is there", async () => {
  await using lives = await Lives.begin();
  let { house } = lives;
  const peer = await house.connect("a", keep(5));
  peer.subscribe(1, "a", 1);
  await peer.take("suback");
  await lose(house, peer);
  const long = (text: string) => Buffer.from(text.padEnd(1_000));
  for (let i = 0; i < 20; i++) {
    house.broker.publish("space", { topic: "a", payload: long(`${i}`), qos: 1, retain: false });
  }
  house = await lives.next({ limits: { spaceBytes: 10_000, sessionBytesFree: 0 } });
  const { queued, heldBytes, dropped } = house.broker.statistics;
  assert.ok(queued > 2 && heldBytes <= 10_000, `${queued} in ${heldBytes}`);
  assert.equal(dropped.spaceFull, 20 - queued);
  const got = await (await house.connect("a", keep(5))).quiet();
  assert.deepEqual(
    got.map(({ payload }) => Number(payload)),
    Array.from({ length: queued }, (_, i) => 20 - queued + i),
  );
});

test("a journal needs a policy that can revive sessions", () => {
  const { revive: _missing, ...policy } = new TestPolicy();
  const accept = () => 0;
  const connect = async () => ({ turnedAway: 0x87 });
  const needs = { time: new MovedTime(), newClientId: () => "", reportFault: () => {}, journal: new Log() };
  assert.throws(() => new Broker({ ...needs, policy: { ...policy, accept, connect } }), TypeError);
});

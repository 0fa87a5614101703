import assert from "node:assert/strict";
import { test } from "node:test";
import { House, TestPolicy, until } from "./house.fixture.ts";
import type { TurnedAway } from "./policy.ts";

const codeOf = (packet: { reasonCode?: number; returnCode?: number }) => packet.reasonCode ?? packet.returnCode;
const text = (value: string) => [0, value.length, ...Buffer.from(value)];
const connect = (...body: number[]) => [0x10, body.length, ...body];
const four = (flags: number, ...rest: number[]) => connect(...text("MQTT"), 4, flags, 0, 0, ...rest);
const five = (flags: number, ...rest: number[]) => connect(...text("MQTT"), 5, flags, 0, 0, ...rest);

test("[MQTT-3.1.0-1] 3.1.1 [MQTT-3.1.0-1] whoever begins with another packet than CONNECT is hung up on at once", async () => {
  await using house = await House.open();
  for (const first of [[0xc0, 0], [0x30, 200], [0x82], [0x00], [0x11, 2], [0xf0, 0]]) {
    const peer = await house.visit();
    peer.raw(...first);
    assert.deepEqual(await peer.closed(), []);
  }
});

test("[MQTT-3.1.0-2] 3.1.1 [MQTT-3.1.0-2] a second CONNECT ends the connection", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    const peer = await house.connect("twice", { version });
    peer.connect({ clientId: "twice" });
    const last = await peer.closed();
    if (version === 5) assert.equal(last[0]?.reasonCode, 0x82);
    else assert.deepEqual(last, []);
  }
});

test("[MQTT-3.1.2-1] 3.1.1 [MQTT-3.1.2-1] another protocol name is hung up on", async () => {
  await using house = await House.open();
  const peer = await house.visit();
  peer.raw(...connect(...text("HTTP"), 4, 2, 0, 0, ...text("a")));
  assert.deepEqual(await peer.closed(), []);
});

test("[MQTT-3.1.2-2] 3.1.1 [MQTT-3.1.2-2] an unknown version is told so, in the form of the nearest one", async () => {
  await using house = await House.open();
  const old = await house.visit();
  old.raw(...connect(...text("MQIsdp"), 3, 2, 0, 0, ...text("a")));
  assert.equal(codeOf(await old.take("connack")), 1);
  await old.closed();
  const odd = await house.visit();
  odd.raw(...connect(...text("MQTT"), 3, 2, 0, 0, ...text("a")));
  assert.equal(codeOf(await odd.take("connack")), 1);
  await odd.closed();
  const next = await house.visit({ version: 5 });
  next.raw(...connect(...text("MQTT"), 6, 2, 0, 0, 0, ...text("a")));
  assert.equal(codeOf(await next.take("connack")), 0x84);
  await next.closed();
});

test("[MQTT-3.1.2-3] 3.1.1 [MQTT-3.1.2-3] the reserved flag of CONNECT is refused", async () => {
  await using house = await House.open();
  const peer = await house.visit();
  peer.raw(...four(3, ...text("a")));
  assert.deepEqual(await peer.closed(), []);
  const other = await house.visit({ version: 5 });
  other.raw(...five(3, 0, ...text("a")));
  assert.equal(codeOf(await other.take("connack")), 0x81);
});

test("[MQTT-3.1.2-11] [MQTT-3.1.2-12] [MQTT-3.1.2-13] 3.1.1 [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-14] [MQTT-3.1.2-15] will flags without a will, and a will of QoS 3, are refused", async () => {
  await using house = await House.open();
  for (const flags of [0x08 | 2, 0x20 | 2, 0x1c | 2]) {
    const payload = [...text("a"), ...((flags & 4) === 0 ? [] : [...text("t"), ...text("p")])];
    const peer = await house.visit();
    peer.raw(...four(flags, ...payload));
    assert.deepEqual(await peer.closed(), []);
    const other = await house.visit({ version: 5 });
    const [id, will] = [payload.slice(0, 3), payload.slice(3)];
    other.raw(...five(flags, 0, ...id, ...(will.length > 0 ? [0, ...will] : [])));
    assert.equal(codeOf(await other.take("connack")), 0x81);
  }
});

test("3.1.1 [MQTT-3.1.2-22] a password without a user name is refused; MQTT 5 allows it", async () => {
  const policy = new TestPolicy();
  await using house = await House.open({ policy });
  const peer = await house.visit();
  peer.raw(...four(0x42, ...text("a"), ...text("secret")));
  assert.deepEqual(await peer.closed(), []);
  let password = "";
  policy.welcome = (asked) => ((password = Buffer.from(asked.password ?? []).toString()), {});
  const other = await house.visit({ version: 5 });
  other.raw(...five(0x42, 0, ...text("a"), ...text("secret")));
  assert.equal(codeOf(await other.take("connack")), 0);
  assert.equal(password, "secret");
});

test("[MQTT-3.1.3-6] [MQTT-3.1.3-7] 3.1.1 [MQTT-3.1.3-6] MQTT 5 gets a client id assigned and is told; 3.1.1 gets one when it asks for a clean session", async () => {
  await using house = await House.open();
  const five_ = await house.connect("", { version: 5 });
  assert.equal(five_.connack?.properties?.["assignedClientIdentifier"], "assigned-1");
  await house.connect("", { version: 4 });
  assert.equal(house.policy.opens[1]?.clientId, "assigned-2");
});

test("3.1.1 [MQTT-3.1.3-7] [MQTT-3.1.3-8] an empty client id without a clean session is refused with 2", async () => {
  await using house = await House.open();
  const peer = await house.visit();
  peer.connect({ clientId: "", clean: true });
  await peer.take("connack");
  const other = await house.visit();
  other.raw(...four(0, 0, 0));
  assert.equal(codeOf(await other.take("connack")), 2);
  await other.closed();
});

test("[MQTT-3.1.3-8] 3.1.1 [MQTT-3.1.3-9] a client id longer than the limit is refused", async () => {
  await using house = await House.open({ limits: { clientIdBytes: 10 } });
  for (const [version, code] of [
    [4, 2],
    [5, 0x85],
  ] as const) {
    const peer = await house.visit({ version });
    peer.connect({ clientId: "elevenbytes" });
    assert.equal(codeOf(await peer.take("connack")), code);
    await peer.closed();
  }
});

test("[MQTT-3.2.0-1] [MQTT-3.2.0-2] 3.1.1 [MQTT-3.2.0-1] the CONNACK comes first, and what was sent before it is read after it", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    const peer = await house.visit({ version });
    peer.connect({ clientId: "eager" });
    peer.subscribe(1, "a", 0);
    peer.publish("a", "early");
    await peer.take("connack");
    await peer.take("suback");
    assert.equal(String((await peer.take("publish")).payload), "early");
    assert.deepEqual(await peer.quiet(), []);
  }
});

test("[MQTT-3.2.2-2] [MQTT-3.2.2-3] 3.1.1 [MQTT-3.2.2-1] [MQTT-3.2.2-2] [MQTT-3.2.2-3] session present says whether there was one to come back to", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    const clientId = `returns-${version}`;
    const keep = version === 5 ? { properties: { sessionExpiryInterval: 100 } } : {};
    const first = await house.connect(clientId, { version, connect: { clean: false, ...keep } });
    assert.equal(first.connack?.sessionPresent, false);
    first.send({ cmd: "disconnect" });
    await first.closed();
    const second = await house.connect(clientId, { version, connect: { clean: false, ...keep } });
    assert.equal(second.connack?.sessionPresent, true);
    second.send({ cmd: "disconnect" });
    await second.closed();
    const third = await house.connect(clientId, { version, connect: { clean: true } });
    assert.equal(third.connack?.sessionPresent, false);
  }
});

test("[MQTT-3.1.4-2] [MQTT-3.2.2-7] 3.1.1 [MQTT-3.2.2-5] whoever is turned away gets the code of its version, and the connection ends", async () => {
  await using house = await House.open();
  const cases = [
    [0x86, 4],
    [0x87, 5],
    [0x85, 2],
    [0x88, 3],
    [0x97, 3],
  ] as const;
  for (const [turnedAway, old] of cases) {
    house.policy.welcome = () => ({ turnedAway, reasonString: "Not you." });
    for (const version of [4, 5] as const) {
      const peer = await house.visit({ version });
      peer.connect({ clientId: "stranger" });
      const answer = await peer.take("connack");
      assert.equal(codeOf(answer), version === 5 ? turnedAway : old);
      if (version === 5) assert.equal(answer.properties?.["reasonString"], "Not you.");
      await peer.closed();
    }
  }
  assert.equal(house.broker.statistics.connectionsTurnedAway, 10);
  assert.equal(house.policy.opens.length, 0);
});

test("a policy that fails turns the client away as unavailable, and is reported", async () => {
  const house = await House.open();
  house.policy.welcome = () => {
    throw new Error("database gone");
  };
  for (const atOnce of [true, false]) {
    house.policy.answersAtOnce = atOnce;
    const peer = await house.visit({ version: 5 });
    peer.connect({ clientId: "a" });
    assert.equal(codeOf(await peer.take("connack")), 0x88);
    await peer.closed();
    assert.equal(house.faults.splice(0).length, 1);
  }
  await house[Symbol.asyncDispose]();
});

test("what came in one piece with its CONNECT is read behind the answer, whether the policy answers at once or later", async () => {
  await using house = await House.open();
  for (const [at, atOnce] of [true, false].entries()) {
    house.policy.answersAtOnce = atOnce;
    const peer = await house.visit({ version: 4 });
    const publish = [0x32, 6, ...text("a"), 0, 7, 0x78];
    peer.raw(...four(2, ...text("hasty")), ...publish, ...publish, 0xe0, 0);
    assert.deepEqual(
      (await peer.closed()).map(({ cmd }) => cmd),
      ["connack", "puback", "puback"],
    );
    assert.equal(house.policy.accepted.length, 2 * (at + 1));
    assert.deepEqual(house.policy.closes.at(-1)?.how, "client");
  }
});

test("MQTT 5 is told the limits it has to keep", async () => {
  await using house = await House.open({
    limits: { maximumQoS: 1, unacknowledged: 7, packet: 5000, topicAliases: 3 },
    retainAvailable: false,
  });
  const { connack } = await house.connect("a", { version: 5 });
  assert.deepEqual(
    { ...connack?.properties },
    {
      receiveMaximum: 7,
      maximumQoS: 1,
      retainAvailable: false,
      maximumPacketSize: 5000,
      topicAliasMaximum: 3,
    },
  );
});

test("whoever sends no CONNECT within the deadline is hung up on", async () => {
  await using house = await House.open({ limits: { connectDeadline: 10_000 } });
  const silent = await house.visit();
  const half = await house.visit();
  half.raw(0x10, 30, 0);
  await until(() => house.broker.statistics.connectionsOpen === 2 && house.broker.statistics.bytesIn === 3);
  house.time.move(9_999);
  assert.equal(house.broker.statistics.connectionsOpen, 2);
  house.time.move(1);
  await Promise.all([silent.closed(), half.closed()]);
});

test("whoever sent its CONNECT hears the answer, however long the policy takes over it", async () => {
  await using house = await House.open({ limits: { connectDeadline: 10_000 } });
  const decision = Promise.withResolvers<{ turnedAway: number }>();
  house.policy.connect = () => decision.promise;
  const peer = await house.visit();
  peer.connect({ clientId: "a" });
  await until(() => house.broker.statistics.bytesIn > 0);
  house.time.move(60_000);
  decision.resolve({ turnedAway: 0x88 });
  assert.equal(codeOf(await peer.take("connack")), 3);
});

test("[MQTT-3.1.2-22] 3.1.1 [MQTT-3.1.2-24] after one and a half keep-alives of silence the connection ends; any packet puts it off", async () => {
  await using house = await House.open();
  for (const version of [4, 5] as const) {
    const peer = await house.connect(`sleepy-${version}`, { version, connect: { keepalive: 10 } });
    house.time.move(14_000);
    await peer.quiet();
    house.time.move(14_999);
    await peer.quiet();
    house.time.move(15_000);
    const last = await peer.closed();
    if (version === 5) assert.equal(last[0]?.reasonCode, 0x8d);
  }
  assert.equal(house.policy.closes[0]?.how, "keepAlive");
});

test("a keep-alive of 0 is no limit", async () => {
  await using house = await House.open();
  const peer = await house.connect("patient");
  house.time.move(100_000_000);
  assert.deepEqual(await peer.quiet(), []);
});

test("[MQTT-3.2.2-21] [MQTT-3.2.2-22] the server's keep-alive is said and kept to in MQTT 5", async () => {
  await using house = await House.open();
  house.policy.welcome = () => ({ maximumKeepAlive: 20 });
  const peer = await house.connect("a", { version: 5, connect: { keepalive: 0 } });
  assert.equal(peer.connack?.properties?.["serverKeepAlive"], 20);
  const modest = await house.connect("b", { version: 5, connect: { keepalive: 10 } });
  assert.equal(modest.connack?.properties?.["serverKeepAlive"], undefined);
  house.time.move(15_000);
  await modest.closed();
  house.time.move(15_000);
  await peer.closed();
});

test("[MQTT-3.1.2-28] response information is given to MQTT 5 that asks for it", async () => {
  await using house = await House.open();
  house.policy.welcome = () => ({ responseInformation: "me/" });
  for (const [requestResponseInformation, given] of [
    [true, "me/"],
    [false, undefined],
    [undefined, undefined],
  ]) {
    const properties = requestResponseInformation === undefined ? {} : { requestResponseInformation };
    const peer = await house.connect("a", { version: 5, connect: { properties } });
    assert.equal(peer.connack?.properties?.["responseInformation"], given);
  }
  await house.connect("a");
});

test("who is sent to another server is told which, in the CONNACK or later; 3.1.1 is told that this one is not there", async () => {
  await using house = await House.open();
  const elsewhere = { serverReference: "other.example:8883" };
  const staying = await house.connect("a", { version: 5 });
  house.policy.renew = () => ({ end: 0x9c, ...elsewhere });
  house.policy.cell.epoch++;
  staying.raw(0xc0, 0);
  const last = (await staying.closed())[0];
  assert.deepEqual(
    [last?.cmd, last?.reasonCode, last?.properties?.["serverReference"]],
    ["disconnect", 0x9c, elsewhere.serverReference],
  );

  house.policy.welcome = () => ({ turnedAway: 0x9d, ...elsewhere });
  const five = await house.visit({ version: 5 });
  five.connect({ clientId: "b" });
  const { reasonCode, properties } = await five.take("connack");
  assert.deepEqual([reasonCode, properties?.["serverReference"]], [0x9d, elsewhere.serverReference]);
  const four = await house.visit();
  four.connect({ clientId: "c" });
  assert.equal((await four.take("connack")).returnCode, 3);
});

test("a connection ends when its welcome expires, also after months", async () => {
  await using house = await House.open();
  const month = 30 * 86_400_000;
  house.policy.welcome = () => ({ expiresAt: house.time.now() + month });
  const peer = await house.connect("guest", { version: 5 });
  house.time.move(month - 1);
  assert.deepEqual(await peer.quiet(), []);
  house.time.move(1);
  assert.equal((await peer.closed())[0]?.reasonCode, 0xa0);
});

test("[MQTT-3.1.4-3] 3.1.1 [MQTT-3.1.4-2] the same client id takes the session over, and the one before is told", async () => {
  await using house = await House.open();
  const old = await house.connect("same", { version: 5 });
  const older = await house.connect("other", { version: 4 });
  await house.connect("same", { version: 4 });
  await house.connect("other", { version: 5 });
  assert.equal((await old.closed())[0]?.reasonCode, 0x8e);
  assert.deepEqual(await older.closed(), []);
  assert.equal(house.broker.statistics.sessions, 2);
});

test("the same client id of another principal or space is somebody else", async () => {
  await using house = await House.open();
  house.policy.welcome = (asked) => ({ space: asked.username === "c" ? "there" : "here" });
  const peers = [];
  for (const username of ["a", "b", "c"]) peers.push(await house.connect("same", { connect: { username } }));
  for (const peer of peers) assert.deepEqual(await peer.quiet(), []);
});

test("a closed broker says goodbye and takes nobody in", async () => {
  await using house = await House.open();
  const five_ = await house.connect("a", { version: 5 });
  const four_ = await house.connect("b", {
    version: 4,
    connect: { will: { topic: "w", payload: "x", qos: 0, retain: false } },
  });
  await house.broker.close();
  const [last] = await five_.closed();
  assert.equal(last?.reasonCode, 0x8b);
  assert.deepEqual(await four_.closed(), []);
  assert.equal(house.broker.statistics.willsPublished, 0);
  const late = await house.visit();
  await late.closed();
});

test("a refusal that is to wait comes when its time is up, in both versions, and nothing that is said meanwhile counts", async () => {
  await using house = await House.open();
  const refusal: TurnedAway = { turnedAway: 0x87, after: 1_000 };
  house.policy.welcome = ({ username }) => (username === "good" ? {} : refusal);
  for (const [version, atOnce] of [
    [4, true],
    [4, false],
    [5, true],
    [5, false],
  ] as const) {
    house.policy.answersAtOnce = atOnce;
    const peer = await house.visit({ version });
    peer.connect({ clientId: "bad" });
    peer.publish("a", "x");
    peer.raw(0xff, 0xff, 0xff);
    await until(() => house.broker.statistics.refusalsWaiting === 1);
    await house.connect("good", { connect: { username: "good" } });
    house.time.move(999);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([peer.arrived, peer.isClosed], [0, false]);
    house.time.move(1);
    assert.equal(codeOf(await peer.take("connack")), version === 5 ? 0x87 : 5);
    await peer.closed();
    assert.equal(house.broker.statistics.refusalsWaiting, 0);
  }
  assert.equal(house.broker.statistics.connectionsTurnedAway, 4);
  assert.deepEqual(house.policy.accepted, []);
});

test("of clients that wait to be refused there are so many, whoever is beyond hears it at once, and whoever leaves makes room", async () => {
  await using house = await House.open({ limits: { refusalsWaiting: 2 } });
  house.policy.welcome = () => ({ turnedAway: 0x87, after: 60_000 });
  const { statistics } = house.broker;
  const come = async () => {
    const peer = await house.visit({ version: 5 });
    peer.connect({ clientId: "bad" });
    return peer;
  };
  const [first, second] = [await come(), await come()];
  await until(() => statistics.refusalsWaiting === 2);
  assert.equal(codeOf(await (await come()).take("connack")), 0x87);
  first.destroy();
  await until(() => statistics.refusalsWaiting === 1);
  await come();
  await until(() => statistics.refusalsWaiting === 2);
  second.destroy();
  await until(() => statistics.refusalsWaiting === 1);
});

test("whoever is nobody yet sends no packet beyond 256 KiB, in which three fields of 64 KiB have room", async () => {
  await using house = await House.open();
  const full = "x".repeat(65_535);
  const peer = await house.visit({ version: 5 });
  const will = { topic: "a", payload: full, qos: 0, retain: false };
  peer.connect({ clientId: "a", username: full, password: full, will });
  assert.equal(codeOf(await peer.take("connack")), 0);
  // Who is somebody sends more.
  peer.publish("a", Buffer.alloc(300_000), { qos: 1, messageId: 1 });
  assert.equal((await peer.take("puback")).messageId, 1);
  const greedy = await house.visit({ version: 5 });
  greedy.raw(0x10, 0x80, 0x80, 0x10, 0); // 262,144 bytes behind the header
  assert.deepEqual(await greedy.closed(), []);
});

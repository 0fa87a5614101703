import assert from "node:assert/strict";
import { test } from "node:test";
import { connectBytes, text } from "./bytes.fixture.ts";
import { House } from "./house.fixture.ts";
import type { Peer } from "./peer.fixture.ts";
import { connack } from "./writer.ts";

const versions = [4, 5] as const;
const codeOf = (packet: { reasonCode?: number; returnCode?: number }) => packet.reasonCode ?? packet.returnCode;

/** So that the session outlives its connection. */
const kept = (version: 4 | 5) =>
  version === 5 ? { clean: false, properties: { sessionExpiryInterval: 1000 } } : { clean: false };

async function leave(peer: Peer): Promise<void> {
  peer.send({ cmd: "disconnect" });
  await peer.closed();
}

test("[MQTT-3.1.4-1] 3.1.1 [MQTT-3.1.4-1] [MQTT-3.2.2-6] a malformed CONNECT ends the connection: MQTT 5 is told so, 3.1.1 gets no answer", async () => {
  await using house = await House.open();
  const id = text("a");
  const cases = [
    [0x02],
    [0x02, ...id, 0],
    [0x02, 0, 9, 0x61],
    [0x82, ...id],
    [0xc2, ...id, ...text("user")],
    [0x06, ...id],
    [0x06, ...id, ...text("topic")],
    [0x02, ...id, ...text("no flag for a user name")],
  ];
  for (const version of versions) {
    const noWillProperties = version === 5 ? [[0x06, ...id, 0, ...text("a/#"), ...text("p")]] : [];
    for (const [flags = 0, ...payload] of [...cases, ...noWillProperties]) {
      const peer = await house.visit({ version });
      peer.raw(...connectBytes(version, flags, ...payload));
      if (version === 5) {
        const answer = await peer.take("connack");
        assert.ok((answer.reasonCode ?? 0) >= 0x80, String(payload));
      }
      assert.deepEqual(await peer.closed(), [], String(payload));
    }
  }
  assert.equal(house.policy.opens.length, 0);
});

test("[MQTT-3.1.2-9] [MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT-3.1.2-18] [MQTT-3.1.2-19] [MQTT-3.1.3-1] [MQTT-3.1.3-3] 3.1.1 [MQTT-3.1.2-9] [MQTT-3.1.2-18] [MQTT-3.1.2-19] [MQTT-3.1.2-20] [MQTT-3.1.2-21] [MQTT-3.1.3-1] [MQTT-3.1.3-3] the fields of a CONNECT are those of its flags, in their order", async () => {
  await using house = await House.open();
  const read: unknown[] = [];
  house.policy.welcome = ({ clientId, username, password, will }) => {
    read.push([clientId, username, password && String(password), will?.topic, will && String(will.payload)]);
    return {};
  };
  for (const version of versions) {
    const will = [...(version === 5 ? [0] : []), ...text("wills/a"), ...text("gone")];
    for (const [flags = 0, ...payload] of [
      [0xc6, ...text("one"), ...will, ...text("user"), ...text("secret")],
      [0x82, ...text("two"), ...text("user")],
      [0x02, ...text("three")],
    ]) {
      const peer = await house.visit({ version });
      peer.raw(...connectBytes(version, flags, ...payload));
      assert.equal(codeOf(await peer.take("connack")), 0);
      await leave(peer);
    }
  }
  const each = [
    ["one", "user", "secret", "wills/a", "gone"],
    ["two", "user", undefined, undefined, undefined],
    ["three", undefined, undefined, undefined, undefined],
  ];
  assert.deepEqual(read, [...each, ...each]);
});

test("[MQTT-3.1.2-6] [MQTT-3.1.4-5] 3.1.1 [MQTT-3.1.4-4] whoever is welcome is answered with success, and begins a session where there was none", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const peer = await house.visit({ version });
    peer.connect({ clientId: `new-${version}`, ...kept(version) });
    const answer = await peer.take("connack");
    assert.deepEqual([codeOf(answer), answer.sessionPresent], [0, false]);
    assert.deepEqual(await peer.quiet(), []);
    await leave(peer);
  }
  assert.equal(house.broker.statistics.sessions, 2);
});

test("[MQTT-3.1.3-2] 3.1.1 [MQTT-3.1.3-2] a session is found by its client identifier, and by no other", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const clientId = `sleeper-${version}`;
    const sleeper = await house.connect(clientId, { version, connect: kept(version) });
    sleeper.subscribe(1, "a", 1);
    await sleeper.take("suback");
    await leave(sleeper);
    house.broker.publish("space", { topic: "a", payload: Buffer.from("x"), qos: 1, retain: false });
    for (const other of [`Sleeper-${version}`, `sleeper-${version} `]) {
      const stranger = await house.connect(other, { version, connect: kept(version) });
      assert.equal(stranger.connack?.sessionPresent, false);
      assert.deepEqual(await stranger.quiet(), []);
    }
    const back = await house.connect(clientId, { version, connect: kept(version) });
    assert.equal(back.connack?.sessionPresent, true);
    assert.equal(String((await back.take("publish")).payload), "x");
    await leave(back);
  }
});

test("[MQTT-4.1.0-1] 3.1.1 [MQTT-4.1.0-1] [MQTT-4.1.0-2] a session lasts as long as its connection, whatever its expiry", async () => {
  await using house = await House.open({ limits: { sessionExpirySeconds: 1 } });
  for (const version of versions) {
    for (const connect of [{ clean: true }, kept(version)]) {
      const peer = await house.connect("a", { version, connect });
      peer.subscribe(1, "a", 1);
      await peer.take("suback");
      house.time.move(1_000_000_000);
      house.broker.publish("space", { topic: "a", payload: Buffer.from("x"), qos: 1, retain: false });
      assert.equal(String((await peer.take("publish")).payload), "x");
    }
  }
});

test("[MQTT-3.1.3-5] 3.1.1 [MQTT-3.1.3-5] a client identifier may be any one to twenty-three letters and digits", async () => {
  await using house = await House.open();
  const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (const version of versions) {
    for (const clientId of ["x", letters.slice(0, 23), letters.slice(23, 46), letters.slice(39)]) {
      await house.connect(clientId, { version });
      assert.equal(house.policy.opens.at(-1)?.clientId, clientId);
    }
  }
});

test("[MQTT-3.1.4-6] 3.1.1 [MQTT-3.1.4-5] nothing behind a CONNECT that is refused is read", async () => {
  await using house = await House.open();
  house.policy.welcome = () => ({ turnedAway: 0x87 });
  for (const version of versions) {
    const peer = await house.visit({ version });
    peer.connect({ clientId: "a" });
    peer.publish("a", "x", { qos: 1, messageId: 1 });
    peer.subscribe(2, "a", 0);
    peer.raw(0xc0, 0);
    const all = await peer.closed();
    assert.deepEqual(
      all.map(({ cmd }) => cmd),
      ["connack"],
    );
  }
  assert.deepEqual([house.policy.accepted.length, house.broker.statistics.messagesIn], [0, 0]);
});

test("[MQTT-3.2.2-6] 3.1.1 [MQTT-3.2.2-4] a refusal says that no session is present, though there is one", async () => {
  await using house = await House.open();
  for (const version of versions) {
    house.policy.welcome = () => ({});
    await leave(await house.connect("a", { version, connect: kept(version) }));
    house.policy.welcome = () => ({ turnedAway: 0x87 });
    const peer = await house.visit({ version });
    peer.connect({ clientId: "a", ...kept(version) });
    const answer = await peer.take("connack");
    assert.notEqual(codeOf(answer), 0);
    assert.equal(answer.sessionPresent, false);
  }
});

test("[MQTT-3.2.2-1] of the flags of a CONNACK none is set but session present", () => {
  for (const version of versions) {
    assert.equal(connack(version, false, 0, {})[2], 0);
    assert.equal(connack(version, true, 0, {})[2], 1);
  }
});

test("[MQTT-3.2.2-16] [MQTT-3.1.3-7] an assigned client identifier is told, and is nobody else's", async () => {
  await using house = await House.open();
  await leave(await house.connect("assigned-1", { version: 5, connect: kept(5) }));
  const present = await house.connect("assigned-2");
  const peer = await house.connect("", { version: 5, connect: { ...kept(5), clean: true } });
  assert.equal(peer.connack?.properties?.["assignedClientIdentifier"], "assigned-3");
  assert.equal(peer.connack?.sessionPresent, false);
  assert.deepEqual(await present.quiet(), []);
  await leave(peer);
  const again = await house.connect("assigned-3", { version: 5, connect: kept(5) });
  assert.equal(again.connack?.sessionPresent, true);
});

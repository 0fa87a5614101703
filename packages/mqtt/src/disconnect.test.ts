import assert from "node:assert/strict";
import { test } from "node:test";
import { connectBytes, framed, noProperties, text } from "./bytes.fixture.ts";
import { House, until } from "./house.fixture.ts";

const versions = [4, 5] as const;

test("[MQTT-3.14.0-1] whoever was not welcomed gets no DISCONNECT: not for its first packet, its CONNECT, nor when the broker stops", async () => {
  await using house = await House.open();
  for (const bytes of [[0xc0, 0], [0x10, 0xff, 0xff, 0xff, 0xff], connectBytes(5, 0x03, ...text("a"))]) {
    const peer = await house.visit({ version: 5 });
    peer.raw(...bytes);
    const said = await peer.closed();
    assert.ok(said.every(({ cmd }) => cmd === "connack"));
  }
  house.policy.welcome = () => ({ turnedAway: 0x87 });
  const stranger = await house.visit({ version: 5 });
  stranger.connect({ clientId: "a" });
  assert.deepEqual(
    (await stranger.closed()).map(({ cmd }) => cmd),
    ["connack"],
  );
  house.policy.connect = () => new Promise(() => {});
  const waiting = await house.visit({ version: 5 });
  const before = house.broker.statistics.bytesIn;
  waiting.connect({ clientId: "a" });
  await until(() => house.broker.statistics.bytesIn > before);
  await house.broker.close();
  assert.deepEqual(await waiting.closed(), []);
});

test("[MQTT-3.14.4-1] [MQTT-3.14.4-2] [MQTT-3.14.2-2] after its DISCONNECT the server says nothing more, and closes; it sends no session expiry", async () => {
  await using house = await House.open();
  const properties = { sessionExpiryInterval: 100 };
  const peer = await house.connect("a", { version: 5, connect: { properties } });
  peer.subscribe(1, "a", 1);
  await peer.take("suback");
  const other = await house.connect("b", { version: 5 });
  peer.publish("a", "before", { qos: 1, messageId: 1 });
  peer.raw(0xf1, 0);
  peer.publish("a", "behind", { qos: 1, messageId: 2 });
  peer.raw(0xc0, 0);
  other.publish("a", "another's", { qos: 1, messageId: 1 });
  await other.take("puback");
  const all = await peer.closed();
  const last = all.at(-1);
  assert.equal(all.filter(({ cmd }) => cmd === "disconnect").length, 1);
  assert.deepEqual([last?.cmd, last?.properties?.["sessionExpiryInterval"]], ["disconnect", undefined]);
  assert.ok(all.every(({ payload }) => payload?.toString() !== "behind"));
});

test("[MQTT-4.13.1-1] [MQTT-4.13.2-1] 3.1.1 [MQTT-4.8.0-1] whatever is malformed or breaks the protocol ends the connection it came by, and no other", async () => {
  await using house = await House.open();
  for (const version of versions) {
    const bystander = await house.connect("bystander", { version });
    const none = noProperties(version);
    const cases: [number, number[]][] = [
      [0x81, [0x00, 0]],
      [0x81, framed(0x30, 0, 9, 0x61)],
      [0x81, framed(0x36, ...text("a"), 0, 1, ...none)],
      [0x82, framed(0x10, ...text("MQTT"), version, 2, 0, 0, ...none, ...text("again"))],
      [0x82, framed(0x20, 0, 0, ...none)],
      [0x82, framed(0x90, 0, 1, ...none, 0)],
      [0x82, framed(0xd0)],
      [0x81, framed(0xc0, 0)],
      [0x81, framed(0x82, 0, 1, ...none, ...text("a"))],
      [0x81, framed(0x40, 1)],
    ];
    for (const [code, bytes] of cases) {
      const peer = await house.connect("a", { version });
      peer.raw(...bytes);
      const said = (await peer.closed()).map(({ cmd, reasonCode }) => [cmd, reasonCode]);
      // The type 0 is reserved: whether that is malformed or out of place the standard leaves open.
      const told = bytes[0] === 0 ? 0x82 : code;
      assert.deepEqual(said, version === 5 ? [["disconnect", told]] : [], String(bytes));
    }
    assert.deepEqual(await bystander.quiet(), []);
  }
});

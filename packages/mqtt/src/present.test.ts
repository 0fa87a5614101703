import assert from "node:assert/strict";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } };
const versions = [4, 5] as const;

test("a message for those who are there waits for nobody who is away, and whoever gave it hears who has it, at each QoS, in both versions", async () => {
  for (const version of versions) {
    for (const qos of [1, 2] as const) {
      await using house = await House.open();
      const connect = { clean: false, ...(version === 5 && { properties: kept.properties }) };
      const come = (name: string) => house.connect(name, { version, connect: { ...connect, username: name } });
      const [here, away] = [await come("here"), await come("away")];
      for (const peer of [here, away]) {
        peer.subscribe(1, "a/+", qos);
        await peer.take("suback");
      }
      away.send({ cmd: "disconnect" });
      await until(() => house.policy.closes.length === 1);
      const reaches = (principal: string, topic = "a/b") => house.broker.reaches("space", topic, principal);
      assert.deepEqual([reaches("here"), reaches("away"), reaches("here", "b")], [true, false, false]);

      const heard: string[] = [];
      const present = { acknowledged: (principal: string) => void heard.push(principal) };
      house.broker.publish("space", { topic: "a/b", payload: Buffer.from("x"), qos, retain: false, present });
      const { messageId } = await here.take("publish");
      assert.deepEqual(heard, []);
      here.send({ cmd: qos === 1 ? "puback" : "pubrec", messageId });
      await until(() => heard.length > 0);
      assert.deepEqual(heard, ["here"]);
      const again = await come("away");
      assert.deepEqual(
        (await again.quiet()).map(({ cmd }) => cmd),
        [],
      );
    }
  }
});

test("the policy hears which filters of the space a session is subscribed to from now on, once it was told", async () => {
  await using house = await House.open();
  house.policy.welcome = () => ({ mounts: [{ prefix: "me/", target: "devices/7/" }], mountsOnly: true });
  const peer = await house.connect("pump", { version: 5, connect: { username: "pump" } });
  const subscriptions = ["me/#", "others", "me/x"].map((topic) => ({ topic, qos: 1 as const }));
  peer.send({ cmd: "subscribe", messageId: 1, subscriptions });
  await peer.take("suback");
  assert.deepEqual(house.policy.subscriptions, ["pump: devices/7/# devices/7/x"]);
});

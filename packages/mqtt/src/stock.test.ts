import assert from "node:assert/strict";
import { test } from "node:test";
import mqtt from "mqtt";
import { House } from "./house.fixture.ts";

for (const protocolVersion of [4, 5] as const) {
  test(`3.1.1 [MQTT-7.0.0-2] a stock client of version ${protocolVersion} publishes and receives at QoS 0 and 1`, async () => {
    await using house = await House.open();
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${house.port}`, { protocolVersion, reconnectPeriod: 0 });
    await client.subscribeAsync("rooms/+/temperature", { qos: 1 });
    for (const qos of [0, 1] as const) {
      const arrives = new Promise<{ topic: string; payload: Buffer; qos: number }>((resolve) => {
        client.once("message", (topic, payload, packet) => resolve({ topic, payload, qos: packet.qos }));
      });
      await client.publishAsync("rooms/7/temperature", `21.${qos}`, { qos });
      const { topic, payload, qos: granted } = await arrives;
      assert.equal(topic, "rooms/7/temperature");
      assert.equal(String(payload), `21.${qos}`);
      assert.equal(granted, qos);
    }
    await client.unsubscribeAsync("rooms/+/temperature");
    await client.endAsync();
  });

  test(`a stock client of version ${protocolVersion} gets what it missed when it comes back`, async () => {
    await using house = await House.open();
    const url = `mqtt://127.0.0.1:${house.port}`;
    const options = {
      protocolVersion,
      clientId: "sleeper",
      clean: false,
      reconnectPeriod: 0,
      ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
    };
    const sleeper = await mqtt.connectAsync(url, options);
    await sleeper.subscribeAsync("news/#", { qos: 1 });
    await sleeper.endAsync();

    const publisher = await mqtt.connectAsync(url, { protocolVersion, reconnectPeriod: 0 });
    await publisher.publishAsync("news/a", "first", { qos: 1 });
    await publisher.publishAsync("news/b", "second", { qos: 1 });

    const back = mqtt.connect(url, options);
    const got: string[] = [];
    await new Promise<void>((resolve) => {
      back.on("message", (topic, payload) => {
        got.push(`${topic} ${payload.toString()}`);
        if (got.length === 2) resolve();
      });
    });
    assert.deepEqual(got, ["news/a first", "news/b second"]);
    await Promise.all([back.endAsync(), publisher.endAsync()]);
  });
}

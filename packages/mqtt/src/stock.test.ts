import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { promisify } from "node:util";
import mqtt from "mqtt";
import { House, until } from "./house.fixture.ts";

const run = promisify(execFile);
const qualities = [0, 1, 2] as const;

for (const protocolVersion of [4, 5] as const) {
  test(`3.1.1 [MQTT-7.0.0-2] a stock client of version ${protocolVersion} publishes and receives at every QoS`, async () => {
    await using house = await House.open();
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${house.port}`, { protocolVersion, reconnectPeriod: 0 });
    await client.subscribeAsync("rooms/+/temperature", { qos: 2 });
    for (const qos of qualities) {
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
    await sleeper.subscribeAsync("news/#", { qos: 2 });
    await sleeper.endAsync();

    const publisher = await mqtt.connectAsync(url, { protocolVersion, reconnectPeriod: 0 });
    await publisher.publishAsync("news/a", "first", { qos: 1 });
    await publisher.publishAsync("news/b", "second", { qos: 2 });

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

const withoutMosquitto = spawnSync("mosquitto_sub").error
  ? "mosquitto_sub and mosquitto_pub are not on this machine"
  : false;

test(
  "the clients of mosquitto publish and receive at every QoS, and get what they missed, in both versions",
  { skip: withoutMosquitto },
  async () => {
    await using house = await House.open();
    const at = ["-h", "127.0.0.1", "-p", String(house.port)];
    for (const version of ["311", "5"]) {
      const publish = (qos: number) =>
        run("mosquitto_pub", [...at, "-V", version, "-t", "a/b", "-m", `${version} ${qos}`, "-q", `${qos}`]);
      // Not clean, so that what comes between the two waits; -C ends it behind so many messages, -E behind the SUBACK.
      const keeps = version === "5" ? ["-c", "-x", "600"] : ["-c"];
      const subscribe = ["-V", version, "-i", `reader-${version}`, ...keeps, "-t", "a/#", "-q", "2", "-F", "%t %p %q"];
      await run("mosquitto_sub", [...at, ...subscribe, "-E"]);
      await until(() => house.broker.statistics.connectionsOpen === 0);
      for (const qos of [1, 2]) await publish(qos);
      const reader = spawn("mosquitto_sub", [...at, ...subscribe, "-C", "5"]);
      const { length } = house.policy.opens;
      const chunks: Buffer[] = [];
      reader.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
      const ends = once(reader, "close");
      await until(() => house.policy.opens.length > length);
      for (const qos of qualities) await publish(qos);
      await ends;
      // What comes at QoS 2 it tells when the exchange is over, and others may overtake it.
      const lines = Buffer.concat(chunks).toString().trim().split("\n");
      // A message of QoS 2 is shown when it is released: what comes behind it may be shown before it.
      assert.deepEqual(
        lines.toSorted(),
        [0, 1, 1, 2, 2].map((qos) => `a/b ${version} ${qos} ${qos}`),
      );
    }
  },
);

/** Subscribes, publishes at every QoS, and says what came. */
const paho = `
import sys, paho.mqtt.client as paho
is_second = hasattr(paho, "CallbackAPIVersion")
client = paho.Client(*([paho.CallbackAPIVersion.VERSION2] if is_second else []), protocol=int(sys.argv[2]))
def came(client, data, message):
    print(message.topic, message.payload.decode(), message.qos, flush=True)
    if message.qos == 2: client.disconnect()
client.on_message = came
client.on_connect = lambda client, *_: client.subscribe("a/#", 2)
client.on_subscribe = lambda client, *_: [client.publish("a/b", "x", qos) for qos in range(3)]
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_forever()
`;

const withoutPaho =
  spawnSync("python3", ["-c", "import paho.mqtt.client"]).status === 0
    ? false
    : "paho-mqtt for Python is not on this machine";

test(
  "the client of paho for Python publishes and receives at every QoS, in both versions",
  { skip: withoutPaho },
  async () => {
    await using house = await House.open();
    for (const version of ["4", "5"]) {
      const { stdout } = await run("python3", ["-c", paho, String(house.port), version], { timeout: 20_000 });
      assert.deepEqual(
        stdout.trim().split("\n"),
        qualities.map((qos) => `a/b x ${qos}`),
      );
    }
  },
);

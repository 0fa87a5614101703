import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, type LiveRefused } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { connectAsync, type IClientOptions } from "mqtt";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf } from "./authority.fixture.ts";
import { placeOf } from "./clients.fixture.ts";
import { eventually } from "./messages.fixture.ts";

// `--when-full refuse-publisher`: nothing that was taken is given up, so that what does not fit is not taken.
const platform = await startTestPlatform({ config: { whenFull: "refusePublisher" } });
atEnd.after(() => platform.close());
const place = placeOf(platform);
const welcome = await platform.setUp();
const owner = new Owner(platform.visitor, welcome);
const application = (await owner.application()).id;

const come = (options: IClientOptions) =>
  connectAsync(platform.platform.mqttsUrl, { ca: place.ca, reconnectPeriod: 0, protocolVersion: 5, ...options });
/** A reading of so many bytes that eight of them are as much as may wait. */
const large = (n: number) => `{"n": ${n}}`.padEnd(1_000_000);

test("where it is set so, whoever publishes to a full session is refused, by every way in, and nothing of it is kept or sent", async () => {
  const device = await owner.device(application);
  const as = { username: device.key.id, password: device.key.secret };
  const { token } = await owner.tokenOf([`telemetry.read:${device.id}`]);
  const reader = { username: "program", password: token };
  const kept = { ...reader, clientId: "away", clean: false, properties: { sessionExpiryInterval: 3_600 } };
  const away = await come(kept);
  await away.subscribeAsync("devices/+/telemetry", { qos: 1 });
  await away.endAsync();
  const present = await come({ ...reader, clientId: "present" });
  const heard: number[] = [];
  present.on("message", (_topic, body) => heard.push((JSON.parse(body.toString()) as { n: number }).n));
  await present.subscribeAsync("devices/+/telemetry", { qos: 1 });

  const stream = new AbortController();
  const client = new Client({ url: place.url, token: welcome.token, transport: nodeTransport({ ca: place.ca }) });
  const refused: LiveRefused[] = [];
  await new Promise<void>((onOpen, failed) => {
    const follow = async () => {
      for await (const event of client.watch({}, { signal: stream.signal, onOpen }))
        if (event.type === "refused") refused.push(event.data);
    };
    follow().catch((error: unknown) => (stream.signal.aborted ? undefined : failed(error as Error))); // whatever it is
  });
  atEnd.after(async () => stream.abort());

  const five = await come(as);
  const taken = 8;
  for (let n = 1; n <= taken; n++) await five.publishAsync("me/telemetry", large(n), { qos: 1 });
  await assert.rejects(five.publishAsync("me/telemetry", large(9), { qos: 1 }), (error: Error & { code: number }) => {
    assert.equal(error.code, 0x97);
    return true;
  });
  // A client of 3.1.1 cannot be told, so that it is hung up on and comes again.
  const four = await come({ ...as, clientId: "four", protocolVersion: 4 });
  const gone = new Promise<void>((resolve) => four.once("close", () => resolve()));
  four.publish("me/telemetry", large(10), { qos: 1 });
  await gone;
  four.end(true);
  const it = platform.visitor.as(textOf(device.key));
  const body = Array.from({ length: 900 }, () => ({ n: 11, pad: "x".repeat(500) }));
  const answer = await it.send<{ code: string }>("POST", "/v1/me/telemetry", { body });
  assert.deepEqual([answer.status, answer.body.code], [429, "mqtt.full"]);

  await eventually(
    () => refused.length >= 3 && heard.length >= taken,
    () => `${refused.length} refusals and ${heard.length} messages came`,
  );
  assert.deepEqual(
    refused.map(({ code }) => code),
    ["mqtt.full", "mqtt.full", "mqtt.full"],
  );
  const { items } = await owner.asks.get<{ items: { value: number }[] }>(
    `/v1/devices/${device.id}/telemetry?attribute=n`,
  );
  const all = Array.from({ length: taken }, (_, n) => n + 1);
  assert.deepEqual(
    items.map(({ value }) => value).toSorted((one, other) => one - other),
    all,
  );
  assert.deepEqual(heard, all);

  // Who comes for what waits makes room.
  const back = await come(kept);
  let came = 0;
  back.on("message", () => void came++);
  await eventually(
    () => came >= taken,
    () => `${came} messages came`,
  );
  await five.publishAsync("me/telemetry", large(12), { qos: 1 });
  for (const one of [back, five, present]) await one.endAsync();
});

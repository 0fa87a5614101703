import assert from "node:assert/strict";
import { test } from "node:test";
import { connectAsync } from "mqtt";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";

const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const owner = await platform.setUp();
const me = platform.visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });

type Made = { id: string; key: { id: string; secret: string } };
const makeDevice = (name: string) => me.post<Made>("/v1/devices", { application: application.id, name });

test("a reading sent over MQTT with the device's own key is readable by its owner once it is acknowledged", async () => {
  const device = await makeDevice("Pump");
  const client = await connectAsync(platform.platform.mqttsUrl, {
    ca: platform.platform.caPem ?? "",
    username: device.key.id,
    password: device.key.secret,
  });
  await client.publishAsync("me/telemetry", JSON.stringify({ temperature: 21.5 }), { qos: 1 });
  const { items } = await me.get<{ items: { value: number }[] }>(
    `/v1/devices/${device.id}/telemetry?attribute=temperature`,
  );
  assert.deepEqual(
    items.map(({ value }) => value),
    [21.5],
  );
  await client.endAsync();
});

test("a reading sent over HTTPS with the device's own key is readable by its owner once it is answered", async () => {
  const device = await makeDevice("Valve");
  const sent = await platform.visitor
    .as(`${device.key.id}.${device.key.secret}`)
    .post<{ accepted: number }>("/v1/me/telemetry", {
      time: "2026-11-20T10:00:00Z",
      values: { open: true, note: "ok" },
    });
  assert.equal(sent.accepted, 1);
  const { items } = await me.get<{ items: unknown[] }>(`/v1/devices/${device.id}/telemetry/latest`);
  assert.equal(items.length, 2);
});

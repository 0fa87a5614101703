import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { uuidOf, type Id } from "@holdfast/kernel";
import { asOwner, atEnd } from "../apps/server/src/testing/index.ts";
import { textOf } from "./authority.fixture.ts";
import { eventually, Restarting } from "./messages.fixture.ts";

// What is owed to whoever is away: queued, retained and left as a will, over a restart, and to nobody who may not have it.
const place = await Restarting.start();
atEnd.after(() => place.close());
const ours = await place.owner();
const application = (await ours().application()).id;
const latest = async (device: { id: string }, attribute: string) =>
  (
    await ours().asks.get<{ items: { attribute: string; value: unknown }[] }>(
      `/v1/devices/${device.id}/telemetry/latest`,
    )
  ).items.find((one) => one.attribute === attribute)?.value;
const body = (n: number) => JSON.stringify({ n });

for (const protocolVersion of [4, 5] as const) {
  const name = protocolVersion === 4 ? "3.1.1" : "5";
  test(`with MQTT ${name} whoever was away gets what was published meanwhile, in order, over a restart`, async () => {
    const device = await ours().device(application);
    const { token } = await ours().tokenOf([`telemetry.read:${device.id}`]);
    const before = await place.program(token, { protocolVersion });
    assert.equal(before.isResumed, false);
    await before.client.subscribeAsync("devices/+/telemetry", { qos: 2 });
    await before.end();

    const source = await place.device(device, { protocolVersion });
    await source.client.publishAsync("me/telemetry", body(1), { qos: 1 });
    await source.client.publishAsync("me/telemetry", body(2), { qos: 2 });
    await place.feed(device, 3);
    await place.restart();
    await place.feed(device, 4);
    const again = await place.device(device, { protocolVersion });
    assert.equal(again.isResumed, true);
    await again.client.publishAsync("me/telemetry", body(5), { qos: 2 });

    const after = await place.program(token, { protocolVersion });
    assert.equal(after.isResumed, true);
    await after.until(5);
    // A message of QoS 2 is this client's when it was released, which is later.
    const of = (wanted: number) => after.heard.filter(({ qos }) => qos === wanted).map((heard) => heard.body);
    assert.deepEqual([of(1), of(2)], [[1, 3, 4].map(body), [2, 5].map(body)]);
    await after.end();
    await place.restart();
    const last = await place.program(token, { protocolVersion });
    await place.feed(device, 6);
    assert.deepEqual(await last.until(1), [body(6)], "what was acknowledged does not come again");
    await last.end();
  });
}

test("what is retained survives a restart, is kept with its reading, and is given to whoever may read it then", async () => {
  const [device, other] = [await ours().device(application), await ours().device(application)];
  const source = await place.device(device);
  await source.client.publishAsync("me/telemetry", body(1), { qos: 1, retain: true });
  await source.client.publishAsync("me/telemetry", body(2), { qos: 2, retain: true });
  await (await place.device(other)).client.publishAsync("me/telemetry", body(3), { qos: 0, retain: true });
  await eventually(
    async () => (await latest(other, "n")) === 3,
    () => "a reading of QoS 0",
  );
  const one = await ours().tokenOf([`telemetry.read:${device.id}`]);
  const passing = { clean: true, properties: {} } as const;
  const looks = async (token: string) => {
    const line = await place.program(token, passing);
    await line.client.subscribeAsync("devices/#", { qos: 1 });
    await line.client.unsubscribeAsync("nothing/at/all"); // retained messages stand before this answer
    await line.end();
    return line.heard.filter(({ topic }) => topic.includes(device.id) || topic.includes(other.id));
  };
  for (const restarts of [false, true]) {
    if (restarts) await place.restart();
    assert.deepEqual(
      (await looks(one.token)).map(({ body, retain }) => [body, retain]),
      [[body(2), true]],
    );
    assert.deepEqual((await looks(ours().token)).map((heard) => heard.body).sort(), [body(2), body(3)]);
  }
  assert.equal(await latest(device, "n"), 2);

  // An empty one clears the topic, and is no reading.
  const again = await place.device(device);
  await again.client.publishAsync("me/telemetry", "", { qos: 1, retain: true });
  assert.deepEqual(await looks(one.token), []);
  await place.restart();
  assert.deepEqual(await looks(one.token), []);
  assert.deepEqual(
    (await looks(ours().token)).map((heard) => heard.body),
    [body(3)],
  );
  assert.equal(await latest(device, "n"), 2);
});

test("who was revoked finds no session, and nothing is left of what it was owed, after a restart either", async () => {
  const device = await ours().device(application);
  const queued = async () => place.metric("mqtt_queued_messages");
  for (const restarts of [false, true]) {
    const sessions = await place.metric("mqtt_sessions");
    const before = await queued();
    const reader = await ours().deviceKey(device.id);
    const { id, token } = await ours().tokenOf([`telemetry.read:${device.id}`]);
    const lines = [
      await place.program(token),
      await place.device({ ...device, key: reader }, { clientId: "second key" }),
    ];
    await lines[0]?.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
    await lines[1]?.client.subscribeAsync("me/#", { qos: 1 });
    for (const line of lines) await line.end();
    await place.feed(device, 1);
    await eventually(
      async () => (await queued()) > before,
      () => "nothing is queued",
    );
    if (restarts) {
      await place.restart();
      await place.feed(device, 2); // whoever is not read yet is now
    }
    for (const one of [id, reader.id]) await ours().asks.delete(`/v1/credentials/${one}`);
    assert.equal(await queued(), before);
    assert.equal(await place.metric("mqtt_sessions"), sessions);
    // The device's other key leads to where its session was.
    const back = await place.device(device, { clientId: "second key" });
    assert.equal(back.isResumed, false);
    await back.client.endAsync(false, { properties: { sessionExpiryInterval: 0 } });
    await place.restart();
    await place.feed(device, 3);
    assert.equal(await queued(), before);
  }
});

test("what a session was owed and may not read any more is withheld, and the rest comes", async () => {
  const [kept, lost] = [
    await ours().device(application, { tags: { site: "a" } }),
    await ours().device(application, { tags: { site: "a" } }),
  ];
  const { token } = await ours().tokenOf(["telemetry.read:tag:site=a"]);
  const before = await place.program(token);
  await before.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  await before.end();
  await place.feed(lost, 1);
  await place.feed(kept, 2);
  await place.restart();
  await ours().asks.patch(`/v1/devices/${lost.id}`, { tags: {} });
  const after = await place.program(token);
  await place.feed(kept, 3);
  assert.deepEqual(await after.until(2), [2, 3].map(body));
  await after.client.endAsync(false, { properties: { sessionExpiryInterval: 0 } });
});

test("a client of another organisation with the same names finds nothing of ours", async () => {
  const theirs = await ours().asks.post<{ token: string }>("/v1/orgs", { name: "Theirs" });
  const device = await ours().device(application);
  const line = await place.program(ours().token, { clientId: "same" });
  await line.client.subscribeAsync("#", { qos: 1 });
  await line.end();
  await (await place.device(device)).client.publishAsync("me/telemetry", body(1), { qos: 1, retain: true });
  await place.restart();
  const stranger = await place.program(theirs.token, { clientId: "same" });
  assert.equal(stranger.isResumed, false);
  await stranger.client.subscribeAsync("#", { qos: 1 });
  await stranger.client.unsubscribeAsync("nothing/at/all");
  assert.deepEqual(stranger.heard, []);
  await stranger.client.endAsync(false, { properties: { sessionExpiryInterval: 0 } });
  const mine = await place.program(ours().token, { clientId: "same" });
  assert.equal(mine.isResumed, true);
  await mine.until(1);
  assert.ok(mine.heard.some(({ topic }) => topic.includes(device.id)));
  await mine.client.endAsync(false, { properties: { sessionExpiryInterval: 0 } });
});

test("a will goes out after a restart for whoever may still say it, and is discarded for whoever was revoked", async () => {
  const [good, bad] = [await ours().device(application), await ours().device(application)];
  for (const device of [good, bad]) {
    const will = { topic: "me/telemetry", payload: Buffer.from('{"gone":true}'), qos: 1, retain: false } as const;
    const line = await place.device(device, { will: { ...will, properties: { willDelayInterval: 5 } } });
    await line.break();
  }
  await ours().asks.delete(`/v1/credentials/${bad.key.id}`);
  await place.restart();
  await eventually(
    async () => (await latest(good, "gone")) === true,
    () => "the will of the good one",
  );
  assert.equal(await latest(bad, "gone"), undefined);
});

test("beyond what may wait for a session the oldest gives way, is counted, and is not missed over a restart", async () => {
  const device = await ours().device(application);
  const { token } = await ours().tokenOf([`telemetry.read:${device.id}`]);
  const line = await place.program(token);
  await line.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  await line.end();
  const source = await place.device(device, { protocolVersion: 4 });
  const count = 10_020;
  const publishing: Promise<unknown>[] = [];
  for (let n = 1; n <= count; n += 1) publishing.push(source.client.publishAsync("me/telemetry", body(n), { qos: 1 }));
  await Promise.all(publishing);
  assert.equal(await place.metric('mqtt_dropped_total{reason="queue_full"}'), 20);
  await place.restart();
  const after = await place.program(token);
  const heard = await after.until(10_000);
  assert.deepEqual([heard.length, heard[0], heard.at(-1)], [10_000, body(21), body(count)]);
  await after.client.endAsync(false, { properties: { sessionExpiryInterval: 0 } });
});

test("the log of an organisation stays small, however much went through it", async () => {
  const { tls: _, ...config } = place.database.login;
  const database = new pg.Client(config);
  await database.connect();
  const bytes = async () => {
    const text =
      "select coalesce(sum(octet_length(body)), 0)::float8 as bytes from holdfast.message_log where org = $1";
    const { rows } = await database.query<{ bytes: number }>(text, [uuidOf(ours().org as Id<"org">)]); // as the platform told it
    return rows[0]?.bytes ?? 0;
  };
  const device = await ours().device(application);
  const { token } = await ours().tokenOf([`telemetry.read:${device.id}`]);
  const line = await place.program(token);
  await line.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  const padding = "x".repeat(4_000);
  const source = await place.device(device);
  for (let n = 0; n < 20; n += 1)
    await Promise.all(
      Array.from({ length: 40 }, () =>
        source.client.publishAsync("me/telemetry", JSON.stringify({ padding }), { qos: 1 }),
      ),
    );
  await line.until(800);
  await eventually(
    async () => (await bytes()) < 2_000_000,
    () => "the log was not written anew",
  );
  await place.feed(device, 1);
  await line.until(801);
  await line.end();
  await place.feed(device, 2);
  await place.restart();
  const after = await place.program(token);
  assert.deepEqual(await after.until(1), [body(2)]);
  await database.end();
});

test("a row of the log that was altered is told to the operator and left alone, and everybody comes in all the same", async () => {
  const device = await ours().device(application);
  const { token } = await ours().tokenOf([`telemetry.read:${device.id}`]);
  const line = await place.program(token);
  await line.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  await line.end();
  await place.feed(device, 1);
  await place.feed(device, 2);
  const last = `where pos = (select max(pos) from holdfast.message_log)`;
  await asOwner(
    place.database.login,
    `update holdfast.message_log set body = set_byte(body, 40, 255 - get_byte(body, 40)) ${last}`,
  );
  await place.restart();
  const after = await place.program(token);
  assert.equal(after.isResumed, true);
  await place.feed(device, 3);
  assert.deepEqual(await after.until(2), [1, 3].map(body));
  const [told = ""] = place.platform.reports.filter((report) => report.includes("message log"));
  assert.match(told, new RegExp(`${ours().org} .* do not open`));
  await after.client.endAsync(false, { properties: { sessionExpiryInterval: 0 } });
});

test("messages by HTTP are as durable as their readings: refused together, and delivered to nobody", async () => {
  const device = await ours().device(application);
  const { token } = await ours().tokenOf([`telemetry.read:${device.id}`]);
  const line = await place.program(token);
  await line.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  const answer = await place.as(textOf(device.key)).send("POST", "/v1/me/telemetry", { body: { "": 1 } });
  assert.equal(answer.status, 422);
  await place.feed(device, 1);
  assert.deepEqual(await line.until(1), [body(1)]);
});

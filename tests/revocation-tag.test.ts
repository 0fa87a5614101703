import assert from "node:assert/strict";
import { test } from "node:test";
import { routes } from "@holdfast/protocol";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device, type Problem } from "./authority.fixture.ts";
import { closedWithin, mqtt } from "./revocation.fixture.ts";

// Many at once: by a tag, or by what they belong to, and what that will end is told before.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const { visitor } = platform;
const ours = new Owner(visitor, await platform.setUp());
const theirs = new Owner(visitor, await platform.setUp());
const application = await ours.application();
const patience = 1_000; // milliseconds

const preview = async (about: string, ends?: string) =>
  routes.previewRevocationUnder.reply.parse(
    await ours.asks.get(`/v1/revocations/preview?about=${encodeURIComponent(about)}${ends ? `&ends=${ends}` : ""}`),
  );
const connect = ({ key }: Device, options: object = {}) =>
  mqtt(platform, { username: key.id, password: key.secret, ...options });
const good = async ({ key }: Device) => (await visitor.as(textOf(key)).send("GET", "/v1/me")).status === 200;
const revoke = (body: object) => ours.asks.post("/v1/revocations", body);

test("all that have a tag are cut off by one call, with what waits for them, and others are not", async () => {
  const tagged = (site: string) => ours.device(application.id, { tags: { site, floor: "3" } });
  const north = [await tagged("north"), await tagged("north"), await tagged("north")];
  const south = await tagged("south");
  const [first, second, away] = north as [Device, Device, Device]; // three were made
  const kept = { clean: false, protocolVersion: 5, clientId: "kept", properties: { sessionExpiryInterval: 3_600 } };
  const leaving = await connect(away, kept);
  await leaving.client.subscribeAsync("me/telemetry", { qos: 1 });
  await leaving.client.endAsync();
  await ours.asks.post(`/v1/devices/${away.id}/telemetry`, { temperature: 7 });
  const sessions = () => ours.asks.get<{ sessions: unknown[] }>(`/v1/devices/${away.id}/sessions`);
  assert.equal(JSON.stringify(await sessions()).includes("kept"), true);
  const held = [await connect(first), await connect(second)];
  const stays = await connect(south);

  const told = await preview("tag:site=north");
  assert.deepEqual(
    [told.credentials.count, told.connections.mqtt, told.devices.items.toSorted()],
    [3, 2, [first.id, second.id].toSorted()],
  );
  const from = performance.now();
  await revoke({ about: "tag:site=north" });
  for (const one of held) await closedWithin(one, from, patience);
  for (const one of north) assert.equal(await good(one), false);
  assert.equal(JSON.stringify(await sessions()).includes("kept"), false);
  assert.equal(await good(south), true);
  assert.ok(stays.client.connected);
  stays.end();
  assert.equal((await preview("tag:site=north")).credentials.count, 0);
  const [entry] = (await ours.audited(ours.org)).filter(({ what }) => what === "credentials.revoked");
  assert.deepEqual(entry?.facts, { tag: "tag:site=north", devices: 3 });

  // A mark of its own: what loses the tag is as over as before, and what is issued afterwards is good.
  await ours.asks.patch(`/v1/devices/${first.id}`, { tags: {} });
  assert.equal(await good(first), false);
  assert.equal(await good({ ...first, key: await ours.deviceKey(first.id) }), true);
});

test("nobody's devices are cut off for another organisation's tag, nor by what is no tag", async () => {
  const far = await theirs.device((await theirs.application()).id, { tags: { site: "east" } });
  await revoke({ about: "tag:site=east" });
  assert.equal(await good(far), true);
  for (const about of ["tag:site", "tag:=", "site=east"]) {
    const { status } = await ours.asks.send<Problem>("POST", "/v1/revocations", { body: { about } });
    assert.ok(status === 400 || status === 422, `${about}: ${status}`);
  }
});

test("what ends with an application, a product, a device, a person or the organisation is told, by its parties", async () => {
  const fleet = await ours.application("Fleet");
  const product = await ours.product();
  const device = await ours.device(fleet.id, { product: product.id });
  const key = await ours.accessKey(fleet.id);
  const line = await connect(device);
  const count = async (about: string, ends?: string) => {
    const { credentials, connections, devices } = await preview(about, ends);
    return [credentials.count, connections.mqtt, devices.count];
  };
  assert.deepEqual(await count(fleet.id), [2, 1, 1]);
  assert.deepEqual(await count(fleet.id, "devices"), [1, 1, 1]);
  assert.deepEqual(await count(fleet.id, "programs,people"), [1, 0, 0]);
  assert.deepEqual(await count(product.id), [1, 1, 1]);
  assert.deepEqual(await count(device.id), [1, 1, 1]);
  const hers = await ours.operatorKey();
  const everybodys = await preview(ours.person);
  assert.ok(everybodys.credentials.items.some(({ id }) => id === hers.id));
  const { credentials } = await preview(ours.org);
  for (const id of [key.id, device.key.id, hers.id]) assert.ok(credentials.items.some((one) => one.id === id));
  const unknown = await ours.asks.send<Problem>("GET", `/v1/revocations/preview?about=${theirs.org}`);
  assert.deepEqual([unknown.status, unknown.body.code], [404, "org.unknown"]);
  // It ends as was told, and nothing did before.
  const from = performance.now();
  assert.ok(line.client.connected);
  await revoke({ about: fleet.id, ends: ["devices"] });
  await closedWithin(line, from, patience);
  assert.deepEqual(await count(fleet.id), [1, 0, 0]);
});

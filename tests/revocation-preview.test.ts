import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { nodeTransport } from "@holdfast/client/node";
import { routes } from "@holdfast/protocol";
import { holdfast } from "../apps/cli/src/testing/world.ts";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, unknown, type Device, type Problem, type Token } from "./authority.fixture.ts";
import { placeOf } from "./clients.fixture.ts";
import { closedWithin, events, mqtt, shown, webSocket } from "./revocation.fixture.ts";

// What a revocation will cut off is told before it does, by what stands open at that moment.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const { visitor } = platform;
const ours = new Owner(visitor, await platform.setUp());
const theirs = new Owner(visitor, await platform.setUp());
const patience = 1_000; // milliseconds

const preview = async (credential: string, made = false, as = ours.token) =>
  routes.previewRevocation.reply.parse(
    await visitor.as(as).get(`/v1/credentials/${credential}/revocation${made ? "?made=true" : ""}`),
  );
const none = { mqtt: 0, eventStreams: 0, webSockets: 0 };
const nothing = { credentials: { count: 0, items: [] }, connections: none, devices: { count: 0, items: [] } };
const byMqtt = (shown: string) => {
  const [username, password] = shown.startsWith("hf_") ? ["me", shown] : shown.split(".");
  return mqtt(platform, { username: username ?? "", password: password ?? "" });
};

test("what hangs on a credential is told with its connections and devices, all of it ends, and nothing else does", async () => {
  const application = await ours.application();
  const key = await ours.operatorKey();
  const asKey = visitor.as(textOf(key));
  const child = await asKey.post<Token>("/v1/tokens", { name: "child", grants: ["telemetry.read"] });
  const device = await asKey.post<Device>("/v1/devices", { application: application.id, name: "Pump 1" });
  const bystander = await ours.tokenOf(["telemetry.read"]);
  assert.deepEqual((await preview(key.id)).connections, none);

  const ends = [
    await events(platform, textOf(key)),
    await events(platform, child.token, device.id),
    await webSocket(platform, child.token),
    await byMqtt(child.token),
    await mqtt(platform, { over: "wss", username: "me", password: child.token }),
  ];
  const atDevice = await byMqtt(textOf(device.key));
  const stay = [
    await events(platform, bystander.token),
    await byMqtt(bystander.token),
    await events(platform, theirs.token),
  ];
  // A WebSocket is open before it watches.
  await shown(ends.slice(0, 3), 1_001, () =>
    visitor.as(textOf(device.key)).post("/v1/me/telemetry", { temperature: 1_001 }),
  );

  const below = { id: child.id, kind: "apiToken", name: "child" };
  const alone = await preview(key.id);
  assert.deepEqual(alone, {
    credentials: { count: 1, items: [below] },
    connections: { mqtt: 2, eventStreams: 2, webSockets: 1 },
    devices: { count: 0, items: [] },
  });
  assert.deepEqual(await preview(child.id), {
    ...nothing,
    connections: { mqtt: 2, eventStreams: 1, webSockets: 1 },
  });
  const all = await preview(key.id, true);
  assert.deepEqual(all, {
    credentials: { count: 2, items: [below, { id: device.key.id, kind: "device", name: "" }] },
    connections: { mqtt: 3, eventStreams: 2, webSockets: 1 },
    devices: { count: 1, items: [device.id] },
  });
  const itself = { ...nothing, connections: { ...none, mqtt: 1 }, devices: { count: 1, items: [device.id] } };
  assert.deepEqual(await preview(device.key.id), itself);
  // Who may read credentials and no device learns how many, not which.
  const { token: narrow } = await ours.tokenOf(["credential.read"]);
  assert.deepEqual(await preview(device.key.id, false, narrow), { ...itself, devices: { count: 1, items: [] } });

  const from = performance.now();
  await ours.asks.delete(`/v1/credentials/${key.id}?made=true`);
  assert.deepEqual(await preview(key.id, true), nothing);
  for (const one of [...ends, atDevice]) await closedWithin(one, from, patience);
  assert.deepEqual((await preview(bystander.id)).connections, { mqtt: 1, eventStreams: 1, webSockets: 0 });
  for (const one of stay) one.end();
});

test("nobody asks about a credential of another organisation, nor about one that there is not", async () => {
  const { id } = await ours.tokenOf(["org.read"]);
  for (const [as, credential] of [
    [theirs.token, id],
    [ours.token, unknown("key")],
  ] as const) {
    const answer = await visitor.as(as).send("GET", `/v1/credentials/${credential}/revocation`);
    assert.deepEqual([answer.status, (answer.body as Problem).code], [404, "credential.unknown"]);
  }
});

test("the command shows it and ends nothing", async (t) => {
  const { id, token } = await ours.tokenOf(["telemetry.read"]);
  const stream = await events(platform, token);
  t.after(() => stream.end());
  const options = {
    clock: systemClock,
    transport: () => nodeTransport({ ca: placeOf(platform).ca }),
    env: { HOLDFAST_URL: platform.platform.url, HOLDFAST_TOKEN: ours.token },
  };
  const { exit, out, err } = await holdfast(["credential", "revoke", id, "--preview"], options);
  assert.equal(exit, 0, err);
  assert.match(out, new RegExp(`would end +${id}\n`));
  assert.match(out, /open now +0 MQTT connections, 1 event stream, 0 WebSockets/);
  const json: unknown = JSON.parse((await holdfast(["credential", "revoke", id, "--preview", "--json"], options)).out);
  assert.deepEqual(json, await preview(id));
  assert.equal((await visitor.as(token).send("GET", "/v1/me")).status, 200);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, type LiveRefused } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import type { Id } from "@holdfast/kernel";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { startWorld, type Device } from "./authority.fixture.ts";
import { placeOf } from "./clients.fixture.ts";
import { eventually } from "./messages.fixture.ts";

// A gateway that was written for ThingsBoard, by a stock client that says what its documents have: docs/migration.md.
const world = await startWorld();
atEnd.after(() => world.close());
const { ours: owner, theirs } = world;
const { mqttsUrl, caPem = "" } = world.platform.platform;
const application = await owner.application();
const open: MqttClient[] = [];
atEnd.after(async () => void (await Promise.all(open.map((client) => client.endAsync(true)))));

type Heard = { readonly topic: string; readonly body: Record<string, unknown> };

async function connect(options: IClientOptions) {
  const client = await connectAsync(mqttsUrl, { ca: caPem, reconnectPeriod: 0, protocolVersion: 5, ...options });
  open.push(client);
  const heard: Heard[] = [];
  client.on("message", (topic, payload) =>
    heard.push({ topic, body: JSON.parse(payload.toString()) as Heard["body"] }),
  );
  const say = (topic: string, body: unknown) => client.publishAsync(topic, JSON.stringify(body), { qos: 1 });
  const hears = async (count = 1): Promise<readonly Heard[]> => {
    await eventually(
      () => heard.length >= count,
      () => `heard ${JSON.stringify(heard)}`,
    );
    return heard.splice(0);
  };
  return { client, heard, say, hears };
}
/** By the credential alone, as that platform's access token. */
const come = ({ key }: Device, more: IClientOptions = {}) =>
  connect({ username: `${key.id}.${key.secret}`, password: "", ...more });

/** 0, or the code with which it was refused. */
const codeOf = (said: Promise<unknown>) =>
  said.then(
    () => 0,
    (error: { code?: number }) => error.code,
  );

const child = (gateway: Device, alias: string) => owner.device(application.id, { gateway: gateway.id, alias });
const readingsOf = async ({ id }: Device, attribute = "temperature") =>
  (
    await owner.asks.get<{ items: { time: string; value: unknown }[] }>(
      `/v1/devices/${id}/telemetry?attribute=${attribute}&from=2017-01-01T00:00:00Z`,
    )
  ).items.map(({ value }) => value);
type Command = { readonly id: string; readonly state: string; readonly result?: unknown };
const send = ({ id }: Device, name: string, body: unknown) =>
  owner.asks.post<Command>(`/v1/devices/${id}/commands`, { name, body });
const read = ({ id }: Device, command: Command) => owner.asks.get<Command>(`/v1/devices/${id}/commands/${command.id}`);
const twin = ({ id }: Device) => owner.asks.get<{ desired: object; reported: object }>(`/v1/devices/${id}/twin`);
const want = ({ id }: Device, desired: object) =>
  owner.asks.send("PATCH", `/v1/devices/${id}/twin`, { body: { desired } });
const seenAt = async ({ id }: Device) =>
  (await owner.asks.get<{ presence: { lastSeenAt?: string } }>(`/v1/devices/${id}`)).presence.lastSeenAt;

test("a gateway of ThingsBoard's brings telemetry and attributes of several children at once", async () => {
  const gateway = await owner.device(application.id);
  const [a, b] = [await child(gateway, "Device A"), await child(gateway, "Device B")];
  const { token } = await owner.tokenOf(["telemetry.read", "twin.read"]);
  const program = await connect({ username: "program", password: token });
  await program.client.subscribeAsync([`devices/${a.id}/#`, `devices/${b.id}/#`], { qos: 1 });
  const { say } = await come(gateway);
  assert.equal(await seenAt(a), undefined);
  await say("v1/gateway/connect", { device: "Device A", type: "Sensor A" });
  assert.ok(await seenAt(a), "its gateway said that it is there");
  const ts = Date.now() - 60_000;
  await say("v1/gateway/telemetry", {
    "Device A": [
      { ts, values: { temperature: 42, humidity: 80 } },
      { ts: ts + 1_000, values: { temperature: 43, humidity: 82 } },
    ],
    "Device B": [{ ts, values: { temperature: 42, humidity: 80 } }],
  });
  assert.deepEqual([await readingsOf(a), await readingsOf(b), await readingsOf(gateway)], [[42, 43], [42], []]);
  await say("v1/gateway/attributes", {
    "Device A": { attribute1: "value1", attribute2: 42 },
    "Device B": { attribute1: "value1", attribute2: 42 },
  });
  for (const one of [a, b]) assert.deepEqual((await twin(one)).reported, { attribute1: "value1", attribute2: 42 });
  // Whoever listens to the children hears it at their own topics.
  const told = await program.hears(4);
  assert.deepEqual(
    told.map(({ topic }) => topic).toSorted(),
    [a, b].flatMap(({ id }) => [`devices/${id}/telemetry`, `devices/${id}/twin/reported`]).toSorted(),
  );
});

test("what waits for a child of which it may not hear is told as soon as it may, in its words", async () => {
  const gateway = await owner.device(application.id);
  const pump = await child(gateway, "Pump S");
  const { client, say, hears, heard } = await come(gateway, { protocolVersion: 4 });
  await client.subscribeAsync(["v1/gateway/attributes", "v1/gateway/rpc"], { qos: 1 });
  await say("v1/gateway/connect", { device: "Pump S" });
  await owner.asks.post(`/v1/devices/${pump.id}/suspend`);
  const command = await send(pump, "toggle_gpio", {});
  assert.deepEqual([heard, (await read(pump, command)).state], [[], "waiting"]);
  await owner.asks.post(`/v1/devices/${pump.id}/resume`);
  assert.deepEqual(
    (await hears()).map(({ topic }) => topic),
    ["v1/gateway/rpc"],
  );
  await client.endAsync();
});

test("it hears of the children that it has named, asks for their attributes, and answers calls", async () => {
  const gateway = await owner.device(application.id);
  const [a, b] = [await child(gateway, "Pump A"), await child(gateway, "Pump B")];
  const waiting = await send(a, "toggle_gpio", { pin: 1 });
  const { client, say, hears, heard } = await come(gateway, { protocolVersion: 4 });
  await client.subscribeAsync(["v1/gateway/attributes", "v1/gateway/attributes/response", "v1/gateway/rpc"], {
    qos: 1,
  });
  await want(b, { interval: 30 });
  assert.equal((await read(a, waiting)).state, "waiting", "the child was not named yet");
  await say("v1/gateway/connect", { device: "Pump A" });
  const [{ topic, body } = assert.fail()] = await hears();
  const { id } = (body as { data: { id: number } }).data;
  assert.ok(Number.isInteger(id) && id < 2 ** 31);
  assert.deepEqual(
    [topic, body],
    ["v1/gateway/rpc", { device: "Pump A", data: { id, method: "toggle_gpio", params: { pin: 1 } } }],
  );
  await say("v1/gateway/rpc", { device: "Pump A", id, data: { success: true } });
  const { state, result } = await read(a, waiting);
  assert.deepEqual([state, result], ["answered", { success: true }]);

  // What it says of a child names it, too.
  await say("v1/gateway/attributes", { "Pump B": { firmware: "1.2" } });
  assert.deepEqual(await hears(), [
    { topic: "v1/gateway/attributes", body: { device: "Pump B", data: { interval: 30 } } },
  ]);
  for (const [asked, answer] of [
    [{ client: true, key: "firmware" }, { value: "1.2" }],
    [{ client: true, key: "none" }, {}],
    [{ client: false, keys: ["interval", "none"] }, { values: { interval: 30 } }],
    [
      { client: ["firmware"], shared: ["interval"] },
      { client: { firmware: "1.2" }, shared: { interval: 30 } },
    ],
  ] as const) {
    await say("v1/gateway/attributes/request", { id: 7, device: "Pump B", ...asked });
    assert.deepEqual(await hears(), [
      { topic: "v1/gateway/attributes/response", body: { id: 7, device: "Pump B", ...answer } },
    ]);
  }

  await say("v1/gateway/disconnect", { device: "Pump B" });
  const held = await send(b, "stop", {});
  await want(b, { interval: 60 });
  await say("v1/gateway/telemetry", { "Pump A": [{ temperature: 1 }] });
  assert.deepEqual([heard, (await read(b, held)).state], [[], "waiting"], "nobody is told of a child that is away");
  await say("v1/gateway/connect", { device: "Pump B" });
  assert.deepEqual((await hears(2)).map((one) => one.topic).toSorted(), ["v1/gateway/attributes", "v1/gateway/rpc"]);
  // Names count as long as the connection on which they were said.
  await client.endAsync();
  const again = await come(gateway, { protocolVersion: 4 });
  await again.client.subscribeAsync("v1/gateway/rpc", { qos: 1 });
  const last = await send(a, "stop", {});
  await again.say("v1/gateway/telemetry", { "Pump B": { temperature: 1 } });
  assert.deepEqual([again.heard, (await read(a, last)).state], [[], "waiting"]);
});

test("a child that is absent, not bound, or another's is refused with a reason, which stands in the live log; the others are heard", async () => {
  const [gateway, other] = [await owner.device(application.id), await owner.device(application.id)];
  const known = await child(gateway, "Known");
  const [unbound, others] = [await owner.device(application.id, { alias: "Loose" }), await child(other, "Others")];
  const foreign = await theirs.device((await theirs.application()).id, { alias: "Foreign" });
  const before = await owner.asks.get<{ total: number }>("/v1/devices");
  const place = placeOf(world.platform);
  const stream = new AbortController();
  const watcher = new Client({ url: place.url, token: owner.token, transport: nodeTransport({ ca: place.ca }) });
  const refusals: LiveRefused[] = [];
  const watched = Promise.withResolvers<void>();
  const follow = async () => {
    const how = { signal: stream.signal, onOpen: watched.resolve };
    for await (const event of watcher.watch({ device: gateway.id as Id<"device"> }, how))
      // as the platform said
      if (event.type === "refused") refusals.push(event.data);
  };
  const following = follow().catch((error: unknown) => assert.ok(stream.signal.aborted, String(error)));
  await watched.promise;
  const { say, client } = await come(gateway);
  assert.equal(await codeOf(say("v1/gateway/connect", { device: "Loose" })), 0x87);
  await eventually(
    () => refusals.length === 1,
    () => "the refusal is not shown",
  );
  const { code, topic, detail, action } = refusals[0] ?? assert.fail();
  assert.deepEqual(
    { code, topic, detail, action },
    {
      code: "gateway.notChild",
      topic: "v1/gateway/connect",
      detail: 'This is about "Loose".',
      action: "telemetry.write",
    },
  );
  const old = await come(gateway, { protocolVersion: 4 });
  await old.say("v1/gateway/telemetry", { Loose: [{ temperature: 2 }] });
  await eventually(
    () => refusals.length === 2 && refusals[1]?.topic === "v1/gateway/telemetry",
    () => "what 3.1.1 cannot be told is not shown",
  );
  stream.abort();
  await following;
  const names = [
    "Nobody",
    unbound.id,
    "Loose",
    "Others",
    others.id,
    "Foreign",
    foreign.id,
    gateway.id,
    "",
    "__proto__",
  ];
  for (const name of names.filter((one) => one !== "")) {
    const refused = (topic: string, body: unknown) =>
      assert.rejects(say(topic, body), { code: 0x87 }, `${topic} of ${name}`);
    await refused("v1/gateway/connect", { device: name });
    await refused("v1/gateway/disconnect", { device: name });
    await refused("v1/gateway/attributes/request", { id: 1, device: name, client: true, key: "a" });
    await refused("v1/gateway/rpc", { device: name, id: 1, data: {} });
  }
  await assert.rejects(
    say("v1/gateway/telemetry", {
      Known: [{ temperature: 1 }],
      Loose: [{ temperature: 2 }],
      Foreign: [{ temperature: 3 }],
    }),
    (error: Error & { code: number }) => error.code === 0x87,
  );
  await assert.rejects(say("v1/gateway/attributes", { Known: { a: 1 }, Others: { a: 2 } }), { code: 0x87 });
  assert.deepEqual(await readingsOf(known), [1], "what is said of a child stands by itself");
  assert.deepEqual((await twin(known)).reported, { a: 1 });
  for (const one of [unbound, others]) assert.deepEqual([await readingsOf(one), (await twin(one)).reported], [[], {}]);
  assert.equal((await owner.asks.get<{ total: number }>("/v1/devices")).total, before.total, "none is made");
  for (const [topic, body, code] of [
    ["v1/gateway/connect", { device: 7 }, 0x99],
    ["v1/gateway/connect", [], 0x99],
    ["v1/gateway/telemetry", {}, 0x99],
    ["v1/gateway/telemetry", { Known: [{ temperature: {} }] }, 0x99],
    ["v1/gateway/attributes", { Known: [1] }, 0x99],
    ["v1/gateway/attributes/request", { device: "Known", client: true, key: "a" }, 0x99],
    ["v1/gateway/attributes/request", { id: 1, device: "Known", client: true, keys: "a" }, 0x99],
    ["v1/gateway/rpc", { device: "Known", id: 1 }, 0x99],
    ["v1/gateway/rpc", { device: "Known", id: 1, data: {} }, 0x99],
    ["v1/gateway/rpc", { device: "Known", id: 2 ** 31, data: {} }, 0x99],
    ["v1/gateway/attributes/response", {}, 0x90],
    ["v1/gateway/claim", { Known: { secretKey: "value_A", durationMs: 60_000 } }, 0x90],
  ] as const)
    assert.equal(await codeOf(say(topic, body)), code, `${topic} ${JSON.stringify(body)}`);
  for (const filter of ["v1/gateway/+", "v1/gateway/#", `thingsboard/${known.id}/child/rpc`, "thingsboard/+/child/rpc"])
    await assert.rejects(client.subscribeAsync(filter, { qos: 1 }), filter);
  assert.equal(refusals.length, 2);
});

test("a child that is unbound, or whose door is shut, is neither spoken for nor heard of, on open connections too", async () => {
  const gateway = await owner.device(application.id);
  const [leaves, shut] = [await child(gateway, "Leaves"), await child(gateway, "Shut")];
  const { client, say, hears, heard } = await come(gateway);
  const [itself, stranger] = [await come(leaves), await come(await owner.device(application.id))];
  for (const one of [client, itself.client, stranger.client])
    await one.subscribeAsync(["v1/gateway/rpc", "v1/gateway/attributes"], { qos: 1 });
  for (const name of ["Leaves", "Shut"]) await say("v1/gateway/connect", { device: name });
  await send(leaves, "first", {});
  assert.equal((await hears())[0]?.body["device"], "Leaves");
  await owner.asks.send("DELETE", `/v1/devices/${leaves.id}/gateway`);
  await owner.asks.send("PUT", `/v1/devices/${shut.id}/door`, { body: { transports: ["https"] } });
  for (const one of [leaves, shut]) await send(one, "second", {});
  assert.equal(await codeOf(say("v1/gateway/telemetry", { Leaves: [{ temperature: 1 }] })), 0x87);
  assert.equal(await codeOf(say("v1/gateway/telemetry", { Shut: [{ temperature: 1 }] })), 0x87);
  for (const one of [leaves, shut]) assert.deepEqual(await readingsOf(one), []);
  assert.deepEqual([heard, itself.heard, stranger.heard], [[], [], []], "nobody else is told in those words");
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { sentenceOf, systemClock } from "@holdfast/kernel";
import mqtt, { type IClientOptions, type IConnackPacket, type MqttClient } from "mqtt";
import { WebSocket } from "ws";
import { asOwner, atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { caFile, dial, placeOf, run } from "./clients.fixture.ts";

// Timers are the machine's; what expires does so when a test moves this clock.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const place = placeOf(platform);
const { visitor } = platform;
const { mqttsUrl } = platform.platform;
const owner = await platform.setUp();
const me = visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });

type Device = { id: string; key: { id: string; secret: string } };
type Item = { attribute: string; value: unknown; time: string };
let names = 0;
const makeDevice = (more: object = {}) =>
  me.post<Device>("/v1/devices", { application: application.id, name: `Device ${(names += 1)}`, ...more });
const token = async (...grants: string[]) =>
  me.post<{ id: string; token: string }>("/v1/tokens", { name: "program", grants });
const latest = async ({ id }: Device) =>
  Object.fromEntries(
    (await me.get<{ items: Item[] }>(`/v1/devices/${id}/telemetry/latest`)).items.map((i) => [i.attribute, i.value]),
  );

type Heard = { topic: string; body: string; qos: number; contentType?: string | undefined };
const everything = new WeakMap<MqttClient, Heard[]>();
const open: MqttClient[] = [];
atEnd.after(async () => void (await Promise.all(open.map((client) => client.endAsync(true)))));

/** A client that is not connected yet, and forgets nothing that it is told. */
function meet(options: IClientOptions, url = mqttsUrl): MqttClient {
  const client = mqtt.connect(url, { ca: place.ca, reconnectPeriod: 0, ...options });
  open.push(client);
  client.on("error", () => {}); // what a test expects of it, it looks for
  const heard: Heard[] = [];
  everything.set(client, heard);
  client.on("message", (topic, payload, { qos, properties }) => {
    heard.push({ topic, body: payload.toString(), qos, contentType: properties?.contentType });
  });
  return client;
}

async function connect(options: IClientOptions, url = mqttsUrl): Promise<MqttClient> {
  const client = meet(options, url);
  await new Promise((resolve, reject) => client.once("connect", resolve).once("error", reject));
  return client;
}
const as = ({ key }: Device, options: IClientOptions = {}) =>
  connect({ username: key.id, password: key.secret, ...options });
const asToken = (password: string, options: IClientOptions = {}) =>
  connect({ username: "program", password, ...options });

/** The code of a CONNACK that says no, and with MQTT 5 its reason string. */
async function refused(options: IClientOptions): Promise<{ code: number | undefined; reason: string | undefined }> {
  const client = meet(options);
  const packet = await new Promise<IConnackPacket>((resolve) =>
    client.on("packetreceive", (received) => received.cmd === "connack" && resolve(received)),
  );
  await client.endAsync(true);
  return { code: packet.reasonCode ?? packet.returnCode, reason: packet.properties?.reasonString };
}

/** The codes of a SUBACK, also when some say no, which MQTT.js makes an error of all. */
async function subscribe(client: MqttClient, filters: readonly string[]): Promise<number[]> {
  const answer = new Promise<number[]>(
    (resolve) =>
      client.on("packetreceive", (received) => received.cmd === "suback" && resolve(received.granted as number[])), // codes
  );
  client.subscribe([...filters], { qos: 1 }, () => {});
  return answer;
}

/** What a client is told, as it comes. */
function hearing(client: MqttClient) {
  const heard = everything.get(client) ?? assert.fail();
  return {
    heard,
    async until(count: number) {
      for (let waited = 0; heard.length < count && waited < 5_000; waited += 5) await setTimeout(5);
      return heard;
    },
  };
}

/** The reason code of a DISCONNECT. */
const dismissed = (client: MqttClient): Promise<number | undefined> =>
  new Promise((resolve) => client.once("disconnect", ({ reasonCode }) => resolve(reasonCode)));

/** Nothing more is under way to this client: the platform has answered what was asked after it. */
const quiet = (client: MqttClient) => client.unsubscribeAsync("nothing/at/all");

for (const protocolVersion of [4, 5] as const) {
  test(`with MQTT ${protocolVersion === 4 ? "3.1.1" : "5"} a credential is good in each of its forms`, async () => {
    const device = await makeDevice();
    const { token: program } = await token("telemetry.write");
    const forms: IClientOptions[] = [
      { username: device.key.id, password: device.key.secret },
      { username: `${device.key.id}.${device.key.secret}` },
      { username: `${device.key.id}.${device.key.secret}`, password: "" },
      { username: "whatever", password: program },
      { username: "", password: program },
    ];
    for (const url of [mqttsUrl, `${place.url.replace("https", "wss")}/mqtt`]) {
      for (const form of forms) {
        const client = await connect({ ...form, protocolVersion }, url);
        const topic = form.password === program ? `devices/${device.id}/telemetry` : "me/telemetry";
        await client.publishAsync(topic, '{"t": 1}', { qos: 1 });
        await client.endAsync();
      }
    }
    const { items } = await me.get<{ items: Item[] }>(`/v1/devices/${device.id}/telemetry?attribute=t`);
    assert.equal(items.length, 2 * forms.length);
  });

  test(`with MQTT ${protocolVersion === 4 ? "3.1.1" : "5"} whoever may not come in is told the right code`, async () => {
    const [device, suspended, retired] = [await makeDevice(), await makeDevice(), await makeDevice()];
    await me.post(`/v1/devices/${suspended.id}/suspend`);
    await me.post(`/v1/devices/${retired.id}/retire`);
    const brief = await me.post<{ token: string }>("/v1/tokens", { name: "brief", grants: ["*"], expiresIn: "30s" });
    const [bad, not] = protocolVersion === 4 ? [4, 5] : [0x86, 0x87];
    const wrongSecret = suspended.key.secret;
    const cases: [IClientOptions, number, RegExp][] = [
      [{}, bad, /credential/i],
      [{ username: "x", password: "y" }, bad, /not known/],
      [{ username: device.key.id }, bad, /not known/],
      [{ username: device.key.id, password: wrongSecret }, bad, /not known/],
      [{ username: `key_${"0".repeat(32)}`, password: device.key.secret }, bad, /not known/],
      [{ username: "x", password: `${owner.token}x` }, bad, /not known/],
      [{ username: suspended.key.id, password: suspended.key.secret }, not, /suspended/],
      [{ username: retired.key.id, password: retired.key.secret }, bad, /ended/],
    ];
    for (const [options, code, sentence] of cases) {
      const answer = await refused({ ...options, protocolVersion });
      assert.equal(answer.code, code, JSON.stringify(answer));
      if (protocolVersion === 5) assert.match(answer.reason ?? "", sentence);
      assert.ok(!answer.reason?.includes(device.key.secret));
    }
    clock.move(60_000);
    assert.equal((await refused({ username: "x", password: brief.token, protocolVersion })).code, not);
  });
}

test("attempts with a known key are in its owner's audit log, counted and not one by one", async () => {
  const device = await makeDevice();
  for (let attempt = 0; attempt < 10; attempt += 1) {
    // The answers of all but the first wait; what is written does not.
    meet({ username: device.key.id, password: `hfs_${"A".repeat(49)}`, protocolVersion: 5 });
    meet({ username: device.key.id, password: await makeSecret(), protocolVersion: 5 });
  }
  type Entry = { what: string; facts: { action: string; count?: number } };
  let entries: Entry[] = [];
  let count = 0;
  for (let waited = 0; count < 20 && waited < 5_000; waited += 50) {
    await setTimeout(50);
    entries = (await me.get<{ items: Entry[] }>(`/v1/audit?about=${device.key.id}`)).items.filter(
      ({ what, facts }) => what === "access.refused" && facts.action === "connect",
    );
    count = entries.reduce((sum, { facts }) => sum + (facts.count ?? 1), 0);
  }
  assert.equal(count, 20, "one for each secret that was wrong, or was none");
  assert.ok(entries.length < 10);
});

/** A secret as we write them, of somebody else. */
const makeSecret = async () => (await makeDevice()).key.secret;

test("a device lives in its own tree, and every other topic or filter is refused by itself", async () => {
  const [device, other] = [await makeDevice({ alias: "pump-7" }), await makeDevice({ alias: "pump-8" })];
  const client = await as(device, { protocolVersion: 5 });
  const filters = {
    "me/#": 1,
    "me/commands/+": 1,
    "#": 0x87,
    "+/telemetry": 0x87,
    [`devices/${device.id}/telemetry`]: 0x87,
    [`devices/${other.id}/telemetry`]: 0x87,
    "devices/+/telemetry": 0x87,
    "$share/group/devices/+/telemetry": 0x87,
    "$share/group/me/#": 1,
    [`losant/${device.id}/state`]: 1,
    "losant/pump-7/state": 1,
    "losant/pump-8/state": 0x87,
    "losant/+/state": 0x87,
    "v1/devices/me/telemetry": 1,
  };
  const granted = await subscribe(client, Object.keys(filters));
  assert.deepEqual(Object.fromEntries(Object.keys(filters).map((filter, at) => [filter, granted[at]])), filters);

  const old = await as(device, { protocolVersion: 4, clientId: "old" });
  assert.deepEqual(await subscribe(old, ["me/#", "#"]), [1, 0x80]);

  for (const [topic, code] of [
    [`devices/${device.id}/telemetry`, 0x87],
    [`devices/${other.id}/telemetry`, 0x87],
    ["losant/pump-8/state", 0x87],
    ["telemetry", 0x87],
    ["me/nonsense", 0x90],
    ["me/telemetry/more", 0x90],
  ] as const) {
    const body = '{"stray": 1}';
    await assert.rejects(client.publishAsync(topic, body, { qos: 1 }), { code }, topic);
    await old.publishAsync(topic, body, { qos: 1 }); // acknowledged, because 3.1.1 cannot be told
  }
  assert.ok(client.connected && old.connected);
  assert.deepEqual([await latest(device), await latest(other)], [{}, {}]);
});

test("a credential in a topic, a filter or a name is nowhere in the audit log, and its owner reads that it was exposed", async () => {
  const [speaker, leaked] = [await makeDevice(), await makeDevice()];
  const brief = await token("device.read");
  const secrets = [leaked.key.secret, brief.token];
  const client = await as(speaker, { protocolVersion: 5 });
  const long = "x/".repeat(50); // so that the text is cut in the middle of the secret
  await assert.rejects(client.publishAsync(`v1/${leaked.key.id}.${leaked.key.secret}/up`, "{}", { qos: 1 }));
  assert.deepEqual(await subscribe(client, [`${long}${brief.token}`]), [0x87]);
  const named = await makeDevice({ name: `Pump ${leaked.key.secret}`, tags: { was: leaked.key.secret } });
  const granted = await token(`device.read:tag:was=${leaked.key.secret}`);
  await assert.rejects(
    client.publishAsync("me/telemetry", JSON.stringify({ [leaked.key.secret]: null }), { qos: 1 }),
    ({ message }: Error) => !message.includes(leaked.key.secret.slice(0, 20)),
  );
  type Entry = { what: string; about: string; facts?: Record<string, string> };
  const entries = async (about: string) => (await me.get<{ items: Entry[] }>(`/v1/audit?about=${about}`)).items;
  for (const [id, where] of [
    [leaked.key.id, "topic"],
    [brief.id, "filter"],
  ] as const) {
    let told: Entry | undefined;
    for (let waited = 0; !told && waited < 5_000; waited += 20) {
      await setTimeout(20);
      told = (await entries(id)).find(({ what }) => what === "credential.exposed");
    }
    assert.deepEqual(told?.facts, { where, address: "127.0.0.1" });
  }
  let refusals: Entry[] = [];
  for (let waited = 0; refusals.length < 2 && waited < 5_000; waited += 50) {
    await setTimeout(50);
    refusals = (await entries(speaker.id)).filter(({ what }) => what === "access.refused");
  }
  assert.deepEqual(
    new Set(refusals.map(({ facts }) => facts?.["because"]?.replace(/(x\/)+/, "…"))),
    new Set([`publish to v1/${leaked.key.id}.[credential]/up`, "subscribe to …[credential]"]),
  );
  assert.equal((await entries(named.id))[0]?.facts?.["name"], "Pump [credential]");
  assert.ok((await entries(granted.id)).length > 0);
  const everything = JSON.stringify((await me.get<{ items: Entry[] }>("/v1/audit?limit=1000")).items);
  for (const secret of secrets) assert.ok(!everything.includes(secret.slice(0, 24)), everything);
});

test("firmware that was written for another platform is understood in its own forms", async () => {
  const device = await makeDevice({ alias: "boiler" });
  const client = await as(device);
  const at = Date.UTC(2026, 0, 1, 10);
  await client.publishAsync(
    `losant/${device.id}/state`,
    '{"data": {"a": 1}, "time": {"$date": "2026-01-01T10:00:00Z"}}',
    { qos: 1 },
  );
  await client.publishAsync("losant/boiler/state", '{"data": {"b": 2}}', { qos: 1 });
  await client.publishAsync("v1/devices/me/telemetry", `{"ts": ${at}, "values": {"c": 3}}`, { qos: 1 });
  await client.publishAsync("v1/devices/me/telemetry", '{"d": 4}', { qos: 1 });
  assert.deepEqual(await latest(device), { a: 1, b: 2, c: 3, d: 4 });
  const { items } = await me.get<{ items: Item[] }>(
    `/v1/devices/${device.id}/telemetry?attribute=c&from=2026-01-01T00:00:00Z`,
  );
  assert.equal(items[0]?.time, "2026-01-01T10:00:00.000Z");
});

test("an alias is good from the moment that it is given, also on a connection that was there before", async () => {
  const [device, next] = [await makeDevice(), await makeDevice()];
  const client = await as(device, { protocolVersion: 5 });
  const other = await as(next, { protocolVersion: 5 });
  const say = (from: MqttClient, name: string, n: number) =>
    from.publishAsync(`losant/${name}/state`, `{"data": {"n": ${n}}}`, { qos: 1 });
  await assert.rejects(say(client, "kettle", 1));
  await me.patch(`/v1/devices/${device.id}`, { alias: "kettle" });
  await say(client, "kettle", 2);
  assert.deepEqual(await latest(device), { n: 2 });
  await me.patch(`/v1/devices/${device.id}`, { alias: "cauldron" });
  await assert.rejects(say(client, "kettle", 3));
  await say(client, "cauldron", 4);
  await me.patch(`/v1/devices/${next.id}`, { alias: "kettle" });
  await say(other, "kettle", 5);
  assert.deepEqual([await latest(device), await latest(next)], [{ n: 4 }, { n: 5 }]);
});

test("a program gets what it may read and nothing else, whatever its filters say, and only as long as it may", async () => {
  const [seen, unseen] = [await makeDevice({ tags: { site: "a" } }), await makeDevice({ tags: { site: "b" } })];
  const stranger = await platform.setUp();
  const theirs = visitor.as(stranger.token);
  const their = await theirs.post<{ id: string }>("/v1/applications", { name: "Theirs" });
  const foreign = await theirs.post<Device>("/v1/devices", { application: their.id, name: "Foreign" });

  const { token: narrow } = await token("telemetry.read:tag:site=a");
  const program = await asToken(narrow, { protocolVersion: 5 });
  const { heard, until } = hearing(program);
  const filters = ["#", "devices/+/telemetry", ...[seen, unseen, foreign].map(({ id }) => `devices/${id}/telemetry`)];
  assert.deepEqual(await subscribe(program, filters), [1, 1, 1, 0x87, 0x87]);

  const devices = [await as(seen), await as(unseen), await as(foreign)];
  for (const device of devices) await device.publishAsync("me/telemetry", '{"t": 1}', { qos: 1 });
  await until(1);
  await me.patch(`/v1/devices/${seen.id}`, { tags: { site: "b" } });
  for (const device of devices) await device.publishAsync("me/telemetry", '{"t": 2}', { qos: 1 });
  await quiet(program);
  // Three filters match the one message: MQTT 5 lets the server send it once (3.3.4).
  assert.deepEqual(
    heard.map(({ topic, body }) => [topic, body]),
    [[`devices/${seen.id}/telemetry`, '{"t": 1}']],
  );

  const blind = await asToken((await token("device.read")).token, { protocolVersion: 5 });
  assert.deepEqual(await subscribe(blind, ["#", "devices/+/telemetry"]), [0x87, 0x87]);
});

test("what a subscriber of QoS 1 hears can be read at that moment, and a reading by HTTP reaches subscribers too", async () => {
  const device = await makeDevice();
  const program = await asToken(owner.token, { protocolVersion: 5 });
  const { until } = hearing(program);
  await program.subscribeAsync({ [`devices/${device.id}/telemetry`]: { qos: 1 } });
  const readable: unknown[] = [];
  program.on("message", () => void readable.push(latest(device)));
  await (await as(device)).publishAsync("me/telemetry", '{"t": 1}', { qos: 1 });
  await until(1);
  assert.deepEqual(await readable[0], { t: 1 });

  const sender = visitor.as(`${device.key.id}.${device.key.secret}`);
  await sender.post("/v1/me/telemetry", { t: 2 });
  await sender.send("POST", "/v1/me/telemetry", {
    bytes: Buffer.from("a16174 03".replaceAll(" ", ""), "hex"), // {"t": 3}
    headers: { "content-type": "application/cbor" },
  });
  const heard = await until(3);
  assert.deepEqual(
    heard.map(({ contentType }) => contentType),
    [undefined, "application/json", "application/cbor"],
  );
  assert.deepEqual(await latest(device), { t: 3 });
});

test("a subscriber of QoS 1 that was away gets what it missed, once it is back", async () => {
  const device = await makeDevice();
  const options = {
    protocolVersion: 5,
    clean: false,
    clientId: "durable",
    properties: { sessionExpiryInterval: 600 },
  } as const;
  const before = await asToken(owner.token, options);
  await before.subscribeAsync("devices/+/telemetry", { qos: 1 });
  await before.endAsync();
  await (await as(device)).publishAsync("me/telemetry", '{"t": 1}', { qos: 1 });
  const after = await asToken(owner.token, options);
  const { until } = hearing(after);
  assert.deepEqual(
    (await until(1)).map(({ body, qos }) => [body, qos]),
    [['{"t": 1}', 1]],
  );
});

test("a reading that is refused is named with MQTT 5, acknowledged and counted with 3.1.1, and never kept", async () => {
  const device = await makeDevice();
  const modern = await as(device, { protocolVersion: 5 });
  await modern.publishAsync("me/telemetry", '{"t": 1}', { qos: 1 });
  const counted = async () =>
    Number(/^holdfast_telemetry_refused_total (\d+)$/m.exec((await visitor.send("GET", "/metrics")).text)?.[1]);
  const before = await counted();
  const bodies = [
    "",
    "{",
    '{"t": "text"}',
    '{"t": {"deep": 1}}',
    '{"time": "2042-01-01T00:00:00Z", "values": {"t": 2}}',
    '{"a": 1, "t": true}',
  ];
  const reasons: (string | undefined)[] = [];
  modern.on("packetreceive", (received) => {
    if (received.cmd === "puback") reasons.push(received.properties?.reasonString);
  });
  for (const body of bodies) {
    await assert.rejects(modern.publishAsync("me/telemetry", body, { qos: 1 }), { code: 0x99 }, body);
  }
  assert.match(reasons[2] ?? "", /"t" is a number, and this is a text/);
  const old = await as(device, { protocolVersion: 4 });
  for (const body of bodies) await old.publishAsync("me/telemetry", body, { qos: 1 });
  assert.ok(old.connected && modern.connected);
  assert.equal(await counted(), before + 2 * bodies.length);
  assert.deepEqual(await latest(device), { t: 1 });
});

test("a packet of more than a mebibyte ends its connection, and nothing of it is kept", async () => {
  const device = await makeDevice();
  const client = await as(device, { protocolVersion: 5 });
  const ended = dismissed(client);
  const note = "x".repeat(1024 * 1024);
  client.publish("me/telemetry", JSON.stringify({ note }), { qos: 1 });
  assert.equal(await ended, 0x95);
  assert.deepEqual(await latest(device), {});
});

test("a second connection of the same device and client id takes the first one's place, with another key too", async () => {
  const device = await makeDevice();
  const second = await me.post<{ id: string; secret: string }>(`/v1/devices/${device.id}/keys`);
  const first = await as(device, { protocolVersion: 5, clientId: "pump" });
  const ended = dismissed(first);
  const next = await connect({ username: second.id, password: second.secret, protocolVersion: 5, clientId: "pump" });
  assert.equal(await ended, 0x8e);
  const other = await as(await makeDevice(), { protocolVersion: 5, clientId: "pump" });
  await next.publishAsync("me/telemetry", '{"t": 1}', { qos: 1 });
  assert.ok(next.connected && other.connected, "client ids of two devices are two");
});

test("the will of a device is a reading of its own, in whatever form it was written, and never one of another", async () => {
  const [device, other] = [await makeDevice({ alias: "willing" }), await makeDevice()];
  const program = await asToken(owner.token);
  const { until } = hearing(program);
  await program.subscribeAsync(`devices/${device.id}/telemetry`, { qos: 1 });
  for (const [topic, payload] of [
    ["me/telemetry", '{"online": false}'],
    ["losant/willing/state", '{"data": {"losant": false}}'],
  ] as const) {
    const client = await as(device, { will: { topic, payload: Buffer.from(payload), qos: 1, retain: false } });
    client.stream.destroy(); // without DISCONNECT
  }
  await until(2);
  assert.deepEqual(await latest(device), { online: false, losant: false });
  for (const topic of [`devices/${other.id}/telemetry`, `devices/${device.id}/telemetry`, "me/nonsense"]) {
    const will = { topic, payload: Buffer.from('{"t": 1}'), qos: 1, retain: false } as const;
    const { code } = await refused({ username: device.key.id, password: device.key.secret, protocolVersion: 5, will });
    assert.equal(code, topic === "me/nonsense" ? 0x90 : 0x87, topic);
  }
});

const webSocketUrl = `${place.url.replace("https", "wss")}/mqtt`;

async function overWebSocket(offered: string[]): Promise<WebSocket> {
  const socket = new WebSocket(webSocketUrl, offered, { ca: place.ca });
  await once(socket, "open");
  return socket;
}

test("[MQTT-6.0.0-3] [MQTT-6.0.0-4] 3.1.1 [MQTT-6.0.0-3] [MQTT-6.0.0-4] MQTT over a WebSocket wants its subprotocol, and selects it among others", async () => {
  const without = new WebSocket(webSocketUrl, { ca: place.ca });
  const [, response] = (await once(without, "unexpected-response")) as [unknown, { statusCode: number }]; // what the event carries
  assert.equal(response.statusCode, 400);
  for (const offered of [["mqtt"], ["chat", "mqtt"], ["mqttv3.1", "mqtt"]]) {
    const socket = await overWebSocket(offered);
    assert.equal(socket.protocol, "mqtt");
    socket.terminate();
  }
  const plain = await visitor.send("GET", "/mqtt");
  assert.equal(plain.status, 404);
});

const framed = (first: number, ...body: number[]) =>
  body.length < 128 ? [first, body.length, ...body] : [first, (body.length & 0x7f) | 0x80, body.length >> 7, ...body];
const string = (value: string) => [value.length >> 8, value.length & 0xff, ...Buffer.from(value)];
const connectAs = ({ key }: Device) =>
  framed(0x10, ...string("MQTT"), 4, 0xc2, 0, 60, ...string("ws"), ...string(key.id), ...string(key.secret));

test("[MQTT-6.0.0-1] 3.1.1 [MQTT-6.0.0-1] a WebSocket is closed at its first frame that is not binary, though it were good MQTT", async () => {
  const socket = await overWebSocket(["mqtt"]);
  socket.send(Buffer.from(connectAs(await makeDevice())));
  await once(socket, "message");
  const ponged = Promise.race([once(socket, "message"), once(socket, "close").then(() => "closed")]);
  socket.send("\u0040\u0002\u0000\u0001"); // a PUBACK, which would be ignored
  socket.send(Buffer.from([0xc0, 0]));
  assert.equal(await ponged, "closed");
});

test("[MQTT-6.0.0-2] 3.1.1 [MQTT-6.0.0-2] over a WebSocket a frame holds many packets, or a part of one", async () => {
  const device = await makeDevice();
  const publish = (n: number) => framed(0x32, ...string("me/telemetry"), 0, n, ...Buffer.from(`{"t": ${n}}`));
  const bytes = Buffer.from([...connectAs(device), ...publish(1), ...publish(2), ...publish(3)]);
  for (const size of [bytes.length, 1, 7]) {
    const socket = await overWebSocket(["mqtt"]);
    const heard: Buffer[] = [];
    const expected = [0x20, 2, 0, 0, 0x40, 2, 0, 1, 0x40, 2, 0, 2, 0x40, 2, 0, 3];
    const all = new Promise<void>((resolve, reject) => {
      socket.on("message", (chunk: Buffer) => {
        heard.push(chunk);
        if (Buffer.concat(heard).length >= expected.length) resolve();
      });
      socket.once("close", () => reject(new Error(`closed after ${Buffer.concat(heard).toString("hex")}`)));
    });
    for (let at = 0; at < bytes.length; at += size) socket.send(bytes.subarray(at, at + size));
    await all;
    assert.deepEqual(Buffer.concat(heard), Buffer.from(expected));
    socket.terminate();
  }
});

test("bytes that are no MQTT end their connection and no other", async () => {
  const client = await as(await makeDevice());
  for (const bytes of [
    "GET / HTTP/1.1\r\n\r\n",
    "\u0000".repeat(100),
    "\u00ff".repeat(100),
    "\u0010\u00ff\u00ff\u00ff\u00ff\u00ff",
  ]) {
    using line = await dial(place, place.mqttPort);
    line.socket.write(bytes, "latin1");
    assert.ok((await line.toTheEnd()).length < 16);
  }
  await client.publishAsync("me/telemetry", '{"t": 1}', { qos: 1 });
});

test("mosquitto_pub sends a reading", async (t) => {
  const device = await makeDevice();
  const to = ["--cafile", caFile(platform), "-h", "localhost", "-p", String(place.mqttPort), "-q", "1"];
  const from = ["-u", device.key.id, "-P", device.key.secret, "-t", "me/telemetry", "-m", '{"temperature": 21.5}'];
  const answer = await run("mosquitto_pub", [...to, ...from]);
  if (!answer) return t.skip("there is no mosquitto_pub on this machine");
  assert.deepEqual(answer, { code: 0, out: "" });
  assert.deepEqual(await latest(device), { temperature: 21.5 });
});

test("when the disk is full nobody is told that a reading was kept, and it is taken once there is room", async () => {
  const { login } = platform.database;
  const device = await makeDevice();
  const modern = await as(device, { protocolVersion: 5 });
  const old = await as(device, { protocolVersion: 4, clientId: "old" });
  const body = '{"t": 1}';
  await asOwner(
    login,
    `create function public.full() returns trigger language plpgsql as $$
       begin raise exception 'no space' using errcode = 'disk_full'; end $$`,
    "create trigger no_space before insert on holdfast.log execute function public.full()",
  );
  try {
    await assert.rejects(modern.publishAsync("me/telemetry", body, { qos: 1 }), { code: 0x97 });
    const cut = new Promise<void>((resolve) => old.once("close", () => resolve()));
    let acknowledged = false;
    void old.publishAsync("me/telemetry", body, { qos: 1 }).then(
      () => (acknowledged = true),
      () => undefined,
    );
    await cut;
    assert.equal(acknowledged, false);
    const sent = await visitor
      .as(`${device.key.id}.${device.key.secret}`)
      .send("POST", "/v1/me/telemetry", { body: { t: 1 } });
    assert.deepEqual([sent.status, (sent.body as { code: string }).code], [507, "storage.full"]);
    assert.ok(modern.connected);
  } finally {
    await asOwner(login, "drop trigger no_space on holdfast.log");
  }
  await modern.publishAsync("me/telemetry", body, { qos: 1 });
  assert.deepEqual(await latest(device), { t: 1 });
});

test("a client of MQTT 5 that is refused reads what to do: a device, a program, of a message, a filter and a will", async () => {
  const device = await makeDevice();
  const { token: narrow } = await token(`telemetry.read:${device.id}`);
  const other = await makeDevice();
  const said = (client: MqttClient, act: () => unknown) =>
    new Promise<string | undefined>((resolve) => {
      client.once("packetreceive", (packet) =>
        resolve(packet.cmd === "puback" || packet.cmd === "suback" ? packet.properties?.reasonString : packet.cmd),
      );
      act();
    });
  const own = sentenceOf("topic.foreign");
  const pump = await as(device, { protocolVersion: 5 });
  const publish = (client: MqttClient, topic: string) => () =>
    client.publishAsync(topic, '{"t": 1}', { qos: 1 }).catch(() => {});
  const listen = (client: MqttClient, filter: string) => () => client.subscribeAsync(filter).catch(() => {});
  assert.equal(await said(pump, publish(pump, `devices/${other.id}/telemetry`)), own);
  assert.equal(await said(pump, listen(pump, "devices/+/telemetry")), own);
  assert.equal(await said(pump, publish(pump, "me/nothing")), sentenceOf("topic.unknown"));
  const program = await asToken(narrow, { protocolVersion: 5 });
  assert.match(
    String(await said(program, publish(program, `devices/${device.id}/telemetry`))),
    /does not allow.*explain.*grant/,
  );
  assert.match(
    String(await said(program, listen(program, `devices/${other.id}/telemetry`))),
    /does not allow.*explain.*grant/,
  );
  const { key } = device;
  const will = { topic: "elsewhere", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
  assert.deepEqual(await refused({ protocolVersion: 5, username: key.id, password: key.secret, will }), {
    code: 0x87,
    reason: own,
  });
});

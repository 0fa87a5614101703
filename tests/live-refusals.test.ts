import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Client, type LiveEvent, type LiveReading, type LiveRefused } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { newId, sentenceOf, systemClock, systemRandom, type Id } from "@holdfast/kernel";
import { connectAsync, type IClientOptions } from "mqtt";
import { WebSocket } from "ws";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { placeOf } from "./clients.fixture.ts";

// What a device is refused, as those see it who may watch the device. Clients compare certificates with the machine's time.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock });
atEnd.after(() => platform.close());
const place = placeOf(platform);
const { visitor } = platform;
const owner = await platform.setUp();
const me = visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });

type Device = { id: Id<"device">; key: { id: string; secret: string } };
let names = 0;
const makeDevice = (more: object = {}) =>
  me.post<Device>("/v1/devices", { application: application.id, name: `Device ${(names += 1)}`, ...more });
const tokenOf = async (...grants: string[]) =>
  (await me.post<{ token: string }>("/v1/tokens", { name: "watcher", grants })).token;
const secretOf = ({ key }: Device) => `${key.id}.${key.secret}`;

const open: AbortController[] = [];
atEnd.after(async () => open.forEach((stream) => stream.abort()));

type Watch = { readonly events: readonly LiveEvent[]; refusals(count: number): Promise<readonly LiveRefused[]> };

/** What a credential sees from now on, as the client of the API reads it. */
async function watch(token: string, device?: Id<"device">): Promise<Watch> {
  const stream = new AbortController();
  open.push(stream);
  const client = new Client({ url: place.url, token, transport: nodeTransport({ ca: place.ca }) });
  const events: LiveEvent[] = [];
  await new Promise<void>((onOpen, failed) => {
    const follow = async () => {
      for await (const event of client.watch({ device }, { signal: stream.signal, onOpen }))
        if (event.type !== "presence") events.push(event); // who comes and goes meanwhile is tried with presence
    };
    follow().catch((error: unknown) => (stream.signal.aborted ? undefined : failed(error as Error))); // whatever it is
  });
  const refusals = () => events.filter((event) => event.type === "refused").map(({ data }) => data);
  return {
    events,
    async refusals(count) {
      for (let waited = 0; refusals().length < count && waited < 10_000; waited += 5) await setTimeout(5);
      return refusals();
    },
  };
}

const mqttAs = ({ key }: Device, options: IClientOptions = {}) =>
  connectAsync(platform.platform.mqttsUrl, {
    ca: place.ca,
    reconnectPeriod: 0,
    username: key.id,
    password: key.secret,
    ...options,
  });

for (const protocolVersion of [4, 5] as const) {
  const version = protocolVersion === 4 ? "3.1.1" : "5";
  test(`over MQTT ${version} a refused message and a refused filter are seen by whoever watches the device`, async () => {
    const device = await makeDevice();
    const seen = await watch(owner.token, device.id);
    const client = await mqttAs(device, { protocolVersion, clientId: `pump-${version}` });
    // A client of 3.1.1 is told that all is well, or it would send the same again and again.
    const publish = (topic: string, body: string) =>
      client.publishAsync(topic, body, { qos: 1 }).then(
        () => true,
        () => false,
      );
    const said = [
      await publish("me/telemetry", '{"temperature": "98.25\\ud800"}'),
      await publish("me/nowhere", "{}"),
      await publish(`other/hfs_${"s".repeat(49)}/tree`, "{}"),
    ];
    await client.subscribeAsync("#").catch(() => {});
    await client.endAsync();
    assert.deepEqual(said, protocolVersion === 4 ? [true, true, true] : [false, false, false]);

    const refusals = await seen.refusals(4);
    const common = { device: device.id, transport: "mqtt", session: `pump-${version}`, credential: device.key.id };
    assert.deepEqual(
      refusals.map(({ at: _at, detail: _detail, ...rest }) => rest),
      [
        {
          ...common,
          action: "telemetry.write",
          code: "telemetry.wrongType",
          title: sentenceOf("telemetry.wrongType"),
          errors: [{ path: "temperature", message: "half of a surrogate pair is not text." }],
          topic: "me/telemetry",
          size: 30,
        },
        {
          ...common,
          action: "telemetry.write",
          code: "topic.unknown",
          title: sentenceOf("topic.unknown"),
          topic: "me/nowhere",
          size: 2,
        },
        {
          ...common,
          action: "telemetry.write",
          code: "topic.foreign",
          title: sentenceOf("topic.foreign"),
          topic: "other/[credential]/tree",
          size: 2,
          because: `${device.id} is held to its own tree`,
        },
        {
          ...common,
          action: "subscribe",
          code: "topic.foreign",
          title: sentenceOf("topic.foreign"),
          topic: "#",
          because: `${device.id} is held to its own tree`,
        },
      ],
    );
    assert.ok(!JSON.stringify(refusals).includes("98.25"), "no value is shown");
  });

  test(`over MQTT ${version} whoever comes with a wrong secret, or with an ended or suspended device, is seen`, async () => {
    const [wrong, suspended, retired] = [await makeDevice(), await makeDevice(), await makeDevice()];
    await me.post(`/v1/devices/${suspended.id}/suspend`, {});
    await me.post(`/v1/devices/${retired.id}/retire`, {});
    const { key: other } = await makeDevice();
    const seen = await watch(owner.token);
    const options = { protocolVersion, clientId: "meter" };
    for (const [device, password] of [
      [wrong, other.secret],
      [suspended, suspended.key.secret],
      [retired, retired.key.secret],
    ] as const)
      await assert.rejects(mqttAs(device, { ...options, password }));
    assert.deepEqual(
      (await seen.refusals(3)).map(({ device, action, code, session, because, credential }) => [
        device,
        action,
        code,
        session,
        because,
        credential,
      ]),
      [
        [wrong.id, "connect", "credential.invalid", "meter", "a wrong secret", wrong.key.id],
        [suspended.id, "connect", "device.suspended", "meter", `${suspended.id} is suspended`, suspended.key.id],
        [retired.id, "connect", "credential.invalid", "meter", `${retired.id} is retired`, retired.key.id],
      ],
    );
  });
}

test("over HTTP each way to be refused is seen, of the device's own credential and of programs in its name", async () => {
  const device = await makeDevice();
  const seen = await watch(owner.token, device.id);
  const it = visitor.as(secretOf(device));
  const program = await tokenOf("device.read", "telemetry.read");
  await it.send("POST", "/v1/me/telemetry", { body: { temperature: null } });
  await it.send("POST", "/v1/me/telemetry", { bytes: Buffer.alloc(2 * 1024 * 1024, 0x20) });
  await it.send("GET", "/v1/devices");
  await visitor
    .as(`${device.key.id}.${(await makeDevice()).key.secret}`)
    .send("POST", "/v1/me/telemetry", { body: {} });
  await visitor.as(program).send("POST", `/v1/devices/${device.id}/telemetry`, { body: { temperature: 1 } });
  await me.send("POST", `/v1/devices/${device.id}/telemetry`, { body: "x" });
  await me.send("GET", `/v1/devices/${device.id}/telemetry?attribute=t&every=0s`); // is no matter of the device's
  const refusals = await seen.refusals(6);
  assert.deepEqual(
    refusals.map(({ transport, action, code, size }) => [transport, action, code, size]),
    [
      ["http", "telemetry.write", "telemetry.wrongType", 20],
      ["http", "telemetry.write", "request.tooLarge", 2 * 1024 * 1024],
      ["http", "device.read", "permit.missing", undefined],
      ["http", "connect", "credential.invalid", undefined],
      ["http", "telemetry.write", "permit.missing", 17],
      ["http", "telemetry.write", "telemetry.malformed", 3],
    ],
  );
  assert.deepEqual(refusals[0]?.errors, [
    { path: "temperature", message: "neither a number, a boolean, a text, a location nor JSON." },
  ]);
  assert.match(refusals[4]?.because ?? "", /does not grant telemetry\.write there/);
});

test("over MQTT what a program is refused to say in a device's name is seen at the device, and only there", async () => {
  const [device, forbidden, other] = [await makeDevice(), await makeDevice(), await makeDevice()];
  const password = await tokenOf(`telemetry.write:${device.id}`);
  const seen = await watch(owner.token);
  const elsewhere = await watch(owner.token, other.id);
  const client = await connectAsync(platform.platform.mqttsUrl, {
    ca: place.ca,
    password,
    username: "x",
    clientId: "p",
  });
  // Of the first the platform has to read first what it measures, so that it is refused later.
  for (const { id } of [device, forbidden]) await client.publishAsync(`devices/${id}/telemetry`, "[]", { qos: 1 });
  await client.subscribeAsync(`devices/${device.id}/telemetry`).catch(() => {}); // is no matter of the device's
  await client.endAsync();
  const refusals = await seen.refusals(2);
  assert.deepEqual(
    new Set(refusals.map(({ device: whose, code, topic, session }) => [whose, code, topic, session].join(" "))),
    new Set([
      `${device.id} telemetry.malformed devices/${device.id}/telemetry p`,
      `${forbidden.id} permit.missing devices/${forbidden.id}/telemetry p`,
    ]),
  );
  const { because = "" } = refusals.find(({ code }) => code === "permit.missing") ?? assert.fail();
  assert.match(because, /does not grant telemetry\.write there, only telemetry\.write:dev_/);
  assert.deepEqual([seen.events.length, elsewhere.events.length], [2, 0]);
});

test("a device that asks too often is seen to be told to wait", async () => {
  const device = await makeDevice();
  const it = visitor.as(secretOf(device));
  const seen = await watch(owner.token, device.id);
  const asked = async () => (await it.send("POST", "/v1/me/telemetry", { body: { t: 1 } })).status;
  let last = 0;
  for (let rounds = 0; last !== 429 && rounds < 100; rounds += 1)
    last = Math.max(...(await Promise.all(Array.from({ length: 50 }, asked))));
  const [first] = await seen.refusals(1);
  assert.deepEqual([first?.action, first?.code], ["telemetry.write", "rate.exceeded"]);
});

test("a client that sends what is no packet of MQTT, or asks for ever more, is seen", async () => {
  const device = await makeDevice();
  const seen = await watch(owner.token, device.id);
  const rude = await mqttAs(device, { protocolVersion: 4, clientId: "rude" });
  const closed = new Promise<void>((resolve) => rude.once("close", () => resolve()));
  rude.stream.write(Uint8Array.of(0, 0)); // a packet of a type that there is not
  await closed;
  await rude.endAsync(true);
  const greedy = await mqttAs(device, { clientId: "greedy" });
  const filters = Array.from({ length: 10_001 }, (_, n) => `me/commands/${n}`);
  for (let at = 0; at < filters.length; at += 1_000) {
    clock.move(1_000); // who asks for so many at once is read later
    await greedy.subscribeAsync(filters.slice(at, at + 1_000)).catch(() => {}); // the last is refused
  }
  await greedy.endAsync();
  assert.deepEqual(
    (await seen.refusals(2)).map(({ action, code, session }) => [action, code, session]),
    [
      ["session", "mqtt.protocol", "rude"],
      ["subscribe", "mqtt.tooMany", "greedy"],
    ],
  );
});

test("a device that makes up a client id each time has sixteen sessions, and whoever watches sees that older ones end", async () => {
  const device = await makeDevice();
  const seen = await watch(owner.token, device.id);
  const stay = { protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 3_600 } } as const;
  const displaced = async () =>
    Number(/^holdfast_mqtt_sessions_displaced_total (\d+)$/m.exec((await visitor.send("GET", "/metrics")).text)?.[1]);
  const before = await displaced();
  for (let at = 0; at < 17; at += 1) await (await mqttAs(device, { ...stay, clientId: `made-up-${at}` })).endAsync();
  const [refusal] = await seen.refusals(1);
  assert.deepEqual([refusal?.action, refusal?.code, refusal?.session], ["session", "mqtt.tooMany", "made-up-0"]);
  assert.match(refusal?.detail ?? "", /has ended for a newer one, with what waited for it\.$/);
  assert.equal(await displaced(), before + 1);

  const all = await Promise.all(
    Array.from({ length: 16 }, (_, at) => mqttAs(device, { ...stay, clientId: `made-up-${at + 1}` })),
  );
  await assert.rejects(mqttAs(device, { ...stay, clientId: "one more" }), { code: 0x97 });
  assert.equal((await seen.refusals(2)).at(-1)?.action, "connect");
  await Promise.all(all.map((client) => client.endAsync(false, { properties: { sessionExpiryInterval: 0 } })));
});

test("a will that may not be is seen with the CONNECT that it was refused with", async () => {
  const device = await makeDevice();
  const seen = await watch(owner.token, device.id);
  const will = { topic: "elsewhere", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
  await assert.rejects(mqttAs(device, { clientId: "mortal", will }));
  const [refusal] = await seen.refusals(1);
  assert.deepEqual(
    [refusal?.action, refusal?.code, refusal?.topic, refusal?.size, refusal?.session],
    ["will", "topic.foreign", "elsewhere", 4, "mortal"],
  );
});

test("only who may have the device's readings at that moment sees its refusals, and the clause is for those who may ask", async () => {
  const [mine, other] = [await makeDevice({ tags: { site: "a" } }), await makeDevice({ tags: { site: "b" } })];
  const stranger = await platform.setUp();
  const [narrow, auditor] = [await tokenOf("telemetry.read:tag:site=a"), await tokenOf("telemetry.read", "audit.read")];
  const seen = { narrow: await watch(narrow), auditor: await watch(auditor), stranger: await watch(stranger.token) };
  const fail = (device: Device) =>
    visitor.as(`${device.key.id}.${mine.key.secret.replace(/.{8}$/, "")}`).send("GET", "/v1/me");
  const knock = async (device: Device, secret: string) =>
    visitor.as(`${device.key.id}.${secret}`).send("POST", "/v1/me/telemetry", { body: {} });
  const [cut, wrong] = [await fail(mine), await knock(mine, other.key.secret)];
  await knock(other, mine.key.secret);
  // Whoever comes is told the same in all cases, also of a key that there is not.
  const nobody = await visitor.as(`${newId("key", systemRandom)}.${mine.key.secret}`).send("GET", "/v1/me");
  const answers = [cut, wrong, nobody].map(({ status, body }) => {
    const { requestId: _, ...rest } = body as { requestId: string };
    return { status, ...rest };
  });
  assert.deepEqual([answers[0]?.status, answers[1], answers[2]], [401, answers[0], answers[0]]);
  const known = "The key is known, the secret is wrong:";
  const all = await seen.auditor.refusals(3);
  assert.deepEqual(
    all.map(({ device, because, detail }) => [device, because, detail]),
    [
      [mine.id, "a secret that is none", `${known} it was mistyped or cut off.`],
      [mine.id, "a wrong secret", `${known} it is another one's.`],
      [other.id, "a wrong secret", `${known} it is another one's.`],
    ],
  );
  const few = await seen.narrow.refusals(2);
  assert.deepEqual(
    few.map(({ device, code, because, credential, detail }) => [device, code, because, credential, detail]),
    [
      [mine.id, "credential.invalid", undefined, undefined, `${known} it was mistyped or cut off.`],
      [mine.id, "credential.invalid", undefined, undefined, `${known} it is another one's.`],
    ],
  );
  await me.patch(`/v1/devices/${mine.id}`, { tags: { site: "b" } });
  await knock(mine, other.key.secret);
  await seen.auditor.refusals(4);
  assert.deepEqual([seen.narrow.events.length, seen.stranger.events.length], [2, 0]);
});

test("ten thousand refused messages are a few events and a number, and readings come as before", async () => {
  const [flood, quiet] = [await makeDevice(), await makeDevice()];
  const client = await mqttAs(flood, { protocolVersion: 5, clientId: "flood" });
  clock.move(1_000); // what the tests before left to be told is told
  const seen = await watch(owner.token);
  let refused = 0;
  const publish = () =>
    client.publishAsync("me/telemetry", "[]", { qos: 1 }).catch(() => {
      refused += 1;
    });
  for (let round = 0; round < 20; round += 1) await Promise.all(Array.from({ length: 500 }, publish));
  await visitor.as(secretOf(quiet)).post("/v1/me/telemetry", { t: 1 });
  await visitor.as(secretOf(quiet)).send("POST", "/v1/me/telemetry", { body: {} });
  clock.move(1_000);
  const refusals = await seen.refusals(12);
  assert.equal(refused, 10_000);
  assert.deepEqual([refusals.length, refusals[10]?.device, refusals[11]?.omitted], [12, quiet.id, 9_989]);
  assert.ok(seen.events.some(({ type, data }) => type === "reading" && "device" in data && data.device === quiet.id));
  await client.endAsync();
});

test("a reading says which way it came, in how many bytes, and by which topic and session", async () => {
  const device = await makeDevice({ alias: "boiler-room" });
  const seen = await watch(owner.token, device.id);
  const client = await mqttAs(device, { clientId: `hfs_${"s".repeat(49)}` });
  await client.publishAsync("losant/boiler-room/state", '{"data": {"a": 1}}', { qos: 1 });
  await client.endAsync();
  await visitor.as(secretOf(device)).post("/v1/me/telemetry", [{ a: 2 }, { a: 3 }]);
  for (let waited = 0; seen.events.length < 3 && waited < 5_000; waited += 5) await setTimeout(5);
  assert.deepEqual(
    seen.events.map(({ data }) => {
      const { time: _time, device: _device, ...rest } = data as LiveReading; // nothing else was to be seen
      return rest;
    }),
    [
      { values: { a: 1 }, transport: "mqtt", size: 18, topic: "losant/boiler-room/state", session: "[credential]" },
      { values: { a: 2 }, transport: "http", size: 17 },
      { values: { a: 3 }, transport: "http", size: 17 },
    ],
  );
});

test("over a WebSocket the name of an event stands in its object", async () => {
  const device = await makeDevice();
  const headers = { "x-auth-token": owner.token };
  const socket = new WebSocket(`${place.url}/v1/live?device=${device.id}`, { ca: place.ca, headers });
  const first = new Promise((resolve) =>
    socket.once("message", (data: Buffer) => resolve(JSON.parse(data.toString()))),
  );
  await new Promise((resolve) => socket.once("open", resolve));
  let event: unknown;
  void first.then((got) => (event = got));
  // Whoever is let in is told nothing before there is something to tell.
  while (event === undefined) {
    await visitor.as(secretOf(device)).send("POST", "/v1/me/telemetry", { body: {} });
    await setTimeout(5);
  }
  assert.partialDeepStrictEqual(event, { event: "refused", device: device.id, code: "telemetry.malformed" });
  socket.terminate();
});

// The last one: from here on the address of all clients has failed too often.
test("who has failed too often to be told is still seen at the device's door", async () => {
  const device = await makeDevice();
  const { key } = await makeDevice();
  const it = visitor.as(`${device.key.id}.${key.secret}`);
  const seen = await watch(owner.token, device.id);
  for (let at = 0; at < 80; at += 1) await it.send("POST", "/v1/me/telemetry", { body: {} });
  clock.move(1_000);
  const refusals = await seen.refusals(11);
  assert.deepEqual(
    [refusals[0], refusals.at(-1)].map((one) => [one?.code, one?.omitted, one?.because]),
    [
      ["credential.invalid", undefined, "a wrong secret"],
      ["rate.exceeded", 69, "a wrong secret"],
    ],
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { App } from "./application-users.fixture.ts";
import { startWorld, textOf, type Device, type Problem, type Thing } from "./authority.fixture.ts";
import { asOwner, atEnd, waitingFor } from "../apps/server/src/testing/index.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";
import { eventually } from "./messages.fixture.ts";
import { events, mqtt } from "./revocation.fixture.ts";
import type { IClientOptions, MqttClient } from "mqtt";

// Twins and commands, over MQTT and HTTP, on the real platform.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours } = world;
const { visitor } = platform;
const application = await ours.application();

type Twin = {
  version: number;
  desired: object;
  reported: object;
  difference: object;
  reportedVersion: number;
};
type Command = {
  id: string;
  state: string;
  device: string;
  by: string;
  approvedBy?: string;
  result?: unknown;
  error?: unknown;
  late?: true;
  reason?: string;
  sentAt?: string;
  acknowledgedAt?: string;
};
type Envelope = { id: string; name: string; again: boolean; expiresIn: number; body: unknown };
type Heard = { topic: string; body: string; properties: Record<string, unknown> };

const twinOf = ({ id }: Device) => `/v1/devices/${id}/twin`;
const commandsOf = ({ id }: { id: string }) => `/v1/devices/${id}/commands`;
const get = (device: Device) => ours.asks.get<Twin>(twinOf(device));
const want = (device: Device, desired: object, more: object = {}) =>
  ours.asks.send<Twin & Problem>("PATCH", twinOf(device), { body: { desired }, ...more });
const send = (device: Device, name: string, more: object = {}) =>
  ours.asks.post<Command>(commandsOf(device), { name, ...more });
const read = ({ id, device }: Command) => ours.asks.get<Command>(`${commandsOf({ id: device })}/${id}`);
const itself = (device: Device) => visitor.as(textOf(device.key));

/** A device that subscribes to all of its own, and what it hears. */
async function listen(
  device: Device,
  filters: readonly string[] = ["me/#"],
  more: IClientOptions = {},
  qos: 0 | 1 = 1,
) {
  const held = await mqtt(platform, {
    username: device.key.id,
    password: device.key.secret,
    protocolVersion: 5,
    ...more,
  });
  const { client } = held;
  const heard: Heard[] = [];
  client.on("message", (topic, payload, { properties = {} }) =>
    heard.push({ topic, body: payload.toString(), properties: { ...properties } }),
  );
  if (filters.length > 0) await client.subscribeAsync([...filters], { qos });
  const until = async (count: number): Promise<readonly Heard[]> => {
    await eventually(
      () => heard.length >= count,
      () => `${heard.length} of ${count}: ${JSON.stringify(heard)}`,
    );
    return heard;
  };
  return { client, heard, until, seen: held.seen, end: () => held.end() };
}
const report = (client: MqttClient, reported: object) =>
  client.publishAsync("me/twin/reported", JSON.stringify(reported), { qos: 1 });
const desiredIn = (heard: readonly Heard[]) =>
  heard.map(({ body }) => JSON.parse(body) as { version: number; desired: object });

test("a device hears what differs when it comes and when something else is wanted, and until it has taken it over", async () => {
  const device = await ours.device(application.id);
  assert.equal((await want(device, { interval: 60, display: { on: true, text: "hello" } })).status, 200);
  const line = await listen(device);
  assert.deepEqual(desiredIn(await line.until(1)), [
    { version: 1, desired: { interval: 60, display: { on: true, text: "hello" } } },
  ]);
  assert.equal(line.heard[0]?.topic, "me/twin/desired");
  // Acknowledged is durable; null removes, and nested fields are merged.
  await report(line.client, { interval: 60, old: 1, display: { on: true } });
  await report(line.client, { old: null });
  const now = await get(device);
  assert.deepEqual(now.reported, { interval: 60, display: { on: true } });
  assert.deepEqual([now.difference, now.reportedVersion, now.version], [{ display: { text: "hello" } }, 2, 1]);
  await want(device, { interval: 30 });
  assert.deepEqual(desiredIn(await line.until(2))[1], {
    version: 2,
    desired: { interval: 30, display: { text: "hello" } },
  });
  line.end();
  // Over HTTP the same.
  const own = await itself(device).send<Twin>("PATCH", "/v1/me/twin", { body: { interval: 30 } });
  assert.deepEqual(own.body, { version: 2, desired: { display: { text: "hello" } } });
  assert.deepEqual(await itself(device).get("/v1/me/twin"), own.body);
  const { items } = await ours.asks.get<{ items: { side: string; by: string; patch: object }[] }>(
    `${twinOf(device)}/changes`,
  );
  assert.deepEqual(
    items
      .map(({ side, by }) => `${side} ${by === device.id ? "device" : by === ours.person ? "owner" : by}`)
      .toSorted(),
    ["desired owner", "desired owner", "reported device", "reported device", "reported device"],
  );
});

test("of two who change a twin from the same version one is told, and a device may not say what its product does not let it", async () => {
  const product = await ours.asks.post<{ id: string }>("/v1/products", {
    name: "Thermostat",
    strict: true,
    attributes: { target: { type: "number", min: 5, max: 30 }, mode: { type: "text", values: ["heat", "off"] } },
  });
  const device = await ours.device(application.id, { product: product.id });
  assert.equal((await want(device, { target: 20 }, { headers: { "If-Match": '"0"' } })).status, 200);
  const late = await want(device, { target: 21 }, { headers: { "If-Match": '"0"' } });
  assert.deepEqual([late.status, late.body.code], [412, "request.conflict"]);
  for (const wrong of [{ target: 31 }, { target: "20" }, { mode: "cool" }, { other: 1 }]) {
    const answer = await want(device, wrong);
    assert.deepEqual([answer.status, answer.body.code], [422, "twin.unfit"], JSON.stringify(wrong));
    const said = await itself(device).send<Problem>("PATCH", "/v1/me/twin", { body: wrong });
    assert.deepEqual([said.status, said.body.code], [422, "twin.unfit"], JSON.stringify(wrong));
  }
  assert.equal((await want(device, { target: 30, mode: "off" })).status, 200);
  // Over MQTT it is told too, and whoever watches the device sees it.
  const watched = await events(platform, ours.token, device.id);
  const line = await listen(device, []);
  await assert.rejects(report(line.client, { target: 31 }), { code: 0x99 });
  await assert.rejects(line.client.publishAsync("me/twin/reported", "[1]", { qos: 1 }), { code: 0x99 });
  await eventually(
    () => /twin\.unfit/.test(watched.seen()) && /twin\.malformed/.test(watched.seen()),
    () => watched.seen(),
  );
  watched.end();
  line.end();
  assert.equal((await want(device, { mode: null, target: 5 })).body.version, 3);
  const large = await ours.device(application.id);
  assert.equal((await want(large, { text: "x".repeat(17_000) })).body.code, "twin.tooLarge");
  // What a device may send its door says of its twin, too.
  await ours.asks.put(`/v1/devices/${device.id}/door`, { writable: ["mode"] });
  assert.equal(
    (await itself(device).send<Problem>("PATCH", "/v1/me/twin", { body: { target: 6 } })).body.code,
    "twin.unfit",
  );
});

test("nobody but the device says what it is like, and whoever hears of it was granted that", async () => {
  const [device, other] = [await ours.device(application.id), await ours.device(application.id)];
  const line = await listen(other, []);
  await assert.rejects(line.client.publishAsync(`devices/${device.id}/twin/reported`, "{}", { qos: 1 }), {
    code: 0x87,
  });
  await assert.rejects(line.client.publishAsync("me/twin/desired", "{}", { qos: 1 }), { code: 0x87 });
  await assert.rejects(line.client.publishAsync("me/commands/x", "{}", { qos: 1 }), { code: 0x87 });
  line.end();
  const hearing = async (grants: readonly string[]) => {
    const { token } = await ours.tokenOf(grants);
    const held = await mqtt(platform, { username: "x", password: token, protocolVersion: 5 });
    const heard: string[] = [];
    held.client.on("message", (topic) => heard.push(topic.slice(topic.indexOf("/", 9))));
    await held.client.subscribeAsync("devices/#", { qos: 1 });
    return { heard, end: () => held.end() };
  };
  const [twins, readings] = [await hearing(["twin.read", "twin.update"]), await hearing(["telemetry.read"])];
  const { token } = await ours.tokenOf(["twin.update", "telemetry.write"]);
  const program = await mqtt(platform, { username: "x", password: token, protocolVersion: 5 });
  await assert.rejects(program.client.publishAsync(`devices/${device.id}/twin/reported`, "{}", { qos: 1 }), {
    code: 0x87,
  });
  program.end();
  const own = await listen(device);
  await report(own.client, { a: 1 });
  await own.client.publishAsync("me/telemetry", '{"a": 1}', { qos: 1 });
  await want(device, { a: 2 });
  await itself(device).send("PATCH", "/v1/me/twin", { body: { b: 1 } });
  await eventually(
    () => twins.heard.length >= 3 && readings.heard.length >= 1,
    () => JSON.stringify([twins.heard, readings.heard]),
  );
  assert.deepEqual(
    [twins.heard.toSorted(), readings.heard],
    [["/twin/desired", "/twin/reported", "/twin/reported"], ["/telemetry"]],
  );
  for (const one of [twins, readings, own]) one.end();
});

test("whose a device was leaves nothing of its twin and its commands to whoever has it next", async () => {
  const device = await ours.device(application.id);
  await want(device, { secret: "mine" });
  await itself(device).send("PATCH", "/v1/me/twin", { body: { home: "here" } });
  const left = await send(device, "unlock");
  const user = await ours.asks.post<{ id: string }>(`/v1/applications/${application.id}/users`, {
    login: "next@example.com",
  });
  await ours.asks.put(`/v1/devices/${device.id}/user`, { user: user.id });
  const now = await get(device);
  assert.deepEqual([now.desired, now.reported, now.version, now.reportedVersion], [{}, {}, 1, 1]);
  assert.deepEqual(await ours.asks.get(`${twinOf(device)}/changes`), { items: [] });
  assert.equal((await ours.asks.send<Problem>("GET", `${commandsOf(device)}/${left.id}`)).body.code, "command.unknown");
  assert.deepEqual(await itself(device).get("/v1/me/commands"), { items: [] });
  assert.equal(
    (await want(device, { fresh: true })).body.version,
    2,
    "versions go on, so that a device can compare them",
  );
});

test("a command waits for its device, goes out with all that MQTT 5 and 3.1.1 can say, and is answered once", async () => {
  const device = await ours.device(application.id);
  const waiting = await send(device, "reboot", { body: { delay: 5 }, expiresIn: "10m" });
  assert.deepEqual([waiting.state, waiting.by], ["waiting", ours.person]);
  const line = await listen(device);
  const [told] = await line.until(1);
  const { correlationData, responseTopic, messageExpiryInterval } = told?.properties ?? {};
  assert.deepEqual(
    [told?.topic, responseTopic, String(correlationData), messageExpiryInterval],
    ["me/commands/reboot", `me/replies/${waiting.id}`, waiting.id, 600],
  );
  // Byte for byte as docs/commands.md has it.
  const { expiresAt = "" } = (await read(waiting)) as Command & { expiresAt?: string };
  assert.equal(
    told?.body,
    `{"id":"${waiting.id}","name":"reboot","expires":"${expiresAt}","expiresIn":600000,"again":false,"body":{"delay":5}}`,
  );
  await eventually(
    async () => (await read(waiting)).state === "acknowledged",
    () => "acknowledged",
  );
  const reply = (body: object, client = line.client) =>
    client.publishAsync(`me/replies/${waiting.id}`, JSON.stringify(body), { qos: 1 });
  const stranger = await listen(await ours.device(application.id), []);
  await assert.rejects(reply({ result: 1 }, stranger.client), { code: 0x99 });
  stranger.end();
  await reply({ result: { uptime: 1 } });
  await reply({ result: { uptime: 1 } }); // as QoS 1 may
  await assert.rejects(reply({ error: "no" }), { code: 0x99 });
  await assert.rejects(reply({ outcome: 1 }), { code: 0x99 });
  const done = await read(waiting);
  assert.deepEqual([done.state, done.result, done.late], ["answered", { uptime: 1 }, undefined]);
  assert.ok(done.sentAt && done.acknowledgedAt);
  const failing = await send(device, "calibrate");
  await line.until(2);
  await line.client.publishAsync(`me/replies/${failing.id}`, '{"error":"too hot"}', { qos: 1 });
  assert.deepEqual([(await read(failing)).state, (await read(failing)).error], ["failed", "too hot"]);
  line.end();
  const old = await listen(device, ["me/commands/+"], { protocolVersion: 4 });
  const third = await send(device, "reboot");
  const { id, body } = JSON.parse((await old.until(1))[0]?.body ?? "") as Envelope;
  assert.deepEqual([id, body], [third.id, null]);
  old.end();
});

test("what a device did not acknowledge it gets again, as the same command, and what has expired or was cancelled never", async () => {
  const device = await ours.device(application.id);
  const line = await listen(device, ["me/commands/+"], {}, 0); // so that it acknowledges nothing
  const [once, cancelled, brief] = [
    await send(device, "once"),
    await send(device, "cancelled"),
    await send(device, "brief", { expiresIn: "30s" }),
  ];
  await line.until(3);
  line.end();
  await ours.asks.post(`${commandsOf(device)}/${cancelled.id}/cancel`);
  clock.move(31_000);
  const again = await listen(device, ["me/commands/+"]);
  const heard = (await again.until(1)).map(({ body }) => JSON.parse(body) as Envelope);
  assert.deepEqual(
    heard.map(({ id, again: repeated }) => [id, repeated]),
    [[once.id, true]],
  );
  assert.deepEqual([(await read(brief)).state, (await read(cancelled)).state], ["expired", "cancelled"]);
  // It was done before it expired, and the device says so now.
  await again.client.publishAsync(`me/replies/${brief.id}`, '{"result":"done"}', { qos: 1 });
  const late = await read(brief);
  assert.deepEqual([late.state, late.late, late.result], ["answered", true, "done"]);
  const never = await send(await ours.device(application.id), "never", { expiresIn: "1s" });
  clock.move(1_000);
  assert.equal((await read(never)).state, "expired");
  assert.equal(
    (await ours.asks.send<Problem>("POST", `${commandsOf({ id: never.device })}/${never.id}/cancel`)).body.code,
    "command.over",
  );
  again.end();
});

test("what a lasting session was sent and did not acknowledge comes again as the command is by then, and never where that is over", async () => {
  for (const protocolVersion of [4, 5] as const) {
    const device = await ours.device(application.id);
    const lasting: IClientOptions = {
      clean: false,
      clientId: "lasting",
      protocolVersion,
      ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 3_600 } }),
    };
    const line = await listen(device, ["me/commands/+"], lasting);
    line.client.handleMessage = () => {}; // so that it acknowledges nothing, and looks at one alone
    const [open, brief, cancelled] = [
      await send(device, "open", { expiresIn: "40s" }),
      await send(device, "brief", { expiresIn: "30s" }),
      await send(device, "cancelled"),
    ];
    for (const command of [open, brief, cancelled])
      while ((await read(command)).state !== "sent") await new Promise(setImmediate);
    await line.until(1);
    line.client.stream.destroy();
    line.end();
    await ours.asks.post(`${commandsOf(device)}/${cancelled.id}/cancel`);
    clock.move(31_000);
    const again = await listen(device, [], lasting);
    const last = await send(device, "last");
    await eventually(() => again.seen().includes(last.id), again.seen);
    const heard = again
      .seen()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line.slice(line.indexOf(" "))) as Envelope);
    assert.deepEqual(
      heard.map(({ name, again: repeated }) => [name, repeated]),
      [
        ["open", true],
        ["last", false],
      ],
      `MQTT ${protocolVersion}`,
    );
    assert.ok((heard[0]?.expiresIn ?? 0) <= 9_000, "it is told what is left");
    again.end();
  }
});

test("a device without MQTT fetches its commands, waits for one, acknowledges and answers", async () => {
  const device = await ours.device(application.id);
  const asks = itself(device);
  const coming = asks.get<{ items: Envelope[] }>("/v1/me/commands?wait=30");
  await new Promise((resolve) => setTimeout(resolve, 50)); // so that it waits; were it late, the answer would be the same
  const command = await send(device, "open", { body: [1] });
  const { items } = await coming;
  assert.deepEqual(
    items.map(({ id, name, again, body }) => [id, name, again, body]),
    [[command.id, "open", false, [1]]],
  );
  assert.equal((await read(command)).state, "sent");
  assert.equal((await asks.get<{ items: Envelope[] }>("/v1/me/commands")).items[0]?.again, true);
  await asks.send("POST", `/v1/me/commands/${command.id}/acknowledge`);
  assert.deepEqual(await asks.get("/v1/me/commands"), { items: [] });
  assert.equal((await asks.send("POST", `/v1/me/replies/${command.id}`, { body: { result: true } })).status, 200);
  assert.deepEqual([(await read(command)).state, (await read(command)).result], ["answered", true]);
  const foreign = itself(await ours.device(application.id));
  assert.equal(
    (await foreign.send<Problem>("POST", `/v1/me/replies/${command.id}`, { body: { result: 1 } })).body.code,
    "command.unknown",
  );
});

test("a command and a reply have bounds, and so has how many wait for a device", async () => {
  const device = await ours.device(application.id);
  const sending = (body: object) => ours.asks.send<Command & Problem>("POST", commandsOf(device), { body });
  assert.equal((await sending({ name: "large", body: "x".repeat(16_384) })).body.code, "command.tooLarge");
  for (const name of ["", "a/b", "a+", "#", "x".repeat(65)])
    assert.equal((await sending({ name })).body.code, "request.malformed", name);
  assert.equal((await sending({ name: "late", expiresIn: "31d" })).body.code, "request.malformed");
  const first = await send(device, "first");
  await Promise.all(Array.from({ length: 99 }, (_, at) => send(device, `n${at}`, { expiresIn: "5m" })));
  assert.equal((await sending({ name: "one-too-many" })).body.code, "command.tooMany");
  clock.move(300_000);
  assert.equal((await sending({ name: "again" })).status, 201);
  await itself(device).get("/v1/me/commands");
  for (const body of [1, [], {}, { result: 1, error: 2 }, { outcome: 1 }]) {
    const said = await itself(device).send<Problem>("POST", `/v1/me/replies/${first.id}`, { body });
    assert.equal(said.body.code, "reply.malformed", JSON.stringify(body));
  }
});

test("what is nested by thousands, and what JSON cannot write, is refused in a command and in its reply, and keeps the device from no other", async () => {
  const device = await ours.device(application.id);
  const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  const sending = (body: unknown) =>
    ours.asks.send<Command & Problem>("POST", commandsOf(device), { body: { name: "deep", body } });
  const most = await sending(nested(64));
  assert.equal(most.status, 201);
  for (const depth of [65, 4_000]) assert.equal((await sending(nested(depth))).body.code, "request.malformed");
  const { items } = await itself(device).get<{ items: Envelope[] }>("/v1/me/commands");
  assert.deepEqual(
    items.map(({ id }) => id),
    [most.body.id],
  );
  const replying = (result: unknown) =>
    itself(device).send<Problem>("POST", `/v1/me/replies/${most.body.id}`, { body: { result } });
  for (const depth of [64, 4_000]) assert.equal((await replying(nested(depth))).body.code, "reply.malformed");
  for (const again of ["first", "again"]) assert.equal((await replying(nested(63))).status, 200, again);
});

test("what a door calls dangerous goes out once a person who proved who she is has approved it, and no program can", async () => {
  const device = await ours.device(application.id);
  await ours.asks.put(`/v1/devices/${device.id}/door`, { dangerous: ["unlock"] });
  const { token } = await ours.tokenOf(["command.*", "device.read"]);
  const program = visitor.as(token);
  const asked = await program.post<Command>(commandsOf(device), { name: "unlock" });
  assert.equal(asked.state, "proposed");
  assert.deepEqual(await itself(device).get("/v1/me/commands"), { items: [] });
  const approve = `${commandsOf(device)}/${asked.id}/approve`;
  const no = await program.send<Problem>("POST", approve);
  assert.deepEqual([no.status, no.body.code], [403, "permit.missing"]);
  const browser = new CookieBrowser(platform);
  browser.org = ours.org;
  const owner = { email: "owner@example.com", password: "correct horse battery staple" };
  await browser.signIn(owner);
  clock.move(11 * 60_000);
  assert.equal(
    (await ours.asks.send<Problem>("POST", approve)).body.code,
    "confirmation.required",
    "she signed in long ago",
  );
  assert.equal((await browser.send<Problem>("POST", approve)).body.code, "confirmation.required");
  await browser.confirm(owner);
  const approved = await browser.good<Command>("POST", approve);
  assert.deepEqual([approved.state, approved.approvedBy], ["waiting", ours.person]);
  assert.equal((await browser.send<Problem>("POST", approve)).body.code, "command.over");
  const { items } = await itself(device).get<{ items: Envelope[] }>("/v1/me/commands");
  assert.deepEqual(
    items.map(({ id }) => id),
    [asked.id],
  );
  assert.equal((await send(device, "blink")).state, "waiting");
});

test("who changed what is wanted of a device, and who sent, approved and called off what, is in the audit log", async () => {
  const device = await ours.device(application.id, { tags: { floor: "5" } });
  await want(device, { light: "on" });
  const { id } = await send(device, "blink");
  await ours.asks.post(`${commandsOf(device)}/${id}/cancel`);
  await ours.asks.put(`/v1/devices/${device.id}/door`, { dangerous: ["unlock"] });
  const { id: dangerous } = await send(device, "unlock");
  const browser = new CookieBrowser(platform);
  browser.org = ours.org;
  await browser.signIn({ email: "owner@example.com", password: "correct horse battery staple" });
  await browser.good("POST", `${commandsOf(device)}/${dangerous}/approve`);
  const to = { tag: { key: "floor", value: "5" } };
  const batch = await ours.asks.post<{ id: string }>("/v1/command-batches", { to, name: "update" });
  const entries = [...(await ours.audited(device.id)), ...(await ours.audited(batch.id))];
  for (const what of ["twin.updated", "command.sent", "command.cancelled", "command.approved", "command.batchSent"]) {
    const entry = entries.find((one) => one.what === what);
    assert.ok(entry, what);
    assert.ok(!JSON.stringify(entry).includes('light":'), "no values");
  }
});

test("what a device was asked and has not done is called off when it is retired, and says why", async () => {
  const device = await ours.device(application.id, { tags: { floor: "6" } });
  await ours.asks.put(`/v1/devices/${device.id}/door`, { dangerous: ["unlock"] });
  const to = { tag: { key: "floor", value: "6" } };
  const batch = await ours.asks.post<{ id: string }>("/v1/command-batches", { to, name: "update" });
  const open = async (state: string) =>
    (await ours.asks.get<{ items: Command[] }>(`${commandsOf(device)}?state=${state}`)).items;
  const [sent] = await open("waiting");
  await itself(device).get("/v1/me/commands");
  const waiting = await send(device, "wake");
  const proposed = await send(device, "unlock");
  const done = await send(device, "blink");
  await itself(device).get("/v1/me/commands");
  await itself(device).send("POST", `/v1/me/replies/${done.id}`, { body: { result: 1 } });
  const late = await send(device, "late", { expiresIn: "1s" });
  const last = await send(device, "last");
  clock.move(1_000);
  await ours.asks.post(`/v1/devices/${device.id}/retire`);
  assert.ok(sent);
  for (const [{ id }, from] of [
    [sent, "sent"],
    [waiting, "sent"],
    [proposed, "proposed"],
    [last, "waiting"],
  ] as const) {
    const { state, reason } = await read({ id, device: device.id } as Command); // all that `read` takes
    assert.deepEqual([state, reason], ["cancelled", "device.retired"]);
    const entry = (await ours.audited(device.id)).find(
      ({ what, facts }) => what === "command.cancelled" && facts?.["command"] === id,
    );
    assert.deepEqual([entry?.facts?.["from"], entry?.facts?.["reason"]], [from, "device.retired"]);
  }
  assert.deepEqual([(await read(done)).state, (await read(late)).state], ["answered", "expired"]);
  for (const state of ["proposed", "waiting", "sent", "acknowledged"]) assert.deepEqual(await open(state), []);
  const { isDone } = await ours.asks.get<{ isDone: boolean }>(`/v1/command-batches/${batch.id}`);
  assert.ok(isDone, "whoever watches the batch waits for nobody");
});

test("a batch that waits behind the end of a device asks it nothing", async (t) => {
  const device = await ours.device(application.id, { tags: { floor: "7" } });
  await send(device, "wake");
  const holder = new pg.Client(world.database.url);
  await holder.connect();
  t.after(() => holder.end());
  await holder.query("begin; lock table holdfast.command in exclusive mode");
  const retired = ours.asks.post(`/v1/devices/${device.id}/retire`);
  while ((await holder.query<{ count: number }>(waitingFor("command"))).rows[0]?.count === 0);
  const body = { to: { tag: { key: "floor", value: "7" } }, name: "update" };
  let isAnswered = false;
  const sent = ours.asks.send<Problem>("POST", "/v1/command-batches", { body }).finally(() => (isAnswered = true));
  await wait(300); // it has come as far as it can
  assert.equal(isAnswered, false);
  await holder.query("rollback");
  await retired;
  const answer = await sent;
  assert.deepEqual([answer.status, answer.body.code], [404, "device.unknown"]);
});

test("a command that somebody altered in the database keeps nobody from retiring its device", async (t) => {
  const device = await ours.device(application.id);
  const { id } = await send(device, "sleep");
  const other = await send(device, "wake");
  const database = new pg.Client(world.database.url);
  await database.connect();
  t.after(() => database.end());
  const body = "set_byte(body, 40, get_byte(body, 40) # 1)";
  await database.query(`update holdfast.command set body = ${body} where id = '${id.slice(4)}'`);
  await ours.asks.post(`/v1/devices/${device.id}/retire`);
  assert.equal((await read(other)).state, "cancelled");
  const told = (await ours.audited(device.id)).find(({ what }) => what === "command.altered");
  assert.equal(told?.facts?.["command"], id);
});

test("a batch goes to whom its sender may send to, and says how far it is", async () => {
  const floor = { tags: { floor: "3" } };
  const devices = await Promise.all([1, 2, 3].map(() => ours.device(application.id, floor)));
  await ours.device(application.id, { tags: { floor: "4" } });
  const to = { tag: { key: "floor", value: "3" } };
  type Batch = { id: string; total: number; counts: Record<string, number>; isDone: boolean };
  const batch = await ours.asks.post<Batch>("/v1/command-batches", { to, name: "update", expiresIn: "5m" });
  assert.deepEqual([batch.total, batch.counts["waiting"], batch.isDone], [3, 3, false]);
  const first = devices[0] ?? assert.fail();
  const { items } = await itself(first).get<{ items: Envelope[] }>("/v1/me/commands");
  await itself(first).send("POST", `/v1/me/replies/${items[0]?.id}`, { body: { error: "no room" } });
  const read = (asks = ours.asks) => asks.get<Batch>(`/v1/command-batches/${batch.id}`);
  assert.deepEqual([(await read()).counts["failed"], (await read()).counts["waiting"]], [1, 2]);
  const failed = await ours.asks.get<{ items: Command[] }>(`/v1/command-batches/${batch.id}/commands?state=failed`);
  assert.deepEqual(
    failed.items.map(({ device, error }) => [device, error]),
    [[first.id, "no room"]],
  );
  const paged = await ours.asks.get<{ items: Command[]; nextCursor?: string }>(
    `/v1/command-batches/${batch.id}/commands?limit=2`,
  );
  assert.deepEqual([paged.items.length, typeof paged.nextCursor], [2, "string"]);
  // Whoever may see one of them counts that one alone.
  const { token } = await ours.tokenOf([`command.read:${first.id}`, `command.send:${first.id}`]);
  assert.equal((await read(visitor.as(token))).total, 1);
  const own = await visitor.as(token).post<Batch>("/v1/command-batches", { to, name: "update" });
  assert.equal(own.total, 1);
  clock.move(300_000);
  assert.deepEqual([(await read()).counts["expired"], (await read()).isDone], [2, true]);
  const nobody = { to: { tag: { key: "floor", value: "9" } }, name: "update" };
  assert.equal(
    (await ours.asks.send<Problem>("POST", "/v1/command-batches", { body: nobody })).body.code,
    "device.unknown",
  );
});

test("a batch is read to its end, also where some of its devices have become somebody else's", async () => {
  const app = await App.of({ visitor, clock }, ours);
  const ann = await app.user();
  const to = { tag: { key: "shelf", value: "8" } };
  for (let at = 0; at < 4; at += 1) await ours.device(app.id, { tags: { shelf: "8" } });
  const { id } = await ours.asks.post<{ id: string }>("/v1/command-batches", { to, name: "update" });
  const all = async () => {
    const found: string[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined;) {
      const path = `/v1/command-batches/${id}/commands?limit=1${cursor && `&cursor=${cursor}`}`;
      const page: { items: Command[]; nextCursor?: string } = await ours.asks.get(path);
      found.push(...page.items.map(({ device }) => device));
      cursor = page.nextCursor;
    }
    return found;
  };
  const [first, ...others] = await all();
  assert.ok(first && others.length === 3);
  await app.bind({ id: first }, ann.user);
  assert.deepEqual(await all(), others);
});

test("what a former owner's commands left open keeps nobody from sending to the device, alone or with others", async () => {
  const app = await App.of({ visitor, clock }, ours);
  const [ann, bob] = [await app.user(), await app.user()];
  const device = await ours.device(app.id, { tags: { shelf: "7" } });
  const batch = () =>
    ours.asks.send<Problem>("POST", "/v1/command-batches", {
      body: { to: { tag: { key: "shelf", value: "7" } }, name: "update" },
    });
  await app.bind(device, ann.user);
  await Promise.all(Array.from({ length: 100 }, (_, at) => send(device, `n${at}`, { expiresIn: "30d" })));
  assert.equal((await batch()).body.code, "command.tooMany");
  await app.bind(device, bob.user);
  assert.equal((await batch()).status, 201);
  assert.equal((await send(device, "once")).state, "waiting");
});

test("of a device whose twin somebody altered in the database the operator hears, and its commands reach it", async (t) => {
  const device = await ours.device(application.id);
  const other = await ours.device(application.id);
  await want(device, { interval: 60 });
  const database = new pg.Client(world.database.url);
  await database.connect();
  t.after(() => database.end());
  const alter = (table: string, of: Device) =>
    database.query(
      `update holdfast.${table} set body = set_byte(body, 40, get_byte(body, 40) # 1) where device = '${of.id.slice(4)}'`,
    );
  await alter("twin", device);
  await send(device, "wake", { expiresIn: "1h" });
  const there = await listen(device);
  const [command] = await there.until(1);
  assert.equal(command?.topic, "me/commands/wake");
  const altered = () => platform.reports.filter((one) => one.startsWith("A twin was altered")).length;
  await eventually(
    () => altered() > 0,
    () => "the operator does not hear",
  );
  assert.equal(altered(), 1);
  there.end();

  const lost = await send(other, "sleep", { expiresIn: "1s" });
  await alter("command", other);
  clock.move(2_000);
  const told = await ours.auditedOnce((all) => all.some(({ what }) => what === "command.altered"), other.id);
  assert.equal(told.find(({ what }) => what === "command.altered")?.facts?.["command"], lost.id);
});

test("a command that somebody altered in the database hides none of the others of its device or batch, whose lists name it", async () => {
  const { id: product } = await ours.product();
  const [one, two] = [await ours.device(application.id, { product }), await ours.device(application.id, { product })];
  const batch = await ours.asks.post<Thing>("/v1/command-batches", { to: { product }, name: "update" });
  await send(one, "wake");
  type Part = { items: { id: string; name: string; device: string }[]; altered?: string[] };
  const before = await ours.asks.get<Part>(commandsOf(one));
  const lost = before.items.find(({ name }) => name === "update")?.id ?? assert.fail();
  await asOwner(
    world.database.login,
    `update holdfast.command set body = set_byte(body, 40, get_byte(body, 40) # 1) where id = '${lost.slice(4)}'`,
  );
  const told = platform.reports.length;
  const ofDevice = await ours.asks.get<Part>(commandsOf(one));
  assert.deepEqual([ofDevice.items.map(({ name }) => name), ofDevice.altered], [["wake"], [lost]]);
  const ofBatch = await ours.asks.get<Part>(`/v1/command-batches/${batch.id}/commands`);
  assert.deepEqual([ofBatch.items.map(({ device }) => device), ofBatch.altered], [[two.id], [lost]]);
  const rows = platform.reports.slice(told).filter((what) => what.startsWith("Rows of a list were altered"));
  assert.equal(rows.length, 1);
});

test("of a hundred and thirty commands that are sent to a device at once a hundred are taken", async () => {
  const device = await ours.device(application.id);
  const sent = await Promise.all(
    Array.from({ length: 130 }, async (_, at) => {
      const body = { name: `n${at}` };
      return (await ours.asks.send<Problem>("POST", commandsOf(device), { body })).status;
    }),
  );
  assert.equal(sent.filter((status) => status === 201).length, 100);
});

test("what is over is kept for thirty days, and then goes", async () => {
  const device = await ours.device(application.id);
  await send(device, "forgotten", { expiresIn: "1s" });
  const { tls: _, ...login } = platform.database.login;
  const database = new pg.Client(login);
  await database.connect();
  const count = async (where: string) =>
    Number((await database.query(`select count(*) from holdfast.command where ${where}`)).rows[0]?.count);
  try {
    clock.move(2_000);
    await eventually(
      async () => (await count("state = 6 and ended_at = expires_at and ended_at - created_at = 1000")) > 0,
      () => "it is written down as expired",
    );
    clock.move(31 * 86_400_000);
    await eventually(
      async () => (await count("true")) === 0,
      () => "it is gone",
    );
  } finally {
    await database.end();
  }
});

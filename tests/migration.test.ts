import assert from "node:assert/strict";
import { test } from "node:test";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, type Device } from "./authority.fixture.ts";
import { csrOf, p256, showing, type Certificate } from "./issued.fixture.ts";
import { eventually } from "./messages.fixture.ts";

// Firmware of other platforms, by a stock client that speaks as their documents say: docs/migration.md.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const { mqttsUrl, caPem = "" } = platform.platform;
const owner = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const open: MqttClient[] = [];
atEnd.after(async () => void (await Promise.all(open.map((client) => client.endAsync(true)))));

type Heard = { readonly topic: string; readonly body: unknown };

async function connect(options: IClientOptions) {
  const client = await connectAsync(mqttsUrl, { ca: caPem, reconnectPeriod: 0, protocolVersion: 4, ...options });
  open.push(client);
  const heard: Heard[] = [];
  client.on("message", (topic, payload) => heard.push({ topic, body: JSON.parse(payload.toString()) as unknown }));
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
const asDevice = ({ key }: Device, more: IClientOptions = {}) =>
  connect({ username: key.id, password: key.secret, ...more });
const latest = async ({ id }: Device) =>
  Object.fromEntries(
    (
      await owner.asks.get<{ items: { attribute: string; value: unknown }[] }>(`/v1/devices/${id}/telemetry/latest`)
    ).items.map(({ attribute, value }) => [attribute, value]),
  );
type Command = { readonly id: string; readonly state: string; readonly result?: unknown };
const send = ({ id }: Device, name: string, body: unknown) =>
  owner.asks.post<Command>(`/v1/devices/${id}/commands`, { name, body });
const read = ({ id }: Device, command: Command) => owner.asks.get<Command>(`/v1/devices/${id}/commands/${command.id}`);
type Side = { readonly desired: object; readonly reported: object };
const twin = ({ id }: Device) => owner.asks.get<Side>(`/v1/devices/${id}/twin`);
const want = ({ id }: Device, desired: object) =>
  owner.asks.send("PATCH", `/v1/devices/${id}/twin`, { body: { desired } });

test("Losant's firmware sends its state, under its id and its alias, and gets commands", async () => {
  const device = await owner.device(application.id, { alias: "boiler" });
  for (const name of [device.id, "boiler"]) {
    const { client, say, hears } = await asDevice(device, { clientId: name });
    await client.subscribeAsync(`losant/${name}/command`, { qos: 1 });
    await say(`losant/${name}/hello`, { name: "a library" });
    await say(`losant/${name}/state`, { data: { temperature: 21.5 }, time: { $date: new Date().toISOString() } });
    assert.deepEqual(await latest(device), { temperature: 21.5 });
    const command = await send(device, "open", { by: 3 });
    const [{ topic, body } = assert.fail()] = await hears();
    const { time, ...rest } = body as { time: { $date: string } };
    assert.deepEqual([topic, rest], [`losant/${name}/command`, { name: "open", payload: { by: 3 } }]);
    assert.ok(Math.abs(Date.parse(time.$date) - Date.now()) < 60_000);
    await eventually(
      async () => (await read(device, command)).state === "acknowledged",
      () => "it is not acknowledged",
    );
    await client.endAsync();
  }
});

for (const [form, names] of Object.entries({
  long: {
    telemetry: "v1/devices/me/telemetry",
    attributes: "v1/devices/me/attributes",
    request: "v1/devices/me/attributes/request/",
    response: "v1/devices/me/attributes/response/",
    rpcRequest: "v1/devices/me/rpc/request/",
    rpcResponse: "v1/devices/me/rpc/response/",
  },
  short: {
    telemetry: "v2/t",
    attributes: "v2/a",
    request: "v2/a/req/",
    response: "v2/a/res/",
    rpcRequest: "v2/r/req/",
    rpcResponse: "v2/r/res/",
  },
})) {
  test(`ThingsBoard's firmware sends telemetry and attributes, asks for them, is told of them, and answers calls, in the ${form} form`, async () => {
    const device = await owner.device(application.id);
    const { token } = await owner.tokenOf(["twin.read", "command.read"]);
    const program = await connect({ username: "program", password: token });
    await program.client.subscribeAsync([`devices/${device.id}/#`], { qos: 1 });
    // The credential alone, as that platform's access token.
    const access = `${device.key.id}.${device.key.secret}`;
    const { client, say, hears } = await connect({ username: access, ...(form === "long" && { password: "" }) });
    await say(names.telemetry, { ts: Date.now(), values: { temperature: 21.5 } });
    await say(form === "short" ? "v2/t/j" : names.telemetry, [{ humidity: 48 }, { running: true }]);
    assert.deepEqual(await latest(device), { temperature: 21.5, humidity: 48, running: true });

    await say(form === "short" ? "v2/a/j" : names.attributes, { firmware: "1.2", serial: 7 });
    assert.deepEqual((await twin(device)).reported, { firmware: "1.2", serial: 7 });
    assert.deepEqual(await program.hears(), [
      { topic: `devices/${device.id}/twin/reported`, body: { firmware: "1.2", serial: 7 } },
    ]);

    await client.subscribeAsync([names.attributes, `${names.response}+`, `${names.rpcRequest}+`], { qos: 1 });
    await want(device, { interval: 30, firmware: "1.2" });
    assert.deepEqual(await hears(), [{ topic: names.attributes, body: { interval: 30 } }]);
    await program.hears();

    await say(`${names.request}1`, { clientKeys: "serial,none", sharedKeys: "interval" });
    assert.deepEqual(await hears(), [
      { topic: `${names.response}1`, body: { client: { serial: 7 }, shared: { interval: 30 } } },
    ]);
    await say(`${names.request}2`, {});
    assert.deepEqual((await hears())[0]?.body, {
      client: { firmware: "1.2", serial: 7 },
      shared: { interval: 30, firmware: "1.2" },
    });

    const command = await send(device, "setValue", { pin: 3 });
    const [{ topic, body } = assert.fail()] = await hears();
    assert.deepEqual(body, { method: "setValue", params: { pin: 3 } });
    const number = topic.slice(names.rpcRequest.length);
    assert.match(number, /^\d{1,10}$/);
    assert.ok(topic.startsWith(names.rpcRequest) && Number(number) < 2 ** 31);
    await say(names.rpcResponse + number, { pin: 3, value: true });
    const { state, result } = await read(device, command);
    assert.deepEqual([state, result], ["answered", { pin: 3, value: true }]);
    // Programs hear commands in our own words alone.
    const told = await program.hears();
    assert.deepEqual(
      told.map((one) => one.topic),
      [`devices/${device.id}/commands/setValue`],
    );
  });
}

test("a client certificate is enough for the firmware of either", async () => {
  const device = await owner.device(application.id, { alias: "kiln" });
  const pair = p256();
  const issued = await owner.asks.post<Certificate>(`/v1/devices/${device.id}/certificates`, {
    csr: await csrOf(pair),
  });
  await owner.revoke(device.key.id);
  const { say } = await connect({ ...showing(issued, pair), clientId: "kiln" });
  await say("losant/kiln/state", { data: { temperature: 900 } });
  await say("v1/devices/me/telemetry", { humidity: 2 });
  assert.deepEqual(await latest(device), { temperature: 900, humidity: 2 });
});

test("ThingsBoard's firmware hears what is wanted of it at the topic where it reports, and not what it reported", async () => {
  const device = await owner.device(application.id);
  const { client, say, hears } = await asDevice(device);
  await client.subscribeAsync(["v1/devices/me/attributes", "v2/a"], { qos: 1 });
  await say("v1/devices/me/attributes", { firmware: "1.2" });
  await want(device, { interval: 30 });
  assert.deepEqual(
    await hears(2),
    ["v1/devices/me/attributes", "v2/a"].map((topic) => ({ topic, body: { interval: 30 } })),
  );
});

test("what another platform's firmware may not say is refused by itself, and nobody hears or says it for another device", async () => {
  const [device, other] = [await owner.device(application.id), await owner.device(application.id)];
  const { client, say, heard } = await asDevice(device, { protocolVersion: 5 });
  const command = await send(other, "open", {});
  const number = Number.parseInt(command.id.slice(4, 12), 16) >>> 1;
  for (const [topic, body, code] of [
    [`losant/${other.id}/hello`, {}, 0x87],
    [`losant/${device.id}/command`, {}, 0x90],
    [`losant/${device.id}/hello/more`, {}, 0x90],
    [`thingsboard/${device.id}/attributes`, {}, 0x87],
    ["v1/devices/me/rpc/request/1", { method: "of the server", params: {} }, 0x90],
    ["v1/devices/me/rpc/response/x", {}, 0x90],
    ["v1/devices/me/rpc/response/4294967296", {}, 0x90],
    [`v1/devices/me/rpc/response/${number}`, {}, 0x99],
    ["v1/devices/me/attributes", [1], 0x99],
    ["v1/devices/me/attributes/request/1", { clientKeys: 7 }, 0x99],
    ["v1/devices/me/claim", {}, 0x90],
    [`thingsboard/${device.id}/shared`, {}, 0x87],
    ["v1/devices/me/shared", {}, 0x90],
  ] as const)
    await assert.rejects(say(topic, body), { code }, topic);
  await assert.rejects(client.subscribeAsync(`losant/${other.id}/command`, { qos: 1 }));
  await assert.rejects(client.subscribeAsync(`thingsboard/${other.id}/attributes`, { qos: 1 }));
  await assert.rejects(client.subscribeAsync("thingsboard/#", { qos: 1 }));
  // A program that hears everything hears nothing in those words, and says nothing in them.
  const { token } = await owner.tokenOf([
    "telemetry.write",
    "telemetry.read",
    "twin.read",
    "twin.update",
    "command.read",
    "command.send",
  ]);
  const program = await connect({ username: "program", password: token, protocolVersion: 5 });
  await program.client.subscribeAsync("#", { qos: 1 });
  await client.subscribeAsync(["me/commands/+", "v1/devices/me/rpc/request/+", "v1/devices/me/attributes"], { qos: 1 });
  for (const topic of [`thingsboard/${device.id}/attributes`, `losant/${device.id}/command`])
    await assert.rejects(program.say(topic, {}), topic);
  await want(device, { interval: 1 });
  await send(device, "ping", {});
  await eventually(
    () => heard.length === 3 && program.heard.length >= 2,
    () => `heard ${JSON.stringify([heard, program.heard])}`,
  );
  assert.ok(
    program.heard.every(({ topic }) => topic.startsWith("devices/")),
    JSON.stringify(program.heard),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { MqttClient } from "mqtt";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { App, says } from "./application-users.fixture.ts";
import { startWorld, textOf, type Device, type Problem } from "./authority.fixture.ts";
import { eventually } from "./messages.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";

// Gateways and the devices that they speak for, on the real platform.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours, theirs } = world;
const { visitor } = platform;
const application = await ours.application();
const app = await App.of({ visitor, clock }, ours);

const bindTo = (gateway: { id: string }, child: { id: string }) =>
  ours.asks.send<Device & Problem & { gateway?: string }>("PUT", `/v1/devices/${child.id}/gateway`, {
    body: { gateway: gateway.id },
  });
const unbind = (child: { id: string }) => ours.asks.send("DELETE", `/v1/devices/${child.id}/gateway`);
const temperaturesOf = async ({ id }: { id: string }) =>
  (await ours.asks.get<{ items: { value: number }[] }>(`/v1/devices/${id}/telemetry?attribute=temperature`)).items
    .map(({ value }) => value)
    .toSorted((a, b) => a - b);
const latestAt = async ({ id }: { id: string }) =>
  (await ours.asks.get<{ presence: { lastSeenAt?: string; state: string; connected: boolean } }>(`/v1/devices/${id}`))
    .presence;

async function come({ key }: Device) {
  const held = await mqtt(platform, { username: key.id, password: key.secret, protocolVersion: 5 });
  const heard: { topic: string; body: string }[] = [];
  held.client.on("message", (topic, payload) => heard.push({ topic, body: payload.toString() }));
  return { ...held, client: held.client, heard };
}
/** 0, or the code with which it was refused. */
const say = (client: MqttClient, topic: string, body: object) =>
  client.publishAsync(topic, JSON.stringify(body), { qos: 1 }).then(
    () => 0,
    (error: { code?: number }) => error.code,
  );

test("a gateway delivers for its children by id and alias, and what they measured is theirs", async () => {
  const [gateway, child] = [await ours.device(application.id), await ours.device(application.id, { alias: "valve-1" })];
  assert.equal((await bindTo(gateway, child)).body.gateway, gateway.id);
  const { client, end } = await come(gateway);
  assert.equal(await say(client, `children/${child.id}/telemetry`, { temperature: 1 }), 0);
  assert.equal(await say(client, "children/valve-1/telemetry", { temperature: 2 }), 0);
  assert.equal(
    (
      await visitor
        .as(textOf(gateway.key))
        .send("POST", `/v1/devices/${child.id}/telemetry`, { body: { temperature: 3 } })
    ).status,
    200,
  );
  assert.deepEqual(await temperaturesOf(child), [1, 2, 3]);
  assert.deepEqual(await temperaturesOf(gateway), []);
  const presence = await latestAt(child);
  assert.deepEqual([presence.state, presence.connected], ["online", false], "it is there as its gateway is");
  assert.ok(presence.lastSeenAt, "it was seen, because somebody spoke for it");
  end();
});

test("a gateway speaks for nobody else, and is told alike whether that is absent, unbound or another's", async () => {
  const [gateway, other, unbound] = [
    await ours.device(application.id),
    await ours.device(application.id),
    await ours.device(application.id, { alias: "loose" }),
  ];
  const [foreignApplication, others] = [await theirs.application(), await ours.device(application.id)];
  const foreign = await theirs.device(foreignApplication.id);
  await bindTo(other, others);
  await bindTo(gateway, await ours.device(application.id));
  const { client, end } = await come(gateway);
  const absent = `dev_${"0".repeat(32)}`;
  for (const name of [absent, others.id, unbound.id, "loose", foreign.id, gateway.id, "nobody", "+"]) {
    if (name !== "+") assert.equal(await say(client, `children/${name}/telemetry`, { temperature: 1 }), 0x87, name);
    const asks = visitor.as(textOf(gateway.key));
    if (name.startsWith("dev_") && name !== gateway.id)
      assert.equal(
        (await asks.send<Problem>("POST", `/v1/devices/${name}/telemetry`, { body: { temperature: 1 } })).body.code,
        "device.unknown",
      );
  }
  for (const filter of [
    "children/#",
    "children/+/#",
    "children/+/+",
    "children/+/telemetry",
    "children/+/twin/reported",
  ])
    assert.deepEqual(
      await client.subscribeAsync(filter, { qos: 1 }).then(
        (granted) => granted.map(({ qos }) => Number(qos)),
        () => [0x87],
      ),
      [0x87],
      filter,
    );
  for (const device of [others, unbound]) assert.deepEqual(await temperaturesOf(device), []);
  end();
});

test("commands and the twin of a child come by its gateway, which answers in its name", async () => {
  const [gateway, child] = [await ours.device(application.id), await ours.device(application.id, { alias: "lamp-1" })];
  const sent = ours.asks.post<{ id: string }>(`/v1/devices/${child.id}/commands`, { name: "blink" });
  const { client, heard, end } = await come(gateway);
  await client.subscribeAsync(["children/+/commands/+", "children/+/twin/desired"], { qos: 1 });
  const { id } = await sent;
  await bindTo(gateway, child);
  await ours.asks.send("PATCH", `/v1/devices/${child.id}/twin`, { body: { desired: { on: true } } });
  await eventually(
    () => heard.length >= 2,
    () => JSON.stringify(heard),
  );
  const topics = heard.map(({ topic }) => topic).toSorted();
  assert.deepEqual([...new Set(topics)], ["children/lamp-1/commands/blink", "children/lamp-1/twin/desired"]);
  assert.equal(await say(client, "children/lamp-1/twin/reported", { on: true }), 0);
  assert.equal(await say(client, `children/lamp-1/replies/${id}`, { result: "done" }), 0);
  const command = await ours.asks.get<{ state: string }>(`/v1/devices/${child.id}/commands/${id}`);
  assert.equal(command.state, "answered");
  const twin = await ours.asks.get<{ reported: object }>(`/v1/devices/${child.id}/twin`);
  assert.deepEqual(twin.reported, { on: true });
  end();
});

test("the child's own door is asked as well as its gateway's", async () => {
  const [gateway, child] = [await ours.device(application.id), await ours.device(application.id)];
  await bindTo(gateway, child);
  const { client, end } = await come(gateway);
  assert.equal(await say(client, `children/${child.id}/telemetry`, { temperature: 1 }), 0);
  await ours.asks.send("PUT", `/v1/devices/${child.id}/door`, { body: { transports: ["https"] } });
  assert.equal(await say(client, `children/${child.id}/telemetry`, { temperature: 2 }), 0x87);
  assert.equal(await say(client, "me/telemetry", { temperature: 3 }), 0, "the gateway's own is open");
  await ours.asks.send("POST", `/v1/devices/${gateway.id}/suspend`);
  const answer = await visitor
    .as(textOf(gateway.key))
    .send<Problem>("POST", `/v1/devices/${child.id}/telemetry`, { body: { temperature: 4 } });
  assert.equal(answer.status, 403, "a gateway that is suspended says nothing for anybody");
  assert.deepEqual(await temperaturesOf(child), [1]);
  end();
});

test("who is unbound, moves or is suspended is spoken for no more, on open connections too; its history stays", async () => {
  const [first, second] = [await ours.device(application.id), await ours.device(application.id)];
  const child = await ours.device(application.id, { gateway: first.id });
  const [one, two] = [await come(first), await come(second)];
  const topic = `children/${child.id}/telemetry`;
  assert.equal(await say(one.client, topic, { temperature: 1 }), 0);
  assert.equal(await say(two.client, topic, { temperature: 2 }), 0x87);
  await bindTo(second, child);
  assert.equal(await say(one.client, topic, { temperature: 3 }), 0x87);
  assert.equal(await say(two.client, topic, { temperature: 4 }), 0);
  assert.deepEqual(await temperaturesOf(child), [1, 4]);
  await unbind(child);
  assert.equal(await say(two.client, topic, { temperature: 5 }), 0x87);
  await bindTo(second, child);
  await ours.asks.send("POST", `/v1/devices/${child.id}/suspend`);
  assert.equal(await say(two.client, topic, { temperature: 6 }), 0x87);
  await ours.asks.send("POST", `/v1/devices/${child.id}/resume`);
  assert.equal(await say(two.client, topic, { temperature: 7 }), 0);
  const elsewhere = await ours.application("Workshop");
  await ours.asks.send("PATCH", `/v1/devices/${second.id}`, { body: { application: elsewhere.id } });
  assert.equal(await say(two.client, topic, { temperature: 8 }), 0x87, "its gateway is of another application now");
  await ours.asks.send("PATCH", `/v1/devices/${second.id}`, { body: { application: application.id } });
  assert.equal(await say(two.client, topic, { temperature: 9 }), 0);
  await ours.asks.send("PATCH", `/v1/devices/${child.id}`, { body: { application: elsewhere.id } });
  assert.equal(await say(two.client, topic, { temperature: 10 }), 0x87);
  assert.deepEqual(await temperaturesOf(child), [1, 4, 7, 9]);
  one.end();
  two.end();
});

test("a child that is made under a gateway that is there, or bound to it again, is spoken for and heard of on the same connection", async () => {
  const gateway = await ours.device(application.id);
  const { client, heard, end } = await come(gateway);
  assert.equal(await say(client, "children/late-1/telemetry", { temperature: 1 }), 0x87, "it is not there yet");
  const child = await ours.device(application.id, { alias: "late-1", gateway: gateway.id });
  assert.equal(await say(client, "children/late-1/telemetry", { temperature: 2 }), 0);
  await client.subscribeAsync(["children/late-1/commands/+", "children/late-1/twin/desired"], { qos: 1 });
  await unbind(child);
  assert.equal(await say(client, "children/late-1/telemetry", { temperature: 3 }), 0x87);
  const waiting = await ours.asks.post<{ id: string }>(`/v1/devices/${child.id}/commands`, { name: "close" });
  assert.equal(heard.length, 0);
  await bindTo(gateway, child);
  await eventually(
    () => heard.length === 1,
    () => "what waited for it was never heard",
  );
  assert.ok(heard[0]?.topic === "children/late-1/commands/close" && heard[0].body.includes(waiting.id));
  await ours.asks.send("PATCH", `/v1/devices/${child.id}/twin`, { body: { desired: { interval: 30 } } });
  await eventually(
    () => heard.length === 2,
    () => "what is wanted of it was never heard",
  );
  assert.equal(await say(client, "children/late-1/telemetry", { temperature: 4 }), 0);
  assert.deepEqual(await temperaturesOf(child), [2, 4]);
  // What the gateway takes back it does not get by that.
  await unbind(child);
  await client.unsubscribeAsync("children/late-1/commands/+");
  await bindTo(gateway, child);
  await ours.asks.post(`/v1/devices/${child.id}/commands`, { name: "open" });
  await ours.asks.send("PATCH", `/v1/devices/${child.id}/twin`, { body: { desired: { interval: 60 } } });
  await eventually(
    () => heard.some(({ body }) => body.includes("60")),
    () => "what is wanted of it was never heard",
  );
  assert.ok(heard.every(({ topic }) => topic !== "children/late-1/commands/open"));
  end();
});

test("what waits for a child of which its gateway may not hear is new to it, and told as soon as it may", async () => {
  const gateway = await ours.device(application.id);
  const child = await ours.device(application.id, { alias: "door-1", gateway: gateway.id });
  const { client, heard, end } = await come(gateway);
  await client.subscribeAsync(["children/door-1/commands/+", "children/door-1/twin/desired"], { qos: 1 });
  const at = `/v1/devices/${child.id}`;
  for (const [shut, open] of [
    [() => ours.asks.post(`${at}/suspend`, {}), () => ours.asks.post(`${at}/resume`, {})],
    [
      () => ours.asks.send("PUT", `${at}/door`, { body: { transports: ["https"] } }),
      () => ours.asks.send("PUT", `${at}/door`, { body: {} }),
    ],
  ] as const) {
    await shut();
    const { id } = await ours.asks.post<{ id: string }>(`${at}/commands`, { name: "ring" });
    await ours.asks.send("PATCH", `/v1/devices/${child.id}/twin`, { body: { desired: { since: id } } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { state } = await ours.asks.get<{ state: string }>(`${at}/commands/${id}`);
    assert.deepEqual([heard.length, state], [0, "waiting"], "it has not left");
    await open();
    await eventually(
      () => heard.length === 2,
      () => `heard ${JSON.stringify(heard)}`,
    );
    const [wanted, command] = heard.splice(0).toSorted((a, b) => b.topic.localeCompare(a.topic));
    assert.match(wanted?.body ?? "", new RegExp(`"since":"${id}"`));
    assert.match(command?.body ?? "", new RegExp(`"id":"${id}".*"again":false`));
  }
  end();
});

test("what waits for a child that its gateway heard of by an alias is told when it has that again", async () => {
  const gateway = await ours.device(application.id);
  const child = await ours.device(application.id, { alias: "gate-1", gateway: gateway.id });
  const { client, heard, end } = await come(gateway);
  await client.subscribeAsync("children/gate-1/commands/+", { qos: 1 });
  const rename = (alias: string | null) => ours.asks.send("PATCH", `/v1/devices/${child.id}`, { body: { alias } });
  await rename("gate-2");
  const { id } = await ours.asks.post<{ id: string }>(`/v1/devices/${child.id}/commands`, { name: "open" });
  assert.equal(heard.length, 0);
  await rename("gate-1");
  await eventually(
    () => heard.length === 1,
    () => "what waited for it was never heard",
  );
  assert.match(heard[0]?.body ?? "", new RegExp(`"id":"${id}".*"again":false`));
  end();
});

test("an alias that goes to another child is that one's at once", async () => {
  const gateway = await ours.device(application.id);
  const before = await ours.device(application.id, { alias: "place-1", gateway: gateway.id });
  const after = await ours.device(application.id, { gateway: gateway.id });
  const { client, end } = await come(gateway);
  assert.equal(await say(client, "children/place-1/telemetry", { temperature: 1 }), 0);
  await ours.asks.send("PATCH", `/v1/devices/${before.id}`, { body: { alias: null } });
  await ours.asks.send("PATCH", `/v1/devices/${after.id}`, { body: { alias: "place-1" } });
  assert.equal(await say(client, "children/place-1/telemetry", { temperature: 2 }), 0);
  assert.deepEqual([await temperaturesOf(before), await temperaturesOf(after)], [[1], [2]]);
  end();
});

test("whoever binds needs leave over both, and a gateway is another device of the same application", async () => {
  const [gateway, child] = [await ours.device(application.id), await ours.device(application.id)];
  const elsewhere = await ours.device((await ours.application("Shed")).id);
  const { token } = await ours.tokenOf([`device.bind:${child.id}`, `device.read:${child.id}`]);
  const bound = (to: { id: string }, asks = ours.asks) =>
    asks
      .send<Problem>("PUT", `/v1/devices/${child.id}/gateway`, { body: { gateway: to.id } })
      .then(({ status, body }) => (status === 200 ? "bound" : body.code));
  assert.equal(await bound(gateway, visitor.as(token)), "device.unknown");
  assert.equal(await bound(child), "gateway.unfit");
  assert.equal(await bound(elsewhere), "gateway.unfit");
  assert.equal(await bound(gateway), "bound");
  const page = await ours.asks.get<{ items: Device[]; total: number }>(`/v1/devices?gateway=${gateway.id}`);
  assert.deepEqual([page.items.map(({ id }) => id), page.total], [[child.id], 1]);
  const audited = await ours.audited(child.id);
  assert.deepEqual(audited.find(({ what }) => what === "device.tied")?.facts, { from: null, gateway: gateway.id });
});

const own = ({ id }: { id: string }, { user }: { user: string | null }) =>
  ours.asks.put(`/v1/devices/${id}/user`, { user });
const commandTo = ({ id }: { id: string }) =>
  ours.asks.post<{ id: string }>(`/v1/devices/${id}/commands`, { name: "unlock" });
const stateOf = async ({ id }: { id: string }, command: { id: string }) =>
  (await ours.asks.get<{ state: string }>(`/v1/devices/${id}/commands/${command.id}`)).state;

test("whose the gateway is has nothing of its children by that: she neither sees nor commands them, nor hears them, also not in a group", async () => {
  const ann = await app.user();
  const gateway = await ours.device(app.id);
  const child = await ours.device(app.id, { alias: "lock-1", gateway: gateway.id });
  await own(gateway, ann);
  const { client, end } = await come(gateway);
  assert.equal(await say(client, "children/lock-1/telemetry", { temperature: 1 }), 0);
  const command = await commandTo(child);
  const of = `/v1/devices/${child.id}`;
  const asked: readonly (readonly [string, string, object?])[] = [
    ["GET", of],
    ["GET", `${of}/door`],
    ["GET", `${of}/claim`],
    ["GET", `${of}/sessions`],
    ["GET", `${of}/telemetry`],
    ["GET", `${of}/telemetry/latest`],
    ["POST", `${of}/telemetry`, { temperature: 2 }],
    ["GET", `${of}/twin`],
    ["PATCH", `${of}/twin`, { desired: { on: true } }],
    ["GET", `${of}/commands`],
    ["POST", `${of}/commands`, { name: "unlock" }],
    ["GET", `${of}/commands/${command.id}`],
    ["POST", `${of}/commands/${command.id}/cancel`],
    ["PUT", `${of}/gateway`, { gateway: gateway.id }],
    ["DELETE", `${of}/gateway`],
  ];
  for (const [method, path, body] of asked)
    assert.equal(says(await app.ask(method, path, body, ann.accessToken)), "404 device.unknown", `${method} ${path}`);
  const page = await app.ask<{ items: Device[]; total: number }>("GET", "/v1/devices", undefined, ann.accessToken);
  assert.deepEqual([page.body.items.map(({ id }) => id), page.body.total], [[gateway.id], 1]);

  const phone = await mqtt(platform, { username: "ann", password: ann.accessToken, protocolVersion: 5 });
  const topics = [`devices/${child.id}/telemetry`, `children/${child.id}/telemetry`, "children/lock-1/telemetry"];
  for (const topic of [...topics, `children/lock-1/replies/${command.id}`, `devices/${child.id}/commands/unlock`])
    assert.notEqual(await say(phone.client, topic, { temperature: 3 }), 0, topic);
  // Both talk in a group: that, too, is theirs and not hers.
  const groups = `/v1/applications/${app.id}/groups`;
  const group = await ours.asks.post<{ id: string }>(groups, { name: "locks" });
  for (const { id } of [gateway, child]) await ours.asks.put(`${groups}/${group.id}/members/${id}`, {});
  assert.notEqual(await say(phone.client, `groups/${group.id}/hello`, {}), 0);
  const filters = ["#", "children/#", "children/+/commands/+", `devices/${child.id}/#`, `groups/${group.id}/#`];
  const { events } = await listening(phone.client, filters);
  assert.equal(await say(client, "groups/locks/hello", {}), 0);
  assert.equal(await say(client, "children/lock-1/telemetry", { temperature: 4 }), 0);
  assert.equal(await say(client, "me/telemetry", { temperature: 5 }), 0);
  await eventually(
    () => events.length > 0,
    () => "her own device is not heard",
  );
  assert.deepEqual(events, [`devices/${gateway.id}/telemetry`]);
  assert.deepEqual(await temperaturesOf(child), [1, 4]);
  phone.end();
  end();
});

/** What is heard from now on; what is refused is not subscribed to. */
async function listening(client: MqttClient, filters: readonly string[]) {
  const events: string[] = [];
  client.on("message", (topic) => events.push(topic));
  for (const filter of filters) await client.subscribeAsync(filter, { qos: 1 }).catch(() => undefined);
  return { events };
}

test("a gateway of one customer speaks for nothing of another's, from the moment at which either changes hands", async () => {
  const [ann, bob, nobody] = [await app.user(), await app.user(), { user: null }];
  const gateway = await ours.device(app.id);
  const child = await ours.device(app.id, { alias: "lock-2", gateway: gateway.id });
  const { client, heard, end } = await come(gateway);
  await client.subscribeAsync("children/+/commands/+", { qos: 1 });
  const telemetry = (temperature: number) => say(client, "children/lock-2/telemetry", { temperature });
  assert.equal(await telemetry(1), 0);
  await own(gateway, ann);
  assert.equal(await telemetry(2), 0, "of what is nobody's yet");
  await own(child, ann);
  assert.equal(await telemetry(3), 0);
  const before = await commandTo(child);
  await eventually(
    () => heard.length === 1,
    () => "the command did not come",
  );

  await own(child, bob);
  assert.equal(await telemetry(4), 0x87);
  assert.equal(await say(client, `children/lock-2/replies/${before.id}`, { result: 1 }), 0x87);
  assert.equal(await say(client, "children/lock-2/twin/reported", { on: true }), 0x87);
  const key = visitor.as(textOf(gateway.key));
  const byKey = await key.send<Problem>("POST", `/v1/devices/${child.id}/telemetry`, { body: { temperature: 5 } });
  assert.equal(byKey.body.code, "device.unknown");
  const command = await commandTo(child);
  assert.equal(await say(client, "me/telemetry", { temperature: 6 }), 0);
  assert.equal(heard.length, 1, "the gateway hears nothing of what is Bob's");
  assert.equal(await stateOf(child, command), "waiting", "and nobody was given it");
  assert.equal((await bindTo(gateway, child)).body.code, "gateway.unfit");
  await eventually(
    async () => (await latestAt(child)).state !== "online",
    () => "it is there by a gateway that is not its own",
  );

  await own(gateway, bob);
  assert.equal(await telemetry(7), 0, "both are Bob's");
  await own(gateway, nobody);
  assert.equal(await telemetry(8), 0, "a gateway of the organisation's own speaks for all its customers");
  await own(gateway, ann);
  assert.equal(await telemetry(9), 0x87);
  assert.deepEqual(await temperaturesOf(child), [1, 2, 3, 7, 8]);
  end();
});

test("a gateway that its owner gives up speaks for nothing that has become another customer's, and goes on for what is nobody's", async () => {
  const [ann, bob] = [await app.user(), await app.user()];
  const gateway = await ours.device(app.id);
  const sold = await ours.device(app.id, { alias: "lock-3", gateway: gateway.id });
  await ours.device(app.id, { alias: "lock-4", gateway: gateway.id });
  await own(gateway, ann);
  await own(sold, bob);
  const { client, heard, end } = await come(gateway);
  await client.subscribeAsync("children/+/commands/+", { qos: 1 });
  const telemetry = (alias: string) => say(client, `children/${alias}/telemetry`, { temperature: 1 });
  assert.deepEqual([await telemetry("lock-3"), await telemetry("lock-4")], [0x87, 0]);
  const { accessToken } = (await app.signInAs(ann.login)).body;
  const given = await app.ask("DELETE", `/v1/application-users/me/claims/${gateway.id}`, undefined, accessToken);
  assert.equal(given.status, 200);
  assert.deepEqual([await telemetry("lock-3"), await telemetry("lock-4")], [0x87, 0]);
  await commandTo(sold);
  assert.equal(await say(client, "me/telemetry", { temperature: 6 }), 0);
  assert.deepEqual(heard, [], "she hears nothing of what is Bob's");
  const { gateway: tied } = await ours.asks.get<{ gateway?: string }>(`/v1/devices/${sold.id}`);
  assert.equal(tied, undefined);
  end();
});

test("a command for a child whose gateway is elsewhere waits, and is new to the child that comes itself", async () => {
  const gateway = await ours.device(application.id);
  const child = await ours.device(application.id, { gateway: gateway.id });
  const { client, heard, end } = await come(gateway);
  await client.subscribeAsync("children/+/commands/+", { qos: 1 });
  const elsewhere = await ours.application("Barn");
  await ours.asks.send("PATCH", `/v1/devices/${gateway.id}`, { body: { application: elsewhere.id } });
  const command = await commandTo(child);
  assert.equal(await say(client, "me/telemetry", { temperature: 1 }), 0);
  assert.deepEqual([heard, await stateOf(child, command)], [[], "waiting"]);
  const itself = await come(child);
  await itself.client.subscribeAsync("me/commands/+", { qos: 1 });
  await eventually(
    () => itself.heard.length > 0,
    () => "it did not come",
  );
  assert.deepEqual(
    itself.heard.map(({ body }) => (JSON.parse(body) as { again: boolean }).again),
    [false],
  );
  itself.end();
  end();
});

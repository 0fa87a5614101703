import assert from "node:assert/strict";
import { test } from "node:test";
import type { IClientOptions, MqttClient } from "mqtt";
import { Refusal } from "@holdfast/kernel";
import { reasonOf } from "../apps/server/src/messages/reason.ts";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { startWorld, type Device, type Problem, type Thing } from "./authority.fixture.ts";
import { eventually } from "./messages.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";
import { Story } from "./story.fixture.ts";

// Groups of devices that talk to each other, on the real platform.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, ours, theirs } = world;
const application = await ours.application();
const groupsOf = `/v1/applications/${application.id}/groups`;

type Group = Thing & { name: string; members: { device: string; read: boolean; write: boolean }[] };
const make = (name: string) => ours.asks.post<Group>(groupsOf, { name });
const admit = (group: Thing, device: Thing, rights: object = {}) =>
  ours.asks.put<Group>(`${groupsOf}/${group.id}/members/${device.id}`, rights);
const expel = (group: Thing, device: Thing) => ours.asks.delete(`${groupsOf}/${group.id}/members/${device.id}`);

async function come({ key }: Device, more: IClientOptions = {}) {
  const held = await mqtt(platform, { username: key.id, password: key.secret, protocolVersion: 5, ...more });
  const heard: { topic: string; body: string }[] = [];
  held.client.on("message", (topic, payload) => heard.push({ topic, body: payload.toString() }));
  return { client: held.client, heard, end: held.end };
}
const say = (client: MqttClient, topic: string, body: object = {}) =>
  client.publishAsync(topic, JSON.stringify(body), { qos: 1 }).then(
    () => 0,
    (error: { code?: number }) => error.code,
  );
const listens = (client: MqttClient, filter: string) =>
  client.subscribeAsync(filter, { qos: 1 }).then(
    ([granted]) => Number(granted?.qos),
    () => 0x87,
  );

test("members talk below the topics of their group, by its name and its id, as far as each may", async () => {
  const [one, two, listener, speaker, stranger] = [
    await ours.device(application.id),
    await ours.device(application.id),
    await ours.device(application.id),
    await ours.device(application.id),
    await ours.device(application.id),
  ];
  const group = await make("pumps");
  await admit(group, one);
  await admit(group, two);
  await admit(group, listener, { write: false });
  await admit(group, speaker, { read: false });
  const [a, b, c, d, e] = [
    await come(one),
    await come(two),
    await come(listener),
    await come(speaker),
    await come(stranger),
  ];
  assert.deepEqual(
    [
      await listens(a.client, "groups/pumps/#"),
      await listens(b.client, `groups/${group.id}/level`),
      await listens(c.client, "groups/+/level"),
    ],
    [1, 1, 1],
  );
  assert.deepEqual(
    [await listens(d.client, "groups/pumps/#"), await listens(e.client, "groups/pumps/#")],
    [0x87, 0x87],
  );
  assert.equal(await say(b.client, "groups/pumps/level", { of: "b" }), 0);
  assert.equal(await say(d.client, `groups/${group.id}/level`, { of: "d" }), 0);
  assert.equal(await say(c.client, "groups/pumps/level", { of: "c" }), 0x87);
  for (const name of ["pumps", group.id, `grp_${"0".repeat(32)}`, "nobody"])
    assert.equal(await say(e.client, `groups/${name}/level`, { of: "e" }), 0x87, name);
  await eventually(
    () => a.heard.length >= 2 && b.heard.length >= 2 && c.heard.length >= 2,
    () => JSON.stringify([a.heard, b.heard, c.heard]),
  );
  assert.deepEqual(a.heard, [
    { topic: "groups/pumps/level", body: '{"of":"b"}' },
    { topic: "groups/pumps/level", body: '{"of":"d"}' },
  ]);
  assert.equal(b.heard[0]?.topic, `groups/${group.id}/level`);
  assert.equal(c.heard[0]?.topic, "groups/pumps/level");
  assert.deepEqual([d.heard, e.heard], [[], []]);
  for (const { end } of [a, b, c, d, e]) end();
});

test("what a member says to the others comes through its door: by rate and by size", async () => {
  const [often, much, listener] = [
    await ours.device(application.id),
    await ours.device(application.id),
    await ours.device(application.id),
  ];
  const group = await make("bounded");
  for (const device of [often, much, listener]) await admit(group, device);
  await ours.asks.put(`/v1/devices/${often.id}/door`, { rate: { perMinute: 1, burst: 2 } });
  await ours.asks.put(`/v1/devices/${much.id}/door`, { size: 20 });
  const [a, b, c] = [await come(often), await come(much), await come(listener)];
  await listens(c.client, "groups/bounded/#");
  const said: unknown[] = [];
  for (let at = 0; at < 3; at += 1) said.push(await say(a.client, "groups/bounded/level", { at }));
  assert.deepEqual(said, [0, 0, reasonOf(new Refusal("rate.exceeded"), "publish")]);
  const tooLarge = await say(b.client, "groups/bounded/level", { large: "x".repeat(20) });
  assert.equal(tooLarge, reasonOf(new Refusal("door.tooLarge"), "publish"));
  assert.equal(await say(b.client, "groups/bounded/level", { small: 1 }), 0);
  await eventually(
    () => c.heard.length >= 3,
    () => JSON.stringify(c.heard),
  );
  assert.deepEqual(
    c.heard.map(({ body }) => body),
    ['{"at":0}', '{"at":1}', '{"small":1}'],
  );
  for (const { end } of [a, b, c]) end();
});

test("whoever is expelled says and hears nothing more, on the open connection and of what waits for it", async () => {
  const [stays, goes, sleeper] = [
    await ours.device(application.id),
    await ours.device(application.id),
    await ours.device(application.id),
  ];
  const group = await make("valves");
  for (const one of [stays, goes, sleeper]) await admit(group, one);
  const lasting = { clientId: "sleeper", clean: false, properties: { sessionExpiryInterval: 3_600 } };
  const [a, b, asleep] = [await come(stays), await come(goes), await come(sleeper, lasting)];
  await listens(b.client, "groups/valves/#");
  await listens(asleep.client, "groups/valves/#");
  await listens(asleep.client, "me/twin/desired");
  assert.equal(await say(b.client, "groups/valves/x", { at: 1 }), 0);
  await eventually(
    () => b.heard.length > 0 && asleep.heard.length > 0,
    () => "nobody heard",
  );
  asleep.end();
  await eventually(
    async () => {
      const { presence } = await ours.asks.get<{ presence: { state: string } }>(`/v1/devices/${sleeper.id}`);
      return presence.state === "offline";
    },
    () => "it is still there",
  );
  assert.equal(await say(a.client, "groups/valves/x", { at: 2 }), 0);
  await eventually(
    () => b.heard.length === 2,
    () => "not heard",
  );
  await expel(group, goes);
  await expel(group, sleeper);
  assert.equal(await say(b.client, "groups/valves/x", { at: 3 }), 0x87);
  assert.equal(await say(a.client, "groups/valves/x", { at: 4 }), 0);
  const again = await come(sleeper, lasting);
  assert.equal(await listens(again.client, "groups/valves/#"), 0x87);
  assert.equal(await say(again.client, "me/telemetry", { temperature: 1 }), 0);
  assert.deepEqual([b.heard.length, again.heard], [2, []]);
  await admit(group, goes);
  assert.equal(await say(b.client, "groups/valves/x", { at: 5 }), 0, "who is let in again need not come anew");
  await eventually(
    () => b.heard.length === 3,
    () => "it hears no more what it was subscribed to",
  );
  for (const { end } of [a, b, again]) end();
});

test("groups are of one application: who moves, is suspended or comes from elsewhere is in none", async () => {
  const [member, mover] = [await ours.device(application.id), await ours.device(application.id)];
  const elsewhere = await ours.application("Shed");
  const group = await make("lamps");
  const put = (device: string, asks = ours.asks) =>
    asks.send<Problem>("PUT", `${groupsOf}/${group.id}/members/${device}`, { body: {} }).then(({ body }) => body.code);
  assert.equal(await put((await ours.device(elsewhere.id)).id), "group.unfit");
  const foreign = await theirs.device((await theirs.application()).id);
  assert.equal(await put(foreign.id), "device.unknown");
  assert.equal(await put(member.id, theirs.asks), "application.unknown");
  const { token } = await ours.tokenOf([`group.read:${application.id}`]);
  assert.equal(await put(member.id, platform.visitor.as(token)), "application.unknown");
  assert.equal(
    (await ours.asks.send<Problem>("POST", groupsOf, { body: { name: "lamps" } })).body.code,
    "group.nameTaken",
  );
  const other = `/v1/applications/${elsewhere.id}/groups/${group.id}`;
  assert.equal((await ours.asks.send<Problem>("GET", other)).body.code, "group.unknown");
  await admit(group, mover);
  const { client, end } = await come(mover);
  assert.equal(await say(client, "groups/lamps/x"), 0);
  await ours.asks.patch(`/v1/devices/${mover.id}`, { application: elsewhere.id });
  assert.equal(await say(client, "groups/lamps/x"), 0x87);
  await ours.asks.patch(`/v1/devices/${mover.id}`, { application: application.id });
  assert.equal(await say(client, "groups/lamps/x"), 0);
  await ours.asks.delete(`${groupsOf}/${group.id}`);
  assert.equal(await say(client, "groups/lamps/x"), 0x87);
  end();
  const what = (await ours.audited(group.id)).map((entry) => entry.what);
  for (const one of ["group.created", "group.memberAdmitted", "group.deleted"]) assert.ok(what.includes(one), one);
});

test("an older backup brings nobody back who was expelled, nor who was let say less, nor a group that is gone", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const { id } = await first.application();
  const groups = `/v1/applications/${id}/groups`;
  const [stays, goes, less, comes] = [
    await first.device(id),
    await first.device(id),
    await first.device(id),
    await first.device(id),
  ];
  const [group, gone] = [
    await first.asks.post<Group>(groups, { name: "a" }),
    await first.asks.post<Group>(groups, { name: "b" }),
  ];
  const member = (of: Thing, { id: device }: Thing) => `${groups}/${of.id}/members/${device}`;
  for (const one of [stays, goes, less]) await first.asks.put(member(group, one), {});
  await first.asks.put(member(gone, goes), {});
  const { owner, backup } = await story.backup();
  await owner.asks.delete(member(group, goes));
  await owner.asks.put(member(group, less), { write: false });
  await owner.asks.put(member(group, comes), {});
  await owner.asks.delete(`${groups}/${gone.id}`);
  const restored = await story.restore(backup);
  assert.deepEqual((await restored.asks.get<Group>(`${groups}/${group.id}`)).members, [
    { device: stays.id, read: true, write: true },
    { device: less.id, read: true, write: false },
  ]);
  assert.deepEqual((await restored.asks.get<Group>(`${groups}/${gone.id}`)).members, []);
});

test("an application has two hundred groups, and the next one is refused", async () => {
  const other = `/v1/applications/${(await ours.application()).id}/groups`;
  for (let at = 0; at < 200; at += 20)
    await Promise.all(Array.from({ length: 20 }, (_, more) => ours.asks.post(other, { name: `group-${at + more}` })));
  const { status, body } = await ours.asks.send<Problem>("POST", other, { body: { name: "one-more" } });
  assert.deepEqual([status, body.code], [409, "group.tooMany"]);
});

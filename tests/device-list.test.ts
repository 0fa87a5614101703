import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "@holdfast/kernel";
import { connectAsync } from "mqtt";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { placeOf } from "./clients.fixture.ts";

const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock });
atEnd.after(() => platform.close());
const place = placeOf(platform);
const { visitor } = platform;
const owner = await platform.setUp();
const me = visitor.as(owner.token);
const [north, south] = await Promise.all(
  ["North", "South"].map((name) => me.post<{ id: string }>("/v1/applications", { name })),
);
assert.ok(north && south);

type Device = { id: string; name: string; key: { id: string; secret: string } };
type Page = { items: Device[]; total: number; nextCursor?: string };

async function make(name: string, more: object = {}): Promise<Device> {
  clock.move(1); // so that each has an age of its own
  return me.post<Device>("/v1/devices", { application: north?.id, name, ...more });
}
const made = [
  await make("Pump 10", { tags: { floor: "3", site: "a" } }),
  await make("pump 2", { tags: { floor: "3", site: "b" }, alias: "boiler-room" }),
  await make("Valve", { tags: { floor: "1", site: "a" }, application: south.id }),
  await make("Ülm gauge", { tags: { note: "a,b" } }),
  await make("Old pump"),
];
await me.post(`/v1/devices/${made[4]?.id}/retire`, {});
await me.post(`/v1/devices/${made[2]?.id}/suspend`, {});

const list = (query: string, as = me) => as.get<Page>(`/v1/devices${query}`);
const names = async (query: string, as = me) => (await list(query, as)).items.map(({ name }) => name);
const codeOf = async (query: string, as = me) =>
  (await as.send<{ code: string }>("GET", `/v1/devices${query}`)).body.code;
const tokenOf = async (...grants: string[]) =>
  visitor.as((await me.post<{ token: string }>("/v1/tokens", { name: "reader", grants })).token);

test("devices are found by words, presence, tags, state, application, and by all of it together", async () => {
  assert.deepEqual(await names("?q=PUMP&sort=name"), ["Old pump", "pump 2", "Pump 10"]);
  assert.deepEqual(await names("?q=boiler"), ["pump 2"]);
  assert.deepEqual(await names(`?q=${made[3]?.id.slice(0, 20)}`), ["Ülm gauge"]);
  assert.deepEqual(await names("?tag=floor=3"), ["Pump 10", "pump 2"]);
  assert.deepEqual(await names("?tag=floor=3,site=a"), ["Pump 10"]);
  assert.deepEqual(await names("?tag=note=a,b"), ["Ülm gauge"], "a comma may stand in a value");
  assert.deepEqual(await names("?tag=floor=3,site=a&q=pump"), ["Pump 10"]);
  assert.deepEqual(await names("?state=suspended"), ["Valve"]);
  assert.deepEqual(await names("?state=retired&q=pump"), ["Old pump"]);
  assert.deepEqual(await names(`?application=${south.id}`), ["Valve"]);
  assert.deepEqual(await names("?presence=offline&sort=-createdAt"), ["Ülm gauge", "Valve", "pump 2", "Pump 10"]);
  assert.deepEqual(await names("?presence=online"), []);
  assert.equal(await codeOf("?tag=floor"), "request.malformed");
  assert.equal(await codeOf("?sort=age"), "request.malformed");
});

test("a tag that a list could not be asked for is refused where it is set, by its name", async () => {
  const note = { tags: { note: "a,b=c" } };
  const [, pump] = made;
  for (const [method, path, body] of [
    ["POST", "/v1/devices", { application: north?.id, name: "Lost", ...note }],
    ["PATCH", `/v1/devices/${pump?.id}`, note],
  ] as const) {
    const answer = await me.send<{ code: string; errors?: { path: string }[] }>(method, path, { body });
    assert.deepEqual([answer.status, answer.body.code], [400, "request.malformed"], method);
    assert.deepEqual(
      answer.body.errors?.map((fault) => fault.path),
      ["tags.note"],
      method,
    );
  }
  assert.deepEqual(await names("?q=lost"), []);
});

test("every sort goes both ways, and when a device was seen moves it", async () => {
  const byAge = ["Pump 10", "pump 2", "Valve", "Ülm gauge", "Old pump"];
  assert.deepEqual(await names(""), byAge);
  assert.deepEqual(await names("?sort=createdAt"), byAge);
  assert.deepEqual(await names("?sort=-createdAt"), byAge.toReversed());
  const byName = ["Old pump", "pump 2", "Pump 10", "Ülm gauge", "Valve"];
  assert.deepEqual([await names("?sort=name"), await names("?sort=-name")], [byName, byName.toReversed()]);
  for (const device of [made[3], made[0]]) {
    clock.move(1);
    await visitor.as(`${device?.key.id}.${device?.key.secret}`).post("/v1/me/telemetry", { t: 1 });
  }
  assert.deepEqual((await names("?sort=-lastSeenAt")).slice(0, 2), ["Pump 10", "Ülm gauge"]);
  assert.deepEqual((await names("?sort=lastSeenAt")).slice(-2), ["Ülm gauge", "Pump 10"]);
});

/** Nothing is wrong with those that are connected. */
const calm = { silent: 0, notReceiving: 0, flapping: 0 };

test("who connects is online in the list and in the counts at once, and what is renamed is found by its new name", async () => {
  const device = await make("Meter");
  const client = await connectAsync(platform.platform.mqttsUrl, {
    ca: place.ca,
    username: device.key.id,
    password: device.key.secret,
  });
  assert.deepEqual(await names("?presence=online"), ["Meter"]);
  const counts = () => me.get<Record<string, number>>("/v1/devices/summary");
  assert.deepEqual(await counts(), { ...calm, total: 6, online: 1, offline: 4, active: 4, suspended: 1, retired: 1 });
  await me.patch(`/v1/devices/${device.id}`, { name: "Counter" });
  assert.deepEqual([await names("?q=meter"), await names("?q=counter")], [[], ["Counter"]]);
  await client.endAsync();
  while ((await counts())["online"] !== 0) await setTimeout(5);
  assert.deepEqual(await names("?q=counter&presence=offline"), ["Counter"]);
  await me.post(`/v1/devices/${device.id}/retire`, {});
});

test("pages follow one another in every order, each knows how many there are, and a device made meanwhile shifts nothing", async () => {
  for (const [at, sort] of ["createdAt", "-createdAt", "name", "-name", "-lastSeenAt"].entries()) {
    const whole = (await list(`?sort=${sort}&state=active`)).items.map(({ name }) => name);
    const first = await list(`?sort=${sort}&state=active&limit=2`);
    await make(`A ${9 - at}, in front of all others`);
    const second = await list(`?sort=${sort}&state=active&limit=1&cursor=${first.nextCursor}`);
    assert.deepEqual(
      [...first.items, ...second.items].map(({ name }) => name),
      sort === "-lastSeenAt" ? [...whole.slice(0, 2), ...second.items.map(({ name }) => name)] : whole.slice(0, 3),
      sort,
    );
    assert.deepEqual([first.total, second.total], [whole.length, whole.length + 1], sort);
  }
});

test("a cursor of another sort, filter or organisation is refused, and shows nothing", async () => {
  const { nextCursor = "" } = await list("?limit=1&sort=name");
  const other = visitor.as((await platform.setUp()).token);
  for (const query of ["", "sort=-name&", "sort=name&q=pump&", "sort=name&state=active&", "sort=createdAt&"])
    assert.equal(await codeOf(`?${query}cursor=${nextCursor}`), "cursor.malformed", query);
  assert.equal(await codeOf(`?sort=name&cursor=${nextCursor}`, other), "cursor.malformed");
  assert.equal(await codeOf("?cursor=1.00000000000000000000000000000000"), "cursor.malformed");
  assert.match(nextCursor, /^[\w-]+$/);
  assert.ok(!/pump/i.test(Buffer.from(nextCursor, "base64url").toString("latin1")));
});

test("only what the caller may read is listed, found and counted", async () => {
  const few = await tokenOf("device.read:tag:site=a");
  for (const query of ["", "?sort=name", "?q=e", "?presence=offline", "?sort=-lastSeenAt", "?q=p"]) {
    const page = await list(query, few);
    assert.ok(
      page.items.every(({ name }) => ["Pump 10", "Valve"].includes(name)),
      query,
    );
    assert.equal(page.total, page.items.length, query);
  }
  assert.deepEqual(await names("?q=boiler", few), []);
  assert.deepEqual(await few.get("/v1/devices/summary"), {
    ...calm,
    total: 2,
    online: 0,
    offline: 2,
    active: 1,
    suspended: 1,
    retired: 0,
  });
  const stranger = visitor.as((await platform.setUp()).token);
  const none = { ...calm, total: 0, online: 0, offline: 0, active: 0, suspended: 0, retired: 0 };
  assert.deepEqual([(await list("?q=pump", stranger)).total, await stranger.get("/v1/devices/summary")], [0, none]);
  // Another tag is another reach, in the same turn.
  await me.patch(`/v1/devices/${made[0]?.id}`, { tags: { site: "c" } });
  assert.deepEqual(await names("?sort=name", few), ["Valve"]);
  assert.equal((await few.get<{ total: number }>("/v1/devices/summary")).total, 1);
  const blind = await tokenOf("telemetry.read");
  assert.deepEqual(
    [await codeOf("/summary", blind), await codeOf("?q=x", blind)],
    ["permit.missing", "permit.missing"],
  );
});

test("names that nobody searched for in a while leave the memory, and the next search reads them again", async (t) => {
  clock.move(620_000);
  const again = visitor.as(owner.token).anew();
  t.after(() => again.close());
  assert.equal((await again.get<Page>("/v1/devices?q=valve")).total, 1);
});

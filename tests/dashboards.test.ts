import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "@holdfast/kernel";
import { Client, type LiveEvent } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { furnish, Owner, textOf, unknown, viewer, type Problem, type Thing } from "./authority.fixture.ts";

// Dashboards of an organisation, who sees them, and what a link to one shows to whoever has it.
const database = await freshDatabase();
atEnd.after(() => database.drop());
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ database, clock });
atEnd.after(() => platform.close());
const { visitor } = platform;
const ours = new Owner(visitor, await platform.setUp());
const theirs = new Owner(visitor, await platform.setUp());
const [our, their] = [await furnish(ours, visitor), await furnish(theirs, visitor)];
const spectator = visitor.as((await ours.member(viewer)).token);

type Dashboard = Thing & { readonly version: number; readonly name: string; readonly widgets: readonly object[] };
type Link = Thing & { readonly secret: string; readonly path: string };
type Shown = {
  readonly devices: readonly {
    readonly id: string;
    readonly name: string;
    readonly presence?: { readonly state: string };
    readonly latest: readonly { readonly attribute: string; readonly value: unknown }[];
  }[];
  readonly widgets: readonly { readonly id: string; readonly sources: readonly (readonly string[])[] }[];
};

const place = { x: 0, y: 0, w: 4, h: 3 };
const valueOf = (device: Thing, attribute = "temperature", id = "a") => ({
  type: "value",
  id,
  place,
  device: device.id,
  attribute,
});
const make = (widgets: readonly object[], more: object = {}) =>
  ours.asks.post<Dashboard>("/v1/dashboards", { name: "Boiler room", widgets, ...more });
const share = ({ id }: Thing, as = ours.asks, expiresIn = "1d") =>
  as.post<Link>(`/v1/dashboards/${id}/links`, { name: "wall", expiresIn });
const change = ({ id }: Thing, body: object, as = ours.asks, headers = {}) =>
  as.send<Problem>("PATCH", `/v1/dashboards/${id}`, { body, headers });
const send = (device: typeof our.device, values: object) =>
  visitor.as(textOf(device.key)).post("/v1/me/telemetry", values);
const answer = async (as: typeof visitor, path: string, method = "GET") => {
  const { status, body } = await as.send<Problem>(method, path);
  return status < 300 ? status : `${status} ${body.code}`;
};

test("a dashboard is made, listed, changed and deleted; two who change the same version are told of each other", async () => {
  const dashboard = await make([valueOf(our.device)], { description: "What runs below" });
  const { items } = await spectator.get<{ items: { id: string; widgets: number }[] }>("/v1/dashboards");
  assert.deepEqual([items.length, items[0]?.id, items[0]?.widgets], [1, dashboard.id, 1]);
  const first = await change(dashboard, { name: "Boilers" }, ours.asks, { "if-match": '"1"' });
  assert.equal(first.status, 200);
  const second = await change(dashboard, { name: "Heating" }, ours.asks, { "if-match": '"1"' });
  assert.deepEqual([second.status, second.body.code], [412, "request.conflict"]);
  assert.equal((await spectator.get<Dashboard>(`/v1/dashboards/${dashboard.id}`)).name, "Boilers");
  assert.equal(await answer(spectator, `/v1/dashboards/${dashboard.id}`, "DELETE"), "403 permit.missing");
  assert.equal(await answer(theirs.asks, `/v1/dashboards/${dashboard.id}`), "404 dashboard.unknown");
  assert.equal(await answer(ours.asks, `/v1/dashboards/${dashboard.id}`, "DELETE"), 200);
  assert.equal(await answer(ours.asks, `/v1/dashboards/${dashboard.id}`), "404 dashboard.unknown");
  const told = (await ours.audited(dashboard.id)).map(({ what }) => what).filter((what) => what.startsWith("dash"));
  assert.deepEqual(told, ["dashboard.deleted", "dashboard.updated", "dashboard.created"]);
});

test("what does not fit is refused with the place of each fault", async () => {
  const wrong = { type: "gauge", id: "a", place: { x: 10, y: 0, w: 4, h: 3 }, device: our.device.id, attribute: "t" };
  const { status, body } = await ours.asks.send<Problem & { errors: { path: string }[] }>("POST", "/v1/dashboards", {
    body: { name: "Wrong", widgets: [{ ...wrong, min: 5, max: 5 }] },
  });
  assert.equal(status, 400);
  assert.deepEqual(body.errors.map(({ path }) => path).toSorted(), ["widgets.0.max", "widgets.0.place"]);
  const many = Array.from({ length: 41 }, (_, at) => valueOf(our.device, "t", `w${at}`));
  const tooMany = await ours.asks.send<Problem>("POST", "/v1/dashboards", { body: { name: "Many", widgets: many } });
  assert.equal(tooMany.status, 400);
  const of = { devices: Array.from({ length: 20 }, () => unknown("device")) };
  const lines = Array.from({ length: 12 }, () => ({ of, attribute: "temperature" }));
  const wide = Array.from({ length: 10 }, (_, at) => ({ type: "line", id: `w${at}`, place, lines }));
  const tooLarge = await ours.asks.send<Problem>("POST", "/v1/dashboards", { body: { name: "Wide", widgets: wide } });
  assert.deepEqual([tooLarge.status, tooLarge.body.code], [413, "dashboard.tooLarge"]);
});

test("one that is for some roles is there for them and for whoever shares dashboards, and for nobody else", async () => {
  const dashboard = await make([valueOf(our.device)], { roles: ["operator"] });
  const path = `/v1/dashboards/${dashboard.id}`;
  const developer = visitor.as(
    (await ours.member({ email: "dev@example.com", password: viewer.password }, "developer")).token,
  );
  const listed = async (as: typeof visitor) =>
    (await as.get<{ items: Thing[] }>("/v1/dashboards")).items.some(({ id }) => id === dashboard.id);
  assert.deepEqual([await answer(spectator, path), await listed(spectator)], ["404 dashboard.unknown", false]);
  assert.deepEqual([await answer(developer, path), await listed(developer)], [200, true]);
  assert.equal((await change(dashboard, { roles: null })).status, 200);
  assert.deepEqual([await answer(spectator, path), await listed(spectator)], [200, true]);
});

test("a picture holds what whoever looks may read, of devices by name, by tag and by product", async () => {
  const dashboard = await make([
    { type: "table", id: "t", place, of: { tag: { key: "site", value: "north" } }, attributes: ["temperature"] },
    { type: "status", id: "s", place, of: { product: our.product.id } },
    valueOf(our.elsewhere, "temperature", "v"),
  ]);
  const shown = await spectator.get<Shown>(`/v1/dashboards/${dashboard.id}/devices`);
  assert.deepEqual(shown.widgets, [
    { id: "t", sources: [[our.device.id]] },
    { id: "s", sources: [[our.device.id]] },
    { id: "v", sources: [[our.elsewhere.id]] },
  ]);
  const [pump] = shown.devices;
  assert.deepEqual([pump?.latest[0]?.value, pump?.presence?.state], [21.5, "offline"]);
  const narrow = await ours.tokenOf(["dashboard.read", `telemetry.read:${our.elsewhere.id}`]);
  const less = await visitor.as(narrow.token).get<Shown>(`/v1/dashboards/${dashboard.id}/devices`);
  assert.deepEqual(
    less.devices.map(({ id, name }) => [id, name]),
    [[our.elsewhere.id, our.elsewhere.id]],
  );
});

test("a link shows the attributes of the devices that its dashboard shows, and nothing else of anything", async () => {
  await send(our.device, { temperature: 22, secret: 1 });
  const dashboard = await make([valueOf(our.device)]);
  const hidden = await make([valueOf(our.neighbour)]);
  const { secret, path } = await share(dashboard);
  assert.equal(path, "/shared");
  const stranger = visitor.as(secret);
  const listed = await stranger.get<{ items: Thing[] }>("/v1/dashboards");
  assert.deepEqual(
    listed.items.map(({ id }) => id),
    [dashboard.id],
  );
  const { devices } = await stranger.get<Shown>(`/v1/dashboards/${dashboard.id}/devices`);
  assert.deepEqual(
    devices.map(({ id, latest }) => [id, latest.map(({ attribute, value }) => [attribute, value])]),
    [[our.device.id, [["temperature", 22]]]],
  );
  const of = (device: Thing, attribute: string) => `/v1/devices/${device.id}/telemetry?attribute=${attribute}`;
  const points = await stranger.get<{ items: unknown[] }>(of(our.device, "temperature"));
  assert.ok(points.items.length > 0);
  assert.deepEqual((await stranger.get<{ items: unknown[] }>(of(our.device, "secret"))).items, []);
  const latest = await stranger.get<{ items: { attribute: string }[] }>(
    `/v1/devices/${our.device.id}/telemetry/latest`,
  );
  assert.deepEqual(
    latest.items.map(({ attribute }) => attribute),
    ["temperature"],
  );
  const refused = [
    `/v1/dashboards/${hidden.id}`,
    of(our.neighbour, "temperature"),
    of(their.device, "temperature"),
    `/v1/devices/${our.device.id}`,
    "/v1/devices",
    "/v1/org",
    "/v1/members",
    "/v1/credentials",
    `/v1/dashboards/${dashboard.id}/links`,
  ];
  for (const one of refused) assert.match(String(await answer(stranger, one)), /^40[34] /, one);
  assert.equal((await change(dashboard, { name: "Mine" }, stranger)).status, 403);
  const me = await stranger.get<Record<string, unknown>>("/v1/me");
  assert.deepEqual(Object.keys(me).toSorted(), ["credential", "dashboard", "expiresAt", "grants", "kind", "org"]);
});

test("the live stream of a link says what is shown, follows the dashboard as its maker may, and ends within a second", async () => {
  const dashboard = await make([valueOf(our.device)]);
  const { id, secret } = await share(dashboard);
  const heard: LiveEvent[] = [];
  const transport = nodeTransport({ ca: platform.platform.caPem });
  const client = new Client({ url: platform.platform.url, token: secret, transport });
  atEnd.after(async () => client.close());
  const { promise: open, resolve: onOpen } = Promise.withResolvers<void>();
  const over = (async () => {
    for await (const event of client.watch({}, { onOpen })) heard.push(event);
  })();
  await open;
  const values = async (count: number) => {
    const deadline = Date.now() + 5_000;
    while (heard.length < count && Date.now() < deadline) await setTimeout(5);
    return heard.map(({ type, data }) => (type === "reading" ? { ...data.values } : type));
  };
  await send(our.neighbour, { temperature: 1 });
  await send(our.device, { temperature: 23, secret: 2 });
  await send(our.device, { secret: 3 });
  assert.deepEqual(await values(1), [{ temperature: 23 }]);
  // What is added is shown at once, and what is taken away no more.
  await change(dashboard, { widgets: [valueOf(our.neighbour)] });
  await send(our.device, { temperature: 24 });
  await send(our.neighbour, { temperature: 2 });
  assert.deepEqual(await values(2), [{ temperature: 23 }, { temperature: 2 }]);
  const began = Date.now();
  await ours.asks.delete(`/v1/dashboards/${dashboard.id}/links/${id}`);
  await over;
  assert.ok(Date.now() - began < 1_000);
  assert.deepEqual(await values(3), [{ temperature: 23 }, { temperature: 2 }, "end"]);
});

test("nobody shows strangers what he may not read, and while links are open only who shares shows more", async () => {
  const dashboard = await make([valueOf(our.device), valueOf(our.neighbour, "temperature", "b")]);
  const narrow = await ours.tokenOf(["dashboard.*", `telemetry.read:${our.device.id}`]);
  const maker = visitor.as(narrow.token);
  const tooMuch = await maker.send<Problem>("POST", `/v1/dashboards/${dashboard.id}/links`, {
    body: { name: "wall", expiresIn: "1d" },
  });
  assert.deepEqual([tooMuch.status, tooMuch.body.code], [403, "credential.amplifies"]);
  assert.equal((await change(dashboard, { widgets: [valueOf(our.device)] })).status, 200);
  const { secret } = await share(dashboard, maker);
  const editor = visitor.as((await ours.tokenOf(["dashboard.read", "dashboard.update", "telemetry.read"])).token);
  const more = [valueOf(our.device), valueOf(our.neighbour, "temperature", "b")];
  const refused = await change(dashboard, { widgets: more }, editor);
  assert.deepEqual([refused.status, refused.body.code], [403, "permit.missing"]);
  assert.equal((await change(dashboard, { widgets: more }, maker)).body.code, "credential.amplifies");
  assert.equal((await change(dashboard, { name: "Moved" }, editor)).status, 200);
  // Whoever may reads it into the dashboard: that link still shows what its own maker may read alone.
  assert.equal((await change(dashboard, { widgets: more })).status, 200);
  const shown = await visitor.as(secret).get<Shown>(`/v1/dashboards/${dashboard.id}/devices`);
  assert.deepEqual(
    shown.devices.map(({ id }) => id),
    [our.device.id],
  );
  await ours.revoke(narrow.id);
  assert.equal(await answer(visitor.as(secret), `/v1/dashboards/${dashboard.id}`), "401 credential.invalid");
});

test("a link is listed with how often it was opened, ends by whoever shares, by its hour and with its dashboard", async () => {
  const dashboard = await make([valueOf(our.device)]);
  const path = `/v1/dashboards/${dashboard.id}`;
  const [brief, ended, lasting] = [
    await share(dashboard, ours.asks, "1h"),
    await share(dashboard),
    await share(dashboard, ours.asks, "365d"),
  ];
  for (const expiresIn of ["59m", "366d"]) {
    const { status } = await ours.asks.send("POST", `${path}/links`, { body: { name: "wall", expiresIn } });
    assert.equal(status, 400, expiresIn);
  }
  await visitor.as(brief.secret).get(path);
  await visitor.as(brief.secret).get(path);
  type Links = { items: { id: string; state: string; uses: number }[] };
  const links = async () =>
    new Map((await ours.asks.get<Links>(`${path}/links`)).items.map(({ id, ...rest }) => [id, rest]));
  const use = (await links()).get(brief.id);
  assert.deepEqual([use?.state, use?.uses], ["active", 2]);
  const other = await make([valueOf(our.device)]);
  assert.equal(
    await answer(ours.asks, `/v1/dashboards/${other.id}/links/${ended.id}`, "DELETE"),
    "404 dashboard.linkUnknown",
  );
  assert.equal(await answer(ours.asks, `${path}/links/${ended.id}`, "DELETE"), 200);
  const left = (await ours.audited(ended.id)).map(({ what }) => what);
  assert.deepEqual(left, ["credential.revoked", "credential.created"]);
  assert.equal(await answer(visitor.as(ended.secret), path), "401 credential.invalid");
  clock.move(3_600_000);
  assert.equal(await answer(visitor.as(brief.secret), path), "401 credential.expired");
  const after = await links();
  assert.deepEqual(
    [brief, ended, lasting].map(({ id }) => after.get(id)?.state),
    ["expired", "revoked", "active"],
  );
  assert.equal(await answer(visitor.as(lasting.secret), path), 200);
  await ours.asks.delete(path);
  assert.equal(await answer(visitor.as(lasting.secret), path), "401 credential.invalid");
});

test("a dashboard has fifty links that are open, and one that ended makes room", async () => {
  const dashboard = await make([valueOf(our.device)]);
  const links: Link[] = [];
  while (links.length < 50) links.push(await share(dashboard));
  const path = `/v1/dashboards/${dashboard.id}/links`;
  const body = { name: "one more", expiresIn: "1d" };
  const refused = await ours.asks.send<Problem>("POST", path, { body });
  assert.deepEqual([refused.status, refused.body.code], [409, "dashboard.tooMany"]);
  await ours.asks.delete(`${path}/${links[0]?.id}`);
  assert.equal((await ours.asks.send("POST", path, { body })).status, 201);
});

test("whoever watches some devices hears of those, and is refused where one of them is not his", async () => {
  const transport = nodeTransport({ ca: platform.platform.caPem });
  const client = new Client({ url: platform.platform.url, token: ours.token, transport });
  atEnd.after(async () => client.close());
  const ending = new AbortController();
  const { promise: open, resolve: onOpen } = Promise.withResolvers<void>();
  const heard: string[] = [];
  const devices = `${our.device.id},${our.elsewhere.id}`;
  const over = (async () => {
    for await (const event of client.watch({ devices }, { onOpen, signal: ending.signal }))
      if (event.type === "reading" && heard.push(event.data.device) === 2) ending.abort();
  })().catch((error: unknown) => assert.ok(ending.signal.aborted, String(error)));
  await open;
  for (const device of [our.neighbour, our.device, our.elsewhere]) await send(device, { temperature: 5 });
  await over;
  assert.deepEqual(heard, [our.device.id, our.elsewhere.id]);
  const foreign = client.watch({ devices: `${our.device.id},${their.device.id}` });
  await assert.rejects(Array.fromAsync(foreign), { code: "device.unknown" });
});

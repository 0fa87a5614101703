import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { systemClock } from "@holdfast/kernel";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, statusOfStream, textOf, unknown, type Device } from "./authority.fixture.ts";

// Clients compare certificates with the machine's time and cannot be told another, so that is where the clock starts.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock });
atEnd.after(() => platform.close());
// The platform's time never goes behind what its database has seen, which was made a moment ago by the machine's own.
clock.move(10_000);
const { visitor } = platform;
const administrator = new Owner(visitor, await platform.setUp());
/** An organisation of its own for each test, so that what one uses is not another's. */
const organisation = async () => new Owner(visitor, await platform.setUp());

/** Made before any test lets the month or the year go by. */
const lasting = await organisation();
const signedIn = async (org: string, over = visitor) => {
  const person = { email: "owner@example.com", password: "correct horse battery staple" };
  const welcome = await over.post<{ person: string; token: string }>("/v1/sign-in", { ...person, org });
  return new Owner(over, { org, ...welcome });
};

type Counts = Record<"messagesIn" | "messagesOut" | "bytesIn" | "bytesOut", number>;
type Step = Counts & { time: string; about?: string; connections: number; requests: number; points: number };
type Session = Counts & {
  id: string;
  over: string;
  transport: string;
  address: string;
  client?: string;
  credential: string;
  application?: string;
  device?: string;
  person?: string;
  beganAt: string;
  endedAt?: string;
  cause?: string;
};
type Quotas = {
  plan?: string;
  from: string;
  to: string;
  items: { quota: string; limit: number; used: number; state: string }[];
};
type Page<T> = { items: T[]; nextCursor?: string };

const usage = async ({ asks }: Owner, query = "") => (await asks.get<Page<Step>>(`/v1/usage${query}`)).items;
const sessions = async ({ asks }: Owner, query = "") => (await asks.get<Page<Session>>(`/v1/sessions${query}`)).items;
const quotas = ({ asks }: Owner) => asks.get<Quotas>("/v1/quotas");
const total = (steps: readonly Step[], name: keyof Step) => steps.reduce((sum, step) => sum + Number(step[name]), 0);

async function connect({ key }: Device, options: IClientOptions = {}): Promise<MqttClient> {
  const { mqttsUrl, caPem = "" } = platform.platform;
  const shown = { username: key.id, password: key.secret };
  const client = await connectAsync(
    mqttsUrl,
    { ca: caPem, reconnectPeriod: 0, protocolVersion: 5, ...shown, ...options },
    false,
  );
  client.on("error", () => undefined);
  atEnd.after(async () => void client.end(true));
  return client;
}

/** The day goes on, and no timer with it: the test's own connections are not idle. */
const later = (milliseconds: number) => clock.set(clock.now() + milliseconds);

/** Ends as MQTT wants it, and is noticed to have ended. */
async function leave(owner: Owner, client: MqttClient): Promise<void> {
  const open = (await sessions(owner, "?open=true")).length;
  await client.endAsync();
  while ((await sessions(owner, "?open=true")).length >= open);
}

async function plan(owner: Owner, limits: Record<string, number>): Promise<string> {
  const name = `plan-${owner.org.slice(4, 12)}`;
  await administrator.asks.post("/v1/plans", { name, quotas: limits });
  const { status } = await administrator.asks.send("PUT", `/v1/orgs/${owner.org}/plan`, { body: { plan: name } });
  assert.equal(status, 200);
  return name;
}

const codeOf = async (sent: Promise<{ status: number; body: { code?: string } }>) => {
  const { status, body } = await sent;
  return `${status} ${body.code ?? ""}`.trim();
};

test("a session says who came, how, from where, how long, why it ended, and what went each way", async () => {
  const owner = await organisation();
  const application = await owner.application();
  const device = await owner.device(application.id);
  const client = await connect(device, { clientId: "pump" });
  await client.publishAsync("me/telemetry", '{"t":1,"u":2}', { qos: 1 });
  const [open] = await sessions(owner);
  assert.equal(open?.endedAt, undefined);
  assert.equal(open?.messagesIn, 1);
  later(60_000);
  await leave(owner, client);
  const [session, ...more] = await sessions(owner);
  assert.equal(more.length, 0);
  assert.ok(session?.endedAt);
  const { id, beganAt, endedAt, bytesIn, bytesOut, ...rest } = session;
  assert.match(id, /^con_[0-9a-f]{32}$/);
  assert.ok(Date.parse(endedAt) - Date.parse(beganAt) >= 60_000);
  assert.ok(bytesIn > 60 && bytesOut > 5, `${bytesIn} and ${bytesOut}`);
  assert.deepEqual(rest, {
    over: "mqtt",
    transport: "mqtts",
    address: "127.0.0.1",
    client: "pump",
    credential: device.key.id,
    application: application.id,
    device: device.id,
    cause: "goodbye",
    messagesIn: 1,
    messagesOut: 0,
  });
});

test("an event stream is a session, with what it was sent, and says that it was ended", async () => {
  const owner = await organisation();
  const device = await owner.device((await owner.application()).id);
  const token = await owner.tokenOf(["telemetry.read"]);
  const stopping = new AbortController();
  const live = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = request(
      new URL("/v1/live", platform.platform.url),
      { ca: platform.platform.caPem, headers: { "x-auth-token": token.token }, signal: stopping.signal },
      resolve,
    );
    call.on("error", reject).end();
  });
  live.on("error", () => undefined);
  const heard = new Promise<void>((resolve) =>
    live.on("data", (bytes: Buffer) => bytes.includes("event: reading") && resolve()),
  );
  await visitor.as(textOf(device.key)).post("/v1/me/telemetry", { t: 1 });
  await heard;
  await owner.revoke(token.id);
  const [session] = await sessions(owner, `?credential=${token.id}`);
  assert.equal(session?.over, "eventStream");
  assert.equal(session?.cause, "revoked");
  assert.ok((session?.messagesOut ?? 0) >= 1 && (session?.bytesOut ?? 0) > 50);
  stopping.abort();
});

test("requests, bodies and points are counted for whom they are, and the sums by each group are those of the organisation", async () => {
  const owner = await organisation();
  const application = await owner.application();
  const [one, other] = [await owner.device(application.id), await owner.device(application.id)];
  const body = '[{"t":1,"u":2},{"t":3}]';
  for (let each = 0; each < 3; each += 1) {
    const sent = { bytes: Buffer.from(body), headers: { "content-type": "application/json" } };
    assert.equal((await visitor.as(textOf(one.key)).send("POST", "/v1/me/telemetry", sent)).status, 200);
  }
  const program = await owner.tokenOf(["telemetry.write"]);
  const writer = await connect({ ...other, key: { id: "program", secret: program.token } }, { clientId: "writer" });
  await writer.publishAsync(`devices/${other.id}/telemetry`, '{"t":1}', { qos: 1 });
  await leave(owner, writer);

  const byDevice = new Map((await usage(owner, "?by=device")).map((step) => [step.about, step]));
  assert.equal(byDevice.get(one.id)?.points, 9);
  assert.equal(byDevice.get(one.id)?.requests, 3);
  assert.equal(byDevice.get(one.id)?.bytesIn, 3 * body.length);
  assert.ok((byDevice.get(one.id)?.bytesOut ?? 0) > 0);
  assert.equal(byDevice.get(other.id)?.points, 1, "the points are the device's");
  assert.equal(byDevice.get(other.id)?.messagesIn, 0, "the message is its sender's");
  const byCredential = new Map((await usage(owner, "?by=credential")).map((step) => [step.about, step]));
  assert.equal(byCredential.get(program.id)?.messagesIn, 1);
  assert.equal(byCredential.get(program.id)?.points, 1);
  const all = await usage(owner);
  for (const by of ["application", "device", "credential"]) {
    const group = await usage(owner, `?by=${by}`);
    for (const name of ["connections", "messagesIn", "points"] as const)
      assert.equal(total(group, name), total(all, name), `${name} by ${by}`);
  }
  assert.equal(total(await usage(owner, `?by=application&application=${application.id}`), "points"), 10);
  assert.equal(total(await usage(owner, "?every=hour&over=http"), "points"), 9);
  assert.equal(total(await usage(owner, "?every=month&over=mqtt"), "points"), 1);
});

test("the sums of sessions are the sums of hours, by each way", async () => {
  const owner = await organisation();
  const device = await owner.device((await owner.application()).id);
  for (let life = 0; life < 4; life += 1) {
    const client = await connect(device, { clientId: `life-${life}`, protocolVersion: life % 2 ? 4 : 5 });
    await client.subscribeAsync("me/telemetry", { qos: 1 });
    for (let each = 0; each < life * 3; each += 1)
      await client.publishAsync("me/telemetry", JSON.stringify({ t: each }), { qos: 1 });
    if (life % 2) await leave(owner, client);
    later(20 * 60_000);
  }
  const all = await sessions(owner, "?over=mqtt");
  const hours = await usage(owner, "?every=hour&over=mqtt");
  assert.equal(all.length, 4);
  assert.ok(hours.length >= 1);
  assert.equal(total(hours, "connections"), 4);
  for (const name of ["messagesIn", "messagesOut", "bytesIn", "bytesOut"] as const) {
    assert.equal(
      all.reduce((sum, session) => sum + session[name], 0),
      total(hours, name),
      name,
    );
  }
  assert.equal(total(hours, "points"), 18);
  assert.equal(total(hours, "messagesIn"), 18);
});

test("lists go on where they ended, and are tables for whoever wants one", async () => {
  const owner = await organisation();
  const device = await owner.device((await owner.application()).id);
  for (let life = 0; life < 3; life += 1) {
    await leave(owner, await connect(device, { clientId: `=${life}` }));
    later(3_600_000);
  }
  const first = await owner.asks.get<Page<Session>>("/v1/sessions?limit=2");
  assert.equal(first.items.length, 2);
  const second = await owner.asks.get<Page<Session>>(`/v1/sessions?limit=2&cursor=${first.nextCursor}`);
  assert.deepEqual(
    [...first.items, ...second.items].map(({ client }) => client),
    ["=2", "=1", "=0"],
  );
  const step = await owner.asks.get<Page<Step>>("/v1/usage?every=hour&by=device&over=mqtt&limit=1");
  const rest = await owner.asks.get<Page<Step>>(
    `/v1/usage?every=hour&by=device&over=mqtt&limit=9&cursor=${step.nextCursor}`,
  );
  const whole = await usage(owner, "?every=hour&by=device&over=mqtt");
  assert.deepEqual([...step.items, ...rest.items], whole);
  assert.ok(whole.length >= 3);

  const table = await owner.asks.send("GET", "/v1/usage?every=hour&by=device&over=mqtt&format=csv&limit=1");
  assert.match(String(table.headers["content-type"]), /^text\/csv/);
  assert.match(String(table.headers["link"]), /^<\/v1\/usage\?.*cursor=.*>; rel="next"$/);
  const [head, line] = table.text.split("\r\n");
  assert.equal(head, "time,about,connections,messagesIn,messagesOut,bytesIn,bytesOut,requests,points");
  assert.equal(line?.split(",")[0], step.items[0]?.time);
  const accepted = await owner.asks.send("GET", "/v1/sessions", { headers: { accept: "text/csv" } });
  assert.equal(accepted.text.split("\r\n").length, 5);
});

test("what is asked for wrongly is said so, and a cursor opens in its own list alone", async () => {
  const owner = await organisation();
  const ask = (path: string) => codeOf(owner.asks.send("GET", path));
  assert.equal(await ask("/v1/usage?every=week"), "400 request.malformed");
  assert.equal(await ask("/v1/usage?by=planet"), "400 request.malformed");
  assert.equal(await ask("/v1/usage?from=2026-02-30T00:00:00Z"), "400 request.malformed");
  assert.equal(await ask("/v1/usage?from=2026-02-02T00:00:00Z&to=2026-02-01T00:00:00Z"), "400 request.malformed");
  assert.equal(await ask("/v1/usage?limit=10001"), "400 request.malformed");
  assert.equal(await ask(`/v1/usage?credential=${owner.org}`), "400 request.malformed");
  assert.equal(await ask("/v1/sessions?open=perhaps"), "400 request.malformed");
  assert.equal(await ask("/v1/sessions?cursor=abc"), "400 cursor.malformed");
  assert.equal(await ask(`/v1/sessions?device=${unknown("device")}`), "200");
  const device = await owner.device((await owner.application()).id);
  for (const clientId of ["a", "b"]) await leave(owner, await connect(device, { clientId }));
  const { nextCursor } = await owner.asks.get<Page<Session>>("/v1/sessions?limit=1");
  assert.ok(nextCursor);
  assert.equal(await ask(`/v1/sessions?open=false&cursor=${nextCursor}`), "400 cursor.malformed");
  assert.equal(await ask(`/v1/usage?cursor=${nextCursor}`), "400 cursor.malformed");
  assert.equal(
    await codeOf(administrator.asks.send("GET", `/v1/sessions?cursor=${nextCursor}`)),
    "400 cursor.malformed",
  );
});

test("a plan is made, given, changed and removed by the administrator of the instance, and by nobody else", async () => {
  const owner = await organisation();
  const save = (body: unknown, who = administrator) => codeOf(who.asks.send("POST", "/v1/plans", { body }));
  assert.equal(await save({ name: "Not A Name", quotas: {} }), "400 request.malformed");
  assert.equal(await save({ name: "small", quotas: { devices: -1 } }), "400 request.malformed");
  assert.equal(await save({ name: "small", quotas: { devices: 1.5 } }), "400 request.malformed");
  assert.equal(await save({ name: "small", quotas: { planets: 1 } }), "400 request.malformed");
  assert.equal(await save({ name: "small", quotas: { devices: 1 } }, owner), "403 permit.missing");
  assert.equal(await save({ name: "small", quotas: { devices: 1 } }), "200");
  const give = (org: string, plan: string | null) =>
    codeOf(administrator.asks.send("PUT", `/v1/orgs/${org}/plan`, { body: { plan } }));
  assert.equal(await give(owner.org, "never-was"), "404 plan.unknown");
  assert.equal(await give(unknown("org"), "small"), "404 org.unknown");
  assert.equal(await give("everybody", "small"), "404 org.unknown");
  assert.equal(await give(owner.org, "small"), "200");
  assert.equal((await quotas(owner)).plan, "small");
  const remove = () => codeOf(administrator.asks.send("DELETE", "/v1/plans/small"));
  assert.equal(await remove(), "409 plan.inUse");
  const all = await administrator.asks.get<{ items: { name: string; orgs: number }[] }>("/v1/plans");
  assert.equal(all.items.find(({ name }) => name === "small")?.orgs, 1);
  assert.equal(await give(owner.org, null), "200");
  assert.deepEqual((await quotas(owner)).items, []);
  assert.equal(await remove(), "200");
  assert.equal(await remove(), "404 plan.unknown");
  const changes = (await owner.audited(owner.org)).filter(({ what }) => what === "org.planChanged");
  assert.deepEqual(
    changes.map(({ facts }) => facts),
    [{ from: "small" }, { to: "small" }],
  );
});

test("devices beyond the quota are not made, until one is retired", async () => {
  const owner = await organisation();
  const application = await owner.application();
  await plan(owner, { devices: 2 });
  const [first] = [await owner.device(application.id), await owner.device(application.id)];
  const make = () =>
    codeOf(owner.asks.send("POST", "/v1/devices", { body: { application: application.id, name: "One more" } }));
  const tries = await Promise.all([make(), make(), make()]);
  assert.deepEqual(new Set(tries), new Set(["429 quota.exceeded"]));
  await owner.asks.post(`/v1/devices/${first.id}/retire`);
  assert.deepEqual((await Promise.all([make(), make(), make()])).toSorted(), [
    "201",
    "429 quota.exceeded",
    "429 quota.exceeded",
  ]);
  assert.deepEqual((await quotas(owner)).items, [{ quota: "devices", limit: 2, used: 2, state: "exhausted" }]);
});

test("connections beyond the quota are refused with 0x97, and a client that comes again is not one more", async () => {
  const owner = await organisation();
  const application = await owner.application();
  const [one, other] = [await owner.device(application.id), await owner.device(application.id)];
  await plan(owner, { connections: 1 });
  const first = await connect(one, { clientId: "one" });
  await assert.rejects(connect(other), { code: 0x97 });
  await assert.rejects(connect(other, { protocolVersion: 4 }), /refused|Server unavailable/i);
  const again = await connect(one, { clientId: "one" });
  const { token } = await owner.tokenOf(["telemetry.read"]);
  const { status, body } = await statusOfStream(platform, "/v1/live", { "x-auth-token": token });
  assert.equal(`${status} ${(body as { code: string }).code}`, "429 quota.exceeded");
  first.end(true);
  await leave(owner, again);
  await leave(owner, await connect(other));
});

test("of many that connect at once, as after a start, no more come in than the quota lets", async (t) => {
  const owner = await organisation();
  const application = await owner.application();
  const devices = await Promise.all(Array.from({ length: 12 }, () => owner.device(application.id)));
  await plan(owner, { connections: 3 });
  const database = new pg.Client(platform.database.url);
  await database.connect();
  t.after(() => database.end());
  // All of them wait for the same: what is known of the organisation's devices.
  await database.query("begin; lock table holdfast.presence in access exclusive mode");
  const coming = devices.map((device) =>
    connect(device).then(
      () => "in",
      ({ code }: { code?: number }) => code,
    ),
  );
  await wait(3_000);
  await database.query("commit");
  assert.deepEqual(new Set(await Promise.all(coming)), new Set(["in", 0x97]));
  assert.equal((await sessions(owner, "?open=true")).length, 3);
});

test("what programs may ask in a month is told with each answer, and refused beyond, with an operator key as well; who signed in and what makes an end are not", async () => {
  const owner = await organisation();
  const application = await owner.application();
  const device = await owner.device(application.id);
  const program = await owner.tokenOf(["device.read", "usage.read", "credential.revoke"]);
  // A program's: what a person signed in with is hers.
  const operator = visitor.as(textOf(await owner.operatorKey()));
  const child = await operator.post<{ id: string; token: string }>("/v1/tokens", {
    name: "program",
    grants: ["device.read", "usage.read"],
  });
  const asks = visitor.as(child.token);
  const before = (await usage(owner, "?every=month"))[0]?.requests ?? 0;
  await plan(owner, { requests: before + 3 });
  const first = await asks.send("GET", `/v1/devices/${device.id}`);
  assert.match(String(first.headers["ratelimit"]), /"credential";r=\d+;t=\d+, "month";r=\d+;t=\d+/);
  assert.match(String(first.headers["ratelimit-policy"]), new RegExp(`"month";q=${before + 3}$`));
  for (let each = 0; each < 3; each += 1) await quotas(owner);
  const refused = await asks.send<{ code: string; detail: string }>("GET", `/v1/devices/${device.id}`);
  assert.equal(`${refused.status} ${refused.body.code}`, "429 quota.exceeded");
  assert.ok(Number(refused.headers["retry-after"]) > 0);
  assert.match(refused.body.detail, /requests a month/);
  assert.equal(
    await codeOf(operator.send("GET", `/v1/devices/${device.id}`)),
    "429 quota.exceeded",
    "a program shows it",
  );
  assert.equal((await asks.send("GET", "/v1/usage")).status, 200);
  assert.equal((await owner.asks.send("GET", `/v1/devices/${device.id}`)).status, 200);
  assert.equal((await owner.asks.send("DELETE", `/v1/credentials/${program.id}`)).status, 200);
});

test("points beyond the quota are refused over HTTP as over MQTT", async () => {
  const owner = await organisation();
  const device = await owner.device((await owner.application()).id);
  const send = () => codeOf(visitor.as(textOf(device.key)).send("POST", "/v1/me/telemetry", { body: { a: 1, b: 2 } }));
  await plan(owner, { points: 4 });
  assert.deepEqual([await send(), await send()], ["200", "200"]);
  assert.deepEqual((await quotas(owner)).items, [{ quota: "points", limit: 4, used: 4, state: "exhausted" }]);
  assert.equal(await send(), "429 quota.exceeded");
  const client = await connect(device);
  await assert.rejects(client.publishAsync("me/telemetry", '{"a":1}', { qos: 1 }), { code: 0x97 });
  assert.equal((await quotas(owner)).items[0]?.used, 4);
});

test("messages beyond the quota are refused with 0x97 after a round at most, and taken again in the next month", async () => {
  const owner = await organisation();
  const device = await owner.device((await owner.application()).id);
  await plan(owner, { messages: 10 });
  const client = await connect(device, { keepalive: 0 });
  const publish = (on = client) => on.publishAsync("me/telemetry", '{"t":1}', { qos: 1 });
  for (let each = 0; each < 8; each += 1) await publish();
  assert.deepEqual((await quotas(owner)).items, [{ quota: "messages", limit: 10, used: 8, state: "warned" }]);
  await publish();
  await publish();
  await quotas(owner); // which is a round
  await assert.rejects(publish(), { code: 0x97 });
  await assert.rejects(client.publishAsync("me/telemetry", '{"t":1}', { qos: 2 }), { code: 0x97 });
  const plain = await connect(device, { clientId: "plain", protocolVersion: 4 });
  const hungUp = new Promise<void>((resolve) => plain.once("close", () => resolve()));
  plain.publish("me/telemetry", '{"t":1}', { qos: 1 });
  await hungUp; // 3.1.1 has no word for it, and an acknowledgement would be a promise

  const { to } = await quotas(owner);
  const told = (await owner.audited(owner.org)).filter(({ what }) => what.startsWith("quota."));
  assert.deepEqual(told.map(({ what }) => what).toSorted(), ["quota.exhausted", "quota.warned"]);
  await quotas(owner);
  assert.equal((await owner.audited(owner.org)).filter(({ what }) => what.startsWith("quota.")).length, 2);
  client.end(true);
  clock.set(Date.parse(to));
  const nextMonth = await signedIn(owner.org);
  assert.equal((await quotas(nextMonth)).items[0]?.used, 0);
  const next = await connect(device);
  await publish(next);
});

test("after 90 days sessions are gone, and hours have become days with the same sums", async () => {
  const owner = await signedIn(lasting.org);
  const device = await owner.device((await owner.application()).id);
  for (let life = 0; life < 3; life += 1) {
    const client = await connect(device);
    await client.publishAsync("me/telemetry", '{"t":1}', { qos: 1 });
    await leave(owner, client);
    later(3_600_000);
  }
  const range = `from=${clock.now() - 2 * 86_400_000}&to=${clock.now()}&over=mqtt`;
  const days = await usage(owner, `?every=day&by=device&${range}`);
  const hours = await usage(owner, `?every=hour&${range}`);
  assert.ok(hours.length >= 2 && total(days, "points") === 3);
  later(100 * 86_400_000);
  const fresh = visitor.anew();
  // Before any timer comes: by the machine's clock a certificate that is renewed now is of the future.
  const { asks } = await signedIn(lasting.org, fresh);
  const still = () => asks.get<Page<Session>>("/v1/sessions?over=mqtt");
  // Old things are put away once an hour.
  while ((await still()).items.length > 0) clock.move(10_000);
  const folded = async (every: string) =>
    (await asks.get<Page<Step>>(`/v1/usage?every=${every}&by=device&${range}`)).items;
  while ((await folded("hour")).length > days.length) clock.move(10_000);
  assert.deepEqual(await folded("day"), days);
  await fresh.close();
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { createServer } from "node:net";
import { connect as connectHttp2 } from "node:http2";
import { test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { nodeTransport } from "@holdfast/client/node";
import { Device as Thing } from "@holdfast/device";
import { listeningPorts } from "@holdfast/device/node";
import { systemClock } from "@holdfast/kernel";
import { deviceFindings, findingTexts, routes } from "@holdfast/protocol";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { holdfast } from "../apps/cli/src/testing/world.ts";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device, type Problem } from "./authority.fixture.ts";
import { placeOf } from "./clients.fixture.ts";
import { csrOf, p256, type Certificate } from "./issued.fixture.ts";

// What the platform finds weak about devices: docs/posture.md. Each finding comes, and goes when what it tells to do is done. The clock stands still
// until it is moved; timers are the machine's.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
const start = (more: { timers?: TestClock } = {}) => startTestPlatform({ clock, database, ...more });
let platform = await start();
atEnd.after(async () => {
  await platform.close();
  await database.drop();
});
const { ca } = placeOf(platform);
let owner = new Owner(platform.visitor, await platform.setUp());
const other = new Owner(platform.visitor, await platform.setUp());
/** What somebody signs in with is over after a day. */
async function signInAgain(): Promise<void> {
  const password = "correct horse battery staple";
  const body = { email: "owner@example.com", password, org: owner.org };
  owner = new Owner(platform.visitor, await platform.visitor.post("/v1/sign-in", body));
}
const application = await owner.application();
const [minute, hour] = [60_000, 3_600_000];

type Shown = { id: string; findings: string[]; lastTls?: { version: string; group?: string } };
type Posture = { total: number; well: number; items: { finding: string; devices: number }[] };

const as = (token = owner.token) => platform.visitor.as(token);
const read = ({ id }: { id: string }) => as().get<Shown>(`/v1/devices/${id}`);
const postureOf = (token?: string) => as(token).get<Posture>("/v1/devices/posture");
const countOf = async (finding: string, token?: string) =>
  (await postureOf(token)).items.find((item) => item.finding === finding)?.devices;

const findings = async (device: { id: string }) => (await read(device)).findings;

const narrow = { transports: ["mqtts", "https"], tls: "TLSv1.2" };
const setDoor = ({ id }: { id: string }, door: object) => as().send("PUT", `/v1/devices/${id}/door`, { body: door });
/** One that has a door of its own, so that nothing is found of it but what the test is about. */
async function device(more: object = {}): Promise<Device> {
  const made = await owner.device(application.id, more);
  await setDoor(made, narrow);
  return made;
}
/** `options` reach `tls.connect` too, where the types of the client do not have them. */
const connect = ({ key }: Device, options: object = {}): Promise<MqttClient> => {
  const shown: IClientOptions = { ca, reconnectPeriod: 0, username: key.id, password: key.secret };
  return connectAsync(platform.platform.mqttsUrl, { ...shown, ...options });
};
async function came(one: Device, options: ConnectionOptions = {}): Promise<void> {
  await (await connect(one, options)).endAsync();
}

test("a device that was made is told never to have come, through a door that nobody narrowed, until it comes and somebody does", async () => {
  const made = await owner.device(application.id);
  assert.deepEqual(await findings(made), ["neverSeen", "defaultDoor"]);
  await came(made);
  assert.deepEqual(await findings(made), ["defaultDoor"]);
  await setDoor(made, narrow);
  assert.deepEqual(await findings(made), []);
  await as().delete(`/v1/devices/${made.id}/door`);
  const product = await owner.product();
  await as().send("PUT", `/v1/products/${product.id}/door`, { body: narrow });
  await as().patch(`/v1/devices/${made.id}`, { product: product.id });
  assert.deepEqual(await findings(made), [], "its product's door is one as well");
  await as().post(`/v1/devices/${made.id}/retire`);
  assert.deepEqual(await findings(made), [], "of what is retired nobody expects anything");
});

test("how a device came last is told, over MQTT and HTTPS: TLS 1.2, a classical key exchange, and neither any more once it comes otherwise", async () => {
  const made = await device();
  const over = async (finding: string[], tls: object) => {
    assert.deepEqual(await findings(made), finding);
    assert.deepEqual((await read(made)).lastTls, tls);
  };
  await came(made, { maxVersion: "TLSv1.2" });
  await over(["oldTls"], { version: "TLSv1.2", group: "X25519" });
  await came(made, { ecdhCurve: "X25519" });
  await over(["classical"], { version: "TLSv1.3", group: "X25519" });
  await came(made, { ecdhCurve: "P-256" });
  await over(["classical"], { version: "TLSv1.3", group: "P-256" });
  await came(made, { ecdhCurve: "X25519MLKEM768" });
  await over([], { version: "TLSv1.3", group: "X25519MLKEM768" });

  const body = JSON.stringify({ temperature: 21.5 });
  const headers = { "x-auth-token": textOf(made.key), "content-type": "application/json" };
  const post = async (options: ConnectionOptions) => {
    const call = request(new URL("/v1/me/telemetry", platform.platform.url), {
      method: "POST",
      ca,
      agent: false,
      headers,
      ...options,
    });
    call.end(body);
    const [response] = await once(call, "response");
    assert.equal(response.statusCode, 200);
    await once(response.resume(), "end");
  };
  await post({ ecdhCurve: "X25519" });
  await over(["classical"], { version: "TLSv1.3", group: "X25519" });
  await post({ maxVersion: "TLSv1.2", ecdhCurve: "P-256" });
  await over(["oldTls"], { version: "TLSv1.2", group: "P-256" });
  // Several requests of one connection of HTTP/2, which lends its socket out.
  const session = connectHttp2(platform.platform.url, { ca });
  for (let at = 0; at < 2; at += 1) {
    const stream = session.request({ ":method": "POST", ":path": "/v1/me/telemetry", ...headers });
    stream.end(body);
    await once(stream.resume(), "end");
  }
  session.close();
  await over([], { version: "TLSv1.3", group: "X25519MLKEM768" });
  // Who sends in its name says nothing of how it comes.
  const program = await owner.tokenOf([`telemetry.write:${made.id}`]);
  const inItsName = { ...headers, "x-auth-token": program.token };
  const call = request(new URL(`/v1/devices/${made.id}/telemetry`, platform.platform.url), {
    method: "POST",
    ca,
    agent: false,
    ecdhCurve: "X25519",
    headers: inItsName,
  });
  call.end(body);
  const [{ statusCode }] = await once(call, "response");
  assert.equal(statusCode, 200);
  await over([], { version: "TLSv1.3", group: "X25519MLKEM768" });
});

/** Two clients that take one session from each other, until the last of them is gone. */
async function quarrel(one: Device, turns = 7, addresses = ["127.0.0.1", "127.0.0.2"]): Promise<void> {
  let last: MqttClient | undefined;
  for (let turn = 0; turn < turns; turn += 1) {
    clock.move(minute);
    const localAddress = addresses[turn % addresses.length];
    const next = await connect(one, { clientId: "one", ...(localAddress && { localAddress }) });
    next.on("error", () => {}); // it is displaced in its turn
    last?.end(true);
    last = next;
  }
  await last?.endAsync();
}

test("two that take a session back from each other are told to share a secret, until the secret is another one or a day has passed", async () => {
  const [moving, once, twice] = [await device(), await device(), await device()];
  // A device that goes on from network to network, and one that comes again from the same.
  await quarrel(moving, 7, ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7"]);
  assert.deepEqual(await findings(moving), []);
  await quarrel(moving, 7, ["127.0.0.1"]);
  assert.deepEqual(await findings(moving), []);
  await quarrel(once, 6); // back four times
  assert.deepEqual(await findings(once), []);
  await quarrel(once);
  assert.deepEqual(await findings(once), ["shared"]);
  clock.move(minute);
  await as().post(`/v1/credentials/${once.key.id}/rotate`, {});
  assert.deepEqual(await findings(once), []);
  await quarrel(twice);
  assert.deepEqual(await findings(twice), ["shared"]);
});

test("two devices that are bound to one key share it, until it is one's alone", async () => {
  const [one, two, elsewhere] = [await device(), await device(), await other.device((await other.application()).id)];
  const before = (await countOf("shared")) ?? 0;
  const pair = p256();
  const { publicKey } = { publicKey: pair.publicKey.export({ format: "jwk" }) };
  const bind = (by: Owner, { id }: Device) =>
    by.asks.post<{ id: string }>(`/v1/devices/${id}/keys`, { kind: "certificate", publicKey });
  await bind(owner, one);
  await bind(other, elsewhere);
  assert.deepEqual(await findings(one), ["neverSeen"], "of another organisation nothing is told");
  const second = await as().post<Certificate>(`/v1/devices/${two.id}/certificates`, { csr: await csrOf(pair) });
  assert.deepEqual(
    [await findings(one), await findings(two)],
    [
      ["shared", "neverSeen"],
      ["shared", "neverSeen"],
    ],
  );
  assert.deepEqual([await countOf("shared"), await countOf("shared", other.token)], [before + 2, 0]);
  await owner.revoke(second.id);
  assert.deepEqual([await findings(one), await findings(two)], [["neverSeen"], ["neverSeen"]]);
});

test("what a device reports of its ports is told, of a strict product as well, and not to whoever has it next", async () => {
  const product = await as().post<{ id: string }>("/v1/products", { name: "Strict", strict: true, attributes: {} });
  const made = await device({ product: product.id });
  await came(made);
  const report = (reported: object) => as(textOf(made.key)).send<Problem>("PATCH", "/v1/me/twin", { body: reported });
  for (const [listeningPorts, found] of [
    [[], []],
    [[22, 502], ["listening"]],
    [null, []],
    [[22], ["listening"]],
  ] as const) {
    assert.equal((await report({ listeningPorts })).status, 200);
    assert.deepEqual(await findings(made), found);
  }
  for (const wrong of ["yes", [0], [70_000], ["22"], { tcp: [22] }])
    assert.equal((await report({ listeningPorts: wrong })).body.code, "twin.unfit", JSON.stringify(wrong));
  assert.deepEqual(await findings(made), ["listening"]);
  const users = `/v1/applications/${application.id}/users`;
  const user = await as().post<{ id: string }>(users, { login: "next@example.com" });
  await as().send("PUT", `/v1/devices/${made.id}/user`, { body: { user: user.id } });
  assert.deepEqual(await findings(made), []);
  await report({ listeningPorts: [22] });
  assert.deepEqual(await findings(made), ["listening"]);
  await as().post(`/v1/devices/${made.id}/erase`);
  assert.deepEqual(await findings(made), []);
});

test("the package for devices listens on no port, and what else of the machine does is told by its report", async () => {
  const made = await device();
  const servers = () => process.getActiveResourcesInfo().filter((one) => one === "TCPServerWrap").length;
  const before = servers();
  const thing = Thing.connect({ url: platform.platform.mqttsUrl, ca, key: made.key });
  await thing.send({ temperature: 21.5 });
  assert.equal(servers(), before);
  assert.deepEqual(await findings(made), []);
  const server = createServer();
  await once(server.listen(0, "0.0.0.0"), "listening");
  // On Linux it is known; elsewhere a program says it itself.
  await thing.report({ listeningPorts: listeningPorts() ?? [22] });
  assert.deepEqual(await findings(made), ["listening"]);
  server.close();
  await thing.close();
});

test("a certificate that ends and a secret that is old are told as the organisation has it, and no more once there are others", async () => {
  await signInAgain();
  const made = await device();
  await came(made);
  const issue = async (validFor: string) =>
    owner.asks.post<Certificate>(`/v1/devices/${made.id}/certificates`, { csr: await csrOf(p256()), validFor });
  const upkeep = (body: object) => owner.asks.patch("/v1/org/upkeep", body);
  const first = await issue("30h");
  clock.move(20 * hour - 1_000); // certificates know whole seconds
  assert.deepEqual(await findings(made), []);
  clock.move(1_000); // with ten hours left, a third of its time
  assert.deepEqual(await findings(made), ["certificateEnding"]);
  await owner.revoke(first.id);
  assert.deepEqual(await findings(made), []);
  const second = await issue("90d");
  await upkeep({ endingWithinDays: 90 });
  assert.deepEqual(await findings(made), [], "a third of its time is less than the organisation asks for");
  await owner.revoke(second.id);

  await upkeep({ endingWithinDays: 30, oldAfterDays: 1 });
  clock.move(4 * hour - 1);
  await signInAgain();
  assert.deepEqual(await findings(made), []);
  clock.move(1);
  assert.deepEqual(await findings(made), ["oldSecret"]);
  await owner.asks.post(`/v1/credentials/${made.key.id}/rotate`, {});
  assert.deepEqual(await findings(made), []);
  await upkeep({ oldAfterDays: 365 });
  // What it does not let in any more is old, too.
  const never = await device();
  await owner.asks.patch("/v1/org", { demands: { devices: { greatestAgeDays: 1 } } });
  clock.move(24 * hour - 1);
  await signInAgain();
  assert.deepEqual(await findings(never), ["neverSeen"]);
  clock.move(1);
  assert.deepEqual(await findings(never), ["oldSecret", "neverSeen"]);
  await owner.asks.patch("/v1/org", { demands: {} });
});

test("a door that takes plain text is told as long as it does", async () => {
  const made = await device();
  await came(made);
  await setDoor(made, { transports: ["https", "socket"], socket: "plain" });
  assert.deepEqual(await findings(made), ["plain"]);
  await setDoor(made, { transports: ["https", "socket"], socket: "sealed" });
  assert.deepEqual(await findings(made), []);
});

test("devices are listed by finding and counted by it, as far as the asker may read them; the command says what to do", async () => {
  const [shown, hidden] = await Promise.all(["Shown", "Hidden"].map((name) => owner.application(name)));
  assert.ok(shown && hidden);
  const mine = await Promise.all([owner.device(shown.id), owner.device(shown.id), owner.device(hidden.id)]);
  await setDoor(mine[0] ?? assert.fail(), narrow);
  const list = (query: string, token?: string) =>
    as(token).get<{ items: Shown[]; total: number; nextCursor?: string }>(`/v1/devices?${query}`);
  const all = await list("limit=1000");
  for (const finding of deviceFindings) {
    const found = await list(`finding=${finding}&limit=1000`);
    const expected = all.items.filter(({ findings: own }) => own.includes(finding));
    assert.deepEqual(found, { items: expected, total: expected.length }, finding);
    assert.equal(await countOf(finding), expected.length, finding);
  }
  const { token } = await owner.tokenOf([`device.read:${shown.id}`]);
  const { total, well, items } = await postureOf(token);
  assert.deepEqual([total, well], [2, 0]);
  assert.deepEqual(
    items.filter(({ devices }) => devices > 0).map(({ finding, devices }) => [finding, devices]),
    [
      ["neverSeen", 2],
      ["defaultDoor", 1],
    ],
  );
  assert.deepEqual(
    items.map((item) => item),
    items.map(({ finding, devices }) => ({ finding, devices, ...findingTexts[finding as "plain"] })),
  );
  assert.deepEqual(
    (await list("finding=defaultDoor", token)).items.map(({ id }) => id),
    [mine[1]?.id],
  );

  const page = await list("finding=neverSeen&limit=1");
  const next = await list(`finding=neverSeen&limit=1&cursor=${page.nextCursor}`);
  assert.notEqual(next.items[0]?.id, page.items[0]?.id);
  const elsewhere = `/v1/devices?finding=defaultDoor&cursor=${page.nextCursor}`;
  assert.equal((await as().send<Problem>("GET", elsewhere)).body.code, "cursor.malformed");
  assert.equal((await as().send<Problem>("GET", "/v1/devices?finding=weak")).body.code, "request.malformed");

  const env = { HOLDFAST_URL: platform.platform.url, HOLDFAST_TOKEN: token };
  const options = { clock, transport: () => nodeTransport({ ca }), env };
  const said = await holdfast(["device", "posture"], options);
  assert.match(
    said.out,
    /^devices +2\nwithout a finding +0\nneverSeen: 2 +Nothing has ever come from it.*\n +Connect it/,
  );
  const json: unknown = JSON.parse((await holdfast(["device", "posture", "--json"], options)).out);
  assert.deepEqual(json, routes.readPosture.reply.parse(await postureOf(token)));
  const listed = await holdfast(["device", "list", "--finding", "defaultDoor", "--json"], options);
  assert.deepEqual(
    (JSON.parse(listed.out) as { items: Shown[] }).items.map(({ id }) => id),
    [mine[1]?.id],
  );
  const { out } = await holdfast(["device", "get", mine[1]?.id ?? ""], options);
  assert.ok(out.includes(`holdfast device retire ${mine[1]?.id}`), out);
});

test("how a device came last, and that two were at odds over its secret, outlasts a restart of the platform", async () => {
  const made = await device();
  await came(made, { ecdhCurve: "X25519" });
  const contested = await device();
  await quarrel(contested);
  assert.deepEqual(await findings(contested), ["shared"]);
  await platform.close();
  platform = await start();
  assert.deepEqual(await findings(made), ["classical"]);
  assert.deepEqual((await read(made)).lastTls, { version: "TLSv1.3", group: "X25519" });
  assert.deepEqual(await findings(contested), ["shared"]);
});

test("a device that sends nothing for two of its reporting intervals is told to be silent, until it sends", async () => {
  await platform.close();
  platform = await start({ timers: clock });
  await signInAgain();
  const made = await device({ reportingInterval: "2s" });
  const send = () => as(textOf(made.key)).post("/v1/me/telemetry", { temperature: 21.5 });
  await send();
  const after = async (milliseconds: number) => (clock.move(milliseconds), findings(made));
  assert.deepEqual([await after(3_999), await after(251)], [[], ["silent"]]);
  await send();
  assert.deepEqual(await findings(made), []);
});

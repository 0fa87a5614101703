import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { request } from "node:https";
import { test } from "node:test";
import { nodeTransport } from "@holdfast/client/node";
import { systemClock } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { holdfast } from "../apps/cli/src/testing/world.ts";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device, type Problem } from "./authority.fixture.ts";
import { closedWithin, events, mqtt } from "./revocation.fixture.ts";

// What an organisation demands of whoever comes, and at once of whoever is there.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock });
atEnd.after(() => platform.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const other = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const day = 24 * 3_600_000;

const fresh = (text: string) => platform.visitor.as(text).anew();
const demand = (demands: object) => fresh(owner.token).patch<{ demands: object }>("/v1/org", { demands });
const me = (text: string) => fresh(text).send<Problem>("GET", "/v1/me");
const codeOf = async (text: string) => (await me(text)).body.code;

test("where bound credentials are demanded the others end at once, those of one party, and in one organisation", async (t) => {
  t.after(() => demand({}));
  const device = await owner.device(application.id);
  const program = await owner.tokenOf(["telemetry.read"]);
  const held = [
    await mqtt(platform, { username: device.key.id, password: device.key.secret }),
    await events(platform, program.token),
  ];
  const [there] = held;
  const from = performance.now();
  assert.deepEqual((await demand({ devices: { bound: true } })).demands, { devices: { bound: true } });
  if (there) await closedWithin(there, from, 1_000);
  assert.equal(await codeOf(textOf(device.key)), "condition.unmet");
  assert.equal((await me(program.token)).status, 200);
  assert.equal((await me(other.token)).status, 200);
  const explained = await owner.asks.post<{ because: string }>("/v1/explain", {
    credential: device.key.id,
    action: "telemetry.write",
    resource: device.id,
  });
  assert.match(explained.because, /the organisation demands of devices' credentials that they are bound to a key/);
  const { publicKey } = generateKeyPairSync("ed25519");
  const { kty, crv, x } = publicKey.export({ format: "jwk" });
  const bound = await owner.device(application.id, { publicKey: { kty, crv, x } });
  assert.equal(await codeOf(textOf(bound.key)), "proof.required", "what is bound is asked for its proof, as ever");
  await demand({});
  assert.equal((await me(textOf(device.key))).status, 200, "nothing of it was revoked");
});

const preview = async (demands: object, by = owner) =>
  routes.previewDemands.reply.parse(await by.asks.post("/v1/org/demands/preview", { demands }));

test("what a demand would refuse is told before, with what is open, what hangs on it and by which TLS it came, and so it is", async (t) => {
  t.after(() => demand({}));
  const device = await owner.device(application.id, { name: "Pump 7" });
  const byKey = { username: device.key.id, password: device.key.secret };
  const atDevice = await mqtt(platform, byKey);
  const operator = await owner.operatorKey({ name: "Night shift" });
  const child = await platform.visitor
    .as(textOf(operator))
    .post<{ id: string; token: string }>("/v1/tokens", { name: "Display", grants: ["telemetry.read"] });
  const atChild = await events(platform, child.token);
  const theirs = await other.device((await other.application()).id);
  await mqtt(platform, { username: theirs.key.id, password: theirs.key.secret });

  const ofDevices = { devices: { bound: true } };
  const told = await preview(ofDevices);
  assert.ok(told.credentials.items.some(({ id }) => id === device.key.id));
  assert.ok(told.credentials.items.every(({ kind }) => kind === "device"));
  assert.deepEqual([told.connections.mqtt, told.devices.items], [1, [device.id]]);
  assert.equal((await me(textOf(device.key))).status, 200, "nothing is demanded yet");
  // What is a person's key ends with what it made; her own sign-in stays.
  const ofPeople = await preview({ people: { bound: true } });
  assert.deepEqual(new Set(ofPeople.credentials.items.map(({ id }) => id)), new Set([operator.id, child.id]));
  assert.equal(ofPeople.connections.eventStreams, 1);
  assert.equal((await preview({})).credentials.count, 0);
  const old = await preview({ devices: { greatestAgeDays: 1 } });
  assert.equal(old.credentials.count, 0, "none is a day old");

  const from = performance.now();
  await demand({ ...ofDevices, people: { bound: true } });
  for (const held of [atDevice, atChild]) await closedWithin(held, from, 1_000);
  for (const text of [textOf(device.key), textOf(operator), child.token])
    assert.equal(await codeOf(text), "condition.unmet");
  const after = await preview(ofDevices);
  assert.deepEqual(
    [after.credentials.count, after.connections.mqtt],
    [0, 0],
    "what is refused already is not told again",
  );
  await demand({});

  const overOld = { ...byKey, maxVersion: "TLSv1.2" };
  const older = await mqtt(platform, overOld);
  const newer = await owner.device(application.id);
  await mqtt(platform, { username: newer.key.id, password: newer.key.secret });
  const overTls = await preview({ devices: { leastTls: "TLSv1.3" } });
  assert.deepEqual(overTls.devices.items, [device.id]);
  assert.equal(overTls.connections.mqtt, 1);
  older.end();
  const { token } = await owner.tokenOf(["credential.read"]);
  const shutOut = await fresh(token).send<Problem>("POST", "/v1/org/demands/preview", {
    body: { demands: { programs: { bound: true } } },
  });
  assert.deepEqual([shutOut.status, shutOut.body.code], [400, "request.malformed"]);
  const line = ["org", "demand", "--of", "devices", "--bound", "--preview"];
  const { out } = await holdfast(line, {
    env: { HOLDFAST_URL: platform.platform.url, HOLDFAST_TOKEN: owner.token },
    transport: () => nodeTransport({ ca: platform.platform.caPem }),
    clock,
  });
  assert.match(out, /would refuse +\d+ credentials\n(.*\n)*open now +1 MQTT connection,/);
  assert.deepEqual((await fresh(owner.token).get<{ demands: object }>("/v1/org")).demands, {});
});

test("where TLS 1.3 is demanded whoever comes over 1.2 is refused, and nobody demands what would shut himself out", async () => {
  const over = (maxVersion: "TLSv1.2" | "TLSv1.3", text: string, sent?: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${platform.platform.url}/v1/${sent === undefined ? "me" : "org"}`, {
        method: sent === undefined ? "GET" : "PATCH",
        ca: platform.platform.caPem,
        agent: false,
        maxVersion,
        headers: { "x-auth-token": text, ...(sent !== undefined && { "content-type": "application/json" }) },
      });
      call.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
      call.end(sent);
    });
  const { token } = await other.tokenOf(["org.read"]);
  const demands = JSON.stringify({ demands: { programs: { leastTls: "TLSv1.3" }, people: { leastTls: "TLSv1.3" } } });
  assert.equal(await over("TLSv1.2", token), 200);
  assert.equal(await over("TLSv1.2", other.token, demands), 400);
  assert.equal(await over("TLSv1.3", other.token, demands), 200);
  assert.equal(await over("TLSv1.2", token), 403);
  assert.equal(await over("TLSv1.3", token), 200);
  assert.ok(JSON.stringify(await other.audited(other.org)).includes("leastTls"));
});

test("where a greatest age is demanded, what is open is closed when its credential reaches it, though it was to last", async () => {
  const device = await owner.device(application.id);
  const watcher = await owner.deviceKey(device.id);
  const made = clock.now();
  const held = await mqtt(platform, { username: watcher.id, password: watcher.secret });
  const key = textOf(device.key);
  await demand({ devices: { greatestAgeDays: 1 } });
  clock.move(made + day - clock.now() - 5_000);
  assert.equal((await me(key)).status, 200);
  clock.move(5_000);
  clock.move(500);
  await closedWithin(held, performance.now(), 1_000);
  assert.equal(await codeOf(key), "condition.unmet");
});

test("a secret is as old as its rotation, the one before keeps its age, and a bound key makes nothing younger", async () => {
  const signIn = async () => {
    const body = { email: "owner@example.com", password: "correct horse battery staple", org: owner.org };
    return (await platform.visitor.anew().post<{ token: string }>("/v1/sign-in", body)).token;
  };
  let token = await signIn();
  const make = (more = {}) =>
    fresh(token).post<Device>("/v1/devices", { application: application.id, name: "Pump", ...more });
  const { key } = await make();
  const { publicKey } = generateKeyPairSync("ed25519");
  const { kty, crv, x } = publicKey.export({ format: "jwk" });
  const bound = textOf((await make({ publicKey: { kty, crv, x } })).key);
  const made = clock.now();
  const at = (hours: number) => clock.move(made + hours * 3_600_000 - clock.now());
  const rotated = async (id: string, overlap: string) =>
    textOf(await fresh(token).post<{ id: string; secret: string }>(`/v1/credentials/${id}/rotate`, { overlap }));
  await fresh(token).patch("/v1/org", { demands: { devices: { greatestAgeDays: 1 } } });
  at(12);
  const second = await rotated(key.id, "2d");
  await rotated(bound.split(".")[0] ?? "", "2d");
  assert.equal(await codeOf(bound), "proof.required");
  at(23.9);
  assert.deepEqual([(await me(textOf(key))).status, (await me(second)).status], [200, 200]);
  at(24);
  assert.deepEqual([await codeOf(textOf(key)), await codeOf(bound)], ["condition.unmet", "condition.unmet"]);
  assert.equal((await me(second)).status, 200);
  at(36);
  token = await signIn();
  assert.equal(await codeOf(second), "condition.unmet");
  const third = await rotated(key.id, "0");
  assert.equal((await me(third)).status, 200, "who may rotate it makes it good again");
});

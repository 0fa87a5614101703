import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { connectAsync, type IClientOptions } from "mqtt";
import { selfSigned } from "@holdfast/client/testing";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Key, type Problem } from "./authority.fixture.ts";
import { placeOf } from "./clients.fixture.ts";

// What sets the kinds of credentials apart, on the real platform. What each can reach at most is in docs/kinds.md.
const platform = await startTestPlatform({ config: { clientCertificatePort: 0 } });
atEnd.after(() => platform.close());
const { visitor } = platform;
const place = placeOf(platform);
const owner = new Owner(visitor, await platform.setUp());
const [application, other] = [await owner.application(), await owner.application("Workshop")];

type Shown = { kind: string; grants: string[]; conditions?: object };
const keyOf = (body: object, of = application.id) =>
  owner.asks.post<Key>(`/v1/applications/${of}/keys`, { name: "key", ...body });
const shown = (id: string) => owner.asks.get<Shown>(`/v1/credentials/${id}`);
const pages = ["https://app.example"];
const from = (origin: string) => ({ headers: { origin } });

const jwkOf = (key: KeyObject) => {
  const { kty, crv, x, y } = key.export({ format: "jwk" });
  return { kty, crv, x, ...(y !== undefined && { y }) };
};

test("an operator key is refused where a browser shows it, the platform's own pages included", async () => {
  const { id, secret } = await owner.operatorKey();
  const operator = visitor.as(`${id}.${secret}`);
  assert.equal((await operator.send("GET", "/v1/me")).status, 200);
  for (const origin of ["https://evil.example", new URL(platform.platform.url).origin, "null"]) {
    const { status, body } = await operator.send<Problem>("GET", "/v1/me", from(origin));
    assert.deepEqual([status, body.code], [403, "condition.unmet"], origin);
  }
  const access = await keyOf({});
  assert.equal((await visitor.as(textOf(access)).send("GET", "/v1/me", from("https://app.example"))).status, 200);
});

test("a publishable key names the origins of its pages, is told apart by its text, and reaches nothing", async () => {
  const body = { name: "page", kind: "application" };
  const bare = await owner.asks.send<Problem & { errors: { path: string }[] }>(
    "POST",
    `/v1/applications/${application.id}/keys`,
    { body },
  );
  assert.deepEqual([bare.status, bare.body.errors[0]?.path], [400, "conditions.origins"]);
  const withGrants = { ...body, grants: ["device.read"], conditions: { origins: pages } };
  const more = await owner.asks.send<Problem>("POST", `/v1/applications/${application.id}/keys`, { body: withGrants });
  assert.deepEqual([more.status, more.body.code], [422, "grant.malformed"]);
  const key = await keyOf({ kind: "application", conditions: { origins: pages } });
  assert.match(key.secret, /^hfp_/);
  const { kind, grants, conditions } = await shown(key.id);
  assert.deepEqual(
    { kind, grants, conditions },
    {
      kind: "application",
      grants: [],
      conditions: { rate: { perMinute: 600, burst: 600 }, origins: pages },
    },
  );
  const page = visitor.as(textOf(key));
  for (const path of ["/v1/me", "/v1/devices", "/v1/org", "/v1/credentials"]) {
    const { status, body: problem } = await page.send<Problem>("GET", path, from("https://app.example"));
    assert.deepEqual([status, problem.code], [403, "permit.missing"], path);
  }
  for (const sent of [{}, from("https://evil.example"), from("null")])
    assert.equal((await page.send<Problem>("GET", "/v1/me", sent)).body.code, "condition.unmet");
});

test("a publishable key in an address is no leak, and every other one is", async () => {
  const key = await keyOf({ kind: "application", conditions: { origins: pages } });
  const access = await keyOf({});
  const asked = (text: string) => visitor.send<Problem>("GET", `/v1/org?key=${text}`);
  assert.equal((await asked(textOf(key))).body.code, "credential.missing");
  assert.equal((await asked(textOf(access))).body.code, "credential.exposed");
});

test("a secret of one kind is none of another", async () => {
  const key = await keyOf({ kind: "application", conditions: { origins: pages } });
  const access = await keyOf({});
  for (const text of [
    `${key.id}.${access.secret}`,
    `${access.id}.${key.secret}`,
    `${access.id}.${access.secret.replace("hfs_", "hfp_")}`,
    `${key.id}.${key.secret.replace("hfp_", "hfs_")}`,
  ]) {
    const { status, body } = await visitor.as(text).send<Problem>("GET", "/v1/me", from("https://app.example"));
    assert.deepEqual([status, body.code], [401, "credential.invalid"]);
  }
});

test("a trusted key makes devices in its application and products beside it, and reaches no other application and no credential", async () => {
  const key = await keyOf({ kind: "trustedApplication" });
  const server = visitor.as(textOf(key));
  const product = await server.post<{ id: string }>("/v1/products", { name: "Pump" });
  await server.post("/v1/devices", { application: application.id, name: "Pump 1", product: product.id });
  const elsewhere = await server.send("POST", "/v1/devices", { body: { application: other.id, name: "Pump 2" } });
  assert.equal(elsewhere.status, 404);
  for (const [method, path] of [
    ["GET", "/v1/credentials"],
    ["GET", "/v1/members"],
    ["GET", "/v1/audit"],
  ] as const)
    assert.equal((await server.send<Problem>(method, path)).body.code, "permit.missing", path);
  const star = await keyOf({ kind: "trustedApplication", grants: ["*"] });
  const { grants } = await shown(star.id);
  assert.ok(grants.includes("product.create") && grants.includes(`device.create:${application.id}`));
  assert.ok(!grants.some((grant) => /^(token|member|org|credential|audit)\./.test(grant)), grants.join(" "));
});

test("an access key may be of listed devices, of a tag, and for publishing or subscribing alone", async () => {
  const device = await owner.device(application.id, { tags: { site: "north" } });
  const neighbour = await owner.device(application.id);
  for (const where of [device.id, "tag:site=north"]) {
    const reader = visitor.as(textOf(await keyOf({ grants: [`telemetry.read:${where}`] })));
    assert.equal((await reader.send("GET", `/v1/devices/${device.id}/telemetry/latest`)).status, 200);
    assert.equal((await reader.send("GET", `/v1/devices/${neighbour.id}/telemetry/latest`)).status, 404);
    const writer = await keyOf({ grants: [`telemetry.write:${where}`] });
    const client = await connectAsync(platform.platform.mqttsUrl, {
      ca: place.ca,
      username: writer.id,
      password: writer.secret,
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    await client.publishAsync(`devices/${device.id}/telemetry`, `{"temperature":1}`, { qos: 1 });
    await assert.rejects(client.publishAsync(`devices/${neighbour.id}/telemetry`, `{"temperature":1}`, { qos: 1 }));
    await assert.rejects(client.subscribeAsync(`devices/${device.id}/telemetry`));
    await client.endAsync();
  }
});

test("a pinned key signs its device in by a client certificate alone, and no other certificate does", async () => {
  const device = await owner.device(application.id);
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pin = { kind: "certificate", publicKey: jwkOf(pair.publicKey) };
  const { id, ...rest } = await owner.asks.post<Key>(`/v1/devices/${device.id}/keys`, pin);
  assert.deepEqual(rest, {}, "there is no secret");
  const come = (shows: object, more: IClientOptions = {}) =>
    connectAsync(platform.platform.mqttsUrl, { ca: place.ca, reconnectPeriod: 0, ...shows, ...more });
  for (const more of [{ protocolVersion: 5 }, { protocolVersion: 4, username: "pump" }] as const) {
    const client = await come(selfSigned({ pair }), more);
    await client.publishAsync("me/telemetry", `{"temperature":21.5}`, { qos: 1 });
    await client.endAsync();
  }
  await assert.rejects(come(selfSigned()), { code: 4 });
  await assert.rejects(come({}), { code: 4 });
  const { clientCertificateUrl = "" } = platform.platform;
  const { request } = await import("node:https");
  const status = await new Promise((resolve, reject) => {
    const call = request(`${clientCertificateUrl}/v1/me`, { ca: place.ca, agent: false, ...selfSigned({ pair }) });
    call.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
    call.end();
  });
  assert.equal(status, 200);
  await owner.revoke(id);
  await assert.rejects(come(selfSigned({ pair })), { code: 4 });
});

test("a key that is pinned twice says of neither device that it is meant, and its credential's id does", async () => {
  const pair = generateKeyPairSync("ed25519");
  const pin = { kind: "certificate", publicKey: jwkOf(pair.publicKey) };
  const come = (username?: string) =>
    connectAsync(platform.platform.mqttsUrl, {
      ca: place.ca,
      reconnectPeriod: 0,
      ...selfSigned({ pair }),
      ...(username !== undefined && { username }),
    });
  const [first, second] = [await owner.device(application.id), await owner.device(other.id)];
  const { id } = await owner.asks.post<Key>(`/v1/devices/${first.id}/keys`, pin);
  await (await come()).endAsync();
  await owner.asks.post<Key>(`/v1/devices/${second.id}/keys`, pin);
  await assert.rejects(come());
  await (await come(id)).endAsync();
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { asOwner, atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";

const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const owner = await platform.setUp();
const me = platform.visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });

type Made = { id: string; code?: string; key?: { id: string; secret?: string } };
type Page = { items: { id: string; name: string }[] };
let made = 0;
const newKey = () => `key-${(made += 1)}`;
const send = (key: string, body: object, path = "/v1/devices", as = me) =>
  as.send<Made>("POST", path, { body, headers: { "idempotency-key": key } });
const devices = async (name: string) =>
  (await me.get<Page>("/v1/devices?limit=1000")).items.filter((device) => device.name === name);

test("a request that was answered is answered the same again, without the secret, and is done once", async () => {
  for (const [path, body, hidden] of [
    ["/v1/devices", { application: application.id, name: "Once" }, ["key", "secret"]],
    ["/v1/tokens", { name: "Once", grants: ["device.read"] }, ["token"]],
    [`/v1/applications/${application.id}/keys`, { name: "Once" }, ["secret"]],
    ["/v1/orgs", { name: "Once" }, ["token"]],
    ["/v1/invitations", { email: "once@example.com", role: "viewer" }, ["link"]],
    ["/v1/products", { name: "Once" }, []],
  ] as const) {
    const key = newKey();
    const first = await send(key, body, path);
    assert.equal(first.status, 201, first.text);
    assert.equal(first.headers["idempotency-replayed"], undefined);
    const again = await send(key, body, path);
    assert.deepEqual([again.status, again.headers["idempotency-replayed"]], [201, "true"]);
    assert.equal(again.headers["location"], first.headers["location"]);
    const expected = JSON.parse(first.text) as Record<string, never>; // an object
    let holder = expected;
    for (const name of hidden.slice(0, -1)) holder = holder[name] ?? assert.fail();
    for (const name of hidden.slice(-1)) delete holder[name];
    assert.deepEqual(again.body, expected);
  }
  assert.equal((await devices("Once")).length, 1);
});

test("the same key for another request is refused", async () => {
  const key = newKey();
  await send(key, { application: application.id, name: "This" });
  for (const [body, path] of [
    [{ application: application.id, name: "That" }, "/v1/devices"],
    [{ name: "This" }, "/v1/products"],
  ] as const) {
    const { status, body: problem } = await send(key, body, path);
    assert.deepEqual([status, problem.code], [422, "idempotency.reused"]);
  }
  assert.equal((await devices("That")).length, 0);
});

test("keys belong to the credential that sent them", async () => {
  const { token } = await me.post<{ token: string }>("/v1/tokens", { name: "other", grants: ["product.create"] });
  const key = newKey();
  const mine = await send(key, { name: "Mine" }, "/v1/products");
  const other = await send(key, { name: "Other" }, "/v1/products", platform.visitor.as(token));
  assert.deepEqual([mine.status, other.status], [201, 201]);
});

test("of the same request sent many times at once one is done, and the others get its answer", async () => {
  const key = newKey();
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => send(key, { application: application.id, name: "Crowd" })),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
  assert.equal(answers.filter(({ body }) => body.key?.secret !== undefined).length, 1, "one client has the secret");
  assert.equal((await devices("Crowd")).length, 1);
});

test("a refused request leaves its key free, because nothing was done", async () => {
  const key = newKey();
  const refused = await send(key, { application: `app_${"0".repeat(32)}`, name: "Later" });
  assert.equal(refused.status, 404);
  const alias = await send(key, { application: application.id, name: "Later", product: `prd_${"0".repeat(32)}` });
  assert.equal(alias.status, 404);
  assert.equal((await send(key, { application: application.id, name: "Later" })).status, 201);
});

test("a request that was cut short between its work and its answer says so", async () => {
  const key = newKey();
  await send(key, { application: application.id, name: "Cut" });
  // What a crash leaves that came after the device's commit and before the answer's.
  await asOwner(platform.database.login, "update holdfast.replay set body = null");
  const again = await send(key, { application: application.id, name: "Cut" });
  assert.deepEqual([again.status, again.body.code], [409, "idempotency.interrupted"]);
  assert.equal((await devices("Cut")).length, 1);
});

test("a key has 1 to 255 characters, and a delivery of readings needs none", async () => {
  const long = await send("x".repeat(256), { name: "x" }, "/v1/products");
  assert.deepEqual([long.status, long.body.code], [400, "request.malformed"]);
  const device = await me.post<{ key: { id: string; secret: string } }>("/v1/devices", {
    application: application.id,
    name: "Sender",
  });
  const sender = platform.visitor.as(`${device.key.id}.${device.key.secret}`);
  for (const t of [1, 2]) assert.equal((await send("reading", { t }, "/v1/me/telemetry", sender)).status, 200);
});

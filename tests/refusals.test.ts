import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { atEnd, freshDatabase, openKeys, startTestPlatform, type Visitor } from "../apps/server/src/testing/index.ts";

// Refusals that no other file provokes, through the API.
const database = await freshDatabase();
let platform = await startTestPlatform({ database });
atEnd.after(async () => {
  await platform.close();
  await database.drop();
});
const { token } = await platform.setUp();

type Made = { id: string; key: { id: string; secret: string } };
const me = (): Visitor => platform.visitor.as(token);
const application = await me().post<{ id: string }>("/v1/applications", { name: "Greenhouse" });
const product = await me().post<{ id: string }>("/v1/products", { name: "Sensor" });
const make = (more: object = {}) =>
  me().post<Made>("/v1/devices", { application: application.id, name: "Pump", ...more });

async function refused(method: string, path: string, body?: object): Promise<readonly [number, string]> {
  const answer = await me().send<{ code: string }>(method, path, body && { body });
  return [answer.status, answer.body.code];
}

test("an application or a product goes when no device has it any more, and not before", async () => {
  const device = await make({ product: product.id });
  assert.deepEqual(await refused("DELETE", `/v1/applications/${application.id}`), [409, "application.inUse"]);
  assert.deepEqual(await refused("DELETE", `/v1/products/${product.id}`), [409, "product.inUse"]);
  await me().patch(`/v1/devices/${device.id}`, { product: null });
  await me().delete(`/v1/products/${product.id}`);
  assert.deepEqual(await refused("GET", `/v1/products/${product.id}`), [404, "product.unknown"]);
});

test("an alias is one device's, whether another one is made with it or given it", async () => {
  const first = await make({ alias: "pump-1" });
  const second = await make({ alias: "pump-2" });
  const body = { application: application.id, name: "Third", alias: "pump-1" };
  assert.deepEqual(await refused("POST", "/v1/devices", body), [409, "device.aliasTaken"]);
  assert.deepEqual(await refused("PATCH", `/v1/devices/${second.id}`, { alias: "pump-1" }), [409, "device.aliasTaken"]);
  await me().post(`/v1/devices/${first.id}/retire`);
  await me().patch(`/v1/devices/${second.id}`, { alias: "pump-1" });
});

test("a credential, a product or a customer that is not there is unknown", async () => {
  const { id } = await make();
  for (const path of ["key_", "tok_"].map((kind) => `/v1/credentials/${kind}${id.slice(4)}`)) {
    assert.deepEqual(await refused("DELETE", path), [404, "credential.unknown"]);
  }
  const nothing = `prd_${id.slice(4)}`;
  const body = { application: application.id, name: "Pump", product: nothing };
  assert.deepEqual(await refused("POST", "/v1/devices", body), [404, "product.unknown"]);
  const nobody = `/v1/applications/${application.id}/users/usr_${id.slice(4)}/erase`;
  assert.deepEqual(await refused("POST", nobody), [404, "user.nothing"]);
});

test("of a device whose key was erased nothing is left, and it measures on under another", async () => {
  const device = await make();
  const other = await make();
  const reading = (id: string) => `/v1/devices/${id}/telemetry`;
  for (const { id } of [device, other]) await me().post(reading(id), { given: 1 });
  await platform.close();
  const keys = await openKeys(database);
  await keys.erase("device", [device.id]);
  await keys.close();
  platform = await startTestPlatform({ database });
  await me().post(reading(device.id), { given: 2 });
  const left = await me().get<{ items: { value: number }[] }>(`${reading(device.id)}?attribute=given`);
  assert.deepEqual(
    left.items.map(({ value }) => value),
    [2],
  );
  const { items } = await me().get<{ items: unknown[] }>(`${reading(other.id)}?attribute=given`);
  assert.equal(items.length, 1);
});

test("a port that somebody has is named, with whoever wanted it", async (t) => {
  await platform.close();
  const held = createServer().listen(0, "127.0.0.1");
  t.after(() => held.close());
  await new Promise((resolve) => held.once("listening", resolve));
  const { port } = held.address() as AddressInfo; // a TCP server has one
  for (const [option, what] of [
    ["mqttsPort", "MQTT"],
    ["httpsPort", "HTTPS"],
  ] as const) {
    const starting = startTestPlatform({ database, config: { [option]: port } });
    await assert.rejects(starting, { code: "port.taken", detail: `${what} wants 127.0.0.1:${port}.` });
  }
});

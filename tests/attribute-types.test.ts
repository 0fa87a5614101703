import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device } from "./authority.fixture.ts";

// Whatever is declared, dropped and assigned: a device that could send an attribute can send it still, as one type.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const { asks } = owner;
const application = await owner.application();

type Problem = { readonly code: string; readonly detail: string; readonly errors?: readonly unknown[] };
const product = (attributes: object) => asks.post<{ id: string }>("/v1/products", { name: "Pump", attributes });
const number = { temperature: { type: "number" } } as const;
const text = { temperature: { type: "text" } } as const;
const say = (device: Device, temperature: unknown) =>
  visitor.as(textOf(device.key)).send<Problem>("POST", "/v1/me/telemetry", { body: { temperature } });
const patch = (path: string, body: object) => asks.send<Problem>("PATCH", path, { body });

test("an attribute that a product drops comes back with its type only, also after it was measured", async () => {
  const { id } = await product(number);
  const device = await owner.device(application.id, { product: id });
  await say(device, 21.5);
  await asks.patch(`/v1/products/${id}`, { attributes: {} });
  const refused = await patch(`/v1/products/${id}`, { attributes: text });
  assert.deepEqual([refused.status, refused.body.code], [400, "request.malformed"]);
  assert.match(JSON.stringify(refused.body.errors), /is a number, and stays one: declare another name/);
  assert.equal((await say(device, 22)).status, 200);
  await asks.patch(`/v1/products/${id}`, { attributes: { ...number, words: { type: "text" } } });
  assert.equal((await say(device, 23)).status, 200);
});

test("a product is not given to a device that measured one of its attributes as something else", async () => {
  const { id } = await product(text);
  const device = await owner.device(application.id);
  await say(device, 21.5);
  const refused = await patch(`/v1/devices/${device.id}`, { product: id });
  assert.deepEqual([refused.status, refused.body.code], [409, "product.typesDiffer"]);
  assert.match(refused.body.detail, /^It is about "temperature"\.$/);
  assert.deepEqual(refused.body.errors, [
    { path: "attributes.temperature", message: "is a number on this device, and a text in the product" },
  ]);
  assert.equal((await say(device, 22)).status, 200);
  const fitting = await product(number);
  assert.equal((await patch(`/v1/devices/${device.id}`, { product: fitting.id })).status, 200);
  assert.equal((await say(device, 23)).status, 200);
});

test("what a product declares later stops no device: its series stays what it is, and the other type is told the way out", async () => {
  const { id } = await product({});
  const old = await owner.device(application.id, { product: id });
  await say(old, "warm");
  await asks.patch(`/v1/products/${id}`, { attributes: number });
  const refused = await say(old, 21.5);
  assert.deepEqual([refused.status, refused.body.code], [422, "telemetry.wrongType"]);
  assert.match(refused.body.detail, /before its product declared a number: declare and send the number under another/);
  assert.equal((await say(old, "hot")).status, 200);
  assert.equal((await patch(`/v1/devices/${old.id}`, { product: id, name: "Old" })).status, 200, "it has it already");
  const fresh = await owner.device(application.id, { product: id });
  assert.equal((await say(fresh, "hot")).status, 422);
  assert.equal((await say(fresh, 21.5)).status, 200);
});

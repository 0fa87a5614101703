import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf } from "./authority.fixture.ts";
import { assertAccessible, startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";

// How long readings are kept, and their end, as a person decides them.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const entrance = new Entrance(browser, platform);
const application = await owner.application();
const product = await owner.product();
const device = await owner.device(application.id, { product: product.id, name: "Pump one" });
const at = (path: string) => `${platform.platform.url}/o/${owner.org}${path}`;

test("how long a product's readings are kept is tried out before it is set, and a device's are erased by whoever types its name", async (t) => {
  const day = 86_400_000;
  const readings = [40, 20, 1].map((ago) => ({ time: Date.now() - ago * day, values: { level: ago } }));
  await platform.visitor.as(textOf(device.key)).post("/v1/me/telemetry", readings);
  const { page } = await entrance.at(t, at(`/products/${product.id}`));
  await page.getByRole("button", { name: "Change how long" }).click();
  const dialog = page.getByRole("dialog", { name: "Change how long" });
  await dialog.getByLabel("All readings").selectOption("some days");
  await dialog.getByLabel("Days").fill("30");
  await dialog.getByRole("button", { name: "Add an attribute" }).click();
  await dialog.getByLabel("Attribute").fill("level");
  await dialog.getByLabel("Days").last().fill("10");
  await dialog.getByRole("button", { name: "See what would go" }).click();
  await dialog.getByRole("status").waitFor();
  await assertAccessible(page, "what would go");
  await dialog.getByRole("button", { name: "Keep it so" }).click();
  await dialog.waitFor({ state: "hidden" });
  const table = page.getByRole("table", { name: "How long readings are kept" });
  await table.getByRole("row", { name: "level 10 days" }).waitFor();
  const rule = await owner.asks.get(`/v1/products/${product.id}/retention`);
  assert.deepEqual(rule, { keep: 30, attributes: { level: 10 } });
  const path = `/v1/devices/${device.id}/telemetry?attribute=level&from=0`;
  const shown = async () =>
    (await owner.asks.get<{ items: { value: number }[] }>(path)).items.map(({ value }) => value);
  assert.deepEqual(await shown(), [1]);

  await page.goto(at("/settings"));
  await page.getByRole("button", { name: "Change how long" }).waitFor();
  await page.goto(at(`/devices/${device.id}`));
  await page.getByRole("button", { name: "Erase readings" }).click();
  const erasing = page.getByRole("dialog", { name: "Erase readings" });
  await erasing.getByRole("textbox").fill("Pump one");
  await erasing.getByRole("button", { name: "Erase readings" }).click();
  await erasing.waitFor({ state: "hidden" });
  assert.deepEqual(await shown(), []);
});

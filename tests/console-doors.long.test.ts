import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import type { Locator, Page } from "playwright-core";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { App } from "./application-users.fixture.ts";
import { Owner, textOf, type Thing } from "./authority.fixture.ts";
import { assertAccessible, startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";

// Doors and lists as a person meets them.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const entrance = new Entrance(browser, platform);
const application = await owner.application();
const product = await owner.product();
const device = await owner.device(application.id, { product: product.id });
const at = (path: string) => `${platform.platform.url}/o/${owner.org}${path}`;

test("a device's door is changed by somebody who sees what its product demands already, and reads why it may not be widened", async (t) => {
  await owner.asks.put(`/v1/products/${product.id}/door`, { transports: ["mqtts"], rate: { perMinute: 60 } });
  const { page } = await entrance.at(t, at(`/devices/${device.id}/access`));
  const demands = page.getByRole("table", { name: "Door" });
  await demands.getByRole("row", { name: "product It takes mqtts only." }).waitFor();
  await page.getByRole("button", { name: "Change the door" }).click();
  const dialog = page.getByRole("dialog", { name: "Change the door" });
  await dialog.getByLabel("Messages a minute").fill("6000");
  await dialog.getByLabel("Not these").fill("the office");
  await dialog.getByRole("button", { name: "Set the door" }).click();
  await dialog.getByText('"the office" is none of these.').waitFor();
  await dialog.getByLabel("Not these").fill("192.0.2.0/24");
  await dialog.getByRole("button", { name: "Set the door" }).click();
  await dialog.getByText("door.widens").waitFor();
  await dialog.getByLabel("Messages a minute").fill("6");
  await dialog.getByRole("button", { name: "Set the door" }).click();
  await dialog.waitFor({ state: "hidden" });
  await demands.getByRole("row", { name: "this device It takes nobody from 192.0.2.0/24." }).waitFor();
  const { door } = await owner.asks.get<{ door: object }>(`/v1/devices/${device.id}/door`);
  assert.deepEqual(door, { deny: { addresses: ["192.0.2.0/24"] }, rate: { perMinute: 6, burst: 6 } });
  await page.getByRole("button", { name: "Change the door" }).click();
  await dialog.getByRole("button", { name: "Take the door away" }).click();
  await dialog.waitFor({ state: "hidden" });
  await demands.getByRole("row", { name: "this device" }).first().waitFor({ state: "hidden" });
});

test("a product's schema is edited, and a value that it only marks is seen with its mark, locations and JSON as they are read", async (t) => {
  const { id } = await owner.asks.post<Thing>("/v1/products", { name: "Tracker" });
  const tracker = await owner.device(application.id, { product: id });
  const { page } = await entrance.at(t, at(`/products/${id}`));
  const declare = async (name: string, type: string, fields: Readonly<Record<string, string>> = {}) => {
    await page.getByRole("textbox", { name: "Attribute", exact: true }).fill(name);
    await page.getByLabel("Type").selectOption({ label: type });
    for (const [label, text] of Object.entries(fields)) await page.getByLabel(label).fill(text);
    await page.getByRole("button", { name: "Declare" }).click();
  };
  await declare("speed", "number", { Unit: "km/h", Least: "high" });
  await page.getByText("A number, such as -40 or 0.5.").waitFor();
  await declare("speed", "number", { Unit: "km/h", Least: "0", Greatest: "90" });
  const table = page.getByRole("region", { name: "Attributes" });
  await table.getByRole("row", { name: "speed number km/h 0 to 90" }).waitFor();
  await declare("place", "location");
  await table.getByRole("row", { name: "place location" }).waitFor();
  await page.getByRole("button", { name: "Change speed" }).click();
  await page.getByLabel("Greatest").fill("80,5");
  await page.getByRole("button", { name: "Set", exact: true }).click();
  await table.getByRole("row", { name: "speed number km/h 0 to 80.5" }).waitFor();
  await page.getByLabel("What is against the schema").selectOption({ label: "is kept and marked" });
  await page.getByLabel("Oldest reading").fill("30d");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Version 5", { exact: true }).waitFor();
  const kept = await owner.asks.get<{ attributes: object; onViolation: string; times: object }>(`/v1/products/${id}`);
  assert.deepEqual(
    [kept.attributes, kept.onViolation, kept.times],
    [
      { speed: { type: "number", unit: "km/h", min: 0, max: 80.5 }, place: { type: "location" } },
      "mark",
      { past: "30d", future: "10m" },
    ],
  );

  await page.goto(at(`/devices/${tracker.id}/live`));
  await page.getByText("Live", { exact: true }).last().waitFor();
  const place = { latitude: 47.3769, longitude: 8.5417, accuracy: 5 };
  await platform.visitor.as(textOf(tracker.key)).post("/v1/me/telemetry", { speed: 99, place, scan: { rssi: [-70] } });
  const line = page.getByRole("listitem").filter({ hasText: "marked" });
  await line.getByText("speed = 99").waitFor();
  await line.getByText("▲ out of range").waitFor();
  await line.getByText("place = 47.3769, 8.5417, within 5 m").waitFor();
  await assertAccessible(page, "marked");
  await page.goto(at(`/devices/${tracker.id}`));
  await page.getByRole("row", { name: 'scan {"rssi":[-70]}' }).waitFor();
  await page.getByRole("row", { name: "speed 99 ▲ out of range" }).waitFor();

  await page.goto(at(`/products/${id}`));
  await owner.asks.patch(`/v1/products/${id}`, { strict: true, onViolation: "refuse" });
  await page.reload();
  await page.getByRole("button", { name: "Drop place" }).click();
  const dropping = page.getByRole("dialog", { name: "Drop place" });
  await dropping.getByText("from then on a message that has place is refused").waitFor();
  await dropping.getByRole("button", { name: "Cancel" }).click();
  await dropping.waitFor({ state: "hidden" });
  assert.equal(await table.getByRole("row", { name: "place" }).count(), 1);
  await page.getByRole("button", { name: "Drop place" }).click();
  await dropping.getByRole("textbox").fill("place");
  await dropping.getByRole("button", { name: "Drop", exact: true }).click();
  await table.getByRole("row", { name: "place" }).waitFor({ state: "hidden" });
});

test("an entry is put on a list and taken off it, contradictions are said, and nobody shuts herself out", async (t) => {
  const { page } = await entrance.at(t, at("/access/lists"));
  const add = async (list: string, what: string, value: string) => {
    await page.getByRole("button", { name: "Add an entry" }).first().click();
    const dialog = page.getByRole("dialog", { name: "Add an entry" });
    await dialog.getByLabel("List").selectOption(list);
    await dialog.getByLabel("What").selectOption(what);
    await dialog.getByLabel("Value").fill(value);
    await dialog.getByRole("button", { name: "Add an entry" }).click();
    return dialog;
  };
  const shut = await add("deny", "address", "127.0.0.1");
  await shut.getByText("list.locksOut").waitFor();
  await page.keyboard.press("Escape");
  await (await add("allow", "device", device.id)).waitFor({ state: "hidden" });
  const told = await add("deny", "device", device.id);
  await told.getByText("deny wins").waitFor();
  await told.getByRole("button", { name: "Close" }).last().click();
  const remove = page.getByRole("button", { name: `Remove ${device.id}` });
  await remove.nth(1).waitFor();
  for (let left = 2; left > 0; left--) {
    await remove.first().click();
    await remove.nth(left - 1).waitFor({ state: "hidden" });
  }
  await page.getByText("Nothing is on either list").waitFor();
  assert.deepEqual((await owner.asks.get<{ items: Thing[] }>("/v1/lists")).items, []);
});

test("a change is tried beside each form before it is made: who would be refused, why, and nothing while nothing is kept", async (t) => {
  const fresh = await owner.device(application.id, { name: "Valve 7", product: (await owner.product("Valve")).id });
  const { page } = await entrance.at(t, at(`/devices/${fresh.id}/access`));
  const told = page.getByRole("status", { name: "Tried on the last days" });
  const tried = async (within: Locator | Page = page) => {
    await within.getByRole("button", { name: "Try on the last 7 days" }).click();
    return told.innerText();
  };
  await page.getByRole("button", { name: "Change the door" }).click();
  const dialog = page.getByRole("dialog", { name: "Change the door" });
  await dialog.getByLabel("WebSocket").check();
  await tried(dialog);
  await told.getByText("Nothing that this touches was asked in the last 7 days").waitFor();
  await platform.visitor.as(textOf(fresh.key)).post("/v1/me/telemetry", { temperature: 1 });
  await tried(dialog);
  await told.getByText("it would newly refuse 1 device, newly allow none.").waitFor();
  await told.getByText("takes wss only, and this came over https").waitFor();
  await told.getByRole("link", { name: "Valve 7" }).waitFor();
  await assertAccessible(page, "a door that was tried");
  // What was said of one door is not said of another.
  await dialog.getByLabel("HTTPS").check();
  await told.getByText("takes wss only").waitFor({ state: "hidden" });
  await tried(dialog);
  await told.getByText("newly refuse none, newly allow none.").waitFor();
  assert.deepEqual((await owner.asks.get<{ door: object }>(`/v1/devices/${fresh.id}/door`)).door, {});

  await page.goto(at("/access/lists"));
  await page.getByRole("button", { name: "Add an entry" }).first().click();
  await page.getByLabel("What").selectOption("device");
  await page.getByLabel("Value").fill(fresh.id);
  await tried();
  await told.getByText("it would newly refuse 1 device, newly allow none.").waitFor();

  const watchman = { email: "watchman@example.com", password: "correct horse battery staple" };
  const role = await owner.role("Watch", ["org.read", "device.read"]);
  const { token } = await owner.member(watchman, role.id);
  await platform.visitor.as(token).get(`/v1/devices/${fresh.id}`);
  await page.goto(at(`/access/roles/${role.id}`));
  await page.getByLabel("device.read").uncheck();
  await tried();
  await told.getByText("it would newly refuse 1 person, newly allow none.").waitFor();
  await told.getByText(`${watchman.email}: device.read Valve 7`).waitFor();
});

test("what a device's user lists is read on its page, and its end is seen", async (t) => {
  const clock = new TestClock(systemClock.now());
  const app = await App.of({ visitor: platform.visitor, clock }, owner);
  const pump = await owner.device(app.id);
  const { page } = await entrance.at(t, at(`/devices/${pump.id}/access`));
  await page.getByRole("heading", { name: "Door" }).waitFor();
  assert.equal(await page.getByRole("heading", { name: "What its user lists" }).count(), 0);
  const { user, accessToken } = await app.user();
  await app.bind(pump, user);
  const list = (entry: object) =>
    platform.visitor.as(accessToken).post<Thing>("/v1/application-users/me/lists", { list: "deny", ...entry });
  await list({ what: "address", value: "192.0.2.0/24", comment: "the old flat" });
  await list({ what: "credential", value: "accessKey", device: pump.id });
  await page.reload();
  await page.getByRole("heading", { name: "What its user lists (2)" }).waitFor();
  const entries = page.getByRole("table", { name: "Entries of its user" });
  await entries
    .getByRole("row", { name: "deny address 192.0.2.0/24 the old flat all of hers 0 never never" })
    .waitFor();
  await entries.getByRole("row", { name: "deny credential accessKey this device 0 never never" }).waitFor();
  await app.bind(pump, null);
  await page.reload();
  await page.getByRole("heading", { name: "Door" }).waitFor();
  assert.equal(await page.getByRole("heading", { name: "What its user lists" }).count(), 0);
});

test("how often devices should report is said of a product, and of one device in place of that", async (t) => {
  const { id } = await owner.asks.post<Thing>("/v1/products", { name: "Meter" });
  const meter = await owner.device(application.id, { product: id });
  const said = async (path: string) =>
    (await owner.asks.get<{ reportingInterval?: string }>(path)).reportingInterval ?? "nothing";
  const { page } = await entrance.at(t, at(`/products/${id}`));
  const interval = page.getByLabel("Reporting interval");
  const save = page.getByRole("button", { name: "Save" });
  await interval.fill("often");
  await save.click();
  await page.getByText("A length of time from 1s to 31d, such as 30s, 15m or 24h.").waitFor();
  await interval.fill("15m");
  /** When it is kept, and the form has begun anew with it: what is typed before would be gone. */
  const keep = async () => {
    await save.click();
    await save.and(page.locator("[aria-disabled=true]")).waitFor();
  };
  await keep();
  assert.equal(await said(`/v1/products/${id}`), "15m");

  await page.goto(at(`/devices/${meter.id}`));
  await page.getByText("Empty: what its product says, 15m.").waitFor();
  await interval.fill("1m");
  await keep();
  assert.equal(await said(`/v1/devices/${meter.id}`), "1m");
  await page.getByText("Empty: what its product says, 15m.").waitFor();
  await interval.fill("");
  await keep();
  assert.equal(await said(`/v1/devices/${meter.id}`), "nothing");
});

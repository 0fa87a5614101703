import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf } from "./authority.fixture.ts";
import { startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, signIn } from "./console.fixture.ts";
import { closedWithin, events, mqtt } from "./revocation.fixture.ts";

// What the console says of keys, credentials and sessions.
buildConsole();
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const ours = new Owner(platform.visitor, await platform.setUp());
const { org } = ours;
const { url } = platform.platform;

test("the security page has an address of its own, and says how old each key is, exactly on hover", async (t) => {
  const { page, context } = await visit(browser);
  t.after(() => context.close());
  await page.goto(`${url}/security`);
  await signIn(page);
  await page.getByRole("heading", { name: "Security" }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/o/${org}/settings/security`);
  for (const name of [
    "Key of this organisation",
    "Root key of the platform",
    "Key that wraps those of organisations, people and devices",
    "Key that wraps those of the log",
  ]) {
    const age = page.getByText(name, { exact: true }).locator("xpath=../dd");
    assert.match(await age.innerText(), /^made (just now|.* ago)$/);
    assert.match((await age.locator("time").getAttribute("title")) ?? "", /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /);
  }
  const [authority] = await page.getByRole("row").filter({ hasText: "to trust" }).all();
  assert.ok(authority);
  assert.match(await authority.innerText(), /ago/);
  assert.equal(await page.getByText("not known").count(), 0);
});

test("before a credential is revoked the page says what that cuts off, and afterwards that it did", async (t) => {
  const application = await ours.application();
  const device = await ours.device(application.id);
  const { id, secret } = device.key;
  const pump = await mqtt(platform, { username: id, password: secret });
  const key = await ours.operatorKey({ name: "Night shift" });
  const child = await platform.visitor
    .as(textOf(key))
    .post<{ id: string; token: string }>("/v1/tokens", { name: "Display", grants: ["telemetry.read"] });
  const stream = await events(platform, child.token);
  const { page, context } = await visit(browser);
  t.after(() => context.close());

  await page.goto(`${url}/o/${org}/access/${key.id}`);
  await signIn(page);
  await page.getByRole("button", { name: "Revoke" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("One that was made with it ends too:").waitFor();
  await dialog.getByText("Display (API token)").waitFor();
  await dialog.getByText("Connected now, and cut off: 1 live stream.").waitFor();
  const second = await events(platform, textOf(key)); // while one thinks about it
  await dialog.getByText("Connected now, and cut off: 2 live streams.").waitFor();
  await dialog.getByLabel("Type “Night shift” to confirm").fill("Night shift");
  const from = performance.now();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("Cut off: 2 live streams. Nothing is connected with it any more.").waitFor();
  for (const one of [stream, second]) await closedWithin(one, from, 5_000);
  assert.equal(await page.getByRole("button", { name: "Revoke" }).getAttribute("aria-disabled"), "true");

  await page.goto(`${url}/o/${org}/devices/${device.id}/access`);
  await page.getByRole("button", { name: `Revoke ${id}` }).click();
  await dialog.getByText("Connected now, and cut off: 1 MQTT connection.").waitFor();
  await dialog.getByText("One device is behind that:").waitFor();
  await dialog.getByRole("link", { name: "Pump 1" }).waitFor();
  await dialog.getByLabel("Type “Pump 1” to confirm").fill("Pump 1");
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("Cut off: 1 MQTT connection. Nothing is connected with it any more.").waitFor();
  await closedWithin(pump, from, 10_000);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, type Thing } from "./authority.fixture.ts";
import { startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";

// The customers of an application, as whoever runs it sees them in the console.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { url } = platform.platform;
const owner = new Owner(platform.visitor, await platform.setUp());
const entrance = new Entrance(browser, platform);

type User = Thing & { state: string };

test("a customer is invited, gets a device, is suspended, let in again and removed", async (t) => {
  const application = await owner.application("Shop");
  const device = await owner.device(application.id);
  const users = async () => (await owner.asks.get<{ items: User[] }>(`/v1/applications/${application.id}/users`)).items;
  const boundTo = async () => (await owner.asks.get<{ user?: string }>(`/v1/devices/${device.id}`)).user;
  const { page } = await entrance.at(t, `${url}/o/${owner.org}/access/customers`);
  const dialog = page.getByRole("dialog");
  await page.getByText("This application has no customers yet.").waitFor();
  await page.getByRole("button", { name: "Invite a customer" }).click();
  await dialog.getByLabel("Login").fill("ann@example.com");
  await dialog.getByRole("button", { name: "Make the code" }).click();
  assert.match(await dialog.getByLabel("The code", { exact: true }).innerText(), /^hfo_/);
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await page.getByText("waits", { exact: true }).waitFor();
  assert.ok(!(await page.content()).includes("hfo_"));

  const [ann] = await users();
  assert.ok(ann);
  await page.getByRole("button", { name: "Devices ann@example.com" }).click();
  await dialog.getByText("No device is bound to this customer.").waitFor();
  await dialog.getByLabel("Bind a device, by its id").fill("Pump 1");
  await dialog.getByRole("button", { name: "Bind it" }).click();
  assert.equal(await boundTo(), undefined);
  await dialog.getByLabel("Bind a device, by its id").fill(device.id);
  await dialog.getByRole("button", { name: "Bind it" }).click();
  await dialog.getByRole("link", { name: "Pump 1" }).waitFor();
  assert.equal(await boundTo(), ann.id);
  await dialog.getByRole("button", { name: "Unbind Pump 1" }).click();
  await dialog.getByText("No device is bound to this customer.").waitFor();
  assert.equal(await boundTo(), undefined);
  await dialog.getByRole("button", { name: "Close" }).click();

  await page.getByRole("button", { name: "Activate ann@example.com" }).click();
  await page.getByRole("button", { name: "Suspend ann@example.com" }).click();
  await page.getByText("suspended", { exact: true }).waitFor();
  assert.equal((await users())[0]?.state, "suspended");
  await page.getByLabel("Who may sign up").selectOption("Anybody, once activated here");
  await page.getByRole("button", { name: "Remove ann@example.com" }).click();
  await dialog.getByRole("textbox").fill("ann@example.com");
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByText("This application has no customers yet.").waitFor();
  assert.deepEqual(await users(), []);
  const { signUp } = await owner.asks.get<{ signUp: string }>(`/v1/applications/${application.id}`);
  assert.equal(signUp, "confirmed");
});

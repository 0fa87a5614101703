import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, type Thing } from "./authority.fixture.ts";
import { App, page as site, type List, type Session } from "./application-users.fixture.ts";
import { Authenticator, type Asked } from "./authenticator.fixture.ts";
import { assertAccessible, startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";
import { eventually } from "./messages.fixture.ts";

// The customers of an application, as whoever runs it sees them in the console.
buildConsole();
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
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
  const signUp = async () => (await owner.asks.get<{ signUp: string }>(`/v1/applications/${application.id}`)).signUp;
  await eventually(
    async () => (await signUp()) === "confirmed",
    () => "they sign up as before",
  );
});

test("where a customer is signed in and her passkeys are seen, and one of them is ended", async (t) => {
  const app = await App.of({ visitor: platform.visitor, clock }, owner);
  const users = "/v1/application-users";
  const login = "passkey@example.com";
  const device = new Authenticator(site);
  const asked = (await app.ask<Asked>("POST", `${users}/passkey-sign-up/options`, { login })).body;
  await app.ask("POST", `${users}/passkey-sign-up`, { login, name: "Phone", answer: device.make(asked) });
  const signIn = async () => {
    device.counter += 1;
    const options = (await app.ask<Asked>("POST", `${users}/passkey-sign-in/options`, {})).body;
    return app.ask<{ user: string; session: string }>("POST", `${users}/passkey-sign-in`, {
      answer: device.show(options),
    });
  };
  const { user, session } = (await signIn()).body;
  await signIn();
  await signIn();
  const sessions = async () => (await app.manage<List<Session>>("GET", `/${user}/sessions`)).body.items;
  const { page } = await entrance.at(t, `${url}/o/${owner.org}/access/customers?q=${app.id}`, { width: 360 });
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: `Sign-ins ${login}` }).click();
  await dialog.getByText(/^Phone, app\.example, since/).waitFor();
  await assertAccessible(page, "the sign-ins of a customer");
  assert.equal(await dialog.getByRole("button", { name: /^End 127\.0\.0\.1/ }).count(), 3);
  await dialog.getByRole("button", { name: `End 127.0.0.1 ${session}` }).click();
  await dialog.getByRole("button", { name: `End 127.0.0.1 ${session}` }).waitFor({ state: "detached" });
  assert.ok((await sessions()).every(({ id }) => id !== session));
  await dialog.getByRole("button", { name: "End all" }).click();
  await dialog.getByText("This customer is signed in nowhere.").waitFor();
  assert.deepEqual(await sessions(), []);
  await dialog.getByRole("button", { name: "Remove Phone" }).click();
  await dialog.getByText("This customer has no passkey.").waitFor();
  assert.equal((await signIn()).status, 401);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, viewer } from "./authority.fixture.ts";
import { assertAccessible, startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, owner, signIn } from "./console.fixture.ts";
import { eventually } from "./messages.fixture.ts";
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
await ours.member(viewer);
const application = await ours.application();
const fan = await ours.device(application.id, { name: "Fan 1", tags: { floor: "3" } });
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
  await page.getByText("2 live streams. Nothing is connected with it any more.").waitFor();
  for (const one of [stream, second]) await closedWithin(one, from, 5_000);
  assert.equal(await page.getByRole("button", { name: "Revoke" }).getAttribute("aria-disabled"), "true");

  await page.goto(`${url}/o/${org}/devices/${device.id}/access`);
  await page.getByRole("button", { name: `Revoke ${id}` }).click();
  await dialog.getByText("Connected now, and cut off: 1 MQTT connection.").waitFor();
  await dialog.getByText("One device is behind that:").waitFor();
  await dialog.getByRole("link", { name: "Pump 1" }).waitFor();
  await dialog.getByLabel("Type “Pump 1” to confirm").fill("Pump 1");
  const fromThen = performance.now();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("1 MQTT connection. Nothing is connected with it any more.").waitFor();
  await closedWithin(pump, fromThen, 10_000);
});

test("what shows a secret asks who is there again, by keyboard, and then does what was asked; who does not say so loses nothing", async (t) => {
  const { page, context, complaints } = await visit(browser);
  t.after(() => context.close());
  await page.goto(`${url}/o/${org}/access/people`);
  await signIn(page);
  await page.getByRole("button", { name: "Invite somebody" }).click();
  const [invite, again] = ["Invite somebody", "Who are you again?"].map((name) => page.getByRole("dialog", { name }));
  assert.ok(invite && again);
  clock.move(11 * 60_000);
  await invite.getByLabel("E-mail").fill("ada@example.com");
  await page.keyboard.press("Enter");
  await again.waitFor();
  await assertAccessible(page, "who are you again");
  const focused = again.locator("input[type=password]:focus"); // which it is a moment after it is there
  await focused.waitFor();
  await page.keyboard.type("not the password");
  await page.keyboard.press("Enter");
  await again.getByText("That does not prove who you are.").waitFor();
  await page.keyboard.press("Escape");
  await again.waitFor({ state: "hidden" });
  await invite.getByText("You did not confirm who you are, so nothing was done.").waitFor();
  assert.equal(await invite.getByLabel("E-mail").inputValue(), "ada@example.com");

  await invite.getByRole("button", { name: "Make the link" }).click();
  await focused.waitFor();
  await page.keyboard.type(owner.password);
  await page.keyboard.press("Enter");
  await again.waitFor({ state: "hidden" });
  await invite.getByText("/#invitation=").waitFor();
  assert.ok(
    complaints.every((text) => /status of 40[13]/.test(text)),
    complaints.join("; "),
  );
});

const hour = 3_600_000;
const ended = (page: Page) => page.getByText("Your session has ended. Sign in to go on where you were.");

test("when the platform's clock says that the session is over, the open page does, and the way back leads to the same list", async (t) => {
  const { page, context } = await visit(browser, { isMovable: true });
  t.after(() => context.close());
  const list = `${url}/o/${org}/devices?q=tag%3Afloor%3D3`;
  await page.goto(list);
  await signIn(page);
  await page.getByRole("link", { name: "Fan 1" }).waitFor();
  for (const late of [2 * hour, 12 * hour]) {
    clock.move(late);
    await page.clock.fastForward(5_000); // until the list asks again
    await ended(page).waitFor();
    assert.equal(await page.getByText("Fan 1").count(), 0, "nothing of hers stays on the screen");
    await signIn(page);
    await page.getByRole("link", { name: "Fan 1" }).waitFor();
    assert.equal(page.url(), list);
    assert.equal(await page.getByLabel("Filter").inputValue(), "tag:floor=3");
  }
});

test("a page on which nothing happens notices the end too, and what was typed there is typed again for whoever typed it", async (t) => {
  const { page, context } = await visit(browser, { isMovable: true });
  t.after(() => context.close());
  const name = page.getByRole("textbox", { name: "Name", exact: true });
  const adding = `${url}/o/${org}/devices/add`;
  const typedAgain = (text: string) =>
    eventually(
      async () => (await name.inputValue()) === text, // a moment after the field is there
      () => `${text} is not there again`,
    );
  await page.goto(adding);
  await signIn(page);
  await name.fill("Pump 7");
  clock.move(2 * hour);
  await page.clock.fastForward(15_000); // until the page asks again
  await ended(page).waitFor();
  await signIn(page);
  assert.equal(page.url(), adding);
  await typedAgain("Pump 7");

  // Whoever sends it before the page has noticed loses nothing either.
  clock.move(12 * hour);
  await page.getByRole("button", { name: "Add a device" }).click();
  await ended(page).waitFor();
  await signIn(page, viewer);
  await page.getByRole("heading", { name: "Add a device" }).waitFor();
  assert.equal(await name.inputValue(), "", "another person is not shown it");

  await name.fill("Pump 8");
  clock.move(12 * hour);
  await page.getByRole("button", { name: "Add a device" }).click();
  await ended(page).waitFor();
  await signIn(page, viewer);
  await page.getByRole("heading", { name: "Add a device" }).waitFor();
  await typedAgain("Pump 8");
});

test("Live says that the session is over, and goes on behind the sign-in", async (t) => {
  const { id, key } = fan;
  const { page, context } = await visit(browser);
  t.after(() => context.close());
  await page.goto(`${url}/o/${org}/devices/${id}/live`);
  await signIn(page);
  await page.getByText("Live", { exact: true }).last().waitFor();
  clock.move(12 * hour);
  await ended(page).waitFor();
  await signIn(page);
  await page.getByText("Live", { exact: true }).last().waitFor();
  await platform.visitor.as(textOf(key)).post("/v1/me/telemetry", { temperature: 21.5 });
  await page.getByText("temperature = 21.5").waitFor();
});

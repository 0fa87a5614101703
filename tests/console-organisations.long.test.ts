import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { selfSigned } from "@holdfast/client/testing";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device } from "./authority.fixture.ts";
import { assertAccessible, startBrowser, type Looks } from "./browser.fixture.ts";
import { buildConsole, Entrance, follow, holdSession, owner } from "./console.fixture.ts";

// How an organisation ends, is left and is stopped in the browser, and the place of whoever administers the instance.
buildConsole();
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { url } = platform.platform;
const { visitor } = platform;
const first = new Owner(visitor, await platform.setUp());
const second = new Owner(visitor, await platform.setUp());
const third = new Owner(visitor, await platform.setUp());
await third.asks.patch("/v1/org", { name: "Third" });
const ada = { email: "ada@example.com", password: owner.password };
await first.member(ada, "viewer");
await second.member(ada, "owner");
await third.member(ada, "developer");

const entrance = new Entrance(browser, platform);
const at = async (t: TestContext, where: string, who = owner, looks: Looks = {}) =>
  entrance.at(t, `${url}${where}`, { who, ...looks });
const confirm = async (page: Page, typed: string, button: string) => {
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill(typed);
  await dialog.getByRole("button", { name: button, exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
};
const shoot = (page: Page, name: string) =>
  process.env["SHOTS"] ? page.screenshot({ path: `${process.env["SHOTS"]}/${name}.png`, fullPage: true }) : undefined;

test("a member is suspended, told why her organisation does not open, and let in again", async (t) => {
  const { page: hers } = await at(t, `/o/${first.org}/devices`, ada);
  await hers.getByRole("heading", { name: "Devices" }).waitFor();
  const release = await holdSession(hers); // else it may be barred before she asks for anything
  const { page } = await at(t, `/o/${first.org}/access/people`);
  await page.getByRole("button", { name: `Suspend ${ada.email}` }).click();
  await assertAccessible(page, "suspending somebody");
  await confirm(page, ada.email, "Suspend");
  const members = page.getByRole("region", { name: "Members" });
  await members.getByText("suspended").waitFor();
  await shoot(page, "members");
  await hers.getByRole("link", { name: "Products" }).click();
  await hers.getByRole("alert").getByText("member.suspended").waitFor();
  release();
  await hers.reload();
  await hers.getByRole("heading", { name: "First does not let you in" }).waitFor();
  await hers.getByText("Whoever may remove members there can let you in again").waitFor();
  const options = await hers.getByLabel("Organisation", { exact: true }).locator("option").allInnerTexts();
  assert.deepEqual(options.toSorted(), ["Another", "First (does not let you in)", "Third"]);
  await shoot(hers, "suspended");
  await members.getByRole("button", { name: `Let in again ${ada.email}` }).click();
  await members.getByRole("button", { name: `Suspend ${ada.email}` }).waitFor();
});

test("an invitation is made for as long as is chosen, and a new link replaces the one before", async (t) => {
  clock.move(Math.max(0, systemClock.now() - clock.now())); // the page tells how long it is by its machine's
  const { page } = await at(t, `/o/${first.org}/access/people`);
  await page.getByRole("button", { name: "Invite somebody" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail").fill("bob@example.com");
  await dialog.getByLabel("The link works for").selectOption("an hour");
  await dialog.getByRole("button", { name: "Make the link" }).click();
  const before = await dialog.getByLabel("The link", { exact: true }).innerText();
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  const open = page.getByRole("region", { name: "Open invitations" });
  await open.getByText(/in (59|60) min|in 1 h/).waitFor();
  await page.getByRole("button", { name: "New link bob@example.com" }).click();
  assert.equal(await dialog.getByLabel("E-mail").inputValue(), "bob@example.com");
  await assertAccessible(page, "a new link");
  await dialog.getByRole("button", { name: "Make the link" }).click();
  const after = await dialog.getByLabel("The link", { exact: true }).innerText();
  assert.notEqual(after, before);
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await open.getByText(/in [67] d/).waitFor();
  assert.equal(await open.getByText("bob@example.com").count(), 1);
});

test("an owner deletes her organisation by its name, by keys alone, and calls it off where its pages were", async (t) => {
  const { page } = await at(t, `/o/${second.org}/settings`, ada);
  await page.getByRole("button", { name: "Delete the organisation" }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").waitFor();
  await assertAccessible(page, "deleting an organisation");
  await page.keyboard.type("Anothe");
  await page.keyboard.press("Enter");
  assert.ok(await dialog.isVisible(), "another name deletes nothing");
  await page.keyboard.type("r");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Another is being deleted" }).waitFor();
  assert.equal(await page.getByRole("navigation", { name: "Places of this organisation" }).count(), 0);
  await assertAccessible(page, "an organisation that is being deleted");
  await shoot(page, "ending");
  const { page: other } = await at(t, `/o/${second.org}`);
  await other.getByRole("heading", { name: "Another is being deleted" }).waitFor();
  await page.getByRole("button", { name: "Call it off" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  assert.equal((await second.asks.get<{ endsAt?: string }>("/v1/org")).endsAt, undefined);
});

test("somebody leaves an organisation in her account", async (t) => {
  const { page } = await at(t, "/account/organisations", ada);
  await page.getByText("You are developer.").waitFor();
  await assertAccessible(page, "her organisations");
  await shoot(page, "account-organisations");
  await page.getByRole("button", { name: "Leave Third" }).click();
  await confirm(page, "Third", "Leave");
  await page.getByText("You are developer.").waitFor({ state: "hidden" });
  const { items } = await third.asks.get<{ items: { email: string }[] }>("/v1/members");
  assert.deepEqual(
    items.map(({ email }) => email),
    [owner.email],
  );
});

test("the administrator of the instance has a place that shows sizes and no names, and stops and lets go on from there", async (t) => {
  const { page, complaints } = await at(t, `/o/${first.org}`);
  await page.getByRole("button", { name: /^You are / }).click();
  await page.getByRole("link", { name: "This instance" }).click();
  const table = page.getByRole("table", { name: "Organisations" });
  await table.getByText(third.org).waitFor();
  for (const name of ["First", "Another", "Third"]) assert.ok(!(await table.innerText()).includes(name), name);
  await assertAccessible(page, "the instance");
  await page.getByRole("button", { name: `Suspend ${third.org}` }).click();
  await confirm(page, third.org, "Suspend");
  await table.getByText("suspended").waitFor();
  await page.getByRole("button", { name: `Delete ${second.org}` }).click();
  await confirm(page, second.org, "Delete");
  await table.getByText("being deleted").waitFor();
  await shoot(page, "instance");
  await page.getByRole("button", { name: `Resume ${third.org}` }).click();
  await page.getByRole("button", { name: `Call off ${second.org}` }).click();
  await table.getByText("being deleted").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Make an organisation" }).click();
  await page.getByLabel("What it is called").fill("Fourth");
  await page.getByRole("dialog").getByRole("button", { name: "Make an organisation" }).click();
  await page.getByRole("row").nth(4).waitFor();

  await page.getByRole("link", { name: "People" }).click();
  await page.getByRole("table", { name: "People of this instance" }).getByText(ada.email).waitFor();
  await assertAccessible(page, "people of the instance");
  await page.getByRole("button", { name: `Make administrator ${ada.email}` }).click();
  await confirm(page, ada.email, "Make administrator");
  await page.getByRole("button", { name: `End ${ada.email}` }).waitFor();
  await shoot(page, "instance-people");
  await page.getByRole("button", { name: `End ${ada.email}` }).click();
  await confirm(page, ada.email, "End");
  await page.getByRole("button", { name: `Make administrator ${ada.email}` }).waitFor();
  await page.getByRole("button", { name: `End ${owner.email}` }).click();
  await page.getByRole("dialog").getByRole("textbox").fill(owner.email);
  await page.getByRole("dialog").getByRole("button", { name: "End", exact: true }).click();
  await page.getByRole("alert").getByText("administrator.last").waitFor();
  assert.deepEqual(
    complaints.filter((text) => !text.includes("409")),
    [],
  );

  const { page: hers } = await at(t, "/instance", ada);
  await hers.getByText("You administer this instance in none of the organisations").waitFor();
});

test("these places are readable in both themes, and fit 360 pixels", async (t) => {
  const paths = [
    "/instance",
    "/instance/people",
    "/instance/roots",
    "/account/organisations",
    ...["access/people", "devices/roots"].map((place) => `/o/${first.org}/${place}`),
  ];
  for (const width of [1440, 360]) {
    const { page } = await at(t, "/account", owner, { width });
    for (const path of paths) {
      await follow(page, path);
      await page.waitForURL(`${url}${path}`);
      await page.getByRole("main").getByRole("button").first().waitFor();
      for (const scheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor({ state: "attached" });
        await assertAccessible(page, `${path} ${scheme} ${width}`, scheme === "dark" ? "colours" : "all");
        await shoot(page, `${path.replaceAll(/\W+/g, "-")}-${scheme}-${width}`.replace(first.org, "org"));
      }
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
      assert.ok(wide <= width, `${path} is ${wide} wide at ${width}`);
    }
  }
});

// The last one: afterwards this file's own clients do not trust the platform any more.
test("who would be cut off by another root is seen device by device, and the switch is for good and asks for their number", async (t) => {
  const { page } = await at(t, `/o/${first.org}/devices`);
  await page.getByRole("link", { name: "Roots", exact: true }).click();
  await page.getByText("Every device that has to trusts it").waitFor();
  const { roots } = await first.asks.get<{ roots: { state: string; sha256: string }[] }>("/v1/instance/roots");
  const [current = "", coming = "", spare = ""] = roots.map(({ sha256 }) => sha256);
  const table = page.getByRole("table", { name: "Roots that devices trust" });
  assert.match(await table.getByRole("row", { name: /^coming/ }).innerText(), new RegExp(coming));
  const take = table.getByRole("link", { name: "Download coming" });
  const [download] = await Promise.all([page.waitForEvent("download"), take.click()]);
  assert.equal(new X509Certificate(readFileSync(await download.path())).fingerprint256, coming);

  const application = await first.application();
  const [old, ready, silent] = [
    await first.device(application.id, { name: "Old" }),
    await first.device(application.id, { name: "Ready" }),
    await first.device(application.id, { name: "Silent" }),
  ];
  const says = (device: Device, ...trusted: string[]) =>
    visitor.as(textOf(device.key)).put("/v1/me/roots", { roots: trusted });
  await says(old, current, "AB".repeat(32));
  await says(ready, current, coming);
  await page.reload();
  const report = page.getByRole("table", { name: "Who would be cut off" });
  await report.getByRole("row", { name: /Old.*does not trust it.*current, another one/s }).waitFor();
  await report.getByRole("row", { name: /Silent.*has not said.*never/s }).waitFor();
  assert.equal(await report.getByRole("row").count(), 3, "the one that trusts it is not among them");
  await assertAccessible(page, "who would be cut off");
  await shoot(page, "device-roots");
  await page.getByLabel("Show", { exact: true }).selectOption("does not trust it");
  await report.getByRole("row", { name: /Silent/ }).waitFor({ state: "detached" });
  assert.match(page.url(), /roots\?q=behind$/, "what is shown can be sent to somebody");
  await page.getByText("the spare", { exact: true }).click();
  await report.getByRole("row", { name: /Ready.*does not trust it/s }).waitFor();
  await report.getByRole("link", { name: "Old" }).click();
  await page.getByRole("heading", { name: "Old", level: 1 }).waitFor();

  const { page: hers } = await at(t, `/o/${third.org}/devices/roots`);
  await hers.getByText("Every device that has to trusts it").waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search in this organisation" }).fill("roots");
  await page.getByRole("option", { name: "Roots that devices trust" }).click();
  await page.getByRole("link", { name: "Go over to another root" }).click();
  const go = page.getByRole("button", { name: "Go over to the coming root" });
  await go.click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("2 devices would or may be cut off").waitFor();
  await assertAccessible(page, "going over to another root");
  await shoot(page, "going-over");
  await says(silent, coming, spare);
  await dialog.getByRole("textbox").fill("cut off 2");
  await dialog.getByRole("button", { name: "Go over to the coming root" }).click();
  await dialog.getByText("roots.cutOff").waitFor();
  await dialog.getByText("one device would or may be cut off").waitFor();
  await dialog.getByRole("textbox").fill("cut off 1");
  await dialog.getByRole("button", { name: "Go over to the coming root" }).click();
  const done = page.getByRole("status").filter({ hasText: "The platform went over to another root" });
  await done.getByText(coming).waitFor();
  await table
    .getByRole("row", { name: /^current/ })
    .getByText(coming)
    .waitFor();
  assert.equal(await table.getByText(current).count(), 0, "the old one is in no list any more");
  await assertAccessible(page, "after going over");
});

test("where the certificate is from files both places of roots say whose they are, and offer nothing", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const shown = selfSigned();
  const [tlsCert, tlsKey] = [path.join(folder, "cert.pem"), path.join(folder, "key.pem")];
  writeFileSync(tlsCert, shown.cert);
  writeFileSync(tlsKey, shown.key, { mode: 0o600 });
  const theirs = await startTestPlatform({ config: { tlsCert, tlsKey } });
  t.after(() => theirs.close());
  const { org } = await theirs.setUp();
  const door = new Entrance(browser, theirs);
  for (const where of [`/o/${org}/devices/roots`, "/instance/roots"]) {
    const { page } = await door.at(t, `${theirs.platform.url}${where}`);
    await page.getByText("This platform shows a certificate from files").first().waitFor();
    assert.equal(await page.getByRole("button", { name: /^Go over/ }).count(), 0, where);
    assert.equal(await page.getByLabel("Show", { exact: true }).count(), 0, where);
    await assertAccessible(page, `${where} with a certificate from files`);
  }
});

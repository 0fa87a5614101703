import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, type Role } from "./authority.fixture.ts";
import { startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";

// How somebody makes a role in the browser, gives it, changes it with open eyes, and ends it.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const ours = new Owner(platform.visitor, await platform.setUp());
const entrance = new Entrance(browser, platform);
const application = await ours.application("Houses");
const bob = { email: "bob@example.com", password: "correct horse battery staple" };
const { person } = await ours.member(bob);

test("a role is made for one place, given to somebody, changed when it was seen for whom, and ended with another in its place", async (t) => {
  const base = `${platform.platform.url}/o/${ours.org}/access`;
  const { page } = await entrance.at(t, `${base}/roles`);
  await page.getByRole("link", { name: "operator" }).waitFor();
  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
  const dialog = page.getByRole("dialog");

  await press("Make a role");
  await press("Show what changes");
  await page.getByText("Tick at least one.").waitFor({ state: "hidden" }); // the browser asks for the name first
  await page.getByLabel("Name").fill("Night shift");
  await press("Show what changes");
  await page.getByText("Tick at least one.").waitFor();
  const first = page.getByRole("group", { name: "Place 1" });
  await first.getByLabel("Where").selectOption("In one application");
  await first.getByLabel("Application", { exact: false }).first().selectOption("Houses");
  await first.getByLabel("device.read").check();
  assert.equal(await first.getByLabel("audit.read").count(), 0, "what has no meaning there cannot be ticked");
  await press("Add another place");
  const second = page.getByRole("group", { name: "Place 2" });
  await second.getByLabel("Where").selectOption("Everywhere in the organisation");
  await second.getByLabel("org.read").check();
  await press("Show what changes");
  await dialog.getByText(`device.read:${application.id}`).waitFor();
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Night shift", level: 1 }).waitFor();
  await page.getByText("Nobody has it.").waitFor();
  const made = (await ours.asks.get<{ items: Role[] }>("/v1/roles")).items.find(({ name }) => name === "Night shift");
  assert.deepEqual(made?.grants, ["org.read", `device.read:${application.id}`]);

  await page.goto(`${base}/people`);
  await page.getByRole("button", { name: `Change the role ${bob.email}` }).click();
  await dialog.getByLabel(`The role of ${bob.email}`).selectOption("Night shift");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("region", { name: "Members" }).getByText("Night shift").waitFor();

  await page.goto(`${base}/roles/${made?.id}`);
  await page.getByText(bob.email).waitFor();
  const everywhere = page.getByRole("group", { name: "Place 1" });
  await everywhere.getByLabel("audit.read").check();
  await everywhere.getByLabel("org.read").uncheck();
  await press("Show what changes");
  await dialog.getByText(`${bob.email} gains audit.read and loses org.read.`).waitFor();
  // Somebody else is faster: what was seen is not what would be done.
  await ours.asks.patch(`/v1/roles/${made?.id}`, { description: "Changed meanwhile" });
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("request.conflict").waitFor();
  await page.reload();
  await page.getByRole("group", { name: "Place 1" }).getByLabel("audit.read").check();
  await press("Show what changes");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "hidden" });
  const held = (await ours.asks.get<Role>(`/v1/roles/${made?.id}`)).grants;
  assert.deepEqual(new Set(held), new Set(["org.read", "audit.read", `device.read:${application.id}`]));

  await press("End this role");
  await dialog.getByText("One member has it").waitFor();
  await dialog.getByLabel("What they are from now on").selectOption("operator");
  await dialog.getByRole("textbox").fill("Night shift");
  await dialog.getByRole("button", { name: "End this role" }).click();
  await page.getByRole("link", { name: "operator" }).waitFor();
  const { items } = await ours.asks.get<{ items: { person: string; role: string }[] }>("/v1/members");
  assert.equal(items.find((one) => one.person === person)?.role, "operator");
});

test("whoever may only look sees the roles, what each holds, and why nothing can be changed", async (t) => {
  const { page } = await entrance.at(t, `${platform.platform.url}/o/${ours.org}/access/roles`, { who: bob });
  const button = page.getByRole("button", { name: "Make a role" });
  assert.equal(await button.getAttribute("aria-description"), "Your role does not hold role.update.");
  await page.getByRole("link", { name: "owner", exact: true }).click();
  await page.getByText("simulation.end").waitFor();
  await page.getByText("owner@example.com").waitFor();
});

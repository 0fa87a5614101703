import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock, uuidOf, type Id } from "@holdfast/kernel";
import { asOwner, atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner } from "./authority.fixture.ts";
import { assertAccessible, startBrowser, type Looks } from "./browser.fixture.ts";
import { buildConsole, Entrance, owner } from "./console.fixture.ts";

// An organisation that was restored from a backup of which the keyring had not heard, in the browser. How it comes to that is in `backup.test.ts`.
buildConsole();
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
const before = await startTestPlatform({ clock, database });
const first = new Owner(before.visitor, await before.setUp());
const second = new Owner(before.visitor, await before.setUp());
await first.member({ email: "ada@example.com", password: owner.password }, "developer");
await first.device((await first.application()).id);
await before.close();
for (const { org } of [first, second])
  await asOwner(
    database.login,
    `insert into holdfast.unconfirmed (org, since) values ('${uuidOf(org as Id<"org">)}', ${clock.now()})`,
  );
const platform = await startTestPlatform({ clock, database });
const browser = await startBrowser();
atEnd.after(async () => {
  await browser.close();
  await platform.close();
  await database.drop();
});

const entrance = new Entrance(browser, platform);
const looks: readonly Looks[] = [
  { scheme: "light", width: 1440 },
  { scheme: "dark", width: 360 },
];

test("an owner is told what to look through, suspends who should not be there, and confirms; the other is confirmed from outside", async (t) => {
  const { url } = platform.platform;
  const shots = process.env["SHOTS"];
  for (const [index, look] of looks.entries()) {
    const { page } = await entrance.at(t, `${url}/o/${first.org}/devices`, { who: owner, ...look });
    await page.getByText("First was restored from a backup").waitFor();
    assert.equal(await page.getByRole("heading", { name: "Devices" }).count(), 0);
    if (shots) await page.screenshot({ path: `${shots}/unconfirmed-${index}.png`, fullPage: true });
    await assertAccessible(page, "a restored organisation");
  }
  const { page } = await entrance.at(t, `${url}/o/${first.org}`, { who: owner });
  await page.getByRole("main").getByRole("link", { name: "Credentials" }).click();
  await page.getByRole("button", { name: "Revoke" }).first().waitFor();
  await page.getByRole("alert").getByRole("link", { name: "People" }).click();
  await page.getByRole("button", { name: "Suspend ada@example.com" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill("ada@example.com");
  await dialog.getByRole("button", { name: "Suspend", exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
  if (shots) await page.screenshot({ path: `${shots}/unconfirmed-people.png`, fullPage: true });

  await page.getByRole("button", { name: "Confirm and open" }).click();
  await dialog.getByRole("textbox").fill("First");
  await dialog.getByRole("button", { name: "Confirm and open" }).click();
  await page.getByRole("link", { name: "Devices" }).click();
  await page.getByRole("heading", { name: "Devices" }).waitFor();
  assert.equal(await page.getByText("was restored from a backup").count(), 0);

  await page.goto(`${url}/instance`);
  await page.getByText("restored, not confirmed").waitFor();
  if (shots) await page.screenshot({ path: `${shots}/unconfirmed-instance.png`, fullPage: true });
  await page.getByRole("button", { name: `Confirm ${second.org}` }).click();
  await dialog.getByRole("textbox").fill(second.org);
  await dialog.getByRole("button", { name: "Confirm", exact: true }).click();
  await page.getByText("restored, not confirmed").waitFor({ state: "detached" });
});

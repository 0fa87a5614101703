import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { assertAccessible, startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";
import { Owner } from "./authority.fixture.ts";

// Credentials that are good only under conditions, made and looked at in the browser.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const entrance = new Entrance(browser, platform);
const adding = `${platform.platform.url}/o/${owner.org}/access/add`;

type Shown = { items: { name: string; kind: string; conditions?: object; grants: string[] }[] };
const named = async (name: string) =>
  (await owner.asks.get<Shown>("/v1/credentials?limit=1000")).items.find((one) => one.name === name);

test("a token is made with the conditions that were typed, and its page says them", async (t) => {
  const { page } = await entrance.at(t, adding);
  await page.getByLabel("Name").fill("office");
  await page.getByLabel("device.read", { exact: true }).check();
  await page.getByLabel("From these addresses").fill("192.0.2.0/24\n2001:db8::/32");
  await page.getByLabel("At these hours").fill("mornings");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("Write them like").waitFor();
  await page.getByLabel("At these hours").fill("mon-fri 08:00-18:00 Europe/Berlin");
  await page.getByLabel("So many times a minute").fill("60");
  await page.getByLabel("HTTPS").check();
  await assertAccessible(page, "the form, and what was made");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("button", { name: "I have kept it" }).click();
  for (const text of ["192.0.2.0/24, 2001:db8::/32", "mon-fri 08:00-18:00 Europe/Berlin", "60 a minute, 60 at once"])
    await page.getByText(text).waitFor();
  await assertAccessible(page, "the form, and what was made");
  assert.deepEqual((await named("office"))?.conditions, {
    addresses: ["192.0.2.0/24", "2001:db8::/32"],
    hours: [{ days: ["mon", "tue", "wed", "thu", "fri"], from: "08:00", to: "18:00", zone: "Europe/Berlin" }],
    rate: { perMinute: 60, burst: 60 },
    transports: ["https"],
  });
});

test("a publishable key asks for its origins and for nothing to tick, and a network of everybody is refused with a reason", async (t) => {
  const { page } = await entrance.at(t, adding);
  await page.getByLabel("Publishable key").check();
  await page.getByLabel("Name").fill("page");
  await page.getByLabel("Application", { exact: false }).last().selectOption(application.id);
  assert.equal(await page.getByLabel("device.read", { exact: true }).count(), 0);
  await page.getByLabel("From pages of these origins").fill("https://app.example");
  await page.getByLabel("From these addresses").fill("0.0.0.0/0");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("a network of everybody").waitFor();
  await page.getByLabel("From these addresses").fill("");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("hfp_").waitFor();
  const made = await named("page");
  assert.deepEqual([made?.kind, made?.grants], ["application", []]);
});

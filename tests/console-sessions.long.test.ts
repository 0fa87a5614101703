import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, viewer, type SignedIn } from "./authority.fixture.ts";
import { assertAccessible, startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, Entrance, owner, signIn } from "./console.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

// Where people are signed in, and for how long, as the console shows it.
buildConsole();
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const entrance = new Entrance(browser, platform);
const { visitor } = platform;
const ours = new Owner(visitor, await platform.setUp());
const theirs = new Owner(visitor, await platform.setUp());
await ours.member(viewer);
const { url } = platform.platform;
const minute = 60_000;
const shoot = (page: Page, name: string) =>
  process.env["SHOTS"] ? page.screenshot({ path: `${process.env["SHOTS"]}/${name}.png`, fullPage: true }) : undefined;
const looks = [
  ["light", 1440],
  ["dark", 1440],
  ["light", 360],
  ["dark", 360],
] as const;

async function elsewhere(agent: string, who = owner): Promise<CookieBrowser> {
  clock.move(2_000);
  const other = new CookieBrowser(platform);
  other.org = ours.org;
  await other.good<SignedIn>("POST", "/v1/sessions", who, { "user-agent": agent });
  await other.good("GET", "/v1/org");
  return other;
}
const firefox = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0";
const safari =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/604.1";

test("[V7.5.2] somebody sees where she is signed in, and ends one session and all others, by keyboard", async (t) => {
  const { page, complaints } = await entrance.at(t, `${url}/account/sessions`);
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  clock.move(2 * 3_600_000 - 5 * minute);
  const [one, two] = [await elsewhere(firefox), await elsewhere(safari)];
  await page.reload();
  const card = (name: string) => page.getByRole("region", { name });
  await card("Firefox on Windows").waitFor();
  await card("Firefox on Windows").getByText("from 127.0.0.1").waitFor();
  assert.equal(await card("Safari on iOS").getByText("First time with this browser").count(), 1);
  const current = page.getByText("The one you are using");
  assert.equal(await current.count(), 1);
  await assertAccessible(page, "sessions");
  for (const [scheme, width] of looks) {
    const look = await entrance.at(t, `${url}/account/sessions`, { scheme, width });
    await look.page.getByRole("region", { name: "Safari on iOS" }).waitFor();
    await assertAccessible(look.page, `sessions, ${scheme} ${width}`, "colours");
    await shoot(look.page, `sessions-${scheme}-${width}`);
  }
  await page.getByRole("button", { name: "End Safari on iOS" }).focus();
  await page.keyboard.press("Enter");
  const again = page.getByRole("dialog", { name: "Who are you again?" });
  await again.waitFor();
  for (const [scheme, width] of [
    ["light", 1440],
    ["dark", 360],
  ] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await shoot(page, `confirmation-${scheme}-${width}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await again.getByLabel("Your password").fill(owner.password);
  await page.keyboard.press("Enter");
  await card("Safari on iOS").waitFor({ state: "hidden" });
  assert.equal((await two.send("GET", "/v1/org")).status, 401);
  await elsewhere(safari);
  await page.reload();
  await page.getByRole("button", { name: "End all others" }).click();
  await page.getByRole("dialog").getByText("sessions end at once").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "End all others" }).click();
  await card("Firefox on Windows").waitFor({ state: "hidden" });
  assert.equal((await one.send("GET", "/v1/org")).status, 401);
  await current.waitFor();
  assert.ok(
    complaints.every((text) => /status of 403/.test(text)),
    complaints.join("; "),
  );
});

test("an organisation says how long people stay signed in; then its open page says that it is over and comes back, and another organisation's goes on", async (t) => {
  const { page } = await visit(browser, { isMovable: true }).then((it) => {
    t.after(() => it.context.close());
    return it;
  });
  clock.move(2_000);
  await page.goto(`${url}/o/${ours.org}/settings/security`);
  await signIn(page);
  const limits = page.getByRole("group", { name: "At the longest" });
  assert.deepEqual(
    [await limits.getByLabel("Hours").inputValue(), await limits.getByLabel("Minutes").inputValue()],
    ["12", "0"],
  );
  await limits.getByLabel("Hours").fill("0");
  await limits.getByLabel("Minutes").fill("10");
  const save = page.locator("form", { has: limits }).getByRole("button", { name: "Save" });
  await save.click();
  await page.getByText("From 15 minutes to 48 hours.").waitFor();
  await limits.getByLabel("Minutes").fill("20");
  for (const [scheme, width] of looks) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await limits.scrollIntoViewIfNeeded();
    await shoot(page, `limits-${scheme}-${width}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await assertAccessible(page, "limits of sessions");
  await save.click();
  await page.locator("form", { has: limits }).locator('button[aria-disabled="true"]').waitFor();

  const list = `${url}/o/${ours.org}/devices?q=tag%3Afloor%3D3`;
  await page.goto(list);
  await page.getByRole("heading", { name: "Devices" }).waitFor();
  const other = await page.context().newPage();
  await other.goto(`${url}/o/${theirs.org}/devices`);
  await other.getByRole("heading", { name: "Devices" }).waitFor();
  clock.move(20 * minute);
  await page.clock.fastForward(15_000); // until the page asks again
  await page.getByText("Your session has ended. Sign in to go on where you were.").waitFor();
  await other.getByRole("link", { name: "Products" }).click();
  await other.getByRole("heading", { name: "Products" }).waitFor();
  await other.getByLabel("Organisation", { exact: true }).selectOption(ours.org);
  await other.getByText("Your session has ended. Sign in to go on where you were.").waitFor();
  await signIn(page);
  await page.getByRole("heading", { name: "Devices" }).waitFor();
  assert.equal(page.url(), list);
});

test("[V7.4.5] whoever looks after an organisation sees where a member is signed in, and ends it", async (t) => {
  const hers = await elsewhere(firefox, viewer);
  const { page } = await visit(browser);
  t.after(() => page.context().close());
  clock.move(2_000);
  await page.goto(`${url}/o/${ours.org}/access/people`);
  await signIn(page);
  await page.getByRole("button", { name: `Show sessions of ${viewer.email}` }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Firefox on Windows, from 127.0.0.1").waitFor();
  await assertAccessible(page, "a member's sessions");
  await shoot(page, "member-sessions");
  await dialog.getByRole("button", { name: "End Firefox on Windows" }).click();
  await dialog.getByText("Nowhere at this moment.").waitFor();
  assert.equal((await hers.send("GET", "/v1/org")).status, 401);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Page } from "playwright-core";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock, type TestPlatform } from "../apps/server/src/testing/index.ts";
import { assertAccessible, startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, follow, owner } from "./console.fixture.ts";

// The simulated fleet as a newcomer meets it in her browser; what it is and leaves behind is tried in simulation.test.ts.
buildConsole();
const browser = await startBrowser();
atEnd.after(() => browser.close());

/** The set-up page, when it knows what it may offer. */
async function atSetUp(page: Page, { platform }: TestPlatform): Promise<void> {
  let link = "";
  await platform.watchSetup((told) => (link = told ?? ""));
  const offers = page.waitForResponse((answer) => new URL(answer.url()).pathname === "/v1/setup");
  await page.goto(link);
  await offers;
  await page.getByLabel("Your e-mail").fill(owner.email);
  await page.getByLabel("A password").fill(owner.password);
  await page.getByLabel("The password again").fill(owner.password);
  await page.getByLabel("Name of your organisation").fill("Greenhouses");
}

async function setUp(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Set up" }).click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
}

const fleetBox = (page: Page) => page.getByRole("checkbox", { name: "Also start a simulated fleet" });
const switcher = (page: Page) => page.getByLabel("Organisation", { exact: true });
const mark = (page: Page) =>
  page.getByRole("note").filter({ hasText: "Everything in this organisation is simulated." });
const toFleet = (page: Page) => page.getByRole("link", { name: "Or look at the simulated fleet" });

test("a fleet that was asked for at set-up is seen at once, is marked on every page, moves, and is gone by one button", async (t) => {
  const clock = new TestClock(systemClock.now());
  const platform = await startTestPlatform({ clock, timers: clock });
  clock.move(10_000); // beyond what the database has seen, which was made a moment ago
  // Time goes on for both, and is moved besides.
  const going = setInterval(() => clock.move(50), 50);
  t.after(async () => {
    clearInterval(going);
    await platform.close();
  });
  const { page, context, complaints } = await visit(browser, { isMovable: true });
  t.after(() => context.close());
  /** Until it comes to that, a second at a time: a minute, and longer where all that it begins takes longer. */
  const passUntil = async (holds: () => Promise<boolean>) => {
    const late = performance.now() + 30_000;
    for (let seconds = 0; !(await holds()); seconds++) {
      assert.ok(seconds < 60 || performance.now() < late, "it did not come to that in a minute");
      clock.move(1_000);
      await page.clock.fastForward(1_000);
      await wait(50); // for what that began
    }
  };
  await atSetUp(page, platform);
  await page.clock.fastForward(10_000);
  assert.ok(await fleetBox(page).isChecked());
  await setUp(page);
  const own = page.url();
  await page.getByText("There is no device yet.").waitFor();
  assert.equal(await mark(page).count(), 0, "her own organisation is real");
  complaints.length = 0; // nobody was signed in: the browser tells of the 401 that said so

  await toFleet(page).click();
  await mark(page).waitFor();
  const at = page.url();
  assert.notEqual(at, own);
  assert.equal(await switcher(page).locator("option:checked").innerText(), "Simulated fleet");
  // Two of the twelve speak HTTPS, where there is no connection that could be online.
  await passUntil(() => page.getByRole("link", { name: "10 online" }).isVisible());
  await page.getByRole("link", { name: "2 offline" }).waitFor();
  await page.setViewportSize({ width: 360, height: 900 });
  for (const [path, heading] of [
    ["/devices", "Devices"],
    ["/devices/add", "Add a device"],
    ["/devices/import", "Add devices from a file"],
    ["/products", "Products"],
    ["/access", "Access"],
    ["/access/add", "Make a credential"],
    ["/audit", "Audit"],
    ["/settings", "Settings"],
    ["/settings/security", "Security"],
  ] as const) {
    await follow(page, `${at}${path}`);
    await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
    assert.ok(await mark(page).isVisible(), path);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await follow(page, `${at}/products`);
  for (const name of ["Cold-room sensor", "Pump", "Energy meter"])
    await page.getByRole("link", { name, exact: true }).waitFor();

  await follow(page, `${at}/devices?q=pump`);
  await page.getByRole("link", { name: "Well pump" }).click();
  await page.getByRole("heading", { name: "Well pump", level: 1 }).waitFor();
  await page.getByRole("link", { name: "Live" }).click();
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  await passUntil(() => page.getByRole("listitem").filter({ hasText: "pressure = " }).first().isVisible());
  assert.ok(await mark(page).isVisible());
  await page.getByRole("link", { name: "Telemetry" }).click();
  await page.getByRole("img", { name: /pressure.* over time/ }).waitFor();
  const newest = () => page.getByRole("region", { name: "The same as numbers" }).getByRole("cell").first().innerText();
  const picture = () => page.evaluate<string>('document.querySelector("canvas").toDataURL()');
  const before = { newest: await newest(), picture: await picture() };
  await passUntil(async () => (await newest()) > before.newest && (await picture()) !== before.picture);
  assert.ok(await mark(page).isVisible());

  await mark(page).getByRole("link", { name: "Remove it in the settings" }).click();
  await page.getByText("this organisation is erased with everything in it").waitFor();
  await assertAccessible(page, "the settings of the fleet");
  assert.deepEqual(complaints, []);
  await page.getByRole("button", { name: "Remove the simulated fleet" }).click();
  await page.waitForURL(own);
  await page.getByText("There is no device yet.").waitFor();
  assert.equal(await toFleet(page).count(), 0);
  assert.equal(await switcher(page).count(), 0, "there is nowhere else to go");
  assert.equal(await mark(page).count(), 0);
  await page.goto(at);
  await page.waitForURL(own);
  // The browser tells of what was asked while it went, and is not there any more.
  assert.deepEqual(
    complaints.filter((text) => !/status of 404 .*\/v1\//.test(text)),
    [],
  );
});

test("a platform that offers no fleet does not speak of one", async (t) => {
  const platform = await startTestPlatform({ config: { offersDemo: false } });
  t.after(() => platform.close());
  const { page, context } = await visit(browser);
  t.after(() => context.close());
  await atSetUp(page, platform);
  assert.equal(await fleetBox(page).count(), 0);
  await setUp(page);
  await page.getByText("There is no device yet.").waitFor();
  assert.equal(await toFleet(page).count(), 0);
  assert.equal(await switcher(page).count(), 0);
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
  assert.equal(await mark(page).count(), 0);
  assert.equal(await page.getByRole("button", { name: /simulated fleet/ }).count(), 0);
});

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { assertAccessible, startBrowser, type Looks } from "./browser.fixture.ts";
import { buildConsole, Entrance, Line, owner, signIn } from "./console.fixture.ts";

// Finding anything, and doing anything, from anywhere.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const line = await Line.to(platform.platform.url, atEnd);
const { org, token } = await platform.setUp();
const me = platform.visitor.as(token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Houses" });
const product = await me.post<{ id: string }>("/v1/products", { name: "Pump of the north" });
type Made = { id: string; key: { id: string } };
const make = (name: string, more: object = {}) =>
  me.post<Made>("/v1/devices", { application: application.id, name, ...more });
const pump = await make("Pump 1", { alias: "boiler-7", tags: { floor: "3" } });
for (let n = 2; n <= 10; n++) await make(`Pump ${n}`);
const report = await me.post<{ id: string }>("/v1/tokens", { name: "Report", grants: ["device.read"] });
const viewer = { email: "viewer@example.com", password: owner.password };
const { link } = await me.post<{ link: string }>("/v1/invitations", { email: viewer.email, role: "viewer" });
await platform.visitor.post("/v1/invitations/accept", { secret: link.split("=").at(-1), ...viewer });

const entrance = new Entrance(browser, platform);
async function enter(t: TestContext, looks: Looks = {}): Promise<Page> {
  const { page } = await entrance.at(t, `${line.url}/o/${org}`, looks);
  await page.getByRole("button", { name: "Search" }).waitFor(); // keys are heard from then on
  return page;
}

const field = (page: Page) => page.getByRole("combobox", { name: "Search in this organisation" });
const option = (page: Page, name: string | RegExp) => page.getByRole("option", { name });

async function openSearch(page: Page, text = ""): Promise<void> {
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.keyboard.press("Control+k");
  await field(page).waitFor();
  await page.keyboard.type(text);
}

/** What Enter would choose, as a screen reader is told. */
const active = (page: Page): Promise<string> =>
  page.evaluate<string>(`(() => {
    const field = document.activeElement;
    const one = document.getElementById(field.getAttribute("aria-activedescendant"));
    if (field.getAttribute("role") !== "combobox" || one.closest("[role=listbox]").id !== field.getAttribute("aria-controls")) return "";
    const selected = [...document.querySelectorAll("[aria-selected=true]")];
    return selected.length === 1 && selected[0] === one ? one.firstElementChild.textContent : "";
  })()`);

async function isActive(page: Page, name: string): Promise<void> {
  await page.locator("[role=option][aria-selected=true]", { hasText: name }).waitFor();
  assert.equal(await active(page), name);
}

test("by keys alone a device is found by its name, alias, tag and id, and its page opens", async (t) => {
  const page = await enter(t);
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  for (const text of ["pump 1", "boiler", "floor=3", pump.id]) {
    await openSearch(page, text);
    await option(page, /^Pump 1/)
      .first()
      .waitFor();
    await isActive(page, "Pump 1");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Pump 1", level: 1 }).waitFor();
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    assert.equal(new URL(page.url()).pathname, `/o/${org}/devices/${pump.id}`);
    await page.goBack();
  }
  assert.equal(fetched.filter((url) => url.includes("/assets/search-")).length, 1, "fetched when it was first wanted");

  await openSearch(page);
  await isActive(page, "Pump 1"); // opened last
  await page.keyboard.type("pump");
  await option(page, "All 10 in the list").waitFor();
  assert.equal(await option(page, /^Pump \d/).count(), 8);
  await page.keyboard.press("ArrowUp"); // from the first around to the last
  await isActive(page, "Pump of the north");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await isActive(page, "Pump 2");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });

  await openSearch(page, "pump");
  await option(page, "All 10 in the list").click();
  await page.waitForURL((url) => url.searchParams.get("q") === "pump");
});

test("a search that is refused or cut off says so, one that takes long for how long; over a secret it does not open", async (t) => {
  t.after(() => line.mend());
  const page = await enter(t, { isMovable: true });
  await openSearch(page, "product:none");
  const refused = page.getByRole("dialog").getByRole("alert");
  await refused.getByText("request.malformed").waitFor();
  await field(page).fill("");
  await refused.waitFor({ state: "hidden" });

  const release = line.hold();
  t.after(release);
  await field(page).fill("fan");
  await page.clock.fastForward(5_000);
  await page.getByText(/Still asking, for \d+ s …/).waitFor();
  release();
  await page.getByText("Nothing here is called that.").waitFor();

  line.cut();
  await field(page).fill("pump 1");
  await page.getByRole("alert").getByText("The platform does not answer. Check").first().waitFor();
  line.mend();
  await page.getByRole("dialog").getByRole("button", { name: "Try again" }).first().click();
  await option(page, /^Pump 1 /).waitFor();
  await page.keyboard.press("Escape");

  await page.goto(`${line.url}/o/${org}/devices/${pump.id}/access`);
  await page.getByRole("button", { name: "Make another key" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Make it" }).click();
  await page.getByText("cannot be shown again").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Tab");
  assert.equal(await page.getByRole("dialog").count(), 1);
  assert.equal(await field(page).count(), 0);
});

test("a page that comes only when somebody searches again takes no key from her", async (t) => {
  const page = await enter(t);
  const { promise: coming, resolve: come } = Promise.withResolvers<void>();
  await page.route(/\/v1\/applications/, async (route) => {
    await coming;
    await route.continue();
  });
  await openSearch(page, "add device");
  await isActive(page, "Add a device");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${line.url}/o/${org}/devices/add`);
  await openSearch(page, "make");
  come();
  const name = page.getByRole("textbox", { name: "Name", exact: true });
  await name.waitFor();
  await page.keyboard.type(" cred");
  await isActive(page, "Make a credential");
  assert.equal(await name.inputValue(), "");
});

// The last, because it signs out.
test("products, credentials and places are found; actions are done, or say why they may not", async (t) => {
  const page = await enter(t);
  for (const [text, path] of [
    ["north pump", `products/${product.id}`],
    ["report", `access/${report.id}`],
    [pump.key.id, `access/${pump.key.id}`],
    ["audit", "audit"],
    ["people", "access/people"],
    ["groups", "devices/groups"],
    ["add device", "devices/add"],
    ["make cred", "access/add"],
  ] as const) {
    await page.getByRole("button", { name: "Search" }).click();
    await field(page).fill(text);
    await page
      .getByText("1 found", { exact: true })
      .waitFor()
      .catch(async (cause: unknown) => {
        throw new Error(`${text}: ${await page.getByRole("dialog").innerText()}`, { cause });
      });
    await field(page).press("Enter");
    await page.waitForURL(`${line.url}/o/${org}/${path}`);
    await page.getByRole("dialog").waitFor({ state: "hidden" });
  }
  await openSearch(page, "dark");
  await isActive(page, "Use the dark theme");
  await page.keyboard.press("Enter");
  await page.locator("html[data-mantine-color-scheme=dark]").waitFor({ state: "attached" });
  await openSearch(page, "no such thing");
  await page.getByText("Nothing here is called that.").waitFor();
  await assertAccessible(page, "a search that found nothing");
  await page.keyboard.press("Escape");
  await openSearch(page, "sign out");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();

  await page.goto(`${line.url}/o/${org}`);
  await signIn(page, viewer);
  await openSearch(page, "add a device");
  const barred = option(page, "Add a device");
  await barred.getByText("Your role does not hold device.create.").waitFor();
  assert.equal(await barred.getAttribute("aria-disabled"), "true");
  await page.keyboard.press("Enter");
  await barred.waitFor();
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Page } from "playwright-core";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, owner } from "./console.fixture.ts";

// Everything by keys alone: nothing here clicks or fills; a key goes to whatever has the focus.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { org, token } = await platform.setUp();
const me = platform.visitor.as(token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Houses" });
for (const name of ["Pump 1", "Pump 2", "Fan 1"]) await me.post("/v1/devices", { application: application.id, name });

type Focus = { readonly name: string; readonly tag: string; readonly isSeen: boolean };
/** What has the focus, as whoever looks at the page would tell: which thing, and whether it can be seen that it has it. */
const focus = (page: Page): Promise<Focus> =>
  page.evaluate<Focus>(`(() => {
    const one = document.activeElement;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
    const field = one.closest(".mantine-Input-wrapper, .mantine-Checkbox-root, .mantine-Switch-root") ?? one;
    const ring = outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
    const border = one.matches("input, textarea, select") && getComputedStyle(one).borderColor;
    const label = one.labels?.[0]?.textContent ?? one.getAttribute("aria-label") ?? one.textContent;
    const box = one.getBoundingClientRect();
    const isInSight = box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight;
    return {
      name: (one.getAttribute("aria-label") ?? label ?? "").replace(/\\s*\\*$/, "").trim().slice(0, 80),
      tag: one.tagName.toLowerCase(),
      isSeen: one !== document.body && isInSight && Boolean(ring || boxShadow !== "none" || border || field !== one),
    };
  })()`);

/** Tab until something of this name has the focus; on the way every stop can be seen. */
async function tabTo(page: Page, name: string, { most = 60, key = "Tab" } = {}): Promise<void> {
  const passed: string[] = [];
  for (let count = 0; count < most; count++) {
    await page.keyboard.press(key);
    const now = await focus(page);
    if (now.tag !== "body") assert.ok(now.isSeen, `the focus is seen on ${now.tag} ${now.name}`);
    if (now.name === name) return;
    passed.push(`${now.tag} ${now.name}`);
  }
  assert.fail(`${name} was not reached past ${passed.join(", ")}`);
}

/** Asked again and again by the debugger: the page's policy lets no text be run in it. */
async function until(page: Page, holds: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await page.evaluate<boolean>(holds))) {
    assert.ok(performance.now() < end, `${holds}: ${JSON.stringify(await focus(page))}`);
    await wait(20);
  }
}

/** The focus stands somewhere in the page, as soon as what changes it has settled. */
const assertKept = (page: Page): Promise<void> =>
  until(page, "document.activeElement !== document.body && document.activeElement.checkVisibility()");

async function signInByKeys(page: Page): Promise<void> {
  await page.goto(`${platform.platform.url}/sign-in`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await tabTo(page, "E-mail");
  await page.keyboard.type(owner.email);
  await tabTo(page, "Password");
  await page.keyboard.type(owner.password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await assertKept(page);
}

const heading = (page: Page, name: string) => page.getByRole("heading", { name, level: 1 }).waitFor();

test("by keys alone one signs in, skips to the content, goes by the rail, filters, opens a device and its pages", async (t) => {
  const { page, complaints, context } = await visit(browser);
  t.after(() => context.close());
  await page.goto(`${platform.platform.url}/sign-in`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  complaints.length = 0; // nobody is signed in: the browser tells of the 401 that says so
  await signInByKeys(page);
  complaints.splice(0, complaints.filter((text) => text.includes("401")).length);

  await page.reload();
  await heading(page, "Overview");
  await page.keyboard.press("Tab");
  assert.equal((await focus(page)).name, "Skip to the content");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate('document.querySelector("main").contains(document.activeElement)'));

  await tabTo(page, "Devices", { key: "Shift+Tab" });
  await page.keyboard.press("Enter");
  await heading(page, "Devices");
  await assertKept(page);
  await tabTo(page, "Filter");
  await page.keyboard.type("pump");
  await page.getByRole("link", { name: "Fan 1" }).waitFor({ state: "hidden" });
  assert.equal((await focus(page)).name, "Filter");
  await tabTo(page, "Select Pump 1");
  await page.keyboard.press("Space");
  await page.getByText("1 selected").waitFor();
  await tabTo(page, "Pump 1");
  await page.keyboard.press("Enter");
  await heading(page, "Pump 1");
  await assertKept(page);
  for (const tab of ["Telemetry", "Live", "Access", "Overview"]) {
    await tabTo(page, tab, { key: tab === "Overview" ? "Shift+Tab" : "Tab" });
    await page.keyboard.press("Enter");
    await page.locator(".hf-tabs a[aria-current=page]").filter({ hasText: tab }).waitFor();
    await assertKept(page);
  }
  assert.deepEqual(complaints, []);
});

test("by keys alone one adds a device up to the waiting page, makes a token, and types a name to end something", async (t) => {
  const { page, context } = await visit(browser);
  t.after(() => context.close());
  await signInByKeys(page);
  await tabTo(page, "Add a device");
  await page.keyboard.press("Enter");
  await heading(page, "Add a device");
  await assertKept(page);
  if ((await focus(page)).name !== "Name") await tabTo(page, "Name");
  await page.keyboard.type("Pump 7");
  await page.keyboard.press("Enter");
  await page.getByText("Waiting for the first reading").waitFor();
  await assertKept(page);
  await tabTo(page, "Copy");

  await tabTo(page, "Access", { key: "Shift+Tab" });
  await page.keyboard.press("Enter");
  await heading(page, "Access");
  await tabTo(page, "Make a credential");
  await page.keyboard.press("Enter");
  await heading(page, "Make a credential");
  await assertKept(page);
  await tabTo(page, "Name");
  await page.keyboard.type("Report");
  await tabTo(page, "telemetry.read", { most: 90 });
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await heading(page, "It is made");
  await assertKept(page);
  await tabTo(page, "I have kept it");
  await page.keyboard.press("Enter");
  await heading(page, "Report");
  await assertKept(page);

  await tabTo(page, "Revoke");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await until(page, 'document.activeElement.matches("[role=dialog] input")');
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await until(page, 'document.activeElement.textContent === "Revoke"');
  await page.keyboard.press("Enter");
  await until(page, 'document.activeElement.matches("[role=dialog] input")');
  await page.keyboard.type("Repor");
  await page.keyboard.press("Enter");
  assert.ok(await page.getByRole("button", { name: "Revoke" }).last().isDisabled());
  await page.keyboard.type("t");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.getByText("revoked").waitFor();
  await assertKept(page);
});

test("on 360 pixels the menu opens and closes by keys, and is not in the way while it is closed", async (t) => {
  const { page, context } = await visit(browser, { width: 360 });
  t.after(() => context.close());
  await signInByKeys(page);
  await page.reload();
  await heading(page, "Overview");
  const stops: string[] = [];
  for (let count = 0; count < 6; count++) {
    await page.keyboard.press("Tab");
    stops.push((await focus(page)).name);
  }
  assert.ok(!stops.includes("Products"), `a closed menu is passed over: ${stops.join(", ")}`);
  await tabTo(page, "Open the menu", { key: "Shift+Tab" });
  await page.keyboard.press("Enter");
  assert.equal((await focus(page)).name, "Close the menu");
  await tabTo(page, "Products");
  await page.keyboard.press("Escape");
  await until(page, 'document.activeElement.getAttribute("aria-label") === "Open the menu"');
  await page.keyboard.press("Enter");
  await tabTo(page, "Products");
  await page.keyboard.press("Enter");
  await heading(page, "Products");
  await page.getByRole("link", { name: "Audit" }).waitFor({ state: "hidden" });
  await assertKept(page);
  assert.equal(new URL(page.url()).pathname, `/o/${org}/products`);
});

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Locator, Page } from "playwright-core";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { assertAccessible, startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, Entrance, Line, owner, signIn } from "./console.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

// What the console does when something is not as it should be.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const line = await Line.to(platform.platform.url, atEnd);
const { org, token } = await platform.setUp();
const me = platform.visitor.as(token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Houses" });
const viewer = { email: "viewer@example.com", password: owner.password };
const { link } = await me.post<{ link: string }>("/v1/invitations", { email: viewer.email, role: "viewer" });
await platform.visitor.post("/v1/invitations/accept", { secret: link.split("=").at(-1), ...viewer });

type Made = { id: string; version: number; key: { id: string; secret: string } };
const make = (name: string, tags: Record<string, string> = {}) =>
  me.post<Made>("/v1/devices", { application: application.id, name, tags });
const pump = await make("Pump 1", { floor: "3" });
await make("Fan 1");
const measure = (temperature: number) =>
  platform.visitor.as(`${pump.key.id}.${pump.key.secret}`).post("/v1/me/telemetry", { temperature });
await measure(20);
const inOrg = `/o/${org}`;

const entrance = new Entrance(browser, platform);
const enter = (t: TestContext, where: string, who = owner) =>
  entrance.at(t, `${line.url}${where}`, { who, isMovable: true });
/** As one who looks away until the console has tried again. */
async function mended(page: Page): Promise<void> {
  line.mend();
  await page.clock.fastForward(2_000);
}

test("a platform that is gone is told with since when, Live says that it is away, and both come back by themselves", async (t) => {
  t.after(() => line.mend());
  const { page } = await enter(t, `${inOrg}/devices/${pump.id}/live`);
  await page.getByText("Live", { exact: true }).last().waitFor();
  await measure(21);
  await page.getByText("temperature = 21").waitFor();
  line.cut();
  const gone = page.getByText(/The platform does not answer since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
  await gone.waitFor();
  await page.getByText("The connection was lost: connecting again …").waitFor();
  await measure(12); // the least of whatever step it falls into
  await mended(page);
  await gone.waitFor({ state: "hidden" });
  // What came meanwhile was seen by nobody here; the list says so where it would stand.
  await page.getByText("The connection was lost. What came and was stored is in the telemetry").waitFor();
  await measure(23);
  await page.getByText("temperature = 23").waitFor();
  await page.getByText("temperature = 21").waitFor();
  assert.equal(await page.getByText("temperature = 12").count(), 0);
  await page.getByRole("link", { name: "Telemetry" }).click();
  await page.getByRole("cell", { name: "12", exact: true }).first().waitFor();
});

test("a chart that was open while the platform was gone has what was stored meanwhile", async (t) => {
  t.after(() => line.mend());
  const { page } = await enter(t, `${inOrg}/devices/${pump.id}/telemetry`);
  await page.getByRole("img", { name: "temperature over time" }).waitFor();
  line.cut();
  await page.getByText("The platform does not answer since").waitFor();
  await measure(31);
  await page.getByRole("img", { name: "temperature over time" }).waitFor(); // what it knew stays
  await mended(page);
  await page.getByRole("cell", { name: "31", exact: true }).first().waitFor();
});

test("what was typed is there when the platform is back, and is sent then", async (t) => {
  t.after(() => line.mend());
  const { page } = await enter(t, `${inOrg}/devices/add`);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Pump 9");
  line.cut();
  await page.getByRole("button", { name: "Add a device" }).click();
  await page.getByRole("alert").getByText("The platform does not answer. Check the connection").waitFor();
  await page.getByText("The platform does not answer since").waitFor();
  await mended(page);
  await page.getByText("The platform does not answer since").waitFor({ state: "hidden" });
  assert.equal(await page.getByRole("textbox", { name: "Name", exact: true }).inputValue(), "Pump 9");
  await page.getByRole("button", { name: "Add a device" }).click();
  await page.getByText("Waiting for the first reading").waitFor();
});

test("a session that was ended elsewhere leads to the door, which says so, and from there back to the same list", async (t) => {
  const { page, context } = await visit(browser, { isMovable: true });
  t.after(() => context.close());
  await page.goto(`${line.url}${inOrg}/devices?q=tag%3Afloor%3D3`);
  await signIn(page);
  await page.getByRole("link", { name: "Pump 1" }).waitFor();
  // The same cookie in another hand signs out.
  const [cookie] = await context.cookies(line.url);
  const elsewhere = new CookieBrowser(platform);
  elsewhere.cookie = cookie?.value;
  await elsewhere.good("DELETE", "/v1/session");
  await page.clock.fastForward(5_000); // until the list asks again
  await page.getByText("Your session has ended. Sign in to go on where you were.").waitFor();
  await signIn(page);
  await page.getByRole("link", { name: "Pump 1" }).waitFor();
  assert.equal(new URL(page.url()).search, "?q=tag%3Afloor%3D3");
  assert.equal(await page.getByLabel("Filter").inputValue(), "tag:floor=3");
  assert.equal(await page.getByRole("link", { name: "Fan 1" }).count(), 0);
});

/** It has the look and the voice of what may not be used, a reason for whoever points at it or tabs to it, and does nothing. */
async function assertBarred(page: Page, control: Locator, why: string): Promise<void> {
  await control.hover();
  assert.equal(await control.getAttribute("aria-disabled"), "true");
  await page.getByRole("tooltip").filter({ hasText: why }).last().waitFor();
  await page.mouse.move(0, 0);
  await control.focus();
  for (const key of ["Shift+Tab", "Tab"]) await page.keyboard.press(key); // come to it by keys, and not from beyond the page's last
  await page.getByRole("tooltip").filter({ hasText: why }).last().waitFor();
  assert.equal(await control.getAttribute("aria-description"), why);
  await page.keyboard.press((await control.getAttribute("type")) === "checkbox" ? "Space" : "Enter");
}

test("what a role does not hold cannot be pressed or ticked and says why; nothing is asked", async (t) => {
  const { page } = await enter(t, `${inOrg}/devices/${pump.id}`, viewer);
  const button = (name: string) => page.getByRole("button", { name });
  await assertBarred(page, button("Suspend"), "Your role does not hold device.suspend.");
  await assertBarred(page, button("Retire"), "Your role does not hold device.retire.");
  await assertBarred(page, button("Save"), "Your role does not hold device.update.");
  await page.getByRole("link", { name: "Access" }).last().click();
  await assertBarred(page, button(`Revoke ${pump.key.id}`), "Your role does not hold credential.revoke.");
  await page.goto(`${line.url}${inOrg}/devices`);
  await assertBarred(page, button("Add from a CSV file"), "Your role does not hold device.create.");

  await page.goto(`${line.url}${inOrg}/access/add`);
  const tick = page.getByRole("checkbox", { name: "device.retire" });
  await tick.waitFor();
  await assertAccessible(page, "what a viewer may give");
  await assertBarred(page, tick, "Your role does not hold device.retire.");
  const kind = page.getByRole("radio", { name: "Operator key" });
  await kind.click({ force: true }); // whatever it looks like
  assert.deepEqual([await tick.isChecked(), await kind.isChecked()], [false, false]);
  await page.getByText("Your role does not hold operatorKey.create.").waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(await page.getByRole("alert").count(), 0);
  assert.equal((await me.get<{ state: string }>(`/v1/devices/${pump.id}`)).state, "active");
});

test("what has to be done first is said by the button that waits for it", async (t) => {
  const { page } = await enter(t, `${inOrg}/devices/${pump.id}`);
  await assertBarred(page, page.getByRole("button", { name: "Save" }), "Nothing is changed yet.");
  await page.getByRole("button", { name: "Retire" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill("Pump");
  await assertBarred(page, dialog.getByRole("button", { name: "Retire" }), "Type “Pump 1” to confirm");
  assert.equal((await me.get<{ state: string }>(`/v1/devices/${pump.id}`)).state, "active");
});

test("a refusal that arrives anyway shows its sentence, its code and its request, and keeps what was typed", async (t) => {
  const { page, complaints } = await enter(t, `${inOrg}/devices/${pump.id}`);
  await page.getByLabel("Alias").fill("not/an alias");
  await page.getByRole("button", { name: "Save" }).click();
  const notice = page.getByRole("alert");
  await notice.getByText("request.malformed").waitFor();
  await notice.getByText(/alias: /).waitFor();
  await notice.getByText(/^[\w-]{16,}$/).waitFor();
  await notice.getByRole("button", { name: "Copy the details" }).waitFor();
  assert.equal(await page.getByLabel("Alias").inputValue(), "not/an alias");
  assert.deepEqual(
    complaints.filter((text) => !/status of (400|401|422)/.test(text)), // the browser tells of each itself
    [],
  );
});

test("a question that takes long says for how long, also where an older answer is shown", async (t) => {
  const { page } = await enter(t, `${inOrg}/devices`);
  await page.getByRole("link", { name: "Fan 1" }).waitFor();
  const release = line.hold();
  t.after(release);
  await page.getByLabel("Filter").fill("pump");
  await page.getByText(/Still asking, for \d+ s …/).waitFor();
  release();
  await page.getByText(/Still asking/).waitFor({ state: "hidden" });
  await page.getByRole("link", { name: "Fan 1" }).waitFor({ state: "hidden" });
});

test("a page that could not be shown says why within its place, and is there when it is asked again", async (t) => {
  t.after(() => line.mend());
  const { page } = await enter(t, `${inOrg}/devices/dev_${"0".repeat(32)}`);
  await page.getByRole("heading", { name: "This page cannot be shown", level: 1 }).waitFor();
  await page.getByRole("alert").getByText("device.unknown").waitFor();
  await page.getByRole("navigation").getByRole("link", { name: "Settings" }).click();
  await page.getByLabel("Name of the organisation").waitFor();
  line.cut();
  await page.getByRole("link", { name: "How this platform protects what it holds" }).click();
  await page.getByRole("heading", { name: "This page cannot be shown", level: 1 }).waitFor();
  line.mend();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("X25519MLKEM768").waitFor();
});

test("an empty list says what it is for and what to do next", async (t) => {
  const other = await platform.setUp();
  const { page } = await enter(t, `/o/${other.org}/devices`);
  await page.getByText("There is no device yet.").waitFor();
  await page.getByRole("main").getByRole("button", { name: "Add a device" }).last().click();
  await page.getByRole("heading", { name: "Add a device" }).waitFor();
  for (const [path, text] of [
    ["products", "There is no product yet."],
    ["devices?q=nothing", "No device is like that."],
  ] as const) {
    await page.goto(`${line.url}/o/${other.org}/${path}`);
    await page.getByText(text).waitFor();
  }
});

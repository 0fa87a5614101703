import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { assertAccessible, startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, Entrance, signIn } from "./console.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

// Devices by the dozen, and credentials, as a person has them.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { org, token } = await platform.setUp();
const me = platform.visitor.as(token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Houses" });
type Device = { id: string; name: string; state: string; tags: Record<string, string> };
const make = (name: string, tags: Record<string, string> = {}) =>
  me.post<Device>("/v1/devices", { application: application.id, name, tags });
const device = (id: string) => me.get<Device>(`/v1/devices/${id}`);
const pumps = [await make("Pump 1", { floor: "3" }), await make("Pump 2"), await make("Pump 3")];
await make("=Fan, left", { floor: "3" });

const entrance = new Entrance(browser, platform);
const enter = async (t: TestContext, where: string, width?: number) =>
  (await entrance.at(t, `${platform.platform.url}/o/${org}/${where}`, width === undefined ? {} : { width })).page;

const pictures = process.env["PICTURES"];

const named = (page: Page, name: string) => page.getByRole("link", { name, exact: true });

/** What holds of the element that scrolls. */
const inList = <Answer>(page: Page, expression: string): Promise<Answer> =>
  page.evaluate<Answer>(`((list) => ${expression})(document.querySelector("main .hf-scroll"))`);

/** What the browser puts into the person's folder when she presses this. */
async function downloadBy(page: Page, press: () => Promise<void>): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([page.waitForEvent("download"), press()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
}

test("a filter that is typed, and one that is clicked, stand in the address, and the address finds the same", async (t) => {
  const page = await enter(t, "devices");
  await page.getByLabel("Filter").fill("tag:floor=3 pump");
  await named(page, "Pump 2").waitFor({ state: "hidden" });
  await page.waitForURL((url) => url.searchParams.get("q") === "tag:floor=3 pump");
  await page.getByLabel("State").selectOption("offline");
  await page.waitForURL((url) => url.searchParams.get("q") === "status:offline tag:floor=3 pump");
  assert.equal(await page.getByLabel("Filter").inputValue(), "status:offline tag:floor=3 pump");
  await page.getByRole("button", { name: "Name" }).click();
  await page.waitForURL((url) => url.searchParams.get("sort") === "name");
  await page.reload();
  await named(page, "Pump 1").waitFor();
  assert.equal(await page.getByLabel("State").inputValue(), "offline");
  assert.equal(await named(page, "Pump 2").count(), 0);
});

test("many are tagged and suspended at once: each has its own result, and one that is refused says why", async (t) => {
  const page = await enter(t, "devices?q=pump");
  for (const { name } of pumps) await page.getByLabel(`Select ${name}`).check();
  await page.getByRole("button", { name: "Tag" }).click();
  await page.getByLabel("Tag, as key=value").fill("site=north");
  await page.getByRole("button", { name: "Tag 3" }).click();
  await page.getByText("3 of 3 done").waitFor();
  assert.deepEqual((await device(pumps[0]?.id ?? "")).tags, { floor: "3", site: "north" });

  // Somebody else retires one between the look and the click.
  await me.post(`/v1/devices/${pumps[1]?.id}/retire`);
  await page.getByRole("button", { name: "Suspend" }).click();
  await page.getByText("2 of 3 done · 1 refused").waitFor();
  await page.getByRole("list", { name: "Results" }).getByText("Pump 2: ").waitFor();
  const states = await Promise.all(pumps.map(async ({ id }) => (await device(id)).state));
  assert.deepEqual(states, ["suspended", "retired", "suspended"]);
});

test("a row that comes into sight by scrolling takes nothing from the one that left: no focus, no tick, no sign of a copy", async (t) => {
  for (let at = 0; at < 90; at++) await make(`Valve ${String(at).padStart(2, "0")}`);
  const page = await enter(t, "devices?q=valve&sort=name");
  await page.context().grantPermissions(["clipboard-write"]);
  await page.getByLabel("Select Valve 00").check();
  const first = page.getByRole("row").filter({ has: named(page, "Valve 00") });
  await first.getByRole("button").click();
  await first.getByText("✓").waitFor();
  await named(page, "Valve 00").focus();
  const list = page.getByRole("region", { name: "Devices" });
  await list.hover();
  await page.mouse.wheel(0, 9_000);
  await named(page, "Valve 89").waitFor();
  assert.equal(await named(page, "Valve 00").count(), 0);
  await page.locator("main .hf-scroll:focus").waitFor(); // the list keeps it, at the latest when what had it is gone
  assert.equal(await page.getByText("✓").count(), 0);
  assert.equal(await list.getByRole("checkbox", { checked: true }).count(), 0);
  await page.mouse.wheel(0, -9_000);
  await named(page, "Valve 00").waitFor();
  assert.ok(await page.getByLabel("Select Valve 00").isChecked());
  const names = await list.getByRole("link").allInnerTexts();
  assert.deepEqual(names, names.toSorted(), "whoever hears it or goes by keys meets them in their order");
});

for (const width of [360, 1280, 1440]) {
  test(`on ${width} pixels every column can be read in whole, ids too`, async (t) => {
    const page = await enter(t, "devices?q=pump", width);
    await named(page, "Pump 1").waitFor();
    const list = page.getByRole("region", { name: "Devices" });
    const hidden = await inList<number>(page, "list.scrollWidth - list.clientWidth");
    if (width >= 1280) assert.equal(hidden, 0, "nothing is beyond the edge");
    await list.focus();
    const id = page.getByRole("button", { name: pumps[0]?.id ?? "" });
    const isInSight = async () => {
      const [box, around] = [await id.boundingBox(), await list.boundingBox()];
      return box && around && box.x >= around.x && box.x + box.width <= around.x + around.width;
    };
    for (let pressed = 0; pressed < 100 && !(await isInSight()); pressed++) await page.keyboard.press("ArrowRight");
    assert.ok(await isInSight());
    const cells = '[...list.querySelectorAll("[role=columnheader], [role=cell]")]';
    const cut = await inList<string[]>(
      page,
      `${cells}.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText)`,
    );
    assert.deepEqual(cut, []);
  });
}

test("devices stand on a map where they last said that they are, and the map is as the filter and the address say", async (t) => {
  type Made = Device & { key: { id: string; secret: string } };
  const placed = async (name: string, reading: object, tags = {}) => {
    const made = await me.post<Made>("/v1/devices", { application: application.id, name, tags });
    await platform.visitor.as(`${made.key.id}.${made.key.secret}`).post("/v1/me/telemetry", reading);
    return made;
  };
  const place = { latitude: 46.95, longitude: 7.45 };
  const buoy = await placed("Buoy 1", { location: place }, { sea: "lake" });
  await placed("Buoy 2", { latitude: 46.95, longitude: 7.45 });
  await placed("Buoy 3", { latitude: -33.9, longitude: 18.4 });
  const page = await enter(t, "devices?q=buoy");
  await named(page, "Buoy 1").waitFor();
  await page.getByText("Map", { exact: true }).click();
  await page.waitForURL((url) => url.searchParams.get("view") === "map" && url.searchParams.get("q") === "buoy");
  const map = (count: number) => page.getByRole("group", { name: `Map of the world with ${count} device` });
  await map(3).getByText("2 devices").waitFor();
  await map(3).getByText("Buoy 3").waitFor();
  await page.getByText("Places: 3").click();
  await page
    .getByRole("listitem")
    .filter({ has: named(page, "Buoy 3") })
    .getByText("-33.9000, 18.4000")
    .waitFor();
  await page.getByLabel("Filter").fill("tag:sea=lake");
  await map(1).getByText("Buoy 1").click();
  await page.waitForURL((url) => url.pathname.endsWith(`/devices/${buoy.id}`));
  for (const [width, scheme] of [
    [1440, "light"],
    [360, "dark"],
  ] as const) {
    const other = await entrance.at(t, `${platform.platform.url}/o/${org}/devices?view=map`, { width, scheme });
    await other.page.getByRole("group", { name: "Map of the world with 3 devices" }).waitFor();
    await assertAccessible(other.page, `map ${width} ${scheme}`);
    if (pictures !== undefined) await other.page.screenshot({ path: `${pictures}/devices-map-${width}-${scheme}.png` });
    assert.ok((await other.page.evaluate<number>("document.documentElement.scrollWidth - innerWidth")) <= 0);
  }
});

test("a list goes out as CSV as it is filtered, and no name of a device is a formula in it", async (t) => {
  const page = await enter(t, "devices?q=tag:floor%3D3");
  await named(page, "=Fan, left").waitFor();
  const { name, text } = await downloadBy(page, () => page.getByRole("button", { name: "Download as CSV" }).click());
  assert.equal(name, "devices.csv");
  const [heading, ...rows] = text.trimEnd().split("\r\n");
  assert.equal(heading, "id,name,state,presence,lastSeenAt,application,product,alias,tags,createdAt");
  assert.equal(rows.length, 2);
  assert.ok(rows.some((row) => row.includes(`,"'=Fan, left",active,`)));
});

test("devices come in from a CSV file: first what would be, errors by row, then their keys, which let them in", async (t) => {
  const page = await enter(t, "devices/import");
  const text =
    'name,alias,tags\nMeter 1,meter-1,"floor=1,site=south"\n,x,\nMeter 2,meter-1,\nMeter 3,pump/3,\nMeter 4,,\n';
  const choose = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "File" }).click();
  await (await choose).setFiles({ name: "meters.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
  await page.getByText("2 devices would be made. 3 rows are wrong and would be left out.").waitFor();
  const row = (number: number) =>
    page.getByRole("row").filter({ has: page.getByRole("cell", { name: `${number}`, exact: true }) });
  for (const [number, error] of [
    [3, "A name is missing."],
    [4, "Row 2 has the same alias."],
    [5, "An alias has letters"],
  ] as const)
    await row(number).getByText(error).waitFor();
  const found = async () => (await me.get<{ items: Device[] }>("/v1/devices?q=Meter")).items;
  assert.deepEqual(await found(), [], "nothing is made before it was seen");

  await page.getByRole("button", { name: "Make 2 devices" }).click();
  await row(2).getByText("made").waitFor();
  await row(6).getByText("made").waitFor();
  const keys = await downloadBy(page, () => page.getByRole("button", { name: "Download the keys" }).click());
  assert.equal(keys.name, "device-keys.csv");
  const [heading, ...rows] = keys.text.trimEnd().split("\r\n");
  assert.equal(heading, "name,device,keyId,secret");
  assert.equal(rows.length, 2);
  for (const line of rows) {
    const [, , id = "", secret = ""] = line.split(",");
    await platform.visitor.as(`${id}.${secret}`).post("/v1/me/telemetry", { level: 1 });
  }
  assert.deepEqual((await found()).find(({ name }) => name === "Meter 1")?.tags, { floor: "1", site: "south" });
  await page.reload();
  await page.getByText("Nothing is made before you have seen what would be.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Download the keys" }).count(), 0);
});

test("the keys of an import are asked for before the page is left, and are there again behind a sign-in", async (t) => {
  const { page, context } = await visit(browser, { isMovable: true });
  t.after(() => context.close());
  await page.goto(`${platform.platform.url}/o/${org}/devices/import`);
  await signIn(page);
  const choose = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "File" }).click();
  await (
    await choose
  ).setFiles({
    name: "gauges.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("name\nGauge 1\nGauge 2\n"),
  });
  await page.getByRole("button", { name: "Make 2 devices" }).click();
  await page.getByRole("cell", { name: "made", exact: true }).nth(1).waitFor();

  const elsewhere = page.getByRole("navigation").getByRole("link", { name: "Overview" });
  await elsewhere.click();
  const question = page.getByRole("dialog", { name: "Leave without the keys" });
  await question.getByText("The keys of 2 devices are shown this once. Leave without them?").waitFor();
  await assertAccessible(page, "leaving without the keys");
  await question.getByRole("button", { name: "Stay" }).click();
  await question.waitFor({ state: "hidden" });
  const [asked] = await Promise.all([page.waitForEvent("dialog"), page.close({ runBeforeUnload: true })]);
  assert.equal(asked.type(), "beforeunload");
  await asked.dismiss();

  // The same cookie in another hand signs out.
  const [cookie] = await context.cookies(platform.platform.url);
  const other = new CookieBrowser(platform);
  other.cookie = cookie?.value;
  await other.good("DELETE", "/v1/session");
  await page.clock.fastForward(60_000); // until the page asks again
  await page.getByText("Your session has ended.").waitFor();
  const stored = await page.evaluate<string>("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])");
  assert.ok(!stored.includes("Gauge 1"), "in memory alone");
  const [again] = await Promise.all([page.waitForEvent("dialog"), page.close({ runBeforeUnload: true })]);
  assert.equal(again.type(), "beforeunload", "what is in memory alone is lost with the door");
  await again.dismiss();
  await signIn(page);
  await page.getByRole("cell", { name: "made", exact: true }).nth(1).waitFor();
  const keys = await downloadBy(page, () => page.getByRole("button", { name: "Download the keys" }).click());
  assert.match(keys.text, /Gauge 1,dev_\w+,key_\w+,[\w-]{20}.*\r\nGauge 2,dev_\w+,key_\w+,[\w-]{20}/);
  await elsewhere.click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
});

test("a device brings a secret that it has: a default, one that can be guessed and another's are told at the field and in the dry run", async (t) => {
  const page = await enter(t, "devices/add");
  const add = async (name: string, secret: string) => {
    await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await page.getByLabel("A secret that it has already").fill(secret);
    await page.getByRole("button", { name: "Add a device" }).click();
  };
  const own = "q7Vd-xE2m-L9sK-p3Rt";
  await add("Brought 1", "changeme-changeme");
  const field = page.getByLabel("A secret that it has already");
  await page.getByText("This is a default that others know.").waitFor();
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await assertAccessible(page, "a secret that is refused");
  await add("Brought 1", "abcdefghijklmnopqrst");
  await page.getByText(/This can be guessed\. It is a run/).waitFor();
  await add("Brought 1", own);
  await page.getByText("Waiting for the first reading").waitFor();
  const id = await page
    .getByRole("main")
    .getByText(/^key_[0-9a-f]{32}$/)
    .first()
    .innerText();
  const program = page.getByRole("tabpanel").getByLabel("mosquitto", { exact: true });
  assert.ok((await program.innerText()).includes(own), "the programs are whole");
  assert.equal(await page.getByText("shown this once").count(), 0);
  await platform.visitor.as(`${id}.${own}`).post("/v1/me/telemetry", { level: 1 });
  await page.getByText("The first reading is here.").waitFor();
  await page.goto(`${platform.platform.url}/o/${org}/devices/add`);
  await add("Brought 2", own);
  await page.getByText("This secret is, or was, another device's.").waitFor();
  assert.equal(await field.getAttribute("aria-invalid"), "true");

  await page.goto(`${platform.platform.url}/o/${org}/devices/import`);
  const other = "w4Nc-yB8h-T6jQ-z1Fg";
  const text = `name,secret\nBrought 3,${other}\nBrought 4,${other}\nBrought 5,${own}\nBrought 6,changeme-changeme\n`;
  const choose = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "File" }).click();
  await (await choose).setFiles({ name: "brought.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
  await page.getByText("1 devices would be made. 3 rows are wrong and would be left out.").waitFor();
  for (const error of ["Row 2 has the same secret.", "another device’s secret", "a default that others know"])
    await page.getByRole("cell", { name: error }).waitFor();
  await page.getByRole("button", { name: "Make 1 devices" }).click();
  await page.getByRole("cell", { name: "made", exact: true }).waitFor();
  const keys = await downloadBy(page, () => page.getByRole("button", { name: "Download the keys" }).click());
  const [, , key = "", secret] = keys.text.trimEnd().split("\r\n").at(-1)?.split(",") ?? [];
  assert.equal(secret, "", "whoever wrote the file has it");
  await platform.visitor.as(`${key}.${other}`).post("/v1/me/telemetry", { level: 1 });
});

test("what is weak about devices is counted on the overview, which leads to them, and each of their pages says what to do", async (t) => {
  const { items } = await me.get<{ items: { finding: string; devices: number }[] }>("/v1/devices/posture");
  const never = items.find(({ finding }) => finding === "neverSeen")?.devices;
  const page = await enter(t, "");
  const row = page.getByRole("row", { name: /Nothing has ever come from it/ });
  await row.getByRole("cell", { name: String(never), exact: true }).waitFor();
  await assertAccessible(page, "findings: overview");
  await row.getByRole("link").click();
  await page.waitForURL((url) => url.searchParams.get("q") === "finding:neverSeen");
  assert.equal(await page.getByLabel("Finding").inputValue(), "neverSeen");
  await page.getByRole("img", { name: "never seen, open door" }).first().waitFor();
  await assertAccessible(page, "findings: list");
  await page.getByLabel("Finding").selectOption("shared");
  await page.getByText("No device is like that.").waitFor();
  await page.getByLabel("Finding").selectOption("neverSeen");
  await named(page, "Pump 3").click();
  const about = page.getByRole("alert").filter({ hasText: "Nobody has narrowed its door" });
  await page.getByRole("alert").filter({ hasText: "Nothing has ever come from it" }).getByRole("link").waitFor();
  await assertAccessible(page, "findings: device");
  await about.getByRole("link", { name: "Access" }).click();
  await page.getByRole("heading", { name: "Keys" }).waitFor();
  await about.waitFor();
  await me.put(`/v1/devices/${pumps[2]?.id}/door`, { transports: ["mqtts"] });
  await about.waitFor({ state: "hidden" });
});

test("a token holds exactly what was ticked, is shown once, and its end says what ends with it", async (t) => {
  const page = await enter(t, "access/add");
  await page.getByLabel("Name").fill("Report");
  for (const action of ["device.read", "telemetry.read", "token.create"])
    await page.getByRole("checkbox", { name: action, exact: true }).check();
  await page.getByLabel("Where").last().selectOption("tag");
  await page.getByLabel("Tag, as key=value").fill("floor=3");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("cannot be shown again").waitFor();
  const secret = await page.getByLabel("The credential").innerText();
  const kept = await downloadBy(page, () => page.getByRole("button", { name: "Download" }).click());
  assert.equal(kept.text.trim(), secret);
  const it = platform.visitor.as(secret);
  const seen = await it.get<{ items: Device[] }>("/v1/devices");
  assert.deepEqual(seen.items.map(({ name }) => name).sort(), ["=Fan, left", "Pump 1"]);
  assert.equal((await it.send("POST", `/v1/devices/${pumps[0]?.id}/resume`)).status, 403);
  const below = await it.post<{ token: string }>("/v1/tokens", { name: "Below", grants: ["token.create"] });

  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("heading", { name: "Report", level: 1 }).waitFor();
  for (const grant of ["device.read:tag:floor=3", "telemetry.read:tag:floor=3", "token.create"])
    await page.getByText(grant, { exact: true }).first().waitFor(); // what it has used stands there again
  assert.ok(!(await page.content()).includes(secret));
  await page.reload();
  await page.getByRole("button", { name: "Revoke" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("One that was made with it ends too:").waitFor();
  await dialog.getByText("Below (API token)").waitFor();
  await dialog.getByLabel("Type “Report” to confirm").fill("Report");
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("revoked").waitFor();
  for (const ended of [secret, below.token])
    assert.equal((await platform.visitor.as(ended).send("GET", "/v1/me")).status, 401);
});

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { assertAccessible, startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";

// Dashboards as a person makes them, and as somebody sees one who has no more than a link.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { org, token } = await platform.setUp();
const me = platform.visitor.as(token);
const { url } = platform.platform;
type Device = { id: string; name: string; key: { id: string; secret: string } };
const application = await me.post<{ id: string }>("/v1/applications", { name: "Houses" });
const product = await me.post<{ id: string }>("/v1/products", {
  name: "Pump",
  attributes: { pressure: { type: "number", unit: "bar" } },
});
const make = (name: string) =>
  me.post<Device>("/v1/devices", { application: application.id, product: product.id, name, tags: { floor: "3" } });
const [pump, spare] = [await make("Well pump"), await make("Spare pump")];
const send = (device: Device, values: object) =>
  platform.visitor.as(`${device.key.id}.${device.key.secret}`).post("/v1/me/telemetry", values);
const now = Date.now();
for (const [at, one] of [pump, spare].entries())
  await send(
    one,
    Array.from({ length: 120 }, (_, n) => ({
      time: now - n * 30_000,
      values: {
        pressure: 2 + at + Math.sin(n / 9),
        latitude: 52.5 - at * 40,
        longitude: 13.4 - at * 60,
        position: { latitude: 52.5 - at * 40, longitude: 13.4 - at * 60 },
      },
    })),
  );

const entrance = new Entrance(browser, platform);
const enter = async (t: TestContext, where: string, looks: object = {}) =>
  (await entrance.at(t, `${url}/o/${org}/dashboards${where}`, looks)).page;
const pictures = process.env["PICTURES"];
const picture = async (page: Page, name: string) => {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
};
type Place = { x: number; y: number; w: number; h: number };
type Dashboard = { id: string; name: string; version: number; widgets: { title: string; place: Place }[] };
const dashboards = async () => (await me.get<{ items: { id: string }[] }>("/v1/dashboards")).items;
const one = (id: string) => me.get<Dashboard>(`/v1/dashboards/${id}`);
const idIn = (page: Page): string => /dsh_[0-9a-f]{32}/.exec(page.url())?.[0] ?? assert.fail(page.url());
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();

const place = { x: 0, y: 0, w: 4, h: 4 };
const all = { devices: [pump.id, spare.id] };
const every = [
  { type: "line", id: "l", title: "Pressure", place: { ...place, w: 6, h: 5 }, lines: [{ of: all, attribute: "pressure", unit: "bar" }], range: "1h" },
  { type: "value", id: "v", title: "Now", place: { x: 6, y: 0, w: 3, h: 2 }, device: pump.id, attribute: "pressure", unit: "bar", compare: true, range: "15m", decimals: 2 },
  { type: "gauge", id: "g", title: "Boiler", place: { x: 9, y: 0, w: 3, h: 5 }, device: pump.id, attribute: "pressure", unit: "bar", min: 0, max: 6, bands: [{ from: 0, to: 4, level: "good" }, { from: 4, to: 6, level: "bad", label: "too high" }] },
  { type: "status", id: "s", title: "There", place: { x: 6, y: 2, w: 3, h: 3 }, of: { product: product.id } },
  { type: "map", id: "m", title: "Sites", place: { x: 0, y: 5, w: 6, h: 6 }, of: { tag: { key: "floor", value: "3" } }, at: { latitude: "latitude", longitude: "longitude" }, attributes: ["pressure"] },
  { type: "table", id: "t", title: "Latest", place: { x: 6, y: 5, w: 6, h: 4 }, of: all, attributes: ["pressure", "latitude"] },
]; // prettier-ignore

test("one press makes a first dashboard of the devices that there are", async (t) => {
  const page = await enter(t, "");
  await page.getByText("There is no dashboard yet.").waitFor();
  await assertAccessible(page, "the empty list");
  await press(page, "Make one of my devices");
  await page.getByRole("heading", { name: "My devices" }).waitFor();
  await page.getByText("0 of 2 connected").waitFor();
  await page.getByRole("heading", { name: "latitude of the last day" }).waitFor();
  await page.getByRole("img", { name: /^latitude of the last day: / }).waitFor();
});

test("a widget is added by searching, arranged by keys that are read out, undone, saved, and somebody else's change is told", async (t) => {
  const page = await enter(t, "");
  await press(page, "Add a dashboard");
  await page.getByRole("dialog").getByLabel("Name").fill("Boilers");
  await page.getByRole("dialog").getByRole("button", { name: "Add a dashboard" }).click();
  await page.getByRole("heading", { name: "Edit Boilers" }).waitFor();
  for (const [title, type] of [
    ["Pressure now", "value"],
    ["Both", "line"],
  ] as const) {
    await page.getByRole("button", { name: "Add a widget" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("What it is").selectOption(type);
    await dialog.getByLabel("Title").fill(title);
    await dialog.getByRole("button", { name: "Put it there" }).waitFor();
    await dialog.getByLabel("Search devices").fill("well");
    await dialog.getByRole("button", { name: "Add Well pump" }).click();
    await dialog.getByLabel("Attribute").fill("pressure");
    await dialog.getByLabel("Unit").fill("bar");
    if (type === "line") await assertAccessible(page, "the form of a widget");
    if (type === "line") await picture(page, "form");
    await dialog.getByRole("button", { name: "Put it there" }).click();
    await page.getByRole("heading", { name: title }).waitFor();
  }
  const status = page.getByRole("status").first();
  await page.getByRole("button", { name: "Move Pressure now", exact: true }).focus();
  await page.keyboard.press("ArrowRight");
  await page.getByText("Pressure now: column 2, row 1, 3 wide, 2 high").waitFor({ state: "attached" });
  await page.keyboard.press("Shift+ArrowDown");
  await page.getByText("Pressure now: column 2, row 1, 3 wide, 3 high").waitFor({ state: "attached" });
  await page.keyboard.press("Control+z");
  assert.equal(await status.innerText(), "Undone");
  // By mouse: two columns to the right.
  const handle = page.getByRole("button", { name: "Move Pressure now", exact: true });
  const box = (await handle.boundingBox()) ?? assert.fail();
  const cell = ((await page.locator(".hf-board").boundingBox())?.width ?? 0) / 12;
  await page.mouse.move(box.x + 5, box.y + 5);
  await page.mouse.down();
  await page.mouse.move(box.x + 5 + 2 * cell, box.y + 5, { steps: 5 });
  await page.mouse.up();
  await page.getByText("Pressure now: column 4, row 1, 3 wide, 2 high").waitFor({ state: "attached" });
  await page.getByRole("region", { name: "Both" }).locator("canvas").waitFor();
  await assertAccessible(page, "the editor");
  await picture(page, "editor");
  const id = idIn(page);
  await me.send("PATCH", `/v1/dashboards/${id}`, { body: { description: "by somebody else" } });
  await press(page, "Save");
  await page.getByText("Somebody else changed this dashboard meanwhile").waitFor();
  await assertAccessible(page, "a conflict");
  await press(page, "Keep mine");
  await page.getByRole("heading", { name: "Boilers", exact: true }).waitFor();
  const { widgets } = await one(id);
  assert.deepEqual(
    widgets.map((widget) => [widget.title, widget.place]),
    [
      ["Pressure now", { x: 3, y: 0, w: 3, h: 2 }],
      ["Both", { x: 3, y: 2, w: 6, h: 5 }],
    ],
  );
});

test("what is measured is shown as it comes, by a link to a stranger too, until it ends", async (t) => {
  const { id } = await me.post<Dashboard>("/v1/dashboards", { name: "Plant", widgets: every });
  const page = await enter(t, `/${id}`);
  const value = page.getByRole("region", { name: "Now" }).locator(".hf-board-value");
  await value.filter({ hasText: "2.00 bar" }).waitFor();
  await press(page, "Share");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("For whom").fill("Hall");
  await dialog.getByRole("button", { name: "Make a link" }).click();
  const link = await dialog.getByLabel("The link", { exact: true }).innerText();
  assert.match(link, /^https:\/\/[^/]+\/shared#key_[0-9a-f]{32}\.hfs_/);
  await dialog.getByRole("button", { name: "I have kept it" }).click();

  const { page: wall, complaints, context } = await visit(browser);
  t.after(() => context.close());
  const asked: string[] = [];
  wall.on("request", (request) => void asked.push(request.url()));
  await wall.goto(link);
  await wall.getByRole("heading", { name: "Plant" }).waitFor();
  const shown = wall.getByRole("region", { name: "Now" }).locator(".hf-board-value");
  await shown.filter({ hasText: "2.00 bar" }).waitFor();
  assert.equal(await wall.getByRole("button", { name: /Edit|Share|Delete/ }).count(), 0);
  await send(pump, { pressure: 5.25 });
  await value.filter({ hasText: "5.25 bar" }).waitFor();
  await shown.filter({ hasText: "5.25 bar" }).waitFor();
  await wall.getByText("too high").waitFor();
  await assertAccessible(wall, "the page of a link");
  await picture(wall, "wall");
  await wall.getByRole("cell", { name: "5.25" }).first().waitFor();
  assert.ok(
    asked.length > 3 && asked.every((one) => one.startsWith(url) && !one.includes("hfs_")),
    "nothing else is asked",
  );
  assert.deepEqual(complaints, []);
  await press(page, "Share");
  await page.getByRole("button", { name: "End the link Hall" }).click();
  await page.getByRole("dialog").getByText("revoked").waitFor();
  await assertAccessible(page, "links");
  await wall.getByRole("heading", { name: "This link is over" }).waitFor();
  await wall.goto(`${url}/shared`);
  await wall.getByRole("heading", { name: "This link is not complete" }).waitFor();
});

test("a dashboard goes out as a file and comes in again, and a file that is none says why", async (t) => {
  const { id } = await me.post<Dashboard>("/v1/dashboards", { name: "Out", widgets: every });
  const page = await enter(t, `/${id}`);
  const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Export")]);
  assert.equal(download.suggestedFilename(), "out.json");
  const text = readFileSync(await download.path(), "utf8");
  await page.getByRole("link", { name: "Dashboards" }).click();
  await press(page, "Import a file");
  const dialog = page.getByRole("dialog");
  const choose = (content: string) =>
    dialog
      .locator('input[type="file"]')
      .setInputFiles({ name: "a.json", mimeType: "application/json", buffer: Buffer.from(content) });
  await choose("{}{");
  await dialog.getByText("This is not JSON.").waitFor();
  await choose(text.replace('"w": 6', '"w": 60'));
  await dialog.getByText(/^Widget 1, place\.w: /).waitFor();
  const missing = pump.id.replace(/.{8}$/, "00000000");
  const before = (await dashboards()).length;
  await choose(text.replaceAll(pump.id, missing));
  await dialog.getByRole("button", { name: missing }).waitFor();
  assert.equal((await dashboards()).length, before + 1);
  await dialog.getByRole("link", { name: "Open the dashboard" }).click();
  await page.getByRole("heading", { name: "Out" }).waitFor();
  assert.notEqual(idIn(page), id);
  assert.deepEqual((await one(idIn(page))).widgets.length, every.length);
});

/** Where a device says where it is in one value. */
const byLocation = every.map((widget) => (widget.id === "m" ? { ...widget, at: { location: "position" } } : widget));

test("every widget is there for whoever cannot see or has no mouse, in both themes, on 360 and 1440 pixels", async (t) => {
  const { id } = await me.post<Dashboard>("/v1/dashboards", { name: "Whole", widgets: byLocation });
  for (const width of [1440, 360]) {
    for (const scheme of ["light", "dark"] as const) {
      const page = await enter(t, `/${id}`, { width, scheme });
      await page.getByRole("group", { name: /^Map of the world with 2 devices/ }).waitFor();
      await page.locator(".hf-chart canvas").waitFor();
      await page.getByRole("img", { name: /^Pressure: / }).waitFor();
      await page.getByText("2 connected").waitFor();
      await assertAccessible(page, `${width} ${scheme}`, scheme === "light" ? "all" : "colours");
      await picture(page, `board-${width}-${scheme}`);
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      assert.ok(wide <= 0, "nothing is beyond the edge");
    }
  }
  const page = await enter(t, `/${id}`);
  const map = page.getByRole("group", { name: /^Map of the world with 2 devices/ });
  await map.waitFor();
  // It is drawn in another shape until the page has told it its own.
  await page.waitForFunction(`(() => {
    const svg = document.querySelector(".hf-map-frame svg");
    const [, , across, high] = svg.getAttribute("viewBox").split(" ").map(Number);
    return Math.abs((across / high) * (svg.clientHeight / svg.clientWidth) - 1) < 0.01;
  })()`);
  const box = () => map.locator("svg").getAttribute("viewBox");
  await map.focus();
  const before = await box();
  await page.keyboard.press("ArrowRight");
  const moved = await box();
  await page.keyboard.press("+");
  const near = await box();
  assert.equal(new Set([before, moved, near]).size, 3);
  await page.keyboard.press("0");
  assert.equal(await box(), before);
  await map.hover();
  await page.mouse.wheel(0, -300);
  await page.waitForFunction(
    `document.querySelector(".hf-map-frame svg").getAttribute("viewBox") !== ${JSON.stringify(before)}`,
  );
  await page.getByText("Places").click();
  await page.getByRole("rowheader", { name: "Spare pump" }).last().waitFor();
  await page.getByText("Show the numbers").click();
  await page
    .getByRole("region", { name: "The numbers of Pressure" })
    .getByRole("cell", { name: /bar$/ })
    .first()
    .waitFor();
});

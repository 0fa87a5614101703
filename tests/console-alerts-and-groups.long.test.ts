import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { parseId, uuidOf } from "@holdfast/kernel";
import type { Page } from "playwright-core";
import { asOwner, atEnd } from "../apps/server/src/testing/index.ts";
import { Desk, isSigned } from "./alerts.fixture.ts";
import { textOf, viewer, type Device, type Problem, type Thing } from "./authority.fixture.ts";
import { assertAccessible, startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";
import { eventually } from "./messages.fixture.ts";

// What is told of devices, which speaks for which, and what they do together, as a person meets it.
buildConsole();
const desk = await Desk.open();
atEnd.after(() => desk.house.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { owner, house } = desk;
const me = owner.asks;
const { devices } = await desk.group(4);
const [one, two, three, four] = devices as [Device, Device, Device, Device]; // as many as were asked for
for (const [at, name] of ["North", "South", "East", "West"].entries())
  await me.send("PATCH", `/v1/devices/${devices[at]?.id}`, { body: { name } });
const applications = await me.get<{ items: [Thing] }>("/v1/applications");
const application = applications.items[0].id;
await owner.member(viewer);

const entrance = new Entrance(browser, house.platform);
const enter = (t: TestContext, where: string, more: object = {}) =>
  entrance.at(t, `${house.platform.platform.url}/o/${owner.org}/${where}`, { isMovable: true, ...more });
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).last().click();
const row = (page: Page, name: string | RegExp) => page.getByRole("row", { name });
/** Lists ask again by themselves, as soon as it is time. */
const passIn = (page: Page) => page.clock.fastForward(20_000);

/** In the hand and on a desk: in one theme here, and the other way round on the next page. */
const looks = [
  { 360: "dark", 1440: "light" },
  { 360: "light", 1440: "dark" },
] as const;
let looked = 0;

/** Nobody is shut out, nothing sticks out at the side, and one can sign out. */
async function assertGood(page: Page, where: string): Promise<void> {
  const schemes = looks[(looked += 1) % 2] ?? looks[0];
  for (const width of [360, 1440] as const) {
    const scheme = schemes[width];
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor({ state: "attached" });
    await assertAccessible(page, `${where}, ${scheme}, ${width}`);
    const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
    assert.ok(wide <= width, `${where} is ${wide} pixels wide on ${width}`);
  }
  assert.equal(await page.getByRole("button", { name: /^You are / }).count(), 1, `${where} has no way to sign out`);
}

test("from nothing to a webhook that was tested and a rule that tells it, and both end once their names are typed", async (t) => {
  const { page, complaints } = await enter(t, "alerts");
  await page.getByText("No rule says yet which devices raise an alert.").waitFor();
  await page.getByRole("link", { name: "Make a rule" }).click();
  await page.getByText("There is no rule, so nobody is told").waitFor();
  await page.getByRole("link", { name: "Webhooks" }).click();
  await page.getByText("There is no webhook.").waitFor();
  await assertGood(page, "no webhook");
  await press(page, "Make a webhook");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Pager");
  await dialog.getByLabel("Address").fill("http://example.com/");
  await press(page, "Make it");
  await dialog.getByText("An address that begins with https://").waitFor();
  await dialog.getByLabel("Address").fill(desk.url("/pager"));
  await press(page, "Make it");
  const secret = await dialog.getByLabel("The secret that signs what it is sent").innerText();
  await assertGood(page, "the secret of a webhook");
  await press(page, "I have kept it");
  await press(page, "Test Pager");
  await page.getByText("Pager took the test message.").waitFor();
  assert.deepEqual(desk.taken.map(({ path, said }) => [path, said.type]).at(-1), ["/pager", "webhook.test"]);
  assert.ok(isSigned(desk.taken.at(-1) ?? assert.fail(), secret), "by the secret that was shown");
  desk.answers.push(500);
  await press(page, "Test Pager");
  await page.getByText("Pager did not take the test message.").waitFor();
  await page.getByText("The reason: it answered 500.").waitFor();
  await assertGood(page, "a webhook that took nothing");

  await page.getByRole("link", { name: "Rules", exact: true }).click();
  await press(page, "Make a rule");
  await dialog.getByLabel("Name").fill("Away");
  await dialog.getByLabel("For so long").fill("soon");
  await dialog.getByLabel("Which devices").selectOption("Of a product");
  await press(page, "Make it");
  await dialog.getByText("A length of time such as").waitFor();
  await dialog.getByText("Choose a product").waitFor();
  await dialog.getByLabel("For so long").fill("20s");
  await dialog.getByLabel("Product").selectOption("Pump");
  // No letter leaves this platform: the box says so, and stays empty.
  const byMail = dialog.getByLabel("owner@example.com");
  assert.match((await byMail.getAttribute("aria-description")) ?? "", /--smtp-url/);
  await byMail.click({ force: true });
  assert.equal(await byMail.isChecked(), false);
  await dialog.getByLabel("Pager").check();
  await assertGood(page, "a rule");
  await press(page, "Make it");
  await row(page, /^Away .*of Pump offline 20s 1 webhook/).waitFor();
  await press(page, "Change Away");
  await dialog.getByLabel("comes and goes").check();
  await press(page, "Save");
  await row(page, /^Away .*of Pump offline, comes and goes/).waitFor();
  await assertGood(page, "rules");

  for (const [name, where] of [
    ["Second", "Rules"],
    ["Second", "Webhooks"],
  ] as const) {
    if (where === "Rules") await desk.rule({ name });
    else await me.post("/v1/webhooks", { name, url: desk.url() });
    await page.getByRole("link", { name: where, exact: true }).click();
    await page.reload();
    await press(page, `Remove ${name}`);
    await dialog.getByLabel(/^Type/).fill(name);
    await press(page, "Remove");
    await row(page, new RegExp(`^${name}`)).waitFor({ state: "hidden" });
  }
  const left = async (where: string) =>
    (await me.get<{ items: { name: string }[] }>(where)).items.map(({ name }) => name);
  assert.deepEqual([await left("/v1/alert-rules"), await left("/v1/webhooks")], [["Away"], ["Pager"]]);
  assert.deepEqual(complaints, []);
});

test("a rule that somebody altered in the database is named above the others, and is removed once its id is typed", async (t) => {
  const [{ id }] = await Promise.all([desk.rule({ name: "Altered" }), desk.rule({ name: "Sound" })]);
  const body = "set_byte(body, 40, get_byte(body, 40) # 1)";
  await asOwner(
    house.platform.database.login,
    `update holdfast.alert_rule set body = ${body} where id = '${uuidOf(parseId("alertRule", id))}'`,
  );
  const { page, complaints } = await enter(t, "alerts");
  await page.getByRole("link", { name: "Rules", exact: true }).click();
  await page.getByRole("alert").getByText("1 of these was altered in the database").waitFor();
  await row(page, /^Sound/).waitFor();
  await assertGood(page, "a rule that was altered");
  await press(page, `Remove ${id}`);
  await page.getByRole("dialog").getByLabel(/^Type/).fill(id);
  await press(page, "Remove");
  await page.getByText("was altered in the database").waitFor({ state: "hidden" });
  const { items } = await me.get<{ items: { id: string; name: string }[] }>("/v1/alert-rules");
  for (const { id: other, name } of items) if (name === "Sound") await me.send("DELETE", `/v1/alert-rules/${other}`);
  assert.equal(
    items.some((rule) => rule.id === id || rule.name === "Altered"),
    false,
  );
  assert.deepEqual(complaints, []);
});

test("an alert comes without a reload, is counted beside the place, is acknowledged by keys and cleared by itself", async (t) => {
  const { page, complaints } = await enter(t, "alerts");
  await page.getByText("Nothing is wrong: no alert is open.").waitFor();
  await page.getByRole("link", { name: "Alerts", exact: true }).first().waitFor();
  const raisedOf = async () => (await desk.alerts(`?device=${one.id}`))[0];
  (await desk.connect(one)).stream.destroy();
  await desk.until("an alert", raisedOf, 40);
  await passIn(page);
  await row(page, /^raised offline North/).waitFor();
  await page.getByRole("link", { name: "Alerts 1 that nobody sees to" }).waitFor();
  await assertGood(page, "an alert that was raised");
  await page.getByLabel("Show", { exact: true }).focus();
  const focused = () => page.evaluate<string>('document.activeElement.getAttribute("aria-label") ?? ""');
  for (let count = 0; count < 8 && !(await focused()).startsWith("Acknowledge"); count++)
    await page.keyboard.press("Tab");
  assert.match(await focused(), /^Acknowledge: offline/);
  await page.keyboard.press("Enter");
  await row(page, /^acknowledged offline North owner@example.com/).waitFor();
  await page.getByRole("link", { name: "Alerts", exact: true }).first().waitFor();
  assert.equal((await raisedOf())?.acknowledgedBy, owner.person);
  await eventually(
    async () => (await page.evaluate("document.activeElement.tagName")) !== "BODY",
    () => "whoever uses keys was left nowhere",
  );

  await page.getByRole("link", { name: "offline" }).click();
  const dialog = page.getByRole("dialog", { name: "Alert: offline" });
  await dialog.getByText("the connection broke").waitFor();
  assert.ok(new URL(page.url()).searchParams.get("open")?.startsWith("alr_"), "a colleague can be sent it");
  const again = dialog.getByRole("button", { name: "Acknowledge" });
  assert.match((await again.getAttribute("aria-description")) ?? "", /already/);
  await assertGood(page, "one alert");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });

  const back = await desk.connect(one);
  await desk.until("the end", async () => ((await raisedOf())?.state === "cleared" ? true : undefined), 20);
  await passIn(page);
  await page.getByText("Nothing is wrong: no alert is open.").waitFor();
  await page.getByLabel("Show", { exact: true }).selectOption("what is cleared");
  await row(page, /^cleared offline North/).waitFor();
  await page.getByRole("cell").getByRole("link", { name: "North" }).click();
  await page.getByRole("heading", { name: "North", level: 1 }).waitFor();
  await page.getByRole("navigation", { name: "Pages of this device" }).getByRole("link", { name: "Alerts" }).click();
  await row(page, /^cleared offline North/).waitFor();
  await assertGood(page, "the alerts of a device");
  await back.endAsync();
  assert.deepEqual(complaints, []);
});

test("whoever may look and not change is told why each thing is barred", async (t) => {
  const { page } = await enter(t, "alerts/rules", { who: viewer });
  const barred = async (name: string, action: string) => {
    const button = page.getByRole("button", { name, exact: true }).first();
    await button.waitFor();
    assert.equal(await button.getAttribute("aria-description"), `Your role does not hold ${action}.`, name);
    await button.click({ force: true });
    assert.equal(await page.getByRole("dialog").count(), 0, name);
  };
  for (const name of ["Make a rule", "Change Away", "Remove Away"]) await barred(name, "alert.manage");
  await page.getByRole("link", { name: "Webhooks" }).click();
  for (const name of ["Make a webhook", "Test Pager", "Change Pager", "Remove Pager"])
    await barred(name, "alert.manage");
  await page.goto(page.url().replace(/alerts.*/, "devices/groups"));
  await barred("Make a group", "group.manage");
  await page.goto(page.url().replace(/groups.*/, `${two.id}/gateway`));
  for (const name of ["Bind it to a gateway", "Bind a child"]) await barred(name, "device.bind");
  await page.goto(page.url().replace(/gateway$/, "certificates"));
  await barred("Issue a certificate", "device.mintKey");
});

test("children are bound to a gateway and released, and how each is itself stands beside it", async (t) => {
  type Bound = { readonly gateway?: string };
  const gatewayOf = async ({ id }: Device) => (await me.get<Bound>(`/v1/devices/${id}`)).gateway;
  const { page, complaints } = await enter(t, `devices/${one.id}/gateway`);
  await page.getByText("It speaks for no other device.").waitFor();
  await page.getByText("no gateway is bound to it").waitFor();
  await press(page, "Bind a child");
  const dialog = page.getByRole("dialog");
  assert.equal(await dialog.getByRole("button", { name: "Bind North" }).count(), 0, "none speaks for itself here");
  await dialog.getByLabel("Find a device").fill("east");
  await dialog.getByRole("button", { name: "Bind South" }).waitFor({ state: "hidden" });
  await assertGood(page, "a child is chosen");
  await dialog.getByRole("button", { name: "Bind East" }).click();
  await dialog.getByText("No such device of this application can be chosen.").waitFor();
  await page.keyboard.press("Escape");
  await row(page, /^East offline Release/).waitFor();
  assert.equal(await gatewayOf(three), one.id);
  const itself = await desk.connect(three);
  await passIn(page);
  await row(page, /^East online Release/).waitFor();
  await assertGood(page, "a gateway");

  await page.getByRole("link", { name: "East" }).click();
  await page.getByRole("heading", { name: "East", level: 1 }).waitFor();
  await page.getByText("It is, by connections of its own").waitFor();
  await page.getByRole("link", { name: "North" }).waitFor();
  await assertGood(page, "a child");
  await press(page, "Bind it to another gateway");
  await dialog.getByRole("button", { name: "Bind it to South" }).click();
  await page.getByRole("link", { name: "South" }).waitFor();
  assert.equal(await gatewayOf(three), two.id);
  await press(page, "Release");
  await page.getByText("no gateway is bound to it").waitFor();
  assert.equal(await gatewayOf(three), undefined);
  await itself.endAsync();
  assert.deepEqual(complaints, []);
});

test("a group is made, devices come in and go at once, and its board shows who has which task and until when", async (t) => {
  const { page, complaints } = await enter(t, "devices/groups");
  await page.getByText("There is no group in this application.").waitFor();
  await press(page, "Make a group");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("all pumps");
  await press(page, "Make it");
  await dialog.getByText("begins with a letter or a digit").waitFor();
  await dialog.getByLabel("Name").fill("pumps");
  await press(page, "Make it");
  await page.getByRole("heading", { name: "pumps", level: 1 }).waitFor();
  await page.getByText("Nobody is in this group").waitFor();
  await press(page, "Take devices in");
  for (const name of ["Take South in", "Take West in"]) {
    await dialog.getByRole("button", { name }).click();
    await dialog.getByRole("button", { name }).waitFor({ state: "hidden" });
  }
  await page.keyboard.press("Escape");
  await row(page, /^South/).waitFor();
  await page.getByLabel(`What ${four.id} may`).selectOption("speak, and put tasks");
  type Group = Thing & { readonly members: readonly { device: string; read: boolean; write: boolean }[] };
  const group = async () => (await me.get<{ items: [Group] }>(`/v1/applications/${application}/groups`)).items[0];
  await eventually(
    async () => (await group()).members.some(({ device, read, write }) => device === four.id && !read && write),
    () => "it may as before",
  );

  await page.getByText("There is no task on the board.").waitFor();
  for (const name of ["drain", "fill"]) {
    await press(page, "Put a task");
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("Body").fill('{"tank": 3}');
    await dialog.getByRole("button", { name: "Put a task" }).click();
    await row(page, new RegExp(`^${name} waits`)).waitFor();
    desk.clock.move(1_000); // the first is the oldest
  }
  const { id } = await group();
  const leasesOf = (device: Device) =>
    house.platform.visitor
      .as(textOf(device.key))
      .send<{ items: { id: string; name: string }[] } & Problem>("POST", `/v1/me/groups/${id}/leases`, { body: {} });
  const leased = await leasesOf(two);
  assert.equal(leased.body.items[0]?.name, "drain");
  await passIn(page);
  await row(page, /^drain leased .*South until /).waitFor();
  await assertGood(page, "a group and its board");
  await page.getByRole("link", { name: "drain" }).click();
  await page
    .getByRole("dialog", { name: "drain" })
    .getByLabel("Body", { exact: true })
    .getByText('"tank": 3')
    .waitFor();
  await assertGood(page, "a task");
  await page.keyboard.press("Escape");

  // At once: what it had waits for others, and it gets nothing more.
  await press(page, `Expel ${two.id}`);
  await page.getByText("It is out: it hears and says nothing more there").waitFor();
  await row(page, /^drain waits .*nobody/).waitFor();
  assert.equal((await leasesOf(two)).body.code, "group.unknown");
  await page.getByRole("button", { name: /^Cancel fill/ }).click();
  await row(page, /^fill .*cancelled/).waitFor();
  await page.getByLabel("Show", { exact: true }).selectOption("waits");
  await row(page, /^fill/).waitFor({ state: "hidden" });
  await row(page, /^drain waits/).waitFor();

  await press(page, "End the group");
  await dialog.getByLabel(/^Type/).fill("pumps");
  await dialog.getByRole("button", { name: "End the group" }).click();
  await page.getByText("There is no group in this application.").waitFor();
  await assertGood(page, "no group");
  assert.deepEqual(complaints, []);
});

test("certificates of a device stand on a page of their own, from the first to the end of one", async (t) => {
  const { page, complaints } = await enter(t, `devices/${four.id}/certificates`);
  await page.getByText("It has no certificate.").waitFor();
  await press(page, "Issue a certificate");
  const dialog = page.getByRole("dialog");
  assert.ok(await dialog.getByLabel("With a client certificate that is issued here").isChecked());
  await press(page, "Make it");
  await dialog.getByRole("button", { name: "Download key.pem" }).waitFor();
  await press(page, "I have kept it");
  await row(page, /^active in 90 d our authority Revoke/).waitFor();
  await assertGood(page, "certificates");
  await page.getByRole("button", { name: /^Revoke key_/ }).click();
  await dialog.getByLabel(/^Type/).fill("West");
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await row(page, /revoked in 90 d/).waitFor();
  assert.deepEqual(complaints, []);
});

test("what is wrong with devices that are there is counted on the overview, for as long as it is", async (t) => {
  const { page } = await enter(t, "");
  const silent = page.getByRole("link", { name: "1 silent" });
  await page.getByRole("link", { name: "0 suspended" }).waitFor();
  assert.equal(await silent.count(), 0);
  const [meter] = (await desk.group(1)).devices as [Device]; // as many as were asked for
  await me.send("PATCH", `/v1/devices/${meter.id}`, { body: { name: "Meter", reportingInterval: "1s" } });
  const headers = { "x-auth-token": `${meter.key.id}.${meter.key.secret}` };
  await house.platform.visitor.send("POST", "/v1/me/telemetry", { headers, body: { temperature: 21 } });
  const isSilent = async () => (await me.get<{ silent: number }>("/v1/devices/summary")).silent === 1 || undefined;
  await desk.until("it is silent", isSilent, 20);
  await passIn(page);
  await silent.click();
  await row(page, /Meter.* silent/).waitFor();
});

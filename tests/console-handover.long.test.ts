import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner } from "./authority.fixture.ts";
import { startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";

// A device that goes from one organisation to another, as somebody on each side sees it in the console.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { url } = platform.platform;
const [from, to] = [
  new Owner(platform.visitor, await platform.setUp()),
  new Owner(platform.visitor, await platform.setUp()),
];
const entrance = new Entrance(browser, platform);
const application = await from.application();

test("a code is made, taken back and made again, shown this once, and in the other organisation it brings the device", async (t) => {
  const device = await from.device(application.id, { name: "Pump 7" });
  const { page } = await entrance.at(t, `${url}/o/${from.org}/devices/${device.id}/access`);
  await page.getByText("It stays here.").waitFor();
  const dialog = page.getByRole("dialog");
  const makes = async () => {
    await page.getByRole("button", { name: "Hand it over" }).click();
    await dialog.getByRole("button", { name: "Make the code" }).click();
    const code = await dialog.getByLabel("The code", { exact: true }).innerText();
    await dialog.getByRole("button", { name: "I have kept it" }).click();
    await page.getByText("Whoever has the code can take it over.").waitFor();
    assert.ok(!(await page.content()).includes(code.trim()));
    return code.trim();
  };
  const withdrawn = await makes();
  await page.getByRole("button", { name: "Take the code back" }).click();
  await page.getByText("It stays here.").waitFor();
  const code = await makes();

  // By keys alone: which choice, the code, the button.
  const { page: there } = await entrance.at(t, `${url}/o/${to.org}/devices/add`);
  await there.getByRole("radio", { name: "A new device" }).focus();
  await there.keyboard.press("ArrowRight");
  const field = there.getByLabel("The code");
  await field.waitFor();
  await there.keyboard.press("Tab");
  await there.keyboard.type(withdrawn);
  await there.getByLabel("Name of the new application").fill("Works");
  await there.keyboard.press("Enter");
  await there.getByText("This code gives no device").waitFor();
  await field.fill(code.toLowerCase());
  await field.press("Enter");
  await there.getByRole("heading", { name: "Connect Pump 7" }).waitFor();
  const { items } = await to.asks.get<{ items: { id: string; name: string }[] }>("/v1/devices");
  assert.deepEqual(
    items.map(({ name }) => name),
    ["Pump 7"],
  );
  const applications = await to.asks.get<{ items: { name: string }[] }>("/v1/applications");
  assert.deepEqual(
    applications.items.map(({ name }) => name),
    ["Works"],
    "a wrong code before made no second one",
  );
  const key = (await there.getByLabel("The key: id and secret", { exact: true }).innerText()).trim();
  assert.equal((await platform.visitor.as(key).send("GET", "/v1/me")).status, 200);

  await page.reload();
  await page.getByText("It is another organisation’s now.").waitFor();
  const hand = page.getByRole("button", { name: "Hand it over" });
  assert.equal(await hand.getAttribute("aria-description"), "It is retired.");
});

test("what is a customer's is not handed over, and who may only look sees that and why", async (t) => {
  const device = await from.device(application.id);
  const who = { email: "viewer@example.com", password: "correct horse battery staple" };
  await from.member(who);
  const { page } = await entrance.at(t, `${url}/o/${from.org}/devices/${device.id}/access`, { who });
  await page.getByText("It stays here.").waitFor();
  const button = page.getByRole("button", { name: "Hand it over" });
  assert.match((await button.getAttribute("aria-description")) ?? "", /device\.retire/);
  const { id: user } = await from.asks.post<{ id: string }>(`/v1/applications/${application.id}/users`, {
    login: "ann@example.com",
  });
  await from.asks.put(`/v1/devices/${device.id}/user`, { user });
  const { page: hers } = await entrance.at(t, `${url}/o/${from.org}/devices/${device.id}/access`);
  await hers.getByRole("button", { name: "Hand it over" }).and(hers.locator("[aria-disabled=true]")).waitFor();
  assert.match(
    (await hers.getByRole("button", { name: "Hand it over" }).getAttribute("aria-description")) ?? "",
    /A customer has this device/,
  );
});

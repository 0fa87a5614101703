import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { textOf, type Device } from "./authority.fixture.ts";
import { assertAccessible, startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";

// What is wanted of a device and what it is asked to do, as a person meets it.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { org, token } = await platform.setUp();
const me = platform.visitor.as(token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Houses" });
const device = await me.post<Device>("/v1/devices", { application: application.id, name: "Lock" });
const itself = platform.visitor.as(textOf(device.key));
await me.put(`/v1/devices/${device.id}/door`, { dangerous: ["unlock"] });

const entrance = new Entrance(browser, platform);
const enter = async (t: TestContext, where: string) =>
  (await entrance.at(t, `${platform.platform.url}/o/${org}/devices/${device.id}/${where}`)).page;

test("somebody says what is wanted, and sees what differs until the device has taken it over", async (t) => {
  await itself.send("PATCH", "/v1/me/twin", { body: { interval: 60 } });
  const page = await enter(t, "twin");
  const row = page.getByRole("row", { name: /^interval/ });
  await row.getByText("not asked for").waitFor();
  await page.getByRole("textbox", { name: "What is wanted" }).fill('{"interval": 30}');
  await page.getByRole("button", { name: "Save" }).click();
  await row.getByText("differs").waitFor();
  await itself.send("PATCH", "/v1/me/twin", { body: { interval: 30 } });
  await row.getByText("the same").waitFor();
  await page.getByRole("row", { name: /Wanted, version 1/ }).waitFor();
  await page.getByRole("textbox", { name: "What is wanted" }).fill("[1]");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Not an object of JSON").waitFor();
});

test("a command goes to all with a tag from the list of devices, and how far it is can be watched", async (t) => {
  const make = async (name: string) => {
    const made = await me.post<Device>("/v1/devices", { application: application.id, name, tags: { floor: "3" } });
    return platform.visitor.as(textOf(made.key));
  };
  const [one, other] = [await make("Lamp 1"), await make("Lamp 2")];
  const { page } = await entrance.at(t, `${platform.platform.url}/o/${org}/devices?q=tag:floor%3D3`);
  await page.getByRole("button", { name: "Send a command to many" }).click();
  const dialog = page.getByRole("dialog");
  assert.equal(await dialog.getByLabel("Tag, as key=value").inputValue(), "floor=3");
  await dialog.getByLabel("Name").fill("dim");
  await dialog.getByRole("button", { name: "Send" }).click();
  await dialog.getByText("0 of 2 are through").waitFor();
  for (const lamp of [one, other]) {
    const { items } = await lamp.get<{ items: { id: string; name: string }[] }>("/v1/me/commands");
    assert.deepEqual(
      items.map(({ name }) => name),
      ["dim"],
    );
    await lamp.send("POST", `/v1/me/replies/${items[0]?.id}`, { body: { result: true } });
  }
  await dialog.getByText("2 of 2 are through").waitFor();
  await assertAccessible(page, "a command to many");
});

test("somebody sends a command and sees its reply, approves what is dangerous, and cancels", async (t) => {
  const page = await enter(t, "commands");
  const send = async (name: string, body = "") => {
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Body").fill(body);
    await page.getByRole("button", { name: "Send" }).click();
  };
  const row = (name: string) => page.getByRole("row", { name: new RegExp(`^${name}`) });
  await send("blink", '{"times": 3}');
  await row("blink").getByText("waits for the device").waitFor();
  const { items } = await itself.get<{ items: { id: string; body: unknown }[] }>("/v1/me/commands");
  assert.deepEqual(items[0]?.body, { times: 3 });
  await itself.send("POST", `/v1/me/replies/${items[0]?.id}`, { body: { result: "blinked" } });
  await row("blink").getByText('"blinked"').waitFor();
  await row("blink").getByText("answered").waitFor();
  await send("unlock");
  await row("unlock").getByText("waits for approval").waitFor();
  await row("unlock").getByRole("button", { name: "Approve" }).click();
  await row("unlock").getByText("waits for the device").waitFor();
  await row("unlock").getByRole("button", { name: "Cancel" }).click();
  await row("unlock").getByText("cancelled").waitFor();
});

test("every command of a device is found, and who sent and who approved it", async (t) => {
  const made = await me.post<Device>("/v1/devices", { application: application.id, name: "Gate" });
  await me.put(`/v1/devices/${made.id}/door`, { dangerous: ["unlock"] });
  const send = (name: string) => me.post(`/v1/devices/${made.id}/commands`, { name });
  await send("unlock");
  const { page } = await entrance.at(t, `${platform.platform.url}/o/${org}/devices/${made.id}/commands`);
  const first = page.getByRole("row", { name: /^unlock/ });
  const people = first.getByRole("cell", { name: "owner@example.com" });
  await people.waitFor(); // who sent it
  await first.getByRole("button", { name: "Approve" }).click();
  await people.nth(1).waitFor(); // and who approved it
  for (let at = 0; at < 50; at++) await send("blink");
  await page.reload();
  await page
    .getByRole("row", { name: /^blink/ })
    .nth(49)
    .waitFor();
  assert.equal(await first.count(), 0);
  await page.getByRole("button", { name: "Show older ones" }).click();
  await first.getByText("waits for the device").waitFor();
  await send("wink");
  await page.getByRole("row", { name: /^wink/ }).waitFor();
  assert.equal(await page.getByRole("row", { name: /^blink/ }).count(), 50);
  assert.equal(await page.getByRole("button", { name: "Show older ones" }).count(), 0);
  await assertAccessible(page, "commands");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import { connectAsync } from "mqtt";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";

buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const entrance = new Entrance(browser, platform);
const { org, token } = await platform.setUp();
const me = platform.visitor.as(token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Houses" });
type Made = { id: string; key: { id: string; secret: string } };
const make = (name: string) => me.post<Made>("/v1/devices", { application: application.id, name });
const { id, key } = await make("Pump 1");
const other = await make("Pump 2");
const come = (password: string, username = key.id) =>
  connectAsync(platform.platform.mqttsUrl, {
    ca: platform.platform.caPem ?? "",
    reconnectPeriod: 0,
    protocolVersion: 5,
    username,
    password,
  });

test("Live shows every message and every refusal of a device with its reason, by filter, and what came while it was paused", async (t) => {
  const { page, complaints } = await entrance.at(t, `${platform.platform.url}/o/${org}/devices/${id}/live`);
  await page.getByText("Nothing has come since this page was opened.").waitFor();
  await page.getByText("Live", { exact: true }).last().waitFor();
  const line = (...texts: string[]) =>
    texts.reduce((found, text) => found.filter({ hasText: text }), page.getByRole("listitem")).first();

  await assert.rejects(come(other.key.secret));
  await line(
    "refused",
    "connect",
    "credential.invalid",
    "The key is known, the secret is wrong: it is another",
  ).waitFor();
  await assert.rejects(come(`${key.secret.slice(0, -4)}AAAA`));
  await line("refused", "connect", "credential.invalid", "mistyped or cut off").waitFor();
  const client = await come(key.secret);
  t.after(() => client.end(true));
  await line("● online").waitFor();
  await client.publishAsync("me/telemetry", '{"temperature":21.5}', { qos: 1 });
  await line("reading", "temperature = 21.5", "mqtt", "me/telemetry", "20 bytes").waitFor();
  await assert.rejects(client.publishAsync("me/telemetry", '{"temperature":', { qos: 1 }));
  await line("refused", "telemetry.write", "telemetry.malformed", "me/telemetry").waitFor();
  await assert.rejects(client.publishAsync("me/telemetry", '{"temperature":"warm"}', { qos: 1 }));
  const wrongType = line("refused", "telemetry.wrongType");
  await wrongType.waitFor();
  assert.equal((await wrongType.innerText()).split("is a number, and this is a text").length, 2, "said once");
  await assert.rejects(client.publishAsync("somewhere/else", "1", { qos: 1 }));
  await line("refused", "topic.", "somewhere/else").waitFor();

  await page.getByRole("button", { name: "Only refusals" }).click();
  await line("temperature = 21.5").waitFor({ state: "hidden" });
  await line("refused", "somewhere/else").waitFor();
  await page.getByLabel("Only with").fill("malformed");
  await line("somewhere/else").waitFor({ state: "hidden" });
  await line("telemetry.malformed").waitFor();
  await page.getByLabel("Only with").fill("");
  await page.getByRole("button", { name: "Only refusals" }).click();

  await page.getByRole("button", { name: "Pause" }).click();
  await client.publishAsync("me/telemetry", '{"temperature":22.5}', { qos: 1 });
  await page.getByText("Live Paused; 1 came since.").waitFor();
  assert.equal(await line("temperature = 22.5").count(), 0);
  await page.getByRole("button", { name: "Go on" }).click();
  await line("temperature = 22.5").waitFor();
  client.stream.destroy();
  await line("○ offline").waitFor();
  assert.deepEqual(complaints, []);
});

test("whoever adds a device and waits is told whether the key is unknown or its secret wrong", async (t) => {
  const { page } = await entrance.at(t, `${platform.platform.url}/o/${org}/devices/add`);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Pump 3");
  await page.getByRole("button", { name: "Add a device" }).click();
  await page.getByText("Waiting for the first reading …").waitFor();
  const shown = await page
    .getByText(/^key_[0-9a-f]+\.hfs_/)
    .first()
    .innerText();
  const [username = "", secret = ""] = shown.split(".");
  const alert = page.getByRole("alert");

  await assert.rejects(come(secret, newId("key", systemRandom)));
  await alert.filter({ hasText: "The key is unknown" }).waitFor();
  await assert.rejects(come(`${secret.slice(0, -4)}AAAA`, username));
  await alert.filter({ hasText: "The key is known, the secret is wrong: it was mistyped or cut off." }).waitFor();
  await assert.rejects(come(other.key.secret, username));
  await alert.filter({ hasText: "The key is known, the secret is wrong: it is another one's." }).waitFor();
  await alert.filter({ hasText: "Copy the secret from above again" }).first().waitFor();
  const client = await come(secret, username);
  t.after(() => client.end(true));
  await client.publishAsync("me/telemetry", '{"temperature":21.5}', { qos: 1 });
  await page.getByText("The first reading is here.").waitFor();
});

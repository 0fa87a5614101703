import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { connectAsync, type MqttClient } from "mqtt";
import { startBrowser, visit } from "../../tests/browser.fixture.ts";
import { owner } from "./example.ts";
import { started, type Started } from "./server.ts";

const run = promisify(execFile);
const timeout = 240_000; // milliseconds, for one step; what takes longer is killed

export type Step = { readonly step: string; readonly seconds: number };

/** What a newcomer does, one step after the other; `folder` is empty and hers. The browser is there before she begins. */
export async function* firstRun(source: string, folder: string): AsyncGenerator<Step> {
  let began = performance.now();
  const took = (step: string): Step => {
    const now = performance.now();
    const seconds = (now - began) / 1_000;
    began = now;
    return { step, seconds };
  };
  const clone = path.join(folder, "holdfast");
  const browser = await startBrowser();
  let server: Started | undefined;
  let client: MqttClient | undefined;
  try {
    const { page } = await visit(browser, { width: 1280 });
    began = performance.now();
    await run("git", ["clone", "--quiet", source, clone], { timeout });
    yield took("git clone");
    // The two that `npm start` does first, apart, so that each has its seconds.
    await run("node", ["tools/install.mjs"], { cwd: clone, timeout });
    yield took("install what is missing");
    await run("node_modules/.bin/node", ["tools/console.mjs"], { cwd: clone, timeout });
    yield took("build the console");
    const ports = ["--https-port", "0", "--mqtts-port", "0"];
    const readyFile = path.join(folder, "ready.json");
    server = await started(["npm", "start", "--", ...ports], { cwd: clone, readyFile, seconds: 60 });
    const { ready } = server;
    yield took("npm start: keys, database, ready");

    await page.goto(ready.setupLink);
    await page.getByLabel("Your e-mail").fill(owner.email);
    await page.getByLabel("A password").fill(owner.password);
    await page.getByLabel("The password again").fill(owner.password);
    await page.getByLabel("Name of your organisation").fill("Meadow Nursery");
    await page.getByLabel("Also start a simulated fleet").uncheck();
    await page.getByRole("button", { name: "Set up" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    yield took("set up, in the browser");

    await page.getByRole("button", { name: "Add a device" }).first().click();
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("Pump");
    await page.getByLabel("Name of the new application").fill("Greenhouse");
    await page.getByRole("button", { name: "Add a device" }).click();
    await page.getByText("Waiting for the first reading").waitFor();
    yield took("a first device, in the browser");

    const [username = "", password = ""] = (await page.getByLabel("The key: id and secret").innerText()).split(".");
    client = await connectAsync(ready.mqttsUrl, { ca: readFileSync(ready.caFile), username, password });
    await client.publishAsync("me/telemetry", '{"temperature":21.5}', { qos: 1 });
    await page.getByText("The first reading is here.").waitFor();
    yield took("a first reading by MQTT, until the page is green");

    await page.getByRole("link", { name: "See it on a chart" }).click();
    await page.getByRole("img", { name: "temperature over time" }).waitFor();
    await client.publishAsync("me/telemetry", '{"temperature":22.5}', { qos: 1 });
    await page.getByRole("cell", { name: "22.5" }).first().waitFor();
    yield took("the chart, until a second reading is on it");
  } finally {
    await client?.endAsync(true);
    await browser.close();
    await server?.stop();
  }
}

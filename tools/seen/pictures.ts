import { statSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { visit } from "../../tests/browser.fixture.ts";
import { owner, type Example } from "./example.ts";

const size = { width: 1280, height: 800 };
const kB = 1_000;
const most = { one: 160 * kB, together: 560 * kB };

/** Takes every picture of the console that the documents show. @throws when one is too large to be kept in a repository. */
export async function takePictures(
  browser: Browser,
  { url, example, folder }: { readonly url: string; readonly example: Example; readonly folder: string },
): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
  const taken: { name: string; bytes: number }[] = [];
  const at = `${url}/o/${example.org}`;
  const take = async (page: Page, name: string) => {
    const file = path.join(folder, `${name}.png`);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: file });
    const bytes = statSync(file).size;
    if (bytes > most.one) throw new Error(`${name}.png has ${bytes} bytes: too many to be kept in a repository`);
    taken.push({ name, bytes });
  };

  for (const scheme of ["light", "dark"] as const) {
    const { context, page } = await visit(browser, { scheme, width: size.width });
    await page.setViewportSize(size);
    await signIn(page, url);
    await page.goto(`${at}/devices/${example.sensor.id}/telemetry?range=24h`);
    await page.getByRole("img", { name: /over time/ }).waitFor();
    await page.getByRole("cell").first().waitFor();
    if (scheme === "dark") await take(page, "chart-dark");
    else {
      await take(page, "chart");
      await page.goto(`${at}/devices`);
      await page.getByText("Lamps, south").waitFor();
      await take(page, "devices");
      await showLive(page, `${at}/devices/${example.sensor.id}/live`, example);
      await take(page, "live");
      await showFirstReading(page, `${at}/devices/add`, example);
      await take(page, "first-reading");
    }
    await context.close();
  }
  const together = taken.reduce((sum, { bytes }) => sum + bytes, 0);
  if (together > most.together) throw new Error(`The pictures have ${together} bytes together: too many`);
  return taken;
}

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel("E-mail").fill(owner.email);
  await page.getByLabel("Password").first().fill(owner.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
}

/** What a sensor sends in a minute, two mistakes of its firmware among it. */
async function showLive(page: Page, url: string, { sensor: { mqtt } }: Example): Promise<void> {
  await page.goto(url);
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  const said = [
    ["me/telemetry", { temperature: 21.4, humidity: 58.2 }],
    ["me/telemetry", { temperature: 21.5, humidity: 58.1 }],
    ["me/telemetry", { temperature: "warm" }],
    ["me/telemetry", { temperature: 21.5, humidity: 57.9 }],
    ["devices/pump-7/telemetry", { pressure: 2 }],
    ["me/telemetry", { temperature: 21.6, humidity: 57.8 }],
  ] as const;
  const lines = page.getByRole("list", { name: /What happens/ }).getByRole("listitem");
  for (const [number, [topic, values]] of said.entries()) {
    await mqtt.publishAsync(topic, JSON.stringify(values), { qos: 1 });
    await lines.nth(number).waitFor();
  }
}

async function showFirstReading(page: Page, url: string, example: Example): Promise<void> {
  await page.goto(url);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("House 4, bench");
  await page.getByRole("button", { name: "Add a device" }).click();
  await page.getByText("Waiting for the first reading").waitFor();
  const mqtt = await example.connect(await page.getByLabel("The key: id and secret").innerText());
  await mqtt.publishAsync("me/telemetry", '{"temperature":21.5}', { qos: 1 });
  await page.getByText("The first reading is here.").waitFor();
}

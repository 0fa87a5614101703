import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { assertAccessible, startBrowser, visit, type Visit } from "./browser.fixture.ts";
import { buildConsole } from "./console.fixture.ts";

buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { org, token } = await platform.setUp();
const me = platform.visitor.as(token);
const { url } = platform.platform;

// Something on every page: two products, three devices, readings, a refusal, a token.
type Made = { id: string; key: { id: string; secret: string } };
const application = await me.post<{ id: string }>("/v1/applications", { name: "Houses" });
const product = await me.post<{ id: string }>("/v1/products", {
  name: "Pump",
  attributes: { pressure: { type: "number", unit: "bar" }, running: { type: "boolean" } },
});
await me.post("/v1/products", { name: "Sensor", strict: true });
const make = (name: string, more: object = {}) =>
  me.post<Made>("/v1/devices", {
    application: application.id,
    name,
    product: product.id,
    tags: { floor: "3" },
    ...more,
  });
const device = await make("Pump 1", { alias: "pump-1" });
const [suspended, retired] = [await make("Pump 2"), await make("Pump 3")];
await me.post(`/v1/devices/${suspended.id}/suspend`);
await me.post(`/v1/devices/${retired.id}/retire`);
const as = platform.visitor.as(`${device.key.id}.${device.key.secret}`);
const now = Date.now();
await as.post(
  "/v1/me/telemetry",
  Array.from({ length: 60 }, (_, n) => ({
    time: now - n * 20_000,
    values: { pressure: 2 + Math.sin(n / 9), running: n % 7 !== 0, mode: "auto" },
  })),
);
const made = await me.post<{ id: string }>("/v1/tokens", { name: "Report", grants: ["telemetry.read", "device.read"] });

const inOrg = `/o/${org}`;
const at = `${inOrg}/devices/${device.id}`;
const places: readonly (readonly [path: string, heading: string, ready?: string])[] = [
  [inOrg, "Overview", "What happened last"],
  [`${inOrg}/devices`, "Devices", "Pump 2"],
  [`${inOrg}/devices?q=nothing-like-it`, "Devices", "No device is like that."],
  [`${inOrg}/devices/add`, "Add a device"],
  [`${inOrg}/devices/import`, "Add devices from a file"],
  [at, "Pump 1", "pressure"],
  [`${at}/telemetry`, "Pump 1", "Least"],
  [`${at}/live`, "Pump 1", "Only with"],
  [`${at}/access`, "Pump 1", device.key.id],
  [`${inOrg}/products`, "Products", "Sensor"],
  [`${inOrg}/products/${product.id}`, "Pump", "bar"],
  [`${inOrg}/access`, "Access", "Report"],
  [`${inOrg}/access/add`, "Make a credential"],
  [`${inOrg}/access/${made.id}`, "Report", "telemetry.read"],
  [`${inOrg}/audit`, "Audit", "device.created"],
  [`${inOrg}/settings`, "Settings"],
  [`${inOrg}/settings/security`, "Security", "X25519MLKEM768"],
];

async function signIn({ page }: Visit): Promise<void> {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel("E-mail").fill("owner@example.com");
  await page.getByLabel("Password", { exact: false }).first().fill("correct horse battery staple");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
}

for (const { scheme, width } of [
  { scheme: "light", width: 1440 },
  { scheme: "dark", width: 360 },
] as const) {
  test(`every page, ${scheme} and ${width} pixels wide, can be used by everybody and complains of nothing`, async (t) => {
    const visited = await visit(browser, { scheme, width });
    t.after(() => visited.context.close());
    const { page, complaints } = visited;
    await page.goto(`${url}/sign-in`);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await assertAccessible(page, "sign-in");
    complaints.length = 0; // nobody is signed in: the browser tells of the 401 that says so
    await signIn(visited);
    for (const [path, heading, ready] of places) {
      await page.goto(`${url}${path}`);
      await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
      if (ready !== undefined) await page.getByText(ready).first().waitFor();
      await page.screenshot({ path: `/tmp/shots/${scheme}-${path.replaceAll(/\W+/g, "_").slice(-60)}.png` });
      await assertAccessible(page, `${path}, ${scheme}`);
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
      assert.ok(wide <= width, `${path} is ${wide} pixels wide`);
    }
    assert.deepEqual(complaints, []);
  });
}

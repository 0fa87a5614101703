import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { selfSigned } from "@holdfast/client/testing";
import { connectAsync, type IClientOptions } from "mqtt";
import type { Page } from "playwright-core";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { assertAccessible, startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, follow, signIn } from "./console.fixture.ts";

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
await me.post(`/v1/applications/${application.id}/users`, { login: "dora@example.com" });
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
const made = await me.post<{ id: string; token: string }>("/v1/tokens", {
  name: "Report",
  grants: ["telemetry.read", "device.read"],
});
const { publicKey } = generateKeyPairSync("ed25519");
const { kty, crv, x } = publicKey.export({ format: "jwk" });
const bound = await me.post<{ id: string }>("/v1/tokens", {
  name: "Nightly",
  grants: ["device.read"],
  publicKey: { kty, crv, x },
});
// A device that is connected, and a program that is away and for which something waits.
const come = (options: IClientOptions) =>
  connectAsync(platform.platform.mqttsUrl, { ca: platform.platform.caPem ?? "", reconnectPeriod: 0, ...options });
const program = await come({ clientId: "reports", username: "program", password: made.token, clean: false });
await program.subscribeAsync(["devices/+/telemetry", "devices/#"], { qos: 1 });
await program.endAsync();
const pump = await come({ clientId: "pump", clean: false, username: device.key.id, password: device.key.secret });
atEnd.after(async () => void pump.end(true));
await pump.publishAsync("me/telemetry", '{"mode": "auto"}', { qos: 1 });
await me.post("/v1/plans", {
  name: "small",
  quotas: { devices: 1_000, points: 200, messages: 1, requests: 1_000_000 },
});
await me.send("PUT", `/v1/orgs/${org}/plan`, { body: { plan: "small" } });
await me.put(`/v1/products/${product.id}/door`, { transports: ["mqtts", "wss"], size: 65_536 });
await me.put(`/v1/devices/${device.id}/door`, { rate: { perMinute: 600 } });
await me.post("/v1/lists", { list: "deny", what: "address", value: "192.0.2.0/24", comment: "the old office" });
await me.post("/v1/lists", { list: "deny", what: "device", value: suspended.id, expiresIn: "30d" });
await me.post(`/v1/devices/${device.id}/claim-code`, {});
await me.post("/v1/invitations", { email: "bob@example.com", role: "viewer" });

const role = await me.post<{ id: string }>("/v1/roles", {
  name: "Night shift",
  description: "Keeps an eye on the houses",
  grants: ["device.read", "device.suspend:tag:floor=3", `telemetry.read:${application.id}`],
});
await me.post("/v1/invitations", { email: "dora@example.com", role: role.id });

const inOrg = `/o/${org}`;
const at = `${inOrg}/devices/${device.id}`;
const press = (page: Page, name: string) => page.getByRole("button", { name }).last().click();
type Place = readonly [
  path: string,
  heading: string,
  ready?: string,
  /** What is opened on it, or made of it, one after the other: looked at as a page of its own. */
  more?: Readonly<Record<string, (page: Page) => Promise<unknown>>>,
];
const places: readonly Place[] = [
  [
    inOrg,
    "Overview",
    "What happened last",
    {
      "a search": async (page) => {
        await page.keyboard.press("Control+k");
        await page.getByRole("combobox", { name: "Search in this organisation" }).fill("pump");
        await page.getByRole("option", { name: /^Pump 2/ }).waitFor();
      },
    },
  ],
  [
    `${inOrg}/devices`,
    "Devices",
    "Pump 2",
    {
      "some are selected, and one was refused": async (page) => {
        for (const name of ["Pump 1", "Pump 3"]) await page.getByLabel(`Select ${name}`).check();
        await press(page, "Resume");
        await page.getByRole("list", { name: "Results" }).waitFor();
      },
      "the tag for those": async (page) => {
        await press(page, "Tag");
        await page.getByRole("dialog", { name: "Tag" }).waitFor();
      },
    },
  ],
  [`${inOrg}/devices?q=nothing-like-it`, "Devices", "No device is like that."],
  [
    `${inOrg}/devices/add`,
    "Add a device",
    "Application",
    {
      "one of another organisation": async (page) => {
        await page.getByText("One of another organisation").click();
        await page.getByLabel("The code").waitFor();
      },
      "a new one again, its key, and the wait": async (page) => {
        await page.getByText("A new device").click();
        await page.getByRole("textbox", { name: "Name", exact: true }).fill("Pump 4");
        await press(page, "Add a device");
        await page.getByText("Waiting for the first reading").waitFor();
      },
    },
  ],
  [
    `${inOrg}/devices/import`,
    "Add devices from a file",
    "Into the application",
    {
      "what a file would make": async (page) => {
        const buffer = Buffer.from("name,tags\nFan 1,floor=2\nFan 2,floor\n");
        await page.locator("input[type=file]").setInputFiles({ name: "fans.csv", mimeType: "text/csv", buffer });
        await page.getByText("1 devices would be made.").waitFor();
      },
    },
  ],
  [
    at,
    "Pump 1",
    "after it goes",
    {
      "the name is asked for": async (page) => {
        await press(page, "Retire");
        await page.getByRole("dialog", { name: "Retire" }).waitFor();
      },
    },
  ],
  [
    `${at}/telemetry`,
    "Pump 1",
    "At most four points for each",
    {
      "its history as a file": async (page) => {
        await press(page, "Export");
        const dialog = page.getByRole("dialog", { name: "Every point as a file" });
        await dialog.getByLabel("As", { exact: true }).selectOption("ndjson");
        await dialog.getByRole("button", { name: "Export" }).click();
        await dialog.getByText("Pump 1.ndjson is whole").waitFor();
      },
    },
  ],
  [`${at}/live`, "Pump 1", "Only with"],
  [`${at}/twin`, "Pump 1", "What is wanted, beside what it says"],
  [`${at}/commands`, "Pump 1", "Send a command"],
  [
    `${at}/access`,
    "Pump 1",
    device.key.id,
    {
      "why it may": async (page) => {
        await page.getByLabel("Credential (its id)").fill(made.id);
        await press(page, "Explain");
        await page.getByText("Refused.").waitFor();
      },
      "how a key is to be held, one that is pinned by a certificate": async (page) => {
        await press(page, "Make another key");
        await page.getByLabel("With a client certificate of a key that is pinned").check();
        await page.getByLabel("The public key, or a certificate of it").fill(selfSigned().cert);
        await page.getByText("SHA-256 of the certificate").waitFor();
      },
      "how a certificate is issued, for a request that is pasted": async (page) => {
        await page.getByLabel("With a client certificate that is issued here").check();
        await page.getByLabel("One that the device has").check();
        await page.getByLabel("The certificate request").waitFor();
      },
      "a key and the private one of it, this once": async (page) => {
        await page.getByLabel("With id and secret").check();
        await page.getByLabel("A new one, made in this browser").check();
        await press(page, "Make it");
        await page.getByRole("dialog").getByText("Over MQTT, with mosquitto").waitFor();
      },
      "the code for another organisation": async (page) => {
        await page.keyboard.press("Escape");
        await press(page, "Hand it over");
        await press(page, "Make the code");
        await page.getByRole("dialog").getByLabel("The code", { exact: true }).waitFor();
      },
      "the code for its box, as a picture too, this once": async (page) => {
        await press(page, "I have kept it");
        await press(page, "Make a code for the box");
        const dialog = page.getByRole("dialog");
        await dialog.getByRole("button", { name: "Make a code for the box" }).click();
        await dialog.getByRole("img", { name: "The code as a picture for phones" }).waitFor();
        const code = await dialog.getByLabel("The code for the box").innerText();
        assert.match(code, /^(\w{4}-){4}\w{4}$/);
      },
    },
  ],
  [`${at}/history`, "Pump 1", "A code was made for the box of a device"],
  [`${inOrg}/devices/${retired.id}`, "Pump 3", "It has measured nothing yet."],
  [`${inOrg}/devices/dev_${"0".repeat(32)}`, "This page cannot be shown", "device.unknown"],
  [`${inOrg}/nowhere`, "There is no such place."],
  [`${inOrg}/products`, "Products", "Sensor"],
  [
    `${inOrg}/products/${product.id}`,
    "Pump",
    "It takes mqtts or wss only.",
    {
      "its door": async (page) => {
        await press(page, "Change the door");
        await page.getByRole("dialog", { name: "Change the door" }).waitFor();
      },
    },
  ],
  [`${inOrg}/access`, "Access", "Report"],
  [
    `${inOrg}/access/people`,
    "Access",
    "bob@example.com",
    {
      "an invitation": async (page) => {
        await press(page, "Invite somebody");
        await page.getByRole("dialog", { name: "Invite somebody" }).waitFor();
      },
      "its link, this once": async (page) => {
        await page.getByRole("dialog").getByLabel("E-mail").fill("carol@example.com");
        await press(page, "Make the link");
        await page.getByLabel("The link", { exact: true }).waitFor();
      },
    },
  ],
  [`${inOrg}/access/roles`, "Access", "Night shift"],
  [`${inOrg}/access/roles/operator`, "operator", "authority.explain"],
  [
    `${inOrg}/access/roles/${role.id}`,
    "Night shift",
    "Place 3",
    {
      "what would change": async (page) => {
        await page.getByRole("group", { name: "Place 1" }).getByLabel("audit.read").check();
        await press(page, "Show what changes");
        await page.getByRole("dialog").getByText("audit.read").waitFor();
      },
    },
  ],
  [
    `${inOrg}/access/roles/add`,
    "Make a role",
    "Place 1",
    {
      "in a place of its own": async (page) => {
        await press(page, "Add another place");
        await page.getByRole("group", { name: "Place 2" }).getByLabel("Where").selectOption("On devices with a tag");
      },
    },
  ],
  [
    `${inOrg}/access/lists`,
    "Access",
    "the old office",
    {
      "an entry": async (page) => {
        await press(page, "Add an entry");
        await page.getByRole("dialog", { name: "Add an entry" }).waitFor();
      },
    },
  ],
  [
    `${inOrg}/access/customers`,
    "Access",
    "dora@example.com",
    {
      "her devices": async (page) => {
        await press(page, "Devices dora@example.com");
        await page.getByRole("dialog").getByText("No device is bound to this customer.").waitFor();
        await press(page, "Close");
      },
      "a code, this once": async (page) => {
        await press(page, "New password dora@example.com");
        await press(page, "Make the code");
        await page.getByLabel("The code", { exact: true }).waitFor();
      },
    },
  ],
  [
    `${inOrg}/access/add`,
    "Make a credential",
    "Tick what it has to do",
    {
      "ticked, on listed devices": async (page) => {
        await page.getByRole("textbox", { name: "Name" }).fill("Reader");
        await page.getByLabel("Where").selectOption("On listed devices");
        await page.getByLabel("Ids of devices, one a line").fill(device.id);
        await page.getByLabel("telemetry.read").check();
        await page.getByText(`telemetry.read:${device.id}`).waitFor();
      },
      "a token, this once": async (page) => {
        await press(page, "Make it");
        await page.getByRole("heading", { name: "It is made" }).waitFor();
      },
    },
  ],
  [`${inOrg}/access/${made.id}`, "Report", "and 1 more"],
  [`${inOrg}/access/${bound.id}`, "Nightly", "takes no client certificates"],
  [`${inOrg}/audit`, "Audit", "A device was made"],
  [`${inOrg}/usage`, "Usage", "Messages and readings are refused until the month is over."],
  [`${inOrg}/usage?by=device&measure=points&range=hour`, "Usage", device.id],
  [`${inOrg}/usage/sessions`, "Usage", "live stream"],
  [`${inOrg}/settings`, "Settings"],
  [
    `${inOrg}/settings/security`,
    "Security",
    "X25519MLKEM768",
    {
      "what a demand would refuse": async (page) => {
        await press(page, "Change devices’");
        await page.getByLabel("They have to be bound to a key").check();
        await page.getByText("would be refused, among them").waitFor();
      },
      "what it refused": async (page) => {
        await press(page, "Set it, and refuse");
        await page.getByText("What that did").waitFor();
      },
    },
  ],
];

/** Each page is looked at in both themes and in both widths, and each pair of those on every other page. */
const looks = [
  { 360: "dark", 1440: "light" },
  { 360: "light", 1440: "dark" },
] as const;
const widths = [360, 1440] as const; // the wide one stays: it shows everything that can be pressed
let looked = 0;

/** The page as it stands, on a desk and in a hand: nobody is shut out and nothing sticks out at the side. */
async function assertGood(page: Page, where: string): Promise<void> {
  const schemes = looks[(looked += 1) % 2] ?? looks[0];
  for (const width of widths) {
    const scheme = schemes[width];
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor({ state: "attached" });
    await assertAccessible(page, `${where}, ${scheme}, ${width}`);
    const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
    assert.ok(wide <= width, `${where} is ${wide} pixels wide on ${width}`);
    // What may be cut says so, and is told in whole: it has the class.
    const over = `[...document.querySelectorAll(".hf-grid :is([role=cell], [role=columnheader]):not(.hf-grows)")]
      .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.innerText)`;
    assert.deepEqual(await page.evaluate<string[]>(over), [], `${where}: cells that lie over the next`);
  }
}

test("[V7.4.4] every page, in both themes, 1440 and 360 pixels wide, can be used by everybody, complains of nothing, and has the way to sign out", async (t) => {
  const { page, complaints, context } = await visit(browser);
  t.after(() => context.close());
  for (const [path, heading] of [
    ["/set-up#setup=hfs_any", "Set up this platform"],
    ["/invitation#invitation=hfi_any", "Accept an invitation"],
    ["/sign-in", "Sign in"],
  ] as const) {
    await page.goto(`${url}${path}`);
    await page.getByRole("heading", { name: heading }).waitFor();
    await assertGood(page, path);
  }
  complaints.length = 0; // nobody is signed in: the browser tells of the 401 that says so
  await signIn(page);
  let leavesOpen = false;
  for (const [path, heading, ready, more = {}] of places) {
    // A load takes as long as a look, and is needed where something was left open.
    await (leavesOpen ? page.goto(`${url}${path}`) : follow(page, path));
    leavesOpen = Object.keys(more).length > 0;
    await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
    // What is no place asks nobody to be signed in.
    const ways = await page.getByRole("button", { name: /^You are / }).count();
    assert.equal(ways, path.endsWith("/nowhere") ? 0 : 1, `${path} has no way to sign out`);
    if (ready !== undefined) await page.getByText(ready).first().waitFor();
    await assertGood(page, path);
    for (const [what, open] of Object.entries(more)) {
      await open(page);
      await assertGood(page, `${path}, ${what}`);
    }
  }
  // What is refused here on purpose the browser tells of itself; whatever breaks the policy, or is missing, it would tell too.
  const onPurpose = /status of (404|409|410)|^ApiProblem: There is no such device/;
  assert.deepEqual(
    complaints.filter((text) => !onPurpose.test(text)),
    [],
  );
});

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { Client, newKeyAndRequest, ProvingKey, type PrivateKey } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { selfSigned } from "@holdfast/client/testing";
import { systemClock } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { connectAsync } from "mqtt";
import type { Download, Page } from "playwright-core";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf } from "./authority.fixture.ts";
import { assertAccessible, startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";
import { enrolling, Manufacturer } from "./manufacturers.fixture.ts";
import { closedWithin, mqtt } from "./revocation.fixture.ts";

// Credentials that are bound to a key in the browser, and what the organisation demands of all of them.
buildConsole();
const platform = await startTestPlatform({ config: { clientCertificatePort: 0 } });
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const entrance = new Entrance(browser, platform);
const { url, mqttsUrl, caPem = "" } = platform.platform;
const at = `${url}/o/${owner.org}`;

/** A file that a press on this button hands out. */
async function downloaded(page: Page, button: string): Promise<string> {
  const coming: Promise<Download> = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).click();
  return readFileSync(await (await coming).path(), "utf8");
}

const lacks = (...programs: readonly string[]) =>
  programs.some((program) => spawnSync(program, ["--version"]).error !== undefined);

/** Runs what the page shows under a name, beside these files. */
function lines(t: TestContext, page: Page, files: Readonly<Record<string, string>>): (name: string) => Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-keys-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries({ ...files, "ca.pem": caPem }))
    writeFileSync(path.join(folder, name), text);
  return async (name) => {
    const line = await page.getByLabel(name, { exact: true }).innerText();
    return (await promisify(execFile)("/bin/sh", ["-c", line], { cwd: folder })).stdout;
  };
}

test("a key that the browser makes is downloaded and never sent, and its token works with it and not without", async (t) => {
  const { page } = await entrance.at(t, `${at}/access/add`);
  const sent: string[] = [];
  page.on("request", (request) => sent.push(request.postData() ?? ""));
  await page.getByLabel("Name").fill("Nightly");
  await page.getByLabel("device.read", { exact: true }).check();
  await page.getByLabel("A new one, made in this browser").check();
  await page.getByRole("button", { name: "Make it" }).click();
  const token = await page.getByLabel("The credential", { exact: true }).innerText();
  const pem = await downloaded(page, "Download key.pem");
  const jwk = JSON.parse(await downloaded(page, "Download key.jwk")) as PrivateKey;
  assert.deepEqual({ ...jwk }, { ...createPrivateKey(pem).export({ format: "jwk" }) });
  assert.ok(sent.some((body) => body.includes(jwk.x)) && !sent.some((body) => body.includes(jwk.d)));
  await page.getByText("--key-file key.pem").waitFor();
  await t.test(
    "the lines for a certificate and for curl do what they say",
    { skip: lacks("openssl", "curl") },
    async (u) => {
      const run = lines(u, page, { "key.pem": pem });
      await run("A certificate of the key");
      const me = JSON.parse(await run("Over HTTPS, with curl and the certificate")) as { kind: string };
      assert.equal(me.kind, "apiToken");
    },
  );

  const transport = nodeTransport({ ca: caPem });
  const bare = new Client({ url, token, transport });
  await assert.rejects(bare.call(routes.whoAmI), { code: "proof.required" });
  const { credential } = await new Client({ url, token, transport, key: new ProvingKey(jwk) }).call(routes.whoAmI);
  transport.close();
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.waitForURL(`${at}/access/${credential}`);
  await page.getByText("Bound to the key").waitFor();
  assert.equal(await page.getByText(token).count(), 0, "its page does not know it");
});

test("a device's key is pinned by its certificate, which then opens alone, and what is no public key is told as it is typed", async (t) => {
  const device = await owner.device(application.id);
  const { cert, key } = selfSigned();
  const { page } = await entrance.at(t, `${at}/devices/${device.id}/access`);
  await page.getByRole("button", { name: "Make another key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("With a client certificate of a key that is pinned").check();
  const pasted = dialog.getByLabel("The public key, or a certificate of it");
  const make = dialog.getByRole("button", { name: "Make it" });
  await pasted.fill(key);
  await make.click();
  await dialog.getByText("That is a private key, which stays where it was made.").waitFor();
  await pasted.fill(cert);
  await dialog.getByText("SHA-256 of the certificate").waitFor();
  await dialog.getByLabel("From these addresses").fill("127.0.0.0/8");
  await dialog.getByLabel("MQTT", { exact: true }).check();
  await make.click();
  await dialog.getByText("there is no secret to show").waitFor();
  const client = await connectAsync(mqttsUrl, { ca: caPem, cert, key, reconnectPeriod: 0 });
  await client.publishAsync("me/telemetry", '{"temperature": 3}', { qos: 1 });
  await client.endAsync();
  await t.test("the line for mosquitto sends a reading", { skip: lacks("mosquitto_pub") }, async (u) => {
    await lines(u, page, { "key.pem": key, "key.crt": cert })("Over MQTT, with mosquitto");
    const latest = await owner.asks.get<{ items: { value: number }[] }>(`/v1/devices/${device.id}/telemetry/latest`);
    assert.equal(latest.items[0]?.value, 21.5);
  });
  const { items } = await owner.asks.get<{ items: { kind: string; conditions?: object }[] }>(
    `/v1/credentials?device=${device.id}`,
  );
  assert.deepEqual(items.find(({ kind }) => kind === "certificate")?.conditions, {
    addresses: ["127.0.0.0/8"],
    transports: ["mqtts"],
  });
});

test("a certificate is issued for a key that the browser makes and never sends, and for a request that is pasted", async (t) => {
  const device = await owner.device(application.id);
  const { page } = await entrance.at(t, `${at}/devices/${device.id}/access`);
  const sent: string[] = [];
  page.on("request", (request) => sent.push(request.postData() ?? ""));
  const dialog = page.getByRole("dialog");
  const begin = async () => {
    await page.getByRole("button", { name: "Make another key" }).click();
    await dialog.getByLabel("With a client certificate that is issued here").check();
  };
  await begin();
  await dialog.getByLabel("Good for days").fill("30");
  await dialog.getByRole("button", { name: "Make it" }).click();
  const key = await downloaded(page, "Download key.pem");
  const cert = await downloaded(page, "Download key.crt");
  const { d = "" } = createPrivateKey(key).export({ format: "jwk" });
  assert.ok(sent.some((body) => body.includes("CERTIFICATE REQUEST")));
  assert.ok(!sent.some((body) => body.includes("PRIVATE KEY") || body.includes(d)));
  const client = await connectAsync(mqttsUrl, { ca: caPem, cert, key, reconnectPeriod: 0 });
  await client.publishAsync("me/telemetry", '{"temperature": 3}', { qos: 1 });
  await client.endAsync();
  await t.test("the line for mosquitto sends a reading", { skip: lacks("mosquitto_pub") }, async (u) => {
    await lines(u, page, { "key.pem": key, "key.crt": cert })("Over MQTT, with mosquitto");
    const latest = await owner.asks.get<{ items: { value: number }[] }>(`/v1/devices/${device.id}/telemetry/latest`);
    assert.equal(latest.items[0]?.value, 21.5);
  });
  await page.getByRole("button", { name: "I have kept it" }).click();
  const { items } = await owner.asks.get<{ items: { id: string; issued?: { by: string } }[] }>(
    `/v1/credentials?device=${device.id}`,
  );
  const issued = items.find((one) => one.issued);
  await page.getByRole("link", { name: issued?.id ?? "" }).click();
  assert.equal(await downloaded(page, "Download key.crt"), cert, "it can be had again");

  await owner.revoke(device.key.id);
  await page.goto(`${at}/devices/${device.id}/access`);
  await begin();
  await dialog.getByLabel("One that the device has").check();
  const pasted = dialog.getByLabel("The certificate request");
  await pasted.fill("-----BEGIN PUBLIC KEY-----");
  await dialog.getByRole("button", { name: "Make it" }).click();
  await dialog.getByText("That is no certificate request in PEM.").waitFor();
  await pasted.fill((await newKeyAndRequest()).csr);
  await dialog.getByRole("button", { name: "Make it" }).click();
  await dialog.getByRole("button", { name: "Download key.crt" }).waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Download key.pem" }).count(), 0, "the device has it");

  await page.goto(`${at}/settings/security`);
  const authority = issued?.issued?.by ?? "";
  await page.getByRole("button", { name: `End it ${authority}` }).click();
  await dialog.getByRole("textbox").fill(authority.slice(0, 12));
  await dialog.getByRole("button", { name: "End it" }).click();
  await page.getByText("There is none: the first is made when a certificate is issued to a device.").waitFor();
  await assert.rejects(connectAsync(mqttsUrl, { ca: caPem, cert, key, reconnectPeriod: 0 }), { code: 4 });
});

test("before something is demanded the page says what that refuses, then that it did, and what is demanded of others stays", async (t) => {
  const device = await owner.device(application.id, { name: "Pump 7" });
  const held = await mqtt(platform, { username: device.key.id, password: device.key.secret });
  await owner.asks.patch("/v1/org", { demands: { programs: { leastTls: "TLSv1.2" } } });
  const { page } = await entrance.at(t, `${at}/settings/security`);
  const dialog = page.getByRole("dialog");
  const set = dialog.getByRole("button", { name: "Set it" });
  await page.getByRole("button", { name: "Change devices’" }).click();
  await dialog.getByText("No credential that is good would be refused.").waitFor();
  assert.equal(await set.getAttribute("aria-disabled"), "true", "nothing is changed yet");
  await dialog.getByLabel("Greatest age in days").fill("30");
  await dialog.getByLabel("They have to be bound to a key").check();
  await dialog.getByText("Connected now, and cut off: 1 MQTT connection.").waitFor();
  await dialog.getByRole("link", { name: "Pump 7" }).waitFor();
  const from = performance.now();
  await dialog.getByRole("button", { name: /^Set it, and refuse \d credentials$/ }).click();
  await page.getByText("Cut off: 1 MQTT connection. Nothing that does not meet it is open any more.").waitFor();
  await closedWithin(held, from, 10_000);
  await page.getByText("bound to a key, at most 30 days old").waitFor();
  const { demands } = await owner.asks.get<{ demands: object }>("/v1/org");
  assert.deepEqual(demands, { devices: { bound: true, greatestAgeDays: 30 }, programs: { leastTls: "TLSv1.2" } });
  const shown = await platform.visitor.as(textOf(device.key)).send<{ code: string }>("GET", "/v1/me");
  assert.equal(shown.body.code, "condition.unmet");
});

test("a manufacturer is added to a product by the line that the page shows, its devices are counted, and revoking it stops them", async (t) => {
  if (lacks("openssl")) return t.skip("there is no openssl");
  const product = await owner.product();
  const acme = await Manufacturer.of(systemClock.now());
  const { page } = await entrance.at(t, `${at}/products/${product.id}`);
  await page.getByRole("button", { name: "Add a manufacturer" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a manufacturer" });
  await dialog.getByLabel("Name").fill("Acme");
  await dialog.getByLabel("Devices at most").fill("2");
  await dialog.getByLabel("Certificate of the authority").fill(acme.certificate);
  await dialog.getByRole("button", { name: "Ask what to sign" }).click();
  await dialog.getByLabel("Signature").waitFor();
  await assertAccessible(page, "what to sign");
  const signature = await lines(t, page, { "acme.key": acme.key })(
    "Sign this with the authority’s key, within ten minutes",
  );
  await dialog.getByLabel("Signature").fill(signature);
  await dialog.getByRole("button", { name: "Let its devices enrol" }).click();
  await dialog.waitFor({ state: "hidden" });
  const rows = page.getByRole("table", { name: "Manufacturers" });
  await rows.getByRole("row", { name: "Acme active 0 of 2 CN=Acme births, O=Acme" }).waitFor();
  const enrol = enrolling(platform);
  const birth = await acme.birth("SN-1");
  assert.equal((await enrol(birth, product.id)).status, 200);
  await page.reload();
  await rows.getByRole("row", { name: "Acme active 1 of 2" }).waitFor();
  await rows.getByRole("button", { name: "Revoke Acme" }).click();
  const revoking = page.getByRole("dialog", { name: "Revoke" });
  await revoking.getByRole("textbox").fill("Acme");
  await revoking.getByRole("button", { name: "Revoke" }).click();
  await rows.getByText("revoked", { exact: true }).waitFor();
  assert.equal((await enrol(birth, product.id)).code, "credential.invalid");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf } from "./authority.fixture.ts";
import { startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, signIn } from "./console.fixture.ts";
import { eventually } from "./messages.fixture.ts";

// A credential between its making and its end, as the console shows it.
buildConsole();
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { visitor } = platform;
const ours = new Owner(visitor, await platform.setUp());
const { url } = platform.platform;
const credentials = `${url}/o/${ours.org}/access`;

test("a credential that was exposed says so, gets another secret that is shown once, and a narrower one is a click away", async (t) => {
  const { id, token } = await ours.tokenOf(["org.read", "device.read", "telemetry.read"], { name: "Dashboard" });
  await visitor.as(token).get("/v1/devices");
  await visitor.send("GET", `/v1/devices?token=${token}`);
  clock.move(1);
  const { page, context } = await visit(browser);
  t.after(() => context.close());
  await page.goto(credentials);
  await signIn(page);
  await page.getByRole("cell", { name: "Exposed" }).waitFor();
  await page.goto(`${credentials}/${id}`);
  await page.getByText("Its secret stood in a URL").waitFor();
  await page.getByText(/1 of 3 grants, since/).waitFor();

  await page.getByRole("button", { name: "Rotate the secret" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("The secret before is good for").selectOption("1h");
  await dialog.getByRole("button", { name: "Rotate the secret" }).click();
  const secret = (await dialog.getByLabel("The credential", { exact: true }).innerText()).trim();
  const good = async (text: string) => (await visitor.as(text).send("GET", "/v1/me")).status === 200;
  assert.deepEqual([secret === token, await good(secret), await good(token)], [false, true, true]);
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await page.getByText("The secret before was last used").waitFor();
  clock.move(3_600_000);
  await page.reload();
  await page.getByText(/1 of 3 grants, since/).waitFor();
  assert.equal(await page.getByText("Its secret stood in a URL").count(), 0);

  await page.getByRole("link", { name: "Make a narrower one" }).click();
  await page.getByRole("button", { name: "Make it" }).waitFor();
  const name = page.getByLabel("Name");
  await eventually(
    async () => (await name.inputValue()) === "Dashboard, narrower", // filled in once the page knows the other
    () => "the form does not begin with the other",
  );
  assert.deepEqual(await page.getByRole("checkbox", { checked: true }).count(), 1);
  assert.equal(await page.getByRole("checkbox", { name: "device.read" }).isChecked(), true);
});

test("what is done about exposed and old secrets is said on the security page", async (t) => {
  const { page, context } = await visit(browser);
  t.after(() => context.close());
  await page.goto(`${url}/security`);
  clock.move(2_000);
  await signIn(page);
  const ends = page.getByRole("checkbox", { name: "End what was exposed" });
  await ends.check();
  await page.getByLabel("Call a secret old after days").fill("90");
  await page.getByLabel("Tell of a certificate so many days before it ends").fill("14");
  const save = page.locator("form").filter({ has: ends }).getByRole("button", { name: "Save" });
  await save.click();
  await save.and(page.locator("[aria-disabled=true]")).waitFor();
  assert.deepEqual(await ours.asks.get("/v1/org/upkeep"), { endExposed: true, oldAfterDays: 90, endingWithinDays: 14 });
});

test("all devices of a tag are revoked from the list of credentials, after it is said what that ends", async (t) => {
  const application = await ours.application();
  const tagged = { tags: { site: "north" } };
  const [one, two] = [await ours.device(application.id, tagged), await ours.device(application.id, tagged)];
  const { page, context } = await visit(browser);
  t.after(() => context.close());
  await page.goto(credentials);
  clock.move(2_000);
  await signIn(page);
  await page.getByRole("button", { name: "Revoke many" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Its id, or tag:key=value").fill("tag:site=north");
  await dialog.getByText("2 credentials end").waitFor();
  await dialog.getByLabel(/^Type .tag:site=north./).fill("tag:site=north");
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await dialog.waitFor({ state: "hidden" });
  for (const { key } of [one, two]) assert.equal((await visitor.as(textOf(key)).send("GET", "/v1/me")).status, 401);
});

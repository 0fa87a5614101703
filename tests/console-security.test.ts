import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, signIn } from "./console.fixture.ts";

// What the console says of keys, credentials and sessions.
buildConsole();
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { org } = await platform.setUp();
const { url } = platform.platform;

test("the security page has an address of its own, and says how old each key is, exactly on hover", async (t) => {
  const { page, context } = await visit(browser);
  t.after(() => context.close());
  await page.goto(`${url}/security`);
  await signIn(page);
  await page.getByRole("heading", { name: "Security" }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/o/${org}/settings/security`);
  for (const name of [
    "Key of this organisation",
    "Root key of the platform",
    "Key that wraps those of organisations, people and devices",
    "Key that wraps those of the log",
  ]) {
    const age = page.getByText(name, { exact: true }).locator("xpath=../dd");
    assert.match(await age.innerText(), /^made (just now|.* ago)$/);
    assert.match((await age.locator("time").getAttribute("title")) ?? "", /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /);
  }
  const [authority] = await page.getByRole("row").filter({ hasText: "to trust" }).all();
  assert.ok(authority);
  assert.match(await authority.innerText(), /ago/);
  assert.equal(await page.getByText("not known").count(), 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { secretIn } from "./authority.fixture.ts";
import { assertAccessible, startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, Entrance, owner, signIn } from "./console.fixture.ts";
import { Mailed } from "./mail.fixture.ts";

// What the console does for whoever forgot her password, changes it, or proves her address.
buildConsole();
const mailed = await Mailed.start();
atEnd.after(() => mailed.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const ours = await mailed.owner();
const { platform, clock } = mailed;
const { url } = platform.platform;
const entrance = new Entrance(browser, platform);
const another = "mossy lantern oats";

let people = 0;
/** A member who came by the link that was mailed. */
async function somebody() {
  const who = { email: `person-${(people += 1)}@example.com`, password: owner.password };
  await ours.invite(who.email);
  const { link } = await mailed.mailTo(who.email, "You are invited to “First”");
  await platform.visitor.anew().post("/v1/invitations/accept", { secret: secretIn({ link }), ...who });
  clock.move(2_000);
  return who;
}
const choose = async (page: Page, password: string) => {
  await page.getByLabel("A new password", { exact: false }).fill(password);
  await page.getByLabel("The password again").fill(password);
};

test("[V6.2.6] [V6.2.7] whoever forgot her password chooses another one by the link, hidden, pasted or filled in, and signs in with it", async (t) => {
  const who = await somebody();
  const { page, context } = await visit(browser);
  t.after(() => context.close());
  await page.goto(url);
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByRole("heading", { name: "Forgot your password?" }).waitFor();
  await assertAccessible(page, "asking for a link");
  await page.getByLabel("E-mail").fill(who.email);
  await page.getByRole("button", { name: "Send a link" }).click();
  await page.getByRole("heading", { name: "Look into your mail" }).waitFor();
  await assertAccessible(page, "where the link is said to be");
  const { link } = await mailed.mailTo(who.email, "Choose a new password");
  await page.goto(link);
  await page.getByRole("heading", { name: "Choose a new password" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/password/reset");
  await assertAccessible(page, "the link");
  for (const field of await page.locator("input").all()) {
    assert.equal(await field.getAttribute("type"), "password");
    assert.equal(await field.getAttribute("autocomplete"), "new-password");
    await field.focus();
    // As a paste does it: what a page of ours could stand in the way of.
    await page.evaluate(`{
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", "passwordpassword");
      const paste = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
      if (document.activeElement.dispatchEvent(paste)) document.execCommand("insertText", false, "passwordpassword");
    }`);
  }
  await page.getByRole("button", { name: "Use this password" }).click();
  await page.getByText("password.common").waitFor();
  await choose(page, another);
  await page.getByRole("button", { name: "Use this password" }).click();
  await page.getByRole("heading", { name: "You have a new password" }).waitFor();
  await assertAccessible(page, "after the link");
  await page.getByRole("link", { name: "To the sign-in" }).click();
  clock.move(2_000);
  await signIn(page, { ...who, password: another });
  await page.goto(link);
  await choose(page, another);
  await page.getByRole("button", { name: "Use this password" }).click();
  await page.getByText("link.invalid").waitFor();
  await page.getByRole("link", { name: "Ask for another link" }).waitFor();
});

test("in her account somebody changes her password, and proves another address", async (t) => {
  const who = await somebody();
  const { page } = await entrance.at(t, `${url}/account`, { who });
  await page.getByRole("button", { name: "Change the password" }).click();
  const dialog = page.getByRole("dialog");
  await assertAccessible(page, "changing the password");
  await dialog.getByLabel("Your present password").fill("not her password");
  await dialog.getByLabel("A new password", { exact: false }).fill(another);
  await dialog.getByLabel("The password again").fill(another);
  const change = dialog.getByRole("button", { name: "Change the password" });
  await change.click();
  await dialog.getByText("password.wrong").waitFor();
  clock.move(2_000);
  await dialog.getByLabel("Your present password").fill(who.password);
  await change.click();
  await page.getByText("You have a new password.").waitFor();
  await mailed.mailTo(who.email, "Your password was changed");

  await page.getByRole("button", { name: "Change the address" }).click();
  await dialog.getByLabel("Your new e-mail").fill("new-address@example.com");
  await dialog.getByRole("button", { name: "Send a link" }).click();
  await dialog.getByText("A link is on its way to new-address@example.com.").waitFor();
  await assertAccessible(page, "changing the address");
  const { link } = await mailed.mailTo("new-address@example.com", "Is this your address?");
  await page.goto(link);
  await page.getByRole("heading", { name: "Is this your address?" }).waitFor();
  await assertAccessible(page, "proving the address");
  await page.getByRole("button", { name: "Yes, it is mine" }).click();
  await page.getByRole("heading", { name: "The address is yours" }).waitFor();
  await page.getByRole("link", { name: "To your account" }).click();
  await page.getByText("new-address@example.com").filter({ visible: true }).first().waitFor();
});

test("where no mail is set up, the console says so wherever it would have promised some", async (t) => {
  const bare = await startTestPlatform();
  t.after(() => bare.close());
  const { org } = await bare.setUp();
  const entry = new Entrance(browser, bare);
  const { page } = await entry.at(t, `${bare.platform.url}/account`);
  await page.getByText("No mail is set up", { exact: true }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Prove it" }).count(), 0);
  await assertAccessible(page, "without mail");
  await page.goto(`${bare.platform.url}/o/${org}/settings/security`);
  await page.getByText("not at all: no mail is set up").waitFor();
  const stranger = await visit(browser);
  t.after(() => stranger.context.close());
  await stranger.page.goto(`${bare.platform.url}/password/forgot`);
  await stranger.page.getByLabel("E-mail").fill("nobody@example.com");
  await stranger.page.getByRole("button", { name: "Send a link" }).click();
  await stranger.page.getByRole("heading", { name: "Ask whoever runs this platform" }).waitFor();
  await assertAccessible(stranger.page, "without mail, asking for a link");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, type SignedIn } from "./authority.fixture.ts";
import { assertAccessible, startBrowser, visit, type Looks } from "./browser.fixture.ts";
import { buildConsole, holdSession, owner, signIn } from "./console.fixture.ts";
import { codeOf, Somebody, step } from "./factors.fixture.ts";

// A person's own place in the console, and what an organisation that demands a second factor looks like without.
buildConsole();
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { visitor } = platform;
const first = new Owner(visitor, await platform.setUp());
const second = new Owner(visitor, await platform.setUp());
const { url } = platform.platform;
const ada = { email: "ada@example.com", password: owner.password };
await first.member(ada, "administrator");
await second.member(ada, "viewer");

const boss = new Somebody(platform, clock, owner);
await boss.signIn();
await boss.enrol();
const bossToken = async () =>
  (await visitor.anew().post<SignedIn>("/v1/sign-in", { ...boss.shown(), org: first.org })).token;
const demand = async (people: object) => visitor.as(await bossToken()).patch("/v1/org", { demands: { people } });

const come = async (t: { after(work: () => Promise<void>): void }, where: string, looks: Looks = {}) => {
  const { page, context, complaints } = await visit(browser, looks);
  t.after(() => context.close());
  clock.move(2_000); // signing in costs, and is counted
  await page.goto(`${url}${where}`);
  return { page, complaints };
};
const shoot = (page: Page, name: string) =>
  process.env["SHOTS"] ? page.screenshot({ path: `${process.env["SHOTS"]}/${name}.png`, fullPage: true }) : undefined;
/** Where a code is asked for: time is not moved while a password is looked at, or the request would be over. */
const asked = async (page: Pick<Page, "getByLabel">) => {
  const field = page.getByLabel("Code");
  await field.waitFor();
  return field;
};
/** What her app shows next: each code is good once. */
const next = (secret: string) => {
  clock.move(step);
  return codeOf(secret, clock.now());
};
const looks = [
  ["light", 1440],
  ["dark", 1440],
  ["light", 360],
  ["dark", 360],
] as const;

test("somebody who lost an organisation to a demand is told why, sets up codes, and is in again, at once", async (t) => {
  const { page, complaints } = await come(t, `/o/${first.org}/devices`);
  await signIn(page, ada);
  await page.getByRole("heading", { name: "Devices" }).waitFor();
  const release = await holdSession(page); // else it may be barred before she asks for anything
  await demand({ factor: "second" });
  await page.getByRole("link", { name: "Products" }).click();
  release();
  await page.getByRole("heading", { name: "First does not let you in" }).waitFor();
  await assertAccessible(page, "an organisation that demands more");
  await shoot(page, "barred");
  assert.equal(await page.getByRole("link", { name: "Devices" }).count(), 0, "nothing that would not open");
  await page.getByLabel("Organisation", { exact: true }).selectOption(second.org);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.goBack();
  await page.getByRole("link", { name: "Add one to your account" }).click();
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await page.getByText("You have lost an organisation until you have what it demands").waitFor();
  await assertAccessible(page, "an account");
  await shoot(page, "account-lost");

  await page.getByRole("button", { name: "Set up" }).click();
  const dialog = page.getByRole("dialog");
  const secret = await dialog.getByLabel("The secret as text").innerText();
  assert.match(secret, /^([A-Z2-7]{4}-){7}[A-Z2-7]{4}$/);
  const picture = dialog.getByRole("img", { name: "The secret as a picture" });
  assert.ok(((await picture.locator("path").getAttribute("d")) ?? "").length > 1_000);
  await assertAccessible(page, "setting up codes");
  await shoot(page, "enrolling");
  await dialog.getByLabel("The code that the app shows now").fill("000000");
  await dialog.getByRole("button", { name: "Turn on" }).click();
  await dialog.getByText("factor.invalid").waitFor();
  await dialog.getByLabel("The code that the app shows now").fill(next(secret));
  await page.keyboard.press("Enter");
  const codes = await dialog.getByLabel("Ten recovery codes").innerText();
  assert.equal(codes.trim().split("\n").length, 10);
  await assertAccessible(page, "recovery codes");
  await shoot(page, "codes");
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await page.getByText("10 recovery codes are left").waitFor();
  await page.getByRole("link", { name: "To your organisations" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.getByLabel("Organisation", { exact: true }).selectOption(first.org);
  await page.waitForURL(`${url}/o/${first.org}`);
  await page.getByRole("link", { name: "Devices" }).waitFor();

  // The door asks for a code from now on, and takes one of the recovery codes.
  await page.getByRole("button", { name: /^You are / }).click();
  await shoot(page, "menu");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").first().fill(ada.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("input[autocomplete=one-time-code]:focus").waitFor(); // it is what is typed next
  await assertAccessible(page, "the door, asking for a code");
  await shoot(page, "door");
  await page.getByLabel("Code").fill("123456");
  await page.keyboard.press("Enter");
  await page.getByText("factor.invalid").waitFor();
  await page.getByLabel("Code").fill(codes.split("\n")[0] ?? "");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^You are / }).click();
  await page.getByRole("link", { name: "Your account" }).click();
  await page.getByText("9 recovery codes are left").waitFor();
  for (const [scheme, width] of looks) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await assertAccessible(page, `an account, ${scheme}, ${width}`, scheme === "dark" ? "colours" : "all");
    await shoot(page, `account-${scheme}-${width}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });

  // What changes her account asks who she is once more, by a code as well.
  clock.move(11 * 60_000);
  await page.getByRole("button", { name: "New recovery codes" }).click();
  await dialog.getByRole("button", { name: "New recovery codes" }).click();
  const asking = page.getByRole("dialog", { name: "Who are you again?" });
  await asking.getByLabel("Your password").fill(ada.password);
  await page.keyboard.press("Enter");
  await (await asked(asking)).fill(next(secret));
  await shoot(page, "confirm");
  await page.keyboard.press("Enter");
  await page.getByLabel("Ten recovery codes").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "I have kept it" }).click();
  await page.getByText("10 recovery codes are left").waitFor();
  await page.getByRole("button", { name: "Turn off" }).click();
  await page.getByRole("dialog").getByText("You lose First until").waitFor();
  await shoot(page, "turn-off");
  await page.getByRole("dialog").getByRole("button", { name: "Turn off" }).click();
  await page.getByText("Off: your password alone lets you in.").waitFor();
  await page.goto(`${url}/o/${first.org}`);
  await page.getByRole("heading", { name: "First does not let you in" }).waitFor();
  const blocked = complaints.filter((text) => !/status of 40[13]/.test(text));
  assert.deepEqual(blocked, []);
});

test("who signed in before she had a factor signs in again with it, and comes back to where she was", async (t) => {
  await demand({});
  const bob = { email: "bob@example.com", password: owner.password };
  await first.member(bob, "administrator");
  const { page } = await come(t, `/o/${first.org}/products`);
  await signIn(page, bob);
  await page.getByRole("heading", { name: "Products" }).waitFor();
  const elsewhere = new Somebody(platform, clock, bob);
  await elsewhere.signIn();
  await elsewhere.enrol();
  await demand({ factor: "second" });
  await page.reload();
  await page.getByText("You have one, and did not show it").waitFor();
  await assertAccessible(page, "an organisation in which the factor was not shown");
  await shoot(page, "unshown");
  // What she leaves still asks when she is on her way to the door already: that must not become the place that she comes back to.
  const door = Promise.withResolvers<void>();
  await page.route(/\/assets\/entering-/, async (route) => {
    await door.promise;
    await route.continue();
  });
  const refused = page.waitForResponse((response) => response.status() === 401);
  await page.getByRole("button", { name: "Sign in again" }).click();
  await page.waitForURL(/\/sign-in\?to=/);
  await page.evaluate('window.dispatchEvent(new Event("visibilitychange"))');
  await refused;
  door.resolve();
  await page.getByLabel("E-mail").fill(bob.email);
  await page.getByLabel("Password").first().fill(bob.password);
  await page.keyboard.press("Enter");
  await (await asked(page)).fill(elsewhere.code());
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Products" }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/o/${first.org}/products`);
});

test("an owner demands a second factor from a day on, sees whom that would keep out, and who has what", async (t) => {
  await demand({});
  const { page } = await come(t, `/o/${first.org}/access/people`);
  await page.getByLabel("E-mail").fill(owner.email);
  await page.getByLabel("Password").first().fill(owner.password);
  await page.keyboard.press("Enter");
  await (await asked(page)).fill(boss.code());
  await page.keyboard.press("Enter");
  const rowOf = (email: string) => page.getByRole("row").filter({ hasText: email });
  await rowOf(owner.email).getByText("app", { exact: true }).waitFor();
  await rowOf(ada.email).getByText("password alone").waitFor();
  await assertAccessible(page, "people, and what they sign in with");
  await shoot(page, "people");
  await page.goto(`${url}/o/${first.org}/settings/security`);
  await page.getByRole("button", { name: "Change people’s" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("What people need beside their password").selectOption("second");
  await dialog.getByText(/credentials? that (is|are) good would be refused/).waitFor();
  await dialog.getByLabel("From this day on").fill("2097-01-01");
  await assertAccessible(page, "demanding a factor");
  await shoot(page, "demanding");
  await dialog.getByText("What that would do on that day").waitFor();
  await dialog.getByRole("button", { name: "Set it for that day" }).click();
  await page.getByText("Nobody is refused yet.").waitFor();
  await page.getByText("a second factor from 2097-01-01 on").waitFor();
  await page.setViewportSize({ width: 360, height: 900 });
  await shoot(page, "security-360");

  const hers = await come(t, `/o/${first.org}`);
  await signIn(hers.page, ada);
  await hers.page.getByText("This organisation will demand a second factor of its people").waitFor();
  await assertAccessible(hers.page, "what will be demanded");
  await shoot(hers.page, "coming");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner } from "./authority.fixture.ts";
import { assertAccessible, startBrowser, visit, type Looks } from "./browser.fixture.ts";
import { buildConsole, owner, signIn } from "./console.fixture.ts";

// Passkeys of people in a real browser, with an authenticator in the machine that verifies whoever asks.
buildConsole();
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const first = new Owner(platform.visitor, await platform.setUp());
const { url } = platform.platform;
const [ada, bea] = ["ada", "bea"].map((name) => ({ email: `${name}@example.com`, password: owner.password }));
assert.ok(ada && bea);
await Promise.all([first.member(ada), first.member(bea)]);

type Ends = { after(work: () => Promise<void>): void };
type Asked = Looks & {
  /** Passkeys are offered in the field of the e-mail, and this authenticator takes what is offered at once. */
  readonly isOffered?: boolean;
};

async function come(t: Ends, where: string, { isOffered = false, ...looks }: Asked = {}) {
  const { page, context, complaints } = await visit(browser, looks);
  t.after(() => context.close());
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  if (!isOffered) await page.addInitScript("PublicKeyCredential.isConditionalMediationAvailable = async () => false");
  clock.move(5_000); // signing in costs, and is counted
  await page.goto(`${url}${where}`);
  const isVerified = (isUserVerified: boolean) =>
    devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
  return { page, complaints, isVerified };
}

const usePasskey = (page: Page) => page.getByRole("button", { name: "Use a passkey" }).click();
const isIn = (page: Page) => page.getByRole("button", { name: /^You are/ }).waitFor();
const signOut = async (page: Page) => {
  await page.getByRole("button", { name: /^You are/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
};
const shoot = (page: Page, name: string) =>
  process.env["SHOTS"] ? page.screenshot({ path: `${process.env["SHOTS"]}/${name}.png`, fullPage: true }) : undefined;

test("somebody adds a passkey to her account, signs in with it and without a password, names it and removes it", async (t) => {
  const { page, complaints, isVerified } = await come(t, "/account");
  await shoot(page, "sign-in");
  await assertAccessible(page, "signing in");
  await signIn(page, ada);
  const card = page.getByRole("region", { name: "Passkeys" });
  await card.getByText("You have none").waitFor();
  await card.getByRole("button", { name: "Add a passkey" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Laptop");
  await assertAccessible(page, "naming a passkey");
  await shoot(page, "adding");
  await dialog.getByRole("button", { name: "Add a passkey" }).click();
  const own = card.getByRole("listitem", { name: "Laptop" });
  await own.getByText("never").waitFor();
  await assertAccessible(page, "an account with a passkey");
  await shoot(page, "account-1440-light");

  await signOut(page);
  await usePasskey(page);
  await isIn(page);
  await page.goto(`${url}/account`);
  await own.waitFor();
  assert.equal(await own.getByText("never").count(), 0, "it was used just now");
  await own.getByRole("button", { name: "Rename" }).click();
  await dialog.getByLabel("Name").fill("Work laptop");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await card.getByRole("listitem", { name: "Work laptop" }).waitFor();

  // Nobody but whom the authenticator knows.
  await signOut(page);
  await isVerified(false);
  await usePasskey(page);
  await page.getByText("No passkey was shown").waitFor();
  await shoot(page, "declined");
  await isVerified(true);
  // Her password alone is not enough any more, and she is told what is.
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").first().fill(ada.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("asks for a passkey of yours").waitFor();
  await usePasskey(page);
  await isIn(page);

  // What asks who she is once more takes it, too.
  await page.goto(`${url}/account`);
  clock.move(11 * 60_000);
  await card.getByRole("button", { name: "Remove", exact: true }).click();
  await dialog.getByRole("button", { name: "Remove", exact: true }).click();
  const again = page.getByRole("dialog", { name: "Who are you again?" });
  await again.getByRole("button", { name: "Use a passkey" }).waitFor();
  await shoot(page, "confirmation");
  await again.getByRole("button", { name: "Use a passkey" }).click();
  await card.getByText("You have none").waitFor();
  await signOut(page);
  await usePasskey(page);
  await page.getByText("not known, has ended").waitFor();
  await signIn(page, ada);
  assert.deepEqual(
    complaints.filter((one) => !/status of 40[13]/.test(one)),
    [],
  );
});

test("where the browser has it, a passkey is offered in the field of the e-mail, and signs in from there", async (t) => {
  const { page } = await come(t, "/account", { isOffered: true, scheme: "dark", width: 360 });
  await signIn(page, bea);
  const card = page.getByRole("region", { name: "Passkeys" });
  await card.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Add a passkey" }).click();
  await card.getByRole("listitem", { name: "Passkey" }).waitFor();
  await shoot(page, "account-360-dark");
  await card.getByRole("button", { name: "Remove your password" }).click();
  const dialog = page.getByRole("dialog");
  await shoot(page, "password-360-dark");
  await assertAccessible(page, "removing a password");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: /^You are/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await isIn(page); // this authenticator takes what is offered, as somebody who picks it
  await page.goto(`${url}/account`);
  await card.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await card.getByText("You have none").waitFor();
});

test("somebody who was invited comes with a passkey in place of a password", async (t) => {
  const email = "new@example.com";
  const { link } = await first.invite(email);
  const { page } = await come(t, link.slice(url.length), { width: 360 });
  const come_ = page.getByRole("button", { name: "Come with a passkey" });
  await come_.waitFor();
  assert.equal(await come_.isDisabled(), true, "not before there is an e-mail");
  await page.getByLabel("E-mail").fill(email);
  await shoot(page, "invitation-360-light");
  await assertAccessible(page, "an invitation");
  await come_.click();
  await isIn(page);
  await page.goto(`${url}/account`);
  await page.getByRole("region", { name: "Passkeys" }).getByRole("listitem", { name: "Passkey" }).waitFor();

  // Removed and invited again, she comes with the account and the passkey that she has.
  const { items } = await first.asks.get<{ items: { person: string; email: string }[] }>("/v1/members");
  await first.asks.delete(`/v1/members/${items.find((one) => one.email === email)?.person}`);
  clock.move(5_000);
  await page.context().clearCookies();
  await page.goto((await first.invite(email)).link);
  await page.reload(); // else only what stands behind # is another
  await page.getByLabel("here already, with an account").check();
  await page.getByLabel("E-mail").fill(email);
  await shoot(page, "invitation-known-360-light");
  await usePasskey(page);
  await isIn(page);
});

test("who is told that her second factors are to go keeps them, where she is signed in and by the link", async (t) => {
  const { page } = await come(t, "/call-off#call-off=hfx_unknown");
  await page.getByRole("button", { name: "Keep them" }).click();
  await page.getByText("Nothing of the kind waits").waitFor();
  await assertAccessible(page, "calling off");
  await shoot(page, "call-off");
  await page.goto(`${url}/#call-off=`);
  await page.goto(`${url}/account`);
  await signIn(page);
  const card = page.getByRole("region", { name: "Passkeys" });
  await card.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Add a passkey" }).click();
  await card.getByRole("listitem", { name: "Passkey" }).waitFor();
  // She administers the instance as well, and begins it for herself.
  const begin = async () => {
    await page.goto(`${url}/instance/people`);
    await page.getByRole("button", { name: `Lost: ${owner.email}` }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox").fill(owner.email);
    await shoot(page, "instance-lost");
    await dialog.getByRole("button", { name: "Remove after the wait" }).click();
    await page.getByText("Second factors that are to go").waitFor();
  };
  await begin();
  await assertAccessible(page, "whose second factors are to go");
  await shoot(page, "instance-people");
  await page.getByRole("button", { name: `Call it off: ${owner.email}` }).click();
  await page.getByText("Second factors that are to go").waitFor({ state: "detached" });
  await begin();
  await page.goto(`${url}/account`);
  const notice = page.getByRole("alert").filter({ hasText: "Your second factors are to be removed" });
  await notice.waitFor();
  await assertAccessible(page, "an account whose second factors are to go");
  await shoot(page, "reset-waits");
  await notice.getByRole("button", { name: "Keep them" }).click();
  await notice.waitFor({ state: "detached" });
});

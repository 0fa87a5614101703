import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { systemClock } from "@holdfast/kernel";
import type { Page } from "playwright-core";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { assertAccessible, startBrowser, visit } from "./browser.fixture.ts";
import { Somebody } from "./factors.fixture.ts";
import { buildConsole, Entrance, holdSession, owner } from "./console.fixture.ts";

// How people come to an organisation in the browser, and how they go.
buildConsole();
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock });
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { url } = platform.platform;
const first = await platform.setUp();
const second = await platform.setUp();
type Member = { person: string; email: string; role: string };
const members = async (token: string) =>
  (await platform.visitor.as(token).get<{ items: Member[] }>("/v1/members")).items;
const invite = async (token: string, email: string) =>
  await platform.visitor.as(token).post<{ id: string; link: string }>("/v1/invitations", { email, role: "viewer" });

const entrance = new Entrance(browser, platform);
/** The first organisation's owner, who is signed in. */
const asOwner = async (t: TestContext): Promise<Page> =>
  (await entrance.at(t, `${url}/o/${first.org}/access/people`)).page;

async function come(t: TestContext, address: string): Promise<Page> {
  const { page, context } = await visit(browser);
  t.after(() => context.close());
  await page.goto(address);
  return page;
}

const accepting = (page: Page) => page.getByRole("heading", { name: "Accept an invitation" }).waitFor();
const fill = async (page: Page, fields: Readonly<Record<string, string>>) => {
  for (const [label, text] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(text);
};
const answer = (page: Page, text: string) => page.getByText(text).waitFor();
const asNew = (email: string) => ({
  "Your e-mail *": email,
  "A password *": owner.password,
  "The password again *": owner.password,
});

test("an owner invites somebody who is new here by a link that is shown once, sees her come, and removes her", async (t) => {
  const page = await asOwner(t);
  await answer(page, "Nobody is invited.");
  await page.getByRole("button", { name: "Invite somebody" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail").fill("ada@example.com");
  await dialog.getByLabel("Role").selectOption("viewer");
  await dialog.getByRole("button", { name: "Make the link" }).click();
  const link = await dialog.getByLabel("The link", { exact: true }).innerText();
  assert.match(link, /^https:\/\/localhost:\d+\/#invitation=hfi_/);
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("region", { name: "Open invitations" }).getByText("ada@example.com").waitFor();
  assert.ok(!(await page.content()).includes("hfi_"));

  const hers = await come(t, link);
  await accepting(hers);
  assert.equal(new URL(hers.url()).pathname, "/invitation");
  await assertAccessible(hers, "an invitation, to a stranger");
  await fill(hers, { ...asNew("ada@example.com"), "The password again *": "another one of mine" });
  await hers.getByRole("button", { name: "Accept" }).click();
  await answer(hers, "The two are not the same.");
  // Coming back to the page asks again who is signed in, and what she has typed stays meanwhile.
  const answered = await holdSession(hers);
  const asked = hers.waitForRequest(/\/v1\/session$/);
  await hers.evaluate('window.dispatchEvent(new Event("visibilitychange"))');
  await asked;
  await hers.getByText("The two are not the same.").waitFor();
  answered();
  await fill(hers, asNew("ada@example.com"));
  await hers.getByRole("button", { name: "Accept" }).click();
  await hers.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal(new URL(hers.url()).href, `${url}/o/${first.org}`, "the secret stays in no address");
  await hers.goto(`${url}/o/${first.org}/access/people`);
  await hers.getByRole("region", { name: "Members" }).getByText("ada@example.com").waitFor();
  await answer(hers, "Your role does not hold member.invite.");
  const button = hers.getByRole("button", { name: "Invite somebody" });
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  const release = await holdSession(hers); // else its organisation may be gone before she asks for anything

  await page.reload();
  await answer(page, "Nobody is invited.");
  const own = page.getByRole("button", { name: `Remove ${owner.email}` });
  assert.equal(
    await own.getAttribute("aria-description"),
    "Nobody removes herself here. You can leave in your account.",
  );
  await page.getByRole("button", { name: "Remove ada@example.com" }).click();
  await dialog.getByRole("textbox").fill("ada@example.com");
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByText("ada@example.com").first().waitFor({ state: "hidden" });
  assert.deepEqual(
    (await members(first.token)).map(({ email }) => email),
    [owner.email],
  );
  await hers.getByRole("link", { name: "Devices" }).click();
  await hers.getByRole("alert").getByText("org.unknown").waitFor();
  release();
  await hers.goto(url);
  await hers.getByRole("heading", { name: "Sign in" }).waitFor();

  // Invited again, with the account that she has.
  await hers.goto((await invite(first.token, "ada@example.com")).link);
  await hers.getByLabel("here already, with an account").check();
  await fill(hers, { "Your e-mail *": "ada@example.com", "Your password *": owner.password });
  await hers.getByRole("button", { name: "Accept" }).click();
  await answer(hers, "or it belongs to no organisation any more");
  await hers.getByLabel("new here").check();
  await fill(hers, asNew("ada@example.com"));
  await hers.getByRole("button", { name: "Accept" }).click();
  await hers.getByRole("heading", { name: "Overview" }).waitFor();
});

test("somebody with an account comes with it, signed in or not, and a mistyped password makes no account", async (t) => {
  const email = "bob@example.com";
  const toFirst = await come(t, (await invite(first.token, email)).link);
  await fill(toFirst, asNew(email));
  await toFirst.getByRole("button", { name: "Accept" }).click();
  await toFirst.getByRole("heading", { name: "Overview" }).waitFor();

  // Signed in here, with a link to somewhere else.
  await toFirst.goto((await invite(second.token, email)).link);
  await accepting(toFirst);
  assert.ok(await toFirst.getByLabel(`${email}, who is signed in here`).isChecked());
  await assertAccessible(toFirst, "an invitation, to somebody who is signed in");
  await toFirst.getByRole("button", { name: "Accept" }).click();
  await toFirst.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal(new URL(toFirst.url()).pathname, `/o/${second.org}`);
  await toFirst.getByLabel("Organisation", { exact: true }).selectOption(first.org);
  await toFirst.waitForURL(`${url}/o/${first.org}`);
  assert.ok((await members(second.token)).some((member) => member.email === email));

  // With codes of an app, and in no organisation any more: each code is good once.
  const app = new Somebody(platform, clock, { email, password: owner.password });
  await app.signIn();
  await app.enrol();
  for (const { org, token } of [first, second])
    await platform.visitor
      .as(token)
      .delete(`/v1/members/${(await members(token)).find((member) => member.email === email)?.person ?? org}`);
  await toFirst.context().clearCookies();
  await toFirst.goto((await invite(first.token, email)).link);
  await toFirst.reload(); // another hash is no other page
  await toFirst.getByLabel("here already, with an account").check();
  await fill(toFirst, { "Your e-mail *": email, "Your password *": owner.password });
  const accept = () => toFirst.getByRole("button", { name: "Accept" }).click();
  await accept();
  const code = toFirst.getByLabel("Code");
  await code.waitFor(); // time is not moved while a password is looked at
  await code.fill(app.code());
  await accept();
  await answer(toFirst, "your account belongs to no organisation yet");
  await assertAccessible(toFirst, "an invitation, to somebody with a code and no organisation");
  await code.fill(app.code());
  await accept();
  await answer(toFirst, "You are a member now.");
  await toFirst.getByRole("link", { name: "Sign in" }).click();
  await toFirst.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.ok((await members(first.token)).some((member) => member.email === email));

  // Elsewhere, with an account that is not there.
  const carol = await come(t, (await invite(first.token, "carol@example.com")).link);
  await carol.getByLabel("here already, with an account").check();
  await fill(carol, { "Your e-mail *": "carol@example.com", "Your password *": "mistyped, and nobody's" });
  await carol.getByRole("button", { name: "Accept" }).click();
  await answer(carol, "There is no account with this e-mail and this password");
  await carol.getByLabel("new here").check();
  await fill(carol, asNew("carol@example.com"));
  await carol.getByRole("button", { name: "Accept" }).click();
  await carol.getByRole("heading", { name: "Overview" }).waitFor();

  // And who says that he is new, and is not.
  await carol.context().clearCookies();
  await carol.goto((await invite(second.token, "carol@example.com")).link);
  await accepting(carol);
  await fill(carol, {
    ...asNew("carol@example.com"),
    "A password *": "one of my own",
    "The password again *": "one of my own",
  });
  await carol.getByRole("button", { name: "Accept" }).click();
  await answer(carol, "This e-mail has an account already");
  await carol.getByLabel("here already, with an account").check();
  await fill(carol, { "Your password *": owner.password });
  await carol.getByRole("button", { name: "Accept" }).click();
  await carol.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal(new URL(carol.url()).pathname, `/o/${second.org}`);
});

test("a link that is used, withdrawn, expired, wrong or half says what to do, and leads on", async (t) => {
  const used = await invite(first.token, "dan@example.com");
  await platform.visitor.post("/v1/invitations/accept", {
    secret: used.link.split("=").at(-1),
    email: "dan@example.com",
    password: owner.password,
  });
  const page = await asOwner(t);
  const withdrawn = await invite(first.token, "eve@example.com");
  await page.reload();
  await page.getByRole("button", { name: "Withdraw eve@example.com" }).click();
  await page.getByRole("button", { name: "Withdraw eve@example.com" }).waitFor({ state: "hidden" });

  // As the owner, who is signed in: it is not for her.
  await page.goto((await invite(first.token, "faye@example.com")).link);
  await accepting(page);
  await page.getByRole("button", { name: "Accept" }).click();
  await answer(page, "choose above that you are somebody else");
  await page.getByRole("link", { name: "To your organisations" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();

  const stranger = await come(t, `${url}/sign-in`);
  const late = await invite(first.token, "gil@example.com");
  clock.move(7 * 24 * 3_600_000);
  for (const [link, email] of [
    [used.link, "dan@example.com"],
    [withdrawn.link, "eve@example.com"],
    [late.link, "gil@example.com"],
    [`${url}/#invitation=hfi_mistyped`, "hal@example.com"],
  ] as const) {
    await stranger.goto(link);
    await accepting(stranger);
    await fill(stranger, asNew(email));
    await stranger.getByRole("button", { name: "Accept" }).click();
    await stranger.getByRole("alert").getByText("invitation.invalid").waitFor();
    await answer(stranger, "If it is, ask for a new link");
    if (email === "dan@example.com") await assertAccessible(stranger, "an invitation that is refused");
    await stranger.getByRole("link", { name: "To your organisations" }).click();
    await stranger.getByRole("heading", { name: "Sign in" }).waitFor();
  }
  await stranger.goto(`${url}/invitation`);
  await answer(stranger, "Open the whole link that you were sent");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { assertAccessible, startBrowser, visit, type Visit } from "./browser.fixture.ts";
import { secretIn } from "./authority.fixture.ts";
import { buildConsole, owner as ownerWho, signIn } from "./console.fixture.ts";
import { client, providerHost, startHouse, startProvider, type Account } from "./provider.fixture.ts";

// Single sign-on as people meet it: whoever sets it up, and whoever comes by it, in a real browser and with a real provider on another site.
buildConsole();
const house = await startHouse();
atEnd.after(() => house.close());
const { owner, platform, issuer, zone } = house;
const { url } = platform.platform;
const browser = await startBrowser([providerHost]);
atEnd.after(() => browser.close());
const accounts = new Map<string, Account>([
  ["ada", { email: "ada@house.example", email_verified: true, groups: ["operators"] }],
]);
startProvider(house, accounts);
const settings = `${url}/o/${owner.org}/settings/providers`;

/** What the provider's own page complains of is its own affair. */
const ofOurs = ({ complaints }: Visit) => complaints.filter((text) => !text.includes(providerHost));
const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).click();
async function signInThere(page: Page): Promise<void> {
  await page.waitForURL(`${issuer}/**`);
  await page.getByPlaceholder("Enter any login").fill("ada");
  await page.getByPlaceholder("and password").fill("whatever");
  await press(page, "Sign-in");
}

test("an owner enters a provider, tries it, switches it on, and proves a domain, by what the page says", async (t) => {
  const visited = await visit(browser);
  t.after(() => visited.context.close());
  const { page } = visited;
  await page.goto(settings);
  await signIn(page, ownerWho);
  await page.getByText("Nobody signs in by a provider yet").waitFor();
  await assertAccessible(page, "no provider");
  await press(page, "Enter a provider");
  const form = page.getByRole("dialog", { name: "Enter a provider" });
  await form.getByLabel("What it is called here").fill("House accounts");
  await form.getByLabel("Issuer").fill(issuer);
  await form.getByLabel("Client id").fill(client.id);
  await form.getByLabel("Client secret").fill("mistyped");
  await form.getByLabel("Scopes").fill("email groups");
  await form.getByLabel("Short name").fill("house");
  await form.getByLabel(/comes for the first time/).selectOption("viewer");
  await form.getByLabel("Claim that says").fill("groups");
  await form.getByRole("button", { name: "One more value" }).click();
  await form.getByLabel("When it says").fill("operators");
  await form.getByLabel("they are").selectOption("operator");
  await assertAccessible(page, "the form of a provider");
  await form.getByRole("button", { name: "Save" }).click();
  const card = page.getByRole("region", { name: "House accounts", exact: true });
  await card.getByText("groups: operators → operator").or(card.getByText("by groups: operators → operator")).waitFor();
  await card.getByRole("button", { name: "Try it" }).click();
  await card.getByText(/does not know the client, or the secret is wrong/).waitFor();
  await assertAccessible(page, "a provider that was tried");
  await card.getByRole("button", { name: "Change" }).click();
  const change = page.getByRole("dialog", { name: "Change: House accounts" });
  await change.getByLabel("Client secret").fill(client.secret);
  await change.getByRole("button", { name: "Save" }).click();
  await change.waitFor({ state: "detached" });
  await card.getByRole("button", { name: "Try it" }).click();
  await card.getByText("It answers as it should.").waitFor();
  await card.getByRole("button", { name: "Switch on" }).click();
  await card.getByText("on", { exact: true }).waitFor();

  await card.getByPlaceholder("example.com").fill("house.example");
  await card.getByRole("button", { name: "Add a domain" }).click();
  await card.getByText("_holdfast-challenge.house.example").waitFor();
  await card.getByRole("button", { name: "Look now" }).click();
  await card.getByText(/There is no TXT record/).waitFor();
  const token = (await card.getByText(/^holdfast-[0-9a-f]{32}$/).textContent()) ?? "";
  zone.set("_holdfast-challenge.house.example TXT", [token]);
  await card.getByRole("button", { name: "Look now" }).click();
  await card.getByText("proved by its record").waitFor();
  await card.getByRole("button", { name: "Let them come by it alone" }).click();
  const demand = page.getByRole("dialog", { name: /come by the provider alone/ });
  await demand.getByText(/No sign-in that is good now would be refused/).waitFor();
  await assertAccessible(page, "demanding a provider");
  await demand.getByRole("button", { name: "Let them come by it alone" }).click();
  await card.getByText("Members with an address of it come by the provider alone").waitFor();
  await assertAccessible(page, "a provider");
  assert.deepEqual(
    ofOurs(visited).map((text) => /status of (\d+)/.exec(text)?.[1] ?? text),
    ["401", "409"],
    "before she signed in, and while there was no record",
  );
});

test("somebody signs in with her organisation, from another site's page and back to where she wanted to go, and out of both", async (t) => {
  const visited = await visit(browser);
  t.after(() => visited.context.close());
  const { page } = visited;
  const wanted = `${url}/o/${owner.org}/audit`;
  await page.goto(wanted);
  await press(page, "Use your organisation’s sign-in");
  await page.locator("input[autocomplete=organization]:focus").waitFor();
  await page.getByRole("textbox", { name: "E-mail", exact: true }).pressSequentially("ada@example.com"); // the field above takes no key of it
  assert.equal(await page.getByRole("textbox", { name: "E-mail", exact: true }).inputValue(), "ada@example.com");
  await page.getByLabel(/Your organisation’s name/).fill("nobody-of-that-name");
  await press(page, /Go to your organisation/);
  await page.getByText(/Nobody signs people in by that name/).waitFor();
  await assertAccessible(page, "the sign-in page");
  await page.getByLabel(/Your organisation’s name/).fill("Ada@House.example");
  await press(page, /Go to your organisation/);
  await signInThere(page);
  await page.waitForURL(wanted);
  await page.getByRole("heading", { name: "Audit" }).waitFor();
  await page.getByRole("button", { name: "You are ada@house.example" }).waitFor();
  assert.equal(new URL(page.url()).search, "", "nothing of the provider's answer stands in the address");

  await page.goto(`${url}/account`);
  await page.getByText("this session is good in that organisation alone").waitFor();
  await assertAccessible(page, "the account of whom a provider brought");

  await page.goto(`${url}/o/${owner.org}`);
  await page.getByRole("button", { name: "You are ada@house.example" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${issuer}/**`);
  await press(page, /Yes, sign me out/);
  await page.waitForURL(`${url}/sign-in`);
  await page.goto(wanted);
  await page.getByRole("button", { name: "Use your organisation’s sign-in" }).waitFor();
});

test("the link of an organisation leads to its sign-in, and what went wrong on the way says what to do", async (t) => {
  const visited = await visit(browser, { width: 360, scheme: "dark" });
  t.after(() => visited.context.close());
  const { page } = visited;
  const secret = secretIn(await owner.invite("guest@house.example"));
  await page.goto(`${url}/invitation#invitation=${secret}`);
  await press(page, "Use your organisation’s sign-in");
  await page.waitForURL(`${issuer}/**`);
  await page.goto(`${url}/sign-in/house`);
  await page.getByRole("button", { name: /Go to your organisation/ }).waitFor();
  await assertAccessible(page, "the sign-in of an organisation, dark and narrow");
  await press(page, /Go to your organisation/);
  await signInThere(page);
  await page.waitForURL(`${url}/o/${owner.org}`);
  await page.goto(`${url}/sign-in/${owner.org}/callback?code=none&state=none`);
  await page.getByText(/This sign-in was begun in another browser/).waitFor();
  assert.equal(new URL(page.url()).search, "");
  await assertAccessible(page, "a sign-in that is over");
  await press(page, "Try again");
  await page.waitForURL(`${url}/sign-in/${owner.org}`);
});

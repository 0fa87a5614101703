import assert from "node:assert/strict";
import { test } from "node:test";
import { routes, type Route } from "@holdfast/protocol";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { startWorld, type Problem } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

// Somebody in a browser is asked once more who she is, where it matters; programs are not.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours, theirs } = world;
const { visitor } = platform;
const owner = { email: "owner@example.com", password: "correct horse battery staple" };
const minute = 60_000;

async function browserOf(): Promise<CookieBrowser> {
  clock.move(2_000);
  const browser = new CookieBrowser(platform);
  browser.org = ours.org;
  await browser.signIn(owner);
  return browser;
}
const mint = (browser: CookieBrowser) =>
  browser.send<Problem>("POST", "/v1/tokens", { body: { name: "made", grants: ["org.read"] } });
const codeOf = ({ status, body }: { status: number; body: unknown }): string =>
  status < 300 ? String(status) : `${status} ${(body as Problem).code}`; // errors are RFC 9457

test("[V7.5.3] what mints a secret asks in a browser who she is again, ten minutes after she last proved it", async () => {
  const browser = await browserOf();
  clock.move(10 * minute - 1);
  assert.equal(codeOf(await mint(browser)), "201");
  clock.move(1);
  assert.equal(codeOf(await mint(browser)), "403 confirmation.required");
  assert.equal(codeOf(await browser.send("GET", "/v1/org")), "200", "everything else goes on");
  await browser.confirm(owner);
  assert.equal(codeOf(await mint(browser)), "201");
  const bearer = { name: "by a program", grants: ["org.read"] };
  assert.equal((await visitor.as(ours.token).send("POST", "/v1/tokens", { body: bearer })).status, 201);
  for (const it of [ours, theirs])
    assert.ok((await it.audited(it.person)).some(({ what }) => what === "session.confirmed"));
});

test("who may not do it at all is told so, and not asked who she is", async () => {
  const browser = await browserOf();
  clock.move(11 * minute);
  browser.org = "org_00000000000000000000000000";
  assert.match(codeOf(await mint(browser)), /^4\d\d (org\.unknown|request\.malformed)$/);
  browser.org = ours.org;
  const malformed = await browser.send("POST", "/v1/tokens", { body: { name: 7 } });
  assert.equal(codeOf(malformed), "400 request.malformed");
});

test("[V7.2.4] whoever confirms has another cookie, and the one before is worth nothing after a moment", async () => {
  const browser = await browserOf();
  const before = browser.cookie;
  const { credential } = await browser.good<{ credential: string }>("GET", "/v1/me");
  clock.move(11 * minute);
  await browser.confirm(owner);
  assert.notEqual(browser.cookie, before);
  assert.equal(
    (await browser.good<{ credential: string }>("GET", "/v1/me")).credential,
    credential,
    "the same session",
  );
  const late = new CookieBrowser(platform);
  Object.assign(late, { cookie: before, org: ours.org });
  assert.equal(codeOf(await late.send("GET", "/v1/org")), "200", "what was under way is answered");
  assert.equal(codeOf(await mint(late)), "403 confirmation.required", "and has proved nothing");
  clock.move(10_000);
  assert.equal(codeOf(await late.send("GET", "/v1/org")), "401 credential.invalid");
  assert.equal(codeOf(await browser.send("GET", "/v1/org")), "200");
});

test("a wrong password confirms nothing, is slowed down and told to every organisation, and the session stays", async () => {
  const browser = await browserOf();
  clock.move(60 * minute);
  const wrong = { body: { password: "not the password" } };
  const tried = await Promise.all(
    Array.from({ length: 40 }, async () => codeOf(await browser.send("POST", "/v1/account/confirmation", wrong))),
  );
  assert.deepEqual(new Set(tried), new Set(["403 confirmation.invalid", "429 rate.exceeded"]));
  clock.move(5 * minute);
  assert.equal(codeOf(await mint(browser)), "403 confirmation.required");
  for (const it of [ours, theirs])
    while (!(await it.audited(it.person)).some(({ what }) => what === "signIn.refused"))
      await new Promise(setImmediate);
});

test("[V7.5.1] whatever changes what an account is signed in or recovered with asks for it", () => {
  const harmless = [
    "askVerification", // sends a letter to the address that she has
    "callOffOwnFactorReset", // keeps what she has
    "confirmIdentity", // is what is asked for
    "createSession",
    "deleteSession",
    "endLink", // the way back of one that was asked for when it began
    "endProviderSignIn",
    "refuseActivation",
    "renameAccountPasskey",
    "takeInvitation",
  ];
  const unasked = Object.entries<Route>(routes)
    .filter(([, { session, method, isConfirmed }]) => session !== undefined && method !== "GET" && !isConfirmed)
    .map(([name]) => name);
  assert.deepEqual(unasked.toSorted(), harmless);
});

test("every operation that shows a secret asks for it", () => {
  const unasked = Object.entries<Route>(routes)
    .filter(([, { mints, isConfirmed }]) => mints !== undefined && !isConfirmed)
    .map(([name]) => name);
  assert.deepEqual(unasked, []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import {
  atEnd,
  freshDatabase,
  startTestPlatform,
  TestClock,
  type TestPlatform,
} from "../apps/server/src/testing/index.ts";
import { Owner, type Problem } from "./authority.fixture.ts";
import { CookieBrowser, type SignedIn } from "./cookie-browser.fixture.ts";
import { closedWithin, events } from "./revocation.fixture.ts";

// How long somebody stays signed in: in each organisation as that one says, by one cookie for all of them.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
atEnd.after(() => database.drop());
async function start(): Promise<TestPlatform> {
  const started = await startTestPlatform({ clock, timers: clock, database });
  return { ...started, visitor: started.visitor.unkept() };
}
let platform = await start();
atEnd.after(() => platform.close());
const owner = { email: "owner@example.com", password: "correct horse battery staple" };
const minute = 60_000;
const hour = 60 * minute;

const first = new Owner(platform.visitor, await platform.setUp());
const made = await platform.visitor.as(first.token).post<{ org: string }>("/v1/orgs", { name: "Second" });
const [one, two] = [first.org, made.org];

/** By a token of her own, which no limit of sessions is about. */
async function ownerOf(org: string): Promise<Owner> {
  clock.move(2_000);
  return new Owner(platform.visitor, await platform.visitor.post("/v1/sign-in", { ...owner, org }));
}
const limit = async (org: string, sessions: object, by?: Owner) =>
  (by ?? (await ownerOf(org))).asks.patch("/v1/org", { demands: { sessions } });

async function signedIn(): Promise<CookieBrowser> {
  clock.move(2_000);
  const browser = new CookieBrowser(platform);
  await browser.signIn(owner);
  return browser;
}
async function codeIn(browser: CookieBrowser, org: string): Promise<string> {
  browser.org = org;
  const { status, body } = await browser.send<Problem>("GET", "/v1/org");
  return status === 200 ? "200" : `${status} ${body.code}`;
}
const standing = async (browser: CookieBrowser) => {
  const { orgs } = await browser.good<SignedIn>("GET", "/v1/session");
  return Object.fromEntries(orgs.map(({ id, refused }) => [id, refused?.code ?? "good"]));
};
const ended = /^401 credential\.(invalid|expired)$/;

test("[V7.3.2] in each organisation a session lasts as long as that one says, from 15 minutes to 48 hours, and elsewhere it goes on", async () => {
  await limit(one, { absoluteMinutes: 15 });
  await limit(two, { absoluteMinutes: 48 * 60, idleMinutes: 48 * 60 });
  const browser = await signedIn();
  const { orgs, expiresAt } = await browser.good<SignedIn>("GET", "/v1/session");
  const endIn = (org: string) => Date.parse(orgs.find(({ id }) => id === org)?.expiresAt ?? "") - clock.now();
  assert.deepEqual([endIn(one), endIn(two)], [15 * minute, 48 * hour]);
  assert.equal(Date.parse(expiresAt) - clock.now(), 48 * hour);
  assert.deepEqual([await codeIn(browser, one), await codeIn(browser, two)], ["200", "200"]);
  const { items } = await first.asks.get<{ items: { expiresAt: string; state: string }[] }>(
    "/v1/credentials?kind=session&limit=1000",
  );
  assert.equal(Date.parse(items.at(-1)?.expiresAt ?? "") - clock.now(), 15 * minute);

  browser.org = one;
  const stream = await events(platform, browser.headers("GET"));
  browser.org = two;
  const elsewhere = await events(platform, browser.headers("GET"));
  clock.move(15 * minute - 1);
  assert.equal(await codeIn(browser, one), "200");
  const from = performance.now();
  clock.move(1);
  await closedWithin(stream, from, 1_000);
  assert.equal(await codeIn(browser, one), "401 credential.expired");
  assert.deepEqual(await standing(browser), { [one]: "credential.expired", [two]: "good" });
  clock.move(47 * hour);
  assert.equal(await codeIn(browser, two), "200");
  clock.move(45 * minute);
  assert.equal(await codeIn(browser, two), "401 credential.expired", "48 hours are the most, wherever");
  assert.match((await browser.send("GET", "/v1/session")).status.toString(), /^401$/);
  elsewhere.end();
});

test("[V7.3.1] whoever asks nothing in an organisation for too long is signed out there, and what she does elsewhere revives nothing", async () => {
  await limit(one, { idleMinutes: 10 });
  await limit(two, {});
  const browser = await signedIn();
  assert.deepEqual([await codeIn(browser, one), await codeIn(browser, two)], ["200", "200"]);
  browser.org = one;
  const stream = await events(platform, browser.headers("GET"));
  for (let minutes = 0; minutes < 9; minutes += 3) {
    clock.move(3 * minute);
    assert.equal(await codeIn(browser, two), "200");
  }
  assert.equal(await codeIn(browser, one), "200", "there yet, and seen again");
  clock.move(9 * minute);
  assert.equal(await codeIn(browser, two), "200");
  clock.move(minute - 1_000);
  let isOpen = true;
  void stream.closed.then(() => (isOpen = false));
  // By the round of that second, or by the next one where the one before it is still at work.
  for (let rounds = 0; isOpen && rounds < 3; rounds += 1) {
    clock.move(1_000);
    await Promise.race([stream.closed, new Promise((resolve) => setTimeout(resolve, 1_000))]);
  }
  assert.ok(!isOpen, "it is closed");
  assert.equal(await codeIn(browser, two), "200");
  assert.match(await codeIn(browser, one), ended);
  const now = await standing(browser);
  assert.notEqual(now[one], "good");
  assert.equal(now[two], "good");
  const told = await (await ownerOf(one)).audited(first.person);
  assert.ok(told.some(({ what }) => what === "signOut.idle"));
});

test("an organisation that she has not been to yet goes by the longest time in which she was nowhere", async () => {
  await limit(one, { idleMinutes: 10 });
  await limit(two, {});
  const [busy, away] = [await signedIn(), await signedIn()];
  for (let minutes = 0; minutes < 30; minutes += 9) {
    clock.move(9 * minute);
    assert.equal(await codeIn(busy, two), "200");
  }
  assert.equal(await codeIn(busy, one), "200", "she was never away for ten minutes");
  clock.move(2 * minute);
  assert.equal(await codeIn(away, two), "200");
  assert.equal(await codeIn(away, one), "401 credential.expired");
  assert.deepEqual(await standing(away), { [one]: "credential.expired", [two]: "good" });
});

test("a shorter limit holds at once, a longer one revives nobody who was away, and nothing is longer than 48 hours or shorter than a quarter", async () => {
  await limit(one, {});
  const browser = await signedIn();
  assert.equal(await codeIn(browser, one), "200");
  browser.org = one;
  const stream = await events(platform, browser.headers("GET"));
  clock.move(hour);
  assert.equal(await codeIn(browser, one), "200");
  const by = await ownerOf(one); // to sign in is no part of it
  const from = performance.now();
  await limit(one, { absoluteMinutes: 30 }, by);
  await closedWithin(stream, from, 1_500);
  assert.equal(await codeIn(browser, one), "401 credential.expired");
  clock.move(3 * hour);
  await limit(one, { absoluteMinutes: 48 * 60 });
  clock.move(1_000);
  await new Promise(setImmediate);
  assert.match(await codeIn(browser, one), ended);
  for (const sessions of [
    { absoluteMinutes: 14 },
    { absoluteMinutes: 2_881 },
    { idleMinutes: 4 },
    { idleMinutes: 1.5 },
  ]) {
    const { asks } = await ownerOf(one);
    const { status } = await asks.send("PATCH", "/v1/org", { body: { demands: { sessions } } });
    assert.equal(status, 400, JSON.stringify(sessions));
  }
});

test("a restart forgets neither when she was last seen in each organisation, nor for how long she was away", async () => {
  await limit(one, { idleMinutes: 30 });
  await limit(two, {});
  const browser = await signedIn();
  const fresh = await signedIn();
  assert.equal(await codeIn(browser, one), "200");
  assert.equal(await codeIn(fresh, two), "200");
  clock.move(20 * minute);
  assert.equal(await codeIn(browser, two), "200");
  clock.move(10_000); // what was only noted is written down now
  await new Promise((resolve) => setTimeout(resolve, 500));
  await platform.platform.close();
  clock.move(11 * minute);
  platform = await start();
  const again = (held: CookieBrowser): CookieBrowser => {
    const other = new CookieBrowser(platform);
    if (held.cookie !== undefined) other.cookie = held.cookie;
    return other;
  };
  assert.match(await codeIn(again(browser), one), ended, "half an hour since she was there");
  assert.equal(await codeIn(again(browser), two), "200");
  assert.equal(await codeIn(again(fresh), one), "401 credential.expired", "she was nowhere for half an hour");
  assert.equal(await codeIn(again(fresh), two), "200");
});

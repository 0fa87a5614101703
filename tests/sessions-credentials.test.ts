import assert from "node:assert/strict";
import { test } from "node:test";
import { asOwner, atEnd, startTestPlatform, type TestPlatform } from "../apps/server/src/testing/index.ts";
import {
  furnish,
  Owner,
  secretIn,
  startWorld,
  textOf,
  viewer,
  type Invitation,
  type Key,
  type Problem,
  type Token,
} from "./authority.fixture.ts";
import { CookieBrowser, type SignedIn } from "./cookie-browser.fixture.ts";
import { closedWithin, events, shown, webSocket, type Held } from "./revocation.fixture.ts";

// A browser's session as a credential of each organisation: listed, bounded, ended like others, and what is made in it stays.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours, theirs, database } = world;
const { visitor } = platform;
const our = await furnish(ours, visitor);
const owner = { email: "owner@example.com", password: "correct horse battery staple" };
const hour = 3_600_000;
const patience = 1_000; // milliseconds

const signIn = async (org: string) =>
  new Owner(visitor, await visitor.post("/v1/sign-in", { ...owner, org, expiresIn: "30d" }));

async function browserOf(who: { email: string; password: string } = owner, on: TestPlatform = platform) {
  clock.move(2_000); // signing in costs, and is counted
  const browser = new CookieBrowser(on);
  browser.org = ours.org;
  await browser.signIn(who);
  return browser;
}

type Credential = {
  id: string;
  kind: string;
  state: string;
  party: string;
  person?: string;
  parent?: string;
  madeBy?: string;
  createdAt: string;
  expiresAt?: string;
};
const read = (id: string, as = ours) => as.asks.get<Credential>(`/v1/credentials/${id}`);
const nameOf = async (browser: CookieBrowser) =>
  (await browser.good<{ credential: string }>("GET", "/v1/me")).credential;
const statusOf = async (answer: Promise<{ status: number }>) => (await answer).status;
const works = async (text: string) => (await visitor.as(text).send("GET", "/v1/org")).status === 200;

/** As a page opens a WebSocket, with the organisation in a header that a page could not send. */
const fromPage = (browser: CookieBrowser): Record<string, string> => ({
  ...browser.headers("POST"),
  origin: "https://localhost", // what the fixture says as Host
});

/** What a page keeps open, and it shows what comes. */
async function watching(browser: CookieBrowser): Promise<readonly Held[]> {
  const held = await Promise.all([
    events(platform, browser.headers("GET"), our.device.id),
    webSocket(platform, fromPage(browser), our.device.id),
  ]);
  await shown(held, 1_001, () => visitor.as(textOf(our.device.key)).post("/v1/me/telemetry", { temperature: 1_001 }));
  return held;
}

async function closeAll(held: readonly Held[], end: () => Promise<unknown>): Promise<void> {
  const from = performance.now();
  await end();
  for (const one of held) await closedWithin(one, from, patience);
}

test("in each organisation where it is used a session is one credential of hers, and nowhere else", async () => {
  const browser = await browserOf();
  await Promise.all(Array.from({ length: 20 }, () => browser.good("GET", "/v1/org")));
  const name = await nameOf(browser);
  const { items } = await ours.asks.get<{ items: Credential[] }>("/v1/credentials?kind=session&limit=1000");
  const own = items.filter(({ id }) => id === name);
  const { person, parent, party, state, expiresAt } = own[0] ?? assert.fail();
  assert.deepEqual(
    [own.length, person, parent, party, state, Date.parse(expiresAt ?? "")],
    [
      1,
      ours.person,
      undefined,
      "people",
      "active",
      Date.parse((await browser.good<SignedIn>("GET", "/v1/session")).expiresAt),
    ],
  );
  const there = async () =>
    (await theirs.asks.get<{ items: Credential[] }>("/v1/credentials?kind=session&limit=1000")).items;
  const before = (await there()).length;
  browser.org = theirs.org;
  const other = await nameOf(browser);
  assert.notEqual(other, name, "nobody tells by the name that somebody is in two organisations");
  assert.equal((await there()).length, before + 1);
  assert.equal((await ours.asks.send("GET", `/v1/credentials/${other}`)).status, 404);
});

test("what a person makes in her browser is hers: it stays when she signs out, as long as was asked", async () => {
  const browser = await browserOf();
  const name = await nameOf(browser);
  const token = await browser.good<Token>("POST", "/v1/tokens", {
    name: "program",
    grants: ["org.read"],
    expiresIn: "90d",
  });
  const key = await browser.good<Key>("POST", "/v1/operator-keys", { name: "operator", grants: ["org.read"] });
  const access = await browser.good<Key>("POST", `/v1/applications/${our.application.id}/keys`, { name: "gateway" });
  const [program, operator] = [await read(token.id), await read(key.id)];
  assert.deepEqual([program.person, program.parent, program.party], [ours.person, undefined, "programs"]);
  assert.equal(Date.parse(program.expiresAt ?? "") - Date.parse(program.createdAt), 90 * 24 * hour);
  assert.deepEqual([operator.person, operator.parent, operator.party], [ours.person, undefined, "people"]);
  assert.equal(operator.expiresAt, undefined);
  // What these make is theirs.
  const child = visitor.as(
    textOf(await browser.good<Key>("POST", "/v1/operator-keys", { name: "maker", expiresIn: "1h" })),
  );
  const grandchild = await child.post<Token & { expiresAt: string }>("/v1/tokens", {
    name: "x",
    grants: ["org.read"],
    expiresIn: "90d",
  });
  assert.ok(Date.parse(grandchild.expiresAt) <= clock.now() + hour);

  await browser.good("DELETE", "/v1/session");
  assert.equal((await read(name)).state, "revoked");
  assert.deepEqual([await works(token.token), await works(textOf(key))], [true, true]);
  await ours.asks.post("/v1/revocations", { about: ours.person, ends: ["programs"] });
  assert.deepEqual([await works(token.token), await works(textOf(key))], [false, true]);
  assert.equal(await statusOf(visitor.as(textOf(access)).send("GET", `/v1/devices/${our.device.id}`)), 200);
});

test("a session does what its person's role does, and makes nothing that could do more", async () => {
  const browser = await browserOf(viewer);
  assert.equal(await statusOf(browser.send("GET", "/v1/org")), 200);
  assert.equal(await statusOf(browser.send("PATCH", "/v1/org", { body: { name: "Mine" } })), 403);
  const body = { name: "more", grants: ["org.update"] };
  assert.equal(await statusOf(browser.send("POST", "/v1/tokens", { body })), 403);
  const mighty = await browserOf();
  const beyond = await mighty.send<Problem>("POST", "/v1/tokens", {
    body: { name: "x", grants: ["telemetry.read:app_"] },
  });
  assert.equal(beyond.status, 422);
  mighty.org = theirs.org;
  const instance = await mighty.send<Problem>("POST", "/v1/tokens", { body: { name: "x", grants: ["org.create"] } });
  assert.deepEqual([instance.status, instance.body.code], [403, "credential.amplifies"]);
});

test("what was made in a stolen session can end with it, also when it has ended long ago", async () => {
  const browser = await browserOf();
  const name = await nameOf(browser);
  const token = await browser.good<Token>("POST", "/v1/tokens", { name: "x", grants: ["org.read"] });
  assert.equal((await read(token.id)).madeBy, name);
  await browser.good("DELETE", "/v1/session");
  assert.equal(await works(token.token), true);
  await ours.asks.delete(`/v1/credentials/${name}?made=true`);
  assert.equal(await works(token.token), false);
});

test("a person in her browser is there in person: she invites, and whoever is removed is cut off at once, and has nothing left", async () => {
  const browser = await browserOf();
  const guest = { email: "guest@example.com", password: viewer.password };
  const invitation = await browser.good<Invitation>("POST", "/v1/invitations", { email: guest.email, role: "owner" });
  await visitor.post("/v1/invitations/accept", { ...guest, secret: secretIn(invitation) });
  const theirBrowser = await browserOf(guest);
  const { person } = await theirBrowser.good<SignedIn>("GET", "/v1/session");
  const token = await theirBrowser.good<Token>("POST", "/v1/tokens", { name: "x", grants: ["org.update"] });
  await browser.good("PATCH", `/v1/members/${person.id}`, { role: "viewer" });
  assert.equal(await statusOf(theirBrowser.send("PATCH", "/v1/org", { body: { name: "Mine" } })), 403);
  assert.equal(await statusOf(visitor.as(token.token).send("PATCH", "/v1/org", { body: { name: "Mine" } })), 403);
  await closeAll(await watching(theirBrowser), () => browser.good("DELETE", `/v1/members/${person.id}`));
  for (const path of ["/v1/org", "/v1/session"]) assert.notEqual(await statusOf(theirBrowser.send("GET", path)), 200);
  assert.equal(await statusOf(visitor.as(token.token).send("GET", "/v1/me")), 401);
  // Nobody's member any more: the password is right, and the answer that of a wrong one.
  clock.move(2_000);
  const again = await new CookieBrowser(platform).send<Problem>("POST", "/v1/sessions", { body: guest });
  assert.deepEqual([again.status, again.body.code], [401, "credential.invalid"]);
});

test("[V7.4.1] signing out closes what is open within a second, in every organisation", async () => {
  const browser = await browserOf();
  const { cookie } = browser;
  const held = await watching(browser);
  browser.org = theirs.org;
  const elsewhere = await events(platform, browser.headers("GET"));
  await closeAll([...held, elsewhere], () => browser.good("DELETE", "/v1/session"));
  browser.cookie = cookie;
  for (const org of [ours.org, theirs.org]) {
    browser.org = org;
    assert.equal(await statusOf(browser.send("GET", "/v1/org")), 401);
  }
  for (const it of [ours, theirs])
    assert.ok((await it.audited(ours.person)).some(({ what }) => what === "signOut.done"));
});

test("a session that is revoked in one organisation is over there alone", async () => {
  const browser = await browserOf();
  const name = await nameOf(browser);
  await closeAll(await watching(browser), () => ours.revoke(name));
  assert.equal(await statusOf(browser.send("GET", "/v1/org")), 401);
  const { orgs } = await browser.good<SignedIn>("GET", "/v1/session");
  assert.deepEqual(
    orgs.map(({ id, refused }) => [id, refused?.code]),
    [
      [theirs.org, undefined],
      [ours.org, "credential.invalid"],
    ],
  );
  browser.org = theirs.org;
  assert.equal(await statusOf(browser.send("GET", "/v1/org")), 200);
  await theirs.revoke(await nameOf(browser));
  assert.equal(await statusOf(browser.send("GET", "/v1/session")), 401, "good nowhere is no session");
});

test("ending all people ends every session that began before, also where it never was, and none that begins after", async () => {
  const [used, unused] = [await browserOf(), await browserOf()];
  const held = await watching(used);
  await closeAll(held, () => ours.asks.post("/v1/revocations", { about: ours.person, ends: ["people"] }));
  for (const browser of [used, unused]) assert.equal(await statusOf(browser.send("GET", "/v1/org")), 401);
  const again = await browserOf();
  assert.equal(await statusOf(again.send("GET", "/v1/org")), 200);
  Object.assign(ours, { asks: (await signIn(ours.org)).asks });
  const twelve = await events(platform, again.headers("GET"));
  clock.move(hour);
  await again.good("GET", "/v1/org");
  twelve.end();
});

test("[V7.2.1] a restart ends no session; one that was signed out of comes back with no older row, and a row that was altered opens nothing", async () => {
  const [kept, ended, forged] = [await browserOf(), await browserOf(), await browserOf(viewer)];
  const fallow = await browserOf();
  await asOwner(database.login, "create table public.older as select * from holdfast.session");
  for (const browser of [ended, fallow]) {
    const { cookie } = browser;
    if (browser === ended) await browser.good("GET", "/v1/org");
    await browser.good("DELETE", "/v1/session");
    browser.cookie = cookie;
  }
  await platform.platform.close();
  await asOwner(
    database.login,
    "insert into holdfast.session select * from public.older on conflict do nothing",
    `update holdfast.session set person = '${ours.person.slice(4)}' where person <> '${ours.person.slice(4)}'`,
  );
  const next = await startTestPlatform({ database, clock });
  try {
    const ask = (browser: CookieBrowser, path = "/v1/org") =>
      next.visitor.send("GET", path, { headers: browser.headers("GET") });
    assert.equal(await statusOf(ask(kept)), 200);
    for (const browser of [ended, fallow]) {
      assert.equal(await statusOf(ask(browser)), 401);
      assert.equal(await statusOf(ask(browser, "/v1/session")), 401);
    }
    assert.equal(await statusOf(ask(forged)), 500);
  } finally {
    await next.close();
  }
});

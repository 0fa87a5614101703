import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeTransport } from "@holdfast/client/node";
import { routes } from "@holdfast/protocol";
import { holdfast } from "../apps/cli/src/testing/world.ts";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { Owner, startWorld, viewer, type Problem } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";
import { closedWithin, events } from "./revocation.fixture.ts";

// Where people are signed in: they see it, and so does an organisation of its members; and either ends it.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours, theirs } = world;
const { visitor } = platform;
const owner = { email: "owner@example.com", password: "correct horse battery staple" };
const hour = 3_600_000;
const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

async function browserOf(who: { email: string; password: string } = owner, agent = firefox): Promise<CookieBrowser> {
  clock.move(2_000);
  const browser = new CookieBrowser(platform);
  browser.org = ours.org;
  await browser.good("POST", "/v1/sessions", who, { "user-agent": agent });
  return browser;
}
const own = async (browser: CookieBrowser) =>
  routes.listAccountSessions.reply.parse(await browser.good("GET", "/v1/account/sessions")).items;
const codeOf = ({ status, body }: { status: number; body: unknown }): string =>
  status < 300 ? String(status) : `${status} ${(body as Problem).code}`; // errors are RFC 9457

test("[V7.5.2] somebody sees where she is signed in, and ends one, or all others, once she has proved again who she is", async () => {
  const [here, one, two] = [await browserOf(), await browserOf(), await browserOf(viewer)];
  const third = await browserOf();
  one.org = theirs.org;
  await one.good("GET", "/v1/org");
  const items = await own(here);
  const current = items.find(({ isCurrent }) => isCurrent) ?? assert.fail();
  assert.partialDeepStrictEqual(current, {
    address: "127.0.0.1",
    program: { name: "Firefox", system: "Linux" },
    proofs: ["password"],
  });
  assert.deepEqual(new Set(current.orgs.map(({ id }) => id)), new Set([ours.org, theirs.org]));
  assert.ok(current.orgs.every(({ expiresAt }) => Date.parse(expiresAt) <= clock.now() + 2 * hour));
  assert.deepEqual(
    items.map(({ createdAt }) => createdAt),
    items
      .map(({ createdAt }) => createdAt)
      .toSorted()
      .toReversed(),
  );
  assert.equal((await own(two)).length, 1, "nobody sees anybody else's");

  const stream = await events(platform, { ...one.headers("GET"), "holdfast-org": ours.org });
  const { id } = (await own(one)).find(({ isCurrent }) => isCurrent) ?? assert.fail();
  const end = (as: CookieBrowser) => as.send("DELETE", `/v1/account/sessions/${id}`);
  assert.equal(codeOf(await end(two)), "404 session.unknown");
  clock.move(11 * 60_000);
  assert.equal(codeOf(await end(here)), "403 confirmation.required");
  await here.confirm(owner);
  const from = performance.now();
  assert.equal(codeOf(await end(here)), "200");
  await closedWithin(stream, from, 1_000);
  assert.equal(codeOf(await one.send("GET", "/v1/org")), "401 credential.invalid");
  assert.equal(codeOf(await end(here)), "404 session.unknown");
  const told = async (it: Owner) =>
    (await it.audited(it.person)).filter(({ what }) => what === "signOut.elsewhere").length;
  assert.deepEqual([await told(ours), await told(theirs)], [1, 1]);

  const { ended } = await here.good<{ ended: number }>("DELETE", "/v1/account/sessions");
  assert.ok(ended >= 1);
  assert.equal(await told(ours), 1 + ended);
  assert.equal(codeOf(await third.send("GET", "/v1/org")), "401 credential.invalid");
  assert.equal(codeOf(await two.send("GET", "/v1/org")), "200");
  assert.deepEqual(
    (await own(here)).map(({ isCurrent }) => isCurrent),
    [true],
  );
});

test("[V7.4.5] an organisation sees by which sessions a member is there, and ends them there alone", async () => {
  const [hers, unused] = [await browserOf(owner, "curl/8.9.1"), await browserOf()];
  await hers.good("GET", "/v1/org");
  hers.org = theirs.org;
  await hers.good("GET", "/v1/org");
  const path = `/v1/members/${theirs.person}/sessions`;
  const { items } = routes.listMemberSessions.reply.parse(await theirs.asks.get(path));
  assert.deepEqual(
    items.map(({ program }) => program.name).slice(0, 1),
    ["curl"],
    "those that were there, the newest first",
  );
  const stream = await events(platform, hers.headers("GET"));
  const from = performance.now();
  await theirs.revoke(items[0]?.id ?? "");
  await closedWithin(stream, from, 1_000);
  assert.equal(codeOf(await hers.send("GET", "/v1/org")), "401 credential.invalid");
  hers.org = ours.org;
  assert.equal(codeOf(await hers.send("GET", "/v1/org")), "200");

  const again = new Owner(visitor, await visitor.post("/v1/sign-in", { ...owner, org: theirs.org }));
  const run = (...line: string[]) =>
    holdfast(line, {
      env: { HOLDFAST_URL: platform.platform.url, HOLDFAST_TOKEN: again.token },
      transport: () => nodeTransport({ ca: platform.platform.caPem }),
      clock,
    });
  assert.match(
    (await run("org", "sessions", "--longest", "90m", "--idle", "30m")).out,
    /at the longest +1 h 30 min\nasking nothing +30 min/,
  );
  hers.org = theirs.org;
  await unused.good("GET", "/v1/org", undefined, { "holdfast-org": theirs.org });
  assert.match((await run("member", "sessions", theirs.person)).out, /Firefox on Linux +127\.0\.0\.1 +password/);
  const { out } = await run("member", "sign-out", theirs.person, "--json");
  assert.ok((JSON.parse(out) as { ended: number }).ended >= 2);
  unused.org = theirs.org;
  assert.equal(codeOf(await unused.send("GET", "/v1/org")), "401 credential.invalid", "also where it never was");
  assert.deepEqual((await again.asks.get<{ items: unknown[] }>(path)).items, []);
  assert.ok((await again.audited(theirs.person)).some(({ what }) => what === "sessions.ended"));
  const nobody = await theirs.asks.send<Problem>("GET", "/v1/members/per_00000000000000000000000000000000/sessions");
  assert.equal(codeOf(nobody), "404 member.unknown");
});

test("nobody ends the sessions of whoever may do more", async () => {
  const role = await ours.role("Helpdesk", ["credential.revoke", "member.read"]);
  const helper = { email: "helper@example.com", password: "correct horse battery staple" };
  const { token } = await ours.member(helper, role.id);
  const as = visitor.as(token);
  assert.equal(codeOf(await as.send("DELETE", `/v1/members/${ours.person}/sessions`)), "403 role.greater");
  assert.equal(codeOf(await as.send("GET", `/v1/members/${ours.person}/sessions`)), "200");
});

test("[V7.2.4] a sign-in ends the session that the browser had before, and no other", async () => {
  const [browser, other] = [await browserOf(), await browserOf()];
  const { cookie } = browser;
  await browser.signIn(owner);
  const late = new CookieBrowser(platform);
  Object.assign(late, { cookie, org: ours.org });
  assert.equal(codeOf(await late.send("GET", "/v1/org")), "401 credential.invalid");
  assert.equal(codeOf(await other.send("GET", "/v1/org")), "200");
  assert.equal(codeOf(await browser.send("GET", "/v1/org")), "200");
});

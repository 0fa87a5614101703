import assert from "node:assert/strict";
import { test } from "node:test";
import { rfc3339, systemClock, type Instant } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { atEnd, Mailbox, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Key, type Problem, type SignedIn, type Token } from "./authority.fixture.ts";
import type { CookieBrowser } from "./cookie-browser.fixture.ts";
import { Somebody } from "./factors.fixture.ts";
import { closedWithin, events, mqtt, webSocket, type Held } from "./revocation.fixture.ts";

// An organisation demands that its people have a second factor: who has none loses it, and nothing else, until she has.
const clock = new TestClock(systemClock.now());
const mailbox = await Mailbox.open();
const server = { host: "localhost", port: mailbox.port, tls: "none", user: undefined, password: undefined } as const;
const mail = {
  server,
  from: { name: "", address: "holdfast@example.com" },
  passwordFile: undefined,
  caFile: undefined,
};
const platform = await startTestPlatform({ clock, timers: clock, config: { mail } });
atEnd.after(() => platform.close());
atEnd.after(() => mailbox.close());
const { visitor } = platform;
const first = new Owner(visitor, await platform.setUp());
const second = await platform.setUp();
const password = "correct horse battery staple";
const day = 24 * 3_600_000;

// The one who demands: she has an app, and her token was made by it.
const boss = new Somebody(platform, clock, { email: "owner@example.com", password });
await boss.signIn();
await boss.enrol();
const tokenOf = async (one: Somebody, org: string) => {
  clock.move(2_000); // signing in costs, and is counted
  return visitor.anew().post<SignedIn>("/v1/sign-in", { ...one.shown(), org, expiresIn: "90d" });
};
const owner = new Owner(visitor, await tokenOf(boss, first.org));
const other = new Owner(visitor, await tokenOf(boss, second.org));

const demand = (people: object | undefined, by = owner.token) =>
  visitor
    .as(by)
    .anew()
    .send<Problem>("PATCH", "/v1/org", { body: { demands: people ? { people } : {} } });
const demanded = async (people: object | undefined) => assert.equal((await demand(people)).status, 200);
const codeOf = async (text: string) => {
  const { status, body } = await visitor.as(text).anew().send<Problem>("GET", "/v1/me");
  return status < 300 ? String(status) : `${status} ${body.code}`;
};
const inOrg = async (browser: CookieBrowser, org: string) => {
  browser.org = org;
  const { status, body } = await browser.send<Problem>("GET", "/v1/org");
  return status < 300 ? String(status) : `${status} ${body.code}`;
};

let people = 0;
/** A member of both organisations, signed in everywhere, with whatever a person may hold. */
async function come(role = "administrator") {
  clock.move(2_000);
  const who = { email: `person-${(people += 1)}@example.com`, password };
  const { person, token } = await owner.member(who, role);
  await other.member(who, role);
  const one = new Somebody(platform, clock, who);
  await one.signIn();
  one.browser.org = owner.org;
  const grants = ["telemetry.read", "device.read", "org.read"];
  const asked = { name: "Hers", grants, expiresIn: "90d" };
  const operator = textOf(await one.browser.good<Key>("POST", "/v1/operator-keys", asked));
  const { token: program } = await one.browser.good<Token>("POST", "/v1/tokens", asked);
  const elsewhere = (await tokenOf(one, other.org)).token;
  return { one, person, token, operator, program, elsewhere };
}

/** All that may stand open. */
async function openAll({ one, token, operator, program }: Awaited<ReturnType<typeof come>>): Promise<readonly Held[]> {
  one.browser.org = owner.org;
  return [
    await events(platform, one.browser.headers("GET")),
    await webSocket(platform, token),
    await events(platform, operator),
    await mqtt(platform, { username: "x", password: program }),
  ];
}

test("[V6.3.3] who has no second factor loses the organisation that demands one within a second, and gets it back with an app, at once", async (t) => {
  t.after(() => demanded(undefined));
  const member = await come();
  const { one, token, operator, program, elsewhere, person } = member;
  const application = await owner.application();
  const device = await owner.device(application.id);
  const accessKey = textOf(await owner.accessKey(application.id));
  const held = await openAll(member);
  const kept = [
    await mqtt(platform, { username: device.key.id, password: device.key.secret }),
    await events(platform, accessKey),
    await events(platform, elsewhere),
  ];
  const from = performance.now();
  await demanded({ factor: "second" });
  for (const one of held) await closedWithin(one, from, 1_000);
  for (const text of [token, operator, program]) assert.equal(await codeOf(text), "403 factor.demanded");
  assert.equal(await inOrg(one.browser, owner.org), "403 factor.demanded");
  assert.equal(await inOrg(one.browser, other.org), "200", "in other organisations nothing changes");
  for (const text of [elsewhere, textOf(device.key), accessKey]) assert.equal(await codeOf(text), "200");
  for (const one of kept) assert.equal(await Promise.race([one.closed, Promise.resolve("open")]), "open", one.name);
  await assert.rejects(mqtt(platform, { username: "x", password: program, protocolVersion: 5 }), { code: 0x87 });
  clock.move(2_000);
  const again = await visitor.anew().send<Problem>("POST", "/v1/sign-in", { body: { ...one.who, org: owner.org } });
  assert.deepEqual([again.status, again.body.code], [403, "factor.demanded"]);
  const explained = await owner.asks.post<{ allowed: boolean; because: string }>("/v1/explain", {
    credential: operator.split(".")[0],
    action: "org.read",
  });
  assert.deepEqual(explained.allowed, false);
  assert.match(explained.because, new RegExp(`demands a second factor of people, and ${person} has none`));
  const { items } = routes.listMembers.reply.parse(await owner.asks.get("/v1/members"));
  assert.deepEqual(items.find((it) => it.person === person)?.factors, { totp: false, passkey: false });
  assert.deepEqual(items.find((it) => it.person === owner.person)?.factors, { totp: true, passkey: false });

  const session = routes.readSession.reply.parse(await one.browser.good("GET", "/v1/session"));
  assert.partialDeepStrictEqual(
    session.orgs.find(({ id }) => id === owner.org),
    { factor: "second", refused: { code: "factor.demanded" }, grants: [] },
  );
  assert.equal(session.orgs.find(({ id }) => id === other.org)?.refused, undefined);

  await one.enrol();
  assert.equal(await inOrg(one.browser, owner.org), "200", "the page that showed the code has shown it");
  for (const text of [operator, program]) assert.equal(await codeOf(text), "200");
  assert.equal(await codeOf(token), "403 factor.unshown", "a sign-in that did not show it has to be made again");
  assert.equal(await codeOf((await tokenOf(one, owner.org)).token), "200");
  const there = await openAll({ ...member, token: (await tokenOf(one, owner.org)).token });
  await one.confirm();
  const turnedOff = performance.now();
  await one.browser.good("DELETE", "/v1/account/totp");
  one.secret = "";
  for (const held of there) await closedWithin(held, turnedOff, 1_000);
  assert.equal(await inOrg(one.browser, owner.org), "403 factor.demanded");
  for (const text of [operator, program]) assert.equal(await codeOf(text), "403 factor.demanded");
  assert.equal(await inOrg(one.browser, other.org), "200");
});

test("who has what is demanded and signed in without showing it is told so, and is in again once she has shown it", async (t) => {
  t.after(() => demanded(undefined));
  const { one, token, operator } = await come();
  const early = new Somebody(platform, clock, one.who);
  await early.signIn();
  await one.enrol();
  const held = [
    await events(platform, { ...early.browser.headers("GET"), "holdfast-org": owner.org }),
    await webSocket(platform, token),
  ];
  const from = performance.now();
  await demanded({ factor: "second" });
  for (const it of held) await closedWithin(it, from, 1_000);
  assert.equal(await inOrg(early.browser, owner.org), "403 factor.unshown");
  assert.equal(await inOrg(early.browser, other.org), "200");
  assert.equal(await codeOf(operator), "200");
  assert.equal(await inOrg(one.browser, owner.org), "200");
  early.secret = one.secret;
  await early.confirm();
  assert.equal(await inOrg(early.browser, owner.org), "200", "by proving once more who she is");
  const [code = ""] = one.recoveryCodes;
  clock.move(2_000);
  const another = new Somebody(platform, clock, one.who);
  await another.browser.signIn({ ...one.who, code } as never);
  assert.equal(await inOrg(another.browser, owner.org), "200", "a recovery code stands in for it");
  await demanded({ factor: "second" });
  const whole = await demand({ factor: "passkey" });
  assert.deepEqual([whole.status, whole.body.code], [400, "request.malformed"], "who demands a passkey has one");
});

test("nobody demands what he has not shown himself, also for later, and what it would refuse is told before", async (t) => {
  t.after(() => demanded(undefined));
  const plain = await visitor.anew().post<SignedIn>("/v1/sign-in", { ...boss.shown(), org: other.org });
  const { one, person, operator } = await come("owner");
  const hers = (await tokenOf(one, owner.org)).token;
  const later = { factor: "second", factorFrom: rfc3339((clock.now() + day) as Instant) };
  for (const asked of [{ factor: "second" }, later])
    assert.deepEqual(
      [(await demand(asked, hers)).status, (await demand(asked, hers)).body.code],
      [400, "request.malformed"],
    );
  assert.equal((await demand({ factorFrom: later.factorFrom })).status, 400, "from when on, and nothing");
  const preview = async (asked: object) =>
    routes.previewDemands.reply.parse(await owner.asks.post("/v1/org/demands/preview", { demands: { people: asked } }));
  const open = await mqtt(platform, {
    username: "x",
    password: (await one.browser.good<Token>("POST", "/v1/tokens", { name: "x", grants: ["telemetry.read"] })).token,
  });
  for (const asked of [{ factor: "second" }, later]) {
    const { credentials, connections } = await preview(asked);
    const ids = credentials.items.map(({ id }) => id);
    assert.ok(ids.includes(operator.split(".")[0] as never), "hers would be refused");
    assert.equal(connections.mqtt, 1);
    assert.ok(!ids.some((id) => owner.token.includes(id)));
  }
  open.end();
  assert.ok(plain.token && person);
  assert.equal((await preview({})).credentials.count, 0);
});

test("what is demanded from a day on holds from that day on, without anybody doing anything", async (t) => {
  t.after(() => demanded(undefined));
  const member = await come();
  const { one, token, operator } = member;
  const begins = clock.now() + day;
  await demanded({ factor: "second", factorFrom: rfc3339(begins as Instant) });
  assert.equal(await codeOf(operator), "200");
  one.browser.org = owner.org;
  const { orgs } = routes.readSession.reply.parse(await one.browser.good("GET", "/v1/session"));
  const told = orgs.find(({ id }) => id === owner.org);
  assert.deepEqual([told?.factor, told?.lacksFrom, told?.refused], ["second", rfc3339(begins as Instant), undefined]);
  clock.move(begins - clock.now() - 5_000);
  await one.browser.signIn(one.who);
  const held = await openAll({ ...member, token: (await tokenOf(one, owner.org)).token });
  assert.equal(await codeOf(operator), "200");
  const from = performance.now();
  clock.move(begins - clock.now());
  clock.move(1_000);
  for (const it of held) await closedWithin(it, from, 1_000);
  for (const text of [operator, token])
    assert.match(await codeOf(text), /^403 factor\.demanded$|^401 credential\.expired$/);
  assert.equal(await codeOf(operator), "403 factor.demanded");
  assert.equal(await inOrg(one.browser, owner.org), "403 factor.demanded");
  await one.enrol();
  assert.equal(await codeOf(operator), "200");
  assert.equal(await inOrg(one.browser, owner.org), "200");
});

test("somebody who lost all of hers to a demand signs in, sees her account and gets them back", async (t) => {
  t.after(() => demanded(undefined));
  await demanded({ factor: "second" });
  clock.move(2_000);
  const who = { email: `person-${(people += 1)}@example.com`, password };
  const { token } = await owner.member(who);
  assert.equal(await codeOf(token), "403 factor.demanded", "she has joined, and is in when she has one");
  const one = new Somebody(platform, clock, who);
  const { orgs } = await one.signIn();
  assert.partialDeepStrictEqual(orgs, [{ id: owner.org, refused: { code: "factor.demanded" } }]);
  assert.equal((await one.browser.good<{ recoveryCodes: number }>("GET", "/v1/account")).recoveryCodes, 0);
  await one.enrol();
  assert.equal(await inOrg(one.browser, owner.org), "200");
});

/** Once somebody has got a letter with this in the subject. */
async function letterTo(who: { readonly email: string }, subject: string): Promise<void> {
  const until = performance.now() + 10_000;
  const has = () =>
    mailbox.received.some(({ to, headers }) => to.includes(who.email) && headers.get("subject")?.includes(subject));
  while (!has()) {
    clock.move(1_000);
    assert.ok(performance.now() < until, `a letter about ${subject} to ${who.email}`);
    await new Promise(setImmediate);
  }
}

test("every owner is told by mail, and the audit log says so, when less is demanded, and when a member turns off what is demanded", async (t) => {
  t.after(() => demanded(undefined));
  const co = await come("owner");
  await demanded({ factor: "second", factorFrom: rfc3339((clock.now() + day) as Instant) });
  await demanded({ factor: "second" });
  const relaxed = async () => (await owner.audited(owner.org)).filter(({ what }) => what === "demand.relaxed");
  const before = (await relaxed()).length;
  await co.one.enrol();
  await co.one.confirm();
  await co.one.browser.good("DELETE", "/v1/account/totp");
  await letterTo(boss.who, "turned a second factor off");
  await demanded({ factor: "second", factorFrom: rfc3339((clock.now() + day) as Instant) });
  await demanded(undefined);
  const entries = await relaxed();
  assert.equal(entries.length, before + 2, "when it is put off, and when it is taken away");
  const [last] = entries;
  assert.match(String(last?.facts?.["from"]), /^a second factor, from /);
  assert.equal(last?.facts?.["to"], "no second factor");
  for (const who of [boss.who, co.one.who]) await letterTo(who, "demands less of its people");
});

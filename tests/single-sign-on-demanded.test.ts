import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, failing, TestClock } from "../apps/server/src/testing/index.ts";
import { Authenticator, type Asked } from "./authenticator.fixture.ts";
import { Owner, secretIn, textOf, type Key, type Problem } from "./authority.fixture.ts";
import { CookieBrowser, type SignedIn } from "./cookie-browser.fixture.ts";
import { HostileProvider } from "./hostile-provider.fixture.ts";
import { Comer, enter, startHouse } from "./provider.fixture.ts";
import { closedWithin, events } from "./revocation.fixture.ts";

// An organisation that demands its own provider for a domain of e-mail addresses that it proved to be its own.
const day = 24 * 3_600_000;
const clock = new TestClock(systemClock.now());
const house = await startHouse(clock, { timers: clock });
atEnd.after(() => house.close());
const { platform, zone } = house;
const { visitor } = platform;
const password = "correct horse battery staple";
let { owner } = house;
const other = new Owner(visitor, await platform.setUp());
const hostile = new HostileProvider(house);
const provider = await enter(house, { joins: "viewer", scopes: ["email"], shortName: "house" });
const own = `/v1/providers/${provider.id}`;
const domains = `${own}/domains`;
const record = (name: string) => `_holdfast-challenge.${name} TXT`;

type Domain = {
  readonly domain: string;
  readonly record: { readonly name: string; readonly value: string };
  readonly proof: string;
  readonly lapsesAt?: string;
  readonly isDemanded: boolean;
};
const domain = async (name = "house.example", of = owner, at = own) =>
  (await of.asks.get<{ domains: Domain[] }>(at)).domains.find((one) => one.domain === name);
const codeOf = async (asked: Promise<{ status: number; body: Problem }>) => {
  const { status, body } = await asked;
  return status < 300 ? String(status) : `${status} ${body.code}`;
};
const demand = (provider: object | undefined, asks = owner.asks) =>
  codeOf(asks.send<Problem>("PATCH", "/v1/org", { body: { demands: { people: { ...(provider && { provider }) } } } }));
const patiently = () => clock.move(2_000);

/** A member with a password, in a browser, who is also one of the other organisation. */
async function member(email: string, role = "viewer") {
  patiently();
  const { person, token } = await owner.member({ email, password }, role);
  await visitor.post("/v1/invitations/accept", { secret: secretIn(await other.invite(email)), email, password });
  const browser = new CookieBrowser(platform);
  await browser.signIn({ email, password });
  browser.org = owner.org;
  return { email, person, token, browser };
}
const inOrg = (browser: CookieBrowser, org = owner.org) =>
  codeOf(browser.send("GET", "/v1/org", { headers: { "holdfast-org": org } }));
/** By the provider, as this account of it. */
async function byProvider(who: string, asked: object = { org: owner.org }) {
  patiently();
  const comer = new Comer(house);
  hostile.who = who;
  const location = await comer.begin(asked);
  const answer = await comer.answer(hostile.back(location));
  comer.org = owner.org;
  return { comer, answer };
}

/** The domain is the organisation's, also where a test runs without those before it. */
async function prove(): Promise<void> {
  const added = await owner.asks.send<Domain>("POST", domains, { body: { domain: "house.example" } });
  if (added.status === 409) return;
  zone.set(record("house.example"), [added.body.record.value]);
  patiently();
  await owner.asks.post(`${domains}/house.example/proof`);
}

test("a domain is the organisation's once its record says so, and not before", async () => {
  const added = await owner.asks.post<Domain>(domains, { domain: "House.Example" });
  assert.deepEqual(
    [added.domain, added.proof, added.record.name],
    ["house.example", "none", "_holdfast-challenge.house.example"],
  );
  assert.equal(
    await codeOf(owner.asks.send("POST", domains, { body: { domain: "house.example" } })),
    "409 domain.taken",
  );
  const look = async () => {
    patiently();
    const { status, body } = await owner.asks.send<Problem & Domain>("POST", `${domains}/house.example/proof`);
    return [status, body.proof ?? body.code, body.detail ?? ""];
  };
  const [, , nothing] = await look();
  assert.match(String(nothing), /no TXT record of _holdfast-challenge\.house\.example/);
  zone.set(record("house.example"), ["holdfast-00000000000000000000000000000000", "v=spf1 -all"]);
  assert.deepEqual((await look()).slice(0, 2), [409, "domain.unproved"]);
  assert.equal(await demand({ domains: ["house.example"] }), "409 domain.unproved");
  zone.set(record("house.example"), ["v=spf1 -all", added.record.value]);
  assert.deepEqual((await look()).slice(0, 2), [200, "dns"]);
  const looked = (await owner.audited(provider.id)).filter(({ what }) => what === "domain.looked");
  assert.deepEqual(new Set(looked.map(({ facts }) => facts?.["isThere"])), new Set([true, false]));
  for (const wrong of ["house", "house..example", "-a.example", "a.example/", "*.example", "192.0.2.1"])
    assert.equal(
      await codeOf(owner.asks.send("POST", domains, { body: { domain: wrong } })),
      "400 request.malformed",
      wrong,
    );
});

test("people find the sign-in of their organisation by its short name, by a domain that it proved, and by an address of that", async () => {
  await prove();
  for (const org of ["house", "house.example", "HOUSE.example", "Ada@House.example", owner.org]) {
    const { answer } = await byProvider("ada", { org });
    assert.equal(answer.status, 201, org);
  }
  // What two organisations say is theirs is neither's.
  const theirs = await enter(house, { name: "Theirs" }, other.asks);
  const at = `/v1/providers/${theirs.id}`;
  const added = await other.asks.post<Domain>(`${at}/domains`, { domain: "house.example" });
  zone.set(record("house.example"), [...(zone.get(record("house.example")) ?? []), added.record.value]);
  await other.asks.post(`${at}/domains/house.example/proof`);
  patiently();
  const called = (org: string) => codeOf(new Comer(house).send("POST", "/v1/provider-sign-ins", { body: { org } }));
  assert.equal(await called("house.example"), "404 provider.unknown");
  assert.equal(await called("house"), "200");
  await other.asks.delete(`${at}/domains/house.example`);
  assert.equal(await called("house.example"), "200");
});

test("where the provider is demanded, members with an address of the domain come by it alone, at once; elsewhere nothing changes", async (t) => {
  await prove();
  t.after(() => demand(undefined));
  const bound = await member("bound@house.example", "administrator");
  const free = await member("free@elsewhere.example");
  const asks = visitor.as(bound.token);
  const key = { name: "kept", grants: ["org.read"] };
  const ofToken = textOf(await asks.post<Key>("/v1/operator-keys", key));
  const ofBrowser = textOf(await bound.browser.good<Key>("POST", "/v1/operator-keys", key));
  const program = (await asks.post<{ token: string }>("/v1/tokens", { name: "of the sign-in", grants: ["org.read"] }))
    .token;
  const held = await events(platform, bound.browser.headers("GET"));
  const from = performance.now();
  assert.equal(await demand({ domains: ["house.example"] }), "200");
  await closedWithin(held, from, 1_000);
  assert.equal(await inOrg(bound.browser), "403 provider.required");
  const { body } = await bound.browser.send<Problem>("GET", "/v1/org");
  assert.equal(body.detail, `It is at /sign-in/${owner.org}.`);
  for (const text of [bound.token, program, ofToken])
    assert.equal(await codeOf(visitor.as(text).send("GET", "/v1/org")), "403 provider.required");
  assert.equal(await codeOf(visitor.as(ofBrowser).send("GET", "/v1/org")), "200", "what she made in a browser is hers");
  assert.equal(await inOrg(bound.browser, other.org), "200");
  assert.equal(await inOrg(free.browser), "200");
  const { orgs } = await bound.browser.good<SignedIn & { orgs: { refused?: { code: string } }[] }>(
    "GET",
    "/v1/session",
  );
  assert.deepEqual(
    orgs.map(({ id, refused }) => [id, refused?.code]),
    [
      [other.org, undefined],
      [owner.org, "provider.required"],
    ],
  );
  patiently();
  const again = await visitor.send<Problem>("POST", "/v1/sign-in", {
    body: { email: bound.email, password, org: owner.org },
  });
  assert.deepEqual([again.status, again.body.code], [403, "provider.required"]);
  assert.equal(
    (await visitor.send("POST", "/v1/sign-in", { body: { email: bound.email, password, org: other.org } })).status,
    201,
  );

  // By the provider she is in, as herself, once she has linked it from her own account.
  patiently();
  const linking = new Comer(house);
  linking.cookie = bound.browser.cookie;
  const asked = { org: owner.org, provider: provider.id };
  hostile.trick = { claims: { auth_time: Math.floor(Date.now() / 1_000) } };
  const { location } = await linking.good<{ location: string }>("POST", "/v1/account/providers", asked);
  hostile.who = "bound";
  const back = { org: owner.org, query: hostile.back(location).search };
  await linking.good("POST", "/v1/account/providers/answer", back);
  hostile.trick = {};
  const { comer, answer } = await byProvider("bound");
  assert.equal(answer.status, 201);
  assert.equal(await inOrg(comer), "200");
  assert.equal((await comer.good<SignedIn>("GET", "/v1/session")).person.id, bound.person);
  assert.equal(await inOrg(bound.browser), "403 provider.required", "her other session is as it was");
});

test("whoever is invited to an address of the domain comes by the provider, and never with a password of her own", async (t) => {
  await prove();
  t.after(() => demand(undefined));
  assert.equal(await demand({ domains: ["house.example"] }), "200");
  const email = "guest@house.example";
  const secret = secretIn(await owner.invite(email, "developer"));
  patiently();
  const by = (body: object) => codeOf(visitor.send("POST", "/v1/invitations/accept", { body }));
  assert.equal(await by({ secret, email, password }), "403 provider.required");
  const { answer, comer } = await byProvider("guest", { invitation: secret });
  assert.equal(answer.status, 201);
  const { orgs } = await comer.good<SignedIn>("GET", "/v1/session");
  assert.deepEqual(
    orgs.map(({ role }) => role),
    ["developer"],
  );
});

test("where the provider says nothing of whether an e-mail is verified, an invitation is accepted at a domain that was proved for it, and nowhere else", async () => {
  await prove();
  const come = async (who: string, email: string, said: object) => {
    const secret = secretIn(await owner.invite(email, "developer"));
    hostile.trick = { userinfo: { email, email_verified: undefined, ...said } };
    const { answer } = await byProvider(who, { invitation: secret });
    hostile.trick = {};
    return answer.status === 201 ? "in" : answer.body.code;
  };
  assert.equal(await come("entra", "entra@house.example", {}), "in");
  assert.equal(await come("unsaid", "unsaid@elsewhere.example", {}), "invitation.invalid");
  assert.equal(await come("denied", "denied@house.example", { email_verified: false }), "invitation.invalid");
  assert.equal(await come("edov", "edov@elsewhere.example", { xms_edov: "1" }), "in", "as Entra ID says it");
  assert.equal(await come("not", "not@house.example", { xms_edov: false }), "invitation.invalid");
});

/** The secret of the link that opens another address for her, which whoever runs the instance finds in a file. */
async function linkTo({ browser }: { readonly browser: CookieBrowser }, email: string): Promise<string> {
  await browser.confirm({ password });
  await browser.good("POST", "/v1/account/email", { email });
  const file = path.join(platform.config.keys, "ready.mail.jsonl");
  let found: string | undefined;
  await comesTrue(async () => {
    const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    found = lines.find((line) => line.includes(`"${email}"`));
    return found !== undefined;
  }, 1_000);
  return /#\w+=([\w-]+)/.exec(found ?? "")?.[1] ?? "";
}

test("nobody evades it by taking an address elsewhere, and whoever takes one of the domain is held to it", async (t) => {
  await prove();
  t.after(() => demand(undefined));
  const [bound, free] = [await member("evading@house.example"), await member("arriving@elsewhere.example")];
  const take = async ({ browser }: typeof bound, email: string) => {
    patiently();
    await browser.confirm({ password });
    return codeOf(browser.send("POST", "/v1/account/email", { body: { email } }));
  };
  const before = await linkTo(bound, "early@elsewhere.example");
  const into = await linkTo(free, "arriving@house.example");
  assert.equal(await demand({ domains: ["house.example"] }), "200");
  assert.equal(await take(bound, "away@elsewhere.example"), "409 email.demanded");
  const opened = (secret: string) =>
    codeOf(visitor.anew().send("POST", "/v1/email/verification", { body: { secret } }));
  assert.equal(await opened(before), "409 email.demanded", "by a link of before");
  assert.equal(await inOrg(free.browser), "200");
  assert.equal(await opened(into), "200");
  assert.equal(await inOrg(free.browser), "403 provider.required");
});

test("nobody shuts himself out by demanding it, and what it hangs on stays while it is demanded", async (t) => {
  await prove();
  t.after(() => demand(undefined));
  const chief = await member("chief@house.example", "owner");
  const asks = visitor.as(chief.token);
  assert.equal(await demand({ domains: ["house.example"] }, asks), "400 request.malformed");
  const preview = await codeOf(
    asks.send("POST", "/v1/org/demands/preview", {
      body: { demands: { people: { provider: { domains: ["house.example"] } } } },
    }),
  );
  assert.equal(preview, "400 request.malformed");
  type Preview = { credentials: { items: { id: string }[]; count: number } };
  const seen = await owner.asks.post<Preview>("/v1/org/demands/preview", {
    demands: { people: { provider: { domains: ["house.example"] } } },
  });
  assert.ok(seen.credentials.count > 0, "whose sign-ins it would refuse");
  assert.equal(await demand({ domains: ["house.example"] }), "200");
  for (const change of [{ isEnabled: false }, { issuer: "https://x.example", clientSecret: "x" }, { clientId: "x" }])
    assert.equal(await codeOf(owner.asks.send("PATCH", own, { body: change })), "409 provider.inUse");
  assert.equal(await codeOf(owner.asks.send("DELETE", own)), "409 provider.inUse");
  assert.equal(await codeOf(owner.asks.send("DELETE", `${domains}/house.example`)), "409 provider.inUse");
  assert.equal(
    await codeOf(owner.asks.send("PATCH", own, { body: { clientSecret: "a secret between the two of us" } })),
    "200",
  );
});

test("an owner who is named may come by a passkey of her own when the provider does not work, and by nothing less", async (t) => {
  await prove();
  t.after(() => demand(undefined));
  const chief = await member("glass@house.example", "owner");
  const viewer = await member("viewer@house.example");
  const demanded = { domains: ["house.example"], exceptOwners: [viewer.person] };
  assert.equal(await demand(demanded), "400 request.malformed", "whoever is no owner is not named");
  const early = new CookieBrowser(platform);
  patiently();
  await early.signIn({ email: chief.email, password });
  const device = new Authenticator(chief.browser.origin);
  const asked = await chief.browser.good<Asked>("POST", "/v1/account/passkeys/options");
  await chief.browser.good("POST", "/v1/account/passkeys", { answer: device.make(asked) });
  assert.equal(await demand({ domains: ["house.example"], exceptOwners: [chief.person] }), "200");
  assert.equal(await inOrg(early), "403 provider.required", "a password is not enough");
  const question = await visitor.get<Asked>("/v1/sessions/passkey-options");
  device.counter += 1;
  const glass = new CookieBrowser(platform);
  await glass.good("POST", "/v1/sessions", { passkey: device.show({ ...question, rpId: "localhost" }) });
  assert.equal(await inOrg(glass), "200");
  await owner.asks.patch(`/v1/members/${chief.person}`, { role: "administrator" });
  assert.equal(await inOrg(glass), "403 provider.required", "as an owner alone");
});

test("the record is looked for each day: for a week of answers without it the organisation is warned, then the domain is its own no more, and no silence ends it", async () => {
  await prove();
  const bound = await member("week@house.example");
  assert.equal(await demand({ domains: ["house.example"] }), "200");
  const texts = zone.get(record("house.example")) ?? [];
  zone.set(record("house.example"), failing);
  const told = async (what: string) => (await owner.audited(provider.id)).filter((entry) => entry.what === what).length;
  /** Another day, and the round that comes then. */
  const passes = async () => {
    const looked = () => house.names.asked.filter((asked) => asked === record("house.example")).length;
    const before = looked();
    clock.set(clock.now() + day);
    await comesTrue(async () => looked() > before);
    owner = await signedIn(owner.org);
  };
  for (let days = 0; days < 2; days += 1) await passes();
  assert.equal(await told("domain.missing"), 0, "a name server that fails says nothing of it");
  assert.equal((await domain())?.isDemanded, true);
  zone.delete(record("house.example"));
  await passes();
  await comesTrue(async () => (await told("domain.missing")) === 1);
  const { lapsesAt = "" } = (await domain()) ?? {};
  assert.equal(Date.parse(lapsesAt) > clock.now() + 6 * day, true);
  assert.equal((await domain())?.isDemanded, true);
  zone.set(record("house.example"), texts);
  await passes();
  await comesTrue(async () => (await domain())?.lapsesAt === undefined);
  zone.delete(record("house.example"));
  for (let days = 0; days < 7; days += 1) await passes();
  await comesTrue(async () => (await told("domain.missing")) === 2);
  assert.equal(await told("domain.lapsed"), 0);
  assert.equal((await domain())?.isDemanded, true);
  await passes();
  await comesTrue(async () => (await told("domain.lapsed")) === 1);
  assert.deepEqual([(await domain())?.proof, (await domain())?.isDemanded], ["none", false]);
  await signedIn(owner.org, bound.email); // by her password again
  zone.set(record("house.example"), texts);
  await passes();
  await comesTrue(async () => (await domain())?.proof === "dns");
  assert.equal((await domain())?.isDemanded, false, "nobody demanded it anew");
});

/** Time passes until it is so, a minute at once. */
async function comesTrue(is: () => Promise<boolean>, atOnce = 60_000): Promise<void> {
  for (let turns = 0; turns < 500; turns += 1) {
    if (await is()) return;
    clock.move(atOnce);
    await visitor.anew().get("/healthz");
  }
  assert.fail("it never came");
}

async function signedIn(org: string, email = "owner@example.com"): Promise<Owner> {
  const anew = visitor.anew();
  const { token, person } = await anew.post<{ token: string; person: string }>("/v1/sign-in", { email, password, org });
  return new Owner(visitor.anew(), { org, person, token });
}

test("the administrator of the instance says whose a domain is, and that it is somebody's no more; nobody else does", async () => {
  await prove();
  const at = `/v1/orgs/${other.org}/domains/approved.example`;
  const they = await signedIn(other.org);
  const [one] = (await they.asks.get<{ items: { id: string }[] }>("/v1/providers")).items;
  const theirs = `/v1/providers/${one?.id}`;
  assert.equal(await codeOf(owner.asks.send("PUT", at)), "404 domain.unknown", "they did not say that it is theirs");
  await they.asks.post(`${theirs}/domains`, { domain: "approved.example" });
  patiently();
  const boss = await owner.member({ email: "boss@elsewhere.example", password }, "owner");
  for (const method of ["PUT", "DELETE"])
    assert.equal(await codeOf(visitor.as(boss.token).send(method, at)), "403 permit.missing");
  assert.equal(await codeOf(owner.asks.send("PUT", at)), "200");
  assert.equal((await domain("approved.example", they, theirs))?.proof, "administrator");
  assert.equal(await demand({ domains: ["approved.example"] }, they.asks), "200");
  clock.set(clock.now() + 30 * day);
  for (let hours = 0; hours < 3; hours += 1) clock.move(3_600_000);
  owner = await signedIn(owner.org);
  assert.equal(
    (await domain("approved.example", await signedIn(other.org), theirs))?.isDemanded,
    true,
    "nobody looks for a record",
  );
  assert.equal(await codeOf(owner.asks.send("DELETE", at)), "200");
  const now = await signedIn(other.org);
  const after = await domain("approved.example", now, theirs);
  assert.deepEqual([after?.proof, after?.isDemanded], ["none", false]);
  assert.ok((await now.audited()).some(({ what }) => what === "domain.withdrawn"));
});
